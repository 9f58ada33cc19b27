"""Importing the scorer loads no training code: it must start fast and run where scikit-learn and MLflow are not installed."""

import subprocess
import sys

PROBE = """
import sys
import walletprint.serving
heavy = {"sklearn", "mlflow", "lightgbm", "matplotlib", "optuna", "pyspark"}
print(sorted(heavy & set(sys.modules)), [name for name in sys.modules if name.startswith("walletprint.training")])
"""

SCORE = """
import sys
from walletprint.serving import Scorer
rows = [("2021-01-%02dT00:00:00Z" % day, "0x" + "a" * 40, "0x%040x" % day, 1.0, "ETH") for day in range(1, 20)]
import pandas as pd
transfers = pd.DataFrame(rows, columns=["timestamp", "sender", "receiver", "amount", "asset"])
score = Scorer.load("reference").score(["0x" + "a" * 40], transfers, "2021-02-01", reasons="all")["score"][0]
print(0 < score < 1, sorted({"sklearn", "mlflow", "lightgbm", "pyspark"} & set(sys.modules)))
"""

WITHOUT = """
import sys
for name in ("sklearn", "mlflow", "yaml", "matplotlib"):
    sys.modules[name] = None
from walletprint.features.base.errors import UsageError
from walletprint.serving import Scorer
try:
    Scorer.load("models:/laundering@champion")
except UsageError as error:
    print(error)
print(Scorer.load(sys.argv[1]).model.version)
"""


def run(code: str, *arguments: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_importing_serving_loads_nothing_heavy():
    assert run(PROBE) == ["[] []"]


def test_scoring_loads_nothing_heavy():
    assert run(SCORE) == ["True []"]


def test_a_model_loads_without_scikit_learn_and_mlflow(model, model_dir):
    refusal, version = run(WITHOUT, str(model_dir))
    assert "needs MLflow; pip install 'walletprint[training]'" in refusal
    assert version == model.version
