"""People with one thing on their mind: validators, lenders, losers of keys, users of bridges, of desks and of small services."""

import numpy as np

from ..engine import adoption
from ..engine.market import BTC, DAY, ETH, USDT, Floats, Ints
from ..engine.services import Services, cross, round_to, through_nested, withdraw
from ..engine.transfer_plan import DEPOSIT, EXACT, REPLY, SHARE, WITHDRAW
from ..engine.world import START, World
from .users import Users, people_at

STAKE = 32.0  # coins of one validator
_REWARD = 0.013  # coins a validator and week


def stakers(world: World, services: Services, n: int) -> None:
    """Validators: deposits of 32 coins each, small rewards every week, and at times the exit, when the stake comes back."""
    rng = world.rng
    start = adoption.arrivals(world, n, adoption.STAKING)
    n = len(start)
    wallet = world.add(n, "user", "staker")
    count = np.minimum(rng.geometric(0.5, n), 12)
    t = world.moments(wallet, start)
    withdraw(world, services, t - rng.uniform(600, 3 * DAY, n), wallet, 1.02 * STAKE * count, ETH, 0)
    who, nth = adoption.repeated(count)
    laid = world.plan.add(t[who] + 400.0 * nth, wallet[who], services.staking, STAKE, EXACT, method=DEPOSIT)
    end = np.where(rng.random(n) < 0.4, adoption.stays(world, start, 150, 0.9), world.days)
    _rewards(world, services, wallet, (start, end), count, laid[np.cumsum(count) - count])
    leaves = np.flatnonzero(end[who] < world.days)
    back = START + end[who[leaves]] * DAY + 380.0 * nth[leaves]
    out = world.plan.add(back, services.staking, wallet[who[leaves]], STAKE, EXACT, after=laid[leaves], method=WITHDRAW)
    home, gone = rng.choice(services.deposits, n), np.unique(who[leaves], return_index=True)[1]
    sale = back[gone] + rng.lognormal(10.5, 1.3, gone.size) + 4000
    last = who[leaves][gone]
    world.plan.add(sale, wallet[last], home[last], rng.choice([1.0, 0.9, 0.5], gone.size), SHARE, after=out[gone])


def _rewards(
    world: World, services: Services, wallet: Ints, stay: tuple[Floats, Floats], count: Ints, laid: Ints
) -> None:
    """Rewards begin ten days after the deposit; now and then they are sold."""
    rng, every, (start, end) = world.rng, 7.0, stay
    times = np.maximum((end - start - 10) / every, 0).astype(int)
    who, nth = adoption.repeated(times)
    t = START + (start[who] + 10 + nth * every) * DAY + rng.integers(-600, 600, len(who))
    amount = _REWARD * count[who] * rng.normal(1, 0.03, len(who))
    got = world.plan.add(t, services.staking, wallet[who], amount, EXACT, after=laid[who], method=WITHDRAW)
    sells = np.flatnonzero(rng.random(len(who)) < 0.04)
    later = world.moments(wallet[who[sells]], (t[sells] - START) / DAY + 1)
    target = rng.choice(services.deposits, len(wallet))[who[sells]]
    world.plan.add(later, wallet[who[sells]], target, rng.uniform(0.5, 1.0, sells.size), SHARE, after=got[sells])


def lenders(world: World, services: Services, n: int) -> None:
    """People who lay coin or dollars into a vault and take it out again with interest."""
    rng = world.rng
    start = adoption.arrivals(world, n, adoption.LENDING)
    n = len(start)
    wallet, end = world.add(n, "user", "lender"), adoption.stays(world, start, 120, 1.0)
    dollars = rng.random(n) < adoption.share(world, START + start * DAY, adoption.DOLLARS)
    asset = np.where(dollars, adoption.stable(world, START + start * DAY), ETH)
    t = world.moments(wallet, start)
    wealth = rng.lognormal(1.2, 1.3, n)
    withdraw(world, services, t - rng.uniform(600, DAY, n), wallet, wealth * np.where(dollars, 1500, 1), asset, 2)
    withdraw(world, services, t - rng.uniform(60, 600, n), wallet, np.full(n, 0.4), ETH, 1)  # for fees
    who, day = adoption.visits(rng, start, end, np.full(n, 0.03), 40)
    home, vault = rng.choice(services.deposits, n)[who], rng.choice(services.vaults, n)[who]
    into = START + (day + 0.01) * DAY
    laid = world.plan.add(into, wallet[who], vault, rng.beta(3, 1.5, len(who)), SHARE, asset=asset[who], method=DEPOSIT)
    days = rng.lognormal(2.7, 1.1, len(who))
    taken = world.plan.add(into + days * DAY, vault, wallet[who], 1 + 0.0001 * days, REPLY, asset=asset[who], after=laid,
                           method=WITHDRAW)  # fmt: skip
    some = rng.random(len(who)) < 0.4
    later = world.moments(wallet[who], (into - START) / DAY + days + 1 + rng.exponential(5, len(who)))
    world.plan.add(later[some], wallet[who[some]], home[some], rng.beta(3, 1, some.sum()), SHARE, asset=asset[who[some]],
                   after=taken[some])  # fmt: skip


def lost(world: World, services: Services, n: int) -> None:
    """Wallets that are filled once or a few times, and never used again: keys lost, phones gone, owners dead."""
    rng = world.rng
    wallet, start = world.add(n, "user", "lost"), rng.uniform(0, 0.9 * world.days, n)
    end = np.minimum(start + rng.exponential(20, n), world.days)
    who, day = adoption.visits(rng, start, end, np.full(n, 0.08), 6)
    amount = rng.lognormal(-0.5, 1.6, len(who)) + 0.02
    withdraw(
        world, services, world.moments(wallet[who], day), wallet[who], amount, ETH, rng.choice([0, 1, 2], len(who))
    )


def bridgers(world: World, services: Services, n: int) -> None:
    """People with coin on both chains: over the bridge to BTC, which is sold, kept, or brought back some time later."""
    rng = world.rng
    start = adoption.arrivals(world, n // 2, adoption.BRIDGES)
    n = len(start)
    wallet, end = world.add(n, "user", "bridger"), adoption.stays(world, start, 90, 1.0)
    far = world.add(n, "user", "btc_bridger", utxo=True)
    for column in ("owner", "zone", "hours"):
        getattr(world.wallets, column)[far] = getattr(world.wallets, column)[wallet]
    who, day = adoption.visits(rng, start, end, np.full(n, 0.03), 30)
    t = world.moments(wallet[who], day)
    paid = t - rng.lognormal(8, 1, len(who))
    withdraw(
        world, services, paid, wallet[who], rng.lognormal(0.8, 1.2, n)[who] * rng.lognormal(0, 0.4, len(who)), ETH, 2
    )
    cross(
        world, services, t, wallet[who], far[who], np.where(rng.random(len(who)) < 0.4, 1.0, rng.beta(3, 1.5, len(who)))
    )
    act = rng.choice(3, len(who), p=[0.4, 0.35, 0.25])  # sold, brought back, kept
    later = world.moments(far[who], (t - START) / DAY + 1 + rng.lognormal(1.0, 1.3, len(who)))
    sold, back = act == 0, act == 1
    target = rng.choice(services.btc_deposits, n)[who[sold]]
    world.plan.add(later[sold], far[who[sold]], target, rng.choice([1.0, 0.5], sold.sum()), SHARE, asset=BTC)
    cross(
        world, services, later[back], far[who[back]], wallet[who[back]], rng.choice([1.0, 0.7], back.sum()), back=True
    )
    home = rng.choice(services.deposits, n)[who[back]]
    gone = later[back] + rng.lognormal(11, 1.2, back.sum()) + 5000
    world.plan.add(gone, wallet[who[back]], home, rng.beta(3, 1, back.sum()), SHARE)


def nested_customers(world: World, services: Services, n: int) -> None:
    """Customers of nested services: what they send to an address at a large exchange comes back as other money, or elsewhere."""
    rng = world.rng
    start = rng.uniform(0, 0.95 * world.days, n)
    wallet, end = world.add(n, "user", "nested_customer"), adoption.stays(world, start, 60, 1.2)
    who, day = adoption.visits(rng, start, end, np.full(n, 0.05), 60)
    t = world.moments(wallet[who], day)
    amount = rng.lognormal(0.5, 1.2, n)[who] * rng.lognormal(0, 0.5, len(who)) + 0.05
    withdraw(
        world,
        services,
        t - rng.lognormal(8.5, 1.2, len(who)) - 60,
        wallet[who],
        amount,
        ETH,
        rng.choice([0, 1, 2], len(who)),
    )
    dollars = rng.random(len(who)) < adoption.share(world, t, adoption.DOLLARS)
    bought = np.where(dollars, adoption.stable(world, t), ETH)
    other = wallet[adoption.present(rng, start, end, day)]
    receiver = np.where(dollars | (rng.random(len(who)) < 0.5), wallet[who], other)
    delay, share = rng.lognormal(7.5, 0.8, len(who)), rng.beta(4, 1, len(who))
    _, out = through_nested(world, services, t, wallet[who], receiver, share, np.full(len(who), ETH), bought, delay)
    sells = np.flatnonzero(rng.random(len(who)) < 0.5)
    later = t[sells] + delay[sells] + 60 + rng.lognormal(10, 1.5, sells.size)
    target = rng.choice(services.deposits, n)[who[sells]]
    world.plan.add(later, receiver[sells], target, 1.0, SHARE, asset=bought[sells], after=out[sells])


def visitors(world: World, services: Services, everyone: Users, n: int) -> None:
    """People at a desk: they sell coin for dollars or for cash, or buy coin for cash."""
    rng = world.rng
    t = START + rng.uniform(1, world.days - 1, n) * DAY
    who, desk = people_at(rng, everyone, t, world.days), rng.choice(services.desks, n)
    t = world.moments(who, (t - START) / DAY)
    sells = rng.random(n) < 0.6
    share = rng.beta(2, 2, sells.sum())
    sold = world.plan.add(t[sells], who[sells], desk[sells], share, SHARE, digits=rng.choice([0, 1, 2], sells.sum()))
    paid = np.flatnonzero(rng.random(len(sold)) < adoption.share(world, t[sells], adoption.DOLLARS))
    later = (t[sells] + rng.lognormal(7, 1, len(sold)))[paid]
    rate = world.market.rate(ETH, USDT, later) * 0.99
    world.plan.add(later, desk[sells][paid], who[sells][paid], rate, REPLY, asset=USDT, after=sold[paid])
    amount = round_to(rng.lognormal(0, 1, n - len(sold)) + 0.02, rng.choice([1, 2], n - len(sold)))
    world.plan.add(t[~sells], desk[~sells], who[~sells], amount, EXACT)
