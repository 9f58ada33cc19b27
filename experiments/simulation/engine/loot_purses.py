"""What the wallets of cases hold, unit by unit: how much of it is loot, and of which case.

Each such wallet is a purse: whole minor units, of which some are loot of this case or that and the rest is clean. Whatever
leaves it, fees too, takes of all of them in proportion, to the unit. Knows nothing of what anyone had planned; writes no
file.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from .market import MINOR_UNITS, NATIVE
from .transfer_plan import PHASES
from .world import World

KINDS = (
    "stolen", "moved", "swapped", "got", "crossed", "arrived", "mixed", "nested", "withdrawn", "cashed", "otc", "sold", "fees",
)  # fmt: skip
STOLEN, MOVED, SWAPPED, GOT, CROSSED, ARRIVED, MIXED, NESTED, WITHDRAWN, CASHED, OTC, SOLD, FEES = range(len(KINDS))
POPULATIONS = {
    SWAPPED: ("dex",),
    CROSSED: ("bridge", "bridge_far"),
    MIXED: ("mixer",),
    NESTED: ("nested",),
    CASHED: ("exchange", "cold", "exchange_deposit", "btc_hot", "btc_cold", "btc_deposit"),
    OTC: ("desk", "dealer"),
}
"""Where loot goes, by the receiver's population; to another wallet of a case it is moved, to anyone else it is sold."""
BACK = {SWAPPED: GOT, CROSSED: ARRIVED, MIXED: WITHDRAWN, NESTED: WITHDRAWN}
"""What comes back as something else, in an answer to the row that went in."""
HIDES = (MIXED, NESTED)
_HOPS = {GOT: 0, ARRIVED: 2, WITHDRAWN: 2}
_LOOT = tuple(PHASES.index(name) for name in ("theft", "collect"))


class LootShare(NamedTuple):
    """Loot of one case: minor units, what they were worth when stolen, hops from the victim at the fewest.

    `key` is twice the number of the case, and one more if the loot came out of a mixer (or a nested service).
    """

    key: int
    units: int
    value: float
    hop: int


class LootPurse:
    """What a wallet of a case holds of one asset."""

    __slots__ = ("lots", "total")

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.lots: dict[int, LootShare] = {}

    def put(self, units: int, parts: list[LootShare], further: int = 0) -> None:
        """Add units, of which `parts` are loot that came this many hops further."""
        self.total += units
        for key, loot, value, hop in parts:
            old = self.lots.get(key)
            if old is None:
                self.lots[key] = LootShare(key, loot, value, hop + further)
            else:
                self.lots[key] = LootShare(key, old.units + loot, old.value + value, min(old.hop, hop + further))

    def take(self, units: int) -> list[LootShare]:
        """Remove units and tell how much of them is loot, pro rata."""
        if units == self.total:
            taken = list(self.lots.values())
            self.lots, self.total = {}, 0
            return taken
        taken = []
        if self.lots:
            shares = pro_rata(units, [lot.units for lot in self.lots.values()], self.total)
            taken = [_part(lot, loot) for lot, loot in zip(self.lots.values(), shares, strict=True)]
            left = [_less(*pair) for pair in zip(self.lots.values(), taken, strict=True)]
            self.lots = {lot.key: lot for lot in left if lot.units}
        self.total -= units
        return [part for part in taken if part.units]


def _part(lot: LootShare, units: int) -> LootShare:
    return LootShare(lot.key, units, lot.value if units == lot.units else lot.value * units / lot.units, lot.hop)


def _less(lot: LootShare, part: LootShare) -> LootShare:
    return LootShare(lot.key, lot.units - part.units, lot.value - part.value, lot.hop)


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


def changed(parts: list[LootShare], paid: int, units: int, hops: int) -> list[LootShare]:
    """Loot in a payment of `paid` units that came back as `units`: the same shares and worth, this many hops on."""
    shares = [part.units * units // paid for part in parts]
    if parts and sum(part.units for part in parts) == paid:
        shares[0] += units - sum(shares)
    return [LootShare(part.key, share, part.value, part.hop + hops) for part, share in zip(parts, shares, strict=True)]


def hidden(parts: list[LootShare], paid: int, units: int, kept: float) -> list[LootShare]:
    """The same for what hides it, which gives back a share `kept` of the worth: what came out is told apart."""
    merged: dict[int, LootShare] = {}
    for part in changed(parts, paid, units, _HOPS[WITHDRAWN]):
        key, value = part.key | 1, part.value * kept
        old = merged.get(key, LootShare(key, 0, 0.0, part.hop))
        merged[key] = LootShare(key, old.units + part.units, old.value + value, min(old.hop, part.hop))
    return list(merged.values())


class ServicePayment(NamedTuple):
    """A payment to a service that gives something back: what it was, its asset, the loot in it, and of how many units in all."""

    kind: int
    asset: int
    parts: list[LootShare]
    paid: int


class Seed(NamedTuple):
    """Loot that a wallet received from a victim: of which case, and when it first did (simulator's seconds)."""

    case: int
    t: int


class Resting(NamedTuple):
    """Loot that rests in some wallet at one of the moments (by number)."""

    moment: int
    asset: int
    part: LootShare


@dataclass
class LootRecords:
    """Loot that rows moved, by column: position of the row among those observed, kind, asset, and the part."""

    at: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    asset: list[int] = field(default_factory=list)
    part: list[LootShare] = field(default_factory=list)

    def add(self, at: int, kind: int, asset: int, parts: list[LootShare], further: int = 0) -> None:
        """Note parts that one row moved, this many hops further."""
        for part in parts:
            self.at.append(at)
            self.kind.append(kind)
            self.asset.append(asset)
            self.part.append(part if not further else LootShare(part.key, part.units, part.value, part.hop + further))

    def columns(self) -> dict[str, npt.NDArray]:
        """As arrays: at, kind, asset, key, units, hop (integers), value (USD when stolen)."""
        whole = {"at": self.at, "kind": self.kind, "asset": self.asset}
        whole |= {name: [getattr(part, name) for part in self.part] for name in ("key", "units", "hop")}
        columns = {name: np.array(values, dtype=np.int64) for name, values in whole.items()}
        return columns | {"value": np.array([part.value for part in self.part], dtype=np.float64)}


class LootPurses:
    """All wallets of cases, and what passes between them and the rest of the world.

    Args:
        world: with all of its wallets.
        moments: ascending; what rests just before each of them is kept in `resting`.
    """

    def __init__(self, world: World, moments: list[int]) -> None:
        codes, names = pd.factorize(world.wallets.text("case"))
        self.cases, self.names = codes.astype(np.int64), [str(name) for name in names]
        self.theirs = np.array([name != "" for name in self.names])[self.cases]
        self.seeds: dict[int, Seed] = {}
        self.resting: list[Resting] = []
        self._kind, self._price = self._kinds(world), world.market.price
        self._moments, self._told = moments, 0
        self._tickets: dict[int, ServicePayment] = {}
        self._purses: dict[tuple[int, int], LootPurse] = defaultdict(LootPurse)
        for wallet, held in world.wallets.funds.items():
            if self.theirs[wallet]:
                for asset, amount in held.items():
                    self._purses[wallet, asset].total = round(amount * MINOR_UNITS[asset])

    def _kinds(self, world: World) -> npt.NDArray[np.int8]:
        """By wallet, what a payment to it makes of loot."""
        found = np.full(len(self.theirs), SOLD, dtype=np.int8)
        for kind, populations in POPULATIONS.items():
            found[world.wallets.is_("population", *populations)] = kind
        found[self.theirs] = MOVED
        return found

    def observe(self, rows: dict[str, npt.NDArray]) -> LootRecords:
        """Follow loot through rows in the order in which they happened; returns what they moved."""
        names = ("t", "sender", "receiver", "asset", "minor", "fee", "failing", "number", "after", "phase")
        pays, gets = self.theirs[rows["sender"]], self.theirs[rows["receiver"]]
        touched = np.flatnonzero(pays | gets)
        columns = [pays[touched], gets[touched], *(rows[name][touched] for name in names)]
        records = LootRecords()
        for at, paying, getting, t, *row in zip(
            touched.tolist(), *(column.tolist() for column in columns), strict=True
        ):
            if self._told < len(self._moments) and t >= self._moments[self._told]:
                self.tell(t)
            if paying:
                self._pay(records, at, getting, *row)
            elif not row[5]:
                self._receive(records, at, t, *row)
        return records

    def tell(self, t: float) -> None:
        """Keep what rests at all moments up to t that were not told yet."""
        while self._told < len(self._moments) and t >= self._moments[self._told]:
            for (_, asset), purse in self._purses.items():
                self.resting += [Resting(self._told, asset, lot) for lot in purse.lots.values()]
            self._told += 1

    def unanswered(self) -> Iterator[ServicePayment]:
        """Payments to services that never gave anything back, bar those that hide it."""
        return (ticket for ticket in self._tickets.values() if ticket.kind not in HIDES)

    def _pay(self, records: LootRecords, at: int, gets: bool, sender: int, receiver: int, asset: int, units: int, fee: int,
             failing: bool, number: int, after: int, phase: int) -> None:  # fmt: skip
        """A wallet of a case pays: its fee, and then the sum itself."""
        if fee:
            native = int(NATIVE[asset])
            records.add(at, FEES, native, self._purses[sender, native].take(fee))
        if failing:
            return
        kind, parts = int(self._kind[receiver]), self._purses[sender, asset].take(units)
        records.add(at, kind, asset, parts, 1)
        if gets:
            self._purses[receiver, asset].put(units, parts, 1)
        elif parts and kind in BACK:
            self._tickets[number] = ServicePayment(kind, asset, parts, units)

    def _receive(self, records: LootRecords, at: int, t: int, sender: int, receiver: int, asset: int, units: int, fee: int,
                 failing: bool, number: int, after: int, phase: int) -> None:  # fmt: skip
        """A wallet of a case is paid by someone else: loot, or what comes back for loot; else it is clean."""
        ticket = self._tickets.pop(after, None)
        parts, kind = [], STOLEN
        if phase in _LOOT:
            parts = [self._stolen(receiver, asset, units, t)]
        elif ticket is not None:
            kind = BACK[ticket.kind]
            paid = ticket.parts, ticket.paid, units
            kept = units / ticket.paid if asset == ticket.asset else 1.0
            parts = hidden(*paid, kept) if kind == WITHDRAWN else changed(*paid, _HOPS[kind])
        records.add(at, kind, asset, parts)
        self._purses[receiver, asset].put(units, parts)

    def _stolen(self, receiver: int, asset: int, units: int, t: int) -> LootShare:
        case = int(self.cases[receiver])
        self.seeds.setdefault(receiver, Seed(case, t))
        return LootShare(2 * case, units, units / float(MINOR_UNITS[asset]) * float(self._price(asset, t)), 0)
