"""A dataset made by hand for tests of learning: wallets over quarters, some positives in cases, features that are known."""

import numpy as np
import pandas as pd

from walletprint.training.config.train_config import load_config
from walletprint.training.data.dataset import Dataset, UnlabelledWallets
from walletprint.training.data.targets import Targets
from walletprint.training.splits.time_split import split_snapshots

QUARTERS = pd.date_range("2019-01-01", "2021-10-01", freq="QS", tz="UTC").as_unit("us")
CONFIG = {
    "head": "own",
    "labels": {"positive": ["theft"], "negative": ["user"]},
    "snapshots": {"every": "quarter", "window": "30d"},
    "split": {"train_until": "2020-07-01", "calibration_until": "2021-01-01"},
    "model": {"rounds": 10, "lightgbm": {"min_data_in_leaf": 5, "num_threads": 1}},
    "review": {"budgets": [0.05], "top_k": [20]},
}


def config_of(**model):
    return load_config({**CONFIG, "model": {**CONFIG["model"], **model}})


def address(number):
    return f"0x{number:040x}"


def made(
    wallets=120, nameless=0, seed=5, columns=("flow__pass_through__1d", "flow__dwell__median", "a", "b", "c", "d")
):
    """`wallets` in every quarter, one in three a thief of case A (most), B, C or of none; the first feature tells them apart."""
    random = np.random.default_rng(seed)
    names = [address(i + 1) for i in range(wallets)]
    guilty = np.arange(wallets) % 3 == 0
    case = np.where(guilty, np.array(["A", "A", "A", "B", "C", None], dtype=object)[np.arange(wallets) // 3 % 6], None)
    labels = pd.DataFrame(
        {"address": names, "category": np.where(guilty, "theft", "user"), "actor": None, "case": case, "source": "hand",
         "known_from": pd.Series(pd.NaT, index=range(wallets), dtype="datetime64[us, UTC]")}
    )  # fmt: skip
    marked = Targets.from_labels(labels, config_of().labels)
    shots = _snapshots(names)
    y = np.tile(guilty, len(QUARTERS))
    return Dataset(
        snapshots=shots,
        X=_features(random, y, columns),
        size=pd.DataFrame({"n": random.random(len(shots))}),
        dates=pd.DataFrame({"as_of": (shots["as_of"] - QUARTERS[0]) / pd.Timedelta(days=1)}),
        label_details=marked.details_of(shots["address"]),
        targets=marked,
        counts={},
        digest="",
        unlabelled=_apart(random, nameless, columns) if nameless else None,
    )


def sliced(dataset, config=None):
    config = config or config_of()
    return split_snapshots(dataset.snapshots, dataset.targets, config)


def _snapshots(names):
    rows = [(name, quarter) for quarter in QUARTERS for name in names]
    return pd.DataFrame(rows, columns=["address", "as_of"]).assign(transfers=5)


def _features(random, guilty, columns):
    X = pd.DataFrame(random.normal(size=(len(guilty), len(columns))), columns=list(columns))
    X.iloc[:, 0] += 1.5 * guilty
    return X.mask(random.random(X.shape) < 0.05)


def _apart(random, nameless, columns):
    """Wallets without a label, of which one in four is guilty."""
    shots = _snapshots([address(10_000 + i) for i in range(nameless)])
    return UnlabelledWallets(shots, _features(random, np.tile(np.arange(nameless) % 4 == 0, len(QUARTERS)), columns))
