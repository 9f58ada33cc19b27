"""Fits the model and the baselines beside it. Gets a matrix and outcomes; knows no wallet, no date and no split."""

from collections.abc import Mapping
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import QuantileTransformer

SMALL = 5_000_000
"""Numbers in a table below which one thread fits and predicts: LightGBM's threads wait for each other busily, and where other
work holds a core, two take ten times as long as one."""
# The same data and seed give the same trees, byte for byte, whatever the number of threads.
REPRODUCIBLE = {"objective": "binary", "deterministic": True, "force_row_wise": True, "verbosity": -1}


def fit_lightgbm(
    X: pd.DataFrame, y: np.ndarray, params: Mapping[str, Any], seed: int, rounds: int = 300
) -> lgb.Booster:
    """Fit LightGBM's binary objective for a fixed number of rounds; no slice is used to stop early.

    Args:
        X: (n, d) float64, NaN where a feature is not defined; its column names become the model's.
        y: (n,) of 0 and 1.
        params: LightGBM's parameters, such as `TrainConfig.model.lightgbm` holds.
        seed: of the sampling of rows and columns.
        rounds: number of trees.

    Returns:
        The model as read back from its own text format: what is evaluated is what is shipped.
    """
    names = [str(name) for name in X.columns]
    data = lgb.Dataset(X.to_numpy(dtype=np.float64), label=y, feature_name=names, params={"verbosity": -1})
    threads = params.get("num_threads") or _threads(X)
    booster = lgb.train({**params, **REPRODUCIBLE, "seed": seed, "num_threads": threads}, data, num_boost_round=rounds)
    return lgb.Booster(model_str=booster.model_to_string())


def margins(booster: lgb.Booster, X: pd.DataFrame) -> np.ndarray:
    """Raw log-odds of rows, shape (n,); columns are taken by name."""
    columns = X[booster.feature_name()].to_numpy(dtype=np.float64)
    return np.asarray(booster.predict(columns, raw_score=True, num_threads=_threads(X)), dtype=np.float64)


def fit_logistic(X: pd.DataFrame, y: np.ndarray, seed: int) -> Pipeline:
    """Logistic regression on features scaled by rank to a normal distribution, medians and a flag where one is missing."""
    quantiles = min(1000, len(X))
    scale = QuantileTransformer(
        n_quantiles=quantiles, output_distribution="normal", subsample=len(X), random_state=seed
    )
    return make_pipeline(_impute(), scale, LogisticRegression(solver="newton-cholesky", max_iter=200)).fit(X, y)


def fit_forest(X: pd.DataFrame, y: np.ndarray, seed: int, threads: int = 0) -> Pipeline:
    """A random forest of 200 trees with at least five rows a leaf, medians and a flag where a feature is missing."""
    forest = RandomForestClassifier(200, min_samples_leaf=5, n_jobs=threads or -1, random_state=seed)
    return make_pipeline(_impute(), forest).fit(X, y)


def log_odds(model: Pipeline, X: pd.DataFrame) -> np.ndarray:
    """Log-odds of a baseline's probabilities, clipped where they are 0 or 1; shape (n,)."""
    p = np.clip(model.predict_proba(X)[:, 1], 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def _threads(X: pd.DataFrame) -> int:
    return 1 if X.size < SMALL else 0  # 0: all cores


def _impute() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
