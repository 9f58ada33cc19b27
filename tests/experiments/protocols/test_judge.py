"""What the protocols share: thresholds from training folds, flags, and figures, beside plain counting."""

import random

import numpy as np
import pandas as pd
import pytest

from walletprint.experiments.protocols import judge
from walletprint.features.base.errors import DataError


def counted(y, flagged):
    """Precision, recall and F1 by counting."""
    right = sum(1 for a, b in zip(y, flagged, strict=True) if a and b)
    precision, recall = right / sum(flagged), right / sum(y)
    return precision, recall, 2 * precision * recall / (precision + recall)


def test_the_best_threshold_is_the_best_of_all():
    rng = random.Random(4)
    y = np.array([rng.random() < 0.3 for _ in range(60)], dtype=int)
    scores = np.array([round(rng.gauss(y[k], 1), 1) for k in range(60)])
    best = max(counted(y, scores >= start)[2] for start in set(scores) if (y[scores >= start]).any())
    assert counted(y, scores >= judge.best_threshold(y, scores))[2] == pytest.approx(best)


def test_figures_are_those_of_counting():
    y, ranking = np.array([1, 0, 1, 0, 0, 1]), np.array([3.0, 2.0, 1.0, 0.5, 0.0, -1.0])
    found = judge.judged(y, ranking, ranking >= 0.7)
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert found["pr_auc"] == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    assert found["roc_auc"] == pytest.approx(5 / 9)
    assert (found["rows"], found["positives"]) == (6, 3)


def test_what_is_not_defined_is_not_a_number():
    nothing = judge.flags(np.array([1, 0]), np.array([False, False]))
    assert np.isnan(nothing[0])
    assert nothing[1:] == (0.0, 0.0)
    assert np.isnan(judge.flags(np.array([0, 0]), np.array([True, False]))[1:]).all()
    assert np.isnan(judge.flags(np.array([], int), np.array([], bool))).all()


def test_out_of_fold_never_fits_on_the_row_s_own_group():
    y, groups = np.array([0, 1] * 9), np.repeat(np.arange(9), 2)
    X = pd.DataFrame({"group": groups})
    seen: list[set[int]] = []

    def learner(rows, outcomes, seed):
        fitted = set(rows["group"])
        seen.append(fitted)
        return lambda asked: np.array([float(group in fitted) for group in asked["group"]])

    assert judge.out_of_fold(learner, X, y, groups, 7).tolist() == [0.0] * 18
    assert len(seen) == 3


def test_without_folds_the_threshold_is_one_half():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    assert judge.threshold(judge.lightgbm, X, np.array([0, 1, 0]), np.array([1, 2, 3]), 7) == judge.EVEN


def test_one_class_alone_is_told():
    with pytest.raises(DataError, match="steps 1–2: 0 illicit and 2 licit; both are needed"):
        judge.needs_both("steps 1–2", np.array([0, 0]))
