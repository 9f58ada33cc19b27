"""Moves that only large thefts make: mixing in sittings, a sitting of hours over new wallets, rounds, crossing to many wallets.

Everything else they do with `parties/moves.py` and `parties/service_moves.py`, as anyone does.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..engine.market import BTC, DAY, ETH
from ..engine.services import BRIDGE_FEE, cross
from ..parties.holding import Holding
from ..parties.moves import cash_out, in_parts, share_out
from ..parties.party import Party, drawing
from ..parties.service_moves import mix, swap

SITTING_USD = 1e7  # about what is mixed at a time
CROSSED = 4_100  # seconds after which what went into the bridge has surely come out
CONFIRMING = 90.0  # median seconds until a payment counts as confirmed


def coin(party: Party, holding: Holding) -> Holding:
    """Tokens are swapped for coin first."""
    return holding if holding.asset in (ETH, BTC) else swap(party, holding, ETH)


def worth(party: Party, holding: Holding) -> float:
    """Dollars."""
    return holding.amount * float(party.world.market.price(holding.asset, holding.t))


def rounds(party: Party, holding: Holding, n: int, to: Callable[[float], int] | None = None) -> list[Holding]:
    """About n equal payments just below a round number, each once the last is confirmed; to new wallets, or to whom `to` says."""
    steady = replace(party, jitter=0.2)
    with party.phase("cash_out" if to else "split"):
        return in_parts(steady, holding, n, "below", to or (lambda t: party.fresh(t, holding.asset)), CONFIRMING)


def session(party: Party, holding: Holding, n: int, seconds: float) -> list[Holding]:
    """Everything to n new wallets in one sitting."""
    with party.phase("split"):
        return share_out(
            party, holding, party.rng.dirichlet(np.full(n, 8.0)).tolist(), digits=party.digits, every=0.7 * seconds / n
        )


def tranches(party: Party, holdings: list[Holding], wait: float, out: int) -> list[Holding]:
    """Through the mixer, largest denomination first, so much in a sitting and some days until the next; crumbs may be left."""
    begun, sitting, delay = [], 0.0, 0.0
    for holding in holdings:
        if sitting > SITTING_USD:
            sitting, delay = 0.0, delay + DAY * float(party.clock.uniform(0.5, 4))
        begun.append(holding._replace(t=holding.t + delay))
        sitting += worth(party, holding)
    return mix(party, begun, wait, out, whole=True) if begun else []


def over(party: Party, holdings: list[Holding], n: int) -> list[Holding]:
    """Coin goes over the bridge to about n new wallets on the UTXO chain, in nearly equal sums."""
    far: list[Holding] = []
    for holding in holdings:
        t, left = party.depart(holding), 1.0
        weights = party.rng.dirichlet(np.full(max(1, round(n / len(holdings))), 40.0)).tolist()
        for k, weight in enumerate(weights):
            share = 1.0 if k == len(weights) - 1 else weight / left
            far.append(_crossed(party, holding, t, share, weight))
            left -= weight
            t = party.then(holding, t)
    return far


def _crossed(party: Party, holding: Holding, t: float, share: float, part: float) -> Holding:
    """A share of what the wallet has left, which is so great a part of the holding, crosses to a new wallet."""
    target = party.fresh(t, BTC)
    with drawing(party.world, party.clock), party.phase("bridge"):
        cross(party.world, party.services, np.array([t]), np.array([holding.wallet]), np.array([target]), share)
    rate = float(party.world.market.rate(ETH, BTC, t)) * (1 - BRIDGE_FEE)
    return Holding(target, t + CROSSED, holding.amount * part * rate, BTC)


def at_desks(party: Party, holdings: list[Holding], asset: int) -> None:
    """Swapped for an asset that desks over the counter like, and sold there."""
    desks = replace(party, exits=party.services.desks)
    cash_out(desks, [swap(party, holding, asset) for holding in holdings])
