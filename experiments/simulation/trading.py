"""Traders, who swap at the DEX in sessions and move money in and out of exchanges, and arbitrage bots, which never sleep."""

import numpy as np

from .market import ETH, GOV, USDC, Floats, Ints
from .people import swap
from .plan import REPLY, SHARE, SWAP
from .services import Services, withdraw
from .world import ALWAYS, World


def traders(world: World, s: Services, wallet: Ints, start: Floats, end: Floats) -> None:
    """Sessions of several swaps; money comes from an exchange and goes back there, at times on the same day."""
    rng, n = world.rng, len(wallet)
    visits = 2 + np.minimum(rng.poisson(rng.lognormal(-1.6, 0.9, n) * (end - start)), 300)
    who = np.repeat(np.arange(n), visits)
    t = world.moments(wallet[who], rng.uniform(start[who], end[who]))
    wealth, style = rng.lognormal(1.0, 1.4, n), rng.choice(3, n, p=[0.5, 0.3, 0.2])
    act = np.where(rng.random(len(who)) < 0.7, 0, rng.integers(1, 3, len(who)))
    first = np.full(n, np.inf)
    np.minimum.at(first, who, t)
    withdraw(world, s, first - rng.lognormal(8, 1, n), wallet, wealth, ETH, rng.choice([0, 2], n))
    _swaps(world, s, wallet[who[act == 0]], t[act == 0], style[who[act == 0]])
    more = act == 1
    withdraw(world, s, t[more], wallet[who[more]], wealth[who[more]] * rng.lognormal(-0.5, 0.6, more.sum()), ETH, 2)
    home = rng.choice(s.deposits, n)
    back = act == 2
    share = np.where(rng.random(back.sum()) < 0.3, 1.0, rng.beta(2, 2, back.sum()))
    world.plan.add(t[back], wallet[who[back]], home[who[back]], share, SHARE, asset=rng.choice([ETH, USDC], back.sum()))


def _swaps(world: World, s: Services, wallet: Ints, t: Floats, style: Ints) -> None:
    """One to four swaps a session: dollars, the token, or there and back within the hour."""
    rng = world.rng
    count = np.minimum(rng.geometric(0.5, len(wallet)), 4)
    row = np.repeat(np.arange(len(wallet)), count)
    nth = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    other = np.where(style[row] == 0, USDC, GOV)
    out = (nth % 2 == 0) ^ (rng.random(len(row)) < 0.2)
    when = t[row] + nth * rng.lognormal(6.0, 1.2, len(row))
    swap(world, s, wallet[row], when, np.where(out, ETH, other), rng.beta(3, 2, len(row)), np.where(out, other, ETH))


def bots(world: World, s: Services, n: int) -> None:
    """Coin to token at one pool and back to coin a moment later, in bursts around the clock; profits go home every week or so."""
    rng = world.rng
    wallet = world.add(n, "bot", "bot", hours=ALWAYS)
    start = rng.uniform(0, 0.9 * world.days, n)
    length = np.minimum(rng.lognormal(4.0, 1.0, n), world.days - start)
    withdraw(world, s, world.moments(wallet, start), wallet, rng.lognormal(2, 1, n), ETH, 2)
    bursts = 1 + np.minimum(rng.poisson(rng.lognormal(-0.3, 0.8, n) * length), 120)
    who = np.repeat(np.arange(n), bursts)
    t = world.moments(wallet[who], rng.uniform(start[who] + 1, start[who] + 1 + length[who]))
    count = np.minimum(rng.geometric(0.35, len(who)), 8)
    row = np.repeat(np.arange(len(who)), count)
    t, who = t[row] + np.concatenate([[0], np.cumsum(rng.integers(8, 200, len(row) - 1))]) % 3600, who[row]
    _arbitrage(world, s, wallet[who], t)
    home = np.repeat(np.arange(n), np.maximum(length // 9, 1).astype(int))
    when = world.moments(wallet[home], rng.uniform(start[home], start[home] + length[home] + 2))
    world.plan.add(when, wallet[home], rng.choice(s.deposits, n)[home], rng.uniform(0.05, 0.6, len(home)), SHARE)


def _arbitrage(world: World, s: Services, wallet: Ints, t: Floats) -> None:
    """Two swaps a few seconds apart that end with a little more coin, or a little less, than they began with."""
    rng = world.rng
    token = np.where(rng.random(len(t)) < 0.6, GOV, USDC)
    got = swap(world, s, wallet, t, np.full(len(t), ETH), rng.beta(4, 2, len(t)), token)
    later = t + rng.integers(3, 40, len(t))
    back = world.plan.add(later, wallet, s.dex[token - 1], 1.0, REPLY, asset=token, after=got, method=SWAP)
    rate = world.market.rate(token, np.full(len(t), ETH), t) * rng.normal(1.002, 0.004, len(t))
    world.plan.add(later, s.dex[token - 1], wallet, rate, REPLY, after=back, method=SWAP)
