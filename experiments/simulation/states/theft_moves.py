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

SITTING_USD = 1e7  # about what is mixed in one sitting
CROSSED = 4_100  # seconds after which the bridge has surely paid out
CONFIRMING = 90.0  # median seconds until a payment counts as confirmed


def swap_to_coin(party: Party, holding: Holding) -> Holding:
    """Swap tokens for coin; coin is returned as it is."""
    return holding if holding.asset in (ETH, BTC) else swap(party, holding, ETH)


def usd_value(party: Party, holding: Holding) -> float:
    """The value of a holding in dollars."""
    return holding.amount * float(party.world.market.price(holding.asset, holding.t))


def rounds(party: Party, holding: Holding, n: int, to: Callable[[float], int] | None = None) -> list[Holding]:
    """Make about n equal payments just below a round number, each once the last is confirmed.

    They go to new wallets, or to the wallet that `to` returns for a second.
    """
    steady = replace(party, jitter=0.2)
    with party.phase("cash_out" if to else "split"):
        return in_parts(steady, holding, n, "below", to or (lambda t: party.fresh(t, holding.asset)), CONFIRMING)


def session(party: Party, holding: Holding, n: int, seconds: float) -> list[Holding]:
    """Send everything to n new wallets in one sitting."""
    with party.phase("split"):
        return share_out(
            party, holding, party.rng.dirichlet(np.full(n, 8.0)).tolist(), digits=party.digits, every=0.7 * seconds / n
        )


def tranches(party: Party, holdings: list[Holding], wait: float, out: int) -> list[Holding]:
    """Mix holdings, largest denomination first: about SITTING_USD per sitting, days apart. Small change may be left."""
    begun, sitting, delay = [], 0.0, 0.0
    for holding in holdings:
        if sitting > SITTING_USD:
            sitting, delay = 0.0, delay + DAY * float(party.clock.uniform(0.5, 4))
        begun.append(holding._replace(t=holding.t + delay))
        sitting += usd_value(party, holding)
    return mix(party, begun, wait, out, whole=True) if begun else []


def cross_bridge(party: Party, holdings: list[Holding], n: int) -> list[Holding]:
    """Send coin over the bridge to about n new wallets on the UTXO chain, in nearly equal sums."""
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


def _crossed(party: Party, holding: Holding, t: float, share: float, fraction: float) -> Holding:
    """Send a share of the wallet's remaining coin, `fraction` of the whole holding, over the bridge to a new wallet."""
    target = party.fresh(t, BTC)
    with drawing(party.world, party.clock), party.phase("bridge"):
        cross(party.world, party.services, np.array([t]), np.array([holding.wallet]), np.array([target]), share)
    rate = float(party.world.market.rate(ETH, BTC, t)) * (1 - BRIDGE_FEE)
    return Holding(target, t + CROSSED, holding.amount * fraction * rate, BTC)


def at_desks(party: Party, holdings: list[Holding], asset: int) -> None:
    """Swap holdings for an asset that desks over the counter take, and sell it there."""
    desks = replace(party, exits=party.services.desks)
    cash_out(desks, [swap(party, holding, asset) for holding in holdings])
