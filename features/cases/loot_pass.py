"""Follows the loot of cases over a ledger: makes room for `loot_kernel.py`, and runs it. Makes no tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.errors import UsageError
from ..exposure.pairs import Pairs, flow_order, pairs_in
from ..exposure.swap_purses import purses_for, transfers_of_ledger
from ..exposure.swaps import Swaps, swaps_in
from ..ledger.ledger import Ledger
from .case_list import Case
from .loot_kernel import (
    FAR,
    FEWEST,
    FIELDS,
    LAYERS,
    LootFlows,
    LootState,
    LootTransfers,
    RoomUsed,
    SeedRoles,
    carry_loot,
)  # fmt: skip

CASES_PER_PASS = 8
_NEVER = np.iinfo(np.int64).max
_INITIAL_SIZE = 1024


@dataclass(frozen=True, slots=True)
class FollowedLoot:
    """The loot that a pass followed, by pair (wallet, asset) that loot reached, and by case.

    Attributes:
        wallet, asset: int64[pairs].
        received: float64[pairs], in all, loot or not.
        balance: float64[pairs], received and not sent on; of services 0.
        amounts: float64[pairs, FIELDS, cases], see `loot_kernel`.
        hop, when, unpriced: see `loot_kernel.LootState`.
        flows: transfers that moved loot of the first case; empty unless they were requested.
    """

    wallet: np.ndarray
    asset: np.ndarray
    received: np.ndarray
    balance: np.ndarray
    amounts: np.ndarray
    hop: np.ndarray
    when: np.ndarray
    unpriced: np.ndarray
    flows: LootFlows


def as_of_timestamp(ledger: Ledger, as_of: str | pd.Timestamp | None) -> pd.Timestamp:
    """The date before which transfers count, in UTC; the end of the ledger if none is given.

    Raises:
        UsageError: it is no date.
    """
    if as_of is None:
        return ledger.end
    try:
        date = pd.Timestamp(as_of)
        date = date.tz_localize("UTC") if date.tzinfo is None else date.tz_convert("UTC")
        assert isinstance(date, pd.Timestamp)
        return date
    except (ValueError, TypeError, AttributeError, AssertionError):
        raise UsageError(f"as_of: a date such as 2021-04-01 is needed, got {as_of!r}") from None


def follow_loot(
    ledger: Ledger, cases: Sequence[Case], absorbs: np.ndarray, as_of: pd.Timestamp, *,
    max_hops: int | None = None, flows: bool = False,
) -> FollowedLoot:  # fmt: skip
    """Follow the loot of at most CASES_PER_PASS cases by haircut, over all transfers before a date.

    This takes 20 bytes per pair (wallet, asset), 132 bytes per case and pair that loot reached, and 33 bytes per flow. While it
    makes room, it takes up to three times as much for reached pairs and flows.

    Args:
        ledger: the transfers.
        cases: whose loot; a seed that is also a service is followed.
        absorbs: bool[wallets], services: what they receive is not followed on.
        as_of: the date.
        max_hops: loot that has come this many hops from its seed is left where it is; None: it is followed on.
        flows: whether each transfer that moved loot of the first case is recorded.
    """
    pairs, swaps, order = pairs_in(ledger), swaps_in(ledger), flow_order(ledger)
    transfers, roles = _transfers(ledger, pairs, swaps), _roles(ledger, cases, absorbs, max_hops)
    order = order[: np.searchsorted(transfers.time[order], np.ceil(as_of.timestamp()))]
    loot, recorded = _no_loot(len(pairs.wallet), len(cases)), _no_flows(_INITIAL_SIZE if flows else 0)
    empty_purse = np.zeros((LAYERS, len(cases)))
    empty_purse[FEWEST] = FAR
    purses, used = purses_for(swaps, empty_purse), RoomUsed(np.zeros(1, np.int64), np.zeros(1, np.int64))
    done = 0
    while (done := carry_loot(order, done, transfers, roles, loot, purses, recorded, used)) < len(order):
        needed = int(purses.second[1]) + 2
        if used.slots[0] + needed > len(loot.pair):
            loot = loot._replace(**{name: _longer(getattr(loot, name), needed) for name in _BY_SLOT})
        if flows and used.flows[0] + needed > len(recorded.row):
            recorded = LootFlows(*(_longer(column, needed) for column in recorded))
    n, pair = int(used.slots[0]), loot.pair[: used.slots[0]]
    return FollowedLoot(
        wallet=pairs.wallet[pair].astype(np.int64), asset=pairs.asset[pair].astype(np.int64),
        received=loot.received[pair], balance=loot.balance[pair], amounts=loot.amounts[:n], hop=loot.hop[:n],
        when=loot.when[:n], unpriced=loot.unpriced[:n], flows=LootFlows(*(column[: used.flows[0]] for column in recorded)),
    )  # fmt: skip


def _transfers(ledger: Ledger, pairs: Pairs, swaps: Swaps) -> LootTransfers:
    worth_kept, part_of_swap = ledger.computed_once("worth in swaps", lambda: _worth_in_swaps(ledger, swaps))
    return LootTransfers(
        *transfers_of_ledger(ledger, pairs, swaps),
        ledger.rows.usd,
        worth_kept=worth_kept,
        part_of_swap=part_of_swap,
    )


def _worth_in_swaps(ledger: Ledger, swaps: Swaps) -> tuple[np.ndarray, np.ndarray]:
    """For what swaps give: the part of its worth that comes back; for what swaps get: its part of that. See docs/cases.md."""
    rows = ledger.rows
    if not swaps.given_in.size:
        return np.empty(0), np.empty(0)
    worth_kept, part_of_swap = np.ones(len(rows.time)), np.zeros(len(rows.time))
    gave, got = np.flatnonzero(swaps.given_in >= 0), np.flatnonzero(swaps.got_in >= 0)
    keys = np.concatenate([rows.time[gave] << 31 | swaps.given_in[gave], rows.time[got] << 31 | swaps.got_in[got]])
    number = np.unique(keys, return_inverse=True)[1]
    of_given, of_got, n = number[: len(gave)], number[len(gave) :], int(number.max()) + 1
    usd = rows.usd if rows.usd.size else np.full(len(rows.time), np.nan)
    given, worth = (np.bincount(swap, usd[which], n) for swap, which in ((of_given, gave), (of_got, got)))
    known = np.isfinite(given) & np.isfinite(worth) & (given > 0)
    with np.errstate(all="ignore"):
        worth_kept[gave] = np.where(known, np.minimum(worth / given, 1.0), 1.0)[of_given]
        by_usd, by_amount = (
            usd[got] / worth[of_got],
            rows.amount[got] / np.bincount(of_got, rows.amount[got], n)[of_got],
        )
    lowest, highest = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
    np.minimum.at(lowest, of_got, rows.asset[got])
    np.maximum.at(highest, of_got, rows.asset[got])
    equal = 1 / np.bincount(of_got, minlength=n)[of_got]
    part_of_swap[got] = np.where(np.isfinite(by_usd), by_usd, np.where((lowest == highest)[of_got], by_amount, equal))
    return worth_kept, part_of_swap


def _roles(ledger: Ledger, cases: Sequence[Case], absorbs: np.ndarray, max_hops: int | None) -> SeedRoles:
    seeds = [ledger.ids(list(case.seeds)) for case in cases]
    acting = absorbs.copy()
    for ids in seeds:
        acting[ids[ids >= 0]] = True
    wallets = np.flatnonzero(acting)
    role_of_wallet = np.full(len(absorbs), -1, np.int32)
    role_of_wallet[wallets] = np.arange(len(wallets))
    since, absorbing = np.full((len(wallets), len(cases)), _NEVER), absorbs[wallets].astype(np.uint8)
    for k, (case, ids) in enumerate(zip(cases, seeds, strict=True)):
        seen = ids >= 0
        since[role_of_wallet[ids[seen]], k] = np.array(case.since)[seen]
        absorbing[role_of_wallet[ids[seen]]] = 0
    return SeedRoles(role_of_wallet, since, absorbing, FAR if max_hops is None else max_hops)


_BY_SLOT = ("amounts", "hop", "when", "unpriced", "pair")


def _no_loot(pairs: int, cases: int) -> LootState:
    return LootState(
        slot=np.full(pairs, -1, np.int32), balance=np.zeros(pairs), received=np.zeros(pairs),
        amounts=np.zeros((_INITIAL_SIZE, FIELDS, cases)), hop=np.zeros((_INITIAL_SIZE, cases), np.int32),
        when=np.zeros((_INITIAL_SIZE, 2, cases), np.int64), unpriced=np.zeros((_INITIAL_SIZE, cases), np.int64),
        pair=np.zeros(_INITIAL_SIZE, np.int32),
    )  # fmt: skip


def _no_flows(n: int) -> LootFlows:
    return LootFlows(
        np.zeros(n, np.int32), np.zeros(n, np.uint8), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, np.int32)
    )


def _longer(array: np.ndarray, least: int) -> np.ndarray:
    """Twice as long, or by `least` if that is more."""
    return np.concatenate([array, np.zeros((max(len(array), least), *array.shape[1:]), array.dtype)])
