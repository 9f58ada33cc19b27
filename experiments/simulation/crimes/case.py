"""One criminal case: the party, its victims, when it began and how many wallets it may use; and how loot comes in."""

from dataclasses import dataclass

import numpy as np

from ..engine.adoption import DOLLARS, share, stable
from ..engine.market import DAY, ETH, Floats, Ints
from ..engine.services import Services, withdraw
from ..engine.settlement import TOKEN_GAS
from ..engine.transfer_plan import EXACT
from ..engine.world import START, World
from ..parties.holding import Holding
from ..parties.party import Party, drawing
from ..people.users import Users, draw_users, people_at, plan_lives

VICTIM_USD, MAX_VICTIM_USD = 500.0, 5e5  # what a victim has to lose: median and maximum
LEVELS, SPREADS = 1.7, (0.3, 2.0)  # sigma of the log-normal of it between cases, and within one
WHOLE_BALANCE = 2.0  # times what a victim is known to have, which is all of it unless the victim is a whale
CHOICES = 5  # of people for each victim
GAS_TRANSFERS = 8  # token transfers whose fees victims can pay


@dataclass(frozen=True)
class Stage:
    """What cases of a district have in common.

    Attributes:
        collectors: people who have NFTs; buyers: people on the UTXO chain; market: the darknet market where they buy.
    """

    world: World
    services: Services
    people: Users
    collectors: Ints
    buyers: Ints
    market: int


@dataclass(frozen=True)
class CrimeCase:
    """One case, and the party at work on it.

    Attributes:
        t: the second at which it begins; size: about how many wallets it may use.
        level: how rich its victims are, as a factor; spread: how much they differ, sigma of a log-normal.
    """

    stage: Stage
    party: Party
    t: float
    size: int
    level: float
    spread: float

    @property
    def rng(self) -> np.random.Generator:
        """For what happens in the case."""
        return self.party.rng

    @property
    def year(self) -> float:
        """The calendar year in which it begins."""
        return float(self.stage.world.year(self.t))

    def usual(self, curve: tuple[tuple[float, ...], tuple[float, ...]]) -> float:
        """How far a habit is spread when it begins."""
        return float(share(self.stage.world, self.t, curve))

    def currency(self) -> int:
        """Coin, or the dollar token of the time."""
        with drawing(self.stage.world, self.rng):
            dollars = int(stable(self.stage.world, np.array([self.t]))[0])
        return dollars if self.rng.random() < 0.7 * self.usual(DOLLARS) else ETH

    def units(self, dollars: float, asset: int, t: float | None = None) -> float:
        """Whole units of an asset that are worth this many dollars."""
        price = float(self.stage.world.market.price(asset, self.t if t is None else t))
        return dollars / price if price else 0.0

    def victims(self, t: Floats) -> Ints:
        """For each second someone who is there, as far as possible everyone once."""
        world, seen, found = self.stage.world, set[int](), []
        several = people_at(self.rng, self.stage.people, np.repeat(t, CHOICES), world.days).reshape(len(t), CHOICES)
        for choices in several.tolist():
            found.append(next((wallet for wallet in choices if wallet not in seen), choices[0]))
            seen.add(found[-1])
        return np.array(found, dtype=np.int64)

    def wealth(self, n: int) -> Floats:
        """Dollars that each of n victims has to lose."""
        return np.minimum(MAX_VICTIM_USD, VICTIM_USD * self.level * self.rng.lognormal(0, self.spread, n))

    def bought(self, victims: Ints, t: Floats, amount: Floats, asset: int) -> None:
        """What victims lose by the second t they bought at an exchange, minutes to days before, with coin for fees."""
        world, before = self.stage.world, t - np.exp(self.rng.uniform(np.log(900), np.log(3 * DAY), len(t)))
        with drawing(world, self.rng):
            withdraw(world, self.stage.services, before, victims, amount, asset, self.rng.choice([0, 1, 2, 3], len(t)))
            if asset != ETH:
                gas = self.party.fees(self.t, TOKEN_GAS * GAS_TRANSFERS)
                withdraw(world, self.stage.services, before - 600, victims, np.full(len(t), gas), ETH, 1)

    def grab(self, t: float, victim: int, thief: int, amount: float, asset: int) -> Holding:
        """A sum is stolen at once."""
        with self.party.phase("theft"):
            self.stage.world.plan.add_one(t, victim, thief, amount, EXACT, asset=asset)
        return self.party.took(Holding(thief, t, amount, asset))


def begin(stage: Stage, party: Party, t: float, size: int) -> CrimeCase:
    """A case of which no more is known than how rich its victims are."""
    return CrimeCase(stage, party, t, size, float(party.rng.lognormal(0, LEVELS)), float(party.rng.uniform(*SPREADS)))


def campaign(rng: np.random.Generator, t: float, days: float, n: int) -> Floats:
    """n seconds of this many days in their order, the first of them t: in waves, with lulls between."""
    gaps = rng.lognormal(0, rng.uniform(1.0, 3.2), n)
    gaps[0] = 0.0
    return t + DAY * days * np.cumsum(gaps) / max(gaps.sum(), 1e-9)


def cover(case: CrimeCase) -> None:
    """Some helpers have an ordinary life beside."""
    stage, rng = case.stage, case.rng
    idle = np.array(case.party.idle, dtype=np.int64)
    recruits = idle[rng.random(len(idle)) < 0.25]
    if not recruits.size:
        return
    day, n = (case.t - START) / DAY, len(recruits)
    start = np.maximum(0.0, day - rng.exponential(40, n))
    end = np.minimum(stage.world.days, day + rng.exponential(60, n) + 1)
    with drawing(stage.world, rng):
        life = draw_users(stage.world, stage.services, recruits, np.minimum(start, end - 0.5), end, pace=0.5)
        plan_lives(stage.world, stage.services, life)
