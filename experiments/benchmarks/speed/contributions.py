"""Exact contributions beside LightGBM's own `pred_contrib`: rows per second, and how far they differ. Run with

python -m walletprint.experiments.benchmarks.speed.contributions
"""

import time
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import typer

from ....serving.explain.contributions import Explainer
from ..harness.options import RESULTS, Results, Runs
from ..harness.processes import use_few_cores
from ..harness.result_page import publish
from ..harness.threads import THREADS

TREES, LEAVES, FEATURES, TRAINED = 500, 63, 150, 10_000
OURS, THEIRS = 20_000, 500  # rows of a run: LightGBM's own would take minutes for as many
INTRO = f"""\
A model of {TREES} trees of {LEAVES} leaves, trained on {TRAINED:,} generated rows of {FEATURES} features, of which 15 % are
missing, explains other rows: walletprint {OURS:,}, LightGBM's `pred_contrib` {THEIRS:,}, both with {THREADS} threads, after a run
that is not counted. `differs` is the largest difference of a contribution, in log-odds, `sum_differs` that of a row's sum from
its margin; `times` the rows per second against LightGBM's. Reading the trees, once a model, is `ready_seconds`."""


def model_of(X: np.ndarray) -> lightgbm.Booster:
    """A model whose trees have all the leaves they may."""
    random = np.random.default_rng(2)
    logs = np.log(np.where(np.isnan(X), 1.0, X))
    y = logs[:, :40] @ random.normal(size=40) + logs[:, 0] * logs[:, 1] + random.normal(size=len(X)) > 0
    params = {
        "objective": "binary", "num_leaves": LEAVES, "learning_rate": 0.05, "min_data_in_leaf": 10, "verbosity": -1,
        "num_threads": THREADS, "seed": 1,
    }  # fmt: skip
    return lightgbm.train(params, lightgbm.Dataset(X, y.astype(float)), TREES)


def rows_of(n: int, seed: int) -> np.ndarray:
    """Generated rows, shape (n, FEATURES)."""
    random = np.random.default_rng(seed)
    X = random.lognormal(size=(n, FEATURES))
    X[random.random(X.shape) < 0.15] = np.nan
    return X


def compared(booster: lightgbm.Booster, explainer: Explainer, seed: int) -> list[dict[str, Any]]:
    """One row per engine: how long it took, and how far ours is from LightGBM's."""
    X = rows_of(OURS, seed)
    some = X[:THEIRS]
    began = time.perf_counter()
    ours = explainer.contributions(X)
    between = time.perf_counter()
    theirs = np.asarray(booster.predict(some, pred_contrib=True, num_threads=THREADS))
    ended = time.perf_counter()
    margin = np.asarray(booster.predict(X, raw_score=True, num_threads=THREADS))
    far = {
        "differs": np.abs(ours[:THEIRS] - theirs).max(),
        "sum_differs": np.abs(ours.sum(axis=1) - margin).max(),
    }
    return [
        {"engine": "walletprint", "rows": OURS, "seconds": between - began, **far},
        {"engine": "lightgbm", "rows": THEIRS, "seconds": ended - between},
    ]


def main(
    runs: Runs = 3,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    use_few_cores()
    booster = model_of(rows_of(TRAINED, 1))
    text = booster.model_to_string()
    Explainer.from_trees(text, FEATURES).contributions(rows_of(10, 0))
    began = time.perf_counter()
    explainer = Explainer.from_trees(text, FEATURES)
    ready = time.perf_counter() - began
    every = pd.DataFrame([row for run in range(runs) for row in compared(booster, explainer, 10 + run)])
    tables = {f"Medians of {runs} runs": summary(every, ready), "Every run": every}
    publish(__file__, INTRO, tables, results)


def summary(every: pd.DataFrame, ready: float) -> pd.DataFrame:
    """One row per engine: medians, rows per second, and how many times as many as LightGBM."""
    found = every.groupby("engine", sort=False).median()
    found["rows_a_second"] = found["rows"] / found["seconds"]
    found["times"] = found["rows_a_second"] / found.loc["lightgbm", "rows_a_second"]
    found["ready_seconds"] = pd.Series({"walletprint": ready})
    return found.reset_index()


if __name__ == "__main__":
    typer.run(main)
