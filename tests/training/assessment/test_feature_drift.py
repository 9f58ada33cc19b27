"""The stability index by hand and in plain Python, and the table of a training."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletprint.serving.model.population_stability import FLOOR, psi
from walletprint.training.assessment.feature_drift import MEAN, SCORE

NAN = float("nan")


def plain_psi(reference, values):
    """The same, bin by bin."""
    known = sorted(v for v in reference if not math.isnan(v))
    edges = sorted({known[i * len(known) // 10] for i in range(1, 10)}) if known else []

    def shares(numbers):
        counts = [0] * (len(edges) + 2)
        for number in numbers:
            place = len(edges) + 1 if math.isnan(number) else sum(number >= edge for edge in edges)
            counts[place] += 1
        return [max(count / len(numbers), FLOOR) for count in counts]

    return sum((q - p) * math.log(q / p) for p, q in zip(shares(reference), shares(values), strict=True))


numbers = st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(NAN)), min_size=1, max_size=30)


@given(numbers, numbers)
def test_it_is_the_plain_sum_over_bins(reference, values):
    assert psi(np.array(reference), np.array(values)) == pytest.approx(plain_psi(reference, values), abs=1e-12)


def test_a_hand_made_one():
    reference = np.arange(10.0)  # ten bins of one value each
    values = np.array([0.0] * 5 + [9.0] * 5)  # half in the first bin, half in the last
    full = 2 * (0.5 - 0.1) * math.log(0.5 / 0.1)
    empty = 8 * (FLOOR - 0.1) * math.log(FLOOR / 0.1)
    assert psi(reference, values) == pytest.approx(full + empty)


def test_nothing_moved_is_zero_and_nothing_at_all_is_missing():
    values = np.array([1.0, NAN, 2.0, 2.0])
    assert psi(values, values) == 0
    assert math.isnan(psi(values, np.empty(0)))
    assert psi(np.array([NAN]), np.array([NAN])) == 0


def test_going_missing_is_drift():
    assert psi(np.arange(100.0), np.where(np.arange(100) < 50, NAN, np.arange(100.0))) > 0.25


def test_the_table_of_a_training(trained):
    table = trained.result.assessment.drift
    assert {SCORE, MEAN} < set(table["what"])
    assert table["what"].nunique() <= 22
    assert table["period"].is_monotonic_increasing
    few = table["rows"] < 100
    assert table.loc[few, "psi"].isna().all()
    assert (table.loc[~few, "psi"] >= 0).all()
    assert set(table["what"]) - {SCORE, MEAN} <= set(trained.result.model.features)
    assert pd.api.types.is_integer_dtype(table["rows"])
