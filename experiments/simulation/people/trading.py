"""Traders, who swap at the DEX in sessions and move money in and out of exchanges, and arbitrage bots, which never sleep."""

import numpy as np

from ..engine import adoption
from ..engine.market import ETH, GOV, MEME, USDC, USDT, Floats, Ints
from ..engine.services import Services, withdraw
from ..engine.transfer_plan import REPLY, SHARE, SWAP
from ..engine.world import ALWAYS, World
from . import users
from .users import swap

_SWAP, _BUY, _SELL = range(3)


def traders(world: World, services: Services, n: int) -> None:
    """Sessions of several swaps; money comes from an exchange and goes back there, at times on the same day. Before there is a
    DEX they only buy and sell.
    """
    rng = world.rng
    start, end = users.lifetimes(rng, world.days, n)
    wallet = world.add(n, "trader", "trader")
    visits = 2 + np.minimum(rng.poisson(rng.lognormal(-1.6, 0.9, n) * (end - start)), 300)
    who = np.repeat(np.arange(n), visits)
    t = world.moments(wallet[who], rng.uniform(start[who], end[who]))
    wealth, style = rng.lognormal(1.0, 1.4, n), rng.choice(3, n, p=[0.5, 0.35, 0.15])
    on_dex = rng.random(len(who)) < 0.7 * adoption.share(world, t, adoption.DEX)
    act = np.where(on_dex, _SWAP, rng.integers(_BUY, _SELL + 1, len(who)))
    first = np.full(n, np.inf)
    np.minimum.at(first, who, t)
    withdraw(world, services, first - rng.lognormal(8, 1, n), wallet, wealth, ETH, rng.choice([0, 2], n))
    _swaps(world, services, wallet[who[act == _SWAP]], t[act == _SWAP], style[who[act == _SWAP]])
    more = who[act == _BUY]
    withdraw(world, services, t[act == _BUY], wallet[more], wealth[more] * rng.lognormal(-0.5, 0.6, more.size), ETH, 2)
    back = who[act == _SELL]
    share = np.where(rng.random(back.size) < 0.3, 1.0, rng.beta(2, 2, back.size))
    asset = np.where(rng.random(back.size) < 0.5, ETH, adoption.stable(world, t[act == _SELL]))
    world.plan.add(t[act == _SELL], wallet[back], rng.choice(services.deposits, n)[back], share, SHARE, asset=asset)


def _swaps(world: World, services: Services, wallet: Ints, t: Floats, style: Ints) -> None:
    """One to four swaps a session: dollars, a token, or there and back within the hour."""
    rng = world.rng
    count = np.minimum(rng.geometric(0.5, len(wallet)), 4)
    row, nth = adoption.repeated(count)
    other = np.choose(style, [adoption.stable(world, t), np.full(len(t), GOV), np.full(len(t), MEME)])[row]
    out = (nth % 2 == 0) ^ (rng.random(len(row)) < 0.2)
    when = t[row] + nth * rng.lognormal(6.0, 1.2, len(row))
    swap(
        world,
        services,
        wallet[row],
        when,
        np.where(out, ETH, other),
        rng.beta(3, 2, len(row)),
        np.where(out, other, ETH),
    )


def bots(world: World, services: Services, n: int) -> None:
    """Coin to token at one pool and back to coin a moment later, in bursts around the clock; profits go home every week or so."""
    rng = world.rng
    start = adoption.arrivals(world, n, adoption.DEX)
    n = len(start)
    wallet = world.add(n, "bot", "bot", hours=ALWAYS)
    end = adoption.stays(world, start, 55, 1.0)
    withdraw(world, services, world.moments(wallet, start), wallet, rng.lognormal(2, 1, n), ETH, 2)
    who, day = adoption.visits(rng, np.minimum(start + 1, end), end, rng.lognormal(-0.3, 0.8, n), 120)
    t = world.moments(wallet[who], day)
    count = np.minimum(rng.geometric(0.35, len(who)), 8)
    row = np.repeat(np.arange(len(who)), count)
    t, who = t[row] + np.cumsum(rng.integers(8, 200, len(row))) % 3600, who[row]
    _arbitrage(world, services, wallet[who], t)
    who, day = adoption.visits(rng, start, end, np.full(n, 0.11), 400)
    home = rng.choice(services.deposits, n)[who]
    world.plan.add(world.moments(wallet[who], day), wallet[who], home, rng.uniform(0.05, 0.6, len(who)), SHARE)


def _arbitrage(world: World, services: Services, wallet: Ints, t: Floats) -> None:
    """Two swaps a few seconds apart that end with a little more coin, or a little less, than they began with."""
    rng = world.rng
    token = rng.choice([GOV, USDC, USDT, MEME], len(t), p=[0.45, 0.25, 0.15, 0.15])
    got = swap(world, services, wallet, t, np.full(len(t), ETH), rng.beta(4, 2, len(t)), token)
    later = t + rng.integers(3, 40, len(t))
    back = world.plan.add(later, wallet, services.dex[token], 1.0, REPLY, asset=token, after=got, method=SWAP)
    rate = world.market.rate(token, ETH, t) * rng.normal(1.002, 0.004, len(t))
    world.plan.add(later, services.dex[token], wallet, rate, REPLY, after=back, method=SWAP)
