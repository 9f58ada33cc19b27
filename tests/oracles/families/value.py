"""Oracle of the family value: each function is one formula in plain Python."""

import math
from collections.abc import Iterable
from fractions import Fraction

from ..history import DAY, SIDES, History, mean, median, ratio, share, variance
from ..population import rank
from ..registry import both, feature

HIGH = Fraction(99, 100)
NINE_TENTHS = Fraction(9, 10)
BORDER = Fraction(1, 10**9)


@both("value__{}__total")
def total(history: History, side: str):
    return sum(history.sizes(side)) or None


@both("value__{}__mean")
def mean_size(history: History, side: str):
    return mean(history.sizes(side))


@both("value__{}__median")
def median_size(history: History, side: str):
    return median(history.sizes(side))


@both("value__{}__max")
def largest(history: History, side: str):
    return max(history.sizes(side), default=None)


@both("value__{}__cv")
def spread(history: History, side: str):
    sizes = history.sizes(side)
    return math.sqrt(variance(sizes) / mean(sizes) ** 2) if len(sizes) >= 2 else None


@both("value__{}__max_share")
def max_share(history: History, side: str):
    sizes = history.sizes(side)
    return ratio(max(sizes, default=0), sum(sizes))


@both("value__{}__gini")
def gini_of_a_side(history: History, side: str):
    return gini(history.sizes(side))


@feature("value__burst_out__gini")
def gini_of_burst(history: History):
    outs = history.x("out")
    bursts = [[e.amount for e in outs if first.t <= e.t < first.t + DAY] for first in outs]
    return gini(max(bursts, key=len, default=[]))


def gini(sizes: Iterable[Fraction]) -> Fraction | None:
    upwards = sorted(sizes)
    m = len(upwards)
    if m < 2:
        return None
    return sum((2 * i - m - 1) * a for i, a in enumerate(upwards, start=1)) / (m * sum(upwards))


@both("value__{}__count_for_90pct")
def transfers_that_carry(history: History, side: str, share: Fraction = NINE_TENTHS):
    return count_for_share(history.sizes(side), share)


def count_for_share(sizes: Iterable[Fraction], share: Fraction) -> int | None:
    """How many of the largest it takes to reach that share of all."""
    downwards = sorted(sizes, reverse=True)
    target = share * (1 - BORDER) * sum(downwards)
    return next((k for k in range(1, len(downwards) + 1) if sum(downwards[:k]) >= target), None)


@both("value__{}__median_to_mean")
def median_to_mean(history: History, side: str):
    sizes = history.sizes(side)
    return median(sizes) / mean(sizes) if sizes else None


@feature("value__out__share")
def out_share(history: History):
    received, sent = (sum(history.sizes(side)) for side in SIDES)
    return ratio(sent, received + sent)


@feature("value__size__out_share")
def out_size_share(history: History):
    received, sent = (mean(history.sizes(side)) for side in SIDES)
    return None if received is None or sent is None else sent / (received + sent)


@feature("value__first_in__share")
def first_in_share(history: History):
    sizes = history.sizes("in")
    return sizes[0] / sum(sizes) if sizes else None


@feature("value__last_out__share")
def last_out_share(history: History):
    sizes = history.sizes("out")
    return sizes[-1] / sum(sizes) if sizes else None


@feature("value__leading__share")
def leading_share(history: History):
    return ratio(len(history.valued), sum(e.amount > 0 for e in history.entries if e.direction != "self"))


@both("value__{}__usd_total")
def usd_total(history: History, side: str):
    priced = [entry.usd for entry in history.side(side) if entry.usd is not None]
    return sum(priced) if priced else None


def _ranks(history: History, *directions: str) -> list[tuple[int, Fraction]]:
    """(t, rank) of those that have a rank."""
    found = ((e.t, rank(history.chain, e.transfer)) for e in history.with_value(*directions))
    return [(t, size) for t, size in found if size is not None]


@both("value__{}__rank_mean")
def rank_mean(history: History, side: str):
    return mean([size for _, size in _ranks(history, side)])


@feature("value__high__share")
def high_share(history: History):
    return share(_ranks(history), lambda ranked: ranked[1] >= HIGH)


@feature("value__high__most_1d")
def high_in_a_day(history: History):
    ranks = _ranks(history)
    high = [t for t, size in ranks if size >= HIGH]
    return max((sum(t <= other < t + DAY for other in high) for t in high), default=0) if ranks else None
