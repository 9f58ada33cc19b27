"""How far features and scores have moved since the training, quarter by quarter. Judges no model and knows no outcome."""

import lightgbm as lgb
import numpy as np
import pandas as pd

from .dataset import Dataset
from .splits import Slices

BINS = 10
FLOOR = 1e-4
"""Least share of a bin, so that an empty one has a logarithm."""
LEAST_ROWS = 100
"""Fewer snapshots in a quarter have no index: it would be noise, which alone gives about (bins − 1) / rows."""
TOP = 20
SCORE, MEAN = "score", "mean of the features"


def psi(reference: np.ndarray, values: np.ndarray) -> float:
    """Population stability index Σ (q − p) · ln(q / p) over bins; below 0.1 is calm, above 0.25 has moved (Siddiqi 2006).

    Bins lie between the deciles of the reference; values that repeat share one, and missing values have their own. Shares below
    0.0001 count as that much.

    Args:
        reference: (n,), NaN where missing; values: (m,), of what is compared with it.

    Returns:
        0 or more; NaN if either is empty.
    """
    if not len(reference) or not len(values):
        return np.nan
    known = np.sort(reference[~np.isnan(reference)])
    # Deciles that are values of the reference: one that is interpolated may miss the value it equals by a rounding.
    edges = np.unique(known[np.arange(1, BINS) * len(known) // BINS]) if len(known) else known
    p, q = (np.maximum(_shares(part, edges), FLOOR) for part in (reference, values))
    return float(np.sum((q - p) * np.log(q / p)))


def drift_table(dataset: Dataset, slices: Slices, margin: np.ndarray, booster: lgb.Booster) -> pd.DataFrame:
    """The stability index of each quarter of all snapshots.

    Features are held against the training slice: the 20 that gain most, and their mean weighted by gain. The score is held
    against the calibration slice, as a model is too sure of rows that it was fitted on. Only labelled wallets are looked at, so
    a change in who is labelled shows too.

    Args:
        dataset: all rows; slices: its split.
        margin: the model's ranking of all rows, (rows,).
        booster: the model.

    Returns:
        [period, what, psi, rows], by time; `what` is a feature's name, `mean of the features` or `score`; psi is NaN where a
        quarter has fewer than 100 snapshots.
    """
    gains = dict(zip(booster.feature_name(), map(float, booster.feature_importance("gain")), strict=True))
    gain = {name: gains[name] for name in sorted(gains, key=lambda name: -gains[name])[:TOP] if gains[name] > 0}
    values = dataset.X.loc[:, list(gain)]
    rows = []
    for period, places in _quarters(dataset).items():
        enough = len(places) >= LEAST_ROWS
        found = {
            name: psi(values[name].to_numpy()[slices.train.rows], values[name].to_numpy()[places]) if enough else np.nan
            for name in gain
        }
        found[MEAN] = float(np.average(list(found.values()), weights=list(gain.values()))) if len(gain) else np.nan
        found[SCORE] = psi(margin[slices.calibrate.rows], margin[places]) if enough else np.nan
        rows += [{"period": period, "what": what, "psi": value, "rows": len(places)} for what, value in found.items()]
    return pd.DataFrame(rows, columns=["period", "what", "psi", "rows"])


def _quarters(dataset: Dataset) -> dict[str, np.ndarray]:
    """The positions of each calendar quarter, in order of time."""
    as_of = dataset.snapshots["as_of"].dt
    names = as_of.year.astype(str) + "Q" + as_of.quarter.astype(str)
    return {name: np.flatnonzero(names == name) for name in sorted(names.unique())}


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The share of values in each bin [edge, next edge), the missing ones last."""
    missing = np.isnan(values)
    counts = np.bincount(np.searchsorted(edges, values[~missing], side="right"), minlength=len(edges) + 1)
    return np.append(counts, missing.sum()) / len(values)
