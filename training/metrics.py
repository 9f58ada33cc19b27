"""Metrics of a ranking and of a probability, as pure functions of arrays. Knows no model, no config and no data source.

Everywhere `y` is 0 or 1, `ranking` is any score that grows with risk, and `score` is a probability. Where a metric is not
defined (one class only, fewer rows than asked for) it is NaN: missing is not zero.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

ECE_BINS = 10


def pr_auc(y: ArrayLike, ranking: ArrayLike) -> float:
    """Area under the precision-recall curve as average precision, Σ (R_n − R_{n−1})·P_n, tied scores taken as one step.

    Source: Davis & Goadrich 2006, and scikit-learn's `average_precision_score`.
    """
    return float(average_precision_score(y, ranking)) if _both_classes(y) else np.nan


def roc_auc(y: ArrayLike, ranking: ArrayLike) -> float:
    """The chance that a random positive ranks above a random negative, ties counted half."""
    return float(roc_auc_score(y, ranking)) if _both_classes(y) else np.nan


def precision_at(y: ArrayLike, ranking: ArrayLike, k: int) -> float:
    """Share of positives among the k first of the ranking, ties counted at their worst (negatives first); NaN if k > rows."""
    hits = _hits_at(y, ranking, k)
    return hits / k


def recall_at(y: ArrayLike, ranking: ArrayLike, k: int) -> float:
    """Share of all positives found among the k first of the ranking, ties counted at their worst; NaN if k > rows."""
    positives = int(np.sum(np.asarray(y)))
    return _hits_at(y, ranking, k) / positives if positives else np.nan


def reviews(rows: int, budget: float) -> int:
    """How many rows a review budget (a share of all rows) pays for: rounded down, so that it is never overdrawn, at least 1."""
    return max(1, int(rows * budget + 1e-9))


def brier(y: ArrayLike, score: ArrayLike) -> float:
    """Mean squared difference of probability and outcome (Brier 1950); lower is better."""
    return float(brier_score_loss(y, score)) if np.size(y) else np.nan


def calibration_table(y: ArrayLike, score: ArrayLike, bins: int = ECE_BINS) -> pd.DataFrame:
    """Mean score and share of positives in equally wide bins of the score: [bin, rows, mean_score, positive_share].

    Bins are [i/bins, (i+1)/bins); 1.0 belongs to the last. Empty bins are left out.
    """
    score = np.asarray(score, dtype=np.float64)
    which = np.minimum((score * bins).astype(np.int64), bins - 1)
    frame = pd.DataFrame({"bin": which, "mean_score": score, "positive_share": np.asarray(y, dtype=np.float64)})
    measures = {
        "rows": ("mean_score", "size"),
        "mean_score": ("mean_score", "mean"),
        "positive_share": ("positive_share", "mean"),
    }
    return pd.DataFrame(frame.groupby("bin").agg(**measures)).reset_index()


def ece(y: ArrayLike, score: ArrayLike, bins: int = ECE_BINS) -> float:
    """Expected calibration error: mean gap of score and share of positives over the bins, weighted by rows (Guo et al. 2017)."""
    table = calibration_table(y, score, bins)
    if table.empty:
        return np.nan
    gaps = (table["mean_score"] - table["positive_share"]).abs()
    return float(np.average(gaps, weights=table["rows"]))


def evaluate(
    y: ArrayLike,
    ranking: ArrayLike,
    score: ArrayLike | None = None,
    budgets: Sequence[float] = (0.01, 0.05),
    ks: Sequence[int] = (100, 500),
) -> dict[str, float]:
    """All metrics of one set of rows.

    Args:
        y: outcomes, 0 or 1.
        ranking: what rows are sorted by (a raw margin has no ties that calibration makes).
        score: calibrated probabilities; None leaves Brier and ECE out.
        budgets: shares of the rows that can be reviewed, 0–1.
        ks: numbers of rows that can be reviewed.

    Returns:
        rows, positives, base_rate, pr_auc, roc_auc, precision_at_… and recall_at_… (`1pct`, `k100`), and brier and ece.
    """
    y = np.asarray(y)
    rows, positives = y.size, int(y.sum())
    result = {"rows": float(rows), "positives": float(positives), "base_rate": positives / rows if rows else np.nan}
    result |= {"pr_auc": pr_auc(y, ranking), "roc_auc": roc_auc(y, ranking)}
    depths = {budget_name(b): reviews(rows, b) for b in budgets} | {f"k{k}": k for k in ks}
    for name, k in depths.items():
        result[f"precision_at_{name}"] = precision_at(y, ranking, k)
        result[f"recall_at_{name}"] = recall_at(y, ranking, k)
    if score is not None:
        result |= {"brier": brier(y, score), "ece": ece(y, score)}
    return result


def budget_name(budget: float) -> str:
    """A budget as part of a metric's name: 0.01 → `1pct`, 0.005 → `0.5pct`."""
    return f"{budget * 100:.6g}pct"


def per_period(
    as_of: pd.Series, y: ArrayLike, ranking: ArrayLike, score: ArrayLike, by: str = "quarter"
) -> pd.DataFrame:
    """The metrics of each calendar `quarter` or `year` of `as_of` (UTC) on a row of its own.

    Returns:
        [period, rows, positives, base_rate, pr_auc, roc_auc, brier, ece], in order of time.
    """
    moments = pd.DatetimeIndex(as_of)
    years = moments.year.astype(str)
    names = years if by == "year" else years + "Q" + moments.quarter.astype(str)
    rows = []
    for name in sorted(set(names)):
        inside = np.asarray(names == name)
        parts = (np.asarray(values)[inside] for values in (y, ranking, score))
        rows.append({"period": name, **evaluate(*parts, budgets=(), ks=())})
    return pd.DataFrame(rows)


def _both_classes(y: ArrayLike) -> bool:
    return np.unique(np.asarray(y)).size == 2


def _hits_at(y: ArrayLike, ranking: ArrayLike, k: int) -> float:
    y = np.asarray(y)
    if k < 1 or k > y.size:
        return np.nan
    worst_first = np.lexsort((y, -np.asarray(ranking, dtype=np.float64)))
    return float(y[worst_first[:k]].sum())
