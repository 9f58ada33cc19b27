"""The table that the audit checks: features, labels and a split, with dates, addresses, groups and sources where known.

It holds and samples rows. Files are read in `table_reader.py`, and nothing is judged here.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from . import thresholds
from .audit_report import NotRunError

_hash_rows: Any = pd.util.hash_pandas_object  # pyright: ignore[reportAttributeAccessIssue] (public, but its types are not)


@dataclass(frozen=True)
class SplitGroup:
    """A grouping whose groups should each lie on one side of the split: wallets, cases, families of addresses.

    Attributes:
        name: of the column.
        train, test: codes of the rows of each side, int64: equal for rows of one group, −1 for rows without one.
        tolerated: this split shares groups by design, so sharing warns at most, and only from `OVERLAP_AGAIN` on.
        remedy: what to do about it.
    """

    name: str
    train: np.ndarray
    test: np.ndarray
    tolerated: bool = False
    remedy: str = "split by this column, so that each of its values is on one side only"


@dataclass(frozen=True)
class AuditTable:
    """A table of features and labels, split in two; n rows, d features.

    Attributes:
        X: (n, d) float64, NaN where missing.
        y: (n,) of 0 and 1.
        train, test: positions of the rows of each side, ascending.
        clocks: (n, k) float64: dates of the rows that are no features, in days or steps; NaN where missing.
        as_of: (n,) the date a row speaks of, in the unit of `clocks`; NaN where missing; None if there is no such column.
        known_from: (n,) when its label became known, in the same unit; NaN where missing; or None.
        cutoff: the last date that training may know; None if no date is known.
        source: text of shape (n,), null where none; None if there is no such column.
        category: a finer class than the label, text of shape (n,), null where none: sources are compared within it; or None.
        wallets: codes of the addresses, shape (n,), −1 where none; None if there is no such column.
        groups: the groupings that should not share groups between the sides.
        date_like, size_like: features that speak of time or of size.
        split: how the rows were split, in words.
        row_names: columns that number or name the rows, coded as numbers; they are no features.
        notes: what a reader should know.
    """

    X: pd.DataFrame
    y: np.ndarray
    train: np.ndarray
    test: np.ndarray
    clocks: pd.DataFrame
    split: str
    as_of: np.ndarray | None = None
    known_from: np.ndarray | None = None
    cutoff: float | None = None
    source: pd.Series | None = None
    category: pd.Series | None = None
    wallets: np.ndarray | None = None
    groups: tuple[SplitGroup, ...] = ()
    date_like: tuple[str, ...] = ()
    size_like: tuple[str, ...] = ()
    row_names: dict[str, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def ordered(self) -> bool:
        """Whether every training row lies before every test row."""
        if self.as_of is None or not len(self.train) or not len(self.test):
            return False
        return bool(np.max(self.as_of[self.train]) < np.min(self.as_of[self.test]))  # a missing date compares as false

    @cached_property
    def content(self) -> np.ndarray:
        """A hash of the features of each row, uint64 of shape (n,): equal rows have equal ones, whatever their order."""
        values = self.X.to_numpy(dtype=np.float64) + 0.0  # −0.0 is 0.0
        plain = pd.DataFrame(np.where(np.isnan(values), np.nan, values))  # one kind of NaN
        return _hash_rows(plain, index=False).to_numpy() if self.X.shape[1] else np.zeros(len(self.y), "u8")

    @cached_property
    def varying(self) -> list[str]:
        """The features with at least two values among the rows of both sides; missing counts as a value."""
        seen = self.X.iloc[self.both]
        return [str(name) for name in seen.columns if seen[name].nunique(dropna=False) > 1]

    @cached_property
    def both(self) -> np.ndarray:
        """The rows of both sides, ascending."""
        return np.sort(np.concatenate([self.train, self.test]))

    def sample(self, rows: np.ndarray, limit: int) -> np.ndarray:
        """At most `limit` of the rows, ascending: those whose content has the lowest hashes."""
        if len(rows) <= limit:
            return rows
        order = np.argsort(self.content[rows], kind="stable")
        return np.sort(rows[order[:limit]])

    def fold_groups(self, rows: np.ndarray) -> np.ndarray | None:
        """Which rows must stay in one fold: those of a wallet. A row without an address stands alone. None if none has one."""
        if self.wallets is None:
            return None
        codes = self.wallets[rows]
        return np.where(codes < 0, -2 - np.arange(len(rows)), codes)

    def need_rows(self) -> None:
        """Raise NotRunError unless both sides have enough rows and a feature varies."""
        for name, rows in (("train", self.train), ("test", self.test)):
            if len(rows) < thresholds.MIN_ROWS:
                raise NotRunError(f"only {len(rows)} {name} rows; {thresholds.MIN_ROWS} are needed")
        if not self.varying:
            raise NotRunError("no feature has more than one value")

    def need_classes(self) -> None:
        """Raise NotRunError unless both sides have enough rows of both classes."""
        for name, rows in (("train", self.train), ("test", self.test)):
            positives = int(self.y[rows].sum())
            if min(positives, len(rows) - positives) < thresholds.MIN_CLASS_ROWS:
                counts = f"{positives} positive and {len(rows) - positives} negative {name} rows"
                raise NotRunError(f"{counts}; {thresholds.MIN_CLASS_ROWS} of each are needed")


def codes_of(values: pd.Series) -> np.ndarray:
    """Equal numbers for equal values, −1 for null; int64 of shape (n,)."""
    return pd.factorize(values)[0].astype(np.int64)
