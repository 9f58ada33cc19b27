"""What stands beside the model: baselines, which any user could have instead, and shortcuts, which see what should not suffice.

Each is fitted on the training slice and gives back how it ranks any rows. Judges nothing.
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
"""Training rows that scikit-learn's models, which hold all in memory, are fitted on at most."""
RANKERS = (
    ("pass_through", "flow__pass_through__1d", 1),
    ("dwell", "flow__dwell__median", -1),
    ("in_degree", "counterparties__in__distinct", 1),
    ("taint", "exposure__theft_in__share", 1),
)
"""Rankings by one feature that the field uses by themselves: its name here, the feature, and which end is suspect."""


@dataclass(frozen=True)
class Ranker:
    """Something fitted that ranks rows.

    Attributes:
        name: as it stands in tables.
        kind: baseline or shortcut.
        note: what a reader should know.
        sees: the frame of the dataset that it ranks by: X, size or dates.
        rank: from that frame's rows to a margin, (n,).
    """

    name: str
    kind: str
    note: str
    sees: str
    rank: Callable[[pd.DataFrame], np.ndarray]


Maker = Callable[[Dataset, Slice, TrainConfig], list[Ranker]]


def _logistic(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    some, note = _some(dataset, part)
    weights = training_weights(dataset, some, config)
    model = fit_logistic(dataset.X.iloc[some.rows], some.y, config.seed, weights)
    return [Ranker("logistic_regression", "baseline", note, "X", lambda X: log_odds(model, X))]


def _forest(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    some, note = _some(dataset, part)
    threads, weights = config.model.lightgbm.num_threads, training_weights(dataset, some, config)
    model = fit_forest(dataset.X.iloc[some.rows], some.y, config.seed, threads, weights)
    return [Ranker("random_forest", "baseline", note, "X", lambda X: log_odds(model, X))]


def _isolation(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    some, note = _some(dataset, part)
    model = fit_isolation(dataset.X.iloc[some.rows], config.seed)
    said = "; ".join(filter(None, ("sees no labels", note)))
    return [Ranker("isolation_forest", "baseline", said, "X", lambda X: anomaly_score(model, X))]


def _rankers(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    some, _ = _some(dataset, part)
    return [
        Ranker(name, "baseline", _end(feature, sign), "X", _by_feature(dataset.X, some, feature, sign))
        for name, feature, sign in RANKERS
        if feature in dataset.X.columns
    ]


def _date_only(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    note = "as_of, first transfer ever, first and last in the window"
    booster = _fit(dataset, RowSelection((dataset.dates, part.rows)), part, config)
    return [Ranker("date_only", "shortcut", note, "dates", lambda X: margins(booster, X))]


def _size_only(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    booster = _fit(dataset, RowSelection((dataset.size, part.rows)), part, config)
    return [Ranker("size_only", "shortcut", "numbers of transfers and totals", "size", lambda X: margins(booster, X))]


def _missingness_only(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    rows = dataset.X.to_numpy()
    batches = ((at, _missing(rows[part.rows[at]])) for at in matrix.batch_slices(len(part.rows)))
    missing = matrix.fill_table(batches, len(part.rows), [str(name) for name in dataset.X.columns])
    booster = _fit(dataset, RowSelection((missing, None)), part, config)
    return [
        Ranker(
            "missingness_only", "shortcut", "which features are missing", "X", lambda X: margins(booster, X, _missing)
        )
    ]


def _best_single_feature(dataset: Dataset, part: Slice, config: TrainConfig) -> list[Ranker]:
    """The feature that ranks the training slice best, in the direction it does; missing values rank lowest."""
    some, note = _some(dataset, part)
    train = dataset.X.iloc[some.rows]
    sides = [(str(name), sign) for name in train.columns for sign in (1, -1)]
    found = [roc_auc(some.y, _ranking(column := train[name].to_numpy(), column, sign)) for name, sign in sides]
    name, sign = sides[int(np.argmax(found))]
    said = "; ".join(filter(None, (_end(name, sign), note)))
    return [Ranker("best_single_feature", "shortcut", said, "X", _by_feature(dataset.X, some, name, sign))]


BASELINES: tuple[Maker, ...] = (_logistic, _forest, _isolation, _rankers)
SHORTCUTS: tuple[Maker, ...] = (_date_only, _size_only, _missingness_only, _best_single_feature)


def ranker_makers(config: TrainConfig) -> tuple[Maker, ...]:
    """What is fitted beside the model under a config, in the order of the tables."""
    return (*BASELINES, *SHORTCUTS) if config.model.baselines else SHORTCUTS


def fit_rankers(dataset: Dataset, part: Slice, config: TrainConfig) -> Iterator[list[Ranker]]:
    """Fit them one after the other, on the training slice `part`."""
    for make in ranker_makers(config):
        yield make(dataset, part, config)


def _fit(dataset: Dataset, rows: RowSelection, part: Slice, config: TrainConfig) -> lgb.Booster:
    """LightGBM as the model has it, on what else is known of the slice's rows, which no constraint is about."""
    weights, params = training_weights(dataset, part, config), config.model.lightgbm.model_dump()
    return fit_lightgbm(rows, part.y, params, config.seed, config.model.rounds, weights=weights)


def _some(dataset: Dataset, part: Slice) -> tuple[Slice, str]:
    some = subsample(dataset, part, ROWS)
    return some, "" if some is part else f"fitted on {len(some.rows):,} of {len(part.rows):,} rows, by hash"


def _missing(values: np.ndarray) -> np.ndarray:
    return np.isnan(values).astype(np.float64)


def _end(feature: str, sign: int) -> str:
    return f"{'high' if sign > 0 else 'low'} {feature}"


def _by_feature(X: pd.DataFrame, part: Slice, name: str, sign: int) -> Callable[[pd.DataFrame], np.ndarray]:
    at = X.columns.get_loc(name)
    train = X.iloc[part.rows, at].to_numpy()
    return lambda frame: _ranking(frame[name].to_numpy(), train, sign)


def _ranking(values: np.ndarray, train: np.ndarray, sign: int) -> np.ndarray:
    """The share of the training rows' values below each value (above, if sign is −1); −1 where missing."""
    ordered = np.sort(sign * train[~np.isnan(train)])
    share = np.searchsorted(ordered, sign * values) / max(1, len(ordered))
    return np.where(np.isnan(values), -1.0, share)
