"""Ordinary users: lives, habits, hours. Many look odd and are not: they pass money straight on, gamble, sit still for months."""

from dataclasses import dataclass

import numpy as np

from .market import DAY, ETH, USDC, Floats, Ints
from .plan import BET, EXACT, REPLY, SHARE, SWAP
from .services import Services, withdraw
from .world import START, World

FUND, SHOP, PEER, CASH_OUT, TRADE, PLAY = range(6)
HABITS = {  # how often a person of this habit does each of the six
    "regular": (0.26, 0.38, 0.22, 0.1, 0.03, 0.01),
    "saver": (0.75, 0.03, 0.05, 0.13, 0.04, 0.0),
    "gambler": (0.28, 0.05, 0.07, 0.1, 0.0, 0.5),
    "payee": (0.05, 0.2, 0.22, 0.51, 0.02, 0.0),
    "sociable": (0.22, 0.1, 0.6, 0.08, 0.0, 0.0),
    "through": (0.5, 0.05, 0.2, 0.25, 0.0, 0.0),
}
HABIT_SHARES = (0.33, 0.17, 0.07, 0.16, 0.12, 0.15)
PAYEE, THROUGH = list(HABITS).index("payee"), list(HABITS).index("through")
_TABLE = np.cumsum(np.array(list(HABITS.values())), axis=1)


@dataclass
class People:
    """Users' lives, by position: wallet, first and last day, and the habits drawn for each."""

    wallet: Ints
    start: Floats
    end: Floats
    habit: Ints
    wealth: Floats  # typical sum, ETH
    share: Floats  # of the balance that a payment takes
    digits: Ints
    token: Floats  # chance that a transfer is in USDC
    through: Floats  # chance that money is sent on at once
    hurry: Floats  # seconds until then
    exit: Ints  # where they cash out
    visits: Ints  # sessions in their life


def lives(rng: np.random.Generator, days: int, n: int) -> tuple[Floats, Floats]:
    """First and last day of n wallets: some were there from the first weeks, most come later; nearly half stay only for days."""
    start = np.where(rng.random(n) < 0.2, rng.uniform(0, 20, n), rng.uniform(0, days - 2, n))
    length = np.choose(rng.choice(4, n, p=[0.45, 0.27, 0.17, 0.11]), [
        rng.exponential(8, n), rng.exponential(40, n), rng.exponential(140, n), np.full(n, 2.0 * days)])  # fmt: skip
    return start, np.minimum(start + 0.2 + length, days)


def draw(world: World, s: Services, wallet: Ints, start: Floats, end: Floats, pace: float = 1.0) -> People:
    """Draw the habits of people who live from `start` to `end` (days); `pace` scales how often they do anything."""
    rng, n = world.rng, len(wallet)
    often = rng.lognormal(-1.65, 1.6, n) * pace * (end - start)
    habit = rng.choice(len(HABITS), n, p=HABIT_SHARES)
    return People(
        wallet=wallet,
        start=start,
        end=end,
        habit=habit,
        wealth=rng.lognormal(0.4, 1.8, n),
        share=np.where(rng.random(n) < 0.35, rng.uniform(0.7, 1.0, n), rng.beta(1.2, 3, n)),
        digits=rng.choice([0, 0, 1, 2, 3], n),
        token=rng.choice([0.0, 0.1, 0.7, 1.0], n, p=[0.65, 0.1, 0.1, 0.15]),
        through=np.where(habit == THROUGH, rng.uniform(0.6, 1.0, n), rng.beta(0.4, 2.5, n)),
        hurry=rng.lognormal(8.8, 2.0, n),
        exit=s.deposits[
            (len(s.deposits) * rng.random(n) ** 2).astype(int)
        ],  # some deposit addresses serve many, most few
        visits=1 + np.minimum(rng.poisson(rng.gamma(2.0, 0.5, n) + often), 600),
    )


def _sessions(world: World, p: People) -> tuple[Ints, Floats]:
    """(person, time) of everything that people do: visits on days of their life, each with one to several acts."""
    rng = world.rng
    person = np.repeat(np.arange(len(p.wallet)), p.visits)
    start = world.moments(p.wallet[person], rng.uniform(p.start[person], p.end[person]))
    acts = rng.geometric(0.65, len(person))
    first = np.repeat(np.cumsum(acts) - acts, acts)
    t = np.repeat(start, acts) + (np.arange(acts.sum()) - first) * rng.lognormal(5.7, 1.1, acts.sum())
    return np.repeat(person, acts), t


def live(world: World, s: Services, p: People, paid: bool = True) -> None:
    """Plan everything that these people do; `paid` people are funded first, others only spend what reaches them."""
    rng = world.rng
    person, t = _sessions(world, p)
    act = (rng.random(len(person))[:, None] > _TABLE[p.habit[person]]).sum(1)
    act = np.minimum(act, PLAY)
    token = rng.random(len(person)) < p.token[person]
    if paid:
        _first_funds(world, s, p, person, t)
    _fund(world, s, p, person[act == FUND], t[act == FUND], token[act == FUND])
    for kind in (SHOP, PEER, CASH_OUT):
        _send(world, s, p, kind, person[act == kind], t[act == kind], token[act == kind])
    _trade(world, s, p, person[act == TRADE], t[act == TRADE])
    _play(world, s, p, person[act == PLAY], t[act == PLAY])


def _first_funds(world: World, s: Services, p: People, person: Ints, t: Floats) -> None:
    """Everybody begins with a purchase, or with a present from a friend, shortly before his first act."""
    first = np.full(len(p.wallet), np.inf)
    np.minimum.at(first, person, t)
    who = np.flatnonzero(np.isfinite(first))
    before = first[who] - world.rng.lognormal(7.5, 1.5, len(who))
    _fund(world, s, p, who, before, world.rng.random(len(who)) < p.token[who])


def _fund(world: World, s: Services, p: People, who: Ints, t: Floats, token: np.ndarray) -> None:
    """Withdrawals from an exchange to oneself; some send the money on at once, all but a crumb of it."""
    rng = world.rng
    amount = p.wealth[who] * rng.lognormal(0, 0.5, len(who)) + 0.02
    asset = np.where(token, USDC, ETH)
    rows = withdraw(world, s, t, p.wallet[who], amount * np.where(token, 1800, 1), asset, p.digits[who])
    world.plan.add(t[token] - rng.integers(100, 4000, token.sum()), rng.choice(s.hot, token.sum()), p.wallet[who[token]],
                   rng.choice([0.02, 0.05, 0.1], token.sum()), EXACT)  # fmt: skip
    on = rng.random(len(who)) < p.through[who]
    later = t[on] + 60 + p.hurry[who[on]] * rng.lognormal(0, 0.7, on.sum())
    target = np.where(rng.random(on.sum()) < 0.5, p.exit[who[on]], _friends(world, p, who[on], later))
    share = rng.choice([1.0, 0.98, 0.9, 0.8], on.sum(), p=[0.5, 0.2, 0.2, 0.1])
    world.plan.add(later, p.wallet[who[on]], target, share, SHARE, asset=asset[on], after=rows[on])


def people_at(rng: np.random.Generator, p: People, t: Floats, days: int) -> Ints:
    """For each moment the wallet of someone who is there at the time, drawn at random."""
    day = np.clip((np.asarray(t) - START) / DAY, 0, days - 0.01)
    found = rng.integers(0, len(p.wallet), len(day))
    for _ in range(40):
        absent = np.flatnonzero((p.start[found] > day) | (p.end[found] <= day))
        found[absent] = rng.integers(0, len(p.wallet), len(absent))
    return p.wallet[found]


def _friends(world: World, p: People, who: Ints, t: Floats) -> Ints:
    """Whom people pay: a few friends each, who came to the chain at about the same time."""
    by_start = np.argsort(p.start)
    rank = np.empty(len(by_start), dtype=np.int64)
    rank[by_start] = np.arange(len(by_start))
    nth = world.rng.integers(1, 6, len(who))
    step = 1 + (p.wallet[who] * 7919 + nth * 104_729) % 37
    friend = by_start[(rank[who] + step) % len(by_start)]
    there = (p.start[friend] <= (t - START) / DAY) & (p.end[friend] > (t - START) / DAY)
    return np.where(there, p.wallet[friend], people_at(world.rng, p, t, world.days))


def _send(world: World, s: Services, p: People, kind: int, who: Ints, t: Floats, token: np.ndarray) -> None:
    """Pay a shop, a friend, or sell at an exchange."""
    rng = world.rng
    shops = s.merchants[(p.wallet[who] * 31 + rng.integers(0, 4, len(who)) ** 2) % len(s.merchants)]
    target = {SHOP: lambda: shops, PEER: lambda: _friends(world, p, who, t), CASH_OUT: lambda: p.exit[who]}[kind]()
    share = p.share[who] * rng.uniform(0.5, 1.2, len(who))
    share = np.where(rng.random(len(who)) < (0.45 if kind == CASH_OUT else 0.1), 1.0, np.clip(share, 0.01, 1.0))
    world.plan.add(
        t,
        p.wallet[who],
        target,
        share,
        SHARE,
        asset=np.where(token, USDC, ETH),
        digits=np.where(share < 1, p.digits[who], 0),
    )


def _trade(world: World, s: Services, p: People, who: Ints, t: Floats) -> None:
    """A swap now and then, coin to dollar token or back."""
    rng = world.rng
    swap(world, s, p.wallet[who], t, rng.choice([ETH, USDC], len(who)), rng.beta(2, 2, len(who)))


def swap(
    world: World, s: Services, wallet: Ints, t: Floats, sold: Ints, share: Floats, bought: Ints | None = None
) -> Ints:
    """Swaps at the DEX, both legs in one transaction; returns the rows of what was bought."""
    bought = np.where(sold == ETH, USDC, ETH) if bought is None else bought
    pool = s.dex[sold + bought - 1]
    give = world.plan.add(t, wallet, pool, share, SHARE, asset=sold, method=SWAP)
    rate = world.market.rate(sold, bought, t) * (0.997 + world.rng.normal(0, 0.002, len(t)))
    return world.plan.add(t, pool, wallet, rate, REPLY, asset=bought, after=give, method=SWAP)


def _play(world: World, s: Services, p: People, who: Ints, t: Floats) -> None:
    """Bets of a few fixed sizes; two in five win, and are paid a minute later."""
    rng = world.rng
    casino = rng.choice(s.casinos, len(who))
    stake = rng.choice([0.01, 0.05, 0.1, 0.5], len(who))
    bet = world.plan.add(t, p.wallet[who], casino, stake, EXACT, method=BET)
    won = rng.random(len(who)) < 0.4
    odds = rng.choice([1.5, 2.0, 3.0], won.sum())
    world.plan.add(
        t[won] + rng.integers(20, 120, won.sum()), casino[won], p.wallet[who[won]], odds, REPLY, after=bet[won]
    )
