"""Oracle of exposure: whose money a wallet holds, passed on transfer by transfer in exact fractions.

Written from the definitions and for reading: one state a pair of wallet and asset, one loop over all transfers. A *flow* tells
of one transfer, for each column (a group of source wallets), how much of it is tainted (y) and its hop-moment (h: hops × y).
The last function asks the package the same, so that both answers have one form.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import groupby
from typing import Any, Literal

import numpy as np
import pandas as pd

from walletprint.features import Ledger
from walletprint.features.exposure import TaintSources, taint

from .chain import Chain, Transfer

ZERO = Fraction(0)
ROUNDING = 1 + Fraction(1, 10**9)  # what would be left of a balance below that counts as nothing
ROUNDS = 64  # looks at the transfers of one second
LEGS = 64  # of one transaction: those with more are no swaps
Flow = dict[str, tuple[Fraction, Fraction]]  # column → (y, h); a column that is not in it is (0, 0)
Amounts = defaultdict[str, Any]  # by column: fractions here, floats from the package
no_amounts = partial(defaultdict, Fraction)
Groups = Mapping[str, Iterable[str]]  # column → the wallets that emit it


@dataclass(frozen=True)
class Label:
    """A label of a wallet; public from `known_from` (None: nobody knows when) until `known_until` (None: still)."""

    wallet: str
    category: str
    known_from: int | None
    known_until: int | None = None


@dataclass
class Pair:
    """One wallet in one asset: what came in (kept of everyone), and what it holds."""

    received: Fraction | float = ZERO
    tainted: Amounts = field(default_factory=no_amounts)
    direct: Amounts = field(default_factory=no_amounts)
    hop_moment: Amounts = field(default_factory=no_amounts)
    first: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    balance: Fraction | float = ZERO
    held: Amounts = field(default_factory=no_amounts)


@dataclass
class Exposure:
    """The answer: every pair that has received or sent something, and where the taint of each column went in all."""

    pairs: dict[tuple[str, str], Pair]
    entered: Amounts = field(default_factory=no_amounts)
    absorbed: Amounts = field(default_factory=no_amounts)
    returned: Amounts = field(default_factory=no_amounts)
    swapped: Amounts = field(default_factory=no_amounts)  # what swaps added

    def held(self, column: str) -> Fraction:
        """What all pairs hold of a column."""
        return sum((pair.held[column] for pair in self.pairs.values()), ZERO)


def active(labels: Iterable[Label], as_of: int) -> list[Label]:
    """The labels that the public knew before `as_of` and that stood then."""
    known = [label for label in labels if label.known_from is not None and label.known_from < as_of]
    return [label for label in known if label.known_until is None or label.known_until > as_of]


def groups(labels: Iterable[Label]) -> dict[str, set[str]]:
    """Which wallets emit which category."""
    found = defaultdict(set)
    for label in labels:
        found[label.category].add(label.wallet)
    return dict(found)


# What a pair holds, by each method. `give(a)` takes `a` off it and returns its tainted part, `take(a, flow)` adds to it.


class Haircut:
    """Every unit of the balance is tainted alike."""

    def __init__(self):
        self.balance = ZERO
        self.taint: Flow = {}  # column → (X, M)

    def give(self, a: Fraction) -> Flow:
        spent = self.balance if self.balance <= a * ROUNDING else a
        f = spent / self.balance if self.balance else ZERO
        given = scaled(self.taint, f)
        self.balance -= spent
        self.taint = scaled(self.taint, 1 - f)
        return given

    def take(self, a: Fraction, flow: Flow) -> None:
        self.balance += a
        self.taint = added(self.taint, flow)


class Poison(Haircut):
    """One tainted unit taints all that is sent, as long as any of the taint is left."""

    def give(self, a: Fraction) -> Flow:
        tainted = {k: (x, m) for k, (x, m) in self.taint.items() if x}
        self.balance = ZERO if self.balance <= a * ROUNDING else self.balance - a
        left = {k: x - a if self.balance and x > a * ROUNDING else ZERO for k, (x, _) in tainted.items()}
        self.taint = {k: (left[k], m * left[k] / x) for k, (x, m) in tainted.items()}
        return {k: (a, a * m / x) for k, (x, m) in tainted.items()}


class Fifo:
    """Lots in order of arrival; the oldest is spent first, a part of a lot pro rata."""

    def __init__(self):
        self.lots: list[tuple[Fraction, Flow]] = []

    @property
    def balance(self) -> Fraction:
        return sum((size for size, _ in self.lots), ZERO)

    @property
    def taint(self) -> Flow:
        held: Flow = {}
        for _, flow in self.lots:
            held = added(held, flow)
        return held

    def give(self, a: Fraction) -> Flow:
        given: Flow = {}
        wanted = max(a, self.balance) if self.balance <= a * ROUNDING else a
        while self.lots and wanted > a * (ROUNDING - 1):
            size, flow = self.lots.pop(0)
            part = Fraction(1) if size <= wanted * ROUNDING else wanted / size
            given = added(given, scaled(flow, part))
            if part < 1:
                self.lots.insert(0, (size * (1 - part), scaled(flow, 1 - part)))
            wanted -= size * part
        return given

    def take(self, a: Fraction, flow: Flow) -> None:
        self.lots.append((a, flow))


METHODS = {"haircut": Haircut, "poison": Poison, "fifo": Fifo}


def scaled(flow: Flow, by: Fraction) -> Flow:
    return {k: (by * y, by * h) for k, (y, h) in flow.items()}


def added(one: Flow, other: Flow) -> Flow:
    nothing = (ZERO, ZERO)
    both = {k: (one.get(k, nothing), other.get(k, nothing)) for k in {**one, **other}}
    return {k: (y + z, h + g) for k, ((y, h), (z, g)) in both.items()}


# The order in which transfers pass on what they carry.


def flow_order(transfers: list[Transfer]) -> list[Transfer]:
    """By time; within a second, a transfer waits for those that fill what it spends, where it can.

    The second is gone through in the ledger's order, again and again, each time taking what waits for nothing that is left;
    where all wait, in a circle or behind one, the first is taken. After ROUNDS of these the rest follow as they stand.
    """
    ordered = []
    for _, second in groupby(transfers, key=lambda one: one.t):
        left = list(second)
        for _ in range(ROUNDS):
            taken = _round(left) or left[:1]
            ordered += taken
            left = [one for one in left if one not in set(taken)]
        ordered += left
    return ordered


def _round(left: list[Transfer]) -> list[Transfer]:
    """Those that wait for nothing when they are met."""
    taken, awaited = [], Counter((one.receiver, one.asset) for one in left)
    for one in left:
        if not awaited[one.sender, one.asset]:
            taken.append(one)
            awaited[one.receiver, one.asset] -= 1
    return taken


Swaps = dict[tuple[str, int, str], tuple[list[Transfer], list[Transfer]]]


def swaps_in(transfers: Iterable[Transfer]) -> Swaps:
    """By wallet and transaction, what it gives and takes: outs of assets it does not receive, ins of those it does not send."""
    outs, ins, legs = defaultdict(list), defaultdict(list), Counter()
    for one in (one for one in transfers if one.tx is not None):
        outs[one.sender, one.t, one.tx].append(one)
        ins[one.receiver, one.t, one.tx].append(one)
        legs[one.t, one.tx] += 1
    found = {}
    for wallet, *transaction in outs.keys() & ins.keys():
        key = (wallet, *transaction)
        sent, received = ({one.asset for one in side[key]} for side in (outs, ins))
        gives = [one for one in outs[key] if one.asset not in received]
        takes = [one for one in ins[key] if one.asset not in sent]
        if gives and takes and legs[tuple(transaction)] <= LEGS:
            found[key] = gives, takes
    return found


# The pass itself.


def exposure(
    transfers: pd.DataFrame | Chain,
    sources: Groups,
    absorbs: Iterable[str] = (),
    as_of: int | None = None,
    direction: str = "in",
    method: str = "haircut",
    swaps: bool = False,
) -> Exposure:
    """Where the money of every wallet came from (`in`) or went to (`out`), by all that happened before `as_of`."""
    chain = transfers if isinstance(transfers, Chain) else Chain(transfers)
    past = [one for one in chain.transfers if one.moves_value and (as_of is None or one.t < as_of)]
    order = flow_order(past)
    if direction == "out":
        order = [replace(one, sender=one.receiver, receiver=one.sender) for one in reversed(order)]
    run = _Pass(sources, set(absorbs), METHODS[method], swaps_in(order) if swaps else {})
    for one in order:
        run.move(one)
    return run.answer()


class _Pass:
    """All states, as the transfers leave them."""

    def __init__(self, sources: Groups, absorbs: set[str], method: type, swaps: Swaps):
        self.emits = defaultdict(set)
        for column, wallets in sources.items():
            for wallet in wallets:
                self.emits[wallet].add(column)
        self.absorbs = absorbs
        self.states = defaultdict(method)
        self.swaps = {key: legs for key, legs in swaps.items() if key[0] not in absorbs}
        self.own: dict[Transfer, Flow] = {}  # what each transfer carries by its sender's state alone
        self.found = Exposure(defaultdict(Pair))

    def move(self, one: Transfer) -> None:
        self.own[one] = self.drawn(one)
        for column in self.emits[one.sender]:
            self.found.entered[column] += one.amount
        gives, takes = self.legs(one.sender, one)
        if one in gives and self.are_drawn(gives):  # the last of them: what came early is credited now
            for early in [early for early in self.own if early in takes]:
                self.deliver(early)
        gives, takes = self.legs(one.receiver, one)
        if one not in takes or self.are_drawn(gives):
            self.deliver(one)

    def legs(self, wallet: str, one: Transfer) -> tuple[list[Transfer], list[Transfer]]:
        """What the wallet gives and takes in the swap that the transfer is part of, if it is."""
        return self.swaps.get((wallet, one.t, one.tx or ""), ([], []))

    def are_drawn(self, legs: list[Transfer]) -> bool:
        return all(leg in self.own for leg in legs)

    def drawn(self, one: Transfer) -> Flow:
        """What the sender passes on; its state pays for it."""
        flow: Flow = {}
        if one.sender not in self.absorbs:
            given = self.states[one.sender, one.asset].give(one.amount)
            flow = {column: (y, m + y) for column, (y, m) in given.items()}
        return flow | dict.fromkeys(self.emits[one.sender], (one.amount, one.amount))

    def carried(self, one: Transfer) -> Flow:
        """What arrives: in a swap, no less than the tainted share of what the receiver gave, as many hops away as that was."""
        flow = dict(self.own[one])
        gives, takes = self.legs(one.receiver, one)
        if one not in takes:
            return flow
        given: Flow = {}
        for out in gives:
            given = added(given, {column: (y, h - y) for column, (y, h) in self.own[out].items()})
        brought = scaled(given, one.amount / sum(out.amount for out in gives))
        return flow | {k: brought[k] for k in brought if brought[k][0] > flow.get(k, (ZERO, ZERO))[0] * ROUNDING}

    def deliver(self, one: Transfer) -> None:
        flow = {column: (y, h) for column, (y, h) in self.carried(one).items() if y}
        pair = self.found.pairs[one.receiver, one.asset]
        pair.received += one.amount
        for column in flow:
            self.found.swapped[column] += flow[column][0] - self.own[one].get(column, (ZERO, ZERO))[0]
        for column, (y, h) in flow.items():
            pair.tainted[column] += y
            pair.hop_moment[column] += h
            pair.first[column] = min(one.t, pair.first.get(column, one.t))
            pair.last[column] = max(one.t, pair.last.get(column, one.t))
        for column in self.emits[one.sender]:
            pair.direct[column] += one.amount
        self.keep(one, flow)

    def keep(self, one: Transfer, flow: Flow) -> None:
        """What becomes of it: a service swallows it, a source has its own back, everyone else holds it."""
        if one.receiver in self.absorbs:
            for column, (y, _) in flow.items():
                self.found.absorbed[column] += y
            return
        home = self.emits[one.receiver]
        for column in home & flow.keys():
            self.found.returned[column] += flow[column][0]
        self.states[one.receiver, one.asset].take(
            one.amount, {column: part for column, part in flow.items() if column not in home}
        )

    def answer(self) -> Exposure:
        for key, state in self.states.items():
            pair = self.found.pairs[key]
            pair.balance = state.balance
            pair.held.update({column: x for column, (x, _) in state.taint.items()})
        return self.found


# The package's answer, in the same form.


def by_package(
    transfers: pd.DataFrame | Ledger,
    sources: Groups,
    absorbs: Iterable[str] = (),
    as_of: int | None = None,
    direction: Literal["in", "out"] = "in",
    method: Literal["haircut", "fifo", "poison"] = "haircut",
    swaps: bool = False,
) -> Exposure:
    """What `exposure` here returns, computed by the package: floats instead of fractions."""
    ledger = transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers)
    names = tuple(sources)
    emitters = [(wallet, i) for i, name in enumerate(names) for wallet in sorted(set(sources[name]))]
    ids = ledger.ids([wallet for wallet, _ in emitters])
    known = ids >= 0
    service = np.zeros(len(ledger.addresses), np.bool_)
    swallowing = ledger.ids(sorted(set(absorbs)))
    service[swallowing[swallowing >= 0]] = True
    columns = np.array([i for _, i in emitters], np.int64)
    asked = TaintSources(names, ids[known], columns[known], service)
    got = taint(ledger, asked, as_of, direction=direction, method=method, swaps=swaps)
    addresses, assets = ledger.addresses.to_pylist(), ledger.assets.to_pylist()
    keys = [(addresses[w], assets[a]) for w, a in zip(got.wallet, got.asset, strict=True)]
    assert keys == [(addresses[w], assets[a]) for w, a in sorted(zip(got.wallet, got.asset, strict=True))]
    pairs = {key: _pair(got, i, names) for i, key in enumerate(keys)}
    totals = {what: getattr(got, what).tolist() for what in ("entered", "absorbed", "returned", "swapped")}
    return Exposure(pairs, **{what: defaultdict(float, zip(names, row, strict=True)) for what, row in totals.items()})


def _pair(got: Any, i: int, names: tuple[str, ...]) -> Pair:
    def row(what: str) -> dict[str, Any]:
        return dict(zip(names, getattr(got, what)[i].tolist(), strict=True))

    amounts = {what: defaultdict(float, row(what)) for what in ("tainted", "direct", "hop_moment", "held")}
    dates = {what: {name: t for name, t in row(what).items() if t >= 0} for what in ("first", "last")}
    parts: dict[str, Any] = amounts | dates
    return Pair(received=float(got.received[i]), balance=float(got.balance[i]), **parts)
