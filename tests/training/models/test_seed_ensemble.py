"""Merged models: one set of trees whose margin is the mean of the members' margins, by LightGBM's own reading."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from samples.datasets import config_of, made, sliced

from walletprint.serving.model.calibration import calibrate
from walletprint.serving.model.trees import checked_trees
from walletprint.training.metrics.classification_metrics import roc_auc
from walletprint.training.models.contenders import fit_contenders, seeds_table
from walletprint.training.models.estimators import fit_lightgbm, margins
from walletprint.training.models.learner import learn
from walletprint.training.models.seed_ensemble import merge_boosters

NAMES = ["a", "b", "c", "never"]


@pytest.fixture(scope="module")
def table():
    values = np.random.default_rng(1).normal(size=(500, 4))
    values[::7, 1], values[:, 3] = np.nan, 0.0
    return pd.DataFrame(values, columns=NAMES), (values[:, 0] + 0.3 * np.nan_to_num(values[:, 1]) > 0).astype(int)


def boosters(table, count=3, **params):
    """Of different seeds and of different rows, so that the ranges of their features differ, too."""
    X, y = table
    params = {"bagging_fraction": 0.6, "bagging_freq": 1, "num_leaves": 7, "num_threads": 1, **params}
    return [fit_lightgbm(X.iloc[k * 50 :], y[k * 50 :], params, seed, rounds=8) for k, seed in enumerate(range(count))]


def test_the_margin_is_the_mean_and_so_are_the_contributions(table):
    members, X = boosters(table), table[0]
    one = merge_boosters(members)
    assert one.num_trees() == 24
    mean = np.mean([booster.predict(X, raw_score=True) for booster in members], axis=0)
    assert np.abs(one.predict(X, raw_score=True) - mean).max() < 1e-12
    mean = np.mean([booster.predict(X, pred_contrib=True) for booster in members], axis=0)
    assert np.abs(one.predict(X, pred_contrib=True) - mean).max() < 1e-12


def test_the_scorer_reads_it(table):
    one = merge_boosters(boosters(table))
    text = one.model_to_string()
    assert lgb.Booster(model_str=checked_trees(text, NAMES)).model_to_string() == text
    assert merge_boosters(boosters(table)).model_to_string() == text


def test_members_of_lone_leaves(table):
    members = [*boosters(table, 1), *boosters((table[0], np.ones(500, int)), 1)]
    one = merge_boosters(members)
    mean = np.mean([booster.predict(table[0], raw_score=True) for booster in members], axis=0)
    assert np.abs(one.predict(table[0], raw_score=True) - mean).max() < 1e-12
    checked_trees(one.model_to_string(), NAMES)


def test_one_model_is_itself_and_none_is_a_mistake(table):
    (alone,) = boosters(table, 1)
    assert merge_boosters([alone]) is alone
    with pytest.raises(ValueError, match="no model"):
        merge_boosters([])
    with pytest.raises(ValueError, match="same features"):
        merge_boosters([alone, fit_lightgbm(table[0][["a", "b"]], table[1], {"num_threads": 1}, 1, rounds=2)])


def test_the_text_holds_trees_alone_and_no_thread():
    dataset = made(60)
    part = sliced(dataset).train
    texts = {
        learn(dataset, part, config_of(seeds=2, lightgbm={"num_threads": n, "min_data_in_leaf": 5})).booster.model_to_string()
        for n in (1, 2)
    }  # fmt: skip
    assert len(texts) == 1
    assert "num_threads" not in texts.pop()


def test_seeds_are_averaged_and_their_spread_is_told():
    dataset, config = made(90), config_of(seeds=3, baselines=False)
    slices = sliced(dataset)
    booster, contending = fit_contenders(dataset, slices, config)
    model = contending[0]
    singles = [
        learn(dataset, slices.train, config.model_copy(update={"seed": seed}), seeds=1).booster for seed in (7, 8, 9)
    ]
    alone = np.array([margins(single, dataset.X) for single in singles])
    assert model.members is not None
    assert np.array_equal(model.members, alone)
    assert np.abs(model.margin - alone.mean(axis=0)).max() < 1e-12
    assert np.array_equal(margins(booster, dataset.X), model.margin)

    table = seeds_table(model, slices, config).set_index(["slice", "metric"])
    part = slices.test_time
    found = [roc_auc(part.y, margin[part.rows]) for margin in alone]
    row = table.loc[("test_time", "roc_auc")]
    assert row["ensemble"] == roc_auc(part.y, model.margin[part.rows])
    assert row[["mean", "sd", "lowest", "highest"]].tolist() == pytest.approx(
        [np.mean(found), np.std(found, ddof=1), min(found), max(found)]
    )
    scores = np.array([calibrate(margin[part.rows], model.calibration) for margin in alone])
    assert table.loc[("test_time", "score_sd_mean"), "mean"] == pytest.approx(scores.std(axis=0, ddof=1).mean())


def test_a_single_seed_has_no_spread():
    dataset, config = made(60), config_of(baselines=False)
    _, contending = fit_contenders(dataset, sliced(dataset), config)
    assert contending[0].members is None
    assert seeds_table(contending[0], sliced(dataset), config).empty
