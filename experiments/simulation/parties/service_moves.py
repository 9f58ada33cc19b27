"""Moves of a party through services: swaps at the DEX, the mixer, the bridge to the other chain and back, nested services.

A move that cannot be done with what is held, such as a swap of bitcoin, leaves the holding as it is.
"""

from typing import NamedTuple

import numpy as np

from ..engine.market import BTC, ETH, GOV, MEME, USDC, USDT
from ..engine.services import BRIDGE_FEE, DENOMINATIONS, NESTED_FEE, RELAYER_FEE, cross, through_nested
from ..engine.settlement import GAS
from ..engine.transfer_plan import DEPOSIT, EXACT, REPLY, SHARE, SWAP, WITHDRAW
from .party import Holding, Party, drawing

TRADED = (ETH, USDC, GOV, USDT, MEME)
SWAP_FEE = 0.004
KEPT_FOR_SWAPS = 6  # whose gas a wallet keeps when it buys tokens with the rest of its coin
MOST_DEPOSITS = 100  # by one wallet
CRUMBS = 0.008  # of a holding: batches of less are not worth their fees


class MixerDeposit(NamedTuple):
    """A deposit in the mixer: when, into which pool, and the number of its row."""

    t: float
    pool: int
    row: int


def swap(
    party: Party, holding: Holding, bought: int = ETH, loss: float = SWAP_FEE, soon: float | None = None
) -> Holding:
    """All that the wallet has of a token becomes another or coin, less a share that is lost; of coin it keeps some for gas.

    `soon`: median seconds until it does so, if not the party's pace.
    """
    if holding.asset == bought or holding.asset not in TRADED or bought not in TRADED:
        return holding
    t, pool = party.depart(holding, soon), int(party.services.dex[holding.asset if bought == ETH else bought])
    gas = party.fees(t, KEPT_FOR_SWAPS * float(GAS[SWAP]))
    share = 1 - min(0.2, gas / max(holding.amount, gas)) if holding.asset == ETH else 1.0
    rate = float(party.world.market.rate(holding.asset, bought, t)) * (1 - loss)
    with party.phase("swap"):
        give = party.world.plan.add_one(t, holding.wallet, pool, share, SHARE, asset=holding.asset, method=SWAP)
        party.world.plan.add_one(t, pool, holding.wallet, rate, REPLY, asset=bought, after=give, method=SWAP)
    return Holding(holding.wallet, t, holding.amount * share * rate, bought)


def swap_chain(party: Party, holding: Holding, steps: int) -> Holding:
    """Through this many assets in turn and back to coin; each swap may lose some hundredths."""
    if holding.asset not in TRADED:
        return holding
    for k in range(steps):
        others = [asset for asset in (USDC, GOV, USDT) if asset != holding.asset]
        bought = ETH if k == steps - 1 else int(party.rng.choice(others))
        holding = swap(party, holding, bought, float(party.rng.uniform(SWAP_FEE, 0.06)))
    return holding


def mix(party: Party, holdings: list[Holding], wait: float, out: int, whole: bool = False) -> list[Holding]:
    """Deposits of fixed denominations; withdrawals of the same, about `wait` seconds later each, to `out` new wallets.

    Tokens become coin first; bitcoin, and what is less than a batch, stays as it is.

    Args:
        whole: whether to use all denominations from the largest down; else only one is used, and the remainder stays.
    """
    tickets, kept = [], []
    for holding in holdings:
        coin = swap(party, holding)
        paid_in = deposits(party, coin, whole) if coin.asset == ETH else []
        tickets += paid_in
        kept += [] if paid_in else [coin]
    return kept + (take_out(party, tickets, wait, out) if tickets else [])


def deposits(party: Party, holding: Holding, whole: bool = False) -> list[MixerDeposit]:
    """What `mix` pays in from one wallet."""
    pools = _batches(party, holding, whole)
    if not pools:
        return []
    with party.phase("mix"):
        t, tickets = party.depart(holding), []
        for pool in pools:
            mixer = int(party.services.mixers[pool])
            row = party.world.plan.add_one(t, holding.wallet, mixer, float(DENOMINATIONS[pool]), EXACT, method=DEPOSIT)
            tickets.append(MixerDeposit(t, pool, row))
            t = party.later(holding.wallet, t, party.session_wait)
    if whole and party.rng.random() < 0.6:  # the remainder is sold, or left behind
        with party.phase("cash_out"):
            party.send(holding, party.exit(ETH), 1.0, t)
    return tickets


def _batches(party: Party, holding: Holding, whole: bool) -> list[int]:
    """The pools of the deposits, in order."""
    if not whole:
        pool = max(0, int(np.searchsorted(DENOMINATIONS, holding.amount * 0.97, side="right")) - 1)
        if pool and holding.amount / DENOMINATIONS[pool] < 3 and party.rng.random() < 0.7:
            pool -= 1
        return [pool] * min(MOST_DEPOSITS, int(holding.amount * 0.99 / DENOMINATIONS[pool]))
    pools, left = [], 0.995 * holding.amount
    for pool in range(len(DENOMINATIONS) - 1, -1, -1):
        size = float(DENOMINATIONS[pool])
        if size >= CRUMBS * holding.amount or pool == len(DENOMINATIONS) - 1:
            pools += [pool] * int(left / size)
            left %= size
    return pools


def take_out(party: Party, tickets: list[MixerDeposit], wait: float, out: int) -> list[Holding]:
    """Take mixed money out again to at most `out` new wallets, through a relayer who is paid out of it, as they have no coin."""
    n = max(1, min(out, len(tickets)))
    targets = [party.fresh(tickets[0].t) for _ in range(n)]
    got: dict[int, tuple[float, float]] = {}
    with party.phase("withdraw"):
        for k, ticket in enumerate(sorted(tickets)):
            target = targets[k * n // len(tickets)]
            t, amount = party.later(target, ticket.t, wait), float(DENOMINATIONS[ticket.pool])
            _withdraw(party, ticket, target, t, amount)
            last, total = got.get(target, (0.0, 0.0))
            got[target] = (max(last, t), total + amount * (1 - RELAYER_FEE))
    return [Holding(wallet, t, amount) for wallet, (t, amount) in got.items()]


def _withdraw(party: Party, ticket: MixerDeposit, target: int, t: float, amount: float) -> None:
    plan, mixer = party.world.plan, int(party.services.mixers[ticket.pool])
    paid = plan.add_one(t, mixer, target, amount * (1 - RELAYER_FEE), EXACT, after=ticket.row, method=WITHDRAW)
    relayer, fee = int(party.rng.choice(party.services.relayers)), RELAYER_FEE / (1 - RELAYER_FEE)
    plan.add_one(t, mixer, relayer, fee, REPLY, after=paid, method=WITHDRAW)


def hop(party: Party, holding: Holding) -> Holding:
    """Over the bridge to a new wallet on the other chain; tokens become coin first."""
    holding = swap(party, holding)
    if holding.asset not in (ETH, BTC):
        return holding
    t, there = party.depart(holding), ETH if holding.utxo else BTC
    rate = float(party.world.market.rate(holding.asset, there, t)) * (1 - BRIDGE_FEE)
    with drawing(party.world, party.clock), party.phase("bridge"):
        target = party.fresh(t, there)
        cross(
            party.world,
            party.services,
            np.array([t]),
            np.array([holding.wallet]),
            np.array([target]),
            1.0,
            back=holding.utxo,
        )
    return Holding(target, t + 4000, holding.amount * rate, there)


def nest(party: Party, holding: Holding) -> Holding:
    """Through a nested service, whose account at a large exchange pays a new wallet out of the exchange's own money."""
    if holding.utxo:
        return holding
    t, delay = party.depart(holding), float(party.clock.uniform(1800, 2 * 86_400))
    target = party.fresh(t + delay, holding.asset)
    with drawing(party.world, party.rng), party.phase("nest"):
        through_nested(
            party.world, party.services, np.array([t]), np.array([holding.wallet]), np.array([target]), 1.0,
            holding.asset, holding.asset, np.array([delay]),
        )  # fmt: skip
    return Holding(target, t + delay, holding.amount * (1 - NESTED_FEE), holding.asset)
