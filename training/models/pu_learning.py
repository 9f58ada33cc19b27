"""Learning from positives and from wallets of which nothing is known. Own, as no kept library gives rows a weight, parts wallets
and not rows, and ends in one set of trees.

Unlabelled wallets are never negatives in a slice, and none of them is in an evaluation but as what consumes a review budget.
Both methods give boosters of the usual kind; known negatives stay negatives in both.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from ...features.base.errors import DataError
from ..data.large_matrix import RowSelection
from ..data.snapshots import unit_hash
from ..splits.time_split import Slice
from .estimators import fit_lightgbm, margins
from .seed_ensemble import merge_boosters

if TYPE_CHECKING:
    from ..config.train_config import TrainConfig
    from ..data.dataset import Dataset

FOLDS = 3
"""Parts of the wallets by which Elkan and Noto's share of labelled positives is measured on wallets not learnt from."""

Fit = Callable[[RowSelection, np.ndarray, "np.ndarray | None"], lgb.Booster]
"""Fits a booster to rows, outcomes and weights."""


def trainable_unlabelled(dataset: "Dataset", part: Slice, config: "TrainConfig") -> np.ndarray:
    """Positions of the unlabelled snapshots that a training on `part` may see: not later than it, wallets not held out."""
    apart = dataset.unlabelled
    if apart is None:
        return np.empty(0, np.int64)
    until = dataset.snapshots["as_of"].iloc[part.rows].max()
    lot = unit_hash(apart.snapshots["address"], "held_out_addresses")
    free = lot >= config.split.held_out_addresses
    return np.flatnonzero((apart.snapshots["as_of"] <= until).to_numpy() & free)


def reviewed_unlabelled(dataset: "Dataset", part: Slice, config: "TrainConfig", name: str) -> np.ndarray:
    """Positions of the unlabelled snapshots that are reviewed beside a test slice: of its dates, and in `test_new` held out."""
    apart = dataset.unlabelled
    if apart is None:
        return np.empty(0, np.int64)
    same = apart.snapshots["as_of"].isin(dataset.snapshots["as_of"].iloc[part.rows].unique()).to_numpy()
    if name == "test_new":
        same = same & (unit_hash(apart.snapshots["address"], "held_out_addresses") < config.split.held_out_addresses)
    return np.flatnonzero(same)


def learn_bagged(
    dataset: "Dataset", part: Slice, apart: np.ndarray, weights: np.ndarray, fit: Fit, bags: int, seed: int
) -> lgb.Booster:
    """Bagging (Mordelet & Vert 2014): in each bag all known rows, and as many unlabelled ones as there are positives, drawn with
    replacement, as negatives. The bags' log-odds are averaged where the authors average votes: so that they are one model.

    Args:
        dataset: with unlabelled wallets.
        part: known rows and outcomes.
        apart: positions of unlabelled rows.
        weights: of the known rows, (rows of the slice,); an unlabelled one weighs 1.
        fit: of one bag.
        bags: how many.
        seed: of the drawing.
    """
    assert dataset.unlabelled is not None
    boosters, drawn = [], int((part.y == 1).sum())
    y, w = np.concatenate([part.y, np.zeros(drawn)]), np.concatenate([weights, np.ones(drawn)])
    for bag in range(bags):
        chosen = np.random.default_rng([seed, bag]).choice(apart, drawn)
        boosters.append(fit(RowSelection((dataset.X, part.rows), (dataset.unlabelled.X, np.sort(chosen))), y, w))
    return merge_boosters(boosters)


def learn_weighted(dataset: "Dataset", part: Slice, apart: np.ndarray, weights: np.ndarray, fit: Fit) -> lgb.Booster:
    """Weighting (Elkan & Noto 2008, section 3): an unlabelled row counts twice, as a positive with the chance that it is one,
    and as a negative with the rest.

    With g(x) the chance that a row is labelled, learnt from positives against unlabelled, and c its mean over positives, that
    chance is w(x) = (1 − c) / c · g(x) / (1 − g(x)), at most 1. g and c are taken from wallets that were not learnt from (three
    parts by hash of the address).

    Args:
        dataset, part, apart, weights, fit: as for `learn_bagged`.

    Raises:
        DataError: if the positives are too few wallets for three parts.
    """
    assert dataset.unlabelled is not None
    g = _chances_of_label(dataset, part, apart, weights, fit)
    positive = part.y == 1
    c = np.average(1 / (1 + np.exp(-g[: positive.sum()])), weights=weights[positive])
    share = np.minimum(1.0, (1 - c) / c * np.exp(np.minimum(g[positive.sum() :], 500.0)))
    rows = RowSelection((dataset.X, part.rows), (dataset.unlabelled.X, apart), (dataset.unlabelled.X, apart))
    y = np.concatenate([part.y, np.ones(len(apart)), np.zeros(len(apart))])
    return fit(rows, y, np.concatenate([weights, share, 1 - share]))


def _chances_of_label(dataset: "Dataset", part: Slice, apart: np.ndarray, weights: np.ndarray, fit: Fit) -> np.ndarray:
    """Log-odds of being labelled, of the positives and then of the unlabelled rows, by models that met no row of their wallet."""
    assert dataset.unlabelled is not None
    positive = part.y == 1
    own, shots = part.rows[positive], dataset.unlabelled.snapshots
    sides = [_fold(dataset.snapshots["address"].iloc[own]), _fold(shots["address"].iloc[apart])]
    if len(np.unique(sides[0])) < FOLDS or len(np.unique(sides[1])) < FOLDS:
        raise DataError(
            f"model.pu_learning: elkan_noto needs positive and unlabelled wallets in each of {FOLDS} parts, and there are "
            f"{dataset.snapshots['address'].iloc[own].nunique()} and {shots['address'].iloc[apart].nunique()} wallets; "
            "raise model.pu_learning.wallets, or set model.pu_learning.method: bagging"
        )
    fold, found = np.concatenate(sides), np.empty(len(own) + len(apart))
    y = np.repeat([1.0, 0.0], [len(own), len(apart)])
    w = np.concatenate([weights[positive], np.ones(len(apart))])
    for k in range(FOLDS):
        tables = (dataset.X, own), (dataset.unlabelled.X, apart)
        others = RowSelection(*((X, rows[side != k]) for (X, rows), side in zip(tables, sides, strict=True)))
        booster = fit(others, y[fold != k], w[fold != k])
        found[fold == k] = np.concatenate(
            [margins(booster, X.iloc[rows[side == k]]) for (X, rows), side in zip(tables, sides, strict=True)]
        )
    return found


def _fold(addresses: pd.Series) -> np.ndarray:
    return (unit_hash(addresses, "elkan_noto") * FOLDS).astype(np.int64)


def fitter(params: Mapping[str, Any], seed: int, rounds: int, monotone: Mapping[str, int] | None) -> Fit:
    """`fit_lightgbm` with all but rows, outcomes and weights."""
    return lambda rows, y, weights: fit_lightgbm(rows, y, params, seed, rounds, weights=weights, monotone=monotone)
