"""The small models that the audit fits: cheap, on one thread, the same each time. No check is made here."""

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, StratifiedKFold

from ...serving.drift.adversarial_validation import fit_reproducibly, predict_in_folds, roc_auc, tell_apart

FULL = {"learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 0.3, "lambda_l2": 1.0}
"""Parameters of the full model and its shortcuts: the heads' defaults, with twice the learning rate and half the rounds."""
FULL_ROUNDS = 150
SMALL = {"learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20, "feature_fraction": 0.3, "max_bin": 63}
"""Parameters of the models that tell kinds of rows apart: few bins and leaves, as only their AUC is needed."""
SMALL_ROUNDS = 40
FOLDS, SEED = 3, 7


def fit_ranking(X: pd.DataFrame, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Raw log-odds of the test rows from a model of the training rows; shape (len(test),)."""
    values = X.to_numpy(dtype=np.float64)
    booster = fit_reproducibly(values[train], y[train], {**FULL, "objective": "binary"}, FULL_ROUNDS)
    return np.asarray(booster.predict(values[test], raw_score=True, num_threads=1))


def separation_auc(X: pd.DataFrame, z: np.ndarray, groups: np.ndarray | None = None) -> tuple[float, list[str]]:
    """How well features tell two kinds of rows apart, in folds: ROC-AUC, and the features used, the greatest gain first.

    Args:
        X: (n, d) float64.
        z: (n,) of 0 and 1, at least `FOLDS` of each.
        groups: rows of one group lie in one fold; None if rows stand alone.
    """
    values = X.to_numpy(dtype=np.float64)
    auc, used = tell_apart(values, z, _folds(z, groups, "binary"), SMALL, SMALL_ROUNDS)
    return auc, [str(X.columns[column]) for column in used]


def explained_variance(X: pd.DataFrame, target: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Share of the variance of `target`, shape (n,), that features explain in folds not fitted on; may be negative."""
    values, folds = X.to_numpy(dtype=np.float64), _folds(target, groups, "regression")
    predicted, _ = predict_in_folds(values, target, folds, {**SMALL, "objective": "regression"}, SMALL_ROUNDS)
    return float(1 - np.mean((target - predicted) ** 2) / np.var(target))


def single_column_auc(X: pd.DataFrame, z: np.ndarray) -> dict[str, float]:
    """ROC-AUC of each column by itself in its better direction (at least 0.5), in the order of the columns.

    Missing values count as the median, so that which values are missing says nothing.

    Args:
        X: (n, d) float64.
        z: (n,) of 0 and 1, with at least one of each.
    """
    auc = ascending_auc(X, z)
    return dict(zip(map(str, X.columns), np.maximum(auc, 1 - auc).tolist(), strict=True))


def ascending_auc(X: pd.DataFrame, z: np.ndarray) -> np.ndarray:
    """ROC-AUC of each column by itself if higher values mean 1; shape (d,). By the sum of ranks (Mann & Whitney 1947).

    Args:
        X: (n, d) float64.
        z: (n,) of 0 and 1, with at least one of each.
    """
    return roc_auc(median_filled(X.to_numpy(dtype=np.float64)), z)


def median_filled(values: np.ndarray) -> np.ndarray:
    """Values, (n, d); a missing one is replaced by the median of its column, or by 0 if the column is empty."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    empty = missing.all(axis=0)
    medians = np.zeros(values.shape[1])
    medians[~empty] = np.nanmedian(values[:, ~empty], axis=0)
    return np.where(missing, medians, values)


def _folds(target: np.ndarray, groups: np.ndarray | None, objective: str):
    if groups is not None and np.unique(groups).size >= FOLDS:
        return GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(target, groups=groups)
    kinds = target if objective == "binary" else np.zeros(len(target))
    return StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(target, kinds)
