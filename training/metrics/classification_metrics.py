"""Metrics of rankings and probabilities, as pure functions of arrays. Knows no model, no config and no data source.

Everywhere `y` is 0 or 1, `ranking` is any score that grows with risk, and `score` is a probability. A metric
that is not defined (one class only, fewer rows than reviewed) is NaN: missing is not zero.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

ECE_BINS = 10
LOW_FPR = 0.01
RANK_QUANTILES = (0.1, 0.5, 0.9)


def pr_auc(y: ArrayLike, ranking: ArrayLike) -> float:
    """Area under the precision-recall curve as average precision, Σ (R_n − R_{n−1})·P_n, with tied scores as one step.

    Source: Davis & Goadrich 2006, and scikit-learn's `average_precision_score`.
    """
    return float(average_precision_score(y, ranking)) if _both_classes(y) else np.nan


def roc_auc(y: ArrayLike, ranking: ArrayLike) -> float:
    """The probability that a random positive ranks above a random negative; ties count half."""
    return float(roc_auc_score(y, ranking)) if _both_classes(y) else np.nan


def roc_auc_low_fpr(y: ArrayLike, ranking: ArrayLike, max_fpr: float = LOW_FPR) -> float:
    """Area under the ROC curve up to a false-positive rate, scaled so that 0.5 is chance and 1 is perfect (McClish 1989).

    Ties are straight lines of the curve, as in `roc_auc`. With fewer than 1/max_fpr negatives it says little.
    """
    return float(roc_auc_score(y, ranking, max_fpr=max_fpr)) if _both_classes(y) else np.nan


def precision_at(y: ArrayLike, ranking: ArrayLike, k: int) -> float:
    """Share of positives among the first k of the ranking, with ties at their worst (negatives first); NaN if k > rows."""
    hits = _hits_at(y, ranking, k)
    return hits / k


def recall_at(y: ArrayLike, ranking: ArrayLike, k: int) -> float:
    """Share of all positives among the first k of the ranking, with ties at their worst; NaN if k > rows."""
    positives = int(np.sum(np.asarray(y)))
    return _hits_at(y, ranking, k) / positives if positives else np.nan


def illicit_per_100(y: ArrayLike, ranking: ArrayLike, k: int) -> float:
    """Positives per hundred reviews if the first k are reviewed, with ties at their worst; NaN if k > rows."""
    return 100 * precision_at(y, ranking, k)


def bounds_at(y: ArrayLike, ranking: ArrayLike, k: int) -> dict[str, float]:
    """Bounds of precision and recall over all possible outcomes of the unlabelled wallets among the rows.

    An unlabelled wallet consumes budget like any other wallet. Precision is lowest if all of them are negative, and highest if
    all are positive. Recall is lowest if exactly those beyond the budget are positive, and highest if exactly those within it
    are. Ties count at their worst in each case.

    Args:
        y: 1, 0, or NaN if unknown; shape (n,).
        ranking: any score that grows with risk; shape (n,).
        k: how many rows are reviewed.

    Returns:
        precision_low, precision_high, recall_low, recall_high; NaN if k > rows, or if no row can be positive.
    """
    y, ranking = np.asarray(y, dtype=np.float64), np.asarray(ranking, dtype=np.float64)
    if k < 1 or k > y.size:
        return dict.fromkeys(("precision_low", "precision_high", "recall_low", "recall_high"), np.nan)
    unknown = np.isnan(y)
    order = np.lexsort((np.where(unknown, 0.5, y), -ranking))  # among equal scores negatives first, then unknown ones
    beyond = np.ones(y.size, bool)
    beyond[order[:k]] = False
    last = ranking[order[k - 1]]
    outcomes = [np.where(unknown, side, y) for side in (beyond, ranking >= last, ranking > last)]
    recalls = [recall_at(outcome, ranking, k) for outcome in outcomes]
    return {
        "precision_low": precision_at(np.where(unknown, 0, y), ranking, k),
        "precision_high": precision_at(np.where(unknown, 1, y), ranking, k),
        "recall_low": float(np.fmin.reduce(recalls)),
        "recall_high": float(np.fmax.reduce(recalls)),
    }


def reviews(rows: int, budget: float) -> int:
    """How many rows a review budget (a share of all rows) pays for: rounded down, but at least 1."""
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
        ranking: the score that sorts the rows (a raw margin has fewer ties than a calibrated score).
        score: calibrated probabilities; None for no Brier and ECE.
        budgets: shares of the rows that can be reviewed, 0–1.
        ks: numbers of rows that can be reviewed.

    Returns:
        rows, positives, base_rate, pr_auc, roc_auc, roc_auc_fpr_1pct, precision_at_… and recall_at_… (`1pct`, `k100`), and
        brier and ece. Illicit wallets per 100 reviews are 100 times the precision.
    """
    y = np.asarray(y)
    rows, positives = y.size, int(y.sum())
    result = {"rows": float(rows), "positives": float(positives), "base_rate": positives / rows if rows else np.nan}
    result |= {"pr_auc": pr_auc(y, ranking), "roc_auc": roc_auc(y, ranking)}
    result[f"roc_auc_fpr_{budget_name(LOW_FPR)}"] = roc_auc_low_fpr(y, ranking)
    for name, k in depths(rows, budgets, ks).items():
        result[f"precision_at_{name}"] = precision_at(y, ranking, k)
        result[f"recall_at_{name}"] = recall_at(y, ranking, k)
    if score is not None:
        result |= {"brier": brier(y, score), "ece": ece(y, score)}
    return result


def depths(rows: int, budgets: Sequence[float], ks: Sequence[int]) -> dict[str, int]:
    """How many rows are reviewed under each budget (a share of `rows`) and each k, by its name in a metric: `1pct`, `k100`."""
    return {budget_name(b): reviews(rows, b) for b in budgets} | {f"k{k}": k for k in ks}


def budget_name(budget: float) -> str:
    """A budget as part of a metric's name: 0.01 → `1pct`, 0.005 → `0.5pct`."""
    return f"{budget * 100:.6g}pct"


def per_period(
    as_of: pd.Series, y: ArrayLike, ranking: ArrayLike, score: ArrayLike, by: str = "quarter"
) -> pd.DataFrame:
    """The metrics of each calendar `quarter` or `year` of `as_of` (UTC), one row per period.

    Returns:
        [period, rows, positives, base_rate, pr_auc, roc_auc, roc_auc_fpr_1pct, brier, ece], in order of time.
    """
    dates = pd.DatetimeIndex(as_of)
    years = dates.year.astype(str)
    names = years if by == "year" else years + "Q" + dates.quarter.astype(str)
    rows = []
    for name in sorted(set(names)):
        inside = np.asarray(names == name)
        parts = (np.asarray(values)[inside] for values in (y, ranking, score))
        rows.append({"period": name, **evaluate(*parts, budgets=(), ks=())})
    return pd.DataFrame(rows)


def per_case(
    case: pd.Series,
    y: ArrayLike,
    ranking: ArrayLike,
    budgets: Sequence[float] = (0.01, 0.05),
    ks: Sequence[int] = (100,),
) -> pd.DataFrame:
    """How well the positives of each case are found, one row per case.

    Args:
        case: the case of each row, missing for none; shape (n,).
        y, ranking: outcomes and scores of the same rows.
        budgets, ks: how many of all rows are reviewed, as in `evaluate`.

    Returns:
        [case, positives, pr_auc, roc_auc, recall_at_…, rank_q10, rank_q50, rank_q90], ordered by the cases' names. PR-AUC and
        ROC-AUC compare the case's positives with all negatives. Recall is the share of the case's positives among the first of
        all rows. The rank of a positive is the share of all rows that rank at least as high (0 is best), and rank_q90 is the 90 %
        quantile of the ranks. Ties count at their worst.
    """
    y, ranking, name = np.asarray(y), np.asarray(ranking, dtype=np.float64), pd.Series(case).to_numpy(dtype=object)
    reviewed = depths(y.size, budgets, ks)
    as_high = (y.size - np.searchsorted(np.sort(ranking), ranking)) / max(y.size, 1)
    rows = []
    for label in sorted({label for label in name[y == 1] if not pd.isna(label)}):
        inside = (name == label) & (y == 1)
        compared = inside | (y == 0)
        row = {"case": label, "positives": int(inside.sum())}
        row |= {measure.__name__: measure(inside[compared], ranking[compared]) for measure in (pr_auc, roc_auc)}
        row |= {f"recall_at_{depth}": recall_at(inside, ranking, k) for depth, k in reviewed.items()}
        ranks = np.quantile(as_high[inside], RANK_QUANTILES, method="inverted_cdf")
        row |= {f"rank_q{100 * q:.0f}": float(rank) for q, rank in zip(RANK_QUANTILES, ranks, strict=True)}
        rows.append(row)
    return pd.DataFrame(rows)


def _both_classes(y: ArrayLike) -> bool:
    return np.unique(np.asarray(y)).size == 2


def _hits_at(y: ArrayLike, ranking: ArrayLike, k: int) -> float:
    y = np.asarray(y)
    if k < 1 or k > y.size:
        return np.nan
    worst_first = np.lexsort((y, -np.asarray(ranking, dtype=np.float64)))
    return float(y[worst_first[:k]].sum())
