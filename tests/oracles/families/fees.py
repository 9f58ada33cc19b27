"""Oracle of the family fees: each function is one formula in plain Python. Of transactions signed in the window."""

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise

from ..history import History, mean, median, ratio, share, variance
from ..population import ROUNDING, Transaction, relative_price, transactions
from ..registry import feature


def _transactions(history: History) -> list[Transaction]:
    return [one for one in transactions(history.chain, history.wallet) if history.since <= one.t < history.as_of]


def _pairs(history: History) -> list[tuple[Transaction, Transaction]]:
    return list(pairwise(_transactions(history)))


def _prices(history: History) -> list[Fraction]:
    return [one.price for one in _transactions(history) if one.price is not None]


def _relative(history: History) -> list[Fraction]:
    found = (relative_price(history.chain, one) for one in _transactions(history))
    return [price for price in found if price is not None]


def _calls(history: History) -> list[str]:
    return [one.method for one in _transactions(history) if one.method is not None]


@feature("fees__failed__share")
def failed_share(history: History):
    return share(_transactions(history), lambda one: one.failed)


@feature("fees__price__relative_median")
def relative_median(history: History):
    return median(_relative(history))


@feature("fees__price__relative_cv")
def relative_spread(history: History):
    prices = _relative(history)
    return math.sqrt(variance(prices) / mean(prices) ** 2) if len(prices) >= 2 and any(prices) else None


@feature("fees__price__urgent_share")
def urgent_share(history: History):
    return share(_relative(history), lambda price: price > 2 * (1 + ROUNDING))


@feature("fees__price__mode_share")
def modal_price_share(history: History):
    prices = _prices(history)
    return ratio(max(Counter(prices).values(), default=0), len(prices))


@feature("fees__price__whole_gwei_share")
def whole_price_share(history: History):
    return share(_prices(history), lambda price: price % 10**9 == 0)


@feature("fees__nonce__run_10min")
def longest_run(history: History):
    signed = _transactions(history)
    return max((_run_from(signed[i:]) for i in range(len(signed))), default=None)


def _run_from(signed: list[Transaction]) -> int:
    """How many transactions follow one another from the first, within ten minutes of it."""
    last = signed[0]
    for length, one in enumerate(signed[1:], start=1):
        if one.nonce != last.nonce + 1 or one.t >= signed[0].t + 600:
            return length
        last = one
    return len(signed)


@feature("fees__nonce__next_within_1min_share")
def pace_share(history: History):
    return share(_pairs(history), lambda pair: pair[1].nonce == pair[0].nonce + 1 and pair[1].t - pair[0].t < 60)


@feature("fees__nonce__skip_share")
def skip_share(history: History):
    return share(_pairs(history), lambda pair: abs(pair[1].nonce - pair[0].nonce) > 1)


@feature("fees__nonce__first")
def first_nonce(history: History):
    return min((one.nonce for one in _transactions(history)), default=None)


@feature("fees__calls__share")
def call_share(history: History):
    return share(_transactions(history), lambda one: one.method is not None)


@feature("fees__calls__mode_share")
def modal_call_share(history: History):
    calls = _calls(history)
    return ratio(max(Counter(calls).values(), default=0), len(calls))
