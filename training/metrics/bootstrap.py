"""Bootstrap intervals of a metric, and of the difference of two models, by resampling wallets or cases. Fits nothing.

Rows of one wallet, and wallets of one theft, are not independent. So whole groups are resampled with replacement, never rows
(Field & Welsh 2007). Groups with a positive and groups without one are resampled separately, because their numbers depend on how
labels were collected. Two models are measured on the same resamples. The interval lies between percentiles of the resamples.

The rows are sorted once: a resample is a weight per row, the number of times that its group was chosen, and metrics are weighted
sums. Scipy and arch have no bootstrap of groups.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...features.base.errors import UsageError
from .weighted_metrics import WeightedMetric, weighted_metric

MIN_GROUPS = 5
"""Fewer groups with positives (or with negatives) get no interval: only some hundred different resamples exist, and none shows
what the next group would be like."""
FEW_GROUPS = 20
"""Below this an interval has the note that it is too narrow (Cameron, Gelbach & Miller 2008)."""
_CELLS = 2_000_000  # weights held at once

Metric = str | Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Interval:
    """A metric with its interval.

    Attributes:
        value: of the rows as they are.
        low, high: of the resamples; NaN if there are too few groups, or no resample defines the metric.
        level: share of the resamples between low and high.
        resamples: how many there are.
        groups: how many groups hold positives, and how many hold negatives.
        note: why there is no interval, or why it is too narrow; empty if neither.
    """

    value: float
    low: float
    high: float
    level: float
    resamples: int
    groups: tuple[int, int]
    note: str


@dataclass(frozen=True)
class Paired:
    """Two models on the same rows.

    Attributes:
        a, b: the metric of each; difference: a − b.
        low, high: interval of the difference, NaN as in `Interval`.
        probability_of_superiority: share of the resamples in which a's metric is higher than b's, ties counted half; NaN as
            low and high.
        level, resamples, groups, note: as in `Interval`.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    probability_of_superiority: float
    level: float
    resamples: int
    groups: tuple[int, int]
    note: str


def interval(
    y: ArrayLike,
    ranking: ArrayLike,
    groups: ArrayLike,
    metric: Metric = "pr_auc",
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 7,
) -> Interval:
    """The bootstrap interval of a model's metric.

    Args:
        y: 0 or 1, shape (n,).
        ranking: scores of the rows; probabilities for `brier`.
        groups: the group of each row, which is resampled as a whole: the wallet's address, or its case (`clusters`).
        metric: `pr_auc`, `roc_auc`, `brier`, `precision_at_` or `recall_at_` with a budget or a number (`1pct`, `k100`; the
            budget is a share of the resampled rows), as in `classification_metrics.py`. Or a function of (y, ranking), which is
            called once per resample.
        resamples: how many.
        level: share of the resamples in the interval, 0–1.
        seed: the seed of the resampling.

    Raises:
        UsageError: if shapes differ, a value is missing, or an argument cannot be used.
    """
    resampling = _Resampling(y, groups, resamples, level, seed)
    value, values = resampling.measure(metric, ranking)
    low, high, note = resampling.bounds(values)
    return Interval(value, low, high, level, resamples, resampling.holding, note)


def paired_bootstrap(
    y: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    groups: ArrayLike,
    metric: Metric = "pr_auc",
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 7,
) -> Paired:
    """The bootstrap interval of the difference of two models' metric, a − b, both measured on the same resamples.

    Args:
        a, b: scores of the rows by either model, shape (n,).
        y, groups, metric, resamples, level, seed: as in `interval`.

    Raises:
        UsageError: as `interval`.
    """
    resampling = _Resampling(y, groups, resamples, level, seed)
    (value_a, values_a), (value_b, values_b) = resampling.measure(metric, a, "a"), resampling.measure(metric, b, "b")
    differences = values_a - values_b
    low, high, note = resampling.bounds(differences)
    superiority = np.nan if np.isnan(low) else float(np.nanmean(np.sign(differences) + 1) / 2)
    difference, holding = value_a - value_b, resampling.holding
    return Paired(value_a, value_b, difference, low, high, superiority, level, resamples, holding, note)


def interval_of_mean(values: ArrayLike, resamples: int = 1000, level: float = 0.95, seed: int = 7) -> Interval:
    """The bootstrap interval of a mean, such as of one number per case (or of its difference between two models).

    Args:
        values: one per group, shape (n,); missing values are left out.
        resamples, level, seed: as in `interval`.
    """
    kept = np.asarray(values, dtype=np.float64).ravel()
    kept = kept[~np.isnan(kept)]
    _check_numbers(resamples, level)
    note = _few({"values": len(kept)})
    mean = float(kept.mean()) if len(kept) else np.nan
    if len(kept) < MIN_GROUPS:
        return Interval(mean, np.nan, np.nan, level, resamples, (len(kept), 0), note)
    generator = np.random.default_rng(seed)
    means = np.array([kept[generator.integers(0, len(kept), len(kept))].mean() for _ in range(resamples)])
    low, high = np.quantile(means, _tails(level))
    return Interval(mean, float(low), float(high), level, resamples, (len(kept), 0), note)


def clusters(case: Any, address: Any) -> np.ndarray:
    """The groups for intervals by case: the case of each row, or its address if it has no case; shape (n,), text."""
    case, address = pd.Series(case, dtype=object), pd.Series(address, dtype=object)
    names = [f"address {a}" if pd.isna(c) else f"case {c}" for c, a in zip(case, address, strict=True)]
    return np.array(names, dtype=object)


def resampling_groups(y: np.ndarray, case: Any, address: Any) -> tuple[str, np.ndarray]:
    """The kind and the group of each row: `case` (`clusters`) if the positives have cases, else `wallet`, the address."""
    if case[y == 1].notna().any():
        return "case", clusters(case, address)
    return "wallet", address.to_numpy(dtype=object)


class _Resampling:
    """The rows in their groups, and how often each resample has each group."""

    def __init__(self, y: ArrayLike, groups: ArrayLike, resamples: int, level: float, seed: int) -> None:
        self.y = _outcomes(y)
        self.resamples, self.level, self.seed = resamples, level, seed
        _check_numbers(resamples, level)
        labels = pd.Series(np.asarray(groups, dtype=object).ravel())
        if len(labels) != len(self.y) or labels.isna().any():
            raise UsageError(f"groups: one label for each of {len(self.y)} rows is needed; got {labels.count()}")
        self.of_row, names = pd.factorize(labels)
        positive, negative = (
            np.bincount(self.of_row, weights=self.y == side, minlength=len(names)) > 0 for side in (1, 0)
        )
        self.holding = int(positive.sum()), int(negative.sum())
        self._strata = [np.flatnonzero(positive), np.flatnonzero(~positive)]
        self.note = _few({"groups hold positives": self.holding[0], "groups hold negatives": self.holding[1]})

    def measure(self, metric: Metric, ranking: ArrayLike, name: str = "ranking") -> tuple[float, np.ndarray]:
        """A model's metric, and its value in each resample, shape (resamples,); NaN if there are too few groups."""
        scores = np.asarray(ranking, dtype=np.float64)
        if scores.shape != self.y.shape or np.isnan(scores).any():
            raise UsageError(
                f"{name}: one number for each of {len(self.y)} rows is needed; got {np.isfinite(scores).sum()}"
            )
        measure = weighted_metric(metric, self.y, scores) if isinstance(metric, str) else self._called(metric, scores)
        value = float(measure(np.ones((1, len(self.y))))[0])
        if min(self.holding) < MIN_GROUPS:
            return value, np.full(self.resamples, np.nan)
        return value, np.concatenate([measure(counts[:, self.of_row]) for counts in self._counts()])

    def bounds(self, values: np.ndarray) -> tuple[float, float, str]:
        """The interval of one value per resample, and its note."""
        defined = values[~np.isnan(values)]
        if min(self.holding) < MIN_GROUPS:
            return np.nan, np.nan, self.note
        missing = len(values) - len(defined)
        notes = [self.note, f"not defined in {missing} of {len(values)} resamples" if missing else ""]
        low, high = np.quantile(defined, _tails(self.level)) if len(defined) else (np.nan, np.nan)
        return float(low), float(high), "; ".join(note for note in notes if note)

    def _counts(self):
        """How often each resample has each group, (resamples, groups), in batches; the batch size changes no resample."""
        generator = np.random.default_rng(self.seed)
        size = max(1, _CELLS // len(self.y))
        for begin in range(0, self.resamples, size):
            counts = np.zeros((min(size, self.resamples - begin), self.of_row.max() + 1))
            for resample in counts:
                for stratum in self._strata:
                    chosen = generator.integers(0, max(len(stratum), 1), len(stratum))
                    resample[stratum] = np.bincount(chosen, minlength=len(stratum))
            yield counts

    def _called(self, metric: Callable[[np.ndarray, np.ndarray], float], scores: np.ndarray) -> WeightedMetric:
        """A function of rows as a function of weights: each row is repeated as often as its weight says."""

        def measure(weights: np.ndarray) -> np.ndarray:
            repeated = (np.repeat(np.arange(len(self.y)), counts.astype(np.int64)) for counts in weights)
            return np.array([metric(self.y[rows], scores[rows]) for rows in repeated], dtype=np.float64)

        return measure


def _outcomes(y: ArrayLike) -> np.ndarray:
    values = np.asarray(y)
    if values.ndim != 1 or not values.size or not np.isin(values, (0, 1)).all():
        raise UsageError("y: one row or more of 0 and 1 is needed")
    return values.astype(np.float64)


def _check_numbers(resamples: int, level: float) -> None:
    if resamples < 1 or not 0 < level < 1:
        raise UsageError(f"resamples must be 1 or more and level between 0 and 1, not {resamples} and {level}")


def _tails(level: float) -> tuple[float, float]:
    return (1 - level) / 2, (1 + level) / 2


def _few(counts: dict[str, int]) -> str:
    what, least = min(counts.items(), key=lambda item: item[1])
    if least < MIN_GROUPS:
        return f"{least} {what}: too few for an interval, {MIN_GROUPS} are needed"
    return f"{least} {what}: with so few, an interval is too narrow" if least < FEW_GROUPS else ""
