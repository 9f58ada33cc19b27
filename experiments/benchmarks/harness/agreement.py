"""Whether two engines found the same: the same wallets, values missing in the same places, numbers equal but for rounding.

Reads the tables a column at a time, as the process that compares should not need more memory than those it compares.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ....features.base.arrow import pc

RELATIVE = 1e-9
NEAR_ZERO = 1e-12
"""Numbers may differ by as much near zero, where the difference of two nearly equal numbers has no relative exactness."""


def differences(reference: Path, other: Path) -> list[str]:
    """In what two Parquet tables of features differ, one line each; empty if in nothing.

    Args:
        reference: a table with `address` and one column per feature.
        other: the same; columns that only one of them has are not compared.
    """
    ours, theirs = _order(reference), _order(other)
    if not _column(reference, "address").take(ours).equals(_column(other, "address").take(theirs)):
        return [f"not the same wallets: {len(ours):,} against {len(theirs):,}"]
    names = [name for name in _features(reference) if name in _features(other)]
    lines = (_line(name, _numbers(reference, name, ours), _numbers(other, name, theirs)) for name in names)
    return [line for line in lines if line]


def _line(name: str, ours: np.ndarray, theirs: np.ndarray) -> str:
    room = np.maximum(RELATIVE * np.maximum(np.abs(ours), np.abs(theirs)), NEAR_ZERO)
    unequal = np.flatnonzero((np.isnan(ours) != np.isnan(theirs)) | (np.abs(ours - theirs) > room))
    if not unequal.size:
        return ""
    first = unequal[0]
    return (
        f"{name}: {unequal.size:,} of {ours.size:,} wallets differ, such as {ours[first]:.17g} and {theirs[first]:.17g}"
    )


def _features(path: Path) -> list[str]:
    return [name for name in pq.read_schema(path).names if name not in ("address", "as_of")]


def _order(path: Path) -> np.ndarray:
    return pc.sort_indices(_column(path, "address")).to_numpy()


def _numbers(path: Path, name: str, order: np.ndarray) -> np.ndarray:
    numbers = _column(path, name).cast("float64").to_numpy(zero_copy_only=False)
    return numbers.astype(np.float64, copy=False)[order]


def _column(path: Path, name: str):
    column = pq.read_table(path, columns=[name]).column(name).combine_chunks()
    return column.cast("large_string") if name == "address" else column
