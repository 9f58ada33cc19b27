"""The places money comes from and goes to: exchanges, merchants, payroll, pools of miners, mixers, DEX pools, gambling, spam.

Services answer what others plan (`sweeps` comes last, when every deposit is planned). None of them launders.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .market import DAY, ETH, GOV, USDC, Floats, Ints
from .plan import EXACT, SHARE
from .world import ALWAYS, OFFICE, START, World

DENOMINATIONS = np.array([0.1, 1.0, 10.0, 100.0])  # of the mixer's pools, in ETH
RELAYER_FEE = 0.004
EXCHANGE_SHARES = (0.4, 0.25, 0.15, 0.12, 0.08)
_HUB = (5e6, 5e8, 5e8)
_POOL = (1e6, 1e9, 2e8)


@dataclass
class Services:
    """Numbers of the wallets of each service."""

    hot: Ints
    hot_fee: Floats  # ETH kept back from a withdrawal
    deposits: Ints
    deposit_hot: Ints  # the hot wallet that each deposit address sweeps to
    merchants: Ints
    dex: Ints  # the pool of coin and USDC, the pool of coin and GOV
    mixers: Ints
    relayers: Ints
    casinos: Ints
    vaults: Ints
    spammer: int


def found(world: World, deposits: int, merchants: int) -> Services:
    """Set up all services; the big ones hold money from before the chain's first day."""
    rng = world.rng
    hot = world.add(5, "exchange", "exchange", hours=ALWAYS, funds=_HUB)
    swept = rng.choice(5, deposits, p=EXCHANGE_SHARES)
    return Services(
        hot=hot,
        hot_fee=np.array([0.005, 0.0, 0.002, 0.01, 0.0]),
        deposits=world.add(deposits, "exchange_deposit", "exchange_deposit", hours=ALWAYS),
        deposit_hot=hot[swept],
        merchants=world.add(merchants, "merchant", "merchant"),
        dex=world.add(2, "service", "dex", hours=ALWAYS, contract=True, funds=_POOL),
        mixers=world.add(4, "mixer", "mixer", hours=ALWAYS, contract=True, funds=(2_000.0, 0.0, 0.0)),
        relayers=world.add(2, "service", "relayer", hours=ALWAYS),
        casinos=world.add(2, "service", "casino", hours=ALWAYS, contract=True, funds=(2e4, 1e6, 0.0)),
        vaults=world.add(4, "service", "vault", hours=ALWAYS, contract=True, funds=(3e5, 3e8, 0.0)),
        spammer=int(world.add(1, "service", "spammer", hours=ALWAYS, funds=(1e3, 0.0, 5e7))[0]),
    )


def withdraw(
    world: World, s: Services, t: Floats, receiver: Ints, amount: Floats, asset: npt.ArrayLike, digits: npt.ArrayLike
) -> Ints:
    """Exchange withdrawals: people ask for round amounts, and some exchanges keep their fee back from them. Returns the rows."""
    asset = np.broadcast_to(asset, len(t))
    pick = world.rng.choice(5, len(t), p=EXCHANGE_SHARES)
    fee = s.hot_fee[pick] * np.where(asset == USDC, 800.0, 1.0)
    asked = round_to(amount, np.broadcast_to(digits, len(t)))
    return world.plan.add(t, s.hot[pick], receiver, np.where(asked > 2 * fee, asked - fee, asked), EXACT, asset=asset)


def round_to(amount: Floats, digits: Ints) -> Floats:
    """Amounts > 0 rounded to so many significant digits each (0 = six)."""
    scale = 10.0 ** (np.where(digits == 0, 6, digits) - 1 - np.floor(np.log10(amount)))
    return np.round(amount * scale) / scale


def payroll(world: World, s: Services, payees: Ints, start: Floats, end: Floats) -> None:
    """Employers pay their people on one day of every month, in one go; the money comes from an exchange just before."""
    rng = world.rng
    employers = world.add(max(2, len(payees) // 40), "merchant", "payroll", hours=OFFICE)
    employer = rng.integers(0, len(employers), len(payees))
    salary = round_to(rng.lognormal(0.6, 0.6, len(payees)), np.full(len(payees), 2))
    asset = rng.choice([ETH, USDC], len(employers), p=[0.5, 0.5])
    for month in range(world.days // 30 + 1):
        for k, boss in enumerate(employers):
            day = 30.0 * month + k % 28
            paid = np.flatnonzero((employer == k) & (start <= day) & (end > day))
            if not paid.size:
                continue
            t = float(world.moments(np.array([boss]), np.array([day]))[0])
            amount = salary[paid] * (1 if asset[k] == ETH else 2000)
            withdraw(world, s, np.array([t - 5400.0]), np.array([boss]), np.array([amount.sum() * 1.2]), asset[k], 2)
            withdraw(world, s, np.array([t - 5300.0]), np.array([boss]), np.array([0.01 * len(paid)]), ETH, 0)
            gaps = np.cumsum(rng.integers(5, 40, paid.size))
            world.plan.add(t + gaps, boss, payees[paid], amount, EXACT, asset=int(asset[k]))
            if asset[k] != ETH:
                world.plan.add(t + gaps + rng.integers(60, 900), boss, payees[paid], 0.02, EXACT)  # coin for fees


def takings(world: World, s: Services) -> None:
    """Merchants bring what they took to an exchange every few days, and pay a supplier now and then."""
    rng = world.rng
    for shop in s.merchants:
        every = rng.choice([1, 2, 7, 14], p=[0.2, 0.2, 0.4, 0.2])
        days = np.arange(rng.integers(0, every + 1), world.days, every).astype(float)
        t = world.moments(np.full(len(days), shop), days)
        target = rng.choice(s.deposits)
        for asset in (ETH, USDC):
            world.plan.add(
                t + 300 * asset,
                shop,
                target,
                rng.uniform(0.5, 1.0, len(t)),
                SHARE,
                asset=asset,
                digits=rng.choice([0, 0, 2]),
            )
        supplier = rng.choice(s.merchants, len(t))
        other = (supplier != shop) & (rng.random(len(t)) < 0.3)
        world.plan.add(t[other] - 4000, shop, supplier[other], rng.uniform(0.05, 0.4, other.sum()), SHARE, digits=2)
        withdraw(world, s, t[:1] - 7200, np.array([shop]), np.array([0.3]), ETH, 2)  # for fees on tokens


def mining(world: World, s: Services, miners: Ints, start: Floats, end: Floats) -> None:
    """A pool pays its miners in batches, to the minute; they sell when they please."""
    rng = world.rng
    pools = world.add(2, "miner", "mining_pool", hours=ALWAYS, funds=(2e5, 0.0, 0.0))
    home, power = rng.integers(0, 2, len(miners)), rng.lognormal(-2.2, 0.9, len(miners))
    every = np.array([3, 7])
    for k, pool in enumerate(pools):
        mine = np.flatnonzero(home == k)
        for day in range(0, world.days, int(every[k])):
            paid = mine[(start[mine] <= day) & (end[mine] > day)]
            t = START + day * DAY + 3 * 3600 + 7200 * k + np.arange(paid.size) * 13
            world.plan.add(t, pool, miners[paid], power[paid] * every[k] * rng.uniform(0.8, 1.2, paid.size), EXACT)
    sales = rng.poisson((end - start) / rng.choice([4, 10, 30, 90], len(miners))) + 1
    who = np.repeat(np.arange(len(miners)), sales)
    t = world.moments(miners[who], rng.uniform(start[who], end[who]))
    digits = rng.choice([0, 0, 2], len(miners))
    world.plan.add(
        t, miners[who], rng.choice(s.deposits, len(miners))[who], rng.beta(2, 0.6, len(who)), SHARE, digits=digits[who]
    )


def spam(world: World, s: Services, n: int) -> None:
    """Token crumbs that no one asked for, sent to wallets big and small soon after they received something."""
    rng, rows = world.rng, world.plan.columns()
    shuffled = rng.permutation(len(rows["t"]))
    wallets, place = np.unique(rows["receiver"][shuffled], return_index=True)
    picked = rng.integers(0, len(wallets), n)
    t = rows["t"][shuffled[place[picked]]] + rng.exponential(2 * DAY, n)
    world.plan.add(t, s.spammer, wallets[picked], rng.choice([1.0, 5.0, 12.5], n), EXACT, asset=GOV)


def sweeps(world: World, s: Services) -> None:
    """Deposits are swept to their exchange's hot wallet within minutes to hours; a token's sweep first needs coin for its fee."""
    rng, rows = world.rng, world.plan.columns()
    index = np.full(len(world.wallets), -1)
    index[s.deposits] = np.arange(len(s.deposits))
    found = np.flatnonzero((index[rows["receiver"]] >= 0) & (rows["t"] < world.end))
    which, asset = index[rows["receiver"][found]], rows["asset"][found]
    hot = s.deposit_hot[which]
    patience = np.array([300.0, 900.0, 3600.0, 14_400.0, 40_000.0])[np.searchsorted(s.hot, hot)]
    t = rows["t"][found] + 60 + rng.exponential(patience)
    token = asset != ETH
    gas = world.plan.add(t[token], hot[token], s.deposits[which[token]], 0.015, EXACT, after=found[token])
    world.plan.add(t[token] + rng.integers(60, 400, token.sum()), s.deposits[which[token]], hot[token], 1.0, SHARE,
                   asset=asset[token], after=gas)  # fmt: skip
    world.plan.add(t[~token], s.deposits[which[~token]], hot[~token], 1.0, SHARE, after=found[~token])
