"""Cohort: a wallet's totals as ranks among wallets of its time, so that no price level and no growth of the chain speaks.

The cohort of a snapshot: a sample of the wallets active in the same window up to the start of its week, by leading asset
(`chain/cohorts.py`).
"""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import part
from ..kernels.wallet_view import ROUNDING, row_of, view
from .declaration import SHARE, Feature, in_and_out, positions

_FEW = "no value was {verb}, or fewer than 30 wallets of the cohort {verb} the same asset"
_COHORT = {"behaviour": 40, "needs": ("cohorts",)}

# fmt: off
FEATURES = (
    *in_and_out("cohort__{side}__total_rank", SHARE, "rank of the value {verb} among wallets of its time",
                "rank of Σ {x} in the cohort", "ranks instead of values", _FEW, **_COHORT),
    *in_and_out("cohort__{side}__mean_rank", SHARE, "rank of its mean transfer {verb} among wallets of its time",
                "rank of the mean of {x} in the cohort", "ranks instead of values", _FEW, **_COHORT),
    *in_and_out("cohort__{side}__max_rank", SHARE, "rank of its largest transfer {verb} among wallets of its time",
                "rank of the max of {x} in the cohort", "ranks instead of values", _FEW, **_COHORT),
    Feature("cohort__transfers__rank", SHARE, "rank of its number of transfers among wallets of its time",
            "rank of the number of x_in and x_out in the cohort", "ranks instead of values",
            null_when="no value was moved, or fewer than 30 wallets of the cohort moved the same asset", **_COHORT),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def group_of(group, cohort, asset):
    """The number of the group of a cohort and an asset, −1 if there is none."""
    low, high = 0, group.shape[0]
    while low < high:
        middle = (low + high) // 2
        if group[middle, 0] < cohort or (group[middle, 0] == cohort and group[middle, 1] < asset):
            low = middle + 1
        else:
            high = middle
    return low if low < group.shape[0] and group[low, 0] == cohort and group[low, 1] == asset else -1


@kernel
def below(ordered, a):
    """How many numbers of an ascending array are below `a`, without branches that a processor would guess wrong."""
    low, n = 0, ordered.size
    while n > 1:
        half = n // 2
        low += half * (ordered[low + half - 1] < a)
        n -= half
    return low + (n == 1 and ordered[low] < a)


@kernel
def rank(ordered, a):
    """(numbers below `a` + half of those equal to it) ÷ all; NaN of fewer than 30. Sums carry rounding: 1e-9 is equal."""
    if ordered.size < 30:
        return np.nan
    low, top = below(ordered, a * (1 - ROUNDING)), a * (1 + ROUNDING)
    high = low
    step = 1
    while high + step <= ordered.size and ordered[high + step - 1] <= top:  # few are equal, or very many
        high += step
        step *= 2
    while step > 0:
        if high + step <= ordered.size and ordered[high + step - 1] <= top:
            high += step
        step //= 2
    return (low + high) / (2 * ordered.size)


@kernel
def features_of_snapshot(view, cohort, cohorts, out, wanted):
    """The features of one snapshot."""
    g = group_of(cohorts.group, cohort, view.lead)
    if g < 0:
        return
    sides = ((view.n_in, view.x_in, view.sorted_in), (view.n_out, view.x_out, view.sorted_out))
    start = part(cohorts.start, 7 * g, 7 * g + 8)
    for side, (n, x, ordered) in enumerate(sides):
        if n:
            total = x.sum()
            for j, measure in enumerate((total, total / n, ordered[-1])):
                column = 2 * j + side
                if wanted[column]:
                    out[column] = rank(part(cohorts.values, start[column], start[column + 1]), measure)
    if wanted[COLUMN.transfers__rank]:
        out[COLUMN.transfers__rank] = rank(part(cohorts.values, start[6], start[7]), float(view.n_in + view.n_out))


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    cohorts = context.cohorts
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k] and block.lead[k] >= 0:
            features_of_snapshot(view(block, k), cohorts.cohort[k], cohorts, row_of(out, k, first_column), wanted)
