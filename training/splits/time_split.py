"""Splits snapshots by time, with an embargo, and by address. Knows rows, dates and outcomes; no features and no model.

train       as_of ≤ train_until, wallets not held out, labels known before train_until
calibrate   train_until + embargo ≤ as_of ≤ calibration_until, wallets not held out, labels known before calibration_until
test_time   as_of ≥ calibration_until + embargo, all wallets, all labels
test_new    the held-out wallets of test_time: no earlier slice has them

A label is known from its known_from + split.label_delay on. The tests use all labels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...features.base.errors import DataError
from ...features.base.periods import parse_window
from ..config.train_config import TrainConfig
from ..data.dataset import Dataset
from ..data.snapshots import unit_hash
from ..data.targets import Targets

SHARES = (0.6, 0.2, 0.2)
NO_DELAY: Any = pd.Timedelta(0)
NAMES = ("train", "calibrate", "test_time", "test_new")


@dataclass(frozen=True)
class Slice:
    """Some snapshots: their positions in the table (int64, ascending) and their outcomes (0 or 1), both of shape (n,)."""

    rows: np.ndarray
    y: np.ndarray

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers of negatives and positives."""
        return int((self.y == 0).sum()), int((self.y == 1).sum())


@dataclass(frozen=True)
class Slices:
    """The four slices, with the dates that separate them."""

    train: Slice
    calibrate: Slice
    test_time: Slice
    test_new: Slice
    train_until: pd.Timestamp
    calibration_until: pd.Timestamp
    embargo: pd.Timedelta
    derived: bool
    label_delay: pd.Timedelta = NO_DELAY

    def named(self) -> dict[str, Slice]:
        """The slices by name, in order of time."""
        return {name: getattr(self, name) for name in NAMES}


def split_snapshots(snapshots: pd.DataFrame, targets: Targets, config: TrainConfig) -> Slices:
    """Split snapshots.

    Args:
        snapshots: [address, as_of (UTC)], one row per snapshot.
        targets: which wallets are positive and negative, and since when that is known.
        config: its `split` and `snapshots.window`; missing dates are derived.

    Raises:
        DataError: if a slice lacks a class, with the numbers and what to change.
    """
    table = _TimeTable(snapshots, targets, config)
    train_until, calibration_until = config.split.train_until, config.split.calibration_until
    derived = train_until is None
    if derived:
        train_until, calibration_until = _derive(table)
    slices = Slices(
        **table.cut(train_until, calibration_until), embargo=table.embargo, derived=derived, label_delay=table.delay
    )
    _check(slices)
    return slices


def split(dataset: Dataset, config: TrainConfig) -> Slices:
    """Split a dataset by time, with an embargo, and by address (`split_snapshots`)."""
    return split_snapshots(dataset.snapshots, dataset.targets, config)


def subsample(dataset: Dataset, part: Slice, limit: int) -> Slice:
    """At most `limit` rows of a slice, sampled by hash of address and date: half of them positives, if there are enough.

    A slice that is not larger is returned as it is.
    """
    if len(part.rows) <= limit:
        return part
    shots = dataset.snapshots.iloc[part.rows]
    hash_fraction = unit_hash(shots["address"] + "|" + shots["as_of"].astype("int64").astype("str"), "sampled")
    sides = [np.flatnonzero(part.y == side) for side in (0, 1)]
    fewer = min(len(side) for side in sides)
    room = [max(limit // 2, limit - fewer) if len(side) > fewer else limit // 2 for side in sides]
    kept = [side[np.argsort(hash_fraction[side], kind="stable")[:most]] for side, most in zip(sides, room, strict=True)]
    chosen = np.sort(np.concatenate(kept))
    return Slice(part.rows[chosen], part.y[chosen])


class _TimeTable:
    """The snapshots, with the columns that a cut needs."""

    def __init__(self, snapshots: pd.DataFrame, targets: Targets, config: TrainConfig) -> None:
        self.targets = targets
        wallet, addresses = pd.factorize(snapshots["address"])
        self.address: Any = snapshots["address"].reset_index(drop=True)
        self.as_of: Any = snapshots["as_of"].reset_index(drop=True)
        self.held_out = (unit_hash(addresses, "held_out_addresses") < config.split.held_out_addresses)[wallet]
        embargo = config.split.embargo if config.split.embargo is not None else config.snapshots.window
        self.embargo: Any = pd.Timedelta(parse_window(embargo) or 0, unit="s")
        self.delay: Any = pd.Timedelta(parse_window(config.split.label_delay) or 0, unit="s")

    def outcomes(self, known_by: pd.Timestamp | None) -> np.ndarray:
        """1 or 0 by the labels known by then (None: all labels), −1 if they say nothing or both; shape (rows,)."""
        cutoff = None if known_by is None else known_by - self.delay
        return self.address.map(self.targets.known_by(cutoff)).fillna(-1).to_numpy(dtype=np.int8)

    def slice_of(self, when: Any, who: np.ndarray, known_by: pd.Timestamp | None) -> Slice:
        y = self.outcomes(known_by)
        rows = np.flatnonzero(when.to_numpy() & who & (y >= 0))
        return Slice(rows, y[rows])

    def cut(self, train_until: pd.Timestamp, calibration_until: pd.Timestamp) -> dict:
        as_of, free, everybody = self.as_of, ~self.held_out, np.ones(len(self.as_of), bool)
        later = (as_of >= train_until + self.embargo) & (as_of > train_until) & (as_of <= calibration_until)
        test = (as_of >= calibration_until + self.embargo) & (as_of > calibration_until)
        return {
            "train": self.slice_of(as_of <= train_until, free, train_until),
            "calibrate": self.slice_of(later, free, calibration_until),
            "test_time": self.slice_of(test, everybody, None),
            "test_new": self.slice_of(test, self.held_out, None),
            "train_until": train_until,
            "calibration_until": calibration_until,
        }


def _derive(table: _TimeTable) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The pair of dates whose slices are closest to 60/20/20 of the positives and of the negatives, with both classes in each.

    Every pair of the snapshots' dates is tried. Fixed shares would fail for short histories, because of the embargo and of the
    dates of labels.
    """
    dates: Any = pd.DatetimeIndex(table.as_of.unique()).sort_values()
    after = np.searchsorted(dates, dates + max(table.embargo, pd.Timedelta(microseconds=1)))
    known = [_cumulated(table, dates, date, ~table.held_out) for date in dates]
    truth = _cumulated(table, dates, None, np.ones(len(table.held_out), bool))
    best, chosen = np.inf, None
    for i in range(len(dates)):
        for j in range(after[i], len(dates)):
            parts = (known[i][i + 1], known[j][j + 1] - known[j][after[i]], truth[-1] - truth[after[j]])
            if (distance := _distance(np.array(parts))) < best:
                best, chosen = distance, (dates[i], dates[j])
    if chosen is None:
        raise DataError(_no_split(table, dates))
    return chosen


def _cumulated(table: _TimeTable, dates: Any, known_by: pd.Timestamp | None, who: np.ndarray) -> np.ndarray:
    """The numbers of negatives and positives before each date, shape (dates + 1, 2)."""
    position, y = np.searchsorted(dates, table.as_of), table.outcomes(known_by)
    counts = [np.bincount(position[who & (y == side)], minlength=len(dates)) for side in (0, 1)]
    return np.vstack([np.zeros((1, 2), np.int64), np.cumsum(np.array(counts).T, axis=0)])


def _distance(parts: np.ndarray) -> float:
    """The distance of three slices (rows) of two classes (columns) from 60/20/20; infinite if a slice lacks a class."""
    if (parts == 0).any():
        return np.inf
    return float(np.abs(parts / parts.sum(axis=0) - np.array(SHARES)[:, None]).sum())


def _no_split(table: _TimeTable, dates: Any) -> str:
    negatives, positives = _cumulated(table, dates, None, np.ones(len(table.held_out), bool))[-1]
    span = f"{dates[0].date()} to {dates[-1].date()}" if len(dates) else "none"
    return (
        f"split: no two dates give train, calibrate and test slices with both classes ({positives} positive and "
        f"{negatives} negative snapshots on {len(dates)} dates, {span}, embargo {table.embargo.days} d); use a shorter "
        "snapshots.window or split.embargo, a closer snapshots.every, fewer snapshots.min_transfers, or more labels"
    )


def _check(slices: Slices) -> None:
    counts = {name: part.counts for name, part in slices.named().items()}
    lacking = [
        name for name, (negatives, positives) in counts.items() if name != "test_new" and not (negatives and positives)
    ]
    if lacking:
        numbers = ", ".join(
            f"{name} {positives} positive / {negatives} negative" for name, (negatives, positives) in counts.items()
        )
        used = f"train_until {slices.train_until.date()}, calibration_until {slices.calibration_until.date()}"
        raise DataError(
            f"split: {lacking[0]} needs both classes ({numbers}; {used}, embargo {slices.embargo.days} d); move the dates, "
            "shorten split.embargo, or add labels"
        )
