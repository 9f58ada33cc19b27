"""What all tests share: where the real data lie, and a quiet MLflow."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

# The same examples in every run, so that a change is what makes a test fail; HYPOTHESIS_PROFILE=default draws new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = Path(os.environ.get("WALLETPRINT_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "ethereum_wallets").is_dir():
        pytest.skip(
            f"the development data are not at {folder}; set WALLETPRINT_DATA to the folder that holds ethereum_wallets/"
        )
    return folder


@dataclass(frozen=True)
class Trained:
    """One training on a small simulated chain: `result` as `train` returned it, `uri` of the MLflow store."""

    chain: Any
    config: dict[str, Any]
    result: Any
    uri: str
    progress: list[tuple[str, int, int]]


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """Made once per run: the first worker of pytest-xdist trains, the others read what it left. Tests only read the folder."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "trained"
    folder.mkdir(exist_ok=True)
    made = folder / "trained.pickle"
    with FileLock(folder / "lock"):
        if not made.exists():
            made.write_bytes(pickle.dumps(_train(folder)))
    return Trained(**pickle.loads(made.read_bytes()))


def _train(folder: Path) -> dict[str, Any]:
    """The attributes of `Trained`, in plain classes: pickle cannot find a class of a conftest again."""
    from walletprint.experiments.simulation import simulate
    from walletprint.training import train

    chain = simulate(folder / "chain", wallets=1200, days=420, seed=11)
    config = {
        "head": "laundering",
        "snapshots": {"every": "30d", "window": "30d"},
        "model": {"rounds": 40},
    }
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    progress: list[tuple[str, int, int]] = []
    result = train(chain.transfers, chain.labels, config, folder / "model", uri, lambda *step: progress.append(step))
    return {"chain": chain, "config": config, "result": result, "uri": uri, "progress": progress}
