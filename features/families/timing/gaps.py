"""Timing, first part: the gaps between transfers, which show automation and waiting."""

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.intrinsics import part
from ...kernels.sorted_arrays import median
from ...kernels.statistics import burstiness, mean_and_deviation, most_within, ratio
from ...kernels.wallet_view import DAY, IN, OUT, ROUNDING, row_of, view
from ..declaration import RATIO, SECONDS, SHARE, TRANSFERS, Feature, positions

# fmt: off
FEATURES = (
    Feature("timing__gap__median", SECONDS, "usual time between two transfers",
            "median of g (mean of the middle two)", "FATF 2020", null_when="there are fewer than two transfers"),
    Feature("timing__gap__longest", SECONDS, "longest time without a transfer",
            "max of g", "FATF 2020: dormancy", null_when="there are fewer than two transfers", behaviour=5),
    Feature("timing__gap__longest_share", SHARE, "share of its life spent in its longest pause",
            "max of g ÷ (t_n − t_1)", "FATF 2020: dormancy", null_when="all transfers have one time", behaviour=5),
    Feature("timing__gap__burstiness", RATIO, "burstiness of its transfers (−1 regular, 0 random, 1 bursts)",
            "(σ − μ) ÷ (σ + μ) of g, σ of the population", "Goh & Barabási 2008",
            null_when="there are fewer than two gaps, or all are zero", behaviour=36),
    Feature("timing__gap__memory", RATIO, "correlation of each pause with the next",
            "Pearson correlation of (g_1…g_{k−1}) with (g_2…g_k)", "Goh & Barabási 2008; KuCoin 2020",
            null_when="there are fewer than three gaps, or either side does not vary", behaviour=36),
    Feature("timing__gap__under_1min", SHARE, "share of pauses shorter than a minute",
            "share of g < 60", "automation: Bybit 2025", null_when="there are fewer than two transfers", behaviour=37),
    Feature("timing__gap__zero_share", SHARE, "share of transfers in the same second as the one before",
            "share of g = 0", "automation: Bybit 2025", null_when="there are fewer than two transfers", behaviour=37),
    Feature("timing__busiest__10min", TRANSFERS, "most transfers within ten minutes",
            "max over i of the number of transfers with t_i ≤ t < t_i + 600", "Bybit 2025: flood the zone",
            behaviour=36),
    Feature("timing__busiest__1h", TRANSFERS, "most transfers within an hour",
            "max over i of the number of transfers with t_i ≤ t < t_i + 3600", "Bybit 2025: flood the zone",
            behaviour=36),
    Feature("timing__day__fano", RATIO, "unevenness of the number of transfers a day (Fano factor)",
            "population variance ÷ mean of transfers a UTC day, over every day from the first to the last",
            "Bybit 2025", null_when="all transfers fall on one UTC day", behaviour=36),
    Feature("timing__after_gap__burst_1d", RATIO, "transfers in the day after its longest pause, against its mean day",
            "number of transfers with t_e ≤ t < t_e + 86400 ÷ (n ÷ max(1, (t_n − t_1) ÷ 86400)), t_e the end of the "
            "first max g",
            "FATF 2020: dormancy, then burst", null_when="there are fewer than two transfers", behaviour=5),
    Feature("timing__in_gap__median", SECONDS, "usual time between two transfers received",
            "median of the gaps between ins", "FATF 2020", null_when="fewer than two transfers were received"),
    Feature("timing__in_gap__burstiness", RATIO, "burstiness of the transfers received",
            "(σ − μ) ÷ (σ + μ) of the gaps between ins, σ of the population", "Goh & Barabási 2008",
            null_when="there are fewer than two such gaps, or all are zero", behaviour=36),
    Feature("timing__out_gap__median", SECONDS, "usual time between two payments sent",
            "median of the gaps between outs", "KuCoin 2020", null_when="fewer than two transfers were sent"),
    Feature("timing__out_gap__burstiness", RATIO, "burstiness of the payments sent",
            "(σ − μ) ÷ (σ + μ) of the gaps between outs, σ of the population", "Goh & Barabási 2008",
            null_when="there are fewer than two such gaps, or all are zero", behaviour=36),
    Feature("timing__equal_gap__cv", RATIO,
            "unevenness of the pauses before payments of the same size as the one before",
            "population standard deviation ÷ mean of h, h the gaps t_b − t_a of consecutive x_out pairs (a, b) in "
            "order with "
            "|a − b| ≤ 0.01·(1 + 1e-9)·max(a, b)",
            "KuCoin 2020: waits for confirmation",
            null_when="there are fewer than two such pairs, or all their gaps are zero", behaviour=12),
    Feature("timing__equal_gap__memory", RATIO, "correlation of each such pause with the next",
            "Pearson correlation of (h_1…h_{k−1}) with (h_2…h_k), h as in timing__equal_gap__cv",
            "KuCoin 2020: waits for confirmation",
            null_when="there are fewer than three such pairs, or either side does not vary", behaviour=12),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def memory(gaps):
    """Pearson correlation of each gap with the next; NaN where either side does not vary (Goh & Barabási 2008)."""
    n = gaps.size - 1
    if n < 2:
        return np.nan
    mean_a = part(gaps, 0, n).sum() / n
    mean_b = part(gaps, 1, n + 1).sum() / n
    ab = aa = bb = 0.0
    for k in range(n):
        a, b = gaps[k] - mean_a, gaps[k + 1] - mean_b
        ab += a * b
        aa += a * a
        bb += b * b
    return ratio(ab, np.sqrt(aa * bb))


@kernel
def fano(time):
    """Variance ÷ mean of transfers a UTC day, from the first day to the last; NaN for one day."""
    days = time[-1] // DAY - time[0] // DAY + 1
    if days < 2:
        return np.nan
    squares = 0.0
    count = 0
    for k in range(time.size):
        count += 1
        if k + 1 == time.size or time[k + 1] // DAY != time[k] // DAY:
            squares += count * count
            count = 0
    mean = time.size / days
    return (squares / days - mean * mean) / mean


@kernel
def all_gaps(view, gaps, out, wanted):
    """The features of the gaps between all transfers; `gaps` is scratch of view.n."""
    g = part(gaps, 0, view.n - 1)
    zero = short = longest = 0
    for k in range(g.size):
        g[k] = view.time[k + 1] - view.time[k]
        zero += g[k] == 0
        short += g[k] < 60
        if g[k] > g[longest]:
            longest = k
    span = view.time[view.n - 1] - view.time[0]
    out[COLUMN.gap__longest] = g[longest]
    out[COLUMN.gap__longest_share] = ratio(g[longest], span)
    if wanted[COLUMN.gap__burstiness]:
        out[COLUMN.gap__burstiness] = burstiness(g)
    if wanted[COLUMN.gap__memory]:
        out[COLUMN.gap__memory] = memory(g)
    out[COLUMN.gap__under_1min] = short / g.size
    out[COLUMN.gap__zero_share] = zero / g.size
    if wanted[COLUMN.after_gap__burst_1d]:
        out[COLUMN.after_gap__burst_1d] = after_pause(view, longest) / (view.n / max(1.0, span / DAY))
    if wanted[COLUMN.gap__median]:
        out[COLUMN.gap__median] = median(g)


@kernel
def after_pause(view, longest):
    """Transfers within a day of the end of the pause after transfer `longest`."""
    end = view.time[longest + 1]
    after = longest + 1 if view.time[longest] == end else 0  # a pause of no length: all are of one time
    for k in range(longest + 1, view.n):
        if view.time[k] >= end + DAY:
            break
        after += 1
    return after


@kernel
def gaps_of(view, direction, gaps):
    """Fill `gaps` with the gaps between the transfers of one direction, and return that part of it."""
    found = 0
    before = np.int64(0)
    for k in range(view.n):
        if view.direction[k] == direction:
            if found:
                gaps[found - 1] = view.time[k] - before
            before = view.time[k]
            found += 1
    return part(gaps, 0, max(found - 1, 0))


@kernel
def features_of_direction(view, direction, gaps, out, column):
    """Burstiness and median of the gaps of one direction, written to out[column + 1] and out[column]."""
    g = gaps_of(view, direction, gaps)
    out[column + 1] = burstiness(g)
    out[column] = median(g)


@kernel
def equal_gaps(view, gaps, out):
    """The features of the pauses before payments of the same size as the one before; `gaps` is scratch of view.n."""
    found = 0
    last = -1
    for k in range(view.n):
        if view.direction[k] != OUT or view.value[k] == 0:
            continue
        a, b = view.value[last], view.value[k]
        if last >= 0 and abs(a - b) <= 0.01 * (1 + ROUNDING) * max(a, b):
            gaps[found] = view.time[k] - view.time[last]
            found += 1
        last = k
    if found > 1:
        h = part(gaps, 0, found)
        mean, deviation = mean_and_deviation(h)
        out[COLUMN.equal_gap__cv] = ratio(deviation, mean)
        out[COLUMN.equal_gap__memory] = memory(h)


@kernel
def features_of_snapshot(view, gaps, out, wanted):
    """The features of one snapshot; `gaps` is scratch of view.n."""
    if view.n > 1:
        all_gaps(view, gaps, out, wanted)
    if wanted[COLUMN.busiest__10min]:
        out[COLUMN.busiest__10min] = most_within(view.time, 600)
    if wanted[COLUMN.busiest__1h]:
        out[COLUMN.busiest__1h] = most_within(view.time, 3_600)
    if wanted[COLUMN.day__fano]:
        out[COLUMN.day__fano] = fano(view.time)
    if wanted[COLUMN.in_gap__median] or wanted[COLUMN.in_gap__burstiness]:
        features_of_direction(view, IN, gaps, out, COLUMN.in_gap__median)
    if wanted[COLUMN.out_gap__median] or wanted[COLUMN.out_gap__burstiness]:
        features_of_direction(view, OUT, gaps, out, COLUMN.out_gap__median)
    if wanted[COLUMN.equal_gap__cv] or wanted[COLUMN.equal_gap__memory]:
        equal_gaps(view, gaps, out)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), scratch.f0, row_of(out, k, first_column), wanted)
