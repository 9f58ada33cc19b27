"""Prediction through LightGBM's library: the very numbers of its Python package, in any layout, thread and process."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import lightgbm
import numpy as np
import pytest

from walletprint.serving.explain.predictor import Predictor


@pytest.fixture(scope="module")
def X() -> np.ndarray:  # noqa: N802
    random = np.random.default_rng(5)
    X = random.lognormal(size=(3_000, 7))
    X[random.random(X.shape) < 0.2] = np.nan
    X[:, 0] = random.integers(0, 9, len(X))
    return X


@pytest.fixture(scope="module")
def trained(X) -> lightgbm.Booster:
    y = (np.nansum(X[:, 1:4], axis=1) + X[:, 0] > 8).astype(float)
    data = lightgbm.Dataset(X, y, categorical_feature=[0])
    return lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1}, data, 30)


@pytest.fixture(scope="module")
def predictor(trained) -> Predictor:
    return Predictor(trained.model_to_string())


def test_margins_are_the_packages_own(predictor, trained, X):
    expected = trained.predict(X, raw_score=True)
    for matrix in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], np.repeat(X, 2, axis=0)[::2]):
        assert predictor.margins(matrix).tolist() == expected.tolist()
    assert predictor.margins(X[:1]).tolist() == expected[:1].tolist()
    assert predictor.margins(X[:0]).shape == (0,)


def test_another_number_of_columns_is_refused(predictor, X):
    with pytest.raises(ValueError, match="number of features in data"):
        predictor.margins(X[:, 1:])


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError, match="number of classes"):
        Predictor("no model")


def test_threads_may_share_it_and_processes_copy_it(predictor, trained, X):
    expected = trained.predict(X, raw_score=True).tolist()
    with ThreadPoolExecutor(4) as pool:
        assert all(found.tolist() == expected for found in pool.map(predictor.margins, [X] * 12))
    copy = pickle.loads(pickle.dumps(predictor))
    assert copy.margins(X).tolist() == expected
