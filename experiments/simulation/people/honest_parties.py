"""Honest parties that look like launderers: companies, people who change wallets or like privacy, dealers over the counter."""

from collections.abc import Callable

import numpy as np

from ..engine import adoption
from ..engine.market import BTC, DAY, ETH, USDC, USDT, Floats, Ints
from ..engine.services import Services
from ..engine.transfer_plan import EXACT, SHARE
from ..engine.world import START, World
from ..parties.holding import Holding
from ..parties.moves import cash_out, cycle, forward, gather, peel, rest, scatter_gather, split
from ..parties.party import Party, new_party, zone_and_hours
from ..parties.service_moves import hop, mix, swap
from .users import Users, draw_users, people_at, plan_lives

Started = tuple[Party, float]
"""A party, and the second at which it begins."""


def _until(n: int, start: Callable[[], Started]) -> list[Started]:
    """Parties, one after the other, until they have about n wallets together."""
    parties, made = [], 0
    while made < n:
        parties.append(start())
        made += len(parties[-1][0].used)
    return parties


def _holds(world: World, t: float, bitcoin: float) -> int:
    """What a party holds: BTC with this chance, dollars as is usual by then, else coin."""
    if world.rng.random() < bitcoin:
        return BTC
    return int(adoption.stable(world, t)) if world.rng.random() < adoption.share(world, t, adoption.DOLLARS) else ETH


def _worth(world: World, dollars: float, asset: int, t: float) -> float:
    """Units of an asset that are worth this many dollars."""
    return dollars / float(world.market.price(asset, t))


def companies(world: World, services: Services, n: int, exits: Ints) -> None:
    """A fund, a foundation, a firm: buys, shares out among wallets of its own, lets it lie, gathers or sells it.

    Some do so every month; some send money in circles, through many wallets to one, or over a bridge.
    """
    _until(n, lambda: _company(world, services, exits))


def _company(world: World, services: Services, exits: Ints) -> Started:
    rng = world.rng
    zone, hours = zone_and_hours(rng)
    party = new_party(
        world, services, exits, category="licit", population="company", zone=zone, hours=hours, pace=(1800, 7 * DAY)
    )
    day, rounds = rng.uniform(0, world.days - 5), int(rng.choice([1, 2, 4], p=[0.5, 0.3, 0.2]))
    begins = START + day * DAY
    asset, parts = _holds(world, begins, 0.12), int(rng.integers(2, 9))
    head = party.fresh(begins, asset)
    for k in range(rounds):
        _round(party, head, asset, day + 30 * k + rng.uniform(0, 4), parts)
    return party, begins


def _round(party: Party, head: int, asset: int, day: float, parts: int) -> None:
    rng, world = party.rng, party.world
    t = float(world.moments(np.array([head]), np.array([day]))[0])
    holding = party.funded(head, t, _worth(world, 2000.0 * parts * float(rng.lognormal(2.8, 1.2)), asset, t), asset)
    act = str(rng.choice(["pay", "through", "circle", "bridge"], p=[0.7, 0.12, 0.1, 0.08]))
    if act == "through":
        holdings = [scatter_gather(party, holding, parts)]
    elif act == "circle":
        holdings = [cycle(party, holding, int(rng.integers(2, 5)), float(rng.uniform(1, 20)) * DAY)]
    elif act == "bridge" and asset in (ETH, BTC) and rng.random() < adoption.share(world, t, adoption.BRIDGES):
        holdings = [hop(party, holding)]
    else:
        holdings = split(party, holding, parts, str(rng.choice(["even", "below", "uneven"], p=[0.45, 0.12, 0.43])))
    if rng.random() < 0.6:
        holdings = rest(party, holdings, float(rng.uniform(1, 50)))
    if rng.random() < 0.5:
        holdings = gather(party, holdings, max(1, parts // 4))
    cash_out(party, holdings)


def movers(world: World, services: Services, n: int, exits: Ints) -> None:
    """People who buy, and move what they bought from wallet to wallet: new devices, cold storage, a payment on the way."""
    _settle_in(world, services, _until(n, lambda: _mover(world, services, exits)))


def _mover(world: World, services: Services, exits: Ints) -> Started:
    rng = world.rng
    zone, hours = zone_and_hours(rng)
    party = new_party(
        world, services, exits, category="user", population="mover", zone=zone, hours=hours, pace=(1800, 10 * DAY)
    )
    t = START + rng.uniform(0, world.days - 2) * DAY
    asset = _holds(world, t, 0.2)
    first, amount = party.fresh(t, asset), _worth(world, 2000.0 * float(rng.lognormal(1.0, 1.6)), asset, t)
    holding = Holding(first, t, amount, asset)
    for k in range(int(rng.choice([1, 2, 3]))):
        last = party.funded(first, t + k * rng.uniform(60, DAY), amount, asset)
        holding = holding._replace(t=max(holding.t, last.t))
    _move(party, holding, int(rng.integers(1, 7)))
    return party, t


def _move(party: Party, holding: Holding, hops: int) -> None:
    rng = party.rng
    if rng.random() < 0.35:
        holdings = [peel(party, holding, hops)]
    else:
        holdings = split(party, holding, 2, "uneven") if hops > 2 and rng.random() < 0.4 else [holding]
        for _ in range(max(1, hops // len(holdings))):
            holdings = forward(party, holdings)
    if rng.random() < 0.4:
        holdings = rest(party, holdings, float(rng.uniform(1, 60)))
    if rng.random() < 0.1:
        holdings = [swap(party, holding) for holding in holdings if holding.asset in (USDC, USDT)] or holdings
    if rng.random() < 0.7:
        cash_out(party, holdings)


def _settle_in(world: World, services: Services, parties: list[Started]) -> None:
    """Some of the wallets on the account chain are lived from afterwards."""
    wallets = np.array([wallet for party, _ in parties for wallet in party.used], dtype=np.int64)
    begun = np.repeat([(t - START) / DAY for _, t in parties], [len(party.used) for party, _ in parties])
    lived = ~world.wallets.utxo[wallets] & (world.rng.random(len(wallets)) < 0.35)
    wallets, day = wallets[lived], begun[lived]
    end = np.minimum(day + 1 + world.rng.exponential(60, len(wallets)), world.days)
    plan_lives(world, services, draw_users(world, services, wallets, np.minimum(day, end - 0.5), end), paid=False)


def private_people(world: World, services: Services, n: int, exits: Ints) -> None:
    """Honest users of the mixer: salary or savings go in, and come out at a new wallet from which they live."""
    _settle_in(world, services, _until(n, lambda: _private(world, services, exits)))


def _private(world: World, services: Services, exits: Ints) -> Started:
    rng = world.rng
    zone, hours = zone_and_hours(rng)
    party = new_party(
        world, services, exits, category="user", population="private", zone=zone, hours=hours, pace=(1200, 7 * DAY)
    )
    day, first = float(rng.uniform(0, world.days - 2)), party.fresh(0.0)
    t = float(world.moments(np.array([first]), np.array([day]))[0])
    holding = party.funded(first, t, float(rng.choice([0.5, 1.2, 3.5, 11.0, 25.0, 40.0, 210.0])))
    if rng.random() < 0.4:
        holding = forward(party, [holding])[0]
    wait = float(np.exp(rng.uniform(np.log(3600), np.log(20 * DAY))))
    holdings = mix(party, [holding], wait, int(rng.integers(1, 5)))
    if rng.random() < 0.3:
        holdings = rest(party, holdings, float(rng.uniform(2, 30)))
    cash_out(party, holdings)
    return party, t


def dealers(world: World, services: Services, everyone: Users, n: int) -> Ints:
    """Dealers who buy coin from people for cash and sell it on to others or to an exchange, within minutes to hours."""
    rng = world.rng
    wallet = world.add(n, "trader", "dealer")
    start = rng.uniform(0, 0.8 * world.days, n)
    who, day = adoption.visits(rng, start, np.full(n, float(world.days)), rng.lognormal(-1.0, 0.8, n), 300)
    t = world.moments(wallet[who], day)
    payer, dollars = (
        people_at(rng, everyone, t, world.days),
        rng.random(len(t)) < 0.6 * adoption.share(world, t, adoption.DOLLARS),
    )
    asset = np.where(dollars, adoption.stable(world, t), ETH)
    share, digits = rng.uniform(0.1, 1.0, len(t)), rng.choice([0, 1, 2], len(t))
    bought = world.plan.add(t, payer, wallet[who], share, SHARE, asset=asset, digits=digits)
    _pass_on(world, services, everyone, wallet, (who, t, asset, bought))
    some = slice(None, None, max(1, len(t) // (3 * n)))
    world.plan.add(t[some], rng.choice(services.hot), wallet[who[some]], 0.05, EXACT)  # coin for fees
    return wallet


def _pass_on(
    world: World, services: Services, everyone: Users, wallet: Ints, deals: tuple[Ints, Floats, Ints, Ints]
) -> None:
    """What a dealer has bought goes on, each at his own pace, to a person or to an exchange.

    Args:
        deals: four arrays, per deal: the position of the dealer, the second, the asset, and the row.
    """
    rng, n, (who, t, asset, bought) = world.rng, len(wallet), deals
    pace = np.exp(rng.uniform(np.log(400), np.log(40_000), n))
    t = t + pace[who] * rng.lognormal(0, 0.8, len(t))
    payee, home = people_at(rng, everyone, t, world.days), rng.choice(services.deposits, n)[who]
    target = np.where(rng.random(len(t)) < 0.5, payee, home)
    share, digits = rng.choice([1.0, 0.97, 0.8], len(t)), rng.choice([0, 0, 2], len(t))
    world.plan.add(t, wallet[who], target, share, SHARE, asset=asset, digits=digits, after=bought)
