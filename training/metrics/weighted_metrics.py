"""Metrics of weighted rows, for many sets of weights at once: what a bootstrap needs. Resamples nothing itself.

They equal those of `classification_metrics.py` for rows repeated that often, without repeating or sorting the rows again.
"""

import re
from collections.abc import Callable

import numpy as np

from ...features.base.errors import UsageError

WeightedMetric = Callable[[np.ndarray], np.ndarray]
"""From counts of shape (resamples, n) to the metric of each resample, shape (resamples,); NaN where it is not defined."""

_AT = re.compile(r"(precision|recall)_at_(?:k([1-9]\d*)|(\d+(?:\.\d+)?)pct)")


def weighted_metric(metric: str, y: np.ndarray, ranking: np.ndarray) -> WeightedMetric:
    """A metric of rows, as a function of how often each row counts.

    Args:
        metric: `pr_auc`, `roc_auc`, `brier`, `precision_at_1pct`, `recall_at_k100` and the like.
        y: 0.0 or 1.0, shape (n,).
        ranking: scores, shape (n,).

    Raises:
        UsageError: if the metric is unknown.
    """
    if metric == "brier":
        errors = (ranking - y) ** 2
        return lambda counts: _ratio(counts @ errors, counts.sum(axis=1))
    if metric in ("pr_auc", "roc_auc"):
        return _curve(y, ranking, _average_precision if metric == "pr_auc" else _area)
    if match := _AT.fullmatch(metric):
        return _at(y, ranking, match[1], int(match[2] or 0), float(match[3] or 0) / 100)
    known = "pr_auc, roc_auc, brier, precision_at_1pct, recall_at_k100 (any budget or number)"
    raise UsageError(f"metric: {known} or a function of (y, ranking) is needed, not {metric!r}")


def _curve(y: np.ndarray, ranking: np.ndarray, area: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> WeightedMetric:
    """A metric of the positives and negatives at each step of the ranking; rows with equal scores are one step."""
    order = np.argsort(-ranking, kind="stable")
    ordered, label = ranking[order], y[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def measure(counts: np.ndarray) -> np.ndarray:
        sorted_counts = counts[:, order]
        positives, negatives = (np.add.reduceat(sorted_counts * side, begins, axis=1) for side in (label, 1 - label))
        values = area(positives, negatives)
        values[(positives.sum(axis=1) == 0) | (negatives.sum(axis=1) == 0)] = np.nan
        return values

    return measure


def _average_precision(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    hits = np.cumsum(positives, axis=1)
    precision = _ratio(hits, hits + np.cumsum(negatives, axis=1))
    return _ratio(np.nansum(positives * precision, axis=1), hits[:, -1])


def _area(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    above = np.cumsum(positives, axis=1) - positives / 2  # ties: half of the step itself
    return _ratio((negatives * above).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def _at(y: np.ndarray, ranking: np.ndarray, measured: str, number: int, budget: float) -> WeightedMetric:
    """Precision or recall among the first rows of the ranking: `number` rows, or a share `budget` of all."""
    order = np.lexsort((y, -ranking))  # among equal scores the negatives first
    label = y[order]

    def measure(counts: np.ndarray) -> np.ndarray:
        sorted_counts = counts[:, order]
        through = np.cumsum(sorted_counts, axis=1)
        rows = through[:, -1:]
        k = np.full_like(rows, number) if number else np.maximum(1, np.floor(rows * budget + 1e-9))
        hits = (np.clip(k - (through - sorted_counts), 0, sorted_counts) * label).sum(axis=1)
        values = _ratio(hits, k[:, 0] if measured == "precision" else (sorted_counts * label).sum(axis=1))
        values[k[:, 0] > rows[:, 0]] = np.nan
        return values

    return measure


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """NaN where the divisor is 0."""
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below != 0)
