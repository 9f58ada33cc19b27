"""The protocol `simulated-to-real`: what a model learns from simulated wallets alone, from real ones alone, and from both.

Judged on the tests of `era-matched` and on whole thefts left out. Simulates a chain; reads the folders of `leave-one-case-out`.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....features.labels.table import read_labels
from ....training.data.dataset import build_dataset
from ....training.metrics.bootstrap import interval, paired_bootstrap
from ....training.metrics.classification_metrics import pr_auc, roc_auc
from ...simulation import simulate
from ..ethereum import era_matched, leave_one_case_out
from ..ethereum.case_data import CASE_FILES, DISPUTED, WALLETS, comparable_features, load_cases
from ..input_files import Frame
from ..judge import lightgbm
from ..protocol import Progress, Protocol, Tables
from .realism_judge import snapshots
from .realism_tables import simulated_lists, simulated_rows

SCENARIO, SIZE, DAYS = "demo", 6_000, 900
HONEST = ("user", "miner", "trader", "mover", "company", "private", "dealer", "exchange_deposit")
PHISHING, LAUNDERING = "phishing", "laundering"
MIN_WALLETS = 10  # of a theft
REAL, SIMULATED, BOTH = "real", "simulated", "real and simulated"
INTRO = f"""\
LightGBM by the defaults of a training, on era-safe features of a wallet's own ether transfers alone. It learns from `{REAL}`
wallets, from `{SIMULATED}` ones (the scenario `{SCENARIO}` with {SIZE:,} wallets and {DAYS} days, as public lists would show
them, with true labels), or from both, each row as heavy as any other. It is judged on real wallets alone: the tests of
`era-matched` (phishing wallets among ordinary ones, snapshots with three native transfers or more) and whole thefts left out as
in `leave-one-case-out`, whose PR-AUC is at its base rate.

Means of thefts are of those with ten wallets or more, without the disputed one. The simulation's habits of ordinary users were
fitted to one half of the wallets of `{WALLETS}` (distributions, never labels of rows), among which are also wallets of these
tests. Intervals (95 %) resample wallets; `both minus real` is paired."""


@dataclass(frozen=True)
class TransferTest:
    """One test: real rows to learn from, rows to judge on, and which simulated outcomes match."""

    name: str
    X: Frame
    y: np.ndarray
    X_test: Frame
    y_test: np.ndarray
    wallets: np.ndarray
    head: str


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The protocol's tables. Raises DataError if a file is missing."""
    simulated = simulated_table(seed)
    found: Tables = {}
    for title, tests, metric in (
        ("Era-matched", era_tests(data, seed, on_progress), pr_auc),
        ("Whole thefts left out", theft_tests(data, seed, on_progress), leave_one_case_out.pr_auc_at),
    ):
        found[title] = pd.DataFrame([row for test in tests for row in judged(test, simulated, metric, seed)])
    return {"Means": _means(found)} | found


PROTOCOL = Protocol(
    "simulated-to-real",
    "what a model that learnt from simulated wallets finds among real ones",
    CASE_FILES,
    "several, see docs/simulated-and-real.md",
    INTRO,
    run,
)


def simulated_table(seed: int) -> Frame:
    """Snapshots of a simulated chain's wallets: address, as_of, features, and the wallet's true `category`."""
    with tempfile.TemporaryDirectory() as folder:
        chain = simulate(folder, SCENARIO, wallets=SIZE, days=DAYS, seed=seed)
        truth: Any = pd.read_csv(chain.truth, keep_default_na=False)
        rows = simulated_rows(chain.transfers, truth)
    crimes = truth["case"] != ""
    sides = (crimes, ~crimes & truth["population"].isin(HONEST))
    both = pd.concat([snapshots(simulated_lists(rows, truth, side)) for side in sides], ignore_index=True)
    category = truth["category"].where(crimes, "licit").set_axis(truth["address"])
    return both.assign(category=both["address"].map(category))


def outcomes(simulated: Frame, head: str) -> tuple[Frame, np.ndarray]:
    """Simulated features and outcomes for a head; for PHISHING other crimes are left out."""
    if head == PHISHING:
        simulated = simulated[simulated["category"].isin(["licit", "phishing", "scam"])]
    positive = simulated["category"] == "state_linked" if head == "state_linked" else simulated["category"] != "licit"
    return simulated[comparable_features()].astype(float), positive.to_numpy(np.int8)


def era_tests(data: Path, seed: int, on_progress: Progress) -> Iterator[TransferTest]:
    """The tests of `era-matched`, native transfers alone."""
    config = era_matched.config_of(seed)
    folder = data / WALLETS if (data / WALLETS).is_dir() else data
    labels = read_labels(era_matched.load_labels(folder)).good
    dataset = build_dataset(era_matched.load_wallets(folder)[1], labels, config, on_progress)
    X, wallets = dataset.X[comparable_features()], dataset.snapshots["address"].to_numpy()
    for name, slices in era_matched.protocols(dataset).items():
        train, test = slices.train, slices.test_time
        rows = X.iloc[test.rows]
        yield TransferTest(name, X.iloc[train.rows], train.y, rows, test.y, wallets[test.rows], PHISHING)


def theft_tests(data: Path, seed: int, on_progress: Progress) -> Iterator[TransferTest]:
    """The folds of `leave-one-case-out`."""
    bench = leave_one_case_out.prepared(load_cases(data), seed, on_progress)
    own = comparable_features()
    for head in leave_one_case_out.HEADS:
        for fold in leave_one_case_out.folds_of(bench, head):
            X = bench.whole.X[own].iloc[fold.train.rows]
            wallets = fold.test.snapshots["address"].to_numpy()
            disputed = " (disputed)" if head == "state_linked" and fold.case in DISPUTED else ""
            yield TransferTest(
                f"{head}: {fold.case}{disputed}", X, fold.train.y, fold.test.X[own], fold.y, wallets, head
            )


def judged(
    test: TransferTest, simulated: Frame, average: Callable[[Any, Any], float], seed: int
) -> Iterator[dict[str, object]]:
    """A row for each of the three trainings."""
    X, y = outcomes(simulated, test.head)
    trainings = {
        REAL: (test.X, test.y),
        SIMULATED: (X, y),
        BOTH: (pd.concat([test.X, X], ignore_index=True), np.concatenate([test.y, y])),
    }
    rankings = {name: lightgbm(rows, y, seed)(test.X_test) for name, (rows, y) in trainings.items()}
    for name, ranking in rankings.items():
        found = len(set(test.wallets[test.y_test == 1]))
        row: dict[str, object] = {
            "test": test.name, "wallets": found, "learnt from": name, "rows": len(trainings[name][1]),
        }  # fmt: skip
        for metric, measure in (("pr_auc", average), ("roc_auc", roc_auc)):
            bounds = interval(test.y_test, ranking, test.wallets, measure, seed=seed)
            span = f"{bounds.low:.3f}–{bounds.high:.3f}" if np.isfinite(bounds.low) else "–"
            row |= {metric: bounds.value, f"{metric} 95 %": span}
        if name == BOTH and found >= MIN_WALLETS:
            gain = paired_bootstrap(test.y_test, ranking, rankings[REAL], test.wallets, "roc_auc", seed=seed)
            row["roc_auc, both minus real"] = f"{gain.difference:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        yield row


def _means(found: Tables) -> pd.DataFrame:
    """PR-AUC and ROC-AUC over the tests of each protocol, by head."""
    rows = []
    whole: Any
    for title, whole in found.items():
        table = whole[(whole["wallets"] >= MIN_WALLETS) & ~whole["test"].str.contains("disputed")]
        head = table["test"].str.extract(r"^(\w+): ")[0].fillna("")
        means = (
            table.groupby([head, "learnt from"], sort=False)[["pr_auc", "roc_auc"]]
            .mean()
            .reset_index(names=["head", "learnt from"])
        )
        rows.append(means.assign(tests=title))
    return pd.concat(rows, ignore_index=True).loc[:, ["tests", "head", "learnt from", "pr_auc", "roc_auc"]]
