"""How far features and scores have moved since the training, quarter by quarter. Judges no model and knows no outcome."""

import lightgbm as lgb
import numpy as np
import pandas as pd

from ...serving.model.population_stability import MIN_ROWS, psi
from ..data.dataset import Dataset
from ..splits.time_split import Slices

TOP = 20
SCORE, MEAN = "score", "mean of the features"


def drift_table(dataset: Dataset, slices: Slices, margin: np.ndarray, booster: lgb.Booster) -> pd.DataFrame:
    """The stability index of each quarter of all snapshots.

    Features are compared with the training slice: the 20 that gain most, and their mean weighted by gain. The score is compared
    with the calibration slice, because a model is too sure of rows that it was fitted on. Only labelled wallets count, so a
    change in who is labelled shows too.

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
    for period, positions in _quarters(dataset).items():
        enough = len(positions) >= MIN_ROWS
        indices = {
            name: psi(values[name].to_numpy()[slices.train.rows], values[name].to_numpy()[positions])
            if enough
            else np.nan
            for name in gain
        }
        indices[MEAN] = float(np.average(list(indices.values()), weights=list(gain.values()))) if len(gain) else np.nan
        indices[SCORE] = psi(margin[slices.calibrate.rows], margin[positions]) if enough else np.nan
        rows += [
            {"period": period, "what": what, "psi": value, "rows": len(positions)} for what, value in indices.items()
        ]
    return pd.DataFrame(rows, columns=["period", "what", "psi", "rows"])


def _quarters(dataset: Dataset) -> dict[str, np.ndarray]:
    """The positions of each calendar quarter, in order of time."""
    as_of = dataset.snapshots["as_of"].dt
    names = as_of.year.astype(str) + "Q" + as_of.quarter.astype(str)
    return {name: np.flatnonzero(names == name) for name in sorted(names.unique())}
