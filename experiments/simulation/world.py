"""The stage: wallets and what is true of them, the hours people keep, the market, the plan. Knows no population."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .market import DAY, Floats, Ints, Market
from .plan import Plan

START = 1_609_459_200  # 2021-01-01 UTC

AWAKE, OFFICE, EVENING, ALWAYS = range(4)
_HOUR = np.arange(24)
HOURS = np.stack([
    0.03 + np.exp(-(((_HOUR - 15.5) / 5.0) ** 2)) + 0.6 * np.exp(-(((_HOUR - 21) / 2.0) ** 2)),
    0.02 + ((_HOUR >= 9) & (_HOUR < 18)) * np.where(_HOUR == 12, 0.5, 1.0),
    0.03 + np.exp(-((((_HOUR - 22 + 12) % 24 - 12) / 3.0) ** 2)),
    np.ones(24),
])  # fmt: skip
WEEKEND = np.array([1.0, 0.15, 1.2, 1.0])  # how busy a weekend day is
ZONES = np.array([-8, -5, -3, 0, 1, 2, 3, 5, 8, 9])
ZONE_SHARES = np.array([0.09, 0.16, 0.06, 0.1, 0.14, 0.06, 0.07, 0.07, 0.13, 0.12])


@dataclass
class Wallets:
    """What is true of each wallet, by its number."""

    category: list[str] = field(default_factory=list)
    actor: list[str] = field(default_factory=list)
    case: list[str] = field(default_factory=list)
    population: list[str] = field(default_factory=list)
    zone: list[int] = field(default_factory=list)
    hours: list[int] = field(default_factory=list)
    tip: list[float] = field(default_factory=list)
    contract: list[bool] = field(default_factory=list)
    funds: dict[int, tuple[float, float, float]] = field(default_factory=dict)  # whole units held at the start
    case_start: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.category)


@dataclass
class World:
    """A chain of `days` days from START on; every population draws from a generator of its own."""

    days: int
    market: Market
    rng: np.random.Generator
    wallets: Wallets = field(default_factory=Wallets)
    plan: Plan = field(default_factory=Plan)

    @property
    def end(self) -> int:
        """Unix second at which the chain ends (not part of it)."""
        return START + self.days * DAY

    def add(
        self,
        n: int,
        category: str,
        population: str,
        *,
        zone: npt.ArrayLike | None = None,
        hours: npt.ArrayLike | None = None,
        actor: str = "",
        case: str = "",
        contract: bool = False,
        funds: tuple[float, float, float] | None = None,
    ) -> Ints:
        """Add n wallets; zones and hours are drawn from what people have unless given. Returns their numbers."""
        w, first = self.wallets, len(self.wallets)
        w.category += [category] * n
        w.population += [population] * n
        w.actor += [actor] * n
        w.case += [case] * n
        w.contract += [contract] * n
        drawn = self.rng.choice(ZONES, n, p=ZONE_SHARES)
        w.zone += np.broadcast_to(drawn if zone is None else np.asarray(zone), n).tolist()
        drawn = self.rng.choice([AWAKE, OFFICE, EVENING], n, p=[0.6, 0.15, 0.25])
        w.hours += np.broadcast_to(drawn if hours is None else np.asarray(hours), n).tolist()
        w.tip += self.rng.lognormal(0.05, 0.2, n).tolist()
        numbers = np.arange(first, first + n)
        if funds:
            w.funds.update(dict.fromkeys(numbers.tolist(), funds))
        return numbers

    def moments(self, wallets: Ints, day: Floats) -> Floats:
        """Unix seconds on the given days (from START, whole part counts) at hours that the wallets' owners keep."""
        who = wallets.tolist()  # the lists as arrays would cost as much as there are wallets, at every call
        hours, zone = (np.array([column[k] for k in who], int) for column in (self.wallets.hours, self.wallets.zone))
        chance = np.cumsum(HOURS / HOURS.sum(1, keepdims=True), axis=1)[hours]
        hour = (self.rng.random(len(wallets))[:, None] > chance).sum(1) + self.rng.random(len(wallets))
        day = np.floor(day)
        weekend = (day + 4) % 7 >= 5  # START is a Friday
        moved = weekend & (self.rng.random(len(wallets)) > WEEKEND[hours])
        return START + (day + np.where(moved, self.rng.integers(2, 5, len(wallets)), 0)) * DAY + (hour - zone) * 3600

    def awake(self, wallet: int, t: float) -> float:
        """The first moment from t on at which the wallet's owner is at work."""
        profile, zone = self.wallets.hours[wallet], self.wallets.zone[wallet]
        if profile == ALWAYS:
            return t
        chances = HOURS[profile] / HOURS[profile].max()
        for _ in range(60):
            local = t + zone * 3600
            weekend = (int(local - START) // DAY + 4) % 7 >= 5
            if self.rng.random() < chances[int(local // 3600) % 24] * (min(1.0, WEEKEND[profile]) if weekend else 1.0):
                return t
            t += self.rng.uniform(600, 7200)
        return t
