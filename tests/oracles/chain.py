"""The whole chain, as features that look at other wallets see it: transfers in order, entries per wallet, who paid whom first.

Brute force over sorted lists. What it finds is kept, because it depends on no snapshot. The patterns over several
wallets are in `patterns`, comparisons with the whole chain in `population`.
"""

import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property

import pandas as pd

DAY = 86_400
WEEK = 7 * DAY
DIRECTIONS = {"in": 0, "out": 1, "self": 2}


@dataclass(frozen=True, eq=False)
class Transfer:
    """One row that moved something (or called something): each is itself, however equal to another it may be."""

    t: int
    sender: str
    receiver: str
    amount: Fraction
    asset: str
    usd: Fraction | None
    tx: str | None
    chain: str | None

    @property
    def moves_value(self) -> bool:
        """To another wallet, and more than nothing."""
        return self.sender != self.receiver and self.amount > 0


@dataclass(frozen=True, eq=False)
class Entry:
    """One transfer as seen from a wallet."""

    t: int
    direction: str
    amount: Fraction
    asset: str
    other: str
    usd: Fraction | None
    transfer: Transfer

    @property
    def place(self) -> tuple:
        """Its place in the order; entries of equal place stand in the ledger's order, which only few formulas depend on."""
        return self.t, DIRECTIONS[self.direction], self.amount


class Chain:
    """All transfers of a table, in the ledger's order; failed ones only as transactions that somebody signed."""

    def __init__(self, rows: Iterable[dict] | pd.DataFrame):
        self.rows = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
        moved = sorted((row for row in self.rows if not failed(row)), key=_ledger_order)
        self.transfers = [_transfer(row) for row in moved]
        self.kept: dict = {}

    @cached_property
    def _entries(self) -> dict[str, list[Entry]]:
        found = defaultdict(list)
        for one in self.transfers:
            to_self = one.sender == one.receiver
            found[one.sender].append(_entry(one, "self" if to_self else "out", one.receiver))
            if not to_self:
                found[one.receiver].append(_entry(one, "in", one.sender))
        return {wallet: sorted(entries, key=lambda entry: entry.place) for wallet, entries in found.items()}

    @cached_property
    def _times(self) -> dict[str, list[int]]:
        return {wallet: [entry.t for entry in entries] for wallet, entries in self._entries.items()}

    @cached_property
    def wallets(self) -> list[str]:
        """Everyone who sent or received anything."""
        return sorted(self._entries)

    def entries(self, wallet: str, start: float = float("-inf"), end: float = float("inf")) -> list[Entry]:
        """The wallet's transfers with start ≤ t < end, in order."""
        times = self._times.get(wallet, [])
        return self._entries.get(wallet, [])[bisect_left(times, start) : bisect_left(times, end)]

    def first_inflows(self, wallet: str) -> list[Entry]:
        """All that came to it with value, from other wallets, at first(x)."""
        valued = [entry for entry in self.entries(wallet) if entry.direction == "in" and entry.amount > 0]
        return [entry for entry in valued if entry.t == valued[0].t]

    def first(self, wallet: str) -> int | None:
        """first(x): when value first came to it from another wallet."""
        return kept(self, "first", wallet, lambda: next((e.t for e in self.first_inflows(wallet)), None))

    def funder(self, wallet: str) -> str | None:
        """Who sent at first(x), if it is one wallet."""
        return kept(self, "funder", wallet, lambda: _only({entry.other for entry in self.first_inflows(wallet)}))

    def funded_by(self, funder: str) -> list[str]:
        """Wallets whose funder it is."""
        return self._funded.get(funder, [])

    @cached_property
    def _funded(self) -> dict[str | None, list[str]]:
        found = defaultdict(list)
        for wallet in self.wallets:
            found[self.funder(wallet)].append(wallet)
        return found

    def senders_before(self, wallet: str, t: int) -> frozenset[str]:
        """Distinct other wallets that sent to it before t, be it nothing."""
        return self._met(wallet, t, "in")

    def receivers_before(self, wallet: str, t: int) -> frozenset[str]:
        """Distinct other wallets that it sent to before t, be it nothing."""
        return self._met(wallet, t, "out")

    def _met(self, wallet: str, t: int, side: str) -> frozenset[str]:
        entries = self.entries
        return kept(
            self, side, (wallet, t), lambda: frozenset(e.other for e in entries(wallet, end=t) if e.direction == side)
        )

    def is_deposit(self, wallet: str, t: int) -> bool:
        """Whether it had sent value before t, all of it to one other wallet."""
        return kept(self, "deposit", (wallet, t), lambda: len(self._sent_value(wallet, t)) == 1)

    def _sent_value(self, wallet: str, t: int) -> set[str]:
        return {e.other for e in self.entries(wallet, end=t) if e.direction == "out" and e.amount > 0}


def kept(chain: Chain, what: str, key, find):
    """What `find` returns, called once per chain and key."""
    answers = chain.kept.setdefault(what, {})
    if key not in answers:
        answers[key] = find()
    return answers[key]


def _only(values: set):
    return next(iter(values)) if len(values) == 1 else None


def failed(row: dict) -> bool:
    return bool(value_of(row, "failed"))


def value_of(row: dict, name: str):
    """What stands in the row, None if there is nothing."""
    value = row.get(name)
    return None if pd.isna(value) else value


def _transfer(row: dict) -> Transfer:
    usd = value_of(row, "usd")
    return Transfer(
        t=seconds(row),
        sender=row["sender"],
        receiver=row["receiver"],
        amount=Fraction(row["amount"]),
        asset=row["asset"],
        usd=None if usd is None else Fraction(usd),
        tx=value_of(row, "tx_id"),
        chain=value_of(row, "chain"),
    )


def _entry(one: Transfer, direction: str, other: str) -> Entry:
    return Entry(one.t, direction, one.amount, one.asset, other, one.usd, one)


def seconds(row: dict) -> int:
    return int(row["timestamp"].timestamp() // 1)


@cache
def fnv1a(text: str) -> int:
    """FNV-1a of 64 bits, which decides who is in a cohort and how transfers stand that are equal in time and amount."""
    answer = 0xCBF29CE484222325
    for byte in text.encode():
        answer = (answer ^ byte) * 0x100000001B3 % 2**64
    return answer


def _ledger_order(row: dict) -> tuple:
    """By time and amount; then any order that depends on the rows' contents; here the ledger's own, so that both agree."""
    keys = [fnv1a(row[name]) for name in ("asset", "sender", "receiver")]
    usd = value_of(row, "usd")
    keys += [] if usd is None else [struct.unpack("<Q", struct.pack("<d", usd))[0]]
    mixed = 0
    for key in keys:
        mixed = (mixed ^ key) * 0x9E3779B97F4A7C15 % 2**64
        mixed ^= mixed >> 29
    return seconds(row), row["amount"], mixed
