"""The baselines and shortcuts that the model is compared with. Judges nothing.

A baseline is what any user could have instead. A shortcut sees only what should not suffice. Each one is fitted on the training
slice and returns a function that ranks any rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..config.train_config import TrainConfig
from ..data import large_matrix as matrix
from ..data.dataset import Dataset
from ..data.large_matrix import RowSelection
from ..metrics.classification_metrics import roc_auc
from ..splits.time_split import Slice, subsample
from .estimators import anomaly_score, fit_forest, fit_isolation, fit_lightgbm, fit_logistic, log_odds, margins
from .sample_weights import training_weights

ROWS = 50_000
"""Maximum number of training rows for scikit-learn's models, which hold all rows in memory."""
RANKERS = (
    ("pass_through", "flow__pass_through__1d", 1),
    ("dwell", "flow__dwell__median", -1),
    ("in_degree", "counterparties__in__distinct", 1),
    ("taint", "exposure__theft_in__share", 1),
)
"""Rankings by a single feature that the field uses: the name here, the feature, and the suspicious end (1: high, −1: low)."""


@dataclass(frozen=True)
class Ranker:
    """A fitted baseline or shortcut, which ranks rows.

    Attributes:
        name: its name in tables.
        kind: baseline or shortcut (or model).
        note: a remark for the reader of a table.
        frame: the frame of the dataset that it reads: X, size or dates.
        rank: a function from rows of that frame to margins, (n,).
    """

    name: str
    kind: str
    note: str
    frame: str
    rank: Callable[[pd.DataFrame], np.ndarray]


Maker = Callable[[Dataset, Slice, TrainConfig], list[Ranker]]


def _logistic(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    sample, note = _sample(dataset, train)
    weights = training_weights(dataset, sample, config)
    model = fit_logistic(dataset.X.iloc[sample.rows], sample.y, config.seed, weights)
    return [Ranker("logistic_regression", "baseline", note, "X", lambda X: log_odds(model, X))]


def _forest(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    sample, note = _sample(dataset, train)
    threads, weights = config.model.lightgbm.num_threads, training_weights(dataset, sample, config)
    model = fit_forest(dataset.X.iloc[sample.rows], sample.y, config.seed, threads, weights)
    return [Ranker("random_forest", "baseline", note, "X", lambda X: log_odds(model, X))]


def _isolation(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    sample, note = _sample(dataset, train)
    model = fit_isolation(dataset.X.iloc[sample.rows], config.seed)
    note = "; ".join(filter(None, ("sees no labels", note)))
    return [Ranker("isolation_forest", "baseline", note, "X", lambda X: anomaly_score(model, X))]


def _rankers(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    sample, _ = _sample(dataset, train)
    return [
        Ranker(name, "baseline", _end(feature, sign), "X", _by_feature(dataset.X, sample, feature, sign))
        for name, feature, sign in RANKERS
        if feature in dataset.X.columns
    ]


def _date_only(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    note = "as_of, first transfer ever, first and last in the window"
    booster = _fit(dataset, RowSelection((dataset.dates, train.rows)), train, config)
    return [Ranker("date_only", "shortcut", note, "dates", lambda X: margins(booster, X))]


def _size_only(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    booster = _fit(dataset, RowSelection((dataset.size, train.rows)), train, config)
    return [Ranker("size_only", "shortcut", "numbers of transfers and totals", "size", lambda X: margins(booster, X))]


def _missingness_only(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    rows = dataset.X.to_numpy()
    batches = ((batch, _missing(rows[train.rows[batch]])) for batch in matrix.batch_slices(len(train.rows)))
    missing = matrix.fill_table(batches, len(train.rows), [str(name) for name in dataset.X.columns])
    booster = _fit(dataset, RowSelection((missing, None)), train, config)
    return [
        Ranker(
            "missingness_only", "shortcut", "which features are missing", "X", lambda X: margins(booster, X, _missing)
        )
    ]


def _best_single_feature(dataset: Dataset, train: Slice, config: TrainConfig) -> list[Ranker]:
    """The feature, with its direction, that ranks the training slice best; missing values rank lowest."""
    sample, note = _sample(dataset, train)
    X = dataset.X.iloc[sample.rows]
    sides = [(str(name), sign) for name in X.columns for sign in (1, -1)]
    aucs = [roc_auc(sample.y, _ranking(column := X[name].to_numpy(), column, sign)) for name, sign in sides]
    name, sign = sides[int(np.argmax(aucs))]
    note = "; ".join(filter(None, (_end(name, sign), note)))
    return [Ranker("best_single_feature", "shortcut", note, "X", _by_feature(dataset.X, sample, name, sign))]


BASELINES: tuple[Maker, ...] = (_logistic, _forest, _isolation, _rankers)
SHORTCUTS: tuple[Maker, ...] = (_date_only, _size_only, _missingness_only, _best_single_feature)


def ranker_makers(config: TrainConfig) -> tuple[Maker, ...]:
    """The baselines and shortcuts that a config asks for, in the order of the tables."""
    return (*BASELINES, *SHORTCUTS) if config.model.baselines else SHORTCUTS


def fit_rankers(dataset: Dataset, train: Slice, config: TrainConfig) -> Iterator[list[Ranker]]:
    """Fit the baselines and shortcuts one after the other on the training slice."""
    for make in ranker_makers(config):
        yield make(dataset, train, config)


def _fit(dataset: Dataset, rows: RowSelection, train: Slice, config: TrainConfig) -> lgb.Booster:
    """LightGBM with the model's parameters and weights, on other columns, without monotone constraints."""
    weights, params = training_weights(dataset, train, config), config.model.lightgbm.model_dump()
    return fit_lightgbm(rows, train.y, params, config.seed, config.model.rounds, weights=weights)


def _sample(dataset: Dataset, train: Slice) -> tuple[Slice, str]:
    sample = subsample(dataset, train, ROWS)
    return sample, "" if sample is train else f"fitted on {len(sample.rows):,} of {len(train.rows):,} rows, by hash"


def _missing(values: np.ndarray) -> np.ndarray:
    return np.isnan(values).astype(np.float64)


def _end(feature: str, sign: int) -> str:
    return f"{'high' if sign > 0 else 'low'} {feature}"


def _by_feature(X: pd.DataFrame, train: Slice, name: str, sign: int) -> Callable[[pd.DataFrame], np.ndarray]:
    values = X[name].to_numpy()[train.rows]
    return lambda frame: _ranking(frame[name].to_numpy(), values, sign)


def _ranking(values: np.ndarray, train: np.ndarray, sign: int) -> np.ndarray:
    """The share of the training rows' values below each value (above, if sign is −1); −1 where missing."""
    ordered = np.sort(sign * train[~np.isnan(train)])
    share = np.searchsorted(ordered, sign * values) / max(1, len(ordered))
    return np.where(np.isnan(values), -1.0, share)
