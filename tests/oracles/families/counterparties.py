"""Oracle of the family counterparties: each function is one formula in plain Python."""

import math
from collections import Counter
from fractions import Fraction

from ..history import DAY, SIDES, Entry, History, ratio, share
from ..registry import both, feature
from .amounts import entropy
from .value import NINE_TENTHS, count_for_share


def _others(history: History, side: str) -> list[str]:
    """Sender of every in, or receiver of every out, in order."""
    return [entry.other for entry in history.side(side)]


def _sets(history: History) -> tuple[set[str], set[str]]:
    senders, receivers = (set(_others(history, side)) for side in SIDES)
    return senders, receivers


@feature("counterparties__all__distinct")
def all_distinct(history: History):
    senders, receivers = _sets(history)
    return len(senders | receivers)


@both("counterparties__{}__distinct")
def distinct(history: History, side: str):
    return len(set(_others(history, side)))


@feature("counterparties__all__distinct_share")
def all_distinct_share(history: History):
    senders, receivers = _sets(history)
    return ratio(len(senders | receivers), len(history.side("in")) + len(history.side("out")))


@both("counterparties__{}__distinct_share")
def distinct_share(history: History, side: str):
    others = _others(history, side)
    return ratio(len(set(others)), len(others))


@feature("counterparties__fan__out_share")
def fan_out_share(history: History):
    senders, receivers = _sets(history)
    return ratio(len(receivers), len(senders) + len(receivers))


@feature("counterparties__reciprocal__share")
def reciprocal_share(history: History):
    senders, receivers = _sets(history)
    return ratio(len(senders & receivers), len(senders | receivers))


@both("counterparties__{}__top_share")
def top_share(history: History, side: str):
    others = _others(history, side)
    return ratio(max(Counter(others).values(), default=0), len(others))


def _values(history: History, side: str) -> list[Fraction]:
    """Σ x of each sender, or of each receiver."""
    value = Counter()
    for entry in history.x(side):
        value[entry.other] += entry.amount
    return list(value.values())


@both("counterparties__{}__top_value_share")
def top_value_share(history: History, side: str):
    values = _values(history, side)
    return ratio(max(values, default=0), sum(values))


@both("counterparties__{}__count_for_90pct")
def parties_that_carry(history: History, side: str, share: Fraction = NINE_TENTHS):
    return count_for_share(_values(history, side), share)


@both("counterparties__{}__entropy")
def entropy_over_wallets(history: History, side: str):
    others = _others(history, side)
    return entropy(others) / math.log(len(others)) if len(others) >= 2 else None


@both("counterparties__{}__once_share")
def once_share(history: History, side: str):
    return share(list(Counter(_others(history, side)).values()), lambda times: times == 1)


@feature("counterparties__fan_in__1d")
def fan_in(history: History):
    return _most_others_in_a_day(history.side("in"))


@feature("counterparties__fan_out__1d")
def fan_out(history: History):
    return _most_others_in_a_day(history.side("out"))


def _most_others_in_a_day(entries: list[Entry]) -> int:
    return max((len({e.other for e in entries if i.t <= e.t < i.t + DAY}) for i in entries), default=0)


@feature("counterparties__return__value_share")
def return_value_share(history: History):
    seen, returned, sent = set(), 0, 0
    for entry in history.entries:
        if entry.direction == "in":
            seen.add(entry.other)
        elif entry.direction == "out" and entry.asset == history.leading:
            sent += entry.amount
            returned += entry.amount if entry.other in seen else 0
    return ratio(returned, sent)
