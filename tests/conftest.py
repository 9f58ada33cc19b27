"""What all tests share: where the real data lie, and a quiet MLflow."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
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
    from walletprint.experiments.simulation import simulate
    from walletprint.training import train

    folder: Path = tmp_path_factory.mktemp("trained")
    chain = simulate(folder / "chain", wallets=1200, days=420, seed=11)
    config = {
        "head": "laundering",
        "snapshots": {"every": "30d", "window": "30d"},
        "model": {"rounds": 40},
    }
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    progress: list[tuple[str, int, int]] = []
    result = train(chain.transfers, chain.labels, config, folder / "model", uri, lambda *step: progress.append(step))
    return Trained(chain, config, result, uri, progress)
