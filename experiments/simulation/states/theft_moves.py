"""Moves that only large thefts make: mixing in sittings, a sitting of hours over new wallets, rounds, crossing to many wallets.

Everything else they do with the moves of `crew` and `passages`, as anyone does.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..engine.market import BTC, DAY, ETH
from ..engine.services import BRIDGE_FEE, cross
from ..parties.holding import Holding
from ..parties.moves import cash_out, in_parts, share_out
from ..parties.party import Crew, drawing
from ..parties.service_moves import mix, swap

SITTING_USD = 1e7  # about what is mixed at a time
CROSSED = 4_100  # seconds after which what went into the bridge has surely come out
CONFIRMING = 90.0  # median seconds until a payment counts as confirmed


def coin(crew: Crew, h: Holding) -> Holding:
    """Tokens are swapped for coin first."""
    return h if h.asset in (ETH, BTC) else swap(crew, h, ETH)


def worth(crew: Crew, h: Holding) -> float:
    """Dollars."""
    return h.amount * float(crew.world.market.price(h.asset, h.t))


def rounds(crew: Crew, h: Holding, n: int, to: Callable[[float], int] | None = None) -> list[Holding]:
    """About n equal payments just below a round number, each once the last is confirmed; to new wallets, or to whom `to` says."""
    steady = replace(crew, jitter=0.2)
    with crew.phase("cash_out" if to else "split"):
        return in_parts(steady, h, n, "below", to or (lambda t: crew.fresh(t, h.asset)), CONFIRMING)


def session(crew: Crew, h: Holding, n: int, seconds: float) -> list[Holding]:
    """Everything to n new wallets in one sitting."""
    with crew.phase("split"):
        return share_out(
            crew, h, crew.rng.dirichlet(np.full(n, 8.0)).tolist(), digits=crew.digits, every=0.7 * seconds / n
        )


def tranches(crew: Crew, holdings: list[Holding], wait: float, out: int) -> list[Holding]:
    """Through the mixer, largest denomination first, so much in a sitting and some days until the next; crumbs may be left."""
    begun, sitting, delay = [], 0.0, 0.0
    for h in holdings:
        if sitting > SITTING_USD:
            sitting, delay = 0.0, delay + DAY * float(crew.clock.uniform(0.5, 4))
        begun.append(h._replace(t=h.t + delay))
        sitting += worth(crew, h)
    return mix(crew, begun, wait, out, whole=True) if begun else []


def over(crew: Crew, holdings: list[Holding], n: int) -> list[Holding]:
    """Coin goes over the bridge to about n new wallets on the UTXO chain, in nearly equal sums."""
    far: list[Holding] = []
    for h in holdings:
        t, left = crew.depart(h), 1.0
        weights = crew.rng.dirichlet(np.full(max(1, round(n / len(holdings))), 40.0)).tolist()
        for k, weight in enumerate(weights):
            share = 1.0 if k == len(weights) - 1 else weight / left
            far.append(_crossed(crew, h, t, share, weight))
            left -= weight
            t = crew.then(h, t)
    return far


def _crossed(crew: Crew, h: Holding, t: float, share: float, part: float) -> Holding:
    """A share of what the wallet has left, which is so great a part of the holding, crosses to a new wallet."""
    target = crew.fresh(t, BTC)
    with drawing(crew.world, crew.clock), crew.phase("bridge"):
        cross(crew.world, crew.services, np.array([t]), np.array([h.wallet]), np.array([target]), share)
    rate = float(crew.world.market.rate(ETH, BTC, t)) * (1 - BRIDGE_FEE)
    return Holding(target, t + CROSSED, h.amount * part * rate, BTC)


def at_desks(crew: Crew, holdings: list[Holding], asset: int) -> None:
    """Swapped for an asset that desks over the counter like, and sold there."""
    desks = replace(crew, exits=crew.services.desks)
    cash_out(desks, [swap(crew, h, asset) for h in holdings])
