"""Firms that run by the calendar: exchanges and their cold wallets, payroll, merchants, pools of miners, desks."""

import numpy as np

from ..engine import adoption
from ..engine.adoption import END_OF_MINING
from ..engine.market import BTC, DAY, ETH, USDC, USDT, Floats, Ints
from ..engine.services import Services, round_to, withdraw
from ..engine.transfer_plan import EXACT, SHARE
from ..engine.world import OFFICE, START, World
from . import users

_BLOCK_REWARD = 6.25


def housekeeping(world: World, services: Services) -> None:
    """What the big ones do by themselves, whoever their customers are."""
    for asset in (ETH, USDC, USDT):
        _vault_moves(world, services.hot, services.cold, asset)
    _vault_moves(world, services.btc_hot, services.btc_cold, BTC)
    _coinbase(world, services)
    _restock(world, services)
    _bring(world, services, np.array([*services.relayers, *services.casinos, services.market]))


def _vault_moves(world: World, hot: Ints, cold: Ints, asset: int) -> None:
    """Every week or so, in office hours, a hot wallet sends its surplus to the cold one and is refilled from it."""
    rng, n = world.rng, len(hot)
    every = rng.uniform(5, 10, n) * (1 if asset in (ETH, BTC) else 2)
    k, day = _regularly(rng, every, world.days)
    t = world.moments(cold[k], day)
    world.plan.add(t, hot[k], cold[k], rng.uniform(0.15, 0.5, len(t)), SHARE, asset=asset, digits=2)
    later = world.moments(cold[k], day + rng.integers(1, 4, len(t)))
    world.plan.add(later, cold[k], hot[k], rng.uniform(0.01, 0.05, len(t)), SHARE, asset=asset, digits=2)


def _regularly(rng: np.random.Generator, every: Floats, days: int) -> tuple[Ints, Floats]:
    """(position, day) of what happens about every so many days to each position, for as long as the chain runs."""
    times = np.maximum((days / every).astype(int), 1)
    k, nth = adoption.repeated(times)
    return k, (nth + rng.uniform(0.1, 0.9, len(k))) * every[k]


def _coinbase(world: World, services: Services) -> None:
    """A block a day for one of the pools: what is left out is more of the same."""
    t = START + (np.arange(world.days) + world.rng.random(world.days)) * DAY
    world.plan.add(
        t, services.coinbase, world.rng.choice(services.btc_pools, world.days), _BLOCK_REWARD, EXACT, asset=BTC
    )


def _bring(world: World, services: Services, houses: Ints) -> None:
    """Houses sell a part of their profits at an exchange, each at an address of its own."""
    rng = world.rng
    k, day = _regularly(rng, np.full(len(houses), 12.0), world.days)
    t, target = world.moments(houses[k], day), rng.choice(services.deposits, len(houses))
    world.plan.add(t, houses[k], target[k], rng.uniform(0.02, 0.2, len(t)), SHARE, digits=3)


def _restock(world: World, services: Services) -> None:
    """Desks buy dollars every few weeks, a part of what they began with, as it is coin that people bring them."""
    began = np.array([world.wallets.funds[desk][USDT] for desk in services.desks.tolist()])
    k, day = _regularly(world.rng, np.full(len(services.desks), 20.0), world.days)
    amount = began[k] * world.rng.uniform(0.005, 0.05, len(k))
    withdraw(world, services, world.moments(services.desks[k], day), services.desks[k], amount, USDT, 2)


def payroll(world: World, services: Services, payees: Ints, start: Floats, end: Floats) -> None:
    """Employers pay their people on one day of every month, in one go; the money comes from an exchange just before."""
    rng = world.rng
    employers = world.add(max(2, len(payees) // 40), "merchant", "payroll", hours=OFFICE)
    boss = rng.integers(0, len(employers), len(payees))
    salary = round_to(rng.lognormal(0.6, 0.6, len(payees)), np.full(len(payees), 2))
    months = np.arange(world.days // 30 + 1)
    day = np.add.outer(30.0 * months, np.arange(len(employers)) % 28).astype(np.float64)
    who, month = np.nonzero((start[:, None] <= day.T[boss]) & (end[:, None] > day.T[boss]))
    order = np.lexsort((who, boss[who], month))
    _pay(world, services, employers, (payees[who[order]], boss[who[order]], salary[who[order]], month[order]), day)


def _pay(world: World, services: Services, employers: Ints, rows: tuple[Ints, Ints, Floats, Ints], day: Floats) -> None:
    """Payments one after the other, by month and employer; an employer pays coin or dollars, as is usual by then."""
    rng, (payee, boss, salary, month) = world.rng, rows
    taste, begun = rng.random((2, len(employers))), START + day * DAY
    dollars = adoption.stable(world, begun, taste[0])
    asset = np.where(taste[1] < adoption.share(world, begun, adoption.DOLLARS), dollars, ETH)
    t = np.stack([world.moments(employers, one_day) for one_day in day])
    group = month * len(employers) + boss
    groups, first, size = np.unique(group, return_index=True, return_counts=True)
    paid = asset.reshape(-1)[group]
    amount = salary * np.where(paid == ETH, 1, 2000)
    gaps = np.cumsum(rng.integers(5, 40, len(payee)))
    gaps -= np.repeat(gaps[first], size) if len(payee) else 0
    when = t.reshape(-1)[group] + gaps
    who, at = employers[groups % len(employers)], t.reshape(-1)[groups]
    total = np.add.reduceat(amount, first) if len(first) else np.empty(0)
    withdraw(world, services, at - 5400.0, who, total * 1.2 + 0.01, asset.reshape(-1)[groups], 2)
    withdraw(world, services, at - 5300.0, who, 0.01 * size + 0.02 * size * (asset.reshape(-1)[groups] != ETH), ETH, 0)
    world.plan.add(when, employers[boss], payee, amount, EXACT, asset=paid)
    token = paid != ETH  # with coin for fees
    world.plan.add(when[token] + rng.integers(60, 900, token.sum()), employers[boss[token]], payee[token], 0.02, EXACT)


def takings(world: World, services: Services) -> None:
    """Merchants bring what they took to an exchange every few days, and pay a supplier now and then."""
    rng, n = world.rng, len(services.merchants)
    k, day = _regularly(rng, rng.choice([1.0, 2.0, 7.0, 14.0], n, p=[0.2, 0.2, 0.4, 0.2]), world.days)
    t, shop = world.moments(services.merchants[k], day), services.merchants[k]
    target, digits = rng.choice(services.deposits, n), rng.choice([0, 0, 2], n)
    for nth, asset in enumerate((ETH, USDC, USDT)):
        part = rng.uniform(0.5, 1.0, len(t))
        world.plan.add(t + 300 * nth, shop, target[k], part, SHARE, asset=asset, digits=digits[k])
    supplier = rng.choice(services.merchants, len(t))
    other = (supplier != shop) & (rng.random(len(t)) < 0.3)
    share = rng.uniform(0.05, 0.4, other.sum())
    world.plan.add(t[other] - 4000, shop[other], supplier[other], share, SHARE, digits=2)
    first = np.unique(k, return_index=True)[1]
    withdraw(world, services, t[first] - 7200, services.merchants, np.full(n, 0.3), ETH, 2)  # for fees on tokens


def mining(world: World, services: Services, n: int) -> None:
    """A pool pays its miners in batches, to the minute; they sell when they please. The account chain's miners stop one day."""
    rng = world.rng
    start, end = users.lifetimes(rng, world.days, n)
    end = np.minimum(end, (END_OF_MINING - world.start_year) * 365.25)
    start, end = start[start < end], end[start < end]
    n = len(start)
    miners = world.add(n, "miner", "miner")
    home, power = rng.integers(0, len(services.pools), n), rng.lognormal(-2.2, 0.9, n)
    every = np.array([3, 7])[home]
    who, day = _paydays(start, end, every)
    t = START + day * DAY + 3 * 3600 + 7200 * home[who] + who * 13 % 14_400
    amount = power[who] * every[who] * rng.uniform(0.8, 1.2, len(who))
    world.plan.add(t, services.pools[home[who]], miners[who], amount, EXACT)
    who, day = adoption.visits(rng, start, end, 1 / rng.choice([4, 10, 30, 90], n), 400)
    digits, target = rng.choice([0, 0, 2], n), rng.choice(services.deposits, n)
    t, part = world.moments(miners[who], day), rng.beta(2, 0.6, len(who))
    world.plan.add(t, miners[who], target[who], part, SHARE, digits=digits[who])


def _paydays(start: Floats, end: Floats, every: Ints) -> tuple[Ints, Ints]:
    """(position, day) of every day within each stay that is a multiple of `every`."""
    first = np.ceil(start / every).astype(int)
    times = np.maximum(np.ceil(end / every).astype(int) - first, 0)
    who, nth = adoption.repeated(times)
    return who, (first[who] + nth) * every[who]
