"""Elliptic: illicit Bitcoin transactions of steps 35–49, found by models of steps 1–34 (Weber et al. 2019, arXiv 1908.02591).

Reads the three files as published. Nothing of a test step is seen in training: no row, no edge, no threshold.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....features.base.errors import DataError
from ....training.metrics.classification_metrics import pr_auc
from .. import input_files as files
from ..judge import EVEN, Fitted, Learner, flags, forest, judged, lightgbm, needs_both, threshold
from ..protocol import Progress, Protocol, Tables

SOURCE = "Kaggle: ellipticco/elliptic-data-set"
FEATURES, CLASSES, EDGES = "elliptic_txs_features.csv", "elliptic_txs_classes.csv", "elliptic_txs_edgelist.csv"
CODES = {"1": 1, "2": 0, "unknown": -1}
STEPS = range(1, 50)
TRAIN_UNTIL, CLOSED = 34, 43
"""The last step of training, and the one in which a dark market closed: from then on illicit transactions are others."""
LOCAL = [f"local_{k}" for k in range(1, 94)]
AGGREGATED = [f"aggregated_{k}" for k in range(1, 73)]
DEGREES = ["payments_in", "payments_out"]
SETS = {
    "93 local": LOCAL,
    "165 as published": [*LOCAL, *AGGREGATED],
    "165 and degrees": [*LOCAL, *AGGREGATED, *DEGREES],
    "degrees alone": DEGREES,
}
LEARNERS: dict[str, Learner] = {"LightGBM": lightgbm, "random forest": forest}
PUBLISHED = {
    ("random forest", "165 as published"): "F1 .788 (Weber et al. 2019)",
    ("LightGBM", "165 as published"): "F1 .815, PR-AUC .804",
}
INTRO = """\
Transactions of steps 35–49, of which the labelled ones count, ranked by models of the labelled ones of steps 1–34. The random
forest flags from one half on, as published; LightGBM from the best F1 out of fold over whole training steps. Features are
anonymous, so the shortcut beside them is the degree in the graph of payments alone. Steps up to 42 and from 43 on, when a dark
market closed, stand apart, and each step on a row of its own."""


@dataclass(frozen=True)
class Elliptic:
    """Features `X`, `step` and `y` (1 illicit, 0 licit, −1 unknown) of transactions, in the same order; `about` counts."""

    X: files.Frame
    step: np.ndarray
    y: np.ndarray
    about: pd.DataFrame

    def part(self, first: int, last: int) -> np.ndarray:
        """The positions of the labelled transactions of some steps, both included."""
        return np.flatnonzero((self.step >= first) & (self.step <= last) & (self.y >= 0))


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The protocol's tables: all test steps, before and after the market closed, by step, and what the files hold."""
    elliptic = read(data)
    train, test = elliptic.part(STEPS[0], TRAIN_UNTIL), elliptic.part(TRAIN_UNTIL + 1, STEPS[-1])
    needs_both(f"{data}: steps {STEPS[0]}–{TRAIN_UNTIL}", elliptic.y[train])
    needs_both(f"{data}: steps {TRAIN_UNTIL + 1}–{STEPS[-1]}", elliptic.y[test])
    ranked = {}
    pairs = [(model, name) for model in LEARNERS for name in SETS]
    for done, (model, name) in enumerate(pairs):
        on_progress("fit", done, len(pairs))
        ranked[model, name] = _ranked(elliptic, train, LEARNERS[model], SETS[name], model == "LightGBM", seed)
    on_progress("fit", len(pairs), len(pairs))
    spans = {"up to 42": (TRAIN_UNTIL + 1, CLOSED - 1), "from 43 on": (CLOSED, STEPS[-1])}
    return {
        "Steps 35–49": pd.DataFrame(_rows(elliptic, ranked, {"all": (TRAIN_UNTIL + 1, STEPS[-1])}, published=True)),
        "Before and after a dark market closed": pd.DataFrame(_rows(elliptic, ranked, spans)),
        "By step, 165 features": _by_step(elliptic, ranked),
        "What the files hold": elliptic.about,
    }


PROTOCOL = Protocol(
    "elliptic",
    "illicit Bitcoin transactions of steps 35-49, learnt on steps 1-34",
    (FEATURES, CLASSES, EDGES),
    SOURCE,
    INTRO,
    run,
)


def read(data: Path) -> Elliptic:
    """Read the three files.

    Raises:
        DataError: if one is missing or not as published.
    """
    features, classes, edges = (files.find(data, name, SOURCE) for name in (FEATURES, CLASSES, EDGES))
    names = ["txId", "step", *LOCAL, *AGGREGATED]
    types = {"txId": files.WHOLE, "step": files.WHOLE}
    X = files.read_csv(features, types, SOURCE, rest=files.NUMBER, names=names, titled=False).set_index("txId")
    _check_steps(features, X)
    y = _outcomes(classes, X.index)
    pairs = files.read_csv(edges, {"txId1": files.WHOLE, "txId2": files.WHOLE}, SOURCE)
    inside = pairs[pairs["txId1"].isin(X.index) & pairs["txId2"].isin(X.index)]
    step = X.pop("step").to_numpy()
    X["payments_in"] = inside["txId2"].value_counts().reindex(X.index).fillna(0.0).astype(float)
    X["payments_out"] = inside["txId1"].value_counts().reindex(X.index).fillna(0.0).astype(float)
    return Elliptic(X, step, y, _about(X, step, y, pairs, inside))


def _check_steps(path: Path, X: files.Frame) -> None:
    if X.index.has_duplicates:
        raise DataError(
            f"{path}: transaction {X.index[X.index.duplicated()][0]} comes twice; give the file as published"
        )
    outside = np.flatnonzero(~X["step"].isin(STEPS))
    if len(outside):
        step = X["step"].iloc[outside[0]]
        raise DataError(
            f"{path}: row {outside[0] + 1}: got step {step} in the second column, published are {STEPS[0]}–{STEPS[-1]}"
        )


def _outcomes(path: Path, transactions: pd.Index) -> np.ndarray:
    table = files.read_csv(path, {"txId": files.WHOLE, "class": files.TEXT}, SOURCE)
    known: files.Frame = pd.Series(files.outcomes(path, table["class"], CODES), index=table["txId"])
    missing = transactions.difference(known.index)
    if len(missing):
        raise DataError(
            f"{path}: no class for transaction {missing[0]} ({len(missing)} lack one); give the file as published"
        )
    return known[~known.index.duplicated()].reindex(transactions).to_numpy()


def _about(X: files.Frame, step: np.ndarray, y: np.ndarray, pairs: files.Frame, inside: files.Frame) -> pd.DataFrame:
    of = pd.Series(step, index=X.index)
    across = int((inside["txId1"].map(of) != inside["txId2"].map(of)).sum())
    counts = {
        "transactions": len(X),
        "illicit": int((y == 1).sum()),
        "licit": int((y == 0).sum()),
        "unknown": int((y < 0).sum()),
        "transactions with the features of an earlier row": int(X[[*LOCAL, *AGGREGATED]].duplicated().sum()),
        "payments": len(pairs),
        "payments of transactions that are not in the file": len(pairs) - len(inside),
        "payments from one step to another": across,
    }
    return pd.DataFrame({"what": list(counts), "number": list(counts.values())})


def _ranked(
    elliptic: Elliptic, train: np.ndarray, learner: Learner, columns: list[str], tuned: bool, seed: int
) -> tuple[np.ndarray, float]:
    """Log-odds of all transactions, and where flags begin."""
    X, y = elliptic.X[columns], elliptic.y
    fitted: Fitted = learner(X.iloc[train], y[train], seed)
    start = threshold(learner, X.iloc[train], y[train], elliptic.step[train], seed) if tuned else EVEN
    return fitted(X), start


def _rows(elliptic: Elliptic, ranked: dict, spans: dict, published: bool = False) -> Iterable[dict[str, Any]]:
    for (model, name), (ranking, start) in ranked.items():
        for span, (first, last) in spans.items():
            part = elliptic.part(first, last)
            found = judged(elliptic.y[part], ranking[part], ranking[part] >= start)
            published_column = {"published": PUBLISHED.get((model, name), "")} if published else {}
            yield {"model": model, "features": name, "steps": span, **found, **published_column}


def _by_step(elliptic: Elliptic, ranked: dict) -> pd.DataFrame:
    rows = []
    for step in range(TRAIN_UNTIL + 1, STEPS[-1] + 1):
        part = elliptic.part(step, step)
        row: dict[str, Any] = {"step": step, "rows": len(part), "illicit": int(elliptic.y[part].sum())}
        for model in LEARNERS:
            ranking, start = ranked[model, "165 as published"]
            y, score = elliptic.y[part], ranking[part]
            precision, recall, f1 = flags(y, score >= start)
            row |= {f"{model}: precision": precision, f"{model}: recall": recall, f"{model}: f1": f1}
            row[f"{model}: pr_auc"] = pr_auc(y, score)
        rows.append(row)
    return pd.DataFrame(rows)
