"""Ranks: each transfer's size among the chain's transfers of its asset in the four weeks before its own week.

Of a week at most 4096 transfers are looked at, evenly spread, so a row costs one search among at most 16,384 sizes: time is
linear in rows for any number of assets (definition: docs/guide.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.context import Ranks
from ..kernels.wallet_view import WEEK
from .threads import over_shares

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_BEFORE = 4  # weeks
_MOST = 4_096  # of a week
_MIN_TRANSFERS = 30  # of a sample: fewer say nothing of a rank
_TOGETHER = 64  # searches


def build_ranks(ledger: Ledger) -> Ranks:
    """The rank of every transfer of a ledger."""
    rows = ledger.rows
    rank = np.full(ledger.transfers, np.nan)
    order = _by_asset(rows.asset, rows.sender, rows.receiver, rows.amount, len(ledger.assets))
    start, week, asset, begin = _groups(order, rows.asset, rows.time)
    sizes = np.empty(begin[-1])
    over_shares(lambda a, b: _sample(a, b, order, start, begin, rows.amount, sizes), start)
    over_shares(lambda a, b: _rank(a, b, order, start, week, asset, begin, sizes, rows.amount, rank), start)
    return Ranks(rank)


@kernel
def _by_asset(asset, sender, receiver, amount, assets):
    """The rows that have a size to rank, by asset and, within one, in the ledger's order (a counting sort)."""
    fill = np.zeros(assets + 1, np.int64)
    for i in range(asset.size):
        fill[asset[i] + 1] += amount[i] > 0 and sender[i] != receiver[i]
    for a in range(assets):
        fill[a + 1] += fill[a]
    order = np.empty(fill[-1], np.int32)
    for i in range(asset.size):
        if amount[i] > 0 and sender[i] != receiver[i]:
            order[fill[asset[i]]] = i
            fill[asset[i]] += 1
    return order


@kernel
def _groups(order, asset, time):
    """Groups of one asset and week: where each starts in `order`, its week and asset, and where its sample begins."""
    groups = _cut(order, asset, time, np.empty(0, np.int64))
    start, begin = np.empty(groups + 1, np.int64), np.zeros(groups + 1, np.int64)
    week, group_asset = np.empty(groups, np.int64), np.empty(groups, np.int32)
    _cut(order, asset, time, start)
    start[groups] = order.size
    for g in range(groups):
        size = start[g + 1] - start[g]
        begin[g + 1] = begin[g] + -(-size // _step(size))
        week[g], group_asset[g] = time[order[start[g]]] // WEEK, asset[order[start[g]]]
    return start, week, group_asset, begin


@kernel
def _cut(order, asset, time, start):
    """Write where the groups start into `start`, if there is room; return how many there are."""
    groups = 0
    current, until = -1, time[order[0]] if order.size else 0
    for k in range(order.size):
        i = order[k]
        if asset[i] != current or time[i] >= until:  # times ascend within an asset
            current, until = asset[i], (time[i] // WEEK + 1) * WEEK
            if start.size:
                start[groups] = k
            groups += 1
    return groups


@kernel
def _step(size):
    """Every how manieth transfer of a week with `size` of them is looked at."""
    return -(-size // _MOST)


@kernel
def _sample(first, last, order, start, begin, amount, sizes):
    """Sizes looked at of groups first … last − 1, upwards, at sizes[begin[g] : begin[g + 1]]."""
    for g in range(first, last):
        step = _step(start[g + 1] - start[g])
        for k in range(begin[g], begin[g + 1]):
            sizes[k] = amount[order[start[g] + (k - begin[g]) * step]]
        sizes[begin[g] : begin[g + 1]].sort()


@kernel
def _rank(first, last, order, start, week, asset, begin, sizes, amount, rank):
    """Write the ranks of the rows of groups first … last − 1."""
    room = _BEFORE * _MOST
    here, there, equal, between = np.empty(room), np.empty(room), np.empty(room), np.empty(room + 1)
    for g in range(first, last):
        known = 0
        for j in range(g - 1, max(g - 1 - _BEFORE, -1), -1):
            if asset[j] != asset[g] or week[j] < week[g] - _BEFORE:
                break
            known = _merge(here, known, sizes[begin[j] : begin[j + 1]], there)
            here, there = there, here
        if known >= _MIN_TRANSFERS:
            distinct = _table(here, known, equal, between)
            for k in range(start[g], start[g + 1], _TOGETHER):
                some = order[k : min(k + _TOGETHER, start[g + 1])]
                _look_up(some, amount, here, distinct, equal, between, rank)


@kernel
def _merge(a, n, b, out):
    """Merge two ascending arrays, a[:n] and b, into `out`; return how many there are."""
    i = j = 0
    for k in range(n + b.size):
        if j == b.size or (i < n and a[i] <= b[j]):
            out[k] = a[i]
            i += 1
        else:
            out[k] = b[j]
            j += 1
    return n + b.size


@kernel
def _table(ordered, n, equal, between):
    """Leave the distinct values of an ascending array in its beginning; return how many there are.

    equal[k] becomes the rank of the k-th of them, between[k] that of a value between it and the one before.
    """
    distinct = 0
    k = 0
    while k < n:
        below, value = k, ordered[k]
        while k < n and ordered[k] == value:
            k += 1
        ordered[distinct] = value
        between[distinct] = below / n
        equal[distinct] = (below + 0.5 * (k - below)) / n
        distinct += 1
    between[distinct] = 1.0
    return distinct


@kernel
def _look_up(some, amount, ordered, distinct, equal, between, rank):
    """Write the ranks of some rows. Searches go side by side, so that none waits for memory, and guess at no branch."""
    a, low = np.empty(_TOGETHER), np.zeros(_TOGETHER, np.int64)
    for j in range(some.size):
        a[j] = amount[some[j]]
    n = distinct
    while n > 1:
        half = n // 2
        for j in range(some.size):
            low[j] += half * (ordered[low[j] + half - 1] < a[j])
        n -= half
    for j in range(some.size):
        p = low[j] + (ordered[low[j]] < a[j])
        rank[some[j]] = equal[p] if p < distinct and ordered[p] == a[j] else between[p]
