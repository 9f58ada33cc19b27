"""The population stability index: how far values have moved from a reference. Judges no model and knows no outcome."""

import numpy as np

from ...features.base.kernel_compiler import kernel

BINS = 10
FLOOR = 1e-4
"""The smallest share of a bin, so that an empty one has a logarithm."""
WATCH, DRIFTED = 0.1, 0.25
"""Below the first, values are calm; from the second on, they have drifted (Siddiqi 2006)."""
MIN_ROWS = 100
"""Fewer rows have no index: it would be noise, which alone gives about (bins − 1) / rows."""


def psi(reference: np.ndarray, values: np.ndarray) -> float:
    """Population stability index Σ (q − p) · ln(q / p) over bins; below 0.1 is calm, above 0.25 has moved (Siddiqi 2006).

    Bins lie between the deciles of the reference; repeated values share one, and missing values have their own. Shares below
    0.0001 count as 0.0001.

    Args:
        reference: (n,), NaN where missing.
        values: (m,), to compare with it.

    Returns:
        0 or more; NaN if either is empty.
    """
    edges = edges_of(reference)
    return index_of(*(np.bincount(bins_of(column, edges), minlength=len(edges) + 2) for column in (reference, values)))


def edges_of(reference: np.ndarray) -> np.ndarray:
    """The different deciles of a reference, at most nine, ascending; none if all values are missing."""
    known = np.sort(reference[~np.isnan(reference)])
    # Values of the reference itself: an interpolated decile may differ from the value it should equal by a rounding.
    return np.unique(known[np.arange(1, BINS) * len(known) // BINS]) if len(known) else known


def bins_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin [edge, next edge) of each value, (n,); a missing value has the last bin, `len(edges) + 1`."""
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))


def bins_of_all(values: np.ndarray, edges: list[np.ndarray]) -> np.ndarray:
    """The bins of many columns at once, each with its own edges: uint8 of shape (rows, columns), as `bins_of` numbers them.

    Args:
        values: (rows, columns); a value that is not finite is missing.
        edges: of each column, ascending, at most nine.
    """
    starts = np.append(0, np.cumsum([len(column) for column in edges]))
    codes = np.empty(values.shape, dtype=np.uint8)
    _bins_of_all(values, np.concatenate([*edges, np.empty(0)]), starts, codes)
    return codes


@kernel
def _bins_of_all(values, edges, starts, codes):
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value, first, last = values[row, column], starts[column], starts[column + 1]
            code = 0
            for at in range(first, last):
                code += edges[at] <= value
            codes[row, column] = code if np.isfinite(value) else last - first + 1


def index_of(reference: np.ndarray, values: np.ndarray) -> float:
    """The index of two lists of counts by bin, (bins,) each; NaN if either is empty."""
    if not reference.sum() or not values.sum():
        return np.nan
    p, q = (np.maximum(counts / counts.sum(), FLOOR) for counts in (reference, values))
    return float(np.sum((q - p) * np.log(q / p)))
