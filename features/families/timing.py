"""Timing: the rhythm of a wallet. Gaps between all transfers show automation; the hours of those it sent, its operator."""

import numpy as np

from ..compiled import kernel
from ..declare import RATIO, SECONDS, SHARE, TRANSFERS, Feature, positions
from ..view import DAY, IN, OUT, burstiness, entropy, median_of_sorted, most_within, ratio

FEATURES = (
    Feature(
        "timing__gap__median",
        SECONDS,
        "usual time between two transfers",
        "median of g (mean of the middle two)",
        "FATF 2020",
        null_when="there are fewer than two transfers",
    ),
    Feature(
        "timing__gap__longest",
        SECONDS,
        "longest time without a transfer",
        "max of g",
        "FATF 2020: dormancy",
        null_when="there are fewer than two transfers",
    ),
    Feature(
        "timing__gap__longest_share",
        SHARE,
        "share of its life spent in its longest pause",
        "max of g ÷ (t_n − t_1)",
        "FATF 2020: dormancy",
        null_when="all transfers have one time",
    ),
    Feature(
        "timing__gap__burstiness",
        RATIO,
        "burstiness of its transfers (−1 regular, 0 random, 1 bursts)",
        "(σ − μ) ÷ (σ + μ) of g, σ of the population",
        "Goh & Barabási 2008",
        null_when="there are fewer than two gaps, or all are zero",
    ),
    Feature(
        "timing__gap__memory",
        RATIO,
        "correlation of each pause with the next",
        "Pearson correlation of (g_1…g_{k−1}) with (g_2…g_k)",
        "Goh & Barabási 2008; KuCoin 2020",
        null_when="there are fewer than three gaps, or either side does not vary",
    ),
    Feature(
        "timing__gap__under_1min",
        SHARE,
        "share of pauses shorter than a minute",
        "share of g < 60",
        "automation: Bybit 2025",
        null_when="there are fewer than two transfers",
    ),
    Feature(
        "timing__gap__zero_share",
        SHARE,
        "share of transfers in the same second as the one before",
        "share of g = 0",
        "automation: Bybit 2025",
        null_when="there are fewer than two transfers",
    ),
    Feature(
        "timing__busiest__10min",
        TRANSFERS,
        "most transfers within ten minutes",
        "max over i of the number of transfers with t_i ≤ t < t_i + 600",
        "Bybit 2025: flood the zone",
    ),
    Feature(
        "timing__day__fano",
        RATIO,
        "unevenness of the number of transfers a day (Fano factor)",
        "population variance ÷ mean of transfers a UTC day, over every day from the first to the last",
        "Bybit 2025",
        null_when="all transfers fall on one UTC day",
    ),
    Feature(
        "timing__after_gap__burst_1d",
        RATIO,
        "transfers in the day after its longest pause, against its mean day",
        "number of transfers with t_e ≤ t < t_e + 86400 ÷ (n ÷ max(1, (t_n − t_1) ÷ 86400)), t_e the end of the first max g",
        "FATF 2020: dormancy, then burst",
        null_when="there are fewer than two transfers",
    ),
    Feature(
        "timing__in_gap__median",
        SECONDS,
        "usual time between two transfers received",
        "median of the gaps between ins",
        "FATF 2020",
        null_when="fewer than two transfers were received",
    ),
    Feature(
        "timing__in_gap__burstiness",
        RATIO,
        "burstiness of the transfers received",
        "(σ − μ) ÷ (σ + μ) of the gaps between ins, σ of the population",
        "Goh & Barabási 2008",
        null_when="there are fewer than two such gaps, or all are zero",
    ),
    Feature(
        "timing__out_gap__median",
        SECONDS,
        "usual time between two payments sent",
        "median of the gaps between outs",
        "KuCoin 2020",
        null_when="fewer than two transfers were sent",
    ),
    Feature(
        "timing__out_gap__burstiness",
        RATIO,
        "burstiness of the payments sent",
        "(σ − μ) ÷ (σ + μ) of the gaps between outs, σ of the population",
        "Goh & Barabási 2008",
        null_when="there are fewer than two such gaps, or all are zero",
    ),
    Feature(
        "timing__out_hour__entropy",
        RATIO,
        "evenness of the hours at which it sends",
        "Shannon entropy (natural logarithm) of the UTC hours of outs ÷ ln 24",
        "FINTRAC",
        null_when="nothing was sent",
    ),
    Feature(
        "timing__out_hour__resultant",
        RATIO,
        "concentration of its sending around one time of day",
        "|mean over outs of exp(2πi·(t mod 86400) ÷ 86400)|",
        "FINTRAC",
        null_when="nothing was sent",
    ),
    Feature(
        "timing__out_hour__night_share",
        SHARE,
        "share of payments sent between 00 and 09 UTC (09–18 in Pyongyang)",
        "share of outs with (t mod 86400) < 32400",
        "FINTRAC",
        null_when="nothing was sent",
    ),
    Feature(
        "timing__out_weekend__share",
        SHARE,
        "share of payments sent on Saturday or Sunday (UTC)",
        "share of outs on a UTC Saturday or Sunday",
        "FINTRAC",
        null_when="nothing was sent",
    ),
)

AT = positions(FEATURES)


@kernel
def memory(gaps):
    """Pearson correlation of each gap with the next; NaN where either side does not vary (Goh & Barabási 2008)."""
    n = gaps.size - 1
    if n < 2:
        return np.nan
    mean_a = gaps[:n].sum() / n
    mean_b = gaps[1:].sum() / n
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
def all_gaps(v, gaps, out):
    """The features of the gaps between all transfers; `gaps` is scratch of v.n."""
    g = gaps[: v.n - 1]
    zero = short = longest = 0
    for k in range(g.size):
        g[k] = v.time[k + 1] - v.time[k]
        zero += g[k] == 0
        short += g[k] < 60
        if g[k] > g[longest]:
            longest = k
    span = v.time[-1] - v.time[0]
    out[AT.gap__longest] = g[longest]
    out[AT.gap__longest_share] = ratio(g[longest], span)
    out[AT.gap__burstiness] = burstiness(g)
    out[AT.gap__memory] = memory(g)
    out[AT.gap__under_1min] = short / g.size
    out[AT.gap__zero_share] = zero / g.size
    end = v.time[longest + 1]
    after = 0
    for t in v.time:
        after += end <= t < end + DAY
    out[AT.after_gap__burst_1d] = after / (v.n / max(1.0, span / DAY))
    g.sort()
    out[AT.gap__median] = median_of_sorted(g)


@kernel
def gaps_of(v, direction, gaps):
    """Fill `gaps` with the gaps between the transfers of one direction, and return that part of it."""
    found = 0
    before = np.int64(0)
    for k in range(v.n):
        if v.direction[k] == direction:
            if found:
                gaps[found - 1] = v.time[k] - before
            before = v.time[k]
            found += 1
    return gaps[: max(found - 1, 0)]


@kernel
def one_direction(v, direction, gaps, out, at):
    """Burstiness and median of the gaps of one direction, written to out[at + 1] and out[at]."""
    g = gaps_of(v, direction, gaps)
    out[at + 1] = burstiness(g)
    g.sort()
    out[at] = median_of_sorted(g)


@kernel
def sending(v, out):
    """The features of the hours at which the wallet sends."""
    hours = np.zeros(24)
    outs = night = weekend = 0
    x = y = 0.0
    for k in range(v.n):
        if v.direction[k] != OUT:
            continue
        t = v.time[k]
        second = t % DAY
        hours[second // 3600] += 1
        angle = 2 * np.pi * second / DAY
        x += np.cos(angle)
        y += np.sin(angle)
        night += second < 9 * 3600
        weekend += (t // DAY + 3) % 7 >= 5  # day 0 of 1970 was a Thursday
        outs += 1
    if outs == 0:
        return
    out[AT.out_hour__entropy] = entropy(hours) / np.log(24.0)
    out[AT.out_hour__resultant] = np.sqrt(x * x + y * y) / outs
    out[AT.out_hour__night_share] = night / outs
    out[AT.out_weekend__share] = weekend / outs


@kernel
def compute(v, out, gaps):
    """Write the family's features of view `v` into `out`, in the order of FEATURES; `gaps` is scratch."""
    if v.n > 1:
        all_gaps(v, gaps, out)
    out[AT.busiest__10min] = most_within(v.time, 600)
    out[AT.day__fano] = fano(v.time)
    one_direction(v, IN, gaps, out, AT.in_gap__median)
    one_direction(v, OUT, gaps, out, AT.out_gap__median)
    sending(v, out)
