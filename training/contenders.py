"""The model beside its baselines and its shortcuts, fitted on the same rows and judged on the same slices.

A shortcut sees only what should not suffice: dates, sizes, which features are missing, or one feature. A model that
does not beat them has learnt no behaviour.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..serving.calibration import calibrate
from ..serving.model_folder import Calibration
from .calibration import fit_calibration
from .dataset import Dataset, Progress
from .metrics import evaluate, per_period, roc_auc
from .models import fit_forest, fit_lightgbm, fit_logistic, log_odds, margins
from .splits import Slice, Slices

if TYPE_CHECKING:
    from .config import TrainConfig

MODEL = "lightgbm"
TESTS = ("test_time", "test_new")


@dataclass(frozen=True)
class Contender:
    """Something that ranks wallets.

    Attributes:
        name: as it stands in tables.
        kind: model, baseline or shortcut.
        margin: its ranking of all rows of the dataset, shape (rows,).
        calibration: of the margin, fitted on the calibration slice.
        note: what a reader should know, such as which single feature it is.
    """

    name: str
    kind: str
    margin: np.ndarray
    calibration: Calibration
    note: str = ""

    @property
    def score(self) -> np.ndarray:
        """Calibrated probabilities of all rows, shape (rows,)."""
        return calibrate(self.margin, self.calibration)


def contenders(
    dataset: Dataset, slices: Slices, config: "TrainConfig", on_progress: Progress | None = None
) -> tuple[lgb.Booster, list[Contender]]:
    """Fit the model, the baselines (if asked for) and the shortcuts on the training slice.

    Returns:
        The model, and all contenders, the model first.
    """
    booster = _fit(dataset.X, slices.train, config)
    margin = {(MODEL, "model", ""): margins(booster, dataset.X)}
    makers = [*(_baselines if config.model.baselines else ()), *_shortcuts]
    for done, make in enumerate(makers):
        if on_progress:
            on_progress("fit", done + 1, len(makers) + 1)
        margin |= make(dataset, slices.train, config)
    if on_progress:
        on_progress("fit", len(makers) + 1, len(makers) + 1)
    later = slices.calibrate
    return booster, [
        Contender(name, kind, m, fit_calibration(m[later.rows], later.y), note)
        for (name, kind, note), m in margin.items()
    ]


def metrics_table(contending: list[Contender], slices: Slices, config: "TrainConfig") -> pd.DataFrame:
    """All metrics of every contender on both test slices: [model, kind, slice, note, …metrics], the model first.

    Rankings are those of the raw margin, which has fewer ties than the score; Brier and ECE are of the calibrated score.
    """
    rows = []
    for one in contending:
        for name in TESTS:
            part: Slice = getattr(slices, name)
            if len(part.rows):
                found = evaluate(
                    part.y, one.margin[part.rows], one.score[part.rows], config.review.budgets, config.review.k
                )
                rows.append({"model": one.name, "kind": one.kind, "slice": name, "note": one.note, **found})
    return pd.DataFrame(rows)


def periods_table(one: Contender, dataset: Dataset, slices: Slices) -> pd.DataFrame:
    """The model's metrics in each quarter of both test slices: [slice, period, …]."""
    tables = []
    for name in TESTS:
        part: Slice = getattr(slices, name)
        if len(part.rows):
            as_of = dataset.snapshots["as_of"].iloc[part.rows]
            table = per_period(as_of, part.y, one.margin[part.rows], one.score[part.rows])
            tables.append(table.assign(slice=name))
    table = pd.concat(tables, ignore_index=True)
    return table.loc[:, ["slice", *table.columns.drop("slice")]]


def _fit(X: pd.DataFrame, part: Slice, config: "TrainConfig") -> lgb.Booster:
    return fit_lightgbm(X.iloc[part.rows], part.y, config.model.lightgbm.model_dump(), config.seed, config.model.rounds)


def _logistic(dataset: Dataset, part: Slice, config: "TrainConfig"):
    model = fit_logistic(dataset.X.iloc[part.rows], part.y, config.seed)
    return {("logistic_regression", "baseline", ""): log_odds(model, dataset.X)}


def _forest(dataset: Dataset, part: Slice, config: "TrainConfig"):
    model = fit_forest(dataset.X.iloc[part.rows], part.y, config.seed, config.model.lightgbm.num_threads)
    return {("random_forest", "baseline", ""): log_odds(model, dataset.X)}


def _date_only(dataset: Dataset, part: Slice, config: "TrainConfig"):
    note = "as_of, first transfer ever, first and last in the window"
    return {("date_only", "shortcut", note): margins(_fit(dataset.dates, part, config), dataset.dates)}


def _size_only(dataset: Dataset, part: Slice, config: "TrainConfig"):
    note = "numbers of transfers and totals"
    return {("size_only", "shortcut", note): margins(_fit(dataset.size, part, config), dataset.size)}


def _missingness_only(dataset: Dataset, part: Slice, config: "TrainConfig"):
    missing = dataset.X.isna().astype(np.float64)
    return {
        ("missingness_only", "shortcut", "which features are missing"): margins(_fit(missing, part, config), missing)
    }


def _best_single_feature(dataset: Dataset, part: Slice, config: "TrainConfig"):
    """The feature that ranks the training slice best, in the direction it does; missing values rank lowest."""
    sides = [(name, sign) for name in dataset.X.columns for sign in (1, -1)]
    train = dataset.X.iloc[part.rows]
    found = [roc_auc(part.y, _ranking(train.loc[:, name], train.loc[:, name], sign)) for name, sign in sides]
    name, sign = sides[int(np.argmax(found))]
    note = f"{'high' if sign > 0 else 'low'} {name}"
    return {("best_single_feature", "shortcut", note): _ranking(dataset.X.loc[:, name], train.loc[:, name], sign)}


def _ranking(values: pd.Series, train: pd.Series, sign: int) -> np.ndarray:
    """The share of the training slice's values below each value (above, if sign is −1); −1 where missing."""
    ordered = np.sort(sign * train.dropna().to_numpy())
    share = np.searchsorted(ordered, sign * values.to_numpy()) / max(1, len(ordered))
    return np.where(values.isna(), -1.0, share)


_baselines = (_logistic, _forest)
_shortcuts = (_date_only, _size_only, _missingness_only, _best_single_feature)
