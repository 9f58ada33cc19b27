"""Exposure against its oracle on random small graphs, what it must conserve, and what dust and look-alikes may not move.

Amounts are multiples of 1/64, so that balances are the same in floats as in fractions: a method that asks whether anything
tainted is left (poison) would else hang on a rounding. One test has decimals.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product, starmap
from math import isclose

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles.chain import Chain
from oracles.exposure import Exposure, Label, Pair, by_package, exposure
from oracles.exposure import active as known
from oracles.histories import DAY, START, timestamp
from samples.small_ledger import transfers_from_rows

from walletprint.features import Ledger
from walletprint.features.labels import active

COLUMNS = ["theft", "mixer", "exchange"]
AMOUNTS = [0, 1, 1, 2, 3, 5, 8, 0.5, 1 / 64, 100]
STEPS = [0, 0, 0, 0, 1, 1, 60]
TOTALS = ["entered", "swapped", "absorbed", "returned"]
METHODS = ["haircut", "fifo", "poison"]
DIRECTIONS = ["in", "out"]
WAYS = list(product(METHODS, DIRECTIONS))
CONSERVING = [(method, direction) for method, direction in WAYS if method != "poison"]
seeds = pytest.mark.parametrize("seed", range(2))
some = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Case:
    """A table of transfers, who emits what in it, who absorbs, and dates to ask as of."""

    transfers: pd.DataFrame
    sources: dict[str, list[str]]
    services: list[str]
    dates: list[int | None]


def a_case(choose: Callable, name: str = "", at: int = 0, steps: list[int] = STEPS) -> Case:
    """Few wallets that send often within one second: to each other, in circles, to themselves, nothing at all, in swaps.

    A wallet may emit several columns; as a rule services absorb, sometimes others, in any case few.
    """
    wallets = [name + letter for letter in "abcdefgh"[: choose([2, 3, 4, 6, 8])]]
    assets, rows, t = choose([["X"], ["X", "Y"], ["X", "Y", "Z"]]), [], at
    for i in range(choose([2, 5, 10, 20, 30])):
        same = bool(rows) and choose([False, False, True])  # of the transaction before
        t += 0 if same else choose(steps)
        of = rows[-1][5] if same else f"{name}t{i}"
        rows.append((t, choose(wallets), choose(wallets), choose(AMOUNTS), choose(assets), of))
    sources = {column: [w for w in wallets if choose([False, False, False, True])] for column in COLUMNS}
    services = {w for column in COLUMNS[1:] for w in sources[column]} if choose([True, False]) else set()
    services |= {choose(wallets)} if choose([True, False, False]) else set()
    date = choose([None, START + choose(rows)[0], START + choose(rows)[0] + 1])
    rows = list(dict.fromkeys(rows))  # two equal rows of one transaction are one transfer
    return Case(transfers_from_rows(rows), sources, sorted(services), [date])


@cache
def many_cases(seed: int, cases: int = 24) -> Case:
    """Many such at once, as strangers to each other; three at a time share their seconds. Do not change it: tests share it."""
    rng = random.Random(seed)
    found = [a_case(rng.choice, f"{i}", i // 3 * 100) for i in range(cases)]
    sources = {column: [wallet for case in found for wallet in case.sources[column]] for column in COLUMNS}
    services = [wallet for case in found for wallet in case.services]
    transfers = pd.concat([case.transfers for case in found], ignore_index=True)
    times = [int(t.timestamp()) for t in rng.sample(list(transfers["timestamp"]), 2)]
    return Case(transfers, sources, services, [None, times[0], times[1] + 1])


def hubs(seed: int, transfers: int = 400, wallets: int = 40, a_second: int = 12) -> Case:
    """Two hubs that half of all goes through, in crowded seconds; a dozen columns."""
    rng = random.Random(seed)
    pool = [f"w{i}" for i in range(wallets)]
    anyone = pool + pool[:2] * (wallets // 2)
    rows = [
        (i // a_second, rng.choice(anyone), rng.choice(anyone), rng.choice(AMOUNTS), rng.choice("XXY"))
        for i in range(transfers)
    ]
    sources = {f"case{i}": rng.sample(pool, 2) for i in range(12)}
    return Case(transfers_from_rows(rows), sources, rng.sample(pool[1:], 3), [None, START + 17])


# Equal to the oracle.


def numbers(pair: Pair, columns: list[str]) -> dict[str, float]:
    by_column = {"tainted": pair.tainted, "direct": pair.direct, "hop_moment": pair.hop_moment, "held": pair.held}
    found = {f"{what} {column}": float(values[column]) for what, values in by_column.items() for column in columns}
    return {"received": float(pair.received), "balance": float(pair.balance)} | found


def dates(pair: Pair, columns: list[str]) -> dict[str, int]:
    both = {"first": pair.first, "last": pair.last}
    return {f"{what} {column}": values.get(column, -1) for what, values in both.items() for column in columns}


def totals(answer: Exposure, columns: list[str]) -> dict[str, float]:
    return {f"{what} {column}": float(getattr(answer, what)[column]) for what in TOTALS for column in columns}


def assert_equal(got: Exposure, expected: Exposure, columns: list[str]) -> None:
    """The same of every pair, to nine digits; says the first that differs. A pair of nothing but zeros may be left out."""
    for key in sorted(got.pairs.keys() | expected.pairs.keys()):
        ours, theirs = got.pairs.get(key, Pair()), expected.pairs.get(key, Pair())
        _assert_close(key, numbers(ours, columns), numbers(theirs, columns))
        assert dates(ours, columns) == dates(theirs, columns), key
    _assert_close("all", totals(got, columns), totals(expected, columns))


def _assert_close(where, got: dict[str, float], expected: dict[str, float]) -> None:
    wrong = {
        k: (got[k], expected[k]) for k in expected if not isclose(got[k], expected[k], rel_tol=1e-9, abs_tol=1e-12)
    }
    assert not wrong, f"of {where}, (package, oracle): {wrong}"


def assert_equal_always(case: Case, swaps: bool) -> None:
    """In both directions, by every method, as of every date."""
    ledger, chain = Ledger.from_transfers(case.transfers), Chain(case.transfers)
    for (method, direction), as_of in product(WAYS, case.dates):
        asked = case.sources, case.services, as_of, direction, method, swaps
        assert_equal(by_package(ledger, *asked), exposure(chain, *asked), list(case.sources))


@some
@given(st.data())
def test_exposure_equals_the_oracle(data):
    assert_equal_always(a_case(lambda pool: data.draw(st.sampled_from(pool))), data.draw(st.booleans()))


@some
@given(st.data())
def test_exposure_equals_the_oracle_where_all_is_in_one_second(data):
    """Circles in circles: nothing but the order within the second decides."""
    assert_equal_always(a_case(lambda pool: data.draw(st.sampled_from(pool)), steps=[0]), data.draw(st.booleans()))


@seeds
@pytest.mark.parametrize("swaps", [False, True])
def test_exposure_of_many_graphs_equals_the_oracle(seed, swaps):
    assert_equal_always(many_cases(seed), swaps)


@pytest.mark.parametrize("a_second", [3, 12, 400])
def test_exposure_of_hubs_and_of_many_columns_equals_the_oracle(a_second):
    """Of 400 transfers in one second, most wait for each other: more looks than the package takes."""
    assert_equal_always(hubs(a_second, a_second=a_second), swaps=False)


@pytest.mark.parametrize("case", [hubs(9, transfers=200), many_cases(1013)], ids=["hubs", "small graphs"])
def test_exposure_of_decimal_amounts_equals_the_oracle(case):
    """What rounding alone leaves of a balance, a lot or a poison is nothing, and breaks no tie between two shares."""
    rng = random.Random(1013)
    decimals = [amount * rng.choice([0.1, 0.3, 0.7]) for amount in case.transfers["amount"]]
    assert_equal_always(replace(case, transfers=case.transfers.assign(amount=decimals)), swaps=True)


def test_the_oracle_has_the_order_of_the_ledger():
    transfers = hubs(1).transfers
    ledger = Ledger.from_transfers(transfers)
    names, assets, rows = ledger.addresses.to_pylist(), ledger.assets.to_pylist(), ledger.rows
    got = [
        (
            int(rows.time[i]),
            names[rows.sender[i]],
            names[rows.receiver[i]],
            float(rows.amount[i]),
            assets[rows.asset[i]],
        )
        for i in range(ledger.transfers)
    ]
    assert got == [
        (one.t, one.sender, one.receiver, float(one.amount), one.asset) for one in Chain(transfers).transfers
    ]


@seeds
def test_labels_stand_on_the_days_that_the_oracle_says(seed):
    """Known before the date, and not withdrawn by then; what has no date is never known."""
    rng = random.Random(seed)
    days = [None, *(START + day * DAY for day in range(6))]
    rows = [(f"w{i:02}", rng.choice(COLUMNS), rng.choice(days), rng.choice(days)) for i in range(60)]
    frame = pd.DataFrame(rows, columns=["address", "category", "known_from", "known_until"])
    for name in ("known_from", "known_until"):
        frame[name] = pd.to_datetime(frame[name], unit="s", utc=True).astype("datetime64[us, UTC]")
    for date in [day + shift for day in days[1:] for shift in (-1, 0, 1)]:
        got = active(frame, timestamp(date))
        expected = [(label.wallet, label.category) for label in known(starmap(Label, rows), date)]
        assert list(zip(got["address"], got["category"], strict=True)) == expected


# What must hold whatever the numbers are.


def answers(case: Case, transfers: pd.DataFrame, swaps: bool = True) -> Iterator[Exposure]:
    """What the package says of a case with these transfers, in every way, as of every date."""
    ledger = Ledger.from_transfers(transfers)
    for (method, direction), as_of in product(WAYS, case.dates):
        yield by_package(ledger, case.sources, case.services, as_of, direction, method, swaps)


@pytest.mark.parametrize("swaps", [False, True])
@pytest.mark.parametrize("case", [many_cases(8), hubs(2, 5_000, 300)], ids=["small graphs", "hubs"])
def test_what_enters_is_held_absorbed_or_returned(case, swaps):
    """A swap may add taint to what it brings, never take any off; that is told apart."""
    ledger = Ledger.from_transfers(case.transfers)
    for (method, direction), as_of in product(CONSERVING, case.dates):
        got = by_package(ledger, case.sources, case.services, as_of, direction, method, swaps)
        for column in case.sources:
            came = got.entered[column] + got.swapped[column]
            assert got.swapped[column] >= 0 if swaps else got.swapped[column] == 0
            assert float(got.held(column)) + got.absorbed[column] + got.returned[column] == pytest.approx(
                came, rel=1e-9
            )


@seeds
def test_no_pair_holds_or_receives_more_taint_than_money(seed):
    case, room = many_cases(seed), 1 + 1e-9
    for got in answers(case, case.transfers):
        for key, pair in got.pairs.items():
            for column in COLUMNS:
                assert 0 <= pair.direct[column] <= pair.tainted[column] * room <= pair.received * room**2, key
                assert 0 <= pair.held[column] <= pair.balance * room + 1e-12, key


def assert_same_bits(one: Exposure, other: Exposure) -> None:
    """Bit for bit the same, but for pairs that nothing has happened to."""
    for key in one.pairs.keys() | other.pairs.keys():
        ours, theirs = one.pairs.get(key, Pair()), other.pairs.get(key, Pair())
        for part in fields(Pair):
            assert _bits(getattr(ours, part.name)) == _bits(getattr(theirs, part.name)), (key, part.name)
    for what in TOTALS:
        assert _bits(getattr(one, what)) == _bits(getattr(other, what)), what


def _bits(value) -> object:
    if isinstance(value, dict):
        return {column: _bits(number) for column, number in value.items() if number}
    return float(value).hex()


@cache
def known_answers(seed: int) -> list[Exposure]:
    """The answers for `many_cases(seed)`, to which those for changed transfers are compared."""
    case = many_cases(seed)
    return list(answers(case, case.transfers))


def assert_unmoved(seed: int, transfers: pd.DataFrame) -> None:
    for got, expected in zip(answers(many_cases(seed), transfers), known_answers(seed), strict=True):
        assert_same_bits(got, expected)


@seeds
def test_later_transfers_change_nothing(seed):
    """Of the same wallets, from the very second of the date on."""
    case, future = many_cases(seed), many_cases(seed + 100).transfers
    as_of = int(case.transfers["timestamp"].max().timestamp()) + 1
    shift = pd.Timedelta(as_of - START, unit="s")
    future = future.assign(timestamp=future["timestamp"] + shift, tx_id="later-" + future["tx_id"])
    both = pd.concat([case.transfers, future], ignore_index=True)
    dates = [date or as_of for date in case.dates]  # without a date, all that was known by then
    for got, expected in zip(answers(replace(case, dates=dates), both), known_answers(seed), strict=True):
        assert_same_bits(got, expected)


@seeds
def test_the_order_of_the_input_changes_nothing(seed):
    assert_unmoved(seed, many_cases(seed).transfers.sample(frac=1, random_state=seed, ignore_index=True))


@seeds
def test_columns_change_nothing_in_each_other(seed):
    """Asked alone, a column gets the same numbers: only who absorbs matters to all."""
    case = many_cases(seed)
    for column in COLUMNS:
        alone = Case(case.transfers, {column: case.sources[column]}, case.services, case.dates)
        for got, together in zip(answers(alone, case.transfers), known_answers(seed), strict=True):
            for key, pair in got.pairs.items():
                assert numbers(pair, [column]) == numbers(together.pairs[key], [column]), key
                assert dates(pair, [column]) == dates(together.pairs[key], [column]), key


# What a stranger can do to a wallet.


@seeds
def test_zero_values_and_self_transfers_move_nothing(seed):
    """Anyone can make a transfer of nothing from anyone to anyone, in any second: not a bit moves."""
    case, rng, spam = many_cases(seed), random.Random(seed), []
    for i in range(100):
        like = case.transfers.iloc[rng.randrange(len(case.transfers))]
        t, ends = int(like["timestamp"].timestamp()) - START, [like["sender"], like["receiver"], "look-alike"]
        spam.append((t, rng.choice(ends), rng.choice(ends), 0, rng.choice("XY"), f"zero{i}"))
        spam.append((t, ends[i % 2], ends[i % 2], rng.choice(AMOUNTS), rng.choice("XY"), f"self{i}"))
    assert_unmoved(seed, pd.concat([case.transfers, transfers_from_rows(spam)], ignore_index=True))


@seeds
@pytest.mark.parametrize("size", [1 / 64, 1, 10_000])
def test_what_a_tainted_stranger_sends_moves_a_share_by_no_more_than_it_is_of_what_came_in(seed, size):
    """Dust, or far more than the wallet ever had: RT ÷ R moves by at most a ÷ (R + a), upwards only of that column.

    Innocent wallets, and those whom they pay, have no part in the graphs that pay them: money that goes round in circles
    comes in again, and then counts again.
    """
    case, rng, paid, dust = many_cases(seed), random.Random(seed), [], []
    innocent = [f"innocent{i}" for i in range(20)]
    for wallet in innocent:
        for payer in case.transfers["sender"].sample(4, random_state=rng.randrange(99)):
            paid += [(rng.randrange(1_000), payer, wallet, 4, "X"), (rng.randrange(1_000), wallet, "shop", 3, "X")]
        dust.append((rng.randrange(1_000), "stranger", wallet, size, "X", f"dust {wallet}"))
    history = pd.concat([case.transfers, transfers_from_rows(paid).assign(tx_id=[f"h{i}" for i in range(len(paid))])])
    case = Case(history, {**case.sources, "scam": ["stranger"]}, case.services, [None])
    baited = Ledger.from_transfers(pd.concat([history, transfers_from_rows(dust)], ignore_index=True))
    honest = Ledger.from_transfers(history)
    for method in METHODS:
        got, before = (by_package(ledger, case.sources, case.services, method=method) for ledger in (baited, honest))
        for wallet in innocent:
            _assert_moved_by_no_more(got.pairs[wallet, "X"], before.pairs[wallet, "X"], size)


def _assert_moved_by_no_more(got: Pair, before: Pair, size: float) -> None:
    bound = size / (before.received + size)
    for column in COLUMNS:
        moved = got.tainted[column] / got.received - before.tainted[column] / before.received
        assert -bound - 1e-12 <= moved <= 1e-12
    assert got.tainted["scam"] == got.direct["scam"] == size
    assert got.tainted["scam"] / got.received <= bound * (1 + 1e-12)


@pytest.mark.parametrize("method", ["haircut", "fifo"])
@pytest.mark.parametrize("size", [1 / 64, 1, 10_000])
def test_dust_makes_nobody_pay_on_more_than_the_dust(method, size):
    """What the innocent wallet sends on, to however many, bears in all no more than what was sent to it."""
    rows = [(0, "employer", "innocent", 100, "X"), (1, "stranger", "innocent", size, "X")]
    rows += [(2 + i, "innocent", f"shop{i % 5}", 7, "X") for i in range(12)]
    got = by_package(transfers_from_rows(rows), {"scam": ["stranger"]}, (), None, "in", method)
    assert sum(got.pairs[f"shop{i}", "X"].tainted["scam"] for i in range(5)) <= size * (1 + 1e-12)
    assert got.held("scam") == pytest.approx(size)


@pytest.mark.parametrize(("method", "direction"), WAYS)
def test_an_address_that_looks_alike_moves_nothing(method, direction):
    """Poisoning: the look-alike of a friend's address lies in the history by a transfer of nothing, to and from it.

    It is a known scam, and still nobody's source or destination, until the victim falls for it and sends.
    """
    friend, look_alike = "0x12ab" + "0" * 32 + "89ef", "0x12ab" + "5" * 32 + "89ef"
    history = transfers_from_rows([(0, "employer", "victim", 10, "X"), (10, "victim", friend, 4, "X")])
    poison = transfers_from_rows([(11, "victim", look_alike, 0, "X", "p1"), (12, look_alike, "victim", 0, "X", "p2")])
    asked = {"scam": [look_alike]}, (), None, direction, method
    baited = pd.concat([history, poison], ignore_index=True)
    assert_same_bits(by_package(baited, *asked), by_package(history, *asked))
    fallen = pd.concat([baited, transfers_from_rows([(20, "victim", look_alike, 2, "X", "gone")])], ignore_index=True)
    got = by_package(fallen, *asked)
    share = got.pairs["victim", "X"].tainted["scam"] / got.pairs["victim", "X"].received
    assert share == pytest.approx(0 if direction == "in" else 2 / 6)


def test_dust_out_of_nowhere_is_followed_only_as_far_as_it_goes():
    """A thief who dusts a thousand wallets has tainted each by what it sent, and nobody behind them by more."""
    rows = [(0, "employer", f"w{i}", 50, "X") for i in range(1_000)]
    rows += [(1, "thief", f"w{i}", 1 / 64, "X") for i in range(1_000)]
    rows += [(2, f"w{i}", "shop", 50, "X") for i in range(1_000)]
    got = by_package(transfers_from_rows(rows), {"theft": ["thief"]})
    shop = got.pairs["shop", "X"]
    assert shop.tainted["theft"] / shop.received <= 1 / 64 / (50 + 1 / 64) * (1 + 1e-12)
    assert got.held("theft") == pytest.approx(1_000 / 64)
