"""From data and a config to a fitted model and its contenders: dataset → split → select → tune → fit. Judges nothing."""

from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import pandas as pd

from ...features.ledger.ledger import Ledger
from ..config.sections import LightGBMConfig
from ..config.train_config import TrainConfig
from ..data.dataset import Dataset, Progress, build_dataset
from ..models.contenders import Contender, fit_contenders
from ..models.feature_stability import FeatureStability, select_cross_case_features
from ..models.tuning import TuningResult, tune
from ..splits.time_split import Slices, split


@dataclass(frozen=True)
class FittedModels:
    """A dataset with its split, and all that was fitted on it.

    Attributes:
        config: as given; used: the same with the parameters that tuning chose.
        dataset: with the features that were selected; slices: its split.
        booster: the model; contenders: all contenders, the model first.
        tuned: the result of the search for parameters, None if there was no search.
        stability: which features were left out and why, None if no selection was asked for.
    """

    config: TrainConfig
    used: TrainConfig
    dataset: Dataset
    slices: Slices
    booster: lgb.Booster
    contenders: list[Contender]
    tuned: TuningResult | None
    stability: FeatureStability | None


def fit_all(
    ledger: Ledger, labels: pd.DataFrame, config: TrainConfig, store: Path | None, report: Progress
) -> FittedModels:
    """Build the dataset, and fit the model, its baselines and its shortcuts.

    Args:
        ledger: the transfers.
        labels: the good ones of `read_labels`.
        config: as given.
        store: where the search for parameters is kept, if there is one (`tuning.tune`).
        report: called with the step's name, how much of it is done, and how much it is in all.

    Raises:
        DataError: if the data do not suffice for a slice, or for a fold.
        UsageError: if the folds of the search cannot be made, or `store` cannot be used.
    """
    dataset = build_dataset(ledger, labels, config, report)
    slices = split(dataset, config)
    stability = None
    if config.features.cross_case_features_only:
        dataset, stability = select_cross_case_features(dataset, slices)
    tuned = tune(dataset, slices, config, store, report) if config.tuning.trials else None
    used = config if tuned is None else _with(config, tuned)
    booster, contenders = fit_contenders(dataset, slices, used, report)
    return FittedModels(config, used, dataset, slices, booster, contenders, tuned, stability)


def _with(config: TrainConfig, tuned: TuningResult) -> TrainConfig:
    model = config.model.model_copy(update={"lightgbm": LightGBMConfig(**tuned.params)})
    return config.model_copy(update={"model": model})
