"""Timing, second part: the hours at which a wallet sends, which show its operator."""

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.statistics import entropy
from ...kernels.wallet_view import DAY, OUT, WEEK, row_of, view
from ..declaration import RATIO, SHARE, Feature, positions

# fmt: off
FEATURES = (
    Feature("timing__out_hour__entropy", RATIO, "evenness of the hours at which it sends",
            "Shannon entropy (natural logarithm) of the UTC hours of outs ÷ ln 24", "FINTRAC",
            null_when="nothing was sent", behaviour=35),
    Feature("timing__out_hour__resultant", RATIO, "concentration of its sending around one time of day",
            "|mean over outs of exp(2πi·(t mod 86400) ÷ 86400)|", "FINTRAC", null_when="nothing was sent", behaviour=35),
    Feature("timing__out_hour__night_share", SHARE, "share of payments sent between 00 and 09 UTC (09–18 in Pyongyang)",
            "share of outs with (t mod 86400) < 32400", "FINTRAC", null_when="nothing was sent", behaviour=35),
    Feature("timing__out_hour__cosine", RATIO, "time of day of its sending (1 midnight, −1 noon UTC)",
            "mean over outs of cos(2π·(t mod 86400) ÷ 86400)", "FINTRAC", null_when="nothing was sent", behaviour=35),
    Feature("timing__out_hour__sine", RATIO, "time of day of its sending (1 at 06, −1 at 18 UTC)",
            "mean over outs of sin(2π·(t mod 86400) ÷ 86400)", "FINTRAC", null_when="nothing was sent", behaviour=35),
    Feature("timing__out_hour__divergence", RATIO, "difference of the hours at which it sends from those of the chain",
            "Jensen–Shannon divergence (natural logarithm) ÷ ln 2 of the UTC hours of outs from those of the chain's "
            "transfers in "
            "the 12 weeks before the week of as_of (weeks of 604800 s since 1970)",
            "FINTRAC: a hypothesis", null_when="nothing was sent, or the chain has no transfer in those weeks",
            needs=("hours",), behaviour=35),
    Feature("timing__out_weekend__share", SHARE, "share of payments sent on Saturday or Sunday (UTC)",
            "share of outs on a UTC Saturday or Sunday", "FINTRAC", null_when="nothing was sent", behaviour=35),
)
# fmt: on

COLUMN = positions(FEATURES)

# Time of day as an angle, by the sum of the angles of its minute and its second: two small tables instead of a sine a transfer.
_MINUTES, _SECONDS = 2 * np.pi * np.arange(1440) / 1440, 2 * np.pi * np.arange(60) / DAY
_COS_OF_MINUTE, _SIN_OF_MINUTE = np.cos(_MINUTES), np.sin(_MINUTES)
_COS_OF_SECOND, _SIN_OF_SECOND = np.cos(_SECONDS), np.sin(_SECONDS)


@kernel
def sending(view, hours, out):
    """The features of the hours at which the wallet sends; `hours` takes how many payments each has. Returns their number."""
    for hour in range(24):
        hours[hour] = 0
    outs = night = weekend = 0
    x = y = 0.0
    for k in range(view.n):
        if view.direction[k] != OUT:
            continue
        day, second = divmod(view.time[k], DAY)
        minute, rest = divmod(second, 60)
        hours[minute // 60] += 1
        x += _COS_OF_MINUTE[minute] * _COS_OF_SECOND[rest] - _SIN_OF_MINUTE[minute] * _SIN_OF_SECOND[rest]
        y += _SIN_OF_MINUTE[minute] * _COS_OF_SECOND[rest] + _COS_OF_MINUTE[minute] * _SIN_OF_SECOND[rest]
        night += second < 9 * 3600
        weekend += (day + 3) % 7 >= 5  # day 0 of 1970 was a Thursday
        outs += 1
    if outs == 0:
        return 0
    out[COLUMN.out_hour__entropy] = entropy(hours) / np.log(24.0)
    out[COLUMN.out_hour__resultant] = np.sqrt(x * x + y * y) / outs
    out[COLUMN.out_hour__cosine] = x / outs
    out[COLUMN.out_hour__sine] = y / outs
    out[COLUMN.out_hour__night_share] = night / outs
    out[COLUMN.out_weekend__share] = weekend / outs
    return outs


@kernel
def chain_hours(counts, first_week, week, shares):
    """Fill `shares` with the share of the chain's transfers of the 12 weeks before `week` in each hour; whether it had any."""
    shares[:] = 0.0
    for w in range(max(week - 12 - first_week, 0), min(week - first_week, counts.shape[0])):
        for hour in range(24):
            shares[hour] += counts[w, hour]
    total = shares.sum()
    shares /= max(total, 1.0)
    return total > 0


@kernel
def divergence(hours, outs, shares):
    """Jensen–Shannon divergence of the hours of payments from those of the chain, 1 where they have none in common."""
    twice = 0.0
    for hour in range(24):
        p, q = hours[hour] / outs, shares[hour]
        if p > 0:
            twice += p * np.log2(2 * p / (p + q))
        if q > 0:
            twice += q * (np.log2(2 * q / (p + q)) if p > 0 else 1.0)
    return max(twice / 2, 0.0)  # rounding may leave a hair below zero


@kernel
def features_of_snapshot(view, counts, first_week, recent, hours, shares, out, wanted):
    """The features of one snapshot. `shares` are the chain's before week recent[0] (recent[1]: it has any), and stay."""
    outs = sending(view, hours, out)
    if wanted[COLUMN.out_hour__divergence] and outs:
        week = view.as_of // WEEK
        if week != recent[0]:
            recent[0], recent[1] = week, chain_hours(counts, first_week, week, shares)
        if recent[1]:
            out[COLUMN.out_hour__divergence] = divergence(hours, outs, shares)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    hours, shares = np.empty(24), np.empty(24)
    recent = np.array([np.iinfo(np.int64).min, 0])
    counts, first_week = context.hours.counts, context.hours.first_week[0] if context.hours.first_week.size else 0
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(
                view(block, k), counts, first_week, recent, hours, shares, row_of(out, k, first_column), wanted
            )
