"""Ordinary users: lives, habits, and whom they deal with. Many look odd and are not: they pass money straight on, gamble.

What they do with coin follows habits fitted to real wallets (habits.py, intended_transfers.py). Tokens, swaps and bets come
on top, by hand.
"""

from dataclasses import dataclass

import numpy as np

from ..engine import adoption
from ..engine.market import DAY, ETH, USDC, Floats, Ints
from ..engine.services import Services, withdraw
from ..engine.transfer_plan import BET, EXACT, REPLY, SHARE, SWAP, UP_TO
from ..engine.world import START, World
from .habits import LICIT, Characters, characters, life_days
from .intended_transfers import IntendedTransfers, intended_transfers_of

REGULAR, PAYEE, GAMBLER, TRADER, SOCIABLE = range(5)
SHARES = (0.86, 0.02, 0.03, 0.04, 0.05)
_BATCH = 2_500  # users whose lives are planned at once
_NEAR = 160  # payments among which senders and receivers are paired
_SOON = 1.0  # days between the two at most
_LIKE = 0.35  # most that their sums differ by, as a difference of logarithms
_FEE = 0.002  # ETH set aside for each payment
_OWN, _SHOP, _FRIEND, _CASINO, _OTHER = range(5)
_REGULARS = np.cumsum([0.5, 0.2, 0.08, 0.05])  # whom people pay again and again; the rest: someone else's address
_POOLED = 0.35  # of those who are paid again and again, how many by a pool of miners and not by an exchange


@dataclass
class Users:
    """Users' lives, by position: wallet, first and last day, and what was drawn for each."""

    wallet: Ints
    start: Floats
    end: Floats
    habit: Ints
    who: Characters
    noon: Floats  # hour (UTC) around which they are busy
    token: Floats  # visits a day for tokens, swaps or bets
    exit: Ints  # where they cash out
    pace: float


def lifetimes(rng: np.random.Generator, days: int, n: int, growth: float = 1.0) -> tuple[Floats, Floats]:
    """First and last day of n wallets: some were there from the first weeks, most come later.

    Args:
        growth: how many times as many come in a day at the end as at the beginning.
    """
    luck = rng.random(n)
    late = luck if growth == 1.0 else np.log1p(luck * (growth - 1)) / np.log(growth)
    start = np.where(rng.random(n) < 0.2, rng.uniform(0, 20, n), late * (days - 2))
    return start, np.minimum(start + 0.2 + life_days(rng, LICIT, n), days)


def draw_users(world: World, services: Services, wallet: Ints, start: Floats, end: Floats, pace: float = 1.0) -> Users:
    """Draw the habits of people who live from `start` to `end` (days); `pace` scales how often they do anything."""
    rng, n = world.rng, len(wallet)
    zone = world.wallets.zone[wallet]
    return Users(
        wallet=wallet, start=start, end=end, habit=rng.choice(len(SHARES), n, p=SHARES), who=characters(rng, LICIT, n),
        noon=15.5 - zone + rng.normal(0, 2.5, n),
        token=np.where(rng.random(n) < 0.12, rng.lognormal(-3.5, 1.0, n), 0.0),
        exit=services.deposits[(len(services.deposits) * rng.random(n) ** 2).astype(int)],  # some addresses serve many, most few
        pace=pace,
    )  # fmt: skip


def plan_lives(world: World, services: Services, p: Users, paid: bool = True) -> None:
    """Plan everything that these people do; `paid` people are funded first, others only spend what reaches them."""
    for begin in range(0, len(p.wallet), _BATCH):
        part = np.arange(begin, min(begin + _BATCH, len(p.wallet)))
        who = Characters(p.who.profile[part], p.who.lasting[part])
        acts = intended_transfers_of(world.rng, who, (p.start[part], p.end[part]), p.noon[part], p.pace)
        acts.who += begin
        if paid:
            _carry(world, services, p, acts)
        else:
            _spend(world, services, p, acts[acts.out])
    _extras(world, services, p)


def _seconds(t: Floats) -> Floats:
    return START + t * DAY


def _carry(world: World, services: Services, p: Users, acts: IntendedTransfers) -> None:
    """Pair those who pay someone once with those whom someone pays once; all others deal with services."""
    paying, paid = _pairs(world.rng, acts)
    acts.t[paid] = acts.t[paying] = (acts.t[paid] + acts.t[paying]) / 2
    acts.amount[paid] = acts.amount[paying]
    _savings(world, services, p, acts)
    world.plan.add(
        _seconds(acts.t[paying]), p.wallet[acts.who[paying]], p.wallet[acts.who[paid]], acts.amount[paying], UP_TO
    )
    alone = np.ones(len(acts.t), dtype=np.bool_)
    alone[paying] = alone[paid] = False
    _receive(world, services, p, acts[alone & ~acts.out])
    _pay(world, services, p, acts[alone & acts.out])


def _pairs(rng: np.random.Generator, acts: IntendedTransfers) -> tuple[Ints, Ints]:
    """Outs and ins among people, paired: near in time, and of like size among those that are."""
    sides = []
    paying = np.flatnonzero(acts.out & acts.once & ~acts.forward)
    paid = np.flatnonzero(~acts.out & acts.once)
    n = min(len(paying), len(paid))
    for rows in (paying, paid):
        rows = rng.permutation(rows)[:n]
        rows = rows[np.argsort(acts.t[rows], kind="stable")]
        sides.append(rows[np.lexsort((acts.amount[rows], np.arange(n) // _NEAR))])
    paying, paid = sides
    like = np.abs(np.log(acts.amount[paying] / acts.amount[paid])) < _LIKE
    kept = like & (acts.who[paying] != acts.who[paid]) & (np.abs(acts.t[paying] - acts.t[paid]) < _SOON)
    return paying[kept], paid[kept]


def _savings(world: World, services: Services, p: Users, acts: IntendedTransfers) -> None:
    """Who spends more than he receives has bought as much shortly before he begins."""
    rng = world.rng
    order = np.lexsort((acts.t, acts.who))
    change = np.where(acts.out, -acts.amount - _FEE, acts.amount)[order]
    who, first = np.unique(acts.who[order], return_index=True)
    if not len(who):
        return
    total = np.cumsum(change)
    before = (total - change)[first]
    lowest = np.minimum.reduceat(total, first) - before
    short = np.flatnonzero(lowest < 0)
    t = _seconds(acts.t[order][first[short]]) - rng.lognormal(8.5, 1.5, len(short))
    amount = -lowest[short] * rng.lognormal(0.15, 0.15, len(short)) + 0.01
    withdraw(
        world, services, np.maximum(t, START), p.wallet[who[short]], amount, ETH, rng.choice([0, 0, 2, 3], len(short))
    )


def _hash(*numbers: Ints) -> Floats:
    """A number in [0, 1) for each combination of whole numbers, the same whenever it is asked for."""
    mixed = np.zeros(len(numbers[0]), dtype=np.uint64)
    for number in numbers:
        mixed = (mixed ^ number.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(11)) / 2.0**53


def _receive(world: World, services: Services, p: Users, acts: IntendedTransfers) -> None:
    """From an exchange or a pool of miners, for each counterparty always the same."""
    wallet = p.wallet[acts.who]
    luck = _hash(wallet, acts.other)
    pool = services.pools[(len(services.pools) * _hash(acts.other, wallet)).astype(int)]
    hot = services.hot[(len(services.hot) * luck**1.5).astype(int)]
    mined = world.year(_seconds(acts.t)) < adoption.END_OF_MINING
    sender = np.where((_hash(wallet, acts.other + 7) < _POOLED) & ~acts.once & mined, pool, hot)
    world.plan.add(_seconds(acts.t), sender, wallet, acts.amount, EXACT)


def _payees(world: World, services: Services, p: Users, acts: IntendedTransfers) -> Ints:
    """Whom people pay: strangers once, and a few of their own again and again."""
    wallet, t = p.wallet[acts.who], _seconds(acts.t)
    luck, rng = _hash(wallet, acts.other + 3), world.rng
    kind = np.where(acts.once, _OTHER, np.searchsorted(_REGULARS, _hash(acts.other + 1, wallet)))
    kind = np.where((kind == _CASINO) & (p.habit[acts.who] != GAMBLER), _OWN, kind)
    own = np.where(acts.other == 0, p.exit[acts.who], services.deposits[(len(services.deposits) * luck).astype(int)])
    shop = services.merchants[(len(services.merchants) * luck).astype(int)]
    sociable = _open(p)
    friend = p.wallet[sociable[(len(sociable) * luck).astype(int)]]
    stranger = np.where(
        rng.random(len(t)) < 0.8, rng.choice(services.deposits, len(t)), rng.choice(services.merchants, len(t))
    )
    known = services.deposits[(len(services.deposits) * luck**2).astype(int)]
    other = np.where(acts.once, stranger, known)
    return np.choose(kind, [own, shop, friend, services.casinos[(len(services.casinos) * luck).astype(int)], other])


def _pay(world: World, services: Services, p: Users, acts: IntendedTransfers) -> None:
    """The sum meant, or what there is of it."""
    target = _payees(world, services, p, acts)
    world.plan.add(_seconds(acts.t), p.wallet[acts.who], target, acts.amount, UP_TO)


def _spend(world: World, services: Services, p: Users, acts: IntendedTransfers) -> None:
    """Parts of what there is, now and then all of it."""
    rng, n = world.rng, len(acts.t)
    share = np.where(rng.random(n) < 0.35, 1.0, rng.beta(1.2, 2.0, n))
    digits = np.where(share < 1, rng.choice([0, 0, 1, 2], n), 0)
    world.plan.add(_seconds(acts.t), p.wallet[acts.who], _payees(world, services, p, acts), share, SHARE, digits=digits)


def people_at(rng: np.random.Generator, p: Users, t: Floats, days: int) -> Ints:
    """For each moment the wallet of someone who deals with strangers and is there at the time, drawn at random."""
    day = np.clip((np.asarray(t) - START) / DAY, 0, days - 0.01)
    among = _open(p)
    return p.wallet[among[adoption.present(rng, p.start[among], p.end[among], day)]]


def _open(p: Users) -> Ints:
    """Positions of people who deal with anybody: most do not."""
    among = np.flatnonzero(p.habit == SOCIABLE)
    return among if among.size else np.arange(len(p.wallet))


def _extras(world: World, services: Services, p: Users) -> None:
    """Tokens, swaps and bets, as far as they were usual at the time."""
    rng = world.rng
    rate = p.token + np.isin(p.habit, (GAMBLER, TRADER)) * 0.05
    visits = np.minimum(rng.poisson(rate * np.minimum(p.end - p.start, 400) * p.pace), 200)
    who = np.repeat(np.arange(len(p.wallet)), visits)
    t = world.moments(p.wallet[who], rng.uniform(p.start[who], p.end[who]))
    bets = (p.habit[who] == GAMBLER) & (rng.random(len(who)) < 0.8)
    _play(world, services, p, who[bets], t[bets])
    swaps = ~bets & (
        rng.random(len(who)) < np.where(p.habit[who] == TRADER, 0.8, 0.25) * adoption.share(world, t, adoption.DEX)
    )
    _trade(world, services, p, who[swaps], t[swaps])
    dollars = ~bets & ~swaps & (rng.random(len(who)) < adoption.share(world, t, adoption.DOLLARS))
    _dollars(world, services, p, who[dollars], t[dollars])


def _dollars(world: World, services: Services, p: Users, who: Ints, t: Floats) -> None:
    """Dollar tokens bought at an exchange, with coin for fees, and paid away later in part or whole."""
    rng, n = world.rng, len(who)
    asset = adoption.stable(world, t, _hash(p.wallet[who], p.wallet[who]))
    amount = rng.lognormal(6.5, 1.6, n)
    withdraw(world, services, t, p.wallet[who], amount, asset, rng.choice([0, 1, 2], n))
    few = np.flatnonzero(rng.random(n) < 0.4)
    t_fee, coin = t[few] - rng.integers(100, 4000, few.size), rng.lognormal(-3.5, 0.7, few.size)
    world.plan.add(t_fee, rng.choice(services.hot, few.size), p.wallet[who[few]], coin, EXACT)
    later = t + rng.lognormal(10.5, 2.0, n)
    target = np.where(rng.random(n) < 0.6, p.exit[who], people_at(rng, p, later, world.days))
    share = np.where(rng.random(n) < 0.5, 1.0, rng.beta(1.5, 1.5, n))
    world.plan.add(later, p.wallet[who], target, share, SHARE, asset=asset, digits=np.where(share < 1, 2, 0))


def _trade(world: World, services: Services, p: Users, who: Ints, t: Floats) -> None:
    """A swap now and then, coin to dollar token or back."""
    rng = world.rng
    swap(world, services, p.wallet[who], t, rng.choice([ETH, USDC], len(who)), rng.beta(1, 4, len(who)))


def swap(
    world: World, services: Services, wallet: Ints, t: Floats, sold: Ints, share: Floats, bought: Ints | None = None
) -> Ints:
    """Swaps at the DEX, both legs in one transaction; returns the rows of what was bought."""
    bought = np.where(sold == ETH, USDC, ETH) if bought is None else bought
    pool = services.dex[np.maximum(sold, bought)]
    give = world.plan.add(t, wallet, pool, share, SHARE, asset=sold, method=SWAP)
    rate = world.market.rate(sold, bought, t) * (0.997 + world.rng.normal(0, 0.002, len(t)))
    return world.plan.add(t, pool, wallet, rate, REPLY, asset=bought, after=give, method=SWAP)


def _play(world: World, services: Services, p: Users, who: Ints, t: Floats) -> None:
    """Bets of a few fixed sizes; two in five win, and are paid a minute later."""
    rng = world.rng
    casino = rng.choice(services.casinos, len(who))
    stake = rng.choice([0.01, 0.05, 0.1, 0.5], len(who))
    bet = world.plan.add(t, p.wallet[who], casino, stake, EXACT, method=BET)
    won = rng.random(len(who)) < 0.4
    odds = rng.choice([1.5, 2.0, 3.0], won.sum())
    world.plan.add(
        t[won] + rng.integers(20, 120, won.sum()), casino[won], p.wallet[who[won]], odds, REPLY, after=bet[won]
    )
