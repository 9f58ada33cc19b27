"""Patterns over several wallets, by brute force from docs/guide.md: relays, peel chains, temporal cycles, scatter-gathers.

Each is found once a chain for all transfers, in order of time; each looks only at transfers up to its own time.
"""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from .chain import DAY, Chain, Entry, Transfer, kept

NUDGE = Fraction(1, 10**9)
LAST = 64
MANY = 100
HOPS = 6


def carries_on(sent: Fraction, received: Fraction) -> bool:
    """0.9·b·(1 − 1e-9) ≤ a ≤ b·(1 + 1e-9)."""
    return Fraction(9, 10) * received * (1 - NUDGE) <= sent <= received * (1 + NUDGE)


def relays(chain: Chain) -> dict[Transfer, int]:
    """relay(i) of every transfer of value to another wallet."""
    return kept(chain, "relays", None, lambda: _relays(chain))


def _relays(chain: Chain) -> dict[Transfer, int]:
    hops: dict[Transfer, int] = {}
    for one in chain.transfers:  # by time, and a relay depends on strictly earlier ones only
        if one.moves_value:
            latest = chain.entries(one.sender, end=one.t)[-LAST:]
            hops[one] = 1 + max((hops[e.transfer] for e in latest if _relays_on(e, one)), default=0)
    return hops


def _relays_on(entry: Entry, one: Transfer) -> bool:
    same = entry.direction == "in" and entry.amount > 0 and entry.asset == one.asset
    return same and entry.t > one.t - DAY and carries_on(one.amount, entry.amount)


@dataclass(frozen=True, eq=False)
class PeelStep:
    """In, out and out again, one of the two outs small."""

    inflow: Transfer
    larger: Transfer
    t: int


def peel_steps(chain: Chain) -> dict[str, list[tuple[int, int]]]:
    """(time of completion, peel) of every peel step of each wallet."""
    return kept(chain, "peels", None, lambda: _peel_steps(chain))


def _peel_steps(chain: Chain) -> dict[str, list[tuple[int, int]]]:
    steps = sorted(((step, w) for w in chain.wallets for step in _steps_of(chain, w)), key=lambda pair: pair[0].t)
    longest: dict[Transfer, tuple[int, int]] = {}  # by larger out: when the step was complete, and its peel
    found = defaultdict(list)
    for step, wallet in steps:
        complete, peel = longest.get(step.inflow, (step.t, 0))
        longest[step.larger] = (step.t, 1 + peel if complete < step.t else 1)
        found[wallet].append(longest[step.larger])
    return found


def _steps_of(chain: Chain, wallet: str) -> list[PeelStep]:
    moves = [e for e in chain.entries(wallet) if e.direction != "self" and e.amount > 0]
    steps = [_step(*three) for three in zip(moves, moves[1:], moves[2:], strict=False)]
    return [step for step in steps if step]


def _step(inflow: Entry, p: Entry, q: Entry) -> PeelStep | None:
    if [e.direction for e in (inflow, p, q)] != ["in", "out", "out"] or len({e.asset for e in (inflow, p, q)}) > 1:
        return None
    small, large = sorted((p, q), key=lambda entry: entry.amount)
    peels = small.amount < Fraction(1, 10) * (1 - NUDGE) * large.amount
    if p.other == q.other or q.t - inflow.t > DAY or not peels:
        return None
    return PeelStep(inflow.transfer, large.transfer, q.t) if carries_on(p.amount + q.amount, inflow.amount) else None


def cycles(chain: Chain) -> dict[Transfer, tuple[int, bool]]:
    """Fewest hops of the cycles that each transfer of value closes (0: none), and whether its sender is too busy for a search."""
    return kept(chain, "cycles", None, lambda: {one: _cycle(chain, one) for one in chain.transfers if one.moves_value})


def _cycle(chain: Chain, closing: Transfer) -> tuple[int, bool]:
    """Goes back from u by all paths that meet no wallet twice, hop by hop, until one starts at v or six are passed."""
    paths = {((closing.sender,), closing.t)}
    for hops in range(2, HOPS + 1):
        paths = {
            ((*wallets, entry.other), entry.t)
            for wallets, before in paths
            if not _is_busy(chain, wallets[-1], closing)
            for entry in chain.entries(wallets[-1], closing.t - DAY + 1, before)
            if entry.direction == "in" and entry.amount > 0 and entry.other not in wallets
        }
        if any(wallets[-1] == closing.receiver for wallets, _ in paths):
            return hops, False
    return 0, _is_busy(chain, closing.sender, closing)


def _is_busy(chain: Chain, wallet: str, closing: Transfer) -> bool:
    """More than 100 entries in (t − 86400, t)."""
    return len(chain.entries(wallet, closing.t - DAY + 1, closing.t)) > MANY


@dataclass(frozen=True)
class Scatter:
    """scatter(i), the sizes by source, and whether m or w is too busy for a search."""

    size: int
    sources: dict[str, int]
    cut: bool


def scatters(chain: Chain) -> dict[Transfer, Scatter]:
    """scatter(i) of every transfer of value to another wallet."""
    return kept(chain, "scatters", None, lambda: {i: _scatter(chain, i) for i in chain.transfers if i.moves_value})


def _scatter(chain: Chain, last: Transfer) -> Scatter:
    """Sizes of the sources of m over the wallets that paid w; one with too many entries is no middle."""
    m, w = last.sender, last.receiver
    if _is_crowded(chain, m, last.t) or _is_crowded(chain, w, last.t):
        return Scatter(0, {}, True)
    paid = {y: t for y, t in _payers(chain, w, last.t - DAY, last.t).items() if not _is_crowded(chain, y, last.t)}
    payers_of = {y: set(_payers(chain, y, last.t - DAY, t - 1)) - {w} for y, t in paid.items()}
    sizes = {x: sum(x in payers for payers in payers_of.values()) for x in payers_of[m]}
    sizes = {x: size for x, size in sizes.items() if size >= 2}
    return Scatter(max(sizes.values(), default=0), sizes, False)


def _is_crowded(chain: Chain, wallet: str, t: int) -> bool:
    """More than 100 entries in (t − 86400, t]."""
    return len(chain.entries(wallet, t - DAY + 1, t + 1)) > MANY


def _payers(chain: Chain, wallet: str, after: int, until: int) -> dict[str, int]:
    """Who sent it value at after < t ≤ until, and when last."""
    return {e.other: e.t for e in chain.entries(wallet, after + 1, until + 1) if e.direction == "in" and e.amount > 0}


def scatter_credits(chain: Chain) -> dict[str, list[tuple[int, int]]]:
    """(time, size) of the scatter-gathers of which each wallet is the source."""
    return kept(chain, "credits", None, lambda: _credits(chain))


def _credits(chain: Chain) -> dict[str, list[tuple[int, int]]]:
    found = defaultdict(list)
    for one, scatter in scatters(chain).items():
        for source, size in scatter.sources.items():
            found[source].append((one.t, size))
    return found


def runs(values: list, together) -> list[list]:
    """The values cut between neighbours that do not belong together."""
    found = [values[:1]] if values else []
    for a, b in pairwise(values):
        if together(a, b):
            found[-1].append(b)
        else:
            found.append([b])
    return found
