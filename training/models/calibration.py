"""Fits how raw margins become probabilities, and the score at which a wallet is flagged. `serving.calibration` applies both."""

from typing import Literal

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ...serving.model.model_folder import Calibration

ISOTONIC_ROWS = 1000
ISOTONIC_EACH = 200
Method = Literal["auto", "isotonic", "sigmoid", "venn_abers"]


def fit_calibration(margin: np.ndarray, y: np.ndarray, method: Method = "auto") -> Calibration:
    """Fit a calibration on a slice later than the model's own; every row counts the same.

    `auto` is isotonic from 1000 rows with 200 of each class on, else sigmoid: a step function learnt from few rows is noise
    (Niculescu-Mizil & Caruana 2005).

    Args:
        margin: raw log-odds, shape (n,).
        y: outcomes, 0 or 1, of both classes; shape (n,).
        method: auto, isotonic, sigmoid or venn_abers.
    """
    if method == "venn_abers":
        return _venn_abers(margin, y)
    if method == "isotonic" or (method == "auto" and _many(y)):
        return _isotonic(margin, y)
    return _sigmoid(margin, y)


def _many(y: np.ndarray) -> bool:
    positives = int(np.sum(y))
    return len(y) >= ISOTONIC_ROWS and min(positives, len(y) - positives) >= ISOTONIC_EACH


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


def _venn_abers(margin: np.ndarray, y: np.ndarray) -> Calibration:
    """Inductive Venn–Abers (Vovk & Petej 2014): p₀ and p₁ are what isotonic regression gives a wallet that joins the slice as a
    negative and as a positive; the score is p₁ / (1 − p₀ + p₁), which loses least by log loss.

    p₀ and p₁ change only where a margin of the slice stands (p₁ on it, p₀ just after it), so the score is steps, all of which
    are kept. It is the same within a step: wallets there are ranked by their margin and percentile alone.
    """
    scores, place = np.unique(margin, return_inverse=True)
    rows, positives = np.bincount(place), np.bincount(place, np.asarray(y, dtype=np.float64))
    one = _joined_as_positive(rows, positives)
    zero = 1 - _joined_as_positive(rows[::-1], (rows - positives)[::-1])[::-1]
    p0, p1 = np.repeat([0.0, *zero], 2)[1:], np.repeat([*one, 1.0], 2)[:-1]  # below, on, above, on, above, …
    score = np.maximum.accumulate(p1 / (1 - p0 + p1))  # what rounding may have turned round
    starts = np.column_stack([scores, np.nextafter(scores, np.inf)]).ravel()
    rises = np.flatnonzero(np.diff(score) > 0)
    rises = rises[np.append(np.diff(starts[rises]) > 0, True)]  # between neighbouring doubles there is no score
    return Calibration(
        method="venn_abers", x=tuple(starts[rises].tolist()), y=(float(score[0]), *score[rises + 1].tolist())
    )


def _joined_as_positive(rows: np.ndarray, positives: np.ndarray) -> np.ndarray:
    """p₁ at each distinct margin, upwards: isotonic regression's value there once a positive of that margin has joined.

    With Wᵢ and Sᵢ the rows and positives up to margin i, it is the steepest slope that stays under both the points
    (Wⱼ − 1, Sⱼ − 1), j < i, and the points (Wⱼ, Sⱼ), j ≥ i (Vovk, Petej & Fedorova 2015). Both ends of that line only move
    right as i grows, and its right end along the lower hull of the points that are left: linear time.
    """
    x = np.concatenate([[0], np.cumsum(rows)]).tolist()
    s = np.concatenate([[0.0], np.cumsum(positives)]).tolist()
    following = _lower_hulls(x, s)
    found, corner, end, slope = [], None, 1, 0.0
    for i in range(1, len(x)):
        a, b = x[i - 1] - 1, s[i - 1] - 1
        if corner is None or b < corner[1] + slope * (a - corner[0]):
            corner, end = (a, b), max(end, i)
            slope = _slope(corner, x[end], s[end])
            while following[end] and (further := _slope(corner, x[following[end]], s[following[end]])) <= slope:
                end, slope = following[end], further
        found.append(slope)
    return np.array(found)


def _lower_hulls(x: list[int], s: list[float]) -> list[int]:
    """For each point the next one on the lower hull of it and all to its right; 0 for the last."""
    following = [0] * len(x)
    for i in range(len(x) - 2, 0, -1):
        here, j = (x[i], s[i]), i + 1
        while (k := following[j]) and _slope(here, x[k], s[k]) <= _slope(here, x[j], s[j]):
            j = k
        following[i] = j
    return following


def _slope(start: tuple[float, float], x: float, s: float) -> float:
    return (s - start[1]) / (x - start[0])


def flag_threshold(score: np.ndarray, budget: float) -> float:
    """The lowest score that at most a share `budget` of `score`, shape (n,), reaches; the highest, if its ties exceed that."""
    values, counts = np.unique(score, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1] / len(score)
    within = values[reaching <= budget + 1e-12]
    return float(within[0] if within.size else values[-1])
