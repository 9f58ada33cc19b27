"""Thefts followed, drawn by hand: where the loot goes, how far, how fast, and what of it rests; and what holds on any chain.

All days are in March 2021. The thief is the seed from the 1st on unless a test says otherwise.
"""

import json

import numpy as np
import pandas as pd
import pytest
from samples.small_ledger import transfers_from_lines

from walletprint.features import Ledger
from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.cases import Trace, case_summary, read_cases, trace
from walletprint.features.cases.case_list import Case
from walletprint.features.cases.loot_kernel import HELD, HELD_WORTH, IN, IN_HOPS, IN_WORTH, STOLEN, STOLEN_WORTH
from walletprint.features.cases.loot_pass import follow_loot
from walletprint.features.cases.services import SERVICE_KINDS, wallet_categories
from walletprint.features.exposure import TaintSources, taint
from walletprint.features.labels import read_labels

SPLIT = """
    01 10:00:00 victim thief 100 usd=1000
    01 11:00:00 thief one 60 usd=600
    01 11:30:00 clean one 60 usd=600
    01 12:00:00 one exchange 80 usd=1600
    02 10:00:00 thief two 30 usd=300
    02 11:00:00 two mixer 30 usd=600
    03 10:00:00 exchange stranger 50 usd=1000
    """
"""100 ETH worth $ 1,000 are stolen. `one` holds 60 stolen and 60 clean: of the 80 it sends 40 are loot, worth $ 800 by then.
10 rest with the thief, 20 with `one`, 30 go through a mixer; what the exchange pays out is its own."""


def labelled(known_from: str = "2020-01-01", **categories: str) -> pd.DataFrame:
    rows = [{"address": name, "category": category, "known_from": known_from} for name, category in categories.items()]
    return read_labels(pd.DataFrame(rows)).good


def case_of(*seeds: str, date: str = "2021-03-01", id: str = "heist") -> Case:
    return read_cases(pd.DataFrame({"case": id, "address": list(seeds), "date": date})).select(None)


def followed(lines: str, labels: pd.DataFrame | None = None, case: Case | None = None, **options) -> Trace:
    return trace(Ledger.from_transfers(transfers_from_lines(lines)), case or case_of("thief"), labels, **options)


def summary(found: Trace) -> dict:
    return found.summary.iloc[0].to_dict()


def by(table: pd.DataFrame, *keys: str) -> dict:
    return table.set_index(list(keys)).to_dict("index")


SERVICES = labelled(exchange="exchange", mixer="mixer", dex="dex", bridge="bridge", desk="otc")


def test_where_the_loot_goes_and_what_rests():
    found = followed(SPLIT, SERVICES)
    told = summary(found)
    shares = {name: told[f"{name}_share"] for name in SERVICE_KINDS}
    assert shares == pytest.approx({"mixer": 0.3, "bridge": 0, "exchange": 0.4, "otc": 0, "dex": 0, "other": 0})
    assert told["stolen_usd"] == 1000
    assert told["unlaundered_share"] == pytest.approx(0.3)
    assert told["unlaundered_stolen_usd"] == pytest.approx(300)
    assert json.loads(told["unlaundered_by_asset"]) == {"ETH": 30}
    assert told["wallets_reached"] == 4  # one, two, exchange, mixer
    assert told["services_reached"] == 2
    resting = by(found.resting, "address")
    assert [resting[name]["held"] for name in ("one", "thief")] == [pytest.approx(20), pytest.approx(10)]
    assert list(found.resting["address"]) == ["one", "thief"]
    assert resting["one"]["held_usd"] == pytest.approx(20 * 20)  # the last day's transfers pay 20 $ an ETH


def test_the_worth_when_stolen_and_the_worth_when_sent():
    through = by(followed(SPLIT, SERVICES).through, "service")
    assert through["exchange"]["stolen_usd"] == pytest.approx(400)
    assert through["exchange"]["usd"] == pytest.approx(800)
    assert through["mixer"]["usd"] == pytest.approx(600)
    assert through["mixer"]["tainted"] == pytest.approx(30)


def test_hops_and_days():
    found = followed(SPLIT, SERVICES)
    hops, days = by(found.hops, "hop"), by(found.days, "day")
    assert [(hop["wallets"], hop["services"], hop["transfers"]) for hop in hops.values()] == [(2, 0, 2), (2, 2, 2)]
    assert [hop["tainted"] for hop in hops.values()] == [pytest.approx(90), pytest.approx(70)]
    assert [day["wallets"] for day in days.values()] == [2, 2]
    assert [day["loot_share"] for day in days.values()] == [pytest.approx(1.0), pytest.approx(0.6)]
    wallets = by(found.wallets, "address")
    assert {name: wallets[name]["hop"] for name in wallets} == {
        "thief": 0,
        "one": 1,
        "two": 1,
        "exchange": 2,
        "mixer": 2,
    }
    assert wallets["one"]["tainted_share"] == pytest.approx(0.5)
    assert wallets["one"]["first"] == pd.Timestamp("2021-03-01T11:00:00Z")


def test_depth_and_pace():
    told = summary(followed(SPLIT, SERVICES))
    # 40 and 30 end after two hops, 20 rest after one, 10 after none: 160 ÷ 100
    assert told["layering_depth"] == pytest.approx(1.6)
    assert told["hops_to_a_service"] == 2
    # `one` and `two`, the second of them a day after the theft
    assert told["intermediaries"] == 2
    assert told["intermediaries_an_hour"] == pytest.approx(2 / 24)
    assert told["intermediaries_first_day"] == 1


def test_a_way_back_to_fewer_hops_counts_and_the_mean_is_of_what_came():
    found = followed("""
        01 10:00:00 victim thief 100
        01 11:00:00 thief one 50
        01 12:00:00 one two 50
        01 13:00:00 thief two 50
        """)
    two = by(found.wallets, "address")["two"]
    assert (two["hop"], two["mean_hops"]) == (1, 1.5)


def test_what_was_there_before_the_date_is_no_loot():
    found = followed(
        """
        01 10:00:00 other thief 10
        02 10:00:00 victim thief 30
        02 11:00:00 thief one 20
        """,
        case=case_of("thief", date="2021-03-02"),
    )
    told = summary(found)
    assert json.loads(told["stolen_by_asset"]) == {"ETH": 30}
    # 30 of the 40 are loot, so 15 of the 20
    assert by(found.wallets, "address")["one"]["tainted"] == pytest.approx(15)


def test_what_a_seed_sends_unseen_was_stolen_too():
    told = summary(found := followed("01 10:00:00 thief one 25\n01 11:00:00 one exchange 25", SERVICES))
    assert json.loads(told["stolen_by_asset"]) == json.loads(told["unseen_by_asset"]) == {"ETH": 25}
    assert told["exchange_share"] == 1
    assert list(found.flows["kind"]) == ["unseen", "moved", "absorbed"]


def test_what_comes_back_is_not_stolen_twice():
    found = followed("""
        01 10:00:00 victim thief 100
        01 11:00:00 thief one 60
        01 12:00:00 one thief 60
        01 13:00:00 thief two 100
        """)
    assert json.loads(summary(found)["stolen_by_asset"]) == {"ETH": 100}
    assert list(found.flows["kind"]) == ["stolen", "moved", "returned", "moved"]
    two = by(found.wallets, "address")["two"]
    assert (two["held"], two["hop"], two["mean_hops"]) == (100, 1, 1)


SWAP = """
    01 10:00:00 victim thief 100 asset=GOV usd=600
    01 11:00:00 thief dex 100 asset=GOV tx_id=swap usd=600
    01 11:00:00 dex thief 2 asset=ETH tx_id=swap usd=594
    01 12:00:00 thief exchange 2 asset=ETH usd=800
    """
"""A swap brings back 99 % of what it took; the rest is the exchange's fee."""


def test_a_swap_is_followed_and_only_its_cost_stays():
    found = followed(SWAP, SERVICES)
    told, through = summary(found), by(found.through, "service", "asset")
    assert told["dex_share"] == pytest.approx(1)
    assert told["exchange_share"] == pytest.approx(0.99)
    assert told["unlaundered_share"] == pytest.approx(0, abs=1e-12)
    assert through["dex", "GOV"]["came_back"] == 100
    assert through["dex", "GOV"]["came_back_stolen_usd"] == pytest.approx(594)
    assert through["exchange", "ETH"]["stolen_usd"] == pytest.approx(594)
    assert through["exchange", "ETH"]["usd"] == pytest.approx(800)
    assert "swapped_in" in set(found.flows["kind"])
    # the exchange is one hop from the thief, who is the owner before and after the swap
    assert by(found.wallets, "address", "asset")["exchange", "ETH"]["hop"] == 1


def test_without_prices_one_asset_is_measured_by_its_units_and_money_is_null():
    told = summary(followed(SPLIT.replace(" usd=", " unit="), SERVICES))
    assert told["measure"] == "ETH"
    assert told["unpriced_thefts"] == 1
    assert told["mixer_share"] == pytest.approx(0.3)
    assert np.isnan(told["stolen_usd"])
    assert np.isnan(told["unlaundered_stolen_usd"])


def test_without_prices_two_assets_have_no_common_measure():
    told = summary(followed(SWAP.replace(" usd=", " unit="), SERVICES))
    assert pd.isna(told["measure"])
    assert np.isnan(told["exchange_share"])
    assert json.loads(told["stolen_by_asset"]) == {"GOV": 100}


def test_labels_count_once_they_are_known():
    late = labelled("2021-03-02", mixer="mixer", exchange="exchange")
    assert summary(followed(SPLIT, late, as_of="2021-03-02"))["exchange_share"] == 0
    assert summary(followed(SPLIT, late, as_of="2021-03-04"))["exchange_share"] == pytest.approx(0.4)


def test_later_transfers_change_nothing():
    early = followed("\n".join(SPLIT.splitlines()[:5]), SERVICES, as_of="2021-03-02")
    late = followed(SPLIT, SERVICES, as_of="2021-03-02")
    for name, table in early.tables().items():
        pd.testing.assert_frame_equal(table, late.tables()[name])


def test_no_further_than_asked():
    found = followed(SPLIT, max_hops=1)
    assert set(found.wallets["address"]) == {"thief", "one", "two"}
    assert summary(found)["unlaundered_share"] == pytest.approx(1)


def test_a_service_of_several_categories_and_a_seed_that_is_one():
    ledger = Ledger.from_transfers(transfers_from_lines(SPLIT))
    both = pd.concat([labelled(mixer="sanctioned", one="user"), labelled(mixer="mixer", thief="exchange")])
    told = summary(trace(ledger, case_of("thief"), both))
    assert told["mixer_share"] == pytest.approx(0.3)
    number = wallet_categories(ledger, both, ledger.end)[ledger.ids(["mixer"])[0]]
    assert number == wallet_categories(ledger, labelled(mixer="mixer"), ledger.end)[ledger.ids(["mixer"])[0]]


def test_more_wallets_than_there_was_room_for():
    lines = ["01 10:00:00 victim thief 3000"]
    lines += [f"02 {k // 60 % 24:02d}:{k % 60:02d}:{k // 1440:02d} thief w{k} 1" for k in range(3000)]
    found = followed("\n".join(lines))
    assert len(found.flows) == 3001
    assert found.wallets["held"].sum() == pytest.approx(3000)
    assert by(found.hops, "hop")[1]["wallets"] == 3000


CASES = """
    01 10:00:00 victim thief 100 usd=1000
    01 10:00:00 victim robber 10 usd=100
    02 10:00:00 thief mixer 75 usd=750
    03 10:00:00 robber desk 10 usd=100
    05 10:00:00 bank burglar 7 asset=GOV
    """


def figures(as_of: str | None = None) -> tuple[dict, dict]:
    cases = [case_of("thief"), case_of("robber", id="robbery"), case_of("burglar", date="2021-03-05", id="burglary")]
    by_case, by_year = case_summary(Ledger.from_transfers(transfers_from_lines(CASES)), cases, SERVICES, as_of)
    return by(by_case, "case"), by(by_year, "year")


def test_a_row_a_case():
    rows, _ = figures("2021-03-11")
    assert list(rows) == ["heist", "robbery", "burglary"]
    heist, robbery, burglary = rows.values()
    assert (heist["stolen_usd"], heist["mixer_share"], heist["unlaundered_stolen_usd"]) == (1000, 0.75, 250)
    assert heist["unlaundered_usd"] == pytest.approx(250)
    assert heist["age_days"] == pytest.approx(9 + 14 / 24)
    assert (robbery["otc_share"], robbery["unlaundered_share"]) == (1, 0)
    assert np.isnan(robbery["age_days"])
    assert np.isnan(burglary["stolen_usd"])
    assert np.isnan(burglary["unlaundered_usd"])
    assert (burglary["unpriced_thefts"], burglary["unpriced_rests"], burglary["measure"]) == (1, 1, "GOV")
    assert json.loads(burglary["unlaundered_by_asset"]) == {"GOV": 7}


def test_a_row_a_year():
    _, years = figures("2021-03-11")
    assert list(years) == ["2021", "all"]
    year = years["2021"]
    assert year == years["all"]
    assert (year["attacks"], year["attacks_unpriced"], year["attacks_unlaundered"]) == (3, 1, 2)
    assert (year["stolen_usd"], year["unlaundered_stolen_usd"]) == (1100, 250)
    assert year["mixer_share"] == pytest.approx(750 / 1100)
    assert year["age_days_oldest"] == pytest.approx(9 + 14 / 24)


def test_cases_that_had_not_begun_are_left_out():
    rows, years = figures("2021-03-02")
    assert list(rows) == ["heist", "robbery"]
    assert rows["heist"]["unlaundered_share"] == 1
    assert years["all"]["attacks"] == 2


def test_more_cases_than_go_in_one_pass_say_what_each_alone_does():
    line = "01 10:00:00 victim t{0} {1} usd={1}\n02 1{2}:00:00 t{0} t{3} {4} usd=1\n03 10:00:0{2} t{0} mixer {5} usd=1"
    each = [line.format(k, k + 1, k % 10, (k + 3) % 19, (k + 1) / 2, (k + 1) / 4) for k in range(19)]
    lines = "\n".join(each)
    ledger = Ledger.from_transfers(transfers_from_lines(lines))
    cases = [case_of(f"t{k}", id=f"c{k:02d}") for k in range(19)]
    together, _ = case_summary(ledger, cases, SERVICES)
    for k, case in enumerate(cases):
        alone, _ = case_summary(ledger, [case], SERVICES)
        pd.testing.assert_frame_equal(alone, together.iloc[[k]].reset_index(drop=True))


def some_chain(seed: int) -> Ledger:
    """Forty transfers among eight wallets within twenty seconds, in three assets, several a transaction."""
    rng, n = np.random.default_rng(seed), 40
    table = pd.DataFrame({
        "timestamp": pd.to_datetime(1_600_000_000 + rng.integers(0, 20, n), unit="s", utc=True),
        "sender": [f"w{k}" for k in rng.integers(0, 8, n)], "receiver": [f"w{k}" for k in rng.integers(0, 8, n)],
        "amount": rng.integers(1, 9, n).astype(float), "asset": rng.choice(["A", "B", "C"], n),
        "tx_id": [f"t{k}" for k in rng.integers(0, 15, n)],
    })  # fmt: skip
    return Ledger.from_transfers(table.assign(usd=table["amount"] * table["asset"].map({"A": 1.0, "B": 2.0, "C": 3.0})))


@pytest.mark.parametrize("seed", range(40))
def test_taint_is_that_of_exposure_and_worth_is_conserved(seed):
    ledger = some_chain(seed)
    thief, service = ledger.ids(["w0", "w1"])
    absorbs = np.zeros(len(ledger.addresses), bool)
    absorbs[service] = True
    found = follow_loot(ledger, [Case("c", ("w0",), (0,))], absorbs, ledger.end)
    whole = taint(ledger, TaintSources(("c",), np.array([thief]), np.array([0]), absorbs))
    of = {(w, a): k for k, (w, a) in enumerate(zip(whole.wallet, whole.asset, strict=True))}
    places = np.array([of[pair] for pair in zip(found.wallet, found.asset, strict=True)])
    others = found.wallet != thief
    for theirs, ours in (("held", HELD), ("tainted", IN), ("hop_moment", IN_HOPS)):
        expected = getattr(whole, theirs)[places, 0][others]
        np.testing.assert_allclose(found.amounts[others, ours, 0], expected, atol=1e-9)
    assert np.delete(whole.tainted[:, 0], places).sum() == 0
    amounts = found.amounts[:, :, 0]
    absorbed = amounts[absorbs[found.wallet], IN_WORTH].sum()
    assert amounts[:, STOLEN_WORTH].sum() == pytest.approx(amounts[:, HELD_WORTH].sum() + absorbed)


@pytest.mark.parametrize("seed", range(10))
def test_each_asset_is_conserved_where_nothing_is_swapped(seed):
    ledger = some_chain(seed)
    ledger = Ledger.from_transfers(pd.DataFrame({
        "timestamp": pd.to_datetime(ledger.rows.time, unit="s", utc=True), "amount": ledger.rows.amount,
        "sender": ledger.addresses.take(ledger.rows.sender).to_pylist(), "tx_id": [f"t{k}" for k in range(ledger.transfers)],
        "receiver": ledger.addresses.take(ledger.rows.receiver).to_pylist(),
        "asset": ledger.assets.take(ledger.rows.asset).to_pylist(),
    }))  # fmt: skip
    absorbs = np.zeros(len(ledger.addresses), bool)
    absorbs[ledger.ids(["w1"])] = True
    found = follow_loot(ledger, [Case("c", ("w0",), (1_600_000_005,))], absorbs, ledger.end)
    amounts = found.amounts[:, :, 0]
    for asset in range(len(ledger.assets)):
        mine = found.asset == asset
        absorbed = amounts[mine & absorbs[found.wallet], IN].sum()
        assert amounts[mine, STOLEN].sum() == pytest.approx(amounts[mine, HELD].sum() + absorbed)


TRUE_KINDS = {
    "mixer": ["mixed"],
    "bridge": ["crossed"],
    "exchange": ["cashed", "nested"],
    "otc": ["otc"],
    "unlaundered": ["resting"],
}
"""Figures of the case ledger, and the kinds of the simulator's truth that each of them is."""


def test_a_simulated_decade_is_told_as_it_was(tmp_path):
    from walletprint.experiments.simulation import simulate

    made = simulate(tmp_path, "decade", wallets=800, days=1200)
    ledger, labels = Ledger.from_transfers(made.transfers), read_labels(made.labels).good
    traced = case_summary(ledger, read_cases(made.cases).cases, labels)[0].set_index("case")
    truth = pd.read_csv(made.truth_cases, index_col="case").loc[traced.index]
    stolen = truth["stolen_usd"]
    pairs = [(traced["stolen_usd"], stolen)]
    for figure, kinds in TRUE_KINDS.items():
        first_chain = [
            truth[f"{kind}_stolen_usd"] - truth.get(f"second_chain_{kind}_stolen_usd", 0.0) for kind in kinds
        ]
        pairs.append((traced[f"{figure}_stolen_usd"], sum(first_chain)))
    for ours, true in pairs:
        assert ((ours - true).abs() <= 0.02 * stolen).all()
        assert ours.sum() == pytest.approx(true.sum(), rel=0.02)
    assert 0 < (pairs[1][1] == 0).sum() < len(traced)  # thefts that no mixer hides


def test_a_list_of_cases_and_its_bad_rows(tmp_path):
    place = tmp_path / "cases.csv"
    place.write_text(
        "case,address,date,actor\n"
        "b,0xABCDEF0123456789abcdef0123456789ABCDEF01,2021-03-04,Crew\n"
        "b,0xabcdef0123456789abcdef0123456789abcdef01,2021-03-02,Crew\n"
        "a,thief,2021-03-01T12:00:00Z,\n"
        ",thief,2021-03-01,\n"
        "a,,2021-03-01,\n"
        "a,thief,soon,\n"
        "a,thief,,\n"
    )
    read = read_cases(place)
    assert [case.id for case in read.cases] == ["a", "b"]
    assert read.cases[1].seeds == ("0xabcdef0123456789abcdef0123456789abcdef01",)
    assert read.cases[1].date == pd.Timestamp("2021-03-02", tz="UTC")
    assert (read.cases[0].actor, read.cases[1].actor) == (None, "Crew")
    assert read.cases[0].since == (int(pd.Timestamp("2021-03-01T12:00:00Z").timestamp()),)
    assert list(read.bad["row"]) == [4, 5, 6, 7]
    assert read.bad["reason"].tolist() == [
        "case is missing", "address is empty (None)", "date must be a date such as 2021-03-04, not 'soon'", "date is missing",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            {"case": ["a"], "address": ["x"]},
            "cases: column date is missing; a list of cases needs case, address and date",
        ),
        ({"case": ["a"], "address": ["x"], "date": ["soon"]}, "none of the 1 rows is good; row 1: date must be a date"),
        ({"case": [], "address": [], "date": []}, "none of the 0 rows is good"),
    ],
)
def test_a_list_without_a_good_case_is_refused(rows, said):
    with pytest.raises(DataError, match=said):
        read_cases(pd.DataFrame(rows))


def test_a_missing_list_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file"):
        read_cases(tmp_path / "nowhere.csv")


def test_wrong_calls():
    with pytest.raises(UsageError, match="none of its 1 seed addresses has a transfer; the first is nobody"):
        followed(SPLIT, case=case_of("nobody"))
    with pytest.raises(UsageError, match="max_hops: must be at least 1, got 0"):
        followed(SPLIT, max_hops=0)
    with pytest.raises(UsageError, match="as_of: a date such as"):
        followed(SPLIT, as_of="soon")
    with pytest.raises(UsageError, match="cases: two have the id heist"):
        case_summary(Ledger.from_transfers(transfers_from_lines(SPLIT)), [case_of("thief"), case_of("one")], None)
    with pytest.raises(UsageError, match="cases: the list is empty"):
        case_summary(Ledger.from_transfers(transfers_from_lines(SPLIT)), [], None)
    several = read_cases(pd.DataFrame({"case": ["a", "b"], "address": ["x", "y"], "date": "2021-03-01"}))
    with pytest.raises(UsageError, match="name one of several; the list has a, b"):
        several.select(None)
    with pytest.raises(UsageError, match="'c' is not in the list"):
        several.select("c")
