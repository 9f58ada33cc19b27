"""One wallet's transfers in one window, as the notation of the formulas names them. Computes no feature.

Amounts are exact fractions, so that no sum and no comparison here rounds.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import pandas as pd

RANK = {"in": 0, "out": 1, "self": 2}
DAY = 86_400
SIDES = ("in", "out")


@dataclass(frozen=True)
class Entry:
    """One transfer as seen from the wallet."""

    t: int
    direction: str
    amount: Fraction
    asset: str
    other: str
    usd: Fraction | None

    @property
    def place(self) -> tuple:
        """Its place in the order; entries of equal place may stand either way, no formula depends on it."""
        return self.t, RANK[self.direction], self.amount


class History:
    """The snapshot (wallet, as_of, window) of a list of transfers; times in whole unix seconds."""

    def __init__(self, transfers: Iterable[dict], wallet: str, as_of: int, window: int | None):
        mine = (
            _entry(row, wallet) for row in transfers if wallet in (row["sender"], row["receiver"]) and not _failed(row)
        )
        low = float("-inf") if window is None else as_of - window
        self.as_of = as_of
        self.entries = sorted((e for e in mine if low <= e.t < as_of), key=lambda entry: entry.place)

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
        with_value = [e for e in self.entries if e.direction != "self" and e.amount > 0]
        sent = Counter(e.asset for e in with_value if e.direction == "out")
        received = Counter(e.asset for e in with_value if e.direction == "in")
        first_seen = list(dict.fromkeys(e.asset for e in with_value))
        return max(first_seen, key=lambda asset: (sent[asset], received[asset]), default=None)

    @cached_property
    def valued(self) -> list[Entry]:
        """x_in and x_out together, in order."""
        leading = self.leading
        return [e for e in self.entries if e.direction != "self" and e.amount > 0 and e.asset == leading]

    def x(self, side: str) -> list[Entry]:
        """x_in or x_out with their times and counterparties."""
        return [entry for entry in self.valued if entry.direction == side]

    def sizes(self, side: str) -> list[Fraction]:
        """x_in or x_out: the amounts alone."""
        return [entry.amount for entry in self.x(side)]


def _failed(row: dict) -> bool:
    failed = row.get("failed")
    return not pd.isna(failed) and bool(failed)


def _entry(row: dict, wallet: str) -> Entry:
    out, to_self = row["sender"] == wallet, row["sender"] == row["receiver"]
    usd = row.get("usd")
    return Entry(
        t=int(row["timestamp"].timestamp() // 1),
        direction="self" if to_self else "out" if out else "in",
        amount=Fraction(row["amount"]),
        asset=row["asset"],
        other=row["receiver"] if out else row["sender"],
        usd=None if pd.isna(usd) else Fraction(usd),
    )


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
