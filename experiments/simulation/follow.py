"""Follows loot through a chain that was carried out, unit by unit: the truth that tracers are measured by.

Every wallet of a thief is a purse: whole minor units, of which some are loot of this theft or that and the rest is clean (gas).
Whatever leaves it, fees too, takes of all of them in proportion, to the unit. Knows nothing of what the thieves had planned.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .decade import Stage
from .gang import POPULATION
from .market import ETH, MINOR_UNITS
from .thefts import VICTIM

ENDS = {
    "exchange": "cashed", "exchange_deposit": "cashed", "desk": "otc", "dealer": "otc", "mixer": "mixed", "dex": "swapped",
    POPULATION: "moved",
}  # fmt: skip
"""Where loot goes, by the population of the receiver; bridges are told apart by wallet."""


class Key(NamedTuple):
    """Loot of one theft, before it went into a mixer or after it came out."""

    case: str
    after_mixer: bool


@dataclass
class Lot:
    """Loot in one purse: minor units of the purse's asset, what they were worth when stolen, hops from the seed at the fewest."""

    units: int
    value: float
    hop: int


class Part(NamedTuple):
    """Loot in one transfer."""

    key: Key
    units: int
    value: float
    hop: int


class Record(NamedTuple):
    """Loot that one row moved (or paid as its fee): `kind` is stolen, moved, swapped, mixed, withdrawn, … or fees."""

    row: int
    kind: str
    asset: int
    part: Part


class Resting(NamedTuple):
    """Loot that rests at a moment."""

    moment: int
    asset: int
    part: Part


@dataclass
class Purse:
    """What a thief's wallet holds of one asset."""

    total: int = 0
    lots: dict[Key, Lot] = field(default_factory=dict)

    def put(self, units: int, parts: list[Part]) -> None:
        """Add units, of which `parts` are loot."""
        self.total += units
        for key, loot, value, hop in parts:
            lot = self.lots.setdefault(key, Lot(0, 0.0, hop))
            lot.units, lot.value, lot.hop = lot.units + loot, lot.value + value, min(lot.hop, hop)

    def take(self, units: int) -> list[Part]:
        """Remove units and tell how much of them is loot, pro rata."""
        keys = list(self.lots)
        shares = pro_rata(units, [self.lots[key].units for key in keys], self.total)
        taken = []
        for key, loot in zip(keys, shares, strict=True):
            lot = self.lots[key]
            value = lot.value if loot == lot.units else lot.value * loot / lot.units
            taken.append(Part(key, loot, value, lot.hop))
            lot.units, lot.value = lot.units - loot, lot.value - value
            if not lot.units:
                del self.lots[key]
        self.total -= units
        return [part for part in taken if part.units]


def pro_rata(amount: int, weights: list[int], total: int) -> list[int]:
    """Whole shares of an amount ≤ total in proportion to the weights (their sum ≤ total; the rest is nobody's).

    The units that rounding leaves over go to the largest remainders, the first of equals.

    >>> pro_rata(2, [1, 1], 3)
    [1, 1]
    >>> pro_rata(10, [5, 10], 15)
    [3, 7]
    """
    if not weights or not total:
        return [0] * len(weights)
    divided = [divmod(amount * weight, total) for weight in [*weights, total - sum(weights)]]
    shares = [whole for whole, _ in divided]
    order = sorted(range(len(divided)), key=lambda k: (-divided[k][1], k))
    for k in order[: amount - sum(shares)]:
        shares[k] += 1
    return shares[:-1]


@dataclass
class Follower:
    """Loot on one chain.

    Args:
        stage: the chain; rows: what happened there, in order of time (`chain.carry_out`).
        moments: ascending; what rests just before each of them is told.
        arrived: by transaction, loot (in value) that came over the bridge from the other chain, and of how much in all.
    """

    stage: Stage
    rows: dict[str, npt.NDArray]
    moments: list[int]
    arrived: dict[int, tuple[list[Part], int]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    resting: list[Resting] = field(default_factory=list)
    crossed: dict[int, tuple[list[Part], int]] = field(default_factory=dict)
    _purses: dict[tuple[int, int], Purse] = field(default_factory=lambda: defaultdict(Purse))
    _tickets: dict[int, tuple[list[Part], int]] = field(default_factory=dict)
    _swaps: dict[int, tuple[list[Part], int]] = field(default_factory=dict)

    def run(self) -> "Follower":
        """Follow everything; fills `records`, `resting` and `crossed`."""
        population = np.array(self.stage.world.wallets.population)
        theirs = population == POPULATION
        names = ("t", "sender", "receiver", "asset", "minor", "fee", "failing", "transaction", "after")
        sender, receiver = self.rows["sender"], self.rows["receiver"]
        touched = np.flatnonzero(theirs[sender] | theirs[receiver])
        columns = [self.rows[name][touched].tolist() for name in names]
        waiting = iter([*self.moments, None])
        moment = next(waiting)
        for row, t, *rest in zip(touched.tolist(), *columns, strict=True):
            while moment is not None and t >= moment:
                self._tell(moment)
                moment = next(waiting)
            self._row(row, population, *rest)
        while moment is not None:
            self._tell(moment)
            moment = next(waiting)
        return self

    def _tell(self, moment: int) -> None:
        for (_, asset), purse in self._purses.items():
            self.resting += [Resting(moment, asset, Part(key, *vars(lot).values())) for key, lot in purse.lots.items()]

    def _row(self, row: int, population: npt.NDArray, sender: int, receiver: int, asset: int, units: int, fee: int,
             failing: bool, transaction: int, after: int) -> None:  # fmt: skip
        parts = None
        if population[sender] == POPULATION:
            self._note(row, "fees", ETH, self._purses[sender, ETH].take(fee))
            if failing:
                return
            parts = self._purses[sender, asset].take(units)
            self._leave(row, population, receiver, asset, units, transaction, parts)
        elif not failing:
            parts = self._enter(row, population[sender], receiver, asset, units, transaction, after)
        if population[receiver] == POPULATION and parts is not None:
            further = int(population[sender] == POPULATION)
            self._purses[receiver, asset].put(units, [part._replace(hop=part.hop + further) for part in parts])

    def _note(self, row: int, kind: str, asset: int, parts: list[Part]) -> None:
        self.records += [Record(row, kind, asset, part) for part in parts]

    def _leave(self, row: int, population: npt.NDArray, receiver: int, asset: int, units: int, transaction: int,
               parts: list[Part]) -> None:  # fmt: skip
        """A thief pays: note where the loot goes, and keep what may come back by swap, mixer or bridge."""
        kind = {self.stage.crossing: "crossed", self.stage.bridge: "bridged"}.get(receiver) or ENDS[
            population[receiver]
        ]
        self._note(row, kind, asset, [part._replace(hop=part.hop + 1) for part in parts])
        kept = {"crossed": self.crossed, "mixed": self._tickets, "swapped": self._swaps}.get(kind)
        if kept is not None:
            kept[transaction] = (parts, units)

    def _enter(
        self, row: int, payer: str, receiver: int, asset: int, units: int, transaction: int, after: int
    ) -> list[Part]:
        """A thief is paid: loot from a victim, or loot that comes back in another form; else clean (gas)."""
        if payer == VICTIM:
            value = units / float(MINOR_UNITS[asset]) * float(self.stage.world.market.price(asset, self.rows["t"][row]))
            parts, kind = [Part(Key(self.stage.world.wallets.case[receiver], False), units, value, 0)], "stolen"
        elif payer == "dex" and transaction in self._swaps:
            parts, kind = _changed(*self._swaps[transaction], units), "got"
        elif payer == "bridge" and transaction in self.arrived:
            parts, kind = _changed(*self.arrived[transaction], units, 2), "arrived"
        elif payer == "mixer" and after in self._tickets:
            parts, paid = self._tickets[after]
            parts = [part._replace(value=part.value * units / paid) for part in _changed(parts, paid, units, 2)]
            parts, kind = [part._replace(key=Key(part.key.case, True)) for part in parts], "withdrawn"
        else:
            return []
        self._note(row, kind, asset, parts)
        return parts


def _changed(parts: list[Part], paid: int, units: int, hops: int = 0) -> list[Part]:
    """Loot in a payment of `paid` units that came back as `units`: the same shares and values, so many hops on."""
    shares = [part.units * units // paid for part in parts]
    if parts and sum(part.units for part in parts) == paid:
        shares[0] += units - sum(shares)
    return [part._replace(units=share, hop=part.hop + hops) for part, share in zip(parts, shares, strict=True)]
