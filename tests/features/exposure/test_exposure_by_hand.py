"""Whose money a wallet holds, drawn by hand: each small case asked of the package and of its oracle.

The thief emits "theft": what it sends is stolen money, one hop away. `tainted` is how much of what a wallet received was that,
`held` how much it still has, `hops` how far the money had come on average. All days are in March 2021, amounts in ETH.
"""

import math

import pandas as pd
import pytest
from oracles.exposure import Exposure, Label, active, by_package, exposure, groups
from samples.small_ledger import transfers_from_lines

THIEF = {"theft": ["thief"]}
METHODS = ["haircut", "fifo", "poison"]


@pytest.fixture(params=[exposure, by_package], ids=["oracle", "package"])
def ask(request):
    """`exposure` of drawn lines, by either."""

    def ask(lines: str, *args, **options) -> Exposure:
        table = transfers_from_lines(lines)
        return request.param(table.assign(timestamp=pd.to_datetime(table["timestamp"])), *args, **options)

    return ask


def assert_pair(got: Exposure, wallet: str, asset: str = "ETH", column: str = "theft", **expected: float) -> None:
    """What the pair has of one column: received, tainted, direct, hops (mean), balance, held."""
    pair = got.pairs[wallet, asset]
    tainted = pair.tainted[column]
    found = {"received": pair.received, "balance": pair.balance, "tainted": tainted, "direct": pair.direct[column]}
    found |= {"held": pair.held[column], "hops": pair.hop_moment[column] / tainted if tainted else math.nan}
    found = {what: float(found[what]) for what in expected}
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def assert_totals(got: Exposure, column: str = "theft", **expected: float) -> None:
    totals = {"entered": got.entered, "absorbed": got.absorbed, "returned": got.returned}
    found = {what: float(got.held(column) if what == "held" else totals[what][column]) for what in expected}
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def at(day: str, time: str = "00:00:00") -> int:
    """That moment in March 2021, in unix seconds."""
    return int(pd.Timestamp(f"2021-03-{day}T{time}Z").timestamp())


RELAY = """
    01 10:00:00 victim thief 100
    01 11:00:00 thief relay 100
    01 12:00:00 relay exchange 99
    01 13:00:00 exchange stranger 50
    """


@pytest.mark.parametrize("method", METHODS)
def test_theft_over_a_relay_to_an_exchange(ask, method):
    """The exchange has stolen money, two hops from the thief; who withdraws there has none of it: it holds everyone's."""
    got = ask(RELAY, THIEF, ["exchange"], method=method)
    assert_pair(got, "relay", received=100, tainted=100, direct=100, hops=1, balance=1, held=1)
    assert_pair(got, "exchange", received=99, tainted=99, direct=0, hops=2, balance=0, held=0)
    assert_pair(got, "stranger", received=50, tainted=0, direct=0, held=0)
    assert_pair(got, "thief", received=100, tainted=0, held=0, balance=0)  # of its own it needs no taint
    assert_totals(got, entered=100, held=1, absorbed=99, returned=0)


def test_only_what_came_before_the_date_counts(ask):
    """As of noon the relay has sent nothing: a transfer at that very second is not before it."""
    got = ask(RELAY, THIEF, ["exchange"], at("01", "12:00:00"))
    assert_pair(got, "relay", tainted=100, balance=100, held=100)
    assert_totals(got, entered=100, held=100, absorbed=0)
    later = ask(RELAY, THIEF, ["exchange"], at("01", "12:00:01"))
    assert_pair(later, "exchange", tainted=99)


def test_peel_chain(ask):
    """Each step peels 10 off and sends on the rest: the till is two hops from the thief, then three, then four."""
    lines = """
        01 10:00:00 thief p1 100
        01 10:10:00 p1 till 10
        01 10:11:00 p1 p2 90
        01 10:20:00 p2 till 10
        01 10:21:00 p2 p3 80
        01 10:30:00 p3 till 10
        """
    got = ask(lines, THIEF)
    assert_pair(got, "till", received=30, tainted=30, direct=0, held=30, hops=(10 * 2 + 10 * 3 + 10 * 4) / 30)
    assert_pair(got, "p3", received=80, hops=3, balance=70, held=70)
    assert_pair(got, "p1", balance=0, held=0)
    till = got.pairs["till", "ETH"]
    assert (till.first["theft"], till.last["theft"]) == (at("01", "10:10:00"), at("01", "10:30:00"))


def test_mixer_absorbs(ask):
    """The trail ends in the mixer; who takes out has mixed money, but not this thief's."""
    lines = """
        01 10:00:00 thief mixer 100
        01 12:00:00 mixer fresh 100
        01 13:00:00 fresh shop 100
        """
    got = ask(lines, {"theft": ["thief"], "mixer": ["mixer"]}, ["mixer"])
    assert_totals(got, entered=100, absorbed=100, held=0)
    assert_pair(got, "mixer", tainted=100, direct=100, balance=0)
    assert_pair(got, "fresh", tainted=0, direct=0)
    assert_pair(got, "fresh", column="mixer", tainted=100, direct=100, hops=1)
    assert_pair(got, "shop", column="mixer", tainted=100, direct=0, hops=2, held=100)
    assert_totals(got, column="mixer", entered=100, held=100, absorbed=0)


def test_two_thefts_converge(ask):
    """30 of one theft and 10 of another in one wallet: of 20 sent on, 15 and 5; of 40 in all, nothing else."""
    lines = """
        01 10:00:00 first pot 30
        02 10:00:00 second pot 10
        03 10:00:00 pot end 20
        """
    got = ask(lines, {"a": ["first"], "b": ["second"]})
    assert_pair(got, "end", column="a", received=20, tainted=15, direct=0, hops=2, held=15)
    assert_pair(got, "end", column="b", received=20, tainted=5, direct=0, hops=2, held=5)
    assert_pair(got, "pot", column="b", tainted=10, direct=10, balance=20, held=5)


COMMINGLED = """
    01 10:00:00 user w 100
    01 11:00:00 thief w 100
    01 12:00:00 w a 50
    01 13:00:00 user w 150
    01 14:00:00 w b 100
    """


def test_commingling_halves_the_share(ask):
    """100 of 200 are stolen: 25 of the 50 sent. 75 of 150 are left; 150 more come, 75 of 300 are a quarter: 25 of 100."""
    got = ask(COMMINGLED, THIEF)
    assert_pair(got, "a", received=50, tainted=25, direct=0)
    assert_pair(got, "b", received=100, tainted=25, hops=2)
    assert_pair(got, "w", received=350, tainted=100, direct=100, balance=200, held=50)
    assert_totals(got, entered=100, held=100)


def test_who_sends_more_than_came_in_sends_its_own(ask):
    """10 came from the thief, 40 leave: of where the other 30 came from, nothing is known. Then nothing is left to taint."""
    lines = """
        01 10:00:00 thief w 10
        01 11:00:00 w a 40
        01 12:00:00 w b 5
        """
    got = ask(lines, THIEF)
    assert_pair(got, "a", received=40, tainted=10, hops=2)
    assert_pair(got, "b", received=5, tainted=0)
    assert_pair(got, "w", balance=0, held=0)


ONE_CASE = """
    01 10:00:00 user w 60
    01 11:00:00 thief w 40
    01 12:00:00 w a 30
    01 13:00:00 w b 30
    01 14:00:00 w c 40
    """


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("haircut", [12, 12, 16]),  # two fifths of whatever is sent
        ("fifo", [0, 0, 40]),  # the 60 of the user came first and are spent first
        ("poison", [30, 30, 0]),  # all that is sent, while any of the 40 is left: 10 after a, none after b
    ],
)
def test_three_methods_on_one_case(ask, method, expected):
    got = ask(ONE_CASE, THIEF, method=method)
    assert [float(got.pairs[wallet, "ETH"].tainted["theft"]) for wallet in "abc"] == pytest.approx(expected)
    assert_pair(got, "w", tainted=40, balance=0, held=0)


def test_first_in_first_out_takes_part_of_a_lot(ask):
    """Lots of 10 stolen and 30 clean. a: 4 of the first lot. b: the other 6 and 14 clean ones, as one lot of 20 with 6 stolen.

    Of that lot c takes 5: 6 · 5/20 = 1.5, three hops from the thief; a fourth hop would be 4.5 + 1.5.
    """
    lines = """
        01 10:00:00 thief w 10
        01 10:30:00 user w 30
        01 11:00:00 w a 4
        01 12:00:00 w b 20
        01 13:00:00 b c 5
        """
    got = ask(lines, THIEF, method="fifo")
    assert_pair(got, "a", tainted=4, hops=2)
    assert_pair(got, "b", tainted=6, hops=2, balance=15, held=4.5)
    assert_pair(got, "c", tainted=1.5, hops=3, held=1.5)
    assert_pair(got, "w", balance=16, held=0)


def test_hops_are_a_mean_by_value(ask):
    """w has 10 straight from the thief and 30 over a relay: (10·1 + 30·2) ÷ 40 = 1.75 hops; one more where it goes."""
    lines = """
        01 10:00:00 thief w 10
        01 10:00:00 thief relay 30
        01 11:00:00 relay w 30
        01 12:00:00 w end 20
        """
    got = ask(lines, THIEF)
    assert_pair(got, "w", received=40, tainted=40, direct=10, hops=1.75, held=20)
    assert_pair(got, "end", tainted=20, hops=2.75)


def test_a_source_has_its_own_money_back(ask):
    """What returns to the thief is not counted against it twice; money of another theft it holds like anyone."""
    lines = """
        01 10:00:00 thief a 10
        01 11:00:00 a thief 4
        01 12:00:00 other thief 4
        01 13:00:00 thief b 2
        """
    got = ask(lines, {"theft": ["thief"], "other": ["other"]})
    assert_totals(got, entered=12, returned=4, held=8)
    assert_pair(got, "thief", received=8, tainted=4, hops=2, balance=6, held=0)
    assert_pair(got, "b", tainted=2, direct=2, hops=1)
    # The thief held 4 + 4, half of it of the other theft, and sent 2.
    assert_pair(got, "b", column="other", tainted=1, direct=0, hops=2)
    assert_pair(got, "thief", column="other", tainted=4, direct=4, held=3)


def test_columns_and_assets_are_told_apart(ask):
    """A wallet that emits two columns taints twice, in the asset that it sent."""
    lines = """
        01 10:00:00 thief w 10
        01 11:00:00 user w 500 asset=USDT
        01 12:00:00 w a 500 asset=USDT
        """
    got = ask(lines, {"theft": ["thief"], "sanctioned": ["thief"]})
    assert_pair(got, "w", column="theft", tainted=10, direct=10, held=10)
    assert_pair(got, "w", column="sanctioned", tainted=10, direct=10, held=10)
    assert_pair(got, "a", "USDT", received=500, tainted=0)


def test_within_a_second_money_goes_the_way_it_can(ask):
    """Written smallest first, the last step stands first; it waits for what fills its sender."""
    lines = """
        01 10:00:00 b c 8
        01 10:00:00 a b 9
        01 10:00:00 thief a 10
        """
    got = ask(lines, THIEF)
    assert_pair(got, "c", tainted=8, hops=3)
    assert_totals(got, entered=10, held=10)


def test_a_circle_within_a_second_begins_where_the_ledger_does(ask):
    """a and b wait for each other. The ledger has the smaller first: b sends 3 of nothing known, then a 5 of 3 + 10: 50/13."""
    lines = """
        01 10:00:00 b a 3
        01 10:00:00 a b 5
        01 10:00:00 b end 6
        01 10:00:00 thief a 10
        """
    got = ask(lines, THIEF)
    assert_pair(got, "a", received=13, tainted=10, balance=8, held=10 * 8 / 13)
    assert_pair(got, "b", received=5, tainted=50 / 13, hops=2, held=0)
    assert_pair(got, "end", received=6, tainted=50 / 13, hops=3)


def test_nothing_and_oneself_move_nothing(ask):
    """A transfer of zero reaches nobody, and one to oneself neither spends nor receives."""
    lines = """
        01 10:00:00 thief w 10
        01 11:00:00 thief stranger 0
        01 12:00:00 w w 7
        01 13:00:00 w end 5
        01 13:00:00 user stranger 1
        """
    got = ask(lines, THIEF)
    assert_pair(got, "w", received=10, tainted=10, direct=10, balance=5, held=5, hops=1)
    assert_pair(got, "stranger", received=1, tainted=0, direct=0)
    assert "theft" not in got.pairs["stranger", "ETH"].first


DESTINATION = """
    01 10:00:00 user deposit 40
    01 11:00:00 user friend 60
    01 12:00:00 deposit exchange 40
    01 13:00:00 user deposit 5
    """


@pytest.mark.parametrize("method", METHODS)
def test_destinations_are_sources_read_backwards(ask, method):
    """Of the 105 that the user sent, 40 end at the exchange, over a deposit address; the 5 are still where they were sent."""
    got = ask(DESTINATION, {"exchange": ["exchange"]}, direction="out", method=method)
    assert_pair(got, "deposit", column="exchange", received=40, tainted=40, direct=40, hops=1)
    assert_pair(got, "user", column="exchange", received=105, tainted=40, direct=0, hops=2)
    assert_totals(got, column="exchange", entered=40, held=40)
    user = got.pairs["user", "ETH"]
    assert (user.first["exchange"], user.last["exchange"]) == (at("01", "10:00:00"), at("01", "10:00:00"))


def test_destinations_of_before_the_date_only(ask):
    """As of noon nothing had reached the exchange; nobody could know where the money would go."""
    got = ask(DESTINATION, {"exchange": ["exchange"]}, (), at("01", "12:00:00"), direction="out")
    assert_pair(got, "user", column="exchange", received=100, tainted=0)


def test_destinations_are_shared_by_those_who_paid_in(ask):
    """a and b pay 30 and 10 into one pot, from which 20 go to the exchange and 20 elsewhere: 15 of a's, 5 of b's.

    Backwards: the pot gets 20 from elsewhere, then 20 of the exchange; it pays half-and-half money to b, then to a.
    """
    lines = """
        01 10:00:00 a pot 30
        01 11:00:00 b pot 10
        01 12:00:00 pot exchange 20
        01 13:00:00 pot elsewhere 20
        """
    got = ask(lines, {"exchange": ["exchange"]}, direction="out")
    assert_pair(got, "a", column="exchange", received=30, tainted=15, hops=2)
    assert_pair(got, "b", column="exchange", received=10, tainted=5, hops=2)
    assert_pair(got, "pot", column="exchange", received=40, tainted=20, direct=20, balance=0, held=0)


def test_money_sent_into_a_mixer_is_not_followed_further(ask):
    """The service absorbs on the way back, too: a client of the mixer has no destination behind it."""
    lines = """
        01 10:00:00 user mixer 10
        01 11:00:00 mixer market 10
        """
    got = ask(lines, {"darknet": ["market"], "mixer": ["mixer"]}, ["mixer"], direction="out")
    assert_pair(got, "user", column="darknet", received=10, tainted=0)
    assert_pair(got, "user", column="mixer", tainted=10, direct=10)
    assert_totals(got, column="darknet", entered=10, absorbed=10, held=0)


SWAP = """
    01 10:00:00 thief w 10
    01 11:00:00 user w 10
    01 12:00:00 w pool 10 tx_id=swap
    01 12:00:00 pool w 20000 asset=USDT tx_id=swap
    01 13:00:00 w end 5000 asset=USDT
    """


def test_a_swap_carries_taint(ask):
    """Half of the ETH sold was stolen, so half of the dollars are, as many hops from the thief: a swap brings nobody nearer."""
    got = ask(SWAP, THIEF, swaps=True)
    assert_pair(got, "w", "USDT", received=20_000, tainted=10_000, direct=0, hops=1, balance=15_000, held=7_500)
    assert_pair(got, "end", "USDT", received=5_000, tainted=2_500, hops=2)
    assert_pair(got, "w", balance=10, held=5)
    without = ask(SWAP, THIEF, swaps=False)
    assert_pair(without, "w", "USDT", received=20_000, tainted=0, held=0)


def test_a_swap_is_one_where_the_pool_pays_first_or_something_is_given_back(ask):
    """In whatever order the legs stand in the ledger; what is given back of the asset sold is a purchase of nothing."""
    paid_first = """
        01 10:00:00 thief w 100
        01 12:00:00 pool w 2 asset=BTC tx_id=swap
        01 12:00:00 w pool 50 tx_id=swap
        """
    assert_pair(ask(paid_first, THIEF, swaps=True), "w", "BTC", tainted=2, hops=1, held=2)
    back = """
        01 10:00:00 thief w 100
        01 12:00:00 w pool 50 tx_id=swap
        01 12:00:00 pool w 20 tx_id=swap
        """
    assert_pair(ask(back, THIEF, swaps=True), "w", received=120, direct=100)


def test_a_swap_washes_nothing(ask):
    """A helper returns worthless tokens for the loot in one transaction: the loot stays what it is, and so do the tokens."""
    lines = """
        01 10:00:00 loot thief 100
        01 12:00:00 thief helper 100 tx_id=swap
        01 12:00:00 helper thief 1 asset=JUNK tx_id=swap
        """
    got = ask(lines, THIEF, swaps=True)
    assert_pair(got, "helper", received=100, tainted=100, direct=100, hops=1, held=100)


LABELS = [
    Label("thief", "theft", at("01")),
    Label("exchange", "exchange", at("05")),
    Label("exchange", "sanctioned", at("08"), at("20")),
    Label("stranger", "sanctioned", None),
]
"""Who was known to be what, from when on, until when: the last is undated, so that no day may use it."""


@pytest.mark.parametrize(
    ("day", "theft", "sanctioned"),
    [
        ("01", 0, 0),  # as of the first second of a label's first day it is not yet known
        ("02", 50, 0),  # a thief is known; that half the world uses the next wallet is not
        ("05", 50, 0),
        ("06", 0, 0),  # it is an exchange, for all transfers before the date, those of before the label too
        ("09", 0, 50),  # the exchange is listed
        ("20", 0, 0),  # and delisted
    ],
)
def test_a_label_counts_from_the_day_it_is_known_until_it_is_withdrawn(ask, day, theft, sanctioned):
    known = active(LABELS, at(day))
    services = [label.wallet for label in known if label.category == "exchange"]
    columns = {"theft": [], "sanctioned": []} | groups(known)
    got = ask("28 00:00:00 x y 1\n" + RELAY, columns, services, at("20"))
    assert_pair(got, "stranger", column="theft", received=50, tainted=theft)
    assert_pair(got, "stranger", column="sanctioned", received=50, tainted=sanctioned)
