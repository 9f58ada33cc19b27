"""Moves of a party through services: swaps at the DEX, the mixer, the bridge to the other chain and back, nested services.

A move that cannot be done with what is held, such as a swap of bitcoin, leaves the holding as it is.
"""

from typing import NamedTuple

import numpy as np

from ..engine.market import BTC, ETH, GOV, MEME, USDC, USDT
from ..engine.services import BRIDGE_FEE, DENOMINATIONS, NESTED_FEE, RELAYER_FEE, cross, through_nested
from ..engine.settlement import GAS
from ..engine.transfer_plan import DEPOSIT, EXACT, REPLY, SHARE, SWAP, WITHDRAW
from .party import Crew, Holding, drawing

TRADED = (ETH, USDC, GOV, USDT, MEME)
SWAP_FEE = 0.004
KEPT_FOR_SWAPS = 6  # whose gas a wallet keeps when it buys tokens with the rest of its coin
MOST_DEPOSITS = 100  # by one wallet
CRUMBS = 0.008  # of a holding: batches of less are not worth their fees


class Ticket(NamedTuple):
    """A deposit in the mixer: when, into which pool, and the number of its row."""

    t: float
    pool: int
    row: int


def swap(crew: Crew, h: Holding, bought: int = ETH, loss: float = SWAP_FEE, soon: float | None = None) -> Holding:
    """All that the wallet has of a token becomes another or coin, less a share that is lost; of coin it keeps some for gas.

    `soon`: median seconds until it does so, if not the party's pace.
    """
    if h.asset == bought or h.asset not in TRADED or bought not in TRADED:
        return h
    t, pool = crew.depart(h, soon), int(crew.services.dex[h.asset if bought == ETH else bought])
    gas = crew.fees(t, KEPT_FOR_SWAPS * float(GAS[SWAP]))
    share = 1 - min(0.2, gas / max(h.amount, gas)) if h.asset == ETH else 1.0
    rate = float(crew.world.market.rate(h.asset, bought, t)) * (1 - loss)
    with crew.phase("swap"):
        give = crew.world.plan.one(t, h.wallet, pool, share, SHARE, asset=h.asset, method=SWAP)
        crew.world.plan.one(t, pool, h.wallet, rate, REPLY, asset=bought, after=give, method=SWAP)
    return Holding(h.wallet, t, h.amount * share * rate, bought)


def swap_chain(crew: Crew, h: Holding, steps: int) -> Holding:
    """Through so many assets in turn and back to coin; each swap may lose some hundredths."""
    if h.asset not in TRADED:
        return h
    for k in range(steps):
        others = [asset for asset in (USDC, GOV, USDT) if asset != h.asset]
        bought = ETH if k == steps - 1 else int(crew.rng.choice(others))
        h = swap(crew, h, bought, float(crew.rng.uniform(SWAP_FEE, 0.06)))
    return h


def mix(crew: Crew, holdings: list[Holding], wait: float, out: int, whole: bool = False) -> list[Holding]:
    """Deposits of fixed denominations; withdrawals of the same, about `wait` seconds later each, to `out` new wallets.

    Tokens become coin first; bitcoin, and what is less than a batch, stays as it is.

    Args:
        whole: from the largest denomination down to crumbs; else of one denomination, and what is left over stays.
    """
    tickets, kept = [], []
    for h in holdings:
        coin = swap(crew, h)
        paid_in = deposits(crew, coin, whole) if coin.asset == ETH else []
        tickets += paid_in
        kept += [] if paid_in else [coin]
    return kept + (take_out(crew, tickets, wait, out) if tickets else [])


def deposits(crew: Crew, h: Holding, whole: bool = False) -> list[Ticket]:
    """What `mix` pays in from one wallet."""
    pools = _batches(crew, h, whole)
    if not pools:
        return []
    with crew.phase("mix"):
        t, tickets = crew.depart(h), []
        for pool in pools:
            mixer = int(crew.services.mixers[pool])
            row = crew.world.plan.one(t, h.wallet, mixer, float(DENOMINATIONS[pool]), EXACT, method=DEPOSIT)
            tickets.append(Ticket(t, pool, row))
            t = crew.later(h.wallet, t, crew.beat)
    if whole and crew.rng.random() < 0.6:  # the remainder is sold, or left behind
        with crew.phase("cash_out"):
            crew.send(h, crew.exit(ETH), 1.0, t)
    return tickets


def _batches(crew: Crew, h: Holding, whole: bool) -> list[int]:
    """The pools of the deposits, in order."""
    if not whole:
        pool = max(0, int(np.searchsorted(DENOMINATIONS, h.amount * 0.97, side="right")) - 1)
        if pool and h.amount / DENOMINATIONS[pool] < 3 and crew.rng.random() < 0.7:
            pool -= 1
        return [pool] * min(MOST_DEPOSITS, int(h.amount * 0.99 / DENOMINATIONS[pool]))
    pools, left = [], 0.995 * h.amount
    for pool in range(len(DENOMINATIONS) - 1, -1, -1):
        size = float(DENOMINATIONS[pool])
        if size >= CRUMBS * h.amount or pool == len(DENOMINATIONS) - 1:
            pools += [pool] * int(left / size)
            left %= size
    return pools


def take_out(crew: Crew, tickets: list[Ticket], wait: float, out: int) -> list[Holding]:
    """Take mixed money out again to at most `out` new wallets, through a relayer who is paid out of it, as they have no coin."""
    n = max(1, min(out, len(tickets)))
    targets = [crew.fresh(tickets[0].t) for _ in range(n)]
    got: dict[int, tuple[float, float]] = {}
    with crew.phase("withdraw"):
        for k, ticket in enumerate(sorted(tickets)):
            target = targets[k * n // len(tickets)]
            t, amount = crew.later(target, ticket.t, wait), float(DENOMINATIONS[ticket.pool])
            _withdraw(crew, ticket, target, t, amount)
            last, total = got.get(target, (0.0, 0.0))
            got[target] = (max(last, t), total + amount * (1 - RELAYER_FEE))
    return [Holding(wallet, t, amount) for wallet, (t, amount) in got.items()]


def _withdraw(crew: Crew, ticket: Ticket, target: int, t: float, amount: float) -> None:
    plan, mixer = crew.world.plan, int(crew.services.mixers[ticket.pool])
    paid = plan.one(t, mixer, target, amount * (1 - RELAYER_FEE), EXACT, after=ticket.row, method=WITHDRAW)
    relayer, fee = int(crew.rng.choice(crew.services.relayers)), RELAYER_FEE / (1 - RELAYER_FEE)
    plan.one(t, mixer, relayer, fee, REPLY, after=paid, method=WITHDRAW)


def hop(crew: Crew, h: Holding) -> Holding:
    """Over the bridge to a new wallet on the other chain; tokens become coin first."""
    h = swap(crew, h)
    if h.asset not in (ETH, BTC):
        return h
    t, there = crew.depart(h), ETH if h.utxo else BTC
    rate = float(crew.world.market.rate(h.asset, there, t)) * (1 - BRIDGE_FEE)
    with drawing(crew.world, crew.clock), crew.phase("bridge"):
        target = crew.fresh(t, there)
        cross(crew.world, crew.services, np.array([t]), np.array([h.wallet]), np.array([target]), 1.0, back=h.utxo)
    return Holding(target, t + 4000, h.amount * rate, there)


def nest(crew: Crew, h: Holding) -> Holding:
    """Through a nested service, whose account at a large exchange pays a new wallet out of the exchange's own money."""
    if h.utxo:
        return h
    t, delay = crew.depart(h), float(crew.clock.uniform(1800, 2 * 86_400))
    target = crew.fresh(t + delay, h.asset)
    with drawing(crew.world, crew.rng), crew.phase("nest"):
        through_nested(
            crew.world, crew.services, np.array([t]), np.array([h.wallet]), np.array([target]), 1.0, h.asset, h.asset,
            np.array([delay]),
        )  # fmt: skip
    return Holding(target, t + delay, h.amount * (1 - NESTED_FEE), h.asset)
