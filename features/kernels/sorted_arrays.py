"""Sorting of arrays, and what sorted ones tell: medians, quantiles, ties, positions. All work in place and need no memory."""

import numpy as np

from ..base.kernel_compiler import kernel

_GAPS = (1035711, 460316, 204585, 90927, 40412, 17961, 7983, 3548, 1577, 701, 301, 132, 57, 23, 10, 4, 1)
"""Ciura 2001, then × 2.25: ledgers whose times are whole days have hundreds of thousands of rows of one time."""
_FEW = 40  # numbers, which are sorted by insertion sooner than numba's own sort has made itself a stack


@kernel
def sort(x):
    """Sort in place, upwards."""
    if x.size > _FEW:
        x.sort()
        return
    for k in range(1, x.size):
        a = x[k]
        position = k
        while position > 0 and x[position - 1] > a:
            x[position] = x[position - 1]
            position -= 1
        x[position] = a


@kernel
def sort_pairs(first, second, carried):
    """Sort three arrays together in place by (first, second), upwards; `carried` may be `second` itself.

    A shell sort: it compiles in a fraction of the time of an argsort. Not stable.
    """
    for gap in _GAPS:
        for k in range(gap, first.size):
            a, b, c = first[k], second[k], carried[k]
            position = k
            while position >= gap:
                before = position - gap
                if not (first[before] > a or (first[before] == a and second[before] > b)):
                    break
                first[position], second[position], carried[position] = first[before], second[before], carried[before]
                position = before
            first[position], second[position], carried[position] = a, b, c


@kernel
def median(x):
    """The median (mean of the middle two), NaN of an empty array; moves its numbers about. Cheaper than sorting."""
    n = x.size
    if n <= _FEW:
        sort(x)
        return median_of_sorted(x)
    upper = _selected(x, n // 2)
    return upper if n % 2 else 0.5 * (x[: n // 2].max() + upper)


@kernel
def median_of_sorted(ordered):
    """The median of an ascending array (mean of the middle two), NaN of an empty one."""
    n = ordered.size
    if n == 0:
        return np.nan
    return ordered[n // 2] if n % 2 else 0.5 * (ordered[n // 2 - 1] + ordered[n // 2])


@kernel
def weighted_quantile(x, weight, target):
    """The smallest x such that the weights of all up to it reach `target`; moves both about."""
    low, high = 0, x.size - 1
    below = 0.0
    while low < high:
        i, j = _divide(x, weight, low, high)
        left = middle = 0.0
        for k in range(low, j + 1):
            left += weight[k]
        for k in range(j + 1, i):
            middle += weight[k]
        if below + left >= target:
            high = j
        elif below + left + middle >= target:
            return x[j + 1]  # all between j and i equal the pivot
        else:
            below += left + middle
            low = i
    return x[min(low, x.size - 1)]


@kernel
def _selected(x, k):
    """The number that would stand at k if x were sorted (Hoare's selection, in place): none before it is larger."""
    low, high = 0, x.size - 1
    while high > low:
        i, j = _divide(x, x, low, high)
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return x[k]


@kernel
def _divide(x, carried, low, high):
    """Bring what is below a pivot before what is above it (Hoare), in x[low : high + 1]; `carried` may be `x` itself.

    Returns (i, j): nothing up to j is above the pivot, nothing from i on below it, and all between equal it.
    """
    pivot = x[(low + high) // 2]
    i, j = low, high
    while i <= j:
        while x[i] < pivot:
            i += 1
        while x[j] > pivot:
            j -= 1
        if i <= j:
            a, b, of_a, of_b = x[i], x[j], carried[i], carried[j]
            x[i], x[j] = b, a
            carried[i], carried[j] = of_b, of_a
            i += 1
            j -= 1
    return i, j


@kernel
def distinct_count(ordered):
    """How many different numbers an ascending array holds."""
    count = min(ordered.size, 1)
    for k in range(1, ordered.size):
        count += ordered[k] != ordered[k - 1]
    return count


@kernel
def mode_count(ordered):
    """How often the most frequent number of an ascending array stands in it."""
    most = first = 0
    for k in range(ordered.size):
        if ordered[k] != ordered[first]:
            first = k
        most = max(most, k - first + 1)
    return most


@kernel
def first_from(time, low, high, timestamp):
    """The first position in [low, high) with a time at or after `timestamp`; times ascend there."""
    while low < high:
        middle = (low + high) // 2
        if time[middle] < timestamp:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def first_entry_from(entries, time, low, high, timestamp):
    """The first position in [low, high) of `entries` whose transfer is at or after `timestamp`."""
    while low < high:
        middle = (low + high) // 2
        if time[entries[middle]] < timestamp:
            low = middle + 1
        else:
            high = middle
    return low
