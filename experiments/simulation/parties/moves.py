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
from .party import Party


def below_round(rng: np.random.Generator, amount: float, n: int) -> float:
    """A size a little below a round number, of which n or more fit into the amount."""
    size = 0.98 * amount / n
    unit = 10.0 ** math.floor(math.log10(size))
    return math.floor(size / unit) * unit * (1 - rng.uniform(0.001, 0.018))


def share_out(
    party: Party, holding: Holding, weights: Sequence[float], to: Callable[[float], int] | None = None, *, digits: int = 0,
    every: float | None = None,
) -> list[Holding]:  # fmt: skip
    """Everything goes, in proportion to the weights, to new wallets or to whom `to` names at a second; `every`: median seconds
    between the payments.
    """
    t, left, parts = party.depart(holding), float(sum(weights)), []
    party.provide(holding, len(weights), t)
    for k, weight in enumerate(weights):
        last = k == len(weights) - 1
        target = to(t) if to else party.fresh(t, holding.asset)
        parts.append(party.send(holding, target, 1.0 if last else weight / left, t, 0 if last else digits))
        holding, left = holding._replace(amount=holding.amount - parts[-1].amount), left - weight
        t = party.then(holding, parts[-1].t, every)
    return parts


def in_parts(
    party: Party, holding: Holding, n: int, manner: str, to: Callable[[float], int], every: float | None = None
) -> list[Holding]:
    """Everything goes to whom `to` names, in about n payments: `uneven`, `even`, or just `below` a round number."""
    if manner == "uneven" or n < 2 or holding.amount <= 0:
        return share_out(
            party, holding, party.rng.dirichlet(np.full(n, 2.0)).tolist(), to, digits=party.digits, every=every
        )
    t, parts = party.depart(holding), []
    size = _equal_size(party.rng, holding.amount, n, manner)
    count = max(1, min(int(0.99 * holding.amount / size), 3 * n))
    party.provide(holding, count + 1, t)
    for _ in range(count):
        parts.append(party.pay(holding, to(t), size, t))
        t = party.then(holding, parts[-1].t, every)
    left = holding.amount - count * size
    if left > 0.05 * size:
        parts.append(party.send(holding._replace(amount=left), to(t), 1.0, t))
    elif party.rng.random() < 0.6:  # crumbs are sent after the rest, or left behind
        party.send(holding._replace(amount=left), parts[-1].wallet, 1.0, t)
    return parts


def _equal_size(rng: np.random.Generator, amount: float, n: int, manner: str) -> float:
    """The size of n equal payments out of an amount: cut to three digits, or just below a round number."""
    if manner == "below":
        return below_round(rng, amount, n)
    return float(round_to(np.array([amount * 0.97 / n]), np.array([3]))[0])


def split(party: Party, holding: Holding, n: int, manner: str | None = None) -> list[Holding]:
    """Fan out to about n new wallets, in a manner or the party's own; the UTXO chain does it in one transaction."""
    with party.phase("split"):
        return in_parts(party, holding, n, manner or party.sum_style, lambda t: party.fresh(t, holding.asset))


def forward(party: Party, holdings: list[Holding]) -> list[Holding]:
    """Each holding moves on to a new wallet, less what the helper keeps."""
    moved = []
    with party.phase("forward"):
        for holding in holdings:
            t = party.depart(holding)
            share = 1.0 if holding.utxo or party.rng.random() < 0.5 else 1 - party.hop_loss
            moved.append(party.send(holding, party.fresh(t, holding.asset), share, t))
    return moved


def peel(party: Party, holding: Holding, hops: int) -> Holding:
    """At each hop a small part is cashed out and the rest moves on to a new wallet."""
    with party.phase("peel"):
        for _ in range(hops):
            part = float(party.rng.uniform(0.02, 0.15))
            holding = party.pay_off(holding, party.exit(holding.asset), part, party.depart(holding), party.digits)
    return holding


def gather(party: Party, holdings: list[Holding], n: int = 1) -> list[Holding]:
    """Fan in: every holding goes whole to one of n new wallets for each asset, which wait for the last."""
    with party.phase("gather"):
        return [
            got
            for asset in dict.fromkeys(holding.asset for holding in holdings)
            for got in _gathered(party, [holding for holding in holdings if holding.asset == asset], n)
        ]


def _gathered(party: Party, holdings: list[Holding], n: int) -> list[Holding]:
    """On the UTXO chain all inputs of a target are one transaction."""
    first, asset, gathered = min(holding.t for holding in holdings), holdings[0].asset, []
    for k in range(min(n, len(holdings))):
        mine, target = holdings[k::n], party.fresh(first, asset)
        leave = [party.depart(holding) for holding in mine]
        leave = [max(leave)] * len(mine) if asset == BTC else leave
        got = [party.send(holding, target, 1.0, t) for holding, t in zip(mine, leave, strict=True)]
        gathered.append(
            Holding(target, max(holding.t for holding in got), sum(holding.amount for holding in got), asset)
        )
    return gathered


def scatter_gather(party: Party, holding: Holding, n: int) -> Holding:
    """Through about n wallets side by side, each used once, to one new wallet."""
    return gather(party, split(party, holding, n))[0]


def cycle(party: Party, holding: Holding, hops: int, within: float = 5 * DAY) -> Holding:
    """The money comes back to its wallet in this many hops (≥ 2), within about `within` seconds."""
    home = holding.wallet
    with party.phase("cycle"):
        for k in range(hops):
            t = party.depart(holding, within / (2 * hops))
            share = 1.0 if holding.utxo or k == 0 else 1 - party.hop_loss
            holding = party.send(holding, home if k == hops - 1 else party.fresh(t, holding.asset), share, t)
    return holding


def rest(party: Party, holdings: list[Holding], days: float) -> list[Holding]:
    """Nothing moves for about this many days."""
    return [holding._replace(t=holding.t + DAY * days * float(party.clock.uniform(0.7, 1.3))) for holding in holdings]


def dormant(party: Party, holdings: list[Holding], days: float) -> list[Holding]:
    """Nothing moves for very long; then, mostly, a small payment tries whether everything still works."""
    woken = rest(party, holdings, days)
    with party.phase("rest"):
        for k, holding in enumerate(woken):
            if party.rng.random() < 0.7:
                tried = party.send(
                    holding, party.exit(holding.asset), float(party.rng.uniform(0.0005, 0.003)), holding.t
                )
                woken[k] = holding._replace(t=tried.t)
    return woken


def cash_out(party: Party, holdings: list[Holding], most: int = 4) -> None:
    """Sell at exchanges, over the counter or to people: all at once, or in several sums over a while."""
    with party.phase("cash_out"):
        for holding in holdings:
            own = [party.exit(holding.asset), party.exit(holding.asset)]
            n = int(
                party.rng.integers(1, most + 1) if party.sum_style == "uneven" else party.rng.integers(2, 2 * most + 1)
            )
            if holding.utxo:
                _sell_with_change(party, holding, own, (n + 1) // 2)
            else:
                every = party.pace if party.sum_style == "uneven" else None
                in_parts(party, holding, n, party.sum_style, lambda t, own=own: int(party.rng.choice(own)), every)


def _sell_with_change(party: Party, holding: Holding, own: list[int], n: int) -> None:
    for k in range(n - 1):
        share = float(party.rng.uniform(0.8, 1.2)) / (n - k + 0.3)
        holding = party.pay_off(holding, int(party.rng.choice(own)), share, party.depart(holding), party.digits)
    party.send(holding, own[0], 1.0, party.depart(holding))
