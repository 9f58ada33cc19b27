"""Sorting, medians, quantiles and counts of ties, held against numpy on arrays with many equal numbers."""

import numpy as np
import pytest

from walletprint.features.kernels.sorted_arrays import (
    distinct_count,
    first_entry_from,
    first_from,
    median,
    mode_count,
    sort,
    sort_pairs,
    weighted_quantile,
)

SIZES = [
    1,
    2,
    40,
    41,
    3_000,
]  # on both sides of the border between insertion and other sorts, and beyond the shorter gaps


@pytest.fixture(params=SIZES)
def numbers(request):
    return np.random.default_rng(request.param).integers(0, 2 + request.param // 3, request.param).astype(float)


def test_sorting_and_counting_ties(numbers):
    ordered = numbers.copy()
    sort(ordered)
    assert ordered.tolist() == sorted(numbers)
    values, counts = np.unique(numbers, return_counts=True)
    assert (distinct_count(ordered), mode_count(ordered)) == (len(values), counts.max())


def test_pairs_are_sorted_by_both_and_carry_a_third(numbers):
    second = np.random.default_rng(5).permutation(len(numbers))
    first, by, carried = numbers.copy(), second.copy(), np.arange(len(numbers))
    sort_pairs(first, by, carried)
    assert carried.tolist() == np.lexsort([second, numbers]).tolist()
    first, by = numbers.copy(), second.copy()
    sort_pairs(first, by, by)
    assert by.tolist() == second[np.lexsort([second, numbers])].tolist()


def test_the_median_is_numpys(numbers):
    assert median(numbers.copy()) == np.median(numbers)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 1.0])
def test_a_weighted_quantile_is_the_first_number_that_reaches_its_share(numbers, share):
    weight = np.random.default_rng(6).integers(1, 9, len(numbers)).astype(float)
    order, target = np.argsort(numbers, kind="stable"), share * weight.sum()
    expected = numbers[order][np.searchsorted(np.cumsum(weight[order]), target)]
    assert weighted_quantile(numbers.copy(), weight.copy(), target) == expected


def test_an_empty_array_has_no_median_and_no_ties():
    empty = np.empty(0)
    assert np.isnan(median(empty))
    assert (distinct_count(empty), mode_count(empty)) == (0, 0)


def test_searches_find_the_first_time_at_or_after(numbers):
    time = np.sort(numbers.astype(np.int64))
    entries = np.arange(len(time), dtype=np.int32)
    for timestamp in (-1, 0, int(time[len(time) // 2]), int(time[-1]), int(time[-1]) + 1):
        expected = np.searchsorted(time, timestamp)
        assert first_from(time, 0, len(time), timestamp) == expected
        assert first_entry_from(entries, time, 0, len(time), timestamp) == expected
