"""One wallet's transfers in one window, as the notation of the formulas names them. Computes no feature.

Amounts are exact fractions, so that no sum and no comparison here rounds.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from .chain import DAY, Chain, Entry

__all__ = ["DAY", "SIDES", "Chain", "Entry", "History"]

SIDES = ("in", "out")


class History:
    """The snapshot (wallet, as_of, window) of a chain; times in whole unix seconds."""

    def __init__(self, chain: Chain, wallet: str, as_of: int, window: int | None):
        self.chain = chain
        self.wallet = wallet
        self.as_of = as_of
        self.window = window
        self.since = float("-inf") if window is None else as_of - window
        self.entries = chain.entries(wallet, self.since, as_of)

    def side(self, direction: str) -> list[Entry]:
        """All ins, outs or selfs in order."""
        return [entry for entry in self.entries if entry.direction == direction]

    @cached_property
    def times(self) -> list[int]:
        return [entry.t for entry in self.entries]

    @cached_property
    def gaps(self) -> list[int]:
        return differences(self.times)

    @property
    def span(self) -> int:
        return self.times[-1] - self.times[0]

    @cached_property
    def leading(self) -> str | None:
        """The asset most often sent; ties: most often received; ties: seen first. None if nothing has value."""
        with_value = self.with_value()
        sent = Counter(e.asset for e in with_value if e.direction == "out")
        received = Counter(e.asset for e in with_value if e.direction == "in")
        first_seen = list(dict.fromkeys(e.asset for e in with_value))
        return max(first_seen, key=lambda asset: (sent[asset], received[asset]), default=None)

    @cached_property
    def valued(self) -> list[Entry]:
        """x_in and x_out together, in order."""
        return [e for e in self.with_value() if e.asset == self.leading]

    def x(self, side: str) -> list[Entry]:
        """x_in or x_out with their times and counterparties."""
        return [entry for entry in self.valued if entry.direction == side]

    def with_value(self, *directions: str) -> list[Entry]:
        """Ins, outs or both with amount > 0 of any asset, in order."""
        return [e for e in self.entries if e.direction in (directions or SIDES) and e.amount > 0]

    def sizes(self, side: str) -> list[Fraction]:
        """x_in or x_out: the amounts alone."""
        return [entry.amount for entry in self.x(side)]


def differences(times: Sequence[int]) -> list[int]:
    """From each time to the next."""
    return [b - a for a, b in pairwise(times)]


def most_within(times: Sequence[int], seconds: int) -> int:
    """The largest number of times in any half-open period of that length that starts at one of them."""
    return max(bisect_right(times, t + seconds - 1) - times.index(t) for t in set(times))


def median(values: Iterable) -> Fraction | None:
    """The middle value, or the mean of the middle two."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return Fraction(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / Fraction(2))


def mean(values: Sequence) -> Fraction | None:
    """The plain mean."""
    return Fraction(sum(values), len(values)) if len(values) else None


def variance(values: Sequence) -> Fraction:
    """Population variance, without rounding."""
    centre = mean(values)
    return sum(((value - centre) ** 2 for value in values), Fraction(0)) / len(values)


def share(values: Sequence, test: Callable[..., bool]) -> Fraction | None:
    """Share of the values that pass; None of no values."""
    return Fraction(sum(1 for value in values if test(value)), len(values)) if len(values) else None


def ratio(above, below) -> Fraction | None:
    """A division that is not defined where it divides by zero."""
    return Fraction(above) / Fraction(below) if below else None
