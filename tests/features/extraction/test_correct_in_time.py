"""Nothing but a snapshot's own transfers moves a bit of its features: not the future, not others, not how one asks."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import WITHOUT_LABELS
from oracles.histories import (
    DAY,
    HOUR,
    START,
    WALLETS,
    WINDOWS,
    as_of_dates,
    chain,
    random_table,
    snapshots_at,
    timestamp,
)
from samples.small_ledger import transfers_from_rows

from walletprint.features import Ledger, extract

ADDRESSES = ["address", "as_of"]
NAMES = [declared.name for declared in WITHOUT_LABELS]
POPULATION = {"ranks", "hours", "cohorts"}
"""Parts of the chain that compare with everybody's transfers: those of strangers elsewhere count, too."""
OF_EVERYBODY = {f.name for f in WITHOUT_LABELS if {"tokens", "transactions"} & set(f.needs) and not f.wallet_rows_only}
"""Features that do so though others with the same needs do not."""
WITHIN_THE_WINDOW = {"tx", "chain", "tokens", "transactions"}
"""Needs that are met by the window's own transfers; all other parts of the chain look at what was before it, too."""
quick = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
windows = st.sampled_from([*WINDOWS, "all"])


def vectors(source, snapshots: pd.DataFrame, window: str) -> pd.DataFrame:
    ledger = Ledger.from_transfers(source)
    assert len(ledger.rejected) == 0
    return extract(ledger, snapshots, window=window)


def assert_same_bits(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Every float64 equal byte for byte, nulls and the sign of zero included."""
    names = [name for name in expected.columns if name not in ADDRESSES]
    moved = [name for name in names if got[name].to_numpy().tobytes() != expected[name].to_numpy().tobytes()]
    assert not moved, "\n".join(f"{name}: {got[name].tolist()} is not {expected[name].tolist()}" for name in moved)


def features_that(are_unmoved: Callable[[set[str]], bool]) -> list[str]:
    """Features whose needs pass the test, and that do not compare with everybody's transfers all the same."""
    return [f.name for f in WITHOUT_LABELS if are_unmoved(set(f.needs)) and f.name not in OF_EVERYBODY]


def seconds_of(date: pd.Timestamp) -> int:
    return int(date.timestamp())


def moved_to(transfers: pd.DataFrame, first: int, prefix: str) -> pd.DataFrame:
    """The same transfers as others, the first of them at that second."""
    shift = pd.to_timedelta(first - START, unit="s") - (transfers["timestamp"].min() - timestamp(START))
    return transfers.assign(timestamp=transfers["timestamp"] + shift, tx_id=prefix + transfers["tx_id"])


@quick
@given(st.data())
def test_later_transfers_change_nothing(data):
    past, later, window = data.draw(chain()), data.draw(chain(least=1)), data.draw(windows)
    as_of = data.draw(as_of_dates(past))[0]
    future = moved_to(later, seconds_of(as_of), "later-")
    snapshots = snapshots_at([as_of])
    assert_same_bits(vectors(pd.concat([past, future]), snapshots, window), vectors(past, snapshots, window))


@quick
@given(st.data())
def test_transfers_from_before_the_window_change_nothing(data):
    recent, before, window = (
        data.draw(chain()),
        data.draw(chain(least=1)),
        data.draw(st.sampled_from(["1h", "1d", "7d"])),
    )
    as_of = data.draw(as_of_dates(recent))[0]
    moved = moved_to(before, START, "before-")
    last = moved["timestamp"].max()
    old = moved_to(before, START + seconds_of(as_of) - WINDOWS[window] - 1 - seconds_of(last), "before-")
    snapshots, names = snapshots_at([as_of]), features_that(WITHIN_THE_WINDOW.issuperset)
    with_old = vectors(pd.concat([old, recent]), snapshots, window)
    assert_same_bits(with_old[names], vectors(recent, snapshots, window)[names])


def test_windows_are_half_open():
    as_of = START + 10 * DAY
    times = [as_of - HOUR - 1, as_of - HOUR, as_of - 1, as_of, as_of + 1]
    transfers = transfers_from_rows([(time - START, *WALLETS[:2]) for time in times])
    counts = {
        window: vectors(transfers, snapshots_at([timestamp(as_of)], WALLETS[:1]), window) for window in ("1h", "all")
    }
    assert counts["1h"]["activity__transfers__out"].tolist() == [2.0]
    assert counts["all"]["activity__transfers__out"].tolist() == [3.0]


@quick
@given(st.data())
def test_transfers_of_others_change_nothing(data):
    """Of wallets that never deal with those asked about: only what compares with everybody may change."""
    transfers, others, window = data.draw(chain()), data.draw(chain(least=1)), data.draw(windows)
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    renamed = {
        wallet: data.draw(st.sampled_from("0a"), label="sorts") + wallet[1:].replace("x", "z") for wallet in WALLETS
    }
    strangers = others.assign(
        sender=others["sender"].map(renamed), receiver=others["receiver"].map(renamed), tx_id="other-" + others["tx_id"]
    )
    strangers = strangers.assign(asset=data.draw(st.sampled_from(["AAA", "ETH", "ZZZ"])))
    names = features_that(POPULATION.isdisjoint)
    among_strangers = vectors(pd.concat([strangers, transfers]), snapshots, window)
    assert_same_bits(among_strangers[names], vectors(transfers, snapshots, window)[names])


@quick
@given(st.data(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_copies_of_them_change_nothing(data, rng):
    transfers, window = data.draw(chain(least=1)), data.draw(windows)
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    order = [*range(len(transfers)), *rng.choices(range(len(transfers)), k=3)]
    rng.shuffle(order)
    assert_same_bits(vectors(transfers.iloc[order], snapshots, window), vectors(transfers, snapshots, window))


@quick
@given(st.data(), st.randoms(use_true_random=False))
def test_asking_in_another_order_or_for_others_too_changes_nothing(data, rng):
    transfers, window = data.draw(chain()), data.draw(windows)
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    together = vectors(transfers, snapshots, window)
    asked = rng.choices(range(len(snapshots)), k=len(snapshots))
    alone = vectors(transfers, snapshots.iloc[asked], window)
    assert_same_bits(alone, together.iloc[asked])
    assert alone[ADDRESSES].equals(together[ADDRESSES].iloc[asked].reset_index(drop=True))


@settings(quick, max_examples=6)
@given(st.data(), st.randoms(use_true_random=False))
def test_reading_from_parquet_changes_nothing(data, rng):
    transfers, window = data.draw(chain(least=1)), data.draw(windows)
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    order = list(range(len(transfers)))
    rng.shuffle(order)
    half = rng.randrange(len(transfers))
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in (("b", order[:half]), ("a", order[half:])):
            transfers.iloc[rows].to_parquet(Path(folder) / f"{name}.parquet", index=False)
        from_files = vectors(folder, snapshots, window)
    assert_same_bits(from_files, vectors(transfers, snapshots, window))


@quick
@given(st.data())
def test_the_calendar_changes_nothing_that_is_called_safe_from_it(data):
    transfers, window = data.draw(chain()), data.draw(windows)
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    weeks = pd.Timedelta(weeks=data.draw(st.integers(-400, 400)))
    moved = vectors(
        transfers.assign(timestamp=transfers["timestamp"] + weeks),
        snapshots.assign(as_of=snapshots["as_of"] + weeks),
        window,
    )
    safe = [declared.name for declared in WITHOUT_LABELS if declared.era_safe]
    assert_same_bits(moved[safe], vectors(transfers, snapshots, window)[safe])


@pytest.mark.parametrize(("threads", "block"), [(1, 200_000), (3, 50), (2, 1)])
def test_the_number_of_threads_and_the_size_of_blocks_change_nothing(threads, block):
    transfers = random_table(transfers=2_000, wallets=60)
    snapshots = snapshots_at([timestamp(START + 100 * DAY)], sorted({*transfers["sender"], *transfers["receiver"]}))
    expected = vectors(transfers, snapshots, "all")
    driver = sys.modules["walletprint.features.extraction.engine"]
    with patch.object(driver, "_BLOCK", block), patch("os.sched_getaffinity", return_value=range(threads)):
        assert_same_bits(vectors(transfers, snapshots, "all"), expected)
    assert np.isfinite(expected["activity__span__days"]).mean() > 0.9


@pytest.fixture(scope="module")
def known() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A chain, snapshots of it, and all their features, asked for at once."""
    transfers = random_table(transfers=1_500, wallets=50)
    snapshots = snapshots_at([timestamp(START + day * DAY) for day in (80, 160)], sorted(set(transfers["sender"])))
    return transfers, snapshots, vectors(transfers, snapshots, "90d")


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_asked_for_alone_is_the_same(known, name):
    """Of a ledger, too, that was read for this feature only."""
    transfers, snapshots, together = known
    ledger = Ledger.from_transfers(transfers, features=[name])
    assert_same_bits(extract(ledger, snapshots, window="90d", features=[name]), together[[*ADDRESSES, name]])
