"""The stages on which a decade of thefts is played: two chains, prices over the years, and desks and bridges beside the honest.

The first chain is the simulator's own (coin, dollars, a token); the second has one coin, BTC, and is reached over a bridge.
Days and seconds count from START as everywhere in the simulator; `heists` moves them to the years asked for.
"""

from dataclasses import dataclass, replace

import numpy as np

from . import chain, people, services
from .market import DAY, ETH, Floats, Ints, Market
from .plan import DEPOSIT, EXACT, SHARE, WITHDRAW
from .services import Services
from .world import ALWAYS, START, World

SHARES = {
    "user": 0.5, "deposit": 0.16, "merchant": 0.02, "trader": 0.06, "bot": 0.02, "miner": 0.03,
    "company": 0.04, "mover": 0.04, "private": 0.08, "dealer": 0.01,
}  # fmt: skip
DESKS = 6
DEEP = (5e7, 5e9, 5e9)  # what a pool of the DEX holds at the start
CROSSING_FEE = 0.003
_HABITS = [list(people.HABITS).index(name) for name in ("sociable", "through")]  # those who neither swap nor gamble


class Decade(Market):
    """Prices that swing around a steady rise from `first` to `last` dollars a coin, so that the early years are not worthless."""

    def __init__(self, rng: np.random.Generator, days: int, first: float, last: float, gwei: float) -> None:
        self._days = START + DAY * np.arange(days + 2)
        self._ether = np.geomspace(first, last, days + 2) * _swing(rng, days, 0.035)
        self._gov = 6.0 * _swing(rng, days, 0.05)
        self._gwei = gwei * _swing(rng, days, 0.06)

    def dollars(self, rng: np.random.Generator, asset: Ints, t: Ints, amount: Floats) -> Floats:
        """What a transfer was worth; here always known."""
        return np.round(amount * self.price(asset, t), 2)


def _swing(rng: np.random.Generator, days: int, size: float) -> Floats:
    """A factor a day that wanders about 1 and always comes back."""
    level, path = 0.0, []
    for step in rng.normal(0, size, days + 2).tolist():
        level = 0.994 * level + step
        path.append(level)
    return np.exp(np.array(path))


@dataclass(frozen=True)
class Stage:
    """A chain on which everyone but the thieves has planned, bar what services answer."""

    world: World
    services: Services
    desks: Ints  # dealers over the counter whom thieves know too
    crossing: int  # the bridge between the two chains
    bridge: int  # a bridge to a chain that is not simulated


def main_chain(days: int, wallets: int, seed: np.random.SeedSequence) -> Stage:
    """The first chain: all the honest populations, six desks, two bridges. Token crumbs reach honest wallets only."""
    market, rest = (np.random.default_rng(s) for s in seed.spawn(2))
    world = World(days, Decade(market, days, 250.0, 3000.0, 12.0), rest)
    streams = iter(world.rng.spawn(5))
    n = {name: max(2, round(share * wallets)) for name, share in SHARES.items()}
    s, everyone, _ = chain.plan_honest(world, n, streams)
    world.wallets.funds.update(dict.fromkeys(s.dex.tolist(), DEEP))  # or a large theft could not be swapped
    world.rng = next(streams)
    stage = _with_desks(world, s, everyone, wallets)
    _over_bridges(stage, everyone, wallets)
    services.takings(world, s)
    services.spam(world, s, wallets)
    return stage


def second_chain(days: int, wallets: int, seed: np.random.SeedSequence) -> tuple[Stage, people.People]:
    """The second chain: its coin stands where the first has ETH. Returns its users too."""
    market, rest = (np.random.default_rng(s) for s in seed.spawn(2))
    world = World(days, Decade(market, days, 2500.0, 60_000.0, 3.0), rest)
    s = services.found(world, max(10, wallets // 16), 2)
    n = max(20, wallets // 8)
    start, end = people.lives(world.rng, days, n)
    everyone = people.draw(world, s, world.add(n, "user", "user"), start, end)
    habit = world.rng.choice(_HABITS, n)
    everyone = replace(everyone, habit=habit, token=np.zeros(n), wealth=0.08 * everyone.wealth)
    people.live(world, s, everyone)
    stage = _with_desks(world, s, everyone, wallets // 8)
    services.takings(world, s)
    return stage, everyone


def _with_desks(world: World, s: Services, everyone: people.People, events: int) -> Stage:
    """Desks buy coin from people too, and sell what they have at an exchange every few days."""
    rng = world.rng
    desks = world.add(DESKS, "otc", "desk", hours=ALWAYS)
    t, who = _visits(world, everyone, events)
    world.plan.add(
        t, who, rng.choice(desks, events), rng.beta(2, 2, events), SHARE, digits=rng.choice([0, 1, 2], events)
    )
    for desk, account in zip(desks.tolist(), rng.choice(s.deposits, DESKS).tolist(), strict=True):
        days = np.arange(rng.integers(1, 6), world.days, rng.integers(3, 8)).astype(float)
        sales = world.moments(np.full(len(days), desk), days)
        world.plan.add(sales, desk, account, rng.uniform(0.6, 1.0, len(sales)), SHARE, digits=3)
    bridges = world.add(2, "bridge", "bridge", hours=ALWAYS, contract=True, funds=(4e6, 0.0, 0.0))
    return Stage(world, s, desks, crossing=int(bridges[0]), bridge=int(bridges[1]))


def _over_bridges(stage: Stage, everyone: people.People, events: int) -> None:
    """People send coin to other chains and bring some from there."""
    rng, world = stage.world.rng, stage.world
    t, who = _visits(world, everyone, events)
    to = rng.choice([stage.crossing, stage.bridge], events)
    world.plan.add(t, who, to, rng.beta(2, 2, events), SHARE, digits=rng.choice([0, 2], events), method=DEPOSIT)
    t, who = _visits(world, everyone, events // 2)
    world.plan.add(t, stage.bridge, who, np.round(rng.lognormal(0, 1, len(t)), 4), EXACT, method=WITHDRAW)


def _visits(world: World, everyone: people.People, n: int) -> tuple[Floats, Ints]:
    """n moments over the whole period, and someone who is there at each."""
    t = START + np.sort(world.rng.uniform(1, world.days - 1, n)) * DAY
    return t, people.people_at(world.rng, everyone, t, world.days)


def coin_for_fees(stage: Stage, wallet: int, t: float, amount: float) -> None:
    """Coin withdrawn from an exchange."""
    services.withdraw(stage.world, stage.services, np.array([t]), np.array([wallet]), np.array([amount]), ETH, 2)
