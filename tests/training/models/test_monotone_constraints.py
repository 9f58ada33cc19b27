"""Monotone constraints: of features that exist, and kept by the trees."""

import numpy as np
import pandas as pd
import pytest

from walletprint.features.families.registry import catalogue
from walletprint.features.reference.behaviours import BEHAVIOURS
from walletprint.training.config.train_config import heads
from walletprint.training.models.estimators import fit_lightgbm
from walletprint.training.models.monotone_constraints import CONSTRAINTS, EVERY, monotone_directions

KNOWN = {feature.name for feature in catalogue()}


@pytest.mark.parametrize("one", CONSTRAINTS, ids=lambda one: f"{one.feature}-{'-'.join(one.heads)}")
def test_a_constraint_names_what_there_is(one):
    assert one.feature in KNOWN
    assert one.direction in (1, -1)
    assert one.why
    assert "\n" not in one.why
    assert set(one.behaviours) <= set(BEHAVIOURS)
    assert one.heads == EVERY or set(one.heads) <= set(heads())


def test_no_feature_has_two_directions_for_a_head():
    for head in heads():
        names = [one.feature for one in CONSTRAINTS if one.heads == EVERY or head in one.heads]
        assert len(names) == len(set(names))


def test_what_may_tell_a_common_criminal_binds_one_head_alone():
    asked = ["exposure__fraud_in__direct_share", "exposure__fraud_in__share", "exposure__theft_in__direct_share"]
    assert monotone_directions(asked, "laundering") == {
        "exposure__fraud_in__direct_share": 1,
        "exposure__theft_in__direct_share": 1,
    }
    assert monotone_directions(asked, "state_linked") == {"exposure__theft_in__direct_share": 1}
    assert monotone_directions(asked, "own") == {"exposure__theft_in__direct_share": 1}


@pytest.fixture(scope="module")
def against():
    """A table on which the rising feature `up` seems to fall for a stretch, and `down` to rise."""
    random = np.random.default_rng(3)
    X = pd.DataFrame(random.random((3000, 4)), columns=["up", "down", "c", "d"])
    margin = 3 * np.sin(7 * X["up"]) - 3 * np.sin(7 * X["down"]) + 2 * (X["c"] - 0.5)
    y = (random.random(3000) < 1 / (1 + np.exp(-margin))).astype(int)
    return X.mask(random.random(X.shape) < 0.1), y


def test_the_margin_never_turns_along_a_bound_feature(against):
    X, y = against
    sides = {"up": 1, "down": -1}
    bound = fit_lightgbm(X, y, {"num_threads": 1, "num_leaves": 31}, 1, rounds=60, monotone=sides)
    free = fit_lightgbm(X, y, {"num_threads": 1, "num_leaves": 31}, 1, rounds=60)
    for name, side in sides.items():
        rows = pd.concat([X.iloc[:100]] * 200, ignore_index=True)
        rows[name] = np.repeat(np.linspace(0, 1, 200), 100)
        steps = {
            booster: np.diff(np.asarray(booster.predict(rows, raw_score=True)).reshape(200, 100), axis=0)
            for booster in (bound, free)
        }
        assert (side * steps[bound] >= 0).all()
        assert (side * steps[free] < 0).any()


def test_a_direction_of_a_feature_that_is_not_there_changes_nothing(against):
    X, y = against
    one, other = (
        fit_lightgbm(X[["c", "d"]], y, {"num_threads": 1}, 1, rounds=3, monotone=sides) for sides in (None, {"up": 1})
    )
    assert one.model_to_string() == other.model_to_string()
