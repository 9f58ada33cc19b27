"""Oracle of the family activity: each function is one formula in plain Python."""

from fractions import Fraction
from itertools import accumulate

from ..history import DAY, History, most_within, ratio, share
from ..registry import both, feature, variants
from .value import BORDER


@feature("activity__transfers__total")
def transfers_total(history: History):
    return len(history.entries)


@both("activity__transfers__{}")
def transfers_of_a_side(history: History, side: str):
    return len(history.side(side))


@feature("activity__out__share")
def out_share(history: History):
    ins, outs = len(history.side("in")), len(history.side("out"))
    return ratio(outs, ins + outs)


@feature("activity__self__share")
def self_share(history: History):
    return share(history.entries, lambda entry: entry.direction == "self")


@both("activity__zero_{}__share")
def zero_share(history: History, side: str):
    return share(history.side(side), lambda entry: entry.amount == 0)


def _days(history: History) -> set[int]:
    return {t // DAY for t in history.times}


@feature("activity__active__days")
def active_days(history: History):
    return len(_days(history))


@feature("activity__active__days_share")
def active_days_share(history: History):
    days = _days(history)
    return ratio(len(days), max(days) - min(days) + 1)


@feature("activity__span__days")
def span_days(history: History):
    return Fraction(history.span, DAY)


@feature("activity__recency__days")
def recency_days(history: History):
    return Fraction(history.as_of - history.times[-1], DAY)


@both("activity__recency_{}__days")
def recency_of_a_side(history: History, side: str):
    entries = history.side(side)
    return Fraction(history.as_of - entries[-1].t, DAY) if entries else None


@feature("activity__age__days")
def age_days(history: History):
    return Fraction(history.as_of - history.times[0], DAY)


@feature("activity__rate__per_day")
def rate_per_day(history: History):
    return len(history.entries) / max(Fraction(1), Fraction(history.span, DAY))


@feature("activity__busiest__1d_share")
def busiest_day_share(history: History):
    return ratio(most_within(history.times, DAY), len(history.entries))


@feature("activity__assets__distinct")
def assets_distinct(history: History):
    return len({entry.asset for entry in history.entries})


@variants("activity__value_in__p{}_days", 10, 50, 90)
def since_received(history: History, percent: int | Fraction):
    return since_share(history, "in", percent)


@feature("activity__value_out__p50_days")
def since_sent(history: History):
    return since_share(history, "out", 50)


def since_share(history: History, side: str, percent: int | Fraction) -> Fraction | None:
    """Days since that much of the value had been moved."""
    moved, target = history.x(side), percent * (1 - BORDER) * sum(history.sizes(side)) / 100
    running = accumulate(history.sizes(side))
    at = next((entry.t for entry, so_far in zip(moved, running, strict=True) if so_far >= target), None)
    return None if at is None else Fraction(history.as_of - at, DAY)
