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
from ..parties.party import Crew, hire, place
from ..parties.service_moves import hop, mix, swap
from .users import People, draw, live, people_at

Party = tuple[Crew, float]
"""Who, and the second at which they begin."""


def _until(n: int, party: Callable[[], Party]) -> list[Party]:
    """Parties, one after the other, until they have about n wallets together."""
    parties, made = [], 0
    while made < n:
        parties.append(party())
        made += len(parties[-1][0].used)
    return parties


def _holds(world: World, t: float, bitcoin: float) -> int:
    """What a party holds: BTC with this chance, dollars as is usual by then, else coin."""
    if world.rng.random() < bitcoin:
        return BTC
    return int(adoption.stable(world, t)) if world.rng.random() < adoption.share(world, t, adoption.DOLLARS) else ETH


def _worth(world: World, dollars: float, asset: int, t: float) -> float:
    """Units of an asset that are worth so many dollars."""
    return dollars / float(world.market.price(asset, t))


def companies(world: World, s: Services, n: int, exits: Ints) -> None:
    """A fund, a foundation, a firm: buys, shares out among wallets of its own, lets it lie, gathers or sells it.

    Some do so every month; some send money in circles, through many wallets to one, or over a bridge.
    """
    _until(n, lambda: _company(world, s, exits))


def _company(world: World, s: Services, exits: Ints) -> Party:
    rng = world.rng
    zone, hours = place(rng)
    crew = hire(world, s, exits, category="licit", population="company", zone=zone, hours=hours, pace=(1800, 7 * DAY))
    day, rounds = rng.uniform(0, world.days - 5), int(rng.choice([1, 2, 4], p=[0.5, 0.3, 0.2]))
    begins = START + day * DAY
    asset, parts = _holds(world, begins, 0.12), int(rng.integers(2, 9))
    head = crew.fresh(begins, asset)
    for k in range(rounds):
        _round(crew, head, asset, day + 30 * k + rng.uniform(0, 4), parts)
    return crew, begins


def _round(crew: Crew, head: int, asset: int, day: float, parts: int) -> None:
    rng, world = crew.rng, crew.world
    t = float(world.moments(np.array([head]), np.array([day]))[0])
    h = crew.funded(head, t, _worth(world, 2000.0 * parts * float(rng.lognormal(2.8, 1.2)), asset, t), asset)
    act = str(rng.choice(["pay", "through", "circle", "bridge"], p=[0.7, 0.12, 0.1, 0.08]))
    if act == "through":
        holdings = [scatter_gather(crew, h, parts)]
    elif act == "circle":
        holdings = [cycle(crew, h, int(rng.integers(2, 5)), float(rng.uniform(1, 20)) * DAY)]
    elif act == "bridge" and asset in (ETH, BTC) and rng.random() < adoption.share(world, t, adoption.BRIDGES):
        holdings = [hop(crew, h)]
    else:
        holdings = split(crew, h, parts, str(rng.choice(["even", "below", "uneven"], p=[0.45, 0.12, 0.43])))
    if rng.random() < 0.6:
        holdings = rest(crew, holdings, float(rng.uniform(1, 50)))
    if rng.random() < 0.5:
        holdings = gather(crew, holdings, max(1, parts // 4))
    cash_out(crew, holdings)


def movers(world: World, s: Services, n: int, exits: Ints) -> None:
    """People who buy, and move what they bought from wallet to wallet: new devices, cold storage, a payment on the way."""
    _settle_in(world, s, _until(n, lambda: _mover(world, s, exits)))


def _mover(world: World, s: Services, exits: Ints) -> Party:
    rng = world.rng
    zone, hours = place(rng)
    crew = hire(world, s, exits, category="user", population="mover", zone=zone, hours=hours, pace=(1800, 10 * DAY))
    t = START + rng.uniform(0, world.days - 2) * DAY
    asset = _holds(world, t, 0.2)
    first, amount = crew.fresh(t, asset), _worth(world, 2000.0 * float(rng.lognormal(1.0, 1.6)), asset, t)
    h = Holding(first, t, amount, asset)
    for k in range(int(rng.choice([1, 2, 3]))):
        last = crew.funded(first, t + k * rng.uniform(60, DAY), amount, asset)
        h = h._replace(t=max(h.t, last.t))
    _move(crew, h, int(rng.integers(1, 7)))
    return crew, t


def _move(crew: Crew, h: Holding, hops: int) -> None:
    rng = crew.rng
    if rng.random() < 0.35:
        holdings = [peel(crew, h, hops)]
    else:
        holdings = split(crew, h, 2, "uneven") if hops > 2 and rng.random() < 0.4 else [h]
        for _ in range(max(1, hops // len(holdings))):
            holdings = forward(crew, holdings)
    if rng.random() < 0.4:
        holdings = rest(crew, holdings, float(rng.uniform(1, 60)))
    if rng.random() < 0.1:
        holdings = [swap(crew, one) for one in holdings if one.asset in (USDC, USDT)] or holdings
    if rng.random() < 0.7:
        cash_out(crew, holdings)


def _settle_in(world: World, s: Services, parties: list[Party]) -> None:
    """Some of the wallets on the account chain are lived from afterwards."""
    wallets = np.array([wallet for crew, _ in parties for wallet in crew.used], dtype=np.int64)
    begun = np.repeat([(t - START) / DAY for _, t in parties], [len(crew.used) for crew, _ in parties])
    lived = ~world.wallets.utxo[wallets] & (world.rng.random(len(wallets)) < 0.35)
    wallets, day = wallets[lived], begun[lived]
    end = np.minimum(day + 1 + world.rng.exponential(60, len(wallets)), world.days)
    live(world, s, draw(world, s, wallets, np.minimum(day, end - 0.5), end), paid=False)


def private_people(world: World, s: Services, n: int, exits: Ints) -> None:
    """Honest users of the mixer: salary or savings go in, and come out at a new wallet from which they live."""
    _settle_in(world, s, _until(n, lambda: _private(world, s, exits)))


def _private(world: World, s: Services, exits: Ints) -> Party:
    rng = world.rng
    zone, hours = place(rng)
    crew = hire(world, s, exits, category="user", population="private", zone=zone, hours=hours, pace=(1200, 7 * DAY))
    day, first = float(rng.uniform(0, world.days - 2)), crew.fresh(0.0)
    t = float(world.moments(np.array([first]), np.array([day]))[0])
    h = crew.funded(first, t, float(rng.choice([0.5, 1.2, 3.5, 11.0, 25.0, 40.0, 210.0])))
    if rng.random() < 0.4:
        h = forward(crew, [h])[0]
    wait = float(np.exp(rng.uniform(np.log(3600), np.log(20 * DAY))))
    holdings = mix(crew, [h], wait, int(rng.integers(1, 5)))
    if rng.random() < 0.3:
        holdings = rest(crew, holdings, float(rng.uniform(2, 30)))
    cash_out(crew, holdings)
    return crew, t


def dealers(world: World, s: Services, everyone: People, n: int) -> Ints:
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
    _pass_on(world, s, everyone, wallet, (who, t, asset, bought))
    some = slice(None, None, max(1, len(t) // (3 * n)))
    world.plan.add(t[some], rng.choice(s.hot), wallet[who[some]], 0.05, EXACT)  # coin for fees
    return wallet


def _pass_on(world: World, s: Services, everyone: People, wallet: Ints, deals: tuple[Ints, Floats, Ints, Ints]) -> None:
    """What a dealer has bought goes on, each at his own pace, to a person or to an exchange.

    Args:
        deals: of each the position of the dealer, when, of what, and its row.
    """
    rng, n, (who, t, asset, bought) = world.rng, len(wallet), deals
    pace = np.exp(rng.uniform(np.log(400), np.log(40_000), n))
    t = t + pace[who] * rng.lognormal(0, 0.8, len(t))
    payee, home = people_at(rng, everyone, t, world.days), rng.choice(s.deposits, n)[who]
    target = np.where(rng.random(len(t)) < 0.5, payee, home)
    share, digits = rng.choice([1.0, 0.97, 0.8], len(t)), rng.choice([0, 0, 2], len(t))
    world.plan.add(t, wallet[who], target, share, SHARE, asset=asset, digits=digits, after=bought)
