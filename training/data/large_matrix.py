"""Tables of numbers that may be larger than memory: these are kept in an unnamed temporary file and read in batches.

Knows no wallet, no label and no model.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from ...features.base.errors import DataError

IN_MEMORY = 200_000_000
"""The largest table that is held in memory, in numbers of 8 bytes each."""
BATCH = 50_000
"""Number of rows in a batch."""


def batch_slices(rows: int) -> Iterator[slice]:
    """The rows 0 to `rows`, cut into batches."""
    for start in range(0, rows, BATCH):
        yield slice(start, min(start + BATCH, rows))


def fill_table(batches: Iterable[tuple[slice, np.ndarray]], rows: int, names: Sequence[str]) -> pd.DataFrame:
    """Fill a table of float64 batch by batch. A table larger than `IN_MEMORY` is a view of a file that is deleted with it.

    Args:
        batches: the rows of each batch, and their values, (rows of the slice, len(names)).
        rows: the number of rows.
        names: the names of the columns.

    Raises:
        DataError: if the disk has no room for it.
    """
    values = _allocate(rows, len(names))
    for batch_rows, batch in batches:
        values[batch_rows] = batch
    return pd.DataFrame(values, columns=list(names), copy=False)


def subtable(X: pd.DataFrame, rows: np.ndarray | None = None, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Copy some rows (positions; None: all) and columns (None: all) of a table to a new table, in batches.

    Raises:
        DataError: if the disk has no room for it.
    """
    names = [str(name) for name in X.columns] if columns is None else list(columns)
    chosen = np.arange(len(X)) if rows is None else rows
    positions, values = X.columns.get_indexer(pd.Index(names)), X.to_numpy()
    batches = ((batch, values[chosen[batch]][:, positions]) for batch in batch_slices(len(chosen)))
    return fill_table(batches, len(chosen), names)


def evenly_spaced(rows: np.ndarray, limit: int = BATCH) -> np.ndarray:
    """At most `limit` of the positions, evenly spaced from first to last."""
    return rows if len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).astype(np.int64)]


class RowSelection:
    """Selected rows of one or more tables with the same columns, stacked. Nothing is copied before `values()`.

    Attributes:
        names: the names of the columns.
        parts: per table its values, (n, d) float64, and the selected rows, int64.
    """

    def __init__(self, *parts: tuple[pd.DataFrame, np.ndarray | None]) -> None:
        self.names = [str(name) for name in parts[0][0].columns]
        self._whole = len(parts) == 1 and parts[0][1] is None
        self.parts = [
            (X.to_numpy(dtype=np.float64), np.arange(len(X)) if rows is None else np.asarray(rows)) for X, rows in parts
        ]

    def __len__(self) -> int:
        return sum(len(rows) for _, rows in self.parts)

    @property
    def size(self) -> int:
        """The number of numbers: rows times columns."""
        return len(self) * len(self.names)

    def values(self) -> np.ndarray:
        """The rows in memory, (len(self), d); not a copy if they are all rows of one table."""
        if self._whole:
            return self.parts[0][0]
        return np.concatenate([values[rows] for values, rows in self.parts])


def _allocate(rows: int, columns: int) -> np.ndarray:
    """An empty table of float64. `posix_fallocate` makes a full disk an error here, not a crash later."""
    if rows * columns <= IN_MEMORY:
        return np.empty((rows, columns))
    with tempfile.TemporaryFile(prefix="walletprint-") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, 8 * rows * columns)
            else:
                file.truncate(8 * rows * columns)
        except OSError as error:
            needed = f"{8 * rows * columns / 1e9:.1f} GB for {rows:,} snapshots of {columns} features"
            raise DataError(
                f"{tempfile.gettempdir()}: no room for {needed} ({error.strerror}); set TMPDIR to a larger disk, "
                "or lower snapshots.max_per_wallet"
            ) from None
        return np.memmap(file, np.float64, "r+", shape=(rows, columns))
