"""Metrics of rows that count several times each, for many sets of counts at once: what a bootstrap draws. Draws nothing itself.

The same figures as `metrics.py` gives for rows repeated so often, without repeating or sorting them again.
"""

import re
from collections.abc import Callable

import numpy as np

from ...features.base.errors import UsageError

WeightedMetric = Callable[[np.ndarray], np.ndarray]
"""From counts of shape (draws, n) to the metric of each draw, shape (draws,); NaN where it is not defined."""

_AT = re.compile(r"(precision|recall)_at_(?:k([1-9]\d*)|(\d+(?:\.\d+)?)pct)")


def weighted_metric(metric: str, y: np.ndarray, ranking: np.ndarray) -> WeightedMetric:
    """A metric of rows, as a function of how often each counts.

    Args:
        metric: `pr_auc`, `roc_auc`, `brier`, `precision_at_1pct`, `recall_at_k100` and the like.
        y: 0.0 or 1.0, shape (n,).
        ranking: scores, shape (n,).

    Raises:
        UsageError: if there is no such metric.
    """
    if metric == "brier":
        errors = (ranking - y) ** 2
        return lambda counts: _ratio(counts @ errors, counts.sum(axis=1))
    if metric in ("pr_auc", "roc_auc"):
        return _curve(y, ranking, _average_precision if metric == "pr_auc" else _area)
    if found := _AT.fullmatch(metric):
        return _at(y, ranking, found[1], int(found[2] or 0), float(found[3] or 0) / 100)
    known = "pr_auc, roc_auc, brier, precision_at_1pct, recall_at_k100 (any budget or number)"
    raise UsageError(f"metric: {known} or a function of (y, ranking) is needed, not {metric!r}")


def _curve(y: np.ndarray, ranking: np.ndarray, area: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> WeightedMetric:
    """A metric of the positives and negatives at each step of the ranking, rows of one score as one step."""
    order = np.argsort(-ranking, kind="stable")
    ordered, label = ranking[order], y[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def measure(counts: np.ndarray) -> np.ndarray:
        sorted_counts = counts[:, order]
        positives, negatives = (np.add.reduceat(sorted_counts * side, begins, axis=1) for side in (label, 1 - label))
        found = area(positives, negatives)
        found[(positives.sum(axis=1) == 0) | (negatives.sum(axis=1) == 0)] = np.nan
        return found

    return measure


def _average_precision(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    hits = np.cumsum(positives, axis=1)
    precision = _ratio(hits, hits + np.cumsum(negatives, axis=1))
    return _ratio(np.nansum(positives * precision, axis=1), hits[:, -1])


def _area(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    above = np.cumsum(positives, axis=1) - positives / 2  # of the step itself half: ties
    return _ratio((negatives * above).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def _at(y: np.ndarray, ranking: np.ndarray, what: str, number: int, budget: float) -> WeightedMetric:
    """Precision or recall among the first of the ranking, so many of them or that share of all."""
    order = np.lexsort((y, -ranking))  # among equals the negatives first
    label = y[order]

    def measure(counts: np.ndarray) -> np.ndarray:
        sorted_counts = counts[:, order]
        through = np.cumsum(sorted_counts, axis=1)
        rows = through[:, -1:]
        k = np.full_like(rows, number) if number else np.maximum(1, np.floor(rows * budget + 1e-9))
        hits = (np.clip(k - (through - sorted_counts), 0, sorted_counts) * label).sum(axis=1)
        found = _ratio(hits, k[:, 0] if what == "precision" else (sorted_counts * label).sum(axis=1))
        found[k[:, 0] > rows[:, 0]] = np.nan
        return found

    return measure


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below != 0)
