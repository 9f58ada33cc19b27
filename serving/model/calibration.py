"""From a model's raw margin (log-odds) to score, percentile and band. Applies what training fitted; fits nothing."""

import numpy as np
import pandas as pd

from .model_folder import QUANTILES, Bands, Calibration, ReferenceMargins

BANDS = ("none", "low", "medium", "high", "severe")
UNSCORED = "unscored"


def calibrate(margin: np.ndarray, calibration: Calibration) -> np.ndarray:
    """Probabilities in [0, 1] of raw margins, shape (n,)."""
    margin = np.asarray(margin, dtype=np.float64)
    if calibration.method == "isotonic":
        return np.interp(margin, calibration.x, calibration.y)
    if calibration.method == "venn_abers":
        return np.asarray(calibration.y)[np.searchsorted(calibration.x, margin, side="right")]
    slope, offset = (calibration.x[0], calibration.y[0]) if calibration.method == "sigmoid" else (1.0, 0.0)
    return np.exp(-np.logaddexp(0.0, -(slope * margin + offset)))  # 1 / (1 + exp(−z)) without overflow


def percentiles(margin: np.ndarray, reference: ReferenceMargins) -> np.ndarray:
    """The share of the reference population, in percent, with a lower margin (equal ones counted half); shape (n,).

    Linear between the quantiles; 0 below and 100 above all of them.
    """
    values, position = np.unique(np.asarray(reference.quantiles), return_inverse=True)
    rank = np.bincount(position, np.linspace(0.0, 100.0, QUANTILES)) / np.bincount(position)
    return np.interp(margin, values, rank, left=0.0, right=100.0)


def bands_of(score: np.ndarray, bands: Bands) -> np.ndarray:
    """The band of each score, shape (n,): a band begins at its threshold."""
    starts = [bands.low, bands.medium, bands.high, bands.severe]
    return np.array(BANDS, dtype=object)[np.searchsorted(starts, score, side="right")]


def reference_margins(margin: np.ndarray) -> ReferenceMargins:
    """Quantiles of a population's raw margins, shape (n,), for `ModelFolder.reference_margins`."""
    quantiles = np.quantile(np.asarray(margin, dtype=np.float64), np.linspace(0.0, 1.0, QUANTILES))
    return ReferenceMargins(quantiles=tuple(np.maximum.accumulate(quantiles).tolist()))


def reference_quartiles(X: pd.DataFrame) -> dict[str, tuple[float, float, float] | None]:
    """Quartiles of each column where it is defined, for `ModelFolder.reference_quartiles`; None for a column that never is."""
    return {str(name): _quartiles(X[name].to_numpy(dtype=np.float64)) for name in X.columns}


def _quartiles(values: np.ndarray) -> tuple[float, float, float] | None:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, middle, high = np.quantile(defined, [0.25, 0.5, 0.75]).tolist()
    return low, middle, high
