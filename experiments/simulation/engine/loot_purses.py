"""What the wallets of cases hold, unit by unit: how much of it is loot, and of which case.

Each such wallet is a purse: whole minor units, of which some are loot of this case or that and the rest is clean. Whatever
leaves it, fees too, takes of all of them in proportion, to the unit. Does not know the plans of anyone. Writes no
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
    """Loot of one case: minor units, their value when stolen, and the fewest hops from the victim.

    `key` is twice the number of the case, and one more if the loot came out of a mixer (or a nested service).
    """

    key: int
    units: int
    value: float
    hop: int


class LootPurse:
    """What a wallet of a case holds of one asset."""

    __slots__ = ("shares", "total")

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.shares: dict[int, LootShare] = {}

    def put(self, units: int, parts: list[LootShare], further: int = 0) -> None:
        """Add units, of which `parts` are loot that came this many hops further."""
        self.total += units
        for key, loot, value, hop in parts:
            old = self.shares.get(key)
            if old is None:
                self.shares[key] = LootShare(key, loot, value, hop + further)
            else:
                self.shares[key] = LootShare(key, old.units + loot, old.value + value, min(old.hop, hop + further))

    def take(self, units: int) -> list[LootShare]:
        """Remove units, and return the loot among them, pro rata."""
        if units == self.total:
            taken = list(self.shares.values())
            self.shares, self.total = {}, 0
            return taken
        taken = []
        if self.shares:
            units_of_shares = pro_rata(units, [share.units for share in self.shares.values()], self.total)
            taken = [_part(share, loot) for share, loot in zip(self.shares.values(), units_of_shares, strict=True)]
            left = [_less(*pair) for pair in zip(self.shares.values(), taken, strict=True)]
            self.shares = {share.key: share for share in left if share.units}
        self.total -= units
        return [part for part in taken if part.units]


def _part(share: LootShare, units: int) -> LootShare:
    value = share.value if units == share.units else share.value * units / share.units
    return LootShare(share.key, units, value, share.hop)


def _less(share: LootShare, part: LootShare) -> LootShare:
    return LootShare(share.key, share.units - part.units, share.value - part.value, share.hop)


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


def loot_in_reply(parts: list[LootShare], paid: int, units: int, hops: int) -> list[LootShare]:
    """The loot in a payment of `paid` units that came back as `units`: the same shares and value, this many hops further."""
    shares = [part.units * units // paid for part in parts]
    if parts and sum(part.units for part in parts) == paid:
        shares[0] += units - sum(shares)
    return [LootShare(part.key, share, part.value, part.hop + hops) for part, share in zip(parts, shares, strict=True)]


def loot_after_mixing(parts: list[LootShare], paid: int, units: int, share_returned: float) -> list[LootShare]:
    """The loot in a payment from a mixer or a nested service, which returned `share_returned` of the value.

    Its keys are odd: this loot came out of a mixer.
    """
    merged: dict[int, LootShare] = {}
    for part in loot_in_reply(parts, paid, units, _HOPS[WITHDRAWN]):
        key, value = part.key | 1, part.value * share_returned
        old = merged.get(key, LootShare(key, 0, 0.0, part.hop))
        merged[key] = LootShare(key, old.units + part.units, old.value + value, min(old.hop, part.hop))
    return list(merged.values())


class ServicePayment(NamedTuple):
    """A payment to a service that gives something back: its kind, its asset, the loot in it, and its units in all."""

    kind: int
    asset: int
    parts: list[LootShare]
    paid: int


class Seed(NamedTuple):
    """Loot that a wallet received from a victim: of which case, and when it first did (simulator's seconds)."""

    case: int
    t: int


class Resting(NamedTuple):
    """Loot that rests in a wallet at one of the moments (by number)."""

    moment: int
    asset: int
    part: LootShare


@dataclass
class LootRecords:
    """Loot that rows moved, by column: position of the row among those observed, kind, asset and part."""

    position: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)
    asset: list[int] = field(default_factory=list)
    part: list[LootShare] = field(default_factory=list)

    def add(self, position: int, kind: int, asset: int, parts: list[LootShare], further: int = 0) -> None:
        """Note parts that one row moved, this many hops further."""
        for part in parts:
            self.position.append(position)
            self.kind.append(kind)
            self.asset.append(asset)
            self.part.append(part if not further else LootShare(part.key, part.units, part.value, part.hop + further))

    def columns(self) -> dict[str, npt.NDArray]:
        """As arrays: position, kind, asset, key, units, hop (integers), value (USD when stolen)."""
        whole = {"position": self.position, "kind": self.kind, "asset": self.asset}
        whole |= {name: [getattr(part, name) for part in self.part] for name in ("key", "units", "hop")}
        columns = {name: np.array(values, dtype=np.int64) for name, values in whole.items()}
        return columns | {"value": np.array([part.value for part in self.part], dtype=np.float64)}


class LootPurses:
    """All wallets of cases, and what passes between them and the rest of the world.

    Args:
        world: the world with all of its wallets.
        moments: seconds in ascending order; `resting` keeps what rests just before each of them.
    """

    def __init__(self, world: World, moments: list[int]) -> None:
        codes, names = pd.factorize(world.wallets.text("case"))
        self.cases, self.names = codes.astype(np.int64), [str(name) for name in names]
        self.theirs = np.array([name != "" for name in self.names])[self.cases]
        self.seeds: dict[int, Seed] = {}
        self.resting: list[Resting] = []
        self._kind, self._price = self._kinds(world), world.market.price
        self._moments, self._recorded = moments, 0
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
        for position, paying, getting, t, *row in zip(
            touched.tolist(), *(column.tolist() for column in columns), strict=True
        ):
            if self._recorded < len(self._moments) and t >= self._moments[self._recorded]:
                self.record_resting(t)
            if paying:
                self._pay(records, position, getting, *row)
            elif not row[5]:
                self._receive(records, position, t, *row)
        return records

    def record_resting(self, t: float) -> None:
        """Record the resting loot at every moment up to t that is not recorded yet."""
        while self._recorded < len(self._moments) and t >= self._moments[self._recorded]:
            for (_, asset), purse in self._purses.items():
                self.resting += [Resting(self._recorded, asset, share) for share in purse.shares.values()]
            self._recorded += 1

    def unanswered(self) -> Iterator[ServicePayment]:
        """Payments to services that never gave anything back, bar those that hide it."""
        return (ticket for ticket in self._tickets.values() if ticket.kind not in HIDES)

    def _pay(self, records: LootRecords, position: int, gets: bool, sender: int, receiver: int, asset: int, units: int, fee: int,
             failing: bool, number: int, after: int, phase: int) -> None:  # fmt: skip
        """A wallet of a case pays: its fee, and then the sum itself."""
        if fee:
            native = int(NATIVE[asset])
            records.add(position, FEES, native, self._purses[sender, native].take(fee))
        if failing:
            return
        kind, parts = int(self._kind[receiver]), self._purses[sender, asset].take(units)
        records.add(position, kind, asset, parts, 1)
        if gets:
            self._purses[receiver, asset].put(units, parts, 1)
        elif parts and kind in BACK:
            self._tickets[number] = ServicePayment(kind, asset, parts, units)

    def _receive(self, records: LootRecords, position: int, t: int, sender: int, receiver: int, asset: int, units: int, fee: int,
                 failing: bool, number: int, after: int, phase: int) -> None:  # fmt: skip
        """A wallet of a case is paid by someone else: loot, or what comes back for loot; else it is clean."""
        ticket = self._tickets.pop(after, None)
        parts, kind = [], STOLEN
        if phase in _LOOT:
            parts = [self._stolen(receiver, asset, units, t)]
        elif ticket is not None:
            kind = BACK[ticket.kind]
            paid = ticket.parts, ticket.paid, units
            share_returned = units / ticket.paid if asset == ticket.asset else 1.0
            parts = loot_after_mixing(*paid, share_returned) if kind == WITHDRAWN else loot_in_reply(*paid, _HOPS[kind])
        records.add(position, kind, asset, parts)
        self._purses[receiver, asset].put(units, parts)

    def _stolen(self, receiver: int, asset: int, units: int, t: int) -> LootShare:
        case = int(self.cases[receiver])
        self.seeds.setdefault(receiver, Seed(case, t))
        return LootShare(2 * case, units, units / float(MINOR_UNITS[asset]) * float(self._price(asset, t)), 0)
