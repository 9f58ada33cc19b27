"""Adversarial validation: how well a small model tells two kinds of rows apart by their features. Judges nothing.

If it cannot, the two kinds look alike. Each row is predicted by a model that was fitted on the other folds.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

_REPRODUCIBLE = {"deterministic": True, "force_row_wise": True, "seed": 7, "num_threads": 1, "verbosity": -1}

Folds = Iterable[tuple[np.ndarray, np.ndarray]]


def tell_apart(
    X: np.ndarray, kind: np.ndarray, folds: Folds, params: dict[str, Any], rounds: int
) -> tuple[float, list[int]]:
    """ROC-AUC of a model that tells two kinds of rows apart, and the columns that it used, the greatest gain first.

    Args:
        X: (rows, columns).
        kind: (rows,) of 0.0 and 1.0, both of them present.
        folds: positions of the rows to fit on, and of those to predict; every row is predicted once.
        params: LightGBM's, beside those that make a fit reproducible.
        rounds: trees per model.
    """
    predicted, gain = predict_in_folds(X, kind, folds, {**params, "objective": "binary"}, rounds)
    used = [int(column) for column in np.argsort(-gain, kind="stable") if gain[column] > 0]
    return float(roc_auc(predicted[:, None], kind)[0]), used


def predict_in_folds(
    X: np.ndarray, target: np.ndarray, folds: Folds, params: dict[str, Any], rounds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Predictions of rows that the model was not fitted on, (rows,), and the gain of each column over all models."""
    predicted, gain = np.zeros(len(target)), np.zeros(X.shape[1])
    for train, test in folds:
        booster = fit_reproducibly(X[train], target[train], params, rounds)
        predicted[test] = np.asarray(booster.predict(X[test], num_threads=1))
        gain += booster.feature_importance("gain")
    return predicted, gain


def fit_reproducibly(X: np.ndarray, target: np.ndarray, params: dict[str, Any], rounds: int) -> Any:
    """A LightGBM booster: the same rows give the same trees, on any machine."""
    import lightgbm as lgb  # here, because it imports scikit-learn where that is installed

    data = lgb.Dataset(X, label=target, params={"verbosity": -1})
    return lgb.train({**_REPRODUCIBLE, **params}, data, num_boost_round=rounds)


def roc_auc(values: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """ROC-AUC of each column of `values`, (columns,), for telling `kind` 1 from 0 (sum of ranks: Mann & Whitney 1947).

    Args:
        values: (rows, columns), none missing.
        kind: (rows,) of 0 and 1, both of them present.
    """
    ranks = pd.DataFrame(values).rank().to_numpy()
    ones = int(kind.sum())
    return (ranks[kind == 1].sum(axis=0) - ones * (ones + 1) / 2) / (ones * (len(kind) - ones))
