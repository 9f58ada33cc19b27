"""Metrics against numbers worked out by hand."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walletprint.training.metrics import classification_metrics as metrics

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


def partial_auc_by_hand(y, ranking, most):
    """McClish's scaled partial area: the ROC curve as a list of points, trapezoid by trapezoid."""
    positives, negatives = sum(y), len(y) - sum(y)
    points = [(0.0, 0.0)]
    for threshold in sorted(set(ranking), reverse=True):
        above = [label for label, r in zip(y, ranking, strict=True) if r >= threshold]
        points.append(((len(above) - sum(above)) / negatives, sum(above) / positives))
    area = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        end = min(x1, most)
        if end > x0:
            area += (end - x0) * (y0 + (y0 + (y1 - y0) * (end - x0) / (x1 - x0))) / 2
    least = most**2 / 2
    return (1 + (area - least) / (most - least)) / 2


RANKED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=2, max_size=30)


@given(RANKED, st.sampled_from([0.01, 0.1, 0.5]))
@settings(max_examples=80, deadline=None)
def test_partial_auc_by_trapezoids(rows, most):
    y, ranking = zip(*rows, strict=True)
    if len(set(y)) == 2:
        assert metrics.roc_auc_low_fpr(y, ranking, most) == pytest.approx(partial_auc_by_hand(y, ranking, most))
    else:
        assert math.isnan(metrics.roc_auc_low_fpr(y, ranking, most))


def test_partial_auc_of_perfection_and_of_chance():
    assert metrics.roc_auc_low_fpr([1, 1, 0, 0], [4, 3, 2, 1]) == 1
    assert metrics.roc_auc_low_fpr([1, 0, 1, 0], [1, 1, 1, 1]) == pytest.approx(0.5)
    assert metrics.evaluate(Y, RANKING)["roc_auc_fpr_1pct"] == pytest.approx(partial_auc_by_hand(Y, RANKING, 0.01))


def test_illicit_per_100_reviews():
    assert metrics.illicit_per_100(Y, RANKING, 4) == 75
    assert math.isnan(metrics.illicit_per_100(Y, RANKING, 6))


def test_unlabelled_wallets_consume_budget():
    # ranked 1 ? 0 | ? 1: of three reviews one finds a positive for sure, and one more if the first unknown is one
    found = metrics.bounds_at([1, np.nan, 0, np.nan, 1], [5, 4, 3, 2, 1], 3)
    assert found["precision_low"] == pytest.approx(1 / 3)
    assert found["precision_high"] == pytest.approx(2 / 3)
    assert found["recall_low"] == pytest.approx(1 / 3)  # only the unknown beyond the budget is positive
    assert found["recall_high"] == pytest.approx(2 / 3)  # only the one within it


WITH_UNKNOWN = st.lists(st.tuples(st.sampled_from([0.0, 1.0, math.nan]), st.integers(0, 3)), min_size=1, max_size=9)


@given(WITH_UNKNOWN, st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_bounds_are_those_of_every_way_the_unknown_could_be(rows, k):
    y, ranking = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    unknown = np.flatnonzero(np.isnan(y))
    precisions, recalls = [], []
    for sides in itertools.product((0, 1), repeat=len(unknown)):
        truth = y.copy()
        truth[unknown] = sides
        precisions.append(metrics.precision_at(truth, ranking, k))
        recalls.append(metrics.recall_at(truth, ranking, k))
    recalls = [r for r in recalls if not math.isnan(r)] or [math.nan]
    found = metrics.bounds_at(y, ranking, k)
    expected = (min(precisions), max(precisions), min(recalls), max(recalls))
    assert tuple(found.values()) == pytest.approx(expected, nan_ok=True)


def test_per_case_by_hand():
    # ranking 10 … 1; positives of case a at 10 and 7, of b at 9 and 9 of nobody's; the others are negatives
    y = [1, 1, 0, 1, 0, 1, 0, 0, 0, 0]
    case = pd.Series(["a", "b", None, "a", None, None, "b", None, None, None])
    table = metrics.per_case(case, y, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], budgets=[0.2], ks=[4]).set_index("case")
    assert table.index.tolist() == ["a", "b"]
    assert table["positives"].tolist() == [2, 1]
    assert table["recall_at_20pct"].tolist() == [1 / 2, 1]
    assert table["recall_at_k4"].tolist() == [1, 1]
    assert table.loc["a", ["rank_q10", "rank_q50", "rank_q90"]].tolist() == [0.1, 0.1, 0.4]
    # a against the six negatives: 10 beats all, 7 all but the one at 8
    assert table.loc["a", "roc_auc"] == pytest.approx(11 / 12)
    assert table.loc["a", "pr_auc"] == pytest.approx((1 + 2 / 3) / 2)


def test_per_case_counts_ties_at_their_worst():
    # all rank alike: of two reviews none surely goes to the case, as there are two others; and the rank is the last
    table = metrics.per_case(pd.Series(["a", None, "b"]), [1, 0, 1], [1, 1, 1], budgets=[], ks=[2, 3])
    assert table["recall_at_k2"].tolist() == [0, 0]
    assert table["recall_at_k3"].tolist() == [1, 1]
    assert table["rank_q50"].tolist() == [1, 1]


def test_per_case_without_cases_is_empty():
    assert metrics.per_case(pd.Series([None] * 5), Y, RANKING).empty
