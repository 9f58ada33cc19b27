"""Oracle of the family timing: each function is one formula in plain Python."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise

from ..history import DAY, History, differences, mean, median, most_within, ratio, share, variance
from ..population import HOUR, hours_before
from ..registry import both, feature
from .amounts import entropy, within_one_percent


@feature("timing__gap__median")
def gap_median(history: History):
    return median(history.gaps)


@feature("timing__gap__longest")
def gap_longest(history: History):
    return max(history.gaps, default=None)


@feature("timing__gap__longest_share")
def gap_longest_share(history: History):
    return ratio(max(history.gaps, default=0), history.span)


@feature("timing__gap__burstiness")
def gap_burstiness(history: History):
    return burstiness(history.gaps)


def burstiness(gaps: Sequence[int]) -> float | None:
    if len(gaps) < 2 or not any(gaps):
        return None
    deviation = math.sqrt(variance(gaps))
    return (deviation - mean(gaps)) / (deviation + mean(gaps))


@feature("timing__gap__memory")
def gap_memory(history: History):
    return memory(history.gaps)


def memory(gaps: Sequence[int]) -> float | None:
    before, after = gaps[:-1], gaps[1:]
    if len(gaps) < 3 or not variance(before) or not variance(after):
        return None
    mean_before, mean_after = mean(before), mean(after)
    covariance = mean([(a - mean_before) * (b - mean_after) for a, b in zip(before, after, strict=True)])
    return float(covariance) / math.sqrt(variance(before) * variance(after))


@feature("timing__gap__under_1min")
def gap_under_a_minute(history: History):
    return share(history.gaps, lambda gap: gap < 60)


@feature("timing__gap__zero_share")
def gap_zero(history: History):
    return share(history.gaps, lambda gap: gap == 0)


@feature("timing__busiest__10min")
def busiest_ten_minutes(history: History):
    return most_within(history.times, 600)


@feature("timing__busiest__1h")
def busiest_hour(history: History):
    return most_within(history.times, HOUR)


@feature("timing__day__fano")
def day_fano(history: History):
    days = Counter(t // DAY for t in history.times)
    every_day = [days[day] for day in range(min(days), max(days) + 1)]
    return variance(every_day) / mean(every_day) if len(every_day) > 1 else None


@feature("timing__after_gap__burst_1d")
def burst_after_longest_gap(history: History):
    if not history.gaps:
        return None
    end = history.times[history.gaps.index(max(history.gaps)) + 1]
    after = sum(end <= t < end + DAY for t in history.times)
    return after / (len(history.times) / max(Fraction(1), Fraction(history.span, DAY)))


def _out_times(history: History) -> list[int]:
    return [entry.t for entry in history.side("out")]


@both("timing__{}_gap__median")
def gap_median_of_a_side(history: History, side: str):
    return median(_gaps_of(history, side))


@both("timing__{}_gap__burstiness")
def gap_burstiness_of_a_side(history: History, side: str):
    return burstiness(_gaps_of(history, side))


def _gaps_of(history: History, side: str) -> list[int]:
    return differences([entry.t for entry in history.side(side)])


@feature("timing__out_hour__entropy")
def out_hour_entropy(history: History):
    hours = [datetime.fromtimestamp(t, UTC).hour for t in _out_times(history)]
    return entropy(hours) / math.log(24) if hours else None


@feature("timing__out_hour__resultant")
def out_hour_resultant(history: History):
    sides = out_hour_cosine(history), out_hour_sine(history)
    return None if None in sides else math.hypot(*sides)


def _mean_over_outs(history: History, function: Callable[[float], float]) -> float | None:
    angles = [2 * math.pi * (t % DAY) / DAY for t in _out_times(history)]
    return math.fsum(map(function, angles)) / len(angles) if angles else None


@feature("timing__out_hour__cosine")
def out_hour_cosine(history: History):
    return _mean_over_outs(history, math.cos)


@feature("timing__out_hour__sine")
def out_hour_sine(history: History):
    return _mean_over_outs(history, math.sin)


@feature("timing__out_hour__divergence")
def out_hour_divergence(history: History):
    """Jensen–Shannon: the entropy of the mean of both distributions, less the mean of theirs."""
    own = Counter(t // HOUR % 24 for t in _out_times(history))
    theirs = hours_before(history.chain, history.as_of)
    if not own.total() or not theirs.total():
        return None
    p, q = ([Fraction(hours[hour], hours.total()) for hour in range(24)] for hours in (own, theirs))
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return (_entropy_of(middle) - (_entropy_of(p) + _entropy_of(q)) / 2) / math.log(2)


def _entropy_of(shares: list[Fraction]) -> float:
    return math.fsum(-x * math.log(x) for x in shares if x)


def _gaps_of_equals(history: History) -> list[int]:
    pairs = pairwise(history.x("out"))
    return [b.t - a.t for a, b in pairs if within_one_percent((a.amount, b.amount), max(a.amount, b.amount))]


@feature("timing__equal_gap__cv")
def equal_gap_spread(history: History):
    gaps = _gaps_of_equals(history)
    return math.sqrt(variance(gaps)) / mean(gaps) if len(gaps) >= 2 and any(gaps) else None


@feature("timing__equal_gap__memory")
def equal_gap_memory(history: History):
    return memory(_gaps_of_equals(history))


@feature("timing__out_hour__night_share")
def out_night_share(history: History):
    return share(_out_times(history), lambda t: datetime.fromtimestamp(t, UTC).hour < 9)


@feature("timing__out_weekend__share")
def out_weekend_share(history: History):
    return share(_out_times(history), lambda t: datetime.fromtimestamp(t, UTC).strftime("%a") in ("Sat", "Sun"))
