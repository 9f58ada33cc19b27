"""AMLSim: accounts that launder in one run of IBM's simulator, found by a model that learnt on another run.

Reads `<run>_nodes.csv` and `<run>_transactions.csv` of two runs or more. The benchmark of the same name sets a guest beside it.
"""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import ParameterSampler, StratifiedKFold

from ....features import Ledger, catalogue, extract, snapshots_of
from ....features.base.errors import DataError
from ....training.config.sections import LightGBMConfig
from ....training.metrics.bootstrap import interval
from ....training.metrics.classification_metrics import pr_auc
from ....training.models.estimators import fit_lightgbm, margins
from .. import input_files as files
from ..judge import best_threshold, judged, needs_both
from ..protocol import Progress, Protocol, Tables

SOURCE = "IBM/AMLSim"
NODES, TRANSACTIONS = "_nodes.csv", "_transactions.csv"
START = 1_483_228_800  # of the simulated time
STEP = 3_600  # seconds a step, so that patterns of some steps lie within the windows of a day that features look at
TRIALS, FOLDS = 4, 3
SPACE = {
    "rounds": [100, 200, 400],
    "learning_rate": [0.02, 0.05, 0.1],
    "num_leaves": [7, 15, 31, 63],
    "min_data_in_leaf": [5, 20, 50],
    "feature_fraction": [0.3, 0.6, 1.0],
    "lambda_l2": [0.0, 1.0, 10.0],
}
INTRO = """\
Account level: an account is positive if the simulator marked it as taking part in laundering. Trained and tuned on all
accounts of one run, tested on all of another, both ways. `walletprint`: every feature of every account as of the end of the
run; `walletprint, era-safe`: those that see no amount as such. `amount only`: mean, minimum, maximum, sum and number of the
amounts, each way: AMLSim's laundering amounts are unlike its others, which a reader should know. All are tuned over the same
random configurations of LightGBM by average precision in three folds of the training run; the threshold of F1 is the best one
out of fold. A step of the simulator counts as an hour."""

Run = tuple[pd.DataFrame, pd.Series]
"""Transfers in order, and whether each account is marked, by account."""
Sides = Callable[[pd.DataFrame], dict[str, pd.DataFrame]]
"""From transfers to what is compared: tables of numbers by account."""


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The protocol's table: one row per direction and feature set."""
    return {"Accounts": compared(load_runs(data), sides, TRIALS, seed, on_progress)}


PROTOCOL = Protocol(
    "amlsim",
    "laundering accounts of one simulator run found by a model of another",
    (f"*{NODES}", f"*{TRANSACTIONS}"),
    SOURCE,
    INTRO,
    run,
)


def load_runs(data: Path) -> dict[str, Run]:
    """All runs of a folder.

    Raises:
        DataError: if there are fewer than two, or a file is not as the simulator writes it.
    """
    nodes = files.every(data, f"*{NODES}")
    if len(nodes) < 2:
        raise DataError(
            f"{data}: {len(nodes)} files *{NODES}; two runs are needed, one to train and one to test ({SOURCE})"
        )
    return {path.name.removesuffix(NODES): load(path) for path in nodes}


def load(nodes: Path) -> Run:
    """One run, by the path of its nodes.

    Raises:
        DataError: if a file is missing or not as the simulator writes it.
    """
    transactions = nodes.with_name(nodes.name.removesuffix(NODES) + TRANSACTIONS)
    if not transactions.is_file():
        raise DataError(f"{transactions}: no such file; it belongs to {nodes.name} ({SOURCE})")
    types = {"sourceNodeId": files.TEXT, "targetNodeId": files.TEXT, "value": files.NUMBER, "time": files.WHOLE}
    payments = files.read_csv(transactions, types, SOURCE).sort_values("time", kind="stable", ignore_index=True)
    transfers = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(START + STEP * payments["time"], unit="s", utc=True),
            "sender": payments["sourceNodeId"],
            "receiver": payments["targetNodeId"],
            "amount": payments["value"],
            "asset": "USD",
            "tx_id": [f"t{k}" for k in range(len(payments))],
        }
    )
    accounts = files.read_csv(nodes, {"nodeid": files.TEXT, "isFraud": files.WHOLE}, SOURCE)
    marked = pd.Series((accounts["isFraud"] > 0).to_numpy(np.int64), index=pd.Index(accounts["nodeid"]))
    needs_both(str(nodes), marked.to_numpy())
    return transfers, marked


def compared(
    runs: dict[str, Run], sides_of: Sides, trials: int, seed: int, on_progress: Progress | None = None
) -> pd.DataFrame:
    """Each side, trained on each run and tested on each other: one row each."""
    X = {name: sides_of(transfers) for name, (transfers, _) in runs.items()}
    turns = [(side, *pair) for pair in permutations(runs, 2) for side in X[pair[0]]]
    rows = []
    for done, (side, train, test) in enumerate(turns):
        if on_progress:
            on_progress("fit", done, len(turns))
        found = fit_and_judge(X[train][side], runs[train][1], X[test][side], runs[test][1], trials, seed)
        rows.append(
            {"trained on": train, "tested on": test, "features": side, "columns": X[train][side].shape[1], **found}
        )
    return pd.DataFrame(rows)


def sides(transfers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All features, those that a model sees by default, and amounts alone."""
    every = ours(transfers)
    safe = every.filter(items=[f.name for f in catalogue() if f.era_safe])
    return {"walletprint": every, "walletprint, era-safe": safe, "amount only": amounts(transfers)}


def ours(transfers: pd.DataFrame) -> pd.DataFrame:
    """All features of all accounts as of the end."""
    ledger = Ledger.from_transfers(transfers)
    vectors = extract(ledger, snapshots_of(ledger.addresses, ledger.end))
    return vectors.set_index("address").drop(columns="as_of")


def amounts(transfers: pd.DataFrame) -> pd.DataFrame:
    """The amounts of each account, each way."""
    parts = [
        transfers.groupby(end)["amount"].agg(["mean", "min", "max", "sum", "size"]).add_prefix(f"{end}_")
        for end in ("sender", "receiver")
    ]
    return pd.concat(parts, axis=1)


def fit_and_judge(
    X: pd.DataFrame, marked: pd.Series, X_test: pd.DataFrame, marked_test: pd.Series, trials: int, seed: int
) -> dict[str, Any]:
    """Tune and fit on one run, judge on the other; accounts without a transaction count, with nothing known of them."""
    X = X.reindex(marked.index).astype(float)
    X_test = X_test.reindex(columns=X.columns, index=marked_test.index).astype(float)
    y, y_test = marked.to_numpy(), marked_test.to_numpy()
    tried = [
        (*_out_of_fold(X, y, candidate, seed), candidate)
        for candidate in ParameterSampler(SPACE, trials, random_state=seed)
    ]
    in_folds, scores, settings = max(tried, key=lambda trial: trial[0])
    ranking = margins(_fit(X, y, settings, seed), X_test)
    between = interval(y_test, ranking, marked_test.index, "pr_auc", seed=seed)
    found = judged(y_test, ranking, ranking >= best_threshold(y, scores))
    return {**found, "pr_auc_low": between.low, "pr_auc_high": between.high, "pr_auc_in_folds": in_folds}


def _fit(X: pd.DataFrame, y: np.ndarray, settings: dict[str, Any], seed: int):
    """The learner, the same for all sides."""
    params = LightGBMConfig().model_dump() | {key: value for key, value in settings.items() if key != "rounds"}
    return fit_lightgbm(X, y, params, seed, settings["rounds"])


def _out_of_fold(X: pd.DataFrame, y: np.ndarray, settings: dict[str, Any], seed: int) -> tuple[float, np.ndarray]:
    """Average precision over three folds, and the log-odds out of fold."""
    scores = np.empty(len(y))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(X, y):
        scores[test] = margins(_fit(X.iloc[train], y[train], settings, seed), X.iloc[test])
    return pr_auc(y, scores), scores
