"""Fits how raw margins become probabilities, and the score from which a wallet is flagged.

`serving.model.calibration` applies what is fitted here.
"""

import warnings
from typing import Literal

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ...serving.model.model_folder import Calibration

ISOTONIC_ROWS = 1000
ISOTONIC_EACH = 200
Method = Literal["auto", "isotonic", "sigmoid", "venn_abers"]


def fit_calibration(margin: np.ndarray, y: np.ndarray, method: Method = "auto") -> Calibration:
    """Fit a calibration on a slice that is later than the training slice. All rows have the same weight.

    `auto` is isotonic for 1000 rows or more with at least 200 per class, else sigmoid: a step function learnt from few rows is
    noise (Niculescu-Mizil & Caruana 2005).

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
    """Centred isotonic regression (Oron & Flournoy 2017): one knot per step, at the step's mean margin.

    The score so keeps rising within a step and ranks wallets there. No score is 0 or 1: n rows cannot show more than 1/(n + 2).
    """
    edge = 1 / (len(y) + 2)
    steps = IsotonicRegression(y_min=edge, y_max=1 - edge).fit_transform(margin, y)
    levels, step = np.unique(steps, return_inverse=True)
    centres = np.bincount(step, margin) / np.bincount(step)
    return Calibration(method="isotonic", x=tuple(centres.tolist()), y=tuple(levels.tolist()))


def _sigmoid(margin: np.ndarray, y: np.ndarray) -> Calibration:
    """Platt scaling with smoothed targets (Platt 1999): each row has weight t as a positive and 1 − t as a negative.

    A margin that ranks no better than chance gets slope 0: every wallet then has the base rate.
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
    """Inductive Venn–Abers (Vovk & Petej 2014), by the library `venn-abers`, as a step function.

    p₀ and p₁ are the isotonic regression's values for a wallet that joins the slice as a negative and as a positive. The score is
    p₁ / (1 − p₀ + p₁), which minimises the log loss. Both change only at the margins of the slice (p₁ on the margin, p₀ just
    after it), so all steps can be kept. Within a step the score is the same: only margin and percentile rank wallets there.
    """
    with np.errstate(), warnings.catch_warnings():  # the library changes numpy's error state when it is imported
        warnings.simplefilter("ignore", RuntimeWarning)
        from venn_abers import VennAbers

        fitted = VennAbers().fit(np.column_stack([-margin, margin]), np.asarray(y, dtype=np.float64))
    p0, p1 = np.repeat(fitted.p0_[:, 1], 2)[1:], np.repeat(fitted.p1_[:, 1], 2)[:-1]  # below, on, above, on, above, …
    score = np.maximum.accumulate(p1 / (1 - p0 + p1))  # rounding may have reversed two steps
    starts = np.column_stack([fitted.c_, np.nextafter(fitted.c_, np.inf)]).ravel()
    rises = np.flatnonzero(np.diff(score) > 0)
    rises = rises[np.append(np.diff(starts[rises]) > 0, True)]  # no score lies between neighbouring doubles
    return Calibration(
        method="venn_abers", x=tuple(starts[rises].tolist()), y=(float(score[0]), *score[rises + 1].tolist())
    )


def flag_threshold(score: np.ndarray, budget: float) -> float:
    """The lowest value of `score`, shape (n,), that at most a share `budget` of the rows reach; the highest one if even its ties
    exceed the budget."""
    values, counts = np.unique(score, return_counts=True)
    reaching = np.cumsum(counts[::-1])[::-1] / len(score)
    within = values[reaching <= budget + 1e-12]
    return float(within[0] if within.size else values[-1])
