"""What the tests of the protocols share."""

from functools import partial

import pytest

from walletprint.experiments.protocols import judge
from walletprint.training.models.estimators import fit_lightgbm


@pytest.fixture
def few_trees(monkeypatch):
    """LightGBM with 40 trees where the protocols fit 300."""
    monkeypatch.setattr(judge, "fit_lightgbm", partial(fit_lightgbm, rounds=40))
