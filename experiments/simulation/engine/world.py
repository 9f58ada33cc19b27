"""The stage: wallets and what is true of them, the hours people keep, the market, the plan. Knows no population."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .market import DAY, Floats, Ints, Market
from .transfer_plan import TransferPlan

START = (
    1_609_459_200  # 2021-01-01 UTC, a Friday: the simulator's first second, no matter what the scenario's calendar says
)

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

TEXTS = ("category", "actor", "case", "population")
_NUMBERS = {
    "zone": np.int8, "hours": np.int8, "tip": np.float32, "contract": np.bool_, "utxo": np.bool_, "owner": np.int32,
    "hot": np.int32,
}  # fmt: skip


class Wallets:
    """The truth about each wallet, in arrays by its number, so that millions cost little.

    Attributes:
        zone: its hours ahead of UTC; hours: its row of HOURS; tip: the factor by which it pays more than the going gas price.
        contract: whether it is a contract, which pays no fees; utxo: whether it is on the UTXO chain; owner: who holds its keys.
        hot: the hot wallet that a deposit address is swept to (−1 = it is none). Services set it.
        funds: the whole units held before the first day, by wallet and asset.
        case_start: the second at which each case began; case_script: the script of each case, such as `phishing`.
    """

    zone: npt.NDArray[np.int8]
    hours: npt.NDArray[np.int8]
    tip: npt.NDArray[np.float32]
    contract: npt.NDArray[np.bool_]
    utxo: npt.NDArray[np.bool_]
    owner: npt.NDArray[np.int32]
    hot: npt.NDArray[np.int32]

    def __init__(self) -> None:
        self.funds: dict[int, Mapping[int, float]] = {}
        self.case_start: dict[str, int] = {}
        self.case_script: dict[str, str] = {}
        self._room: dict[str, npt.NDArray[Any]] = {
            name: np.empty(1024, dtype=dtype) for name, dtype in _NUMBERS.items()
        }
        self._codes: dict[str, npt.NDArray[Any]] = {name: np.empty(1024, dtype=np.int32) for name in TEXTS}
        self._words: dict[str, dict[str, int]] = {name: {} for name in TEXTS}
        self._size = 0
        self._show()

    def __len__(self) -> int:
        return self._size

    def append(self, n: int, texts: Mapping[str, str], numbers: Mapping[str, npt.ArrayLike]) -> Ints:
        """Add n wallets with a value of each of TEXTS and of each number, one for all or one each. Returns their numbers."""
        first, self._size = self._size, self._size + n
        tables: tuple[dict[str, npt.NDArray[Any]], ...] = (self._room, self._codes)
        for table in tables:
            for name, column in table.items():
                if len(column) < self._size:
                    table[name] = np.concatenate([column, np.empty(max(len(column), n), dtype=column.dtype)])
        for name, text in texts.items():
            self._codes[name][first : self._size] = self._words[name].setdefault(text, len(self._words[name]))
        for name, values in numbers.items():
            self._room[name][first : self._size] = values
        self._show()
        return np.arange(first, self._size)

    def _show(self) -> None:
        for name, column in self._room.items():
            setattr(self, name, column[: self._size])

    def text(self, name: str) -> npt.NDArray[np.object_]:
        """One of TEXTS by wallet."""
        words = np.array([*self._words[name], ""], dtype=object)
        return words[self._codes[name][: self._size]]

    def text_of(self, name: str, wallet: int) -> str:
        """One of TEXTS of one wallet."""
        return list(self._words[name])[self._codes[name][wallet]]

    def is_(self, name: str, *texts: str) -> npt.NDArray[np.bool_]:
        """Where one of TEXTS is one of these."""
        codes = [self._words[name][text] for text in texts if text in self._words[name]]
        return np.isin(self._codes[name][: self._size], codes)


@dataclass
class World:
    """A chain of `days` days from START on; every population draws from a generator of its own.

    Attributes:
        start_year: the calendar year in which the scenario begins, with the fraction of it that has passed.
    """

    days: int
    market: Market
    rng: np.random.Generator
    plan: TransferPlan
    start_year: float
    wallets: Wallets = field(default_factory=Wallets)
    _owners: int = 0

    @property
    def end(self) -> int:
        """The second at which the chain ends (not part of it)."""
        return START + self.days * DAY

    def year(self, t: npt.ArrayLike) -> Floats:
        """The calendar year of a second, with its fraction: habits and techniques have their time."""
        return self.start_year + (np.asarray(t, dtype=np.float64) - START) / (365.25 * DAY)

    def owner(self) -> int:
        """A new holder of keys."""
        self._owners += 1
        return self._owners - 1

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
        utxo: bool = False,
        owner: npt.ArrayLike | None = None,
        funds: Mapping[int, float] | None = None,
    ) -> Ints:
        """Add n wallets; zones and hours are drawn from what people have unless given. Returns their numbers.

        Args:
            utxo: whether they are on the UTXO chain, where they can hold BTC only.
            owner: who holds the keys, one owner for all or one per wallet; by default a new owner per wallet.
            funds: the whole units of each asset that each wallet holds before the first day.
        """
        zones = self.rng.choice(ZONES, n, p=ZONE_SHARES)
        profiles = self.rng.choice([AWAKE, OFFICE, EVENING], n, p=[0.6, 0.15, 0.25])
        owners = np.arange(self._owners, self._owners + n) if owner is None else owner
        self._owners += n if owner is None else 0
        numbers = self.wallets.append(
            n,
            {"category": category, "actor": actor, "case": case, "population": population},
            {
                "zone": zones if zone is None else zone, "hours": profiles if hours is None else hours,
                "tip": self.rng.lognormal(0.05, 0.2, n), "contract": contract, "utxo": utxo, "owner": owners,
                "hot": -1,
            },
        )  # fmt: skip
        if funds:
            self.wallets.funds.update(dict.fromkeys(numbers.tolist(), funds))
        return numbers

    def moments(self, wallets: Ints, day: Floats) -> Floats:
        """Seconds on the given days (from START, whole part counts) at hours that the wallets' owners keep."""
        hours, zone = self.wallets.hours[wallets], self.wallets.zone[wallets]
        chance = np.cumsum(HOURS / HOURS.sum(1, keepdims=True), axis=1)[hours]
        hour = (self.rng.random(len(wallets))[:, None] > chance).sum(1) + self.rng.random(len(wallets))
        day = np.floor(day)
        weekend = (day + 4) % 7 >= 5  # START is a Friday
        moved = weekend & (self.rng.random(len(wallets)) > WEEKEND[hours])
        return START + (day + np.where(moved, self.rng.integers(2, 5, len(wallets)), 0)) * DAY + (hour - zone) * 3600

    def awake(self, wallet: int, t: float) -> float:
        """The first moment from t on at which the wallet's owner is at work."""
        profile, zone = int(self.wallets.hours[wallet]), int(self.wallets.zone[wallet])
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
