"""What the trade in new tokens looks like: launches with snipers and a crowd, NFTs minted in bursts and resold, airdrops.

None of it is a fraud here: some launches collapse because everybody sells.
"""

from dataclasses import dataclass

import numpy as np

from ..engine import adoption
from ..engine.market import DAY, ETH, GOV, MEME, NFT, Floats, Ints
from ..engine.services import Services, round_to, withdraw
from ..engine.transfer_plan import BUY, CLAIM, DEPOSIT, EXACT, MINT, REPLY, SHARE, SWAP
from ..engine.world import ALWAYS, START, World
from .users import Users, people_at, swap

MARKET_FEE = 0.025  # of the place where NFTs are traded
_SUPPLY = 1e9  # of a launched token


def launches(world: World, services: Services, everyone: Users, n: int) -> None:
    """Token launches: a pool opens, snipers buy within seconds and sell within the hour, a crowd follows, many never sell.

    Args:
        everyone: whom the crowds come from.
        n: wallets of deployers and snipers, if launches were in fashion all the time.
    """
    rng = world.rng
    day = np.sort(adoption.arrivals(world, max(1, n // 4), adoption.LAUNCHES))
    if not len(day):
        return
    start = adoption.arrivals(world, max(2, n - len(day)), adoption.LAUNCHES)
    end = adoption.stays(world, start, 40, 1.0)
    snipers = world.add(len(start), "bot", "sniper", hours=ALWAYS)
    withdraw(world, services, START + start * DAY, snipers, 0.3 + rng.lognormal(0.3, 0.8, len(start)), ETH, 2)
    home = rng.choice(services.deposits, len(start))
    for start_day in day:
        there = (start < start_day) & (end > start_day) & (rng.random(len(start)) < 0.6)
        _launch(world, services, everyone, float(start_day), snipers[there])
    who, when = adoption.visits(rng, start, end, np.full(len(start), 0.1), 60)
    t, part = world.moments(snipers[who], when + 0.5), rng.uniform(0.1, 0.9, len(who))
    world.plan.add(t, snipers[who], home[who], part, SHARE, digits=rng.choice([0, 2], len(who)))


def _launch(world: World, services: Services, everyone: Users, day: float, snipers: Ints) -> None:
    """One launch: the deployer opens the pool, then come those who buy, and some time later takes most of the coin back out."""
    rng = world.rng
    deployer = world.add(1, "trader", "deployer", funds={MEME: _SUPPLY})
    pool = int(world.add(1, "service", "launch_pool", hours=ALWAYS, contract=True)[0])
    opens = world.moments(deployer, np.array([day]))
    withdraw(world, services, opens - rng.uniform(1800, 2 * DAY), deployer, rng.lognormal(2.0, 0.8, 1), ETH, 1)
    laid = world.plan.add(opens, deployer, pool, 0.9, SHARE, digits=1, method=DEPOSIT)
    world.plan.add(opens, deployer, pool, 0.95, SHARE, asset=MEME, after=laid, method=DEPOSIT)
    crowd = int(min(rng.lognormal(3.2, 0.8), 0.2 * len(everyone.wallet)))
    later = opens + 300 + rng.lognormal(8.7, 1.4, crowd)
    trend = float(rng.normal(-0.15, 0.25))  # a day
    fast = opens + rng.integers(2, 60, len(snipers))
    buyers = people_at(rng, everyone, later, world.days)
    _buy_and_sell(world, pool, snipers, fast, trend, rng.exponential(2400, len(snipers)), (0.3, 0.95))
    keeps = rng.random(crowd) < 0.4
    held = np.where(keeps, np.inf, rng.lognormal(11, 1.6, crowd))
    _buy_and_sell(world, pool, buyers, later, trend, held, (0.05, 0.5))
    ends = opens + rng.uniform(3, 60) * DAY
    out = world.plan.add(ends, pool, deployer, 0.7, SHARE, method=DEPOSIT)
    world.plan.add(ends + rng.uniform(600, 5 * DAY), deployer, rng.choice(services.deposits), 0.95, SHARE, after=out)


def _buy_and_sell(
    world: World, pool: int, who: Ints, t: Floats, trend: float, held: Floats, share: tuple[float, float]
) -> None:
    """Buy with a share of one's coin; sell all of it after `held` seconds (inf = never), at what the token is worth by then."""
    rng, opens = world.rng, float(t.min()) if len(t) else 0.0
    paid = world.plan.add(
        t, who, pool, rng.uniform(*share, len(t)), SHARE, digits=rng.choice([0, 1, 2], len(t)), method=SWAP
    )
    got = world.plan.add(t, pool, who, _worth(world, t, opens, trend, ETH), REPLY, asset=MEME, after=paid, method=SWAP)
    sells = np.isfinite(held)
    t, who = (t + 60 + held)[sells], who[sells]
    sold = world.plan.add(t, who, pool, 1.0, REPLY, asset=MEME, after=got[sells], method=SWAP)
    world.plan.add(t, pool, who, _worth(world, t, opens, trend, MEME), REPLY, after=sold, method=SWAP)


def _worth(world: World, t: Floats, opens: float, trend: float, sold: int) -> Floats:
    """Units bought for one sold: the market's rate, moved on by the trend of this launch."""
    moved = np.exp(np.clip(trend * (t - opens) / DAY, -4.0, 0.5))
    rate = world.market.rate(sold, MEME if sold == ETH else ETH, t) * world.rng.normal(0.99, 0.01, len(t))
    return rate / moved if sold == ETH else rate * moved


@dataclass
class _Collectors:
    """Those who collect NFTs, some of them among other things, by position: wallet, first and last day."""

    wallet: Ints
    start: Floats
    end: Floats


def collectors(world: World, services: Services, everyone: Users, n: int) -> None:
    """Collectors mint NFTs in bursts and sell them on: coin and token change hands in one transaction.

    Args:
        everyone: some of them take part too; n: wallets of those who do nothing else, if NFTs were in fashion all the time.
    """
    rng = world.rng
    start = adoption.arrivals(world, n, adoption.NFTS)
    if len(start) < 2:
        return
    c = _Collectors(world.add(len(start), "user", "collector"), start, adoption.stays(world, start, 200, 1.0))
    wealth = rng.lognormal(0.8, 1.1, len(start))
    withdraw(world, services, START + start * DAY - 3600, c.wallet, wealth, ETH, rng.choice([0, 1, 2], len(start)))
    who, day = adoption.visits(rng, c.start, c.end, np.full(len(start), 0.04), 40)
    t, leaves = world.moments(c.wallet[who], day), rng.random(len(who)) < 0.4
    more, back = who[~leaves], who[leaves]
    withdraw(world, services, t[~leaves], c.wallet[more], wealth[more] * rng.lognormal(-0.5, 0.6, more.size), ETH, 2)
    part, home = rng.beta(2, 1.5, back.size), rng.choice(services.deposits, len(start))
    world.plan.add(t[leaves], c.wallet[back], home[back], part, SHARE)
    fans = rng.permutation(len(everyone.wallet))[: 4 * n]
    all_ = _Collectors(
        np.concatenate([c.wallet, everyone.wallet[fans]]), np.concatenate([c.start, everyone.start[fans]]),
        np.concatenate([c.end, everyone.end[fans]]),
    )  # fmt: skip
    for start_day in adoption.arrivals(world, max(2, n // 5), adoption.NFTS):
        _collection(world, services, all_, float(start_day))


def _collection(world: World, services: Services, c: _Collectors, day: float) -> None:
    """One collection: most of it is minted in the first hours; its maker sells his takings."""
    rng = world.rng
    maker = int(world.add(1, "merchant", "creator")[0])
    contract = int(world.add(1, "service", "nft", hours=ALWAYS, contract=True, funds={NFT: 10_000.0})[0])
    opens = float(world.moments(np.array([maker]), np.array([day]))[0])
    there = np.flatnonzero((c.start < day) & (c.end > day))
    burst = rng.permutation(there)[: int(rng.lognormal(3.8, 0.8))]
    t = opens + rng.exponential(rng.choice([600.0, 3600.0, 20_000.0]), burst.size)
    price, units = float(rng.choice([0.01, 0.03, 0.05, 0.08])), rng.choice([1, 1, 1, 2, 3, 5], burst.size)
    paid = world.plan.add(t, c.wallet[burst], contract, units * price, EXACT, method=MINT)
    got = world.plan.add(t, contract, c.wallet[burst], units, EXACT, asset=NFT, after=paid, method=MINT)
    for _ in range(3):
        burst, t, got = _resales(world, services, c, (burst, t, got), price)
        price *= float(rng.lognormal(0.0, 0.5))
    pays = opens + DAY * np.array([1.0, 8.0]) * rng.uniform(0.5, 1.5)
    drawn = world.plan.add(pays, contract, maker, 0.95, SHARE, method=DEPOSIT)
    world.plan.add(pays + rng.uniform(600, 3 * DAY), maker, rng.choice(services.deposits), 0.9, SHARE, after=drawn)


def _resales(
    world: World, services: Services, c: _Collectors, held: tuple[Ints, Floats, Ints], price: float
) -> tuple[Ints, Floats, Ints]:
    """Some holders sell one piece each to another collector, over a marketplace. Returns the buyers, when, and their rows.

    Args:
        held: positions of the holders, since when they hold, and the rows by which they got it.
    """
    rng = world.rng
    some = np.flatnonzero(rng.random(len(held[0])) < 0.45)
    seller, since, row = held[0][some], held[1][some], held[2][some]
    t = since + 600 + rng.lognormal(11.3, 1.7, len(some))
    buyer = adoption.present(rng, c.start, c.end, (t - START) / DAY)
    other = buyer != seller
    seller, buyer, t, row = seller[other], buyer[other], t[other], row[other]
    sums = round_to(price * rng.lognormal(0.15, 0.6, len(t)), rng.choice([1, 2, 3], len(t)))
    paid = world.plan.add(t, c.wallet[buyer], services.market, sums, EXACT, after=row, method=BUY)
    got = world.plan.add(t, c.wallet[seller], c.wallet[buyer], 1, EXACT, asset=NFT, after=paid, method=BUY)
    world.plan.add(t, services.market, c.wallet[seller], sums * (1 - MARKET_FEE), REPLY, after=got, method=BUY)
    return buyer, t, got


def airdrops(world: World, services: Services, everyone: Users, n: int) -> None:
    """Tokens for those who are there: sent by a script to many at once, or to be claimed; some sell at once.

    Args:
        everyone: the users who may get them; n: about how many would, if airdrops were in fashion all the time.
    """
    for day in adoption.arrivals(world, max(1, n // 60), adoption.AIRDROPS):
        _airdrop(world, services, everyone, float(day))


def _airdrop(world: World, services: Services, everyone: Users, day: float) -> None:
    rng, claimed = world.rng, bool(world.rng.random() < 0.4)
    held = {GOV: 1e7} if claimed else {GOV: 1e7, ETH: 50.0}
    sender = int(world.add(1, "service", "airdropper", hours=ALWAYS, contract=claimed, funds=held)[0])
    size = int(min(rng.lognormal(4.0, 0.6), 0.3 * len(everyone.wallet)))
    there = np.full(size, START + day * DAY)
    receiver = np.unique(people_at(rng, everyone, there, world.days))
    amount = rng.choice([5.0, 10.0, 25.0, 100.0]) * rng.choice([1.0, 1.0, 2.0, 5.0], len(receiver))
    if claimed:
        t = world.moments(receiver, day + rng.exponential(4, len(receiver)))
        got = world.plan.add(t, sender, receiver, amount, EXACT, asset=GOV, method=CLAIM)
    else:
        t, got = _hand_out(world, sender, receiver, START + day * DAY, amount)
    at_once = rng.random(len(receiver)) < 0.4
    later = t[at_once] + 120 + rng.lognormal(8.5, 1.5, at_once.sum())
    sold = np.full(len(later), GOV)
    swap(world, services, receiver[at_once], later, sold, np.ones(len(later)), np.full(len(later), ETH))
    kept = got[~at_once & (rng.random(len(receiver)) < 0.15)]
    who = receiver[np.searchsorted(got, kept)]
    t = START + (day + rng.exponential(20, len(kept))) * DAY
    world.plan.add(t, who, rng.choice(services.deposits, len(kept)), 1.0, SHARE, asset=GOV, after=kept)


def _hand_out(world: World, sender: int, receiver: Ints, t: float, amount: Floats) -> tuple[Floats, Ints]:
    """One transaction per minute, with up to fifty receivers each. Returns when and the rows."""
    chunk = np.arange(len(receiver)) // 50
    when, rows = (t + 60.0 * chunk).astype(np.float64), np.empty(len(receiver), dtype=np.int64)
    for k in range(int(chunk[-1]) + 1 if len(chunk) else 0):
        part = np.flatnonzero(chunk == k)
        rows[part[:1]] = world.plan.add(when[part[:1]], sender, receiver[part[:1]], amount[part[:1]], EXACT, asset=GOV)
        rest = part[1:]
        rows[rest] = world.plan.add(
            when[rest], sender, receiver[rest], amount[rest], EXACT, asset=GOV, after=rows[part[0]]
        )
    return when, rows
