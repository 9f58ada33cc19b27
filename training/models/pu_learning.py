"""Learning from positive and unlabelled wallets (PU learning).

Unlabelled wallets are never negatives of a slice. In an evaluation they only consume review budget. Both methods return ordinary
boosters, and known negatives stay negatives in both. It is written here because no maintained library weights rows, splits by
wallet and returns a single set of trees (`pulearn` takes no weights and holds out by row).
"""

from collections.abc import Callable, Mapping
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from ...features.base.errors import DataError
from ..config.train_config import TrainConfig
from ..data.dataset import Dataset, UnlabelledWallets
from ..data.large_matrix import RowSelection
from ..data.snapshots import unit_hash
from ..splits.time_split import Slice
from .estimators import fit_lightgbm, margins
from .seed_ensemble import merge_boosters

FOLDS = 3
"""Folds of wallets for Elkan & Noto's share of labelled positives, which is measured on wallets outside the training."""

Fit = Callable[[RowSelection, np.ndarray, "np.ndarray | None"], lgb.Booster]
"""A function that fits a booster to rows, outcomes and weights."""


def trainable_unlabelled(dataset: Dataset, train: Slice, config: TrainConfig) -> np.ndarray:
    """Positions of the unlabelled snapshots that a training may use: not later than `train`, wallets not held out."""
    if dataset.unlabelled is None:
        return np.empty(0, np.int64)
    until = dataset.snapshots["as_of"].iloc[train.rows].max()
    early = (dataset.unlabelled.snapshots["as_of"] <= until).to_numpy()
    return np.flatnonzero(early & ~_held_out(dataset.unlabelled, config))


def reviewed_unlabelled(dataset: Dataset, test: Slice, config: TrainConfig, name: str) -> np.ndarray:
    """Positions of the unlabelled snapshots reviewed with a test slice: of the same dates; for `test_new` of held-out wallets."""
    if dataset.unlabelled is None:
        return np.empty(0, np.int64)
    dates = dataset.snapshots["as_of"].iloc[test.rows].unique()
    same = dataset.unlabelled.snapshots["as_of"].isin(dates).to_numpy()
    return np.flatnonzero(same & _held_out(dataset.unlabelled, config) if name == "test_new" else same)


def _held_out(unlabelled: UnlabelledWallets, config: TrainConfig) -> np.ndarray:
    return unit_hash(unlabelled.snapshots["address"], "held_out_addresses") < config.split.held_out_addresses


def learn_bagged(
    dataset: Dataset, train: Slice, unlabelled_rows: np.ndarray, weights: np.ndarray, fit: Fit, bags: int, seed: int
) -> lgb.Booster:
    """Bagging (Mordelet & Vert 2014): each bag holds all known rows, and as many unlabelled rows as there are positives.

    The unlabelled rows are sampled with replacement and count as negatives. The bags' log-odds are averaged, where the authors
    average votes, so that the result is one model.

    Args:
        dataset: all rows, with unlabelled wallets.
        train: the known rows and their outcomes.
        unlabelled_rows: positions of unlabelled rows.
        weights: of the known rows, (rows of the slice,); an unlabelled row has weight 1.
        fit: fits one bag.
        bags: the number of bags.
        seed: the seed of the sampling.
    """
    assert dataset.unlabelled is not None
    boosters, sampled = [], int((train.y == 1).sum())
    y, w = np.concatenate([train.y, np.zeros(sampled)]), np.concatenate([weights, np.ones(sampled)])
    for bag in range(bags):
        chosen = np.random.default_rng([seed, bag]).choice(unlabelled_rows, sampled)
        boosters.append(fit(RowSelection((dataset.X, train.rows), (dataset.unlabelled.X, np.sort(chosen))), y, w))
    return merge_boosters(boosters)


def learn_weighted(
    dataset: Dataset, train: Slice, unlabelled_rows: np.ndarray, weights: np.ndarray, fit: Fit
) -> lgb.Booster:
    """Weighting (Elkan & Noto 2008, section 3): an unlabelled row enters twice, as a positive and as a negative.

    Its weight as a positive is the probability that it is one, w(x) = (1 − c) / c · g(x) / (1 − g(x)), at most 1. Its weight as
    a negative is 1 − w(x). g(x) is the probability that a row is labelled, learnt from positives against unlabelled rows; c is
    its mean over the positives. Both are measured on wallets outside the training (three folds by hash of the address).

    Args:
        dataset, train, unlabelled_rows, weights, fit: as for `learn_bagged`.

    Raises:
        DataError: if there are too few wallets for three folds.
    """
    assert dataset.unlabelled is not None
    g = _chances_of_label(dataset, train, unlabelled_rows, weights, fit)
    positive = train.y == 1
    c = np.average(1 / (1 + np.exp(-g[: positive.sum()])), weights=weights[positive])
    positive_share = np.minimum(1.0, (1 - c) / c * np.exp(np.minimum(g[positive.sum() :], 500.0)))
    rows = RowSelection(
        (dataset.X, train.rows), (dataset.unlabelled.X, unlabelled_rows), (dataset.unlabelled.X, unlabelled_rows)
    )
    y = np.concatenate([train.y, np.ones(len(unlabelled_rows)), np.zeros(len(unlabelled_rows))])
    return fit(rows, y, np.concatenate([weights, positive_share, 1 - positive_share]))


def _chances_of_label(
    dataset: Dataset, train: Slice, unlabelled_rows: np.ndarray, weights: np.ndarray, fit: Fit
) -> np.ndarray:
    """Log-odds of being labelled: of the positives, then of the unlabelled rows. No model has seen a row of the same wallet."""
    assert dataset.unlabelled is not None
    positive = train.y == 1
    positives, snapshots = train.rows[positive], dataset.unlabelled.snapshots
    known_and_unlabelled = (
        dataset.snapshots["address"].iloc[positives],
        snapshots["address"].iloc[unlabelled_rows],
    )
    sides = [_fold(addresses) for addresses in known_and_unlabelled]
    if any(len(np.unique(side)) < FOLDS for side in sides):
        wallets = [addresses.nunique() for addresses in known_and_unlabelled]
        raise DataError(
            f"model.pu_learning: elkan_noto needs positive and unlabelled wallets in each of {FOLDS} parts, and there are "
            f"{wallets[0]} and {wallets[1]} wallets; raise model.pu_learning.wallets, or set model.pu_learning.method: bagging"
        )
    fold, log_odds = np.concatenate(sides), np.empty(len(positives) + len(unlabelled_rows))
    y = np.repeat([1.0, 0.0], [len(positives), len(unlabelled_rows)])
    w = np.concatenate([weights[positive], np.ones(len(unlabelled_rows))])
    for k in range(FOLDS):
        tables = (dataset.X, positives), (dataset.unlabelled.X, unlabelled_rows)
        others = RowSelection(*((X, rows[side != k]) for (X, rows), side in zip(tables, sides, strict=True)))
        booster = fit(others, y[fold != k], w[fold != k])
        log_odds[fold == k] = np.concatenate(
            [margins(booster, X.iloc[rows[side == k]]) for (X, rows), side in zip(tables, sides, strict=True)]
        )
    return log_odds


def _fold(addresses: pd.Series) -> np.ndarray:
    return (unit_hash(addresses, "elkan_noto") * FOLDS).astype(np.int64)


def fitter(params: Mapping[str, Any], seed: int, rounds: int, monotone: Mapping[str, int] | None) -> Fit:
    """`fit_lightgbm` with everything set except rows, outcomes and weights."""
    return lambda rows, y, weights: fit_lightgbm(rows, y, params, seed, rounds, weights=weights, monotone=monotone)
