"""Oracle of the family assets: each function is one formula in plain Python.

Which names are native coins and dollar tokens is a list of the package's; of those, here stand the ones that tests use.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ..chain import DAY, Entry, kept
from ..history import History, mean, median, ratio, share
from ..registry import both, feature
from .amounts import NUDGE, ONE_PERCENT, entropy

NATIVE = {"ETH", "BTC", "BNB"}
DOLLARS = {"USDT", "USDC"}


@both("assets__{}__distinct")
def distinct(history: History, side: str):
    return len(_assets(history, side))


def _assets(history: History, side: str) -> set[str]:
    return {entry.asset for entry in history.with_value(side)}


@feature("assets__all__entropy")
def entropy_over_assets(history: History):
    assets = [entry.asset for entry in history.with_value()]
    return entropy(assets) / math.log(len(assets)) if len(assets) >= 2 else None


@feature("assets__unsold__share")
def unsold(history: History):
    received = _assets(history, "in")
    return ratio(len(received - _assets(history, "out")), len(received))


@feature("assets__native__share")
def native_share(history: History):
    return share(history.with_value(), lambda entry: entry.asset in NATIVE)


@feature("assets__dollar__share")
def dollar_share(history: History):
    return share(history.with_value(), lambda entry: entry.asset in DOLLARS)


@feature("assets__dollar__delay")
def dollar_delay(history: History):
    dollars = [entry for entry in history.with_value() if entry.asset in DOLLARS]
    return median(
        next(e.t for e in later if _is_out_of(e, first.asset)) - first.t
        for first, later in ((dollars[i], dollars[i + 1 :]) for i in range(len(dollars)))
        if first.direction == "in" and any(_is_out_of(e, first.asset) for e in later)
    )


def _is_out_of(entry: Entry, asset: str) -> bool:
    return entry.direction == "out" and entry.asset == asset


@feature("assets__self_made__share")
def self_made(history: History):
    born = kept(history.chain, "born", None, lambda: _born(history))
    made = {entry.asset for entry in history.with_value("out") if entry.t == born[entry.asset]}
    return ratio(len(made), len(_assets(history, "out")))


def _born(history: History) -> dict[str, int]:
    """When each asset first moved on the chain, with value."""
    return {one.asset: one.t for one in reversed(history.chain.transfers) if one.amount > 0}


@dataclass(frozen=True)
class Swap:
    """One transaction that sends one asset and brings in another."""

    t: int
    ins: list[Entry]
    outs: list[Entry]

    def assets(self, side: str) -> set[str]:
        return {entry.asset for entry in (self.ins if side == "in" else self.outs)}


def _swaps(history: History) -> list[Swap]:
    """In order of time."""
    by_transaction = defaultdict(list)
    for entry in history.with_value():
        by_transaction[entry.transfer.tx].append(entry)
    swaps = [_swap(entries) for tx, entries in by_transaction.items() if tx is not None]
    return sorted((swap for swap in swaps if _is_swap(swap)), key=lambda swap: swap.t)


def _swap(entries: list[Entry]) -> Swap:
    return Swap(entries[0].t, *([e for e in entries if e.direction == side] for side in ("in", "out")))


def _is_swap(swap: Swap) -> bool:
    return any(a.asset != b.asset for a in swap.outs for b in swap.ins)


def _outside(history: History) -> list[Entry]:
    """Ins with value that belong to no swap."""
    swapped = {entry for swap in _swaps(history) for entry in swap.ins}
    return [entry for entry in history.with_value("in") if entry not in swapped]


def _brings_native(swap: Swap) -> bool:
    return bool(swap.assets("in") & NATIVE)


@feature("assets__swap__share")
def swap_share(history: History):
    valued = history.with_value()
    if all(entry.transfer.tx is None for entry in valued):
        return None
    return ratio(sum(len(swap.ins) + len(swap.outs) for swap in _swaps(history)), len(valued))


@feature("assets__swap__to_native_share")
def swaps_to_native(history: History):
    return share(_swaps(history), _brings_native)


@feature("assets__swap__delay")
def swap_delay(history: History):
    inflows = [entry.t for entry in _outside(history)]
    earlier = [(swap.t, [t for t in inflows if t <= swap.t]) for swap in _swaps(history)]
    return median(t - max(before) for t, before in earlier if before)


@feature("assets__to_native__delay")
def delay_to_native(history: History):
    swaps = [swap.t for swap in _swaps(history) if _brings_native(swap)]
    tokens = [entry.t for entry in _outside(history) if entry.asset not in NATIVE]
    return median(min(s for s in swaps if s >= t) - t for t in tokens if any(s >= t for s in swaps))


def _plain_swaps(history: History) -> list[Swap]:
    """Of one asset into one other; of several of one second none."""
    plain = [swap for swap in _swaps(history) if len(swap.assets("in")) == len(swap.assets("out")) == 1]
    in_second = Counter(swap.t for swap in plain)
    return [swap for swap in plain if in_second[swap.t] == 1]


def _undone(history: History) -> list[tuple[Swap, Swap]]:
    """Plain swaps of A to B with the next one, if it is of B to A within a day."""
    return [
        (there, back)
        for there, back in pairwise(_plain_swaps(history))
        if there.assets("in") == back.assets("out")
        and there.assets("out") == back.assets("in")
        and back.t - there.t <= DAY
    ]


@feature("assets__loop__share")
def loop_share(history: History):
    return ratio(len(_undone(history)), len(_plain_swaps(history)))


@feature("assets__loop__kept")
def loop_kept(history: History):
    return mean([_sum(back.ins) / _sum(there.outs) for there, back in _undone(history)])


def _sum(entries: list[Entry]) -> Fraction:
    return sum((entry.amount for entry in entries), Fraction(0))


@feature("assets__chains__distinct")
def chains(history: History):
    return len({entry.transfer.chain for entry in history.entries} - {None}) or None


def _hops(history: History) -> list[int | None]:
    """Of each payment with value that names its chain, the time to the first in that it may have become on another chain."""
    return [
        next((e.t - out.t for e in history.entries[i + 1 : i + 65] if _came_back(out, e)), None)
        for i, out in enumerate(history.entries)
        if out.direction == "out" and out.amount > 0 and out.transfer.chain is not None
    ]


def _came_back(out: Entry, entry: Entry) -> bool:
    elsewhere = entry.transfer.chain not in (None, out.transfer.chain)
    like = entry.asset == out.asset and abs(entry.amount - out.amount) <= ONE_PERCENT * NUDGE * out.amount
    return entry.direction == "in" and elsewhere and like and 0 < entry.t - out.t < 3_600


@feature("assets__chain_hop__share")
def chain_hop_share(history: History):
    return share(_hops(history), lambda delay: delay is not None)


@feature("assets__chain_hop__delay")
def chain_hop_delay(history: History):
    return median(delay for delay in _hops(history) if delay is not None)
