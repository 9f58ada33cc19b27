"""Splits of snapshots as scikit-learn splitters: forward in time, by address, and by whole theft. Fits and judges nothing.

    cross_val_score(model, X, y, groups=groups, cv=ForwardChaining(5))

`groups` is a frame with one row per snapshot (`split_groups.py` lists its columns); `groups_of(dataset)` makes it. The slices of
a training, calibration included, are in `time_split.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from ...features.base.periods import parse_as_of
from ..data.snapshots import unit_hash
from .leave_one_case_out import CaseFold, LeaveOneCaseOut
from .split_groups import GroupedSplitter, SnapshotGroups, groups_of, parse_length

__all__ = ["AddressDisjoint", "CaseFold", "ForwardChaining", "LeaveOneCaseOut", "groups_of"]


class ForwardChaining(GroupedSplitter):
    """Train on the past and test on the period that follows; the training set grows from fold to fold.

    The dates are cut into n_splits + 1 periods. Fold i is tested on period i + 1 and trained on the rows that are at least an
    embargo earlier. As in `time_split.py`, with B the first date of the test and train_until = B − embargo:

        train   as_of ≤ train_until, as_of < B, and the label known before train_until: known_from + label_delay < train_until
        test    B ≤ as_of < the next fold's B (the last fold: all later rows), all wallets, all labels

    With an embargo of one window no transfer is in the windows of both sides. A wallet may be on both sides with different dates,
    as it is for a job that runs every month; `straddling="drop"` removes the wallets of the test from the training.

    Args:
        n_splits: number of folds, 1 or more; ignored if `starts` is given.
        embargo: minimum distance of training and test dates, such as `90d`; None for none.
        label_delay: how long after `known_from` a label reaches the trainer, such as `30d`; needs the column `known_from`.
            Without it labels count from `known_from` on, if that column exists.
        by: periods with equal numbers of `snapshots`, or of distinct `dates`. A date is never cut.
        starts: the dates on which the tests begin, ascending, instead of equal shares: then no fold depends on later rows.
        straddling: `keep` or `drop` the training rows of wallets that are in the fold's test.

    Columns of `groups`: as_of; address for `straddling="drop"`; known_from for `label_delay`.
    """

    def __init__(
        self,
        n_splits: int = 5,
        embargo: str | None = "90d",
        label_delay: str | None = None,
        by: Literal["snapshots", "dates"] = "snapshots",
        starts: Sequence[Any] | None = None,
        straddling: Literal["keep", "drop"] = "keep",
    ) -> None:
        self.n_splits = n_splits
        self.embargo = embargo
        self.label_delay = label_delay
        self.by = by
        self.starts = starts
        self.straddling = straddling

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of folds."""
        return self.n_splits if self.starts is None else len(self.starts)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of the training and of the test rows of each fold, in order of time (see `GroupedSplitter.split`)."""
        snapshots = self._checked(X, groups)
        embargo = parse_length(self.embargo, "embargo", type(self).__name__)
        begins = self._begins(snapshots.as_of)
        ends = [*begins[1:], snapshots.as_of.max() + np.timedelta64(1, "us")]
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True), 1):
            test = (snapshots.as_of >= begin) & (snapshots.as_of < end)
            train = (
                (snapshots.as_of <= begin - embargo)
                & (snapshots.as_of < begin)
                & self._known(snapshots, begin - embargo)
            )
            if self.straddling == "drop":
                train &= ~np.isin(snapshots.wallet, snapshots.wallet[test])
            self._check_fold(number, begin, train, test)
            yield np.flatnonzero(train), np.flatnonzero(test)

    def _checked(self, X: Any, groups: Any) -> SnapshotGroups:
        for key, allowed in (("by", ("snapshots", "dates")), ("straddling", ("keep", "drop"))):
            if getattr(self, key) not in allowed:
                raise self._refuse(f"{key} must be {' or '.join(allowed)}, not {getattr(self, key)!r}")
        needs = ["as_of"] + ["address"] * (self.straddling == "drop") + ["known_from"] * (self.label_delay is not None)
        return self._read(X, groups, needs, wants=("known_from",))

    def _known(self, snapshots: SnapshotGroups, cutoff: np.datetime64) -> np.ndarray:
        """The rows whose labels are known to a training with this cutoff."""
        if not snapshots.known_from.size:
            return np.ones(len(snapshots.as_of), bool)
        delay = parse_length(self.label_delay, "label_delay", type(self).__name__)
        return np.isnat(snapshots.known_from) | (snapshots.known_from + delay < cutoff)

    def _begins(self, as_of: np.ndarray) -> np.ndarray:
        """The first date of each test, datetime64[us], ascending."""
        if self.starts is not None:
            begins = np.array([parse_as_of(start).tz_localize(None) for start in self.starts], dtype="datetime64[us]")
            if not len(begins) or (np.diff(begins) <= np.timedelta64(0, "us")).any():
                raise self._refuse("starts must be dates in ascending order, at least one")
            return begins
        if not isinstance(self.n_splits, int) or self.n_splits < 1:
            raise self._refuse(f"n_splits must be a whole number from 1 on, not {self.n_splits!r}")
        dates, rows = np.unique(as_of, return_counts=True)
        if len(dates) <= self.n_splits:
            raise self._refuse(f"{self.n_splits} folds need {self.n_splits + 1} dates; groups.as_of has {len(dates)}")
        weights = rows if self.by == "snapshots" else np.ones(len(dates), np.int64)
        return dates[_equal_shares(weights, self.n_splits + 1)]

    def _check_fold(self, number: int, begin: np.datetime64, train: np.ndarray, test: np.ndarray) -> None:
        for side, rows in (("training", train), ("test", test)):
            if not rows.any():
                day = begin.astype("datetime64[D]")
                raise self._refuse(
                    f"fold {number} of {self.get_n_splits()} has no {side} row (its test begins on {day}, embargo "
                    f"{self.embargo}, label delay {self.label_delay}); use fewer folds or a shorter embargo"
                )


class AddressDisjoint(GroupedSplitter):
    """Folds by wallet: all snapshots of a wallet are in one test, and in no training of that fold.

    A wallet's fold depends on the hash of its address alone. Other wallets, their order or more data never move it. Time is
    ignored: filter by dates yourself, or use `ForwardChaining(straddling="drop")`.

    Args:
        n_splits: number of folds, 2 or more.
        purpose: any text; a different text assigns the wallets differently.

    Columns of `groups`: address.
    """

    def __init__(self, n_splits: int = 5, purpose: str = "address_disjoint") -> None:
        self.n_splits = n_splits
        self.purpose = purpose

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of folds."""
        return self.n_splits

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of the training and of the test rows of each fold (see `GroupedSplitter.split`)."""
        if not isinstance(self.n_splits, int) or self.n_splits < 2:
            raise self._refuse(f"n_splits must be a whole number from 2 on, not {self.n_splits!r}")
        snapshots = self._read(X, groups, ("address",))
        fold = (unit_hash(snapshots.addresses, self.purpose) * self.n_splits).astype(np.int64)
        if lacking := sorted(set(range(self.n_splits)) - set(fold.tolist())):
            raise self._refuse(
                f"fold {lacking[0] + 1} of {self.n_splits} has no wallet ({len(snapshots.addresses)} in all); use fewer folds"
            )
        for number in range(self.n_splits):
            test = fold[snapshots.wallet] == number
            yield np.flatnonzero(~test), np.flatnonzero(test)


def _equal_shares(weights: np.ndarray, parts: int) -> np.ndarray:
    """The positions where parts 2, 3, … begin: each the first position with at least its share of the weights before it.

    They are strictly ascending, from 1 on, and leave room for the later parts. There are at least as many `weights` as `parts`.
    """
    before = np.cumsum(weights) - weights
    cuts = np.arange(1, parts)
    first = np.searchsorted(before * parts, cuts * weights.sum())
    ascending = np.maximum.accumulate(first - cuts) + cuts
    return np.minimum(ascending, len(weights) - parts + cuts)
