"""Follows the loot of cases over a ledger (by `loot_kernel.py`), and finds which wallets are services. Makes no tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.errors import UsageError
from ..exposure.pairs import Pairs, flow_order, pairs_in
from ..exposure.swaps import Swaps, swaps_of
from ..labels.categories import CATEGORIES, IDS, SERVICES
from ..labels.table import active
from ..ledger.ledger import Ledger
from .case_list import Case
from .loot_kernel import FAR, FIELDS, LootFlows, LootState, LootTransfers, PassProgress, Purses, SeedRoles, carry_loot

CASES_PER_PASS = 8
"""Cases that go in one pass."""
MIXER, BRIDGE, EXCHANGE, OTC, DEX, OTHER = "mixer", "bridge", "exchange", "otc", "dex", "other"
SERVICE_KINDS = (MIXER, BRIDGE, EXCHANGE, OTC, DEX, OTHER)
"""Where loot leaves what can be followed, by kind of service; deposit addresses are the exchange's."""

_NEVER = np.iinfo(np.int64).max
_FIRST = ("mixer", "bridge", "exchange", "exchange_deposit", "otc", "dex")  # of several services of one wallet
_RANKS = [
    *_FIRST,
    *(c.id for c in CATEGORIES if c.service and c.id not in _FIRST),
    *(i for i in IDS if i not in SERVICES),
]
_ROOM = 1024


@dataclass(frozen=True, slots=True)
class FollowedLoot:
    """What a pass found, by pair (wallet, asset) that loot reached, and by case.

    Attributes:
        wallet, asset: int64[pairs].
        received: float64[pairs], in all, loot or not.
        balance: float64[pairs], received and not sent on; of services 0.
        amounts: float64[pairs, FIELDS, cases], see `loot_kernel`.
        hop, when, unpriced: see `loot_kernel.LootState`.
        flows: transfers that moved loot of the first case; empty if they were not asked for.
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


def end_of_case(ledger: Ledger, as_of: str | pd.Timestamp | None) -> pd.Timestamp:
    """The moment before which transfers count, in UTC; the end of the ledger if none is given.

    Raises:
        UsageError: it is no date.
    """
    if as_of is None:
        return ledger.end
    try:
        at = pd.Timestamp(as_of)
        moment = at.tz_localize("UTC") if at.tzinfo is None else at.tz_convert("UTC")
        assert isinstance(moment, pd.Timestamp)
        return moment
    except (ValueError, TypeError, AttributeError, AssertionError):
        raise UsageError(f"as_of: a date such as 2021-04-01 is needed, not {as_of!r}") from None


def wallet_categories(ledger: Ledger, labels: pd.DataFrame | None, moment: pd.Timestamp) -> np.ndarray:
    """The category of each wallet by the labels that stand at a moment; of several a service's first. int16[wallets].

    Args:
        ledger: whose wallets.
        labels: as `read_labels` gives them; None: none.
        moment: labels known before it count, and none without `known_from`.

    Returns:
        Places in IDS; −1: no label.
    """
    found = np.full(len(ledger.addresses), -1, np.int16)
    if labels is not None and len(labels):
        known = active(labels, moment)
        ids = ledger.ids(known["address"])
        ranks = {id: k for k, id in enumerate(_RANKS)}
        rank = np.array([ranks[id] for id in known["category"]], np.int16)
        order = np.argsort(-rank, kind="stable")  # the first of the ranks is written last
        order = order[ids[order] >= 0]
        found[ids[order]] = np.array([IDS.index(id) for id in _RANKS], np.int16)[rank[order]]
    return found


def are_services(categories: np.ndarray) -> np.ndarray:
    """Which wallets are services, by `wallet_categories`; bool[wallets]."""
    return np.array([*(id in SERVICES for id in IDS), False])[categories]


def service_kinds(categories: np.ndarray) -> np.ndarray:
    """Which of SERVICE_KINDS each wallet is, by `wallet_categories`; int8, −1: no service."""
    names = {"exchange_deposit": EXCHANGE} | {name: name for name in SERVICE_KINDS}
    of = [SERVICE_KINDS.index(names.get(id, OTHER)) if id in SERVICES else -1 for id in IDS]
    return np.array([*of, -1], np.int8)[categories]


def follow_loot(
    ledger: Ledger, cases: Sequence[Case], absorbs: np.ndarray, moment: pd.Timestamp, *,
    max_hops: int | None = None, flows: bool = False,
) -> FollowedLoot:  # fmt: skip
    """Follow the loot of at most CASES_PER_PASS cases by haircut, over all transfers before a moment.

    Takes 132 bytes a case for each pair (wallet, asset) that loot reached, 20 for each pair, and 33 for each flow, and
    while it makes room up to three times as much of the first and last.

    Args:
        ledger: the transfers.
        cases: whose loot; a seed that is a service too is followed.
        absorbs: bool[wallets], services: what they receive is not followed on.
        moment: the end.
        max_hops: loot that has come so many hops from its seed is left where it is; None: it is followed on.
        flows: whether each transfer that moved loot of the first case is recorded.
    """
    pairs = pairs_in(ledger)
    order: np.ndarray = ledger.computed_once("flow order", lambda: flow_order(ledger, pairs))
    swaps: Swaps = ledger.computed_once("swaps", lambda: swaps_of(ledger))
    chain = _chain(ledger, pairs, swaps)
    marks = _marks(ledger, cases, absorbs, max_hops)
    order = order[: np.searchsorted(chain.time[order], np.ceil(moment.timestamp()))]
    loot, room = _no_loot(len(pairs.wallet), len(cases)), _no_flows(_ROOM if flows else 0)
    purses = _purses(int(swaps.most[0]), int(swaps.most[1]), len(cases))
    counts, done = PassProgress(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([-1, 0])), 0
    while (done := carry_loot(order, done, chain, marks, loot, purses, room, counts)) < len(order):
        waits = int(counts.second[1]) + 2
        if counts.places[0] + waits > len(loot.pair):
            loot = loot._replace(**{name: _longer(getattr(loot, name), waits) for name in _GROWING})
        if flows and counts.flows[0] + waits > len(room.row):
            room = LootFlows(*(_longer(column, waits) for column in room))
    n, pair = int(counts.places[0]), loot.pair[: counts.places[0]]
    return FollowedLoot(
        wallet=pairs.wallet[pair].astype(np.int64), asset=pairs.asset[pair].astype(np.int64),
        received=loot.received[pair], balance=loot.balance[pair], amounts=loot.amounts[:n], hop=loot.hop[:n],
        when=loot.when[:n], unpriced=loot.unpriced[:n], flows=LootFlows(*(column[: counts.flows[0]] for column in room)),
    )  # fmt: skip


def _chain(ledger: Ledger, pairs: Pairs, swaps: Swaps) -> LootTransfers:
    rows = ledger.rows
    carried, part = ledger.computed_once("parts of swaps", lambda: _parts(ledger, swaps))
    return LootTransfers(rows.time, rows.amount, rows.usd, pairs.sender, pairs.receiver, pairs.wallet, swaps.outs, swaps.ins,
                 carried, part)  # fmt: skip


def _parts(ledger: Ledger, swaps: Swaps) -> tuple[np.ndarray, np.ndarray]:
    """Of each out, the part of its worth that its swap brings back; of each in, its part of that. See docs/cases.md."""
    rows = ledger.rows
    if not swaps.outs.size:
        return np.empty(0), np.empty(0)
    carried, part = np.ones(len(rows.time)), np.zeros(len(rows.time))
    gave, got = np.flatnonzero(swaps.outs >= 0), np.flatnonzero(swaps.ins >= 0)
    keys = np.concatenate([rows.time[gave] << 31 | swaps.outs[gave], rows.time[got] << 31 | swaps.ins[got]])
    number = np.unique(keys, return_inverse=True)[1]
    of_out, of_in, n = number[: len(gave)], number[len(gave) :], int(number.max()) + 1
    usd = rows.usd if rows.usd.size else np.full(len(rows.time), np.nan)
    given, worth = (np.bincount(of, usd[which], n) for of, which in ((of_out, gave), (of_in, got)))
    known = np.isfinite(given) & np.isfinite(worth) & (given > 0)
    with np.errstate(all="ignore"):
        carried[gave] = np.where(known, np.minimum(worth / given, 1.0), 1.0)[of_out]
        by_usd, by_amount = usd[got] / worth[of_in], rows.amount[got] / np.bincount(of_in, rows.amount[got], n)[of_in]
    lowest, highest = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
    np.minimum.at(lowest, of_in, rows.asset[got])
    np.maximum.at(highest, of_in, rows.asset[got])
    equal = 1 / np.bincount(of_in, minlength=n)[of_in]
    part[got] = np.where(np.isfinite(by_usd), by_usd, np.where((lowest == highest)[of_in], by_amount, equal))
    return carried, part


def _marks(ledger: Ledger, cases: Sequence[Case], absorbs: np.ndarray, max_hops: int | None) -> SeedRoles:
    seeds = [ledger.ids(list(case.seeds)) for case in cases]
    acting = absorbs.copy()
    for ids in seeds:
        acting[ids[ids >= 0]] = True
    who = np.flatnonzero(acting)
    of = np.full(len(absorbs), -1, np.int32)
    of[who] = np.arange(len(who))
    since, stops = np.full((len(who), len(cases)), _NEVER), absorbs[who].astype(np.uint8)
    for k, (case, ids) in enumerate(zip(cases, seeds, strict=True)):
        there = ids >= 0
        since[of[ids[there]], k] = np.array(case.since)[there]
        stops[of[ids[there]]] = 0
    return SeedRoles(of, since, stops, FAR if max_hops is None else max_hops)


_GROWING = ("amounts", "hop", "when", "unpriced", "pair")


def _no_loot(pairs: int, cases: int) -> LootState:
    return LootState(
        place=np.full(pairs, -1, np.int32), balance=np.zeros(pairs), received=np.zeros(pairs),
        amounts=np.zeros((_ROOM, FIELDS, cases)), hop=np.zeros((_ROOM, cases), np.int32),
        when=np.zeros((_ROOM, 2, cases), np.int64), unpriced=np.zeros((_ROOM, cases), np.int64),
        pair=np.zeros(_ROOM, np.int32),
    )  # fmt: skip


def _no_flows(n: int) -> LootFlows:
    return LootFlows(
        np.zeros(n, np.int32), np.zeros(n, np.uint8), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n, np.int32)
    )


def _purses(swaps: int, transfers: int, cases: int) -> Purses:
    return Purses(
        to_give=np.zeros(swaps, np.int64), amount=np.zeros(swaps), loot=np.zeros((swaps, 3, cases)),
        hop=np.zeros((swaps, cases), np.int32), waiting=np.zeros(transfers, np.int32),
        drawn=np.zeros((transfers, 4, cases)), drawn_hop=np.zeros((transfers, cases), np.int32),
    )  # fmt: skip


def _longer(array: np.ndarray, least: int) -> np.ndarray:
    """Twice as long, or by `least` if that is more."""
    return np.concatenate([array, np.zeros((max(len(array), least), *array.shape[1:]), array.dtype)])
