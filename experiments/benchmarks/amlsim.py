"""Accounts of IBM's AMLSim told apart: trained on one run, tested on another, beside IBM's Graph Feature Preprocessor.

All sides get the same accounts, learner and tuning. Reads `<run>_nodes.csv` and `<run>_transactions.csv`. Run with

    python -m walletprint.experiments.benchmarks.amlsim --data FOLDER [--guest-python PATH]
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import lightgbm
import numpy as np
import pandas as pd
import typer
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
from sklearn.model_selection import ParameterSampler, StratifiedKFold, cross_val_predict

from ...features import Ledger, catalogue, extract, snapshots_of
from ...features.errors import DataError
from . import gfp_accounts
from .report import RESULTS, write_report

RUNS = ("20K_fanin200", "20K_fanin200cycle200")
START = 1_483_228_800  # of the simulated time
STEP = 3_600  # seconds a step, so that patterns of some steps lie within the windows of a day that both sides look at
SPACE = {
    "n_estimators": [100, 200, 400],
    "learning_rate": [0.02, 0.05, 0.1],
    "num_leaves": [7, 15, 31, 63],
    "min_child_samples": [5, 20, 50],
    "colsample_bytree": [0.3, 0.6, 1.0],
    "reg_lambda": [0.0, 1.0, 10.0],
}
INTRO = """\
Account level: an account is positive if the simulator marked it as taking part in laundering. Trained and tuned on all
accounts of one run, tested on all of another, both ways. `walletprint`: every feature of every account as of the end of the
run; `walletprint, era-safe`: those that see no amount as such. `GFP`: IBM's Graph Feature Preprocessor on the stream of
transactions in batches of 128; its columns and the amount, averaged and maximised over what an account sent and what it
received, with the number of both. `amount only`: mean, minimum, maximum, sum and number of the amounts, each way: AMLSim's
laundering amounts are unlike its others, which a reader should know. All are tuned over the same random configurations of
LightGBM by average precision in three folds of the training run; the threshold of F1 is the best one out of fold. A step of
the simulator counts as an hour."""


def main(
    data: Annotated[Path, typer.Option(help="The folder with the runs' nodes and transactions.")],
    guest_python: Annotated[
        Path | None, typer.Option(help="An interpreter with snapml; this one if not given.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Where the tables go.")] = RESULTS,
    trials: Annotated[int, typer.Option(help="Configurations tried for each side.")] = 10,
) -> None:
    """Run the benchmark and write its table."""
    runs = {name: load(data, name) for name in RUNS}
    rows = []
    for side, vectors in sides(guest_python).items():
        X = {name: vectors(table) for name, (table, _) in runs.items()}
        for train, test in (RUNS, RUNS[::-1]):
            found = fit_and_judge(X[train], runs[train][1], X[test], runs[test][1], trials)
            rows.append(
                {"trained on": train, "tested on": test, "features": side, "columns": X[train].shape[1], **found}
            )
            typer.echo(rows[-1])
    table = pd.DataFrame(rows).sort_values(["trained on", "features"], ignore_index=True)
    command = "python -m walletprint.experiments.benchmarks.amlsim --data FOLDER --guest-python PATH"
    typer.echo(write_report("amlsim", command, INTRO, {"Accounts": table}, results).read_text())


def load(data: Path, run: str) -> tuple[pd.DataFrame, pd.Series]:
    """One run: its transactions as transfers (in order), and whether each account is marked, by account.

    Raises:
        DataError: if a file is missing.
    """
    nodes, transactions = data / f"{run}_nodes.csv", data / f"{run}_transactions.csv"
    for path in (nodes, transactions):
        if not path.is_file():
            raise DataError(f"{path}: no such file; --data is the folder that holds AMLSim's runs")
    came = pd.read_csv(transactions).sort_values("time", kind="stable", ignore_index=True)
    transfers = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(START + STEP * came["time"], unit="s", utc=True),
            "sender": came["sourceNodeId"].astype(str),
            "receiver": came["targetNodeId"].astype(str),
            "amount": came["value"].astype(float),
            "asset": "USD",
            "tx_id": [f"t{k}" for k in range(len(came))],
        }
    )
    accounts = pd.read_csv(nodes)
    marked = (accounts["isFraud"] > 0).to_numpy(np.int64)
    return transfers, pd.Series(marked, index=pd.Index(accounts["nodeid"].astype(str)))


def sides(guest_python: Path | None) -> dict[str, Callable[[pd.DataFrame], pd.DataFrame]]:
    """What is compared: functions from transfers to a table of numbers by account."""
    found = {"walletprint": ours, "walletprint, era-safe": ours_era_safe, "amount only": amounts}
    if gfp_accounts.available(guest_python):
        found["GFP"] = lambda transfers: gfp_accounts.vectors(transfers, guest_python)
    else:
        typer.echo("GFP skipped: snapml is not installed (give its interpreter with --guest-python)")
    return found


def ours(transfers: pd.DataFrame) -> pd.DataFrame:
    """All features of all accounts as of the end."""
    ledger = Ledger.from_transfers(transfers)
    vectors = extract(ledger, snapshots_of(ledger.addresses, ledger.end))
    return vectors.set_index("address").drop(columns="as_of")


def ours_era_safe(transfers: pd.DataFrame) -> pd.DataFrame:
    """The features that a model sees by default."""
    return ours(transfers).filter(items=[f.name for f in catalogue() if f.era_safe])


def amounts(transfers: pd.DataFrame) -> pd.DataFrame:
    """The amounts of each account, each way."""
    parts = [
        transfers.groupby(end)["amount"].agg(["mean", "min", "max", "sum", "size"]).add_prefix(f"{end}_")
        for end in ("sender", "receiver")
    ]
    return pd.concat(parts, axis=1)


def fit_and_judge(
    X: pd.DataFrame, marked: pd.Series, X_test: pd.DataFrame, marked_test: pd.Series, trials: int
) -> dict[str, float]:
    """Tune and fit on one run, judge on the other; accounts without a transaction count, with nothing known of them."""
    X, X_test = X.reindex(marked.index), X_test.reindex(columns=X.columns, index=marked_test.index)
    y, y_test = marked.to_numpy(), marked_test.to_numpy()
    tried = [(*out_of_fold(X, y, settings), settings) for settings in ParameterSampler(SPACE, trials, random_state=7)]
    cv, scores, settings = max(tried, key=lambda one: one[0])
    score = np.asarray(model(settings).fit(X, y).predict_proba(X_test))[:, 1]
    flagged = score >= best_threshold(y, scores)
    right = int((flagged & (y_test == 1)).sum())
    precision, recall = right / max(int(flagged.sum()), 1), right / int(y_test.sum())
    return {
        "base rate": float(y_test.mean()),
        "PR-AUC in folds": cv,
        "PR-AUC": float(average_precision_score(y_test, score)),
        "ROC-AUC": float(roc_auc_score(y_test, score)),
        "F1": 2 * precision * recall / max(precision + recall, 1e-12),
        "precision": precision,
        "recall": recall,
    }


def model(settings: dict[str, Any]) -> lightgbm.LGBMClassifier:
    """The learner, the same for all sides."""
    return lightgbm.LGBMClassifier(**settings, random_state=7, n_jobs=1, subsample=0.8, subsample_freq=1, verbose=-1)


def out_of_fold(X: pd.DataFrame, y: np.ndarray, settings: dict[str, Any]) -> tuple[float, np.ndarray]:
    """Average precision over three folds, and the scores out of fold."""
    folds = StratifiedKFold(3, shuffle=True, random_state=7)
    scores = np.asarray(cross_val_predict(model(settings), X, y, cv=folds, method="predict_proba"))[:, 1]
    return float(average_precision_score(y, scores)), scores


def best_threshold(y: np.ndarray, scores: np.ndarray) -> float:
    """The score from which on flagging gives the best F1."""
    precision, recall, thresholds = precision_recall_curve(y, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[np.argmax(f1[:-1])])


if __name__ == "__main__":
    typer.run(main)
