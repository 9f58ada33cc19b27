"""The model of a head, learnt as its config says: weights, monotone constraints, unlabelled wallets, seeds. Splits and judges
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np

from ...features.base.errors import DataError
from ..data.large_matrix import RowSelection
from ..splits.time_split import Slice
from .monotone_constraints import monotone_directions
from .pu_learning import fitter, learn_bagged, learn_weighted, trainable_unlabelled
from .sample_weights import training_weights
from .seed_ensemble import merge_boosters

if TYPE_CHECKING:
    from ..config.train_config import TrainConfig
    from ..data.dataset import Dataset


@dataclass(frozen=True)
class LearntModel:
    """A model: one booster, and those of each seed, whose mean margin is its own (itself alone if there is one seed)."""

    booster: lgb.Booster
    members: tuple[lgb.Booster, ...]


def learn(
    dataset: "Dataset",
    part: Slice,
    config: "TrainConfig",
    *,
    lightgbm: Mapping[str, Any] | None = None,
    rounds: int | None = None,
    seeds: int | None = None,
    unlabelled: bool = True,
) -> LearntModel:
    """Fit the model on some rows.

    Args:
        dataset: all rows.
        part: those to learn from, with their outcomes.
        config: its `model`, `seed` and `head`.
        lightgbm: instead of `model.lightgbm`.
        rounds: instead of `model.rounds`.
        seeds: instead of `model.seeds`.
        unlabelled: whether to learn from unlabelled wallets, if the config says so.

    Raises:
        DataError: if there are too few unlabelled or positive wallets for the method.
    """
    params = config.model.lightgbm.model_dump() if lightgbm is None else lightgbm
    arguments = fit_arguments(dataset, part, config)
    method = config.model.pu_learning.method if unlabelled else "none"
    members = []
    for seed in range(config.seed, config.seed + (seeds or config.model.seeds)):
        fit = fitter(params, seed, rounds or config.model.rounds, arguments["monotone"])
        if method == "none":
            members.append(fit(RowSelection((dataset.X, part.rows)), part.y, arguments["weights"]))
            continue
        apart = _some(trainable_unlabelled(dataset, part, config), config)
        weights = arguments["weights"] if arguments["weights"] is not None else np.ones(len(part.rows))
        if method == "bagging":
            members.append(learn_bagged(dataset, part, apart, weights, fit, config.model.pu_learning.bags, seed))
        else:
            members.append(learn_weighted(dataset, part, apart, weights, fit))
    return LearntModel(merge_boosters(members), tuple(members))


def fit_arguments(dataset: "Dataset", part: Slice, config: "TrainConfig") -> dict[str, Any]:
    """What `fit_lightgbm` is told of some rows under a config: their `weights`, and which features are `monotone`."""
    monotone = monotone_directions(map(str, dataset.X.columns), config.head) if config.model.monotone else None
    return {"weights": training_weights(dataset, part, config), "monotone": monotone or None}


def _some(apart: np.ndarray, config: "TrainConfig") -> np.ndarray:
    if not len(apart):
        shots = (
            f"{config.snapshots.min_transfers} transfers in a {config.snapshots.window} window up to the training's end"
        )
        raise DataError(
            f"model.pu_learning: none of the wallets without a label has {shots}; give transfers of more wallets, or set "
            "model.pu_learning.method: none"
        )
    return apart
