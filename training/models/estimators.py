"""Fits LightGBM and the scikit-learn baselines to a matrix and outcomes. Knows no wallet, no date and no split."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import QuantileTransformer

from ...features.base.processor_cores import usable_cores
from ..data import large_matrix as matrix
from ..data.large_matrix import RowSelection

SMALL = 5_000_000
"""Numbers in a table below which one thread fits and predicts: LightGBM's threads wait for each other busily, and where other
work holds a core, two threads take ten times as long as one."""
# The same data and seed give the same trees, byte for byte, whatever the number of threads.
REPRODUCIBLE = {"objective": "binary", "deterministic": True, "force_row_wise": True, "verbosity": -1}
MONOTONE = "basic"
"""LightGBM's method for monotone constraints: its finer methods gained nothing (docs/training.md)."""
END = "end of trees\n"


def fit_lightgbm(
    X: pd.DataFrame | RowSelection,
    y: np.ndarray,
    params: Mapping[str, Any],
    seed: int,
    rounds: int = 300,
    *,
    weights: np.ndarray | None = None,
    monotone: Mapping[str, int] | None = None,
) -> lgb.Booster:
    """Fit LightGBM's binary objective for a fixed number of rounds; no slice is used to stop early.

    A table larger than `matrix.IN_MEMORY` is read in batches; the trees are the same.

    Args:
        X: (n, d) float64, NaN where a feature is not defined; its column names become the model's.
        y: (n,) of 0 and 1.
        params: LightGBM's parameters, such as `TrainConfig.model.lightgbm` holds.
        seed: the seed of the sampling of rows and columns.
        rounds: the number of trees.
        weights: of the rows, (n,), not negative; None for 1 each.
        monotone: features along which the margin may only rise (1) or fall (−1); a missing value is not bound.

    Returns:
        The model, read back from its own text format: what is evaluated is what is shipped. The text holds only the trees, no
        parameters and no number of threads.
    """
    rows = X if isinstance(X, RowSelection) else RowSelection((X, None))
    threads = params.get("num_threads") or _threads(rows.size)
    arguments = {**params, **REPRODUCIBLE, **_constraints(rows.names, monotone)}
    # when it reads batches, LightGBM finds bins without knowing `seed` and `min_data_in_leaf`: neither may matter there
    arguments |= {"seed": seed, "data_random_seed": seed, "feature_pre_filter": False, "num_threads": threads}
    in_batches = rows.size > matrix.IN_MEMORY
    data: Any = [_Batches(values, chosen) for values, chosen in rows.parts] if in_batches else rows.values()
    table = lgb.Dataset(data, label=y, weight=weights, feature_name=rows.names, params={"verbosity": -1})
    return read_back(lgb.train(arguments, table, num_boost_round=rounds))


def read_back(booster: lgb.Booster) -> lgb.Booster:
    """The booster, read back from the text of its trees."""
    return lgb.Booster(model_str=trees_text(booster))


def trees_text(booster: lgb.Booster) -> str:
    """The header and the trees of LightGBM's text format, without the parameters that follow."""
    text = booster.model_to_string()
    return text[: text.index(END) + len(END)]


def margins(
    booster: lgb.Booster, X: pd.DataFrame, transform: Callable[[np.ndarray], np.ndarray] | None = None
) -> np.ndarray:
    """Raw log-odds of rows, shape (n,). Columns are taken by name; `transform` is applied to their values first."""
    names = booster.feature_name()
    columns = X.columns.get_indexer(pd.Index(names))
    if (columns < 0).any():
        raise KeyError(f"not in the table: {[name for name, column in zip(names, columns, strict=True) if column < 0]}")
    values, ordered = X.to_numpy(dtype=np.float64), np.array_equal(columns, np.arange(X.shape[1]))
    margin, threads = np.empty(len(X)), _threads(X.size)
    for batch_rows in matrix.batch_slices(len(X)):
        batch = values[batch_rows] if ordered else values[batch_rows][:, columns]
        margin[batch_rows] = np.asarray(
            booster.predict(transform(batch) if transform else batch, raw_score=True, num_threads=threads)
        )
    return margin


def fit_logistic(X: pd.DataFrame, y: np.ndarray, seed: int, weights: np.ndarray | None = None) -> Pipeline:
    """Logistic regression on features scaled by rank to a normal distribution; a missing value becomes the median and a flag."""
    quantiles = min(1000, len(X))
    scale = QuantileTransformer(
        n_quantiles=quantiles, output_distribution="normal", subsample=len(X), random_state=seed
    )
    model = make_pipeline(_impute(), scale, LogisticRegression(solver="newton-cholesky", max_iter=200))
    return model.fit(X, y, logisticregression__sample_weight=weights)


def fit_forest(
    X: pd.DataFrame, y: np.ndarray, seed: int, threads: int = 0, weights: np.ndarray | None = None
) -> Pipeline:
    """A random forest of 200 trees with at least five rows per leaf; a missing value becomes the median and a flag."""
    forest = RandomForestClassifier(200, min_samples_leaf=5, n_jobs=threads or usable_cores(), random_state=seed)
    return make_pipeline(_impute(), forest).fit(X, y, randomforestclassifier__sample_weight=weights)


def fit_isolation(X: pd.DataFrame, seed: int) -> Pipeline:
    """An isolation forest (Liu et al. 2008) of 100 trees of 256 rows, without outcomes; a missing value becomes the median."""
    rows: Any = min(256, len(X))  # scikit-learn declares a text only, for "auto"
    forest = IsolationForest(n_estimators=100, max_samples=rows, random_state=seed)
    return make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), forest).fit(X)


def log_odds(model: Pipeline, X: pd.DataFrame) -> np.ndarray:
    """Log-odds of a baseline's probabilities, which are clipped to [1e-6, 1 − 1e-6]; shape (n,)."""
    p = np.clip(_in_batches(lambda batch: model.predict_proba(batch)[:, 1], X), 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def anomaly_score(model: Pipeline, X: pd.DataFrame) -> np.ndarray:
    """How isolated each row is by an isolation forest, 0–1; shape (n,)."""
    return _in_batches(lambda batch: -model.score_samples(batch), X)


def _in_batches(rank: Callable[[pd.DataFrame], np.ndarray], X: pd.DataFrame) -> np.ndarray:
    return np.concatenate([rank(X.iloc[batch_rows]) for batch_rows in matrix.batch_slices(len(X))] or [np.empty(0)])


class _Batches(lgb.Sequence):
    """Rows of a table, which LightGBM reads in batches."""

    def __init__(self, values: np.ndarray, rows: np.ndarray) -> None:
        self.values, self.rows, self.batch_size = values, rows, matrix.BATCH

    def __getitem__(self, idx: int | slice | list[int]) -> np.ndarray:
        return np.array(self.values[self.rows[idx]])

    def __len__(self) -> int:
        return len(self.rows)


def _constraints(names: Sequence[str], monotone: Mapping[str, int] | None) -> dict[str, Any]:
    sides = [(monotone or {}).get(name, 0) for name in names]
    return {"monotone_constraints": sides, "monotone_constraints_method": MONOTONE} if any(sides) else {}


def _threads(numbers: int) -> int:
    return 1 if numbers < SMALL else usable_cores()


def _impute() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
