"""A small real model for the tests of serving: LightGBM fitted on features of a hand-made chain."""

from collections.abc import Iterator
from datetime import datetime

import lightgbm
import numpy as np
import pandas as pd
import pytest

from walletprint.features.extraction.extractor import extract
from walletprint.features.families.registry import features_hash
from walletprint.features.ledger.ledger import Ledger
from walletprint.serving import ModelFolder, Scorer
from walletprint.serving.model.calibration import reference_margins, reference_quartiles
from walletprint.serving.scoring import row_columns
from walletprint.serving.scoring import scorer as scorer_module

FEATURES = (
    "flow__pass_through__1h",
    "activity__transfers__total",
    "timing__gap__median",
    "counterparties__out__distinct",
    "amounts__out__repeat_share",
    "activity__age__days",
)
WALLETS = 60
AS_OF = "2021-04-01"


@pytest.fixture(scope="session", autouse=True)
def _one_moment() -> Iterator[None]:
    """Rows that were scored at different moments can be compared: the clock stands where none is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            scorer_module, "scoring_time", lambda given: row_columns.scoring_time(given or datetime(2021, 4, 2))
        )
        yield


def address(number: int) -> str:
    return f"0x{number:040x}"


@pytest.fixture(scope="session")
def transfers() -> pd.DataFrame:
    """Even wallets below 60 mostly forward within the hour, odd ones mostly keep for days. Wallet 60 did little."""
    random = np.random.default_rng(7)
    rows = []
    for wallet in range(WALLETS):
        time = pd.Timestamp("2021-01-05", tz="UTC") + pd.Timedelta(hours=int(random.integers(0, 500)))
        for _ in range(int(random.integers(3, 9))):
            amount = float(random.integers(1, 1_000)) / 8
            wait = (
                random.integers(60, 3_000)
                if (wallet % 2 == 0) ^ (random.random() < 0.4)
                else random.integers(1, 9) * 86_400
            )
            rows.append((time, address(1_000 + int(random.integers(0, 5))), address(wallet), amount))
            rows.append(
                (
                    time + pd.Timedelta(seconds=int(wait)),
                    address(wallet),
                    address(2_000 + int(random.integers(0, 9))),
                    amount / 2,
                )
            )
            time += pd.Timedelta(hours=int(random.integers(1, 200)))
    rows += [(pd.Timestamp("2021-02-01", tz="UTC"), address(1_000), address(WALLETS), 5.0)] * 2
    frame = pd.DataFrame(rows, columns=["timestamp", "sender", "receiver", "amount"])
    return frame.assign(asset="ETH", tx_id=[f"tx{i}" for i in range(len(frame))])


@pytest.fixture(scope="session")
def ledger(transfers) -> Ledger:
    return Ledger.from_transfers(transfers)


@pytest.fixture(scope="session")
def X(ledger) -> pd.DataFrame:  # noqa: N802
    dates = pd.to_datetime(["2021-02-20", "2021-03-10", AS_OF], utc=True).as_unit("us")
    snapshots = pd.DataFrame(
        [(address(w), date) for date in dates for w in range(WALLETS)], columns=["address", "as_of"]
    )
    return extract(ledger, snapshots, window="90d", features=FEATURES)


@pytest.fixture(scope="session")
def booster(X) -> lightgbm.Booster:
    labels = np.arange(len(X)) % WALLETS % 2 == 0
    params = {
        "objective": "binary", "num_leaves": 6, "min_data_in_leaf": 5, "learning_rate": 0.1, "num_threads": 1,
        "deterministic": True, "force_row_wise": True, "seed": 1, "verbosity": -1,
    }  # fmt: skip
    return lightgbm.train(params, lightgbm.Dataset(X[list(FEATURES)], labels.astype(float)), num_boost_round=12)


@pytest.fixture(scope="session")
def model_values(X, booster) -> dict:
    """Everything that a ModelFolder is made of."""
    columns = X[list(FEATURES)]
    return {
        "name": "laundering-test", "head": "laundering", "features": FEATURES, "features_hash": features_hash(FEATURES),
        "window": "90d", "min_transfers": 3,
        "calibration": {"method": "isotonic", "x": [-1.2, -0.4, 0.4, 1.2], "y": [0.02, 0.3, 0.6, 0.97]},
        "bands": {"low": 0.2, "medium": 0.4, "high": 0.6, "severe": 0.8},
        "threshold": 0.6, "threshold_policy": "chosen by hand for tests",
        "reference_margins": reference_margins(booster.predict(columns, raw_score=True)),
        "reference_quartiles": reference_quartiles(columns), "trained_until": "2021-03-10",
        "labels": {"positive": ["laundering"], "negative": ["user"]}, "metrics": {"average_precision": 0.9},
        "data_digest": "0" * 16, "seed": 1, "versions": {"walletprint": "0.1.0", "lightgbm": "4", "numpy": "2"},
        "trees": booster.model_to_string(), "card": "# A model for tests\n",
    }  # fmt: skip


@pytest.fixture(scope="session")
def model(model_values) -> ModelFolder:
    return ModelFolder(**model_values)


@pytest.fixture
def model_dir(model, tmp_path):
    return model.save(tmp_path / "model")


@pytest.fixture(scope="session")
def scorer(model) -> Scorer:
    return Scorer.from_model(model)
