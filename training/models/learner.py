"""Learns the model of a head as its config says: weights, monotone constraints, unlabelled wallets, seeds.

Splits nothing and judges nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from ...features.base.errors import DataError
from ..config.train_config import TrainConfig
from ..data.dataset import Dataset
from ..data.large_matrix import RowSelection
from ..splits.time_split import Slice
from .monotone_constraints import monotone_directions
from .pu_learning import fitter, learn_bagged, learn_weighted, trainable_unlabelled
from .sample_weights import training_weights
from .seed_ensemble import merge_boosters


@dataclass(frozen=True)
class LearntModel:
    """A model: `booster`, whose margin is the mean of the `members`, one per seed (the booster itself if there is one seed)."""

    booster: lgb.Booster
    members: tuple[lgb.Booster, ...]


def learn(
    dataset: Dataset,
    train: Slice,
    config: TrainConfig,
    *,
    lightgbm: Mapping[str, Any] | None = None,
    rounds: int | None = None,
    seeds: int | None = None,
    unlabelled: bool = True,
) -> LearntModel:
    """Fit the model on some rows.

    Args:
        dataset: all rows.
        train: the rows to learn from, with their outcomes.
        config: its `model`, `seed` and `head`.
        lightgbm: overrides `model.lightgbm`.
        rounds: overrides `model.rounds`.
        seeds: overrides `model.seeds`.
        unlabelled: False to ignore unlabelled wallets even if the config uses them.

    Raises:
        DataError: if there are too few unlabelled or positive wallets for the method.
    """
    params = config.model.lightgbm.model_dump() if lightgbm is None else lightgbm
    arguments = fit_arguments(dataset, train, config)
    method = config.model.pu_learning.method if unlabelled else "none"
    members = []
    for seed in range(config.seed, config.seed + (seeds or config.model.seeds)):
        fit = fitter(params, seed, rounds or config.model.rounds, arguments["monotone"])
        if method == "none":
            members.append(fit(RowSelection((dataset.X, train.rows)), train.y, arguments["weights"]))
            continue
        unlabelled_rows = _at_least_one(trainable_unlabelled(dataset, train, config), config)
        weights = arguments["weights"] if arguments["weights"] is not None else np.ones(len(train.rows))
        if method == "bagging":
            members.append(
                learn_bagged(dataset, train, unlabelled_rows, weights, fit, config.model.pu_learning.bags, seed)
            )
        else:
            members.append(learn_weighted(dataset, train, unlabelled_rows, weights, fit))
    return LearntModel(merge_boosters(members), tuple(members))


def fit_arguments(dataset: Dataset, train: Slice, config: TrainConfig) -> dict[str, Any]:
    """The arguments of `fit_lightgbm` for some rows under a config: their `weights`, and the `monotone` features."""
    monotone = monotone_directions(map(str, dataset.X.columns), config.head) if config.model.monotone else None
    return {"weights": training_weights(dataset, train, config), "monotone": monotone or None}


def _at_least_one(rows: np.ndarray, config: TrainConfig) -> np.ndarray:
    if not len(rows):
        least, window = config.snapshots.min_transfers, config.snapshots.window
        raise DataError(
            f"model.pu_learning: none of the wallets without a label has {least} transfers in a {window} window up to the "
            "training's end; give transfers of more wallets, or set model.pu_learning.method: none"
        )
    return rows
