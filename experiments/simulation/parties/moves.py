"""How a party moves money about: splits it, passes it on, peels it, gathers it, sends it in circles, lets it rest, cashes it out.

The same moves serve launderers and honest parties (companies, movers, people who like privacy). They differ by degrees: how
often, how fast, at what hours and in which order. Moves through services (DEX, mixer, bridge, nested services): `service_moves`.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..engine.market import BTC, DAY
from ..engine.services import round_to
from .holding import Holding
from .party import Crew


def below_round(rng: np.random.Generator, amount: float, n: int) -> float:
    """A size a little below a round number, of which n or more fit into the amount."""
    size = 0.98 * amount / n
    unit = 10.0 ** math.floor(math.log10(size))
    return math.floor(size / unit) * unit * (1 - rng.uniform(0.001, 0.018))


def share_out(
    crew: Crew, h: Holding, weights: Sequence[float], to: Callable[[float], int] | None = None, *, digits: int = 0,
    every: float | None = None,
) -> list[Holding]:  # fmt: skip
    """Everything goes, in proportion to the weights, to new wallets or to whom `to` names at a second; `every`: median seconds
    between the payments.
    """
    t, left, parts = crew.depart(h), float(sum(weights)), []
    crew.provide(h, len(weights), t)
    for k, weight in enumerate(weights):
        last = k == len(weights) - 1
        target = to(t) if to else crew.fresh(t, h.asset)
        parts.append(crew.send(h, target, 1.0 if last else weight / left, t, 0 if last else digits))
        h, left = h._replace(amount=h.amount - parts[-1].amount), left - weight
        t = crew.then(h, parts[-1].t, every)
    return parts


def in_parts(
    crew: Crew, h: Holding, n: int, manner: str, to: Callable[[float], int], every: float | None = None
) -> list[Holding]:
    """Everything goes to whom `to` names, in about n payments: `uneven`, `even`, or just `below` a round number."""
    if manner == "uneven" or n < 2 or h.amount <= 0:
        return share_out(crew, h, crew.rng.dirichlet(np.full(n, 2.0)).tolist(), to, digits=crew.digits, every=every)
    t, parts = crew.depart(h), []
    size = _equal_size(crew.rng, h.amount, n, manner)
    count = max(1, min(int(0.99 * h.amount / size), 3 * n))
    crew.provide(h, count + 1, t)
    for _ in range(count):
        parts.append(crew.pay(h, to(t), size, t))
        t = crew.then(h, parts[-1].t, every)
    left = h.amount - count * size
    if left > 0.05 * size:
        parts.append(crew.send(h._replace(amount=left), to(t), 1.0, t))
    elif crew.rng.random() < 0.6:  # crumbs are sent after the rest, or left behind
        crew.send(h._replace(amount=left), parts[-1].wallet, 1.0, t)
    return parts


def _equal_size(rng: np.random.Generator, amount: float, n: int, manner: str) -> float:
    """The size of n equal payments out of an amount: cut to three digits, or just below a round number."""
    if manner == "below":
        return below_round(rng, amount, n)
    return float(round_to(np.array([amount * 0.97 / n]), np.array([3]))[0])


def split(crew: Crew, h: Holding, n: int, manner: str | None = None) -> list[Holding]:
    """Fan out to about n new wallets, in a manner or the crew's own; the UTXO chain does it in one transaction."""
    with crew.phase("split"):
        return in_parts(crew, h, n, manner or crew.sums, lambda t: crew.fresh(t, h.asset))


def forward(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    """Each holding moves on to a new wallet, less what the helper keeps."""
    moved = []
    with crew.phase("forward"):
        for h in holdings:
            t = crew.depart(h)
            share = 1.0 if h.utxo or crew.rng.random() < 0.5 else 1 - crew.tithe
            moved.append(crew.send(h, crew.fresh(t, h.asset), share, t))
    return moved


def peel(crew: Crew, h: Holding, hops: int) -> Holding:
    """At each hop a small part is cashed out and the rest moves on to a new wallet."""
    with crew.phase("peel"):
        for _ in range(hops):
            part = float(crew.rng.uniform(0.02, 0.15))
            h = crew.pay_off(h, crew.exit(h.asset), part, crew.depart(h), crew.digits)
    return h


def gather(crew: Crew, holdings: list[Holding], n: int = 1) -> list[Holding]:
    """Fan in: every holding goes whole to one of n new wallets for each asset, which wait for the last."""
    with crew.phase("gather"):
        return [
            got
            for asset in dict.fromkeys(h.asset for h in holdings)
            for got in _gathered(crew, [h for h in holdings if h.asset == asset], n)
        ]


def _gathered(crew: Crew, holdings: list[Holding], n: int) -> list[Holding]:
    """On the UTXO chain all inputs of a target are one transaction."""
    first, asset, gathered = min(h.t for h in holdings), holdings[0].asset, []
    for k in range(min(n, len(holdings))):
        mine, target = holdings[k::n], crew.fresh(first, asset)
        leave = [crew.depart(h) for h in mine]
        leave = [max(leave)] * len(mine) if asset == BTC else leave
        got = [crew.send(h, target, 1.0, t) for h, t in zip(mine, leave, strict=True)]
        gathered.append(Holding(target, max(h.t for h in got), sum(h.amount for h in got), asset))
    return gathered


def scatter_gather(crew: Crew, h: Holding, n: int) -> Holding:
    """Through about n wallets side by side, each used once, to one new wallet."""
    return gather(crew, split(crew, h, n))[0]


def cycle(crew: Crew, h: Holding, hops: int, within: float = 5 * DAY) -> Holding:
    """The money comes back to its wallet in so many hops (≥ 2), about `within` so many seconds."""
    home = h.wallet
    with crew.phase("cycle"):
        for k in range(hops):
            t = crew.depart(h, within / (2 * hops))
            share = 1.0 if h.utxo or k == 0 else 1 - crew.tithe
            h = crew.send(h, home if k == hops - 1 else crew.fresh(t, h.asset), share, t)
    return h


def rest(crew: Crew, holdings: list[Holding], days: float) -> list[Holding]:
    """Nothing moves for about so many days."""
    return [h._replace(t=h.t + DAY * days * float(crew.clock.uniform(0.7, 1.3))) for h in holdings]


def dormant(crew: Crew, holdings: list[Holding], days: float) -> list[Holding]:
    """Nothing moves for very long; then, mostly, a small payment tries whether everything still works."""
    woken = rest(crew, holdings, days)
    with crew.phase("rest"):
        for k, h in enumerate(woken):
            if crew.rng.random() < 0.7:
                tried = crew.send(h, crew.exit(h.asset), float(crew.rng.uniform(0.0005, 0.003)), h.t)
                woken[k] = h._replace(t=tried.t)
    return woken


def cash_out(crew: Crew, holdings: list[Holding], most: int = 4) -> None:
    """Sell at exchanges, over the counter or to people: all at once, or in several sums over a while."""
    with crew.phase("cash_out"):
        for h in holdings:
            own = [crew.exit(h.asset), crew.exit(h.asset)]
            n = int(crew.rng.integers(1, most + 1) if crew.sums == "uneven" else crew.rng.integers(2, 2 * most + 1))
            if h.utxo:
                _sell_with_change(crew, h, own, (n + 1) // 2)
            else:
                every = crew.pace if crew.sums == "uneven" else None
                in_parts(crew, h, n, crew.sums, lambda t, own=own: int(crew.rng.choice(own)), every)


def _sell_with_change(crew: Crew, h: Holding, own: list[int], n: int) -> None:
    for k in range(n - 1):
        share = float(crew.rng.uniform(0.8, 1.2)) / (n - k + 0.3)
        h = crew.pay_off(h, int(crew.rng.choice(own)), share, crew.depart(h), crew.digits)
    crew.send(h, own[0], 1.0, crew.depart(h))
