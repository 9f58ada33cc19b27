"""What stands beside the model: each ranks as its definition says, sees what it may, and is calibrated on unweighted rows."""

import numpy as np
import pytest
from samples.datasets import config_of, made, sliced
from sklearn.ensemble import IsolationForest

from walletprint.serving.model.calibration import calibrate
from walletprint.training.models.baselines import _isolation
from walletprint.training.models.calibration import fit_calibration
from walletprint.training.models.contenders import fit_contenders
from walletprint.training.splits.time_split import Slice


@pytest.fixture(scope="module")
def dataset():
    return made(90)


@pytest.fixture(scope="module")
def found(dataset):
    return fit_contenders(dataset, sliced(dataset), config_of())[1]


def test_names_and_kinds(found):
    assert [(one.name, one.kind) for one in found] == [
        ("lightgbm", "model"), ("logistic_regression", "baseline"), ("random_forest", "baseline"),
        ("isolation_forest", "baseline"), ("pass_through", "baseline"), ("dwell", "baseline"),
        ("date_only", "shortcut"), ("size_only", "shortcut"), ("missingness_only", "shortcut"),
        ("best_single_feature", "shortcut"),
    ]  # fmt: skip
    notes = {one.name: one.note for one in found}
    assert notes["pass_through"] == "high flow__pass_through__1d"
    assert notes["dwell"] == "low flow__dwell__median"
    assert notes["best_single_feature"] == "high flow__pass_through__1d"


def test_a_ranker_ranks_by_its_feature_and_missing_lowest(dataset, found):
    dwell = next(one.margin for one in found if one.name == "dwell")
    values = dataset.X["flow__dwell__median"].to_numpy()
    assert (dwell[np.isnan(values)] == -1).all()
    defined = ~np.isnan(values)
    order = np.argsort(values[defined])
    assert (np.diff(dwell[defined][order]) <= 0).all()


def test_the_isolation_forest_sees_no_outcome(dataset, found):
    part = sliced(dataset).train
    (flipped,) = _isolation(dataset, Slice(part.rows, 1 - part.y), config_of())
    one = next(one.margin for one in found if one.name == "isolation_forest")
    assert np.array_equal(one, flipped.rank(dataset.X))
    X = dataset.X.fillna(dataset.X.iloc[part.rows].median())
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=7).fit(X.iloc[part.rows].to_numpy())
    assert one == pytest.approx(-forest.score_samples(X.to_numpy()))


def test_calibration_weighs_nothing(dataset, found):
    later = sliced(dataset).calibrate
    for one in found:
        expected = fit_calibration(one.margin[later.rows], later.y)
        assert one.calibration == expected
        assert np.array_equal(one.score, calibrate(one.margin, expected))


def test_the_choice_of_calibration_reaches_every_contender(dataset):
    some = fit_contenders(dataset, sliced(dataset), config_of(calibration="venn_abers", baselines=False))[1]
    assert {one.calibration.method for one in some} == {"venn_abers"}
    assert [one.name for one in some] == [
        "lightgbm",
        "date_only",
        "size_only",
        "missingness_only",
        "best_single_feature",
    ]


def test_weights_reach_the_model_and_the_baselines(dataset, found):
    plain = fit_contenders(dataset, sliced(dataset), config_of(weights={"cases": False}))[1]
    changed = {
        one.name for one, other in zip(found, plain, strict=True) if not np.array_equal(one.margin, other.margin)
    }
    assert {"lightgbm", "logistic_regression", "random_forest", "date_only", "size_only", "missingness_only"} == changed


def test_progress_ends_where_it_said(dataset):
    told = []
    fit_contenders(dataset, sliced(dataset), config_of(baselines=False), lambda *step: told.append(step))
    assert told[0] == ("fit", 1, 5)
    assert told[-1] == ("fit", 5, 5)
