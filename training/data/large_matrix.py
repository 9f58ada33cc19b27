"""Tables of numbers that may be larger than memory: then they lie in a nameless temporary file and are read in batches.

Knows no wallet, no label and no model.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from ...features.base.errors import DataError

IN_MEMORY = 200_000_000
"""Numbers (8 bytes each) up to which a table is held in memory."""
BATCH = 50_000
"""Rows that are looked at in one go."""


def batch_slices(rows: int) -> Iterator[slice]:
    """Rows 0 to `rows`, cut into batches."""
    for start in range(0, rows, BATCH):
        yield slice(start, min(start + BATCH, rows))


def fill_table(batches: Iterable[tuple[slice, np.ndarray]], rows: int, names: Sequence[str]) -> pd.DataFrame:
    """A table of float64, filled batch by batch; larger than `IN_MEMORY`, it is a view of a file that goes with it.

    Args:
        batches: where each batch belongs, and its values, (rows of the slice, len(names)).
        rows: how many there are in all.
        names: of the columns.

    Raises:
        DataError: if the disk has no room for it.
    """
    values = _room(rows, len(names))
    for place, batch in batches:
        values[place] = batch
    return pd.DataFrame(values, columns=list(names), copy=False)


def subtable(X: pd.DataFrame, rows: np.ndarray | None = None, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Some rows (positions; None: all) and columns (None: all) of a table, as a table of their own, copied in batches.

    Raises:
        DataError: if the disk has no room for it.
    """
    names = [str(name) for name in X.columns] if columns is None else list(columns)
    chosen = np.arange(len(X)) if rows is None else rows
    place, values = X.columns.get_indexer(pd.Index(names)), X.to_numpy()
    batches = ((part, values[chosen[part]][:, place]) for part in batch_slices(len(chosen)))
    return fill_table(batches, len(chosen), names)


def evenly_spaced(rows: np.ndarray, limit: int = BATCH) -> np.ndarray:
    """At most `limit` of some positions, evenly from first to last."""
    return rows if len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).astype(np.int64)]


class RowSelection:
    """Chosen rows of tables with the same columns, one table's below the other's. Copies nothing before it is asked to.

    Attributes:
        names: of the columns.
        parts: of each table its values, (n, d) float64, and which of its rows, int64.
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
        """How many numbers they hold."""
        return len(self) * len(self.names)

    def values(self) -> np.ndarray:
        """All of them in memory, (len(self), d); the table itself if they are all of one."""
        if self._whole:
            return self.parts[0][0]
        return np.concatenate([values[rows] for values, rows in self.parts])


def _room(rows: int, columns: int) -> np.ndarray:
    """A table of float64 without content; `posix_fallocate` so that a full disk is an error here, not a crash later."""
    if rows * columns <= IN_MEMORY:
        return np.empty((rows, columns))
    with tempfile.TemporaryFile(prefix="walletprint-") as file:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, 8 * rows * columns)
            else:
                file.truncate(8 * rows * columns)
        except OSError as error:
            wanted = f"{8 * rows * columns / 1e9:.1f} GB for {rows:,} snapshots of {columns} features"
            raise DataError(
                f"{tempfile.gettempdir()}: no room for {wanted} ({error.strerror}); set TMPDIR to a larger disk, "
                "or lower snapshots.max_per_wallet"
            ) from None
        return np.memmap(file, np.float64, "r+", shape=(rows, columns))
