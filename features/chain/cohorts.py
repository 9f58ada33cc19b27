"""Cohorts: what wallets of one week moved, to rank a wallet's own totals by (definition: docs/guide.md).

A cohort is built once for all snapshots of a week. It reads the rows of its period or all wallets, whichever is cheaper, and the
transfers of the wallets drawn (32,768 on average, for a ledger of any size).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel
from ..base.processor_cores import usable_cores
from ..kernels.context import Cohorts
from ..kernels.wallet_view import IN, OUT, SELF, WEEK, leading_asset, number, scratch_for

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_DRAWN = 16_384  # each wallet is drawn with chance _DRAWN ÷ transfers of the period
_MIN_WALLETS = 30  # of a group: fewer say nothing of a rank
_SEARCH = 100  # rows that can be looked at while one wallet's slice is found
_EARLIEST = np.iinfo(np.int64).min


class _Cohort(NamedTuple):
    """The cohort of one week: the leading asset of each group, how many values each of its seven measures has, and the values."""

    assets: np.ndarray
    sizes: np.ndarray
    values: np.ndarray


_EMPTY_COHORT = _Cohort(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0))


def cohorts_of(ledger: Ledger, as_of: np.ndarray, window_seconds: int | None) -> Cohorts:
    """The cohorts of snapshots.

    Args:
        ledger: the transfers.
        as_of: the second of each snapshot, int64.
        window_seconds: the length of each period; None: it begins with the first transfer.
    """
    weeks, cohort = _numbered(as_of // WEEK)
    with ThreadPoolExecutor(usable_cores()) as pool:
        cohorts = list(pool.map(lambda week: _cohort_of_week(ledger, int(week), window_seconds), weeks))
    number = np.repeat(np.arange(len(cohorts)), [len(one_week.assets) for one_week in cohorts])
    assets, sizes, values = (np.concatenate(parts) for parts in zip(_EMPTY_COHORT, *cohorts, strict=True))
    group = np.column_stack([number, assets]).astype(np.int32)
    return Cohorts(cohort, group, np.concatenate([[0], np.cumsum(sizes)]), values)


def _numbered(weeks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct weeks, upwards, and each one's number among them (`np.unique` would sort millions of snapshots)."""
    if not len(weeks):
        return weeks, np.empty(0, np.int32)
    seen = np.zeros(weeks.max() - weeks.min() + 1, bool)
    seen[weeks - weeks.min()] = True
    return np.flatnonzero(seen) + weeks.min(), (np.cumsum(seen, dtype=np.int32) - 1)[weeks - weeks.min()]


def _cohort_of_week(ledger: Ledger, week: int, window_seconds: int | None) -> _Cohort:
    make = partial(_cohort, ledger, ledger.hashes, week * WEEK, window_seconds)
    return ledger.computed_once(("cohort", week, window_seconds), make)


def _cohort(ledger: Ledger, hashes: np.ndarray, end: int, window_seconds: int | None) -> _Cohort:
    """The cohort whose period ends at `end`."""
    start = _EARLIEST if window_seconds is None else end - window_seconds
    ids = _drawn(ledger, hashes, start, end)
    low, high = ledger.entry_ranges(ids, np.full(len(ids), start), np.full(len(ids), end))
    some = high > low
    ids, low, size = ids[some], low[some], (high - low)[some]
    lead, measures = np.empty(len(ids), np.int64), np.empty((7, len(ids)))
    _measure(ledger.rows, ledger.entries, ids, low, size, scratch_for(int(size.max(initial=0))), lead, measures)
    order = np.argsort(lead, kind="stable")
    return _Cohort(*_grouped(lead[order], np.take(measures, order, axis=1)))


def _drawn(ledger: Ledger, hashes: np.ndarray, start: int, end: int) -> np.ndarray:
    """The wallets drawn that were active in [start, end), and perhaps some that were not."""
    first, last = np.searchsorted(ledger.rows.time, [start, end])
    if first == last:
        return np.empty(0, np.int64)
    chance = min(1.0, _DRAWN / int(last - first))
    if chance * len(hashes) * _SEARCH < last - first:
        return _below(hashes, chance)
    return _active(hashes, chance, ledger.rows.sender[first:last], ledger.rows.receiver[first:last])


@kernel
def _is_drawn(hashed, chance):
    """Whether a wallet of this hash is drawn."""
    return hashed * 2.0**-64 < chance


@kernel
def _below(hashes, chance):
    """The wallets drawn of all."""
    wallets = np.empty(hashes.size, np.int64)
    n = 0
    for w in range(hashes.size):
        if _is_drawn(hashes[w], chance):
            wallets[n] = w
            n += 1
    return wallets[:n].copy()


@kernel
def _active(hashes, chance, sender, receiver):
    """The wallets drawn of those in some rows, each once. The draw takes a byte per wallet, as rows look it up in no order."""
    drawn = np.empty(hashes.size, np.uint8)
    for w in range(hashes.size):
        drawn[w] = _is_drawn(hashes[w], chance)
    wallets = np.empty(min(2 * sender.size, hashes.size), np.int64)
    n = 0
    for ends in (sender, receiver):
        for w in ends:
            if drawn[w]:
                drawn[w] = 0
                wallets[n] = w
                n += 1
    return wallets[:n].copy()


@kernel
def _measure(rows, entries, ids, low, size, scratch, lead, measures):
    """Each wallet's leading asset and measures, of what `gather` calls x_in and x_out (at a third of its cost).

    Measures: in and out total, in and out mean, in and out max, transfers.
    """
    for w in range(ids.size):
        _read(rows, entries, ids[w], low[w], size[w], scratch)
        m, first = measures[:, w], rows.asset[entries[low[w]]]
        assets = number(scratch.i1, size[w], scratch.table, scratch.table_id)
        best = leading_asset(scratch.i0, scratch.f0, scratch.i1, size[w], assets, scratch.i2, scratch.i3)
        m[:] = 0.0
        n_in = n_out = 0
        lead[w] = -1
        for k in range(size[w]):
            if scratch.f0[k] > 0 and scratch.i1[k] == best and scratch.i0[k] != SELF:
                lead[w] = first if best == 0 else rows.asset[entries[low[w] + k]]
                side = 1 if scratch.i0[k] == OUT else 0
                n_in, n_out = n_in + 1 - side, n_out + side
                m[side] += scratch.f0[k]
                m[4 + side] = max(m[4 + side], scratch.f0[k])
        m[2], m[3], m[6] = m[0] / n_in, m[1] / n_out, n_in + n_out
        if n_in == 0:
            m[0] = m[4] = np.nan
        if n_out == 0:
            m[1] = m[5] = np.nan


@kernel
def _read(rows, entries, wallet, low, n, scratch):
    """Directions, amounts and assets of a wallet's transfers, written to scratch.i0, scratch.f0 and scratch.i1."""
    for k in range(n):
        row = entries[low + k]
        scratch.f0[k] = rows.amount[row]
        scratch.i1[k] = rows.asset[row]
        scratch.i0[k] = IN
        if rows.sender[row] == wallet:
            scratch.i0[k] = SELF if rows.receiver[row] == wallet else OUT


@kernel
def _grouped(lead, measures):
    """The measures of each leading asset, sorted; `lead` ascends. Groups too small to rank anything are left out."""
    assets = np.empty(lead.size // _MIN_WALLETS, np.int32)
    sizes = np.empty(7 * assets.size, np.int64)
    values = np.empty(7 * lead.size)
    groups = n = begin = 0
    for end in range(1, lead.size + 1):
        if end < lead.size and lead[end] == lead[begin]:
            continue
        if lead[begin] >= 0 and end - begin >= _MIN_WALLETS:
            assets[groups] = lead[begin]
            for j in range(7):
                before = n
                for k in range(begin, end):
                    if not np.isnan(measures[j, k]):
                        values[n] = measures[j, k]
                        n += 1
                values[before:n].sort()
                sizes[7 * groups + j] = n - before
            groups += 1
        begin = end
    return assets[:groups].copy(), sizes[: 7 * groups].copy(), values[:n].copy()
