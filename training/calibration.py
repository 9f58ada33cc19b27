"""Fits how raw margins become probabilities, and the score at which a wallet is flagged. `serving.calibration` applies both."""

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ..serving.model_folder import Calibration

ISOTONIC_ROWS = 1000
ISOTONIC_EACH = 200


def fit_calibration(margin: np.ndarray, y: np.ndarray) -> Calibration:
    """Fit a calibration on a slice later than the model's own.

    Isotonic from 1000 rows with 200 of each class on, else sigmoid: a step function learnt from few rows is noise
    (Niculescu-Mizil & Caruana 2005).

    Args:
        margin: raw log-odds, shape (n,).
        y: outcomes, 0 or 1, of both classes; shape (n,).
    """
    positives = int(np.sum(y))
    if len(y) >= ISOTONIC_ROWS and min(positives, len(y) - positives) >= ISOTONIC_EACH:
        return _isotonic(margin, y)
    return _sigmoid(margin, y)


def _isotonic(margin: np.ndarray, y: np.ndarray) -> Calibration:
    """Centred isotonic regression (Oron & Flournoy 2017): one knot a step, at its mean margin, so that the score keeps rising
    inside a step and ranks wallets there. No score is 0 or 1: n rows cannot show more than 1/(n + 2)."""
    edge = 1 / (len(y) + 2)
    steps = IsotonicRegression(y_min=edge, y_max=1 - edge).fit_transform(margin, y)
    levels, step = np.unique(steps, return_inverse=True)
    centres = np.bincount(step, margin) / np.bincount(step)
    return Calibration(method="isotonic", x=tuple(centres.tolist()), y=tuple(levels.tolist()))


def _sigmoid(margin: np.ndarray, y: np.ndarray) -> Calibration:
    """Platt's scaling with his smoothed targets (Platt 1999): each row counts t as a positive and 1 − t as a negative.

    A margin that ranks no better than chance gets slope 0: everybody has the base rate.
    """
    positives = float(np.sum(y))
    target = np.where(np.asarray(y) == 1, (positives + 1) / (positives + 2), 1 / (len(y) - positives + 2))
    twice = np.concatenate([margin, margin]).reshape(-1, 1)
    sides = np.repeat([1, 0], len(y))
    fit = LogisticRegression(C=np.inf, max_iter=1000).fit(
        twice, sides, sample_weight=np.concatenate([target, 1 - target])
    )
    slope, offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if slope <= 0:
        rate = target.mean()
        slope, offset = 0.0, float(np.log(rate / (1 - rate)))
    return Calibration(method="sigmoid", x=(slope,), y=(offset,))


def flag_threshold(score: np.ndarray, budget: float) -> float:
    """The lowest score that at most a share `budget` of `score`, shape (n,), reaches; the highest, if its ties exceed that."""
    values, counts = np.unique(score, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1] / len(score)
    within = values[reaching <= budget + 1e-12]
    return float(within[0] if within.size else values[-1])
