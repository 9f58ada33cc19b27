"""What the tests of the protocols share."""

from functools import partial

import pytest

from walletprint.experiments.protocols import judge
from walletprint.experiments.protocols.ethereum import era_matched, leave_one_case_out
from walletprint.experiments.protocols.published import amlsim
from walletprint.experiments.protocols.simulated import realism_judge, simulated_to_real
from walletprint.training.models.estimators import fit_lightgbm


@pytest.fixture
def few_trees(monkeypatch):
    """LightGBM with 40 trees where the protocols fit 300."""
    for module in (judge, realism_judge):
        monkeypatch.setattr(module, "fit_lightgbm", partial(fit_lightgbm, rounds=40))


@pytest.fixture
def few_resamples(monkeypatch):
    """Intervals from 50 resamples where the protocols draw a thousand."""
    for module in (era_matched, leave_one_case_out, amlsim, simulated_to_real):
        for name in {"interval", "paired_bootstrap"} & set(vars(module)):
            monkeypatch.setattr(module, name, partial(getattr(module, name), resamples=50))
