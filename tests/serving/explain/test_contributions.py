"""Contributions: LightGBM's own `pred_contrib` to 1e-9 on random models of every kind of split, and sums that are the margin."""

import lightgbm
import numpy as np
import pytest

from walletprint.serving.explain import contributions
from walletprint.serving.explain.contributions import Explainer

COLUMNS = 9
MODELS = {
    "ordinary": {},
    "deep": {"num_leaves": 250, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0.0},
    "one leaf": {"min_data_in_leaf": 4_000},
    "no missing": {"use_missing": False},
    "zero as missing": {"zero_as_missing": True},
    "categories one by one": {"max_cat_to_onehot": 100},
    "sampled": {"bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.6},
}


def rows(seed: int, n: int) -> np.ndarray:
    """Random rows with what is missing, zeros, categories in column 0, and what LightGBM takes for zero."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, COLUMNS))
    X[random.random(X.shape) < 0.1] = 0.0
    X[random.random(X.shape) < 0.02] = 1e-36
    X[:, 0] = random.integers(0, 70, n)
    X[random.random(X.shape) < 0.2] = np.nan
    return X


@pytest.fixture(scope="module", params=MODELS)
def booster(request) -> lightgbm.Booster:
    X = rows(1, 3_000)
    noise = np.random.default_rng(2).normal(size=len(X))
    y = np.nansum(X[:, 1:4], axis=1) + (X[:, 0] % 3 == 0) + np.isnan(X[:, 4]) + noise > 0.5
    params = {
        "objective": "binary", "num_leaves": 20, "min_data_per_group": 5, "num_threads": 1, "verbosity": -1, "seed": 3,
    }  # fmt: skip
    data = lightgbm.Dataset(X, y.astype(float), categorical_feature=[0])
    return lightgbm.train(params | MODELS[request.param], data, 15)


@pytest.fixture(scope="module")
def explainer(booster) -> Explainer:
    return Explainer.from_trees(booster.model_to_string(), COLUMNS)


def odd() -> np.ndarray:
    """Rows at the edges: no such category, half of one, infinite, all missing, all zero."""
    X = rows(4, 12)
    X[:6, 0] = (-3.0, -0.5, 3.7, 1e12, 1_000.0, np.nan)
    X[6, 1:] = np.inf
    X[7, 1:] = -np.inf
    X[8], X[9] = np.nan, 0.0
    return X


@pytest.mark.parametrize("X", [rows(5, 400), odd()], ids=["random", "odd"])
def test_contributions_are_lightgbms_own_and_add_up(booster, explainer, X):
    found = explainer.contributions(X)
    assert np.abs(found - booster.predict(X, pred_contrib=True)).max() < 1e-9
    assert np.abs(found.sum(axis=1) - booster.predict(X, raw_score=True)).max() < 1e-9


def test_blocks_and_their_threads_change_nothing(explainer, monkeypatch):
    X = rows(6, 300)
    whole = explainer.contributions(X)
    monkeypatch.setattr(contributions, "_ROWS", 37)
    assert np.array_equal(explainer.contributions(X), whole)


def test_long_paths_that_share_nothing_give_the_same(explainer):
    X = rows(7, 50)
    answers = np.ones((5, 50), np.bool_)
    mine, code, seen = np.empty(50, np.int64), np.empty(50, np.int64), np.full(32, -1)
    assert contributions._distinct_answers(answers, 5, code, seen, mine, np.empty((5, 50), np.bool_)) == 1
    assert explainer.contributions(X[:0]).shape == (0, COLUMNS + 1)
    assert explainer.contributions(X[:1]).tolist() == explainer.contributions(X)[:1].tolist()


def by_definition(explainer: Explainer, row: np.ndarray) -> np.ndarray:
    """The same integral with more points than are needed, and every product written out: nothing is divided."""
    p, found = explainer.paths, np.zeros(explainer.features + 1)
    x, w = np.polynomial.legendre.leggauss(64)
    nodes, weights = (x + 1) / 2, w / 2
    for leaf, value in enumerate(p.value):
        steps = range(p.start[leaf], p.start[leaf + 1])
        passes = {k: not row[p.feature[k]] <= p.low[k] and row[p.feature[k]] <= p.high[k] for k in steps}
        factors = {k: p.share[k] + nodes * (passes[k] - p.share[k]) for k in steps}
        for j in steps:
            rest = np.prod([factors[k] for k in steps if k != j], axis=0) if len(steps) > 1 else np.ones(64)
            found[p.feature[j]] += value * (passes[j] - p.share[j]) * (weights @ rest)
        found[-1] += value * np.prod(p.share[steps])
    return found


def test_a_path_of_more_features_than_are_shared():
    """The first of 40 columns that is 1 tells the target, so that trees ask one after the other; LightGBM loses digits here."""
    X = (np.random.default_rng(8).random((3_000, 40)) < 0.1).astype(float)
    params = {"objective": "regression", "num_leaves": 60, "min_data_in_leaf": 1, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(params, lightgbm.Dataset(X, X.argmax(axis=1).astype(float)), 3)
    explainer = Explainer.from_trees(booster.model_to_string(), 40)
    assert np.diff(explainer.paths.start).max() > contributions._SHARED
    found = explainer.contributions(X[:99])
    assert np.abs(found - booster.predict(X[:99], pred_contrib=True)).max() < 1e-7
    assert np.abs(found.sum(axis=1) - booster.predict(X[:99], raw_score=True)).max() < 1e-9
    for row in range(4):
        assert np.abs(found[row] - by_definition(explainer, X[row])).max() < 1e-9
