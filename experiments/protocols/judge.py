"""What the protocols share: the learners (those of `training`), a threshold from training folds alone, and a row of figures."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve, precision_recall_fscore_support
from sklearn.model_selection import StratifiedGroupKFold

from ...features.base.errors import DataError
from ...training.config.sections import LightGBMConfig
from ...training.metrics.classification_metrics import pr_auc, roc_auc
from ...training.models.estimators import fit_forest, fit_lightgbm, log_odds, margins
from .input_files import Frame

Fitted = Callable[[Frame], np.ndarray]
Learner = Callable[[Frame, np.ndarray, int], Fitted]
"""From rows, outcomes and a seed to a function from rows to their log-odds."""

SETTINGS = LightGBMConfig().model_dump()
EVEN = 0.0  # the log-odds of one half
_FOLDS = 3
_THREADS = 2


def lightgbm(X: Frame, y: np.ndarray, seed: int) -> Fitted:
    """LightGBM with the defaults of a training. Columns are numbered: it takes few of the published names as they are."""
    booster = fit_lightgbm(numbered(X), y, SETTINGS, seed)
    return lambda rows: margins(booster, numbered(rows))


def numbered(X: Frame) -> Frame:
    """The same columns under names that LightGBM takes."""
    return X.set_axis([f"column_{k}" for k in range(X.shape[1])], axis=1)


def forest(X: Frame, y: np.ndarray, seed: int) -> Fitted:
    """The random forest that stands beside every training."""
    fitted = fit_forest(X, y, seed, _THREADS)
    return lambda rows: log_odds(fitted, rows)


def threshold(learner: Learner, X: Frame, y: np.ndarray, groups: np.ndarray, seed: int) -> float:
    """The log-odds from which on flagging gives the best F1 out of fold; groups are never torn apart.

    Where there are too few groups or positives for folds, one half.
    """
    scores = out_of_fold(learner, X, y, groups, seed)
    return EVEN if scores is None else best_threshold(y, scores)


def out_of_fold(learner: Learner, X: Frame, y: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray | None:
    """Log-odds of each row by a model that saw no row of its group, shape (n,); None with too few groups or positives."""
    if len(np.unique(groups)) < _FOLDS or np.bincount(y, minlength=2).min() < _FOLDS:
        return None
    scores = np.empty(len(y))
    for train, test in StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed).split(X, y, groups):
        if len(np.unique(y[train])) < 2:
            return None
        scores[test] = learner(X.iloc[train], y[train], seed)(X.iloc[test])
    return scores


def best_threshold(y: np.ndarray, scores: np.ndarray) -> float:
    """The score from which on flagging gives the best F1."""
    precision, recall, thresholds = precision_recall_curve(y, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[np.argmax(f1[:-1])])


def judged(y: np.ndarray, ranking: np.ndarray, flagged: np.ndarray) -> dict[str, Any]:
    """rows, positives, base_rate, precision, recall, f1, pr_auc, roc_auc of the positive class; NaN where not defined."""
    precision, recall, f1 = flags(y, flagged)
    return {
        "rows": len(y),
        "positives": int(y.sum()),
        "base_rate": float(y.mean()) if len(y) else np.nan,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "pr_auc": pr_auc(y, ranking),
        "roc_auc": roc_auc(y, ranking),
    }


def flags(y: np.ndarray, flagged: np.ndarray) -> tuple[float, float, float]:
    """Precision, recall and F1 of what is flagged; precision is NaN where nothing is, recall where nothing is to be found."""
    if not len(y):
        return np.nan, np.nan, np.nan
    nothing: Any = 0  # scikit-learn's hint knows only the word "warn"
    found = precision_recall_fscore_support(y, flagged, average="binary", zero_division=nothing)
    precision, recall, f1 = (float(value) for value in found[:3])
    return precision if flagged.any() else np.nan, recall if y.any() else np.nan, f1 if y.any() else np.nan


def needs_both(what: str, y: np.ndarray) -> None:
    """A part of the data needs both classes.

    Raises:
        DataError: if it lacks one.
    """
    positives = int((y == 1).sum())
    if not 0 < positives < len(y):
        raise DataError(
            f"{what}: {positives} illicit and {len(y) - positives} licit; both are needed, so give the whole file"
        )
