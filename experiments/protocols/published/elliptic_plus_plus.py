"""Elliptic++: illicit Bitcoin wallets, by three protocols (Elmougy & Liu, KDD 2023; arXiv 2604.23494 for the review budget).

As published, as of some steps after a wallet was first seen, and by a review budget of 1 %. What is known of a wallet as of a
step is put together in `wallets_as_of.py`; the published features are of its whole life, so no model of them is correct in time.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....features.base.errors import DataError
from ....training.metrics.classification_metrics import precision_at, reviews
from .. import input_files as files
from ..judge import EVEN, Learner, forest, judged, lightgbm, needs_both, out_of_fold, threshold
from ..protocol import Progress, Protocol, Tables
from .wallets_as_of import FILES, History, read_history

SOURCE = "git-disl/EllipticPlusPlus"
FEATURES, CLASSES = "wallets_features.csv", "wallets_classes.csv"
CODES = {"1": 1, "2": 0, "3": -1}
STEP = "Time step"
BLOCKS = ["first_block_appeared_in", "last_block_appeared_in", "first_sent_block", "first_received_block"]
"""Heights of blocks: they tell the date."""
SHARE = 0.7
TRAIN_STEPS, TEST_STEPS = (5, 26), (32, 40)
STEPS_AFTER_FIRST = (0, 5)
"""Steps after the first one at which a wallet is looked at; a training wallet is looked at before the first test step."""
BUDGET = 0.01
LEARNERS: dict[str, Learner] = {"LightGBM": lightgbm, "random forest": forest}
PUBLISHED = "random forest: F1 .845; XGBoost .662"
PUBLISHED_AS_OF = "random forest: F1 .824, ROC-AUC .930; XGBoost F1 .806 (K not stated)"
PUBLISHED_QUEUE = {
    "what the wallet did": "address queue 3.4",
    "both": "enriched 4.3",
    "its worst transaction": "transaction-projected 30.2",
}
INTRO = f"""\
`As published`: labelled rows in order of the address string, the first 70 % train; features are of a wallet's whole life, so
each row holds its future. No address is in both parts. `As of`: wallets first seen in steps {TRAIN_STEPS[0]}–{TRAIN_STEPS[1]}
train, those of {TEST_STEPS[0]}–{TEST_STEPS[1]} test; of each only what it did up to K steps after its first one counts, put
together from the transactions it was in; no step and no height of a block is a feature. `Review budget`: all wallets of the test
steps, unlabelled ones too, in one queue of which 1 % is reviewed, ties at their worst; how many of 100 reviewed wallets are
known to be illicit, and how many would be if all unlabelled ones were. The queues rank by what the wallet did, by the worst of
its transactions (scored by a model of the labelled transactions of the training steps), and by both."""


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The protocol's tables: as published, as of, at a review budget, and what the files hold."""
    rows, about = read_wallets(data)
    steps = 2 + len(STEPS_AFTER_FIRST)
    on_progress("as published", 0, steps)
    tables: Tables = {"As published": as_published(rows, seed)}
    lacking = [name for name in FILES if not files.every(data, name)]
    if lacking:
        not_run = pd.DataFrame({"result": [f"not run: no file {', '.join(lacking)} in {data.name}"]})
        tables |= {"As of": not_run, "At a review budget of 1 %": not_run}
    else:
        on_progress("transactions", 1, steps)
        labels = rows.drop_duplicates("address").set_index("address")["y"]
        tables |= in_time(read_history(data, labels), seed, lambda done: on_progress("as of", 1 + done, steps))
    on_progress("as of", steps, steps)
    return {**tables, "What the files hold": about}


PROTOCOL = Protocol(
    "elliptic-plus-plus",
    "illicit Bitcoin wallets: as published, as of five steps on, and at a review budget of 1 %",
    (FEATURES, CLASSES),
    SOURCE,
    INTRO,
    run,
    optional=FILES,
)


def read_wallets(data: Path) -> tuple[files.Frame, pd.DataFrame]:
    """The rows of `wallets_features.csv`, exact duplicates dropped, with `y` (1 illicit, 0 licit, −1 unknown); and counts.

    Raises:
        DataError: if a file is missing or not as published.
    """
    path, classes = files.find(data, FEATURES, SOURCE), files.find(data, CLASSES, SOURCE)
    types = {"address": files.TEXT, STEP: files.WHOLE} | dict.fromkeys(BLOCKS, files.NUMBER)
    rows = files.read_csv(path, types, SOURCE, rest=files.NUMBER)
    kept = rows.drop_duplicates(ignore_index=True)
    known = files.read_csv(classes, {"address": files.TEXT, "class": files.TEXT}, SOURCE)
    y = pd.Series(files.outcomes(classes, known["class"], CODES), index=known["address"])
    if y.index.has_duplicates:
        twice = y.index[y.index.duplicated()][0]
        raise DataError(f"{classes}: column 'address': {twice} comes twice; give the file as published ({SOURCE})")
    return kept.assign(y=kept["address"].map(y).fillna(-1).astype("int64")), _about(rows, kept, y)


def _about(rows: files.Frame, kept: files.Frame, y: files.Frame) -> pd.DataFrame:
    features = kept.columns.drop(["address", STEP])
    wallets = kept["address"].nunique()
    counts = {
        "rows": len(rows),
        "exact duplicates, dropped": len(rows) - len(kept),
        "wallets": wallets,
        "wallets whose features differ between steps": len(kept.drop_duplicates(["address", *features])) - wallets,
        "illicit": int((y == 1).sum()),
        "licit": int((y == 0).sum()),
        "unknown": int((y < 0).sum()),
        "wallets without a class": int((~kept["address"].drop_duplicates().isin(y.index)).sum()),
    }
    return pd.DataFrame({"what": list(counts), "number": list(counts.values())})


def as_published(rows: files.Frame, seed: int) -> pd.DataFrame:
    """The authors' split: 70/30 in order of the address; with all features, without heights of blocks, and with those alone."""
    labelled = rows[rows["y"] >= 0].sort_values(["address", STEP], kind="stable", ignore_index=True)
    cut = labelled["address"].iloc[int(SHARE * len(labelled))] if len(labelled) else ""
    train = (labelled["address"] < cut).to_numpy()
    y = labelled["y"].to_numpy()
    needs_both(f"{FEATURES}: the first 70 % of the labelled rows", y[train])
    needs_both(f"{FEATURES}: the last 30 % of the labelled rows", y[~train])
    features = [name for name in labelled.columns if name not in ("address", STEP, "y")]
    sets = {
        "all, of the whole life": features,
        "without heights of blocks": [name for name in features if name not in BLOCKS],
        "heights of blocks alone": BLOCKS,
    }
    groups = labelled["address"].to_numpy()
    found = []
    for name, columns in sets.items():
        for model in LEARNERS:
            row = _fit(model, labelled[columns], y, train, ~train, groups, seed)
            published = PUBLISHED if columns is features else ""
            found.append({"model": model, "features": name, "columns": len(columns), **row, "published": published})
    return pd.DataFrame(found)


def in_time(history: History, seed: int, on_done: Any) -> Tables:
    """As of K steps after a wallet was first seen: the labelled wallets of the test steps, and the queue of them all."""
    worst = _scored(history, seed)
    labelled, queued = [], []
    for done, wait in enumerate(STEPS_AFTER_FIRST):
        on_done(done)
        X, first, y = history.as_of(wait)
        train = (first >= TRAIN_STEPS[0]) & (first <= TRAIN_STEPS[1]) & (y >= 0)
        queue = (first >= TEST_STEPS[0]) & (first <= TEST_STEPS[1])
        needs_both("wallets first seen in steps {}–{}".format(*TRAIN_STEPS), y[train])
        needs_both("wallets first seen in steps {}–{}".format(*TEST_STEPS), y[queue & (y >= 0)])
        for model in LEARNERS:
            row = _fit(model, X, y, train, queue & (y >= 0), first, seed)
            labelled.append({"model": model, "k": wait, "columns": X.shape[1], **row, "published": PUBLISHED_AS_OF})
        projected = history.projected(worst, wait)
        for name, Q in {"what the wallet did": X, "both": pd.concat([X, projected], axis=1)}.items():
            ranking = lightgbm(Q[train], y[train], seed)(Q[queue])
            queued.append({"queue": name, "k": wait, **_per_100(y[queue], ranking), "published": PUBLISHED_QUEUE[name]})
        ranking = projected["worst"].to_numpy()[queue]
        name = "its worst transaction"
        queued.append({"queue": name, "k": wait, **_per_100(y[queue], ranking), "published": PUBLISHED_QUEUE[name]})
    return {"As of": pd.DataFrame(labelled), "At a review budget of 1 %": pd.DataFrame(queued)}


def _fit(
    model: str, X: files.Frame, y: np.ndarray, train: np.ndarray, test: np.ndarray, groups: np.ndarray, seed: int
) -> dict[str, Any]:
    """Fit on some rows, judge on others; the forest flags from one half on, LightGBM from the best F1 out of fold."""
    learner = LEARNERS[model]
    start = EVEN if model == "random forest" else threshold(learner, X[train], y[train], groups[train], seed)
    ranking = learner(X[train], y[train], seed)(X[test])
    return judged(y[test], ranking, ranking >= start)


def _scored(history: History, seed: int) -> pd.Series:
    """A score of each transaction by a model of the labelled ones of the training steps; those themselves out of fold."""
    X, step, y = history.transactions
    train = (step >= TRAIN_STEPS[0]) & (step <= TRAIN_STEPS[1]) & (y >= 0)
    needs_both("transactions of steps {}–{}".format(*TRAIN_STEPS), y[train])
    score = lightgbm(X[train], y[train], seed)(X)
    fair = out_of_fold(lightgbm, X[train], y[train], step[train], seed)
    if fair is not None:
        score[train] = fair
    return pd.Series(score, index=X.index)


def _per_100(y: np.ndarray, ranking: np.ndarray) -> dict[str, Any]:
    """Illicit wallets in 100 reviews at the budget: known ones, if all unlabelled ones were, and among labelled ones alone."""
    k, labelled = reviews(len(y), BUDGET), y >= 0
    return {
        "wallets": len(y),
        "unlabelled": int((~labelled).sum()),
        "reviewed": k,
        "illicit_per_100": 100 * precision_at(y == 1, ranking, k),
        "at_most_per_100": 100 * precision_at(y != 0, ranking, k),
        "illicit_per_100_of_labelled": 100
        * precision_at(y[labelled] == 1, ranking[labelled], reviews(int(labelled.sum()), BUDGET)),
    }
