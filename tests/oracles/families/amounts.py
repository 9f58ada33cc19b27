"""Oracle of the family amounts: each function is one formula in plain Python."""

import math
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from ..history import History, share
from ..patterns import runs
from ..registry import both, feature, variants

ONE_PERCENT = Fraction(1, 100)
NUDGE = 1 + Fraction(1, 10**9)
THRESHOLDS = {"1k": 1_000, "3k": 3_000, "10k": 10_000}


@both("amounts__{}__distinct_share")
def distinct_share(history: History, side: str):
    sizes = history.sizes(side)
    return Fraction(len(set(sizes)), len(sizes)) if sizes else None


@both("amounts__{}__mode_share")
def mode_share(history: History, side: str):
    sizes = history.sizes(side)
    if len(sizes) < 2:
        return None
    upper = {a: (1 + ONE_PERCENT) * NUDGE * a for a in sizes}
    return max(share(sizes, lambda b, a=a: a <= b <= upper[a]) for a in upper)


@both("amounts__{}__entropy")
def entropy_of_sizes(history: History, side: str):
    sizes = history.sizes(side)
    if len(sizes) < 2:
        return None
    return entropy(math.floor(10 * math.log10(a) + 1e-9) for a in sizes) / math.log(len(sizes))


def entropy(values: Iterable) -> float:
    """Shannon entropy of how often each value comes, natural logarithm."""
    counts = Counter(values).values()
    return math.fsum(-n / sum(counts) * math.log(n / sum(counts)) for n in counts)


def scientific(a: Fraction) -> tuple[Fraction, int]:
    """(m, e) with a = m·10^e and 1 ≤ m < 10."""
    e = math.floor(math.log10(a))
    e += (a >= Fraction(10) ** (e + 1)) - (a < Fraction(10) ** e)
    return a / Fraction(10) ** e, e


@both("amounts__{}__round_share")
def round_share(history: History, side: str):
    return share(history.sizes(side), lambda a: _has_digits(a, 2))


@both("amounts__{}__short_share")
def short_share(history: History, side: str):
    return share(history.sizes(side), lambda a: _has_digits(a, 4))


def _has_digits(a: Fraction, at_most: int) -> bool:
    m, _ = scientific(a)
    leading = m * 10 ** (at_most - 1)
    return abs(leading - round(leading)) <= Fraction(1, 10**7)


@both("amounts__{}__below_round_share")
def below_round_share(history: History, side: str):
    return share(history.sizes(side), _is_just_below_round)


def _is_just_below_round(a: Fraction) -> bool:
    m, e = scientific(a)
    target = math.ceil(m) * Fraction(10) ** e
    return target / 10**9 < target - a < 2 * ONE_PERCENT * (2 - NUDGE) * target


@both("amounts__{}__power_of_ten_share")
def power_of_ten_share(history: History, side: str):
    return share(history.sizes(side), _is_power_of_ten)


def _is_power_of_ten(a: Fraction) -> bool:
    m, _ = scientific(a)
    return m - 1 <= Fraction(1, 10**9) or 10 - m <= Fraction(1, 10**8)


@both("amounts__{}__repeated_3x_share")
def repeated_3x_share(history: History, side: str):
    times = Counter(history.sizes(side))
    return share(history.sizes(side), lambda a: times[a] >= 3)


@variants("amounts__in__below_{}", *THRESHOLDS)
def received_below(history: History, label: str):
    return _below(history, "in", THRESHOLDS[label])


@variants("amounts__out__below_{}", *THRESHOLDS)
def sent_below(history: History, label: str):
    return _below(history, "out", THRESHOLDS[label])


def _below(history: History, side: str, threshold: int) -> Fraction | None:
    priced = [entry.usd for entry in history.side(side) if entry.usd is not None and entry.usd > 0]
    return share(priced, lambda usd: threshold * Fraction(9, 10) * (2 - NUDGE) <= usd < threshold * (2 - NUDGE))


@feature("amounts__out__equal_run_share")
def equal_run_share(history: History):
    sizes = history.sizes("out")
    if len(sizes) < 2:
        return None
    return Fraction(max(map(len, runs(sizes, lambda a, b: within_one_percent((a, b), max(a, b))))), len(sizes))


@feature("amounts__out__repeat_share")
def repeat_share(history: History):
    return share(list(pairwise(history.sizes("out"))), lambda pair: within_one_percent(pair, max(pair)))


def within_one_percent(pair: tuple[Fraction, Fraction], of: Fraction) -> bool:
    return abs(pair[0] - pair[1]) <= ONE_PERCENT * NUDGE * of


@feature("amounts__out__echo_share")
def echo_share(history: History):
    with_inflow, latest = [], None
    for entry in history.valued:
        if entry.direction == "in":
            latest = entry.amount
        elif latest is not None:
            with_inflow.append((entry.amount, latest))
    return share(with_inflow, lambda pair: within_one_percent(pair, pair[1]))


@feature("amounts__both__digit_deviation")
def digit_deviation(history: History):
    digits = [_first_digit(entry.amount) for entry in history.valued]
    if len(digits) < 10:
        return None
    return math.fsum(abs(digits.count(d) / len(digits) - math.log10(1 + 1 / d)) for d in range(1, 10)) / 2


def _first_digit(a: Fraction) -> int:
    """Of the amount as it was written: 0.3 is stored a little below and still begins with a 3."""
    m, _ = scientific(a * (1 + Fraction(1, 10**12)))
    return math.floor(m)
