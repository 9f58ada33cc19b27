"""Metrics against numbers worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from walletprint.training import metrics

# ranking:   0.9 0.8 0.7 0.6 0.5
# outcome:    1   0   1   1   0     precision at each positive: 1/1, 2/3, 3/4
Y = [1, 0, 1, 1, 0]
RANKING = [0.9, 0.8, 0.7, 0.6, 0.5]


def test_average_precision_by_hand():
    assert metrics.pr_auc(Y, RANKING) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_average_precision_of_one_tie_is_the_base_rate():
    assert metrics.pr_auc(Y, [0.5] * 5) == pytest.approx(3 / 5)


def test_roc_auc_by_hand():
    # of the 3 × 2 pairs, the positives win: .9 both, .7 one, .6 one → 4
    assert metrics.roc_auc(Y, RANKING) == pytest.approx(4 / 6)


def test_precision_and_recall_at_k():
    assert metrics.precision_at(Y, RANKING, 2) == 1 / 2
    assert metrics.precision_at(Y, RANKING, 4) == 3 / 4
    assert metrics.recall_at(Y, RANKING, 2) == pytest.approx(1 / 3)


def test_ties_count_at_their_worst():
    # two of the three at 0.5 are reviewed; the worst two are negatives
    assert metrics.precision_at([1, 1, 0, 0], [0.9, 0.5, 0.5, 0.5], 3) == pytest.approx(1 / 3)
    assert metrics.recall_at([1, 1, 0, 0], [0.9, 0.5, 0.5, 0.5], 3) == pytest.approx(1 / 2)


def test_the_order_of_the_rows_does_not_matter():
    generator = np.random.default_rng(1)
    y, ranking = generator.integers(0, 2, 300), generator.integers(0, 9, 300) / 9
    order = generator.permutation(300)
    shuffled = metrics.evaluate(y[order], ranking[order], ranking[order])
    assert shuffled == pytest.approx(metrics.evaluate(y, ranking, ranking), nan_ok=True)


def test_more_reviews_than_rows_is_missing_not_zero():
    assert math.isnan(metrics.precision_at(Y, RANKING, 6))
    assert math.isnan(metrics.recall_at(Y, RANKING, 6))


def test_one_class_has_no_ranking_metric():
    result = metrics.evaluate([0, 0], [0.1, 0.2], [0.1, 0.2], budgets=[0.5], ks=[])
    assert math.isnan(result["pr_auc"])
    assert math.isnan(result["roc_auc"])
    assert math.isnan(result["recall_at_50pct"])
    assert result["precision_at_50pct"] == 0


@pytest.mark.parametrize(
    ("rows", "budget", "expected"), [(1000, 0.01, 10), (199, 0.01, 1), (10, 0.001, 1), (300, 0.29, 87)]
)
def test_a_budget_is_rounded_down_but_pays_for_one(rows, budget, expected):
    assert metrics.reviews(rows, budget) == expected


def test_brier_by_hand():
    assert metrics.brier([1, 0], [0.8, 0.4]) == pytest.approx((0.04 + 0.16) / 2)


def test_ece_by_hand():
    # bin 0: scores .02 .08, shares 0 → gap .05, 2 rows; bin 9: scores .9 1.0, one positive of two → gap .45, 2 rows
    y, score = [0, 0, 1, 0], [0.02, 0.08, 0.9, 1.0]
    assert metrics.ece(y, score) == pytest.approx((2 * 0.05 + 2 * 0.45) / 4)
    table = metrics.calibration_table(y, score)
    assert table["bin"].tolist() == [0, 9]
    assert table["rows"].tolist() == [2, 2]


def test_names_of_all_metrics():
    result = metrics.evaluate(Y, RANKING, RANKING, budgets=[0.4], ks=[3])
    assert result["precision_at_40pct"] == 1 / 2
    assert result["precision_at_k3"] == pytest.approx(2 / 3)
    assert result["base_rate"] == 3 / 5
    assert set(result) >= {"rows", "positives", "brier", "ece", "recall_at_k3", "recall_at_40pct"}


def test_per_period_is_each_period_alone():
    as_of = pd.Series(pd.to_datetime(["2021-04-01", "2021-04-01", "2021-06-30", "2021-07-01", "2021-07-01"], utc=True))
    table = metrics.per_period(as_of, Y, RANKING, RANKING)
    assert table["period"].tolist() == ["2021Q2", "2021Q3"]
    assert table["rows"].tolist() == [3, 2]
    assert table["pr_auc"][0] == pytest.approx((1 + 2 / 3) / 2)
    assert table["pr_auc"][1] == 1
    assert metrics.per_period(as_of, Y, RANKING, RANKING, by="year")["period"].tolist() == ["2021"]
