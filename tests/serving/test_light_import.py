"""Importing the scorer loads no training code: it must start fast and run where scikit-learn and MLflow are not installed."""

import json
import subprocess
import sys

import pytest

PROBE = """
import json, sys
sys.modules["yaml"] = None  # as if it were not installed; numba would load it

def heavy():
    names = {"sklearn", "mlflow", "lightgbm", "matplotlib", "optuna", "pyspark"} & set(sys.modules)
    return sorted(names | {name for name in sys.modules if name.startswith("walletprint.training")})

from walletprint.serving import Scorer
found = {"after import": heavy()}
rows = [("2021-01-%02dT00:00:00Z" % day, "0x" + "a" * 40, "0x%040x" % day, 1.0, "ETH") for day in range(1, 20)]
import pandas as pd
transfers = pd.DataFrame(rows, columns=["timestamp", "sender", "receiver", "amount", "asset"])
found["score"] = Scorer.load("reference").score(["0x" + "a" * 40], transfers, "2021-02-01", reasons="all")["score"][0]
found["after scoring"] = heavy()
for name in ("sklearn", "mlflow", "matplotlib"):
    sys.modules[name] = None
from walletprint.features.base.errors import UsageError
try:
    Scorer.load("models:/laundering@champion")
except UsageError as error:
    found["refusal"] = str(error)
found["version"] = Scorer.load(sys.argv[1]).model.version
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(model, tmp_path_factory) -> dict:
    """What one process of its own found."""
    folder = model.save(tmp_path_factory.mktemp("light") / "model")
    command = [sys.executable, "-c", PROBE, str(folder)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_importing_serving_loads_nothing_heavy(found):
    assert found["after import"] == []


def test_scoring_loads_nothing_heavy(found):
    assert 0 < found["score"] < 1
    assert found["after scoring"] == []


def test_a_model_loads_without_scikit_learn_and_mlflow(found, model):
    assert "needs MLflow; pip install 'walletprint[training]'" in found["refusal"]
    assert found["version"] == model.version
