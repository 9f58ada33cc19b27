"""Value: how large a wallet's transfers are and how evenly the value is spread. Knows no order in time but first and last.

All amounts are of the wallet's leading asset, so that nothing is summed across units.
"""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import part
from ..kernels.sorted_arrays import median_of_sorted, sort
from ..kernels.statistics import mean_and_deviation, most_within, ratio
from ..kernels.wallet_view import DAY, IN, OUT, ROUNDING, SELF, row_of, view
from .declaration import ASSET_UNITS, RATIO, SHARE, TRANSFERS, USD, Feature, in_and_out, positions

_LITERATURE = "Farrugia et al. 2020"


# fmt: off
FEATURES = (
    *in_and_out("value__{side}__total", ASSET_UNITS, "value {verb}",
                "Σ {x}", _LITERATURE, "no value was {verb}", null=0.0, era_safe=False),
    *in_and_out("value__{side}__mean", ASSET_UNITS, "mean size of a transfer {verb}",
                "mean of {x}", _LITERATURE, "no value was {verb}", era_safe=False),
    *in_and_out("value__{side}__median", ASSET_UNITS, "median size of a transfer {verb}",
                "median of {x} (mean of the middle two)", _LITERATURE, "no value was {verb}", era_safe=False),
    *in_and_out("value__{side}__max", ASSET_UNITS, "largest transfer {verb}",
                "max of {x}", _LITERATURE, "no value was {verb}", era_safe=False),
    *in_and_out("value__{side}__cv", RATIO, "spread of the sizes {verb}, against their mean",
                "population standard deviation ÷ mean of {x}", "FATF 2020",
                "fewer than two valued transfers were {verb}", behaviour=14),
    *in_and_out("value__{side}__max_share", SHARE, "share of the value {verb} that came in its largest transfer",
                "max ÷ Σ of {x}", "FATF 2020", "no value was {verb}"),
    *in_and_out("value__{side}__gini", RATIO, "inequality (Gini) of the sizes {verb}",
                "Σ_i (2i − m − 1)·a_(i) ÷ (m·Σ a), {x} sorted upwards, i = 1…m", "FATF 2020: even splits",
                "fewer than two valued transfers were {verb}", behaviour=14),
    *in_and_out("value__{side}__count_for_90pct", TRANSFERS,
                "number of transfers that carry nine tenths of the value {verb}",
                "least k such that the k largest of {x} add up to at least 0.9·(1 − 1e-9)·Σ {x}",
                "Hampel 1971: what dust cannot move", "no value was {verb}", behaviour=14),
    *in_and_out("value__{side}__median_to_mean", RATIO, "median against mean size {verb}",
                "median ÷ mean of {x}", "FATF 2020", "no value was {verb}", behaviour=14),
    Feature("value__out__share", SHARE, "share of the value moved that was sent, not received",
            "Σ x_out ÷ (Σ x_in + Σ x_out)", _LITERATURE, null_when="no value was moved"),
    Feature("value__size__out_share", SHARE, "size of an average payment sent, against sent and received together",
            "mean x_out ÷ (mean x_in + mean x_out)", "FATF 2020: fan-in, fan-out",
            null_when="no value was received, or none was sent", behaviour=13),
    Feature("value__first_in__share", SHARE, "share of the value received that came with the first inflow",
            "first x_in in order ÷ Σ x_in", "FATF 2020: large first inflow", null_when="no value was received",
            behaviour=41),
    Feature("value__last_out__share", SHARE, "share of the value sent that went with the last outflow",
            "last x_out in order ÷ Σ x_out", "FATF 2020", null_when="no value was sent"),
    Feature("value__leading__share", SHARE, "share of transfers with value that are in its leading asset",
            "valued transfers ÷ (ins and outs with amount > 0, any asset)", "Chainalysis 2022",
            null_when="no transfer has value", behaviour=28),
    Feature("value__in__usd_total", USD, "value received in US dollars",
            "Σ usd over ins with a price", "FATF 2020", era_safe=False, null_when="no inflow has a price"),
    Feature("value__out__usd_total", USD, "value sent in US dollars",
            "Σ usd over outs with a price", "FATF 2020", era_safe=False, null_when="no outflow has a price"),
    Feature("value__burst_out__gini", RATIO, "inequality (Gini) of the payments of the 24 hours with the most of them",
            "Gini (as in value__out__gini) of the x_out with t_i ≤ t < t_i + 86400, i the first x_out with the most "
            "of them",
            "FATF 2020: even splits", null_when="fewer than two valued transfers were sent within any 24 hours",
            behaviour=14),
    *in_and_out("value__{side}__rank_mean", SHARE,
                "mean size of the transfers {verb}, as ranks among the chain's of the weeks before",
                "mean of rank(i) over {side}s with amount > 0 where it is defined (see docs/guide.md)",
                "FATF 2020: high value", "no transfer {verb} has a rank", needs=("ranks",), behaviour=40),
    Feature("value__high__share", SHARE, "share of transfers larger than 99 in 100 of the chain's of the weeks before",
            "share of ins and outs with a rank that have rank(i) ≥ 0.99 (see docs/guide.md)",
            "FATF 2020: repeated high value", null_when="no transfer has a rank", needs=("ranks",), behaviour=40),
    Feature("value__high__most_1d", TRANSFERS, "most transfers of such a size within 24 hours",
            "max over i of the number of ins and outs with rank(i) ≥ 0.99 and t_i ≤ t < t_i + 86400",
            "FATF 2020: repeated high value", null_when="no transfer has a rank", needs=("ranks",), behaviour=40),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def gini(ordered):
    """The Gini coefficient of an ascending array of positive numbers."""
    weighted = 0.0
    for k in range(ordered.size):
        weighted += (2 * k + 1 - ordered.size) * ordered[k]
    return ratio(weighted, ordered.size * ordered.sum())


@kernel
def count_for_90pct(ordered, total):
    """How many of the largest of an ascending array it takes to reach nine tenths of their total."""
    running, taken = 0.0, 0
    while taken < ordered.size and running < 0.9 * (1 - ROUNDING) * total:
        taken += 1
        running += ordered[-taken]
    return taken


@kernel
def features_of_side(x, ordered, out, side, wanted):
    """The paired features of value in (side 0) or out (side 1); `ordered` is `x` sorted. Returns its total and mean."""
    total = x.sum()
    mean, deviation = mean_and_deviation(x)
    out[COLUMN.in__total + side] = total
    if x.size == 0:
        return total, mean
    median = median_of_sorted(ordered)
    out[COLUMN.in__mean + side] = mean
    out[COLUMN.in__median + side] = median
    out[COLUMN.in__max + side] = ordered[-1]
    if x.size > 1:
        out[COLUMN.in__cv + side] = deviation / mean
        if wanted[COLUMN.in__gini + side]:
            out[COLUMN.in__gini + side] = gini(ordered)
    out[COLUMN.in__max_share + side] = ordered[-1] / total
    if wanted[COLUMN.in__count_for_90pct + side]:
        out[COLUMN.in__count_for_90pct + side] = count_for_90pct(ordered, total)
    out[COLUMN.in__median_to_mean + side] = median / mean
    return total, mean


@kernel
def priced(view, direction):
    """Σ usd over one direction, NaN if none of it has a price."""
    total = 0.0
    found = 0
    for k in range(view.n):
        if view.direction[k] == direction and not np.isnan(view.usd[k]):
            total += view.usd[k]
            found += 1
    return total if found else np.nan


@kernel
def burst_gini(view, time, room):
    """Gini coefficient of the payments of the 24 hours with the most of them, NaN of fewer than two; `time`, `room`: scratch."""
    n = 0
    for k in range(view.n):
        if view.value[k] > 0 and view.direction[k] == OUT:
            time[n] = view.time[k]
            n += 1
    begin = size = end = 0
    for k in range(n):
        while end < n and time[end] - time[k] < DAY:
            end += 1
        if end - k > size:
            begin, size = k, end - k
    if size < 2:
        return np.nan
    if size == n:
        return gini(view.sorted_out)
    for k in range(size):
        room[k] = view.x_out[begin + k]
    sort(part(room, 0, size))
    return gini(part(room, 0, size))


@kernel
def against_chain(view, rank, time, out):
    """The features of sizes as ranks among the chain's transfers; `time` is scratch."""
    sum_in = sum_out = 0.0
    ins = outs = high = 0
    for k in range(view.n):
        r = rank[view.row[k]]
        if np.isnan(r):
            continue
        if view.direction[k] == IN:
            sum_in += r
            ins += 1
        else:  # what goes to itself has no rank
            sum_out += r
            outs += 1
        if r >= 0.99:
            time[high] = view.time[k]
            high += 1
    out[COLUMN.in__rank_mean] = ratio(sum_in, ins)
    out[COLUMN.out__rank_mean] = ratio(sum_out, outs)
    if ins + outs:
        out[COLUMN.high__share] = high / (ins + outs)
        out[COLUMN.high__most_1d] = most_within(part(time, 0, high), DAY)


@kernel
def features_of_snapshot(view, rank, out, wanted, scratch, prices):
    """The features of one snapshot."""
    sizes(view, out, wanted)
    if prices:
        out[COLUMN.in__usd_total] = priced(view, IN)
        out[COLUMN.out__usd_total] = priced(view, OUT)
    if wanted[COLUMN.burst_out__gini] and view.n_out > 1:
        out[COLUMN.burst_out__gini] = burst_gini(view, scratch.i0, scratch.f0)
    if rank.size:  # empty unless a wanted feature needs it
        against_chain(view, rank, scratch.i0, out)


@kernel
def sizes(view, out, wanted):
    """The features of the amounts of the leading asset."""
    total_in, mean_in = features_of_side(view.x_in, view.sorted_in, out, 0, wanted)
    total_out, mean_out = features_of_side(view.x_out, view.sorted_out, out, 1, wanted)
    out[COLUMN.out__share] = ratio(total_out, total_in + total_out)
    out[COLUMN.size__out_share] = mean_out / (mean_in + mean_out)  # NaN where either is
    if view.n_in:
        out[COLUMN.first_in__share] = view.x_in[0] / total_in
    if view.n_out:
        out[COLUMN.last_out__share] = view.x_out[-1] / total_out
    with_value = 0
    for k in range(view.n):
        with_value += view.amount[k] > 0 and view.direction[k] != SELF
    out[COLUMN.leading__share] = ratio(view.n_in + view.n_out, with_value)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    rank, has_prices = context.ranks.rank, context.rows.usd.size > 0
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), rank, row_of(out, k, first_column), wanted, scratch, has_prices)
