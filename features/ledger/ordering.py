"""The order of a ledger: the total order of rows, every wallet's rows as one slice, and the keys that find duplicates.

Works on arrays; reads no file.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..base.kernel_compiler import kernel
from ..base.processor_cores import usable_cores
from ..kernels.sorted_arrays import sort_pairs
from ..kernels.wallet_view import LedgerRows

_MANY = 200_000  # rows from which on threads are worth their while
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_NO_NUMBER = np.uint64(0x7FF0000000000000)  # bits that NaN has, and no price


def ascends(time: np.ndarray) -> bool:
    """Whether times are in order; equal ones may follow each other."""
    return bool(_ascends(time))


def total_order(
    rows: LedgerRows, address_hash: np.ndarray, asset_hash: np.ndarray, chain_hash: np.ndarray
) -> np.ndarray | None:
    """The total order of rows, as positions to take them from; None if they stand in it already.

    By (time, amount, asset, sender, receiver, usd, chain, tx), so that no sum depends on the order in which rows came. Names
    are compared by their hashes, as ids differ from ledger to ledger. Unknown values and columns that were not read do not count.

    Args:
        rows: the transfers.
        address_hash, asset_hash, chain_hash: hashes of names by id.
    """
    order, sorted_already = np.arange(len(rows.time)), ascends(rows.time)
    if not sorted_already:
        order = np.argsort(rows.time, kind="stable")
    bits = rows.amount.view(np.uint64), rows.usd.view(np.uint64)
    columns = (bits[0], rows.sender, rows.receiver, rows.asset, bits[1], rows.chain, rows.tx)
    moved = _order_ties(order, rows.time, *columns, address_hash, asset_hash, chain_hash)
    return order if moved or not sorted_already else None


def order_by_key(time: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Positions in order of (time, key)."""
    order = np.arange(len(time)) if ascends(time) else np.argsort(time, kind="stable")
    _order_keys(order, time, key)
    return order


def reordered(columns: Any, order: np.ndarray | None) -> Any:
    """A named tuple of columns in another order, or some rows of them; empty columns stay empty."""
    return (
        columns if order is None else type(columns)(*(column[order] if column.size else column for column in columns))
    )


def transfer_keys(rows: LedgerRows, address_hash: np.ndarray, asset_hash: np.ndarray) -> np.ndarray:
    """The identity of each transfer (`duplicates.py`), as 64 bits: time, sender, receiver, asset, amount, transaction."""
    names = asset_hash[rows.asset], address_hash[rows.sender], address_hash[rows.receiver]
    return mix(rows.time.view(np.uint64), *names, rows.amount.view(np.uint64), rows.tx)


def mix(*keys: np.ndarray) -> np.ndarray:
    """One key of several. Equal rows get equal keys; different rows get different ones but for a chance of 2⁻⁶⁴."""
    out = np.zeros(len(keys[0]), np.uint64)
    for key in keys:
        out = (out ^ key) * _MULTIPLIER
        out ^= out >> np.uint64(29)
    return out


def compress_rows(
    sender: np.ndarray, receiver: np.ndarray, time: np.ndarray, wallets: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every wallet's transfers as one slice in order (time, in < out < self, then as the rows stand).

    Returns:
        Offsets (int64) and entries (int32): wallet i's rows are entries[offsets[i] : offsets[i + 1]].
    """
    offsets = np.zeros(wallets + 1, np.int64)
    _count(sender, receiver, offsets)
    np.cumsum(offsets, out=offsets)
    entries, fill = np.empty(offsets[-1], np.int32), offsets[:-1].copy()
    threads = usable_cores() if len(time) > _MANY else 1
    # By wallets, so that no two threads write to one place, and so that each has as many entries to write.
    edges = np.searchsorted(offsets, np.linspace(0, offsets[-1], threads + 1).astype(np.int64))
    edges[0], edges[-1] = 0, wallets

    def work(share: int) -> None:
        _fill(sender, receiver, time, edges[share], edges[share + 1], offsets, fill, entries)

    if threads == 1:
        work(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(threads)))
    return offsets, entries


@kernel
def _ascends(time):
    for i in range(1, time.size):  # noqa: SIM110 (a kernel knows no generators)
        if time[i] < time[i - 1]:
            return False
    return True


@kernel
def _order_ties(order, time, amount, sender, receiver, asset, usd, chain, tx, address_hash, asset_hash, chain_hash):
    """Bring `order` within runs of one time into the total order, in place; whether anything moved."""
    moved = False
    first, second = np.empty(16, np.uint64), np.empty(16, np.uint64)
    start = 0
    for end in range(1, order.size + 1):
        if end < order.size and time[order[end]] == time[order[start]]:
            continue
        n = end - start
        rising = True  # as most are: then names need not be looked at
        for j in range(start + 1, end):
            rising &= amount[order[j]] > amount[order[j - 1]]
        if not rising:
            if n > first.size:
                first, second = np.empty(2 * n, np.uint64), np.empty(2 * n, np.uint64)
            run = order[start:end]
            before = run.copy()
            for j in range(n):
                row = run[j]
                key = asset_hash[asset[row]] * _MULTIPLIER
                key = ((key ^ (key >> np.uint64(29))) ^ address_hash[sender[row]]) * _MULTIPLIER
                key = ((key ^ (key >> np.uint64(29))) ^ address_hash[receiver[row]]) * _MULTIPLIER
                key ^= key >> np.uint64(29)
                if usd.size and usd[row] & _NO_NUMBER != _NO_NUMBER:
                    key = (key ^ usd[row]) * _MULTIPLIER
                    key ^= key >> np.uint64(29)
                first[j], second[j] = amount[row], key
            sort_pairs(first[:n], second[:n], run)
            if chain.size or tx.size:
                _order_equal(first, second, run, chain, tx, chain_hash)
            for j in range(n):
                moved |= run[j] != before[j]
        start = end
    return moved


@kernel
def _order_equal(first, second, run, chain, tx, chain_hash):
    """Among rows of one time that are equal so far, those of one chain together, in order of their transactions."""
    start = 0
    for end in range(1, run.size + 1):
        if end < run.size and first[end] == first[start] and second[end] == second[start]:
            continue
        if end - start > 1:
            for j in range(start, end):
                first[j] = chain_hash[chain[run[j]]] if chain.size and chain[run[j]] >= 0 else np.uint64(0)
                second[j] = tx[run[j]] if tx.size else np.uint64(0)
            sort_pairs(first[start:end], second[start:end], run[start:end])
        start = end


@kernel
def _order_keys(order, time, key):
    start = 0
    for end in range(1, order.size + 1):
        if end < order.size and time[order[end]] == time[order[start]]:
            continue
        if end - start > 1:
            first = key[order[start:end]]
            sort_pairs(first, first.copy(), order[start:end])
        start = end


@kernel
def _count(sender, receiver, offsets):
    for i in range(sender.size):
        offsets[sender[i] + 1] += 1
        if sender[i] != receiver[i]:
            offsets[receiver[i] + 1] += 1


@kernel
def _fill(sender, receiver, time, low, high, offsets, fill, entries):
    """Write the entries of the wallets from `low` to before `high`.

    What stands before a wallet's first entry is another wallet's, or nothing yet. At worst the wallet is sorted in vain.
    """
    tied = np.zeros(high - low, np.uint8)
    start = 0  # the first row of this row's time: entries from there on are of the same time
    for i in range(sender.size):
        if time[i] != time[start]:
            start = i
        s, r = sender[i], receiver[i]
        if low <= s < high:
            position = fill[s]
            if entries[position - 1] >= start:
                tied[s - low] = 1
            entries[position] = i
            fill[s] = position + 1
        if r != s and low <= r < high:
            position = fill[r]
            if entries[position - 1] >= start:
                tied[r - low] = 1
            entries[position] = i
            fill[r] = position + 1
    for w in range(low, high):
        if tied[w - low]:
            _ins_first(entries[offsets[w] : offsets[w + 1]], sender, receiver, time, w)


@kernel
def _ins_first(entries, sender, receiver, time, wallet):
    """Put, among one wallet's transfers of one time, what came in before what went out, and what went to itself last."""
    start = 0
    for k in range(1, entries.size + 1):
        if k < entries.size and time[entries[k]] == time[entries[start]]:
            continue
        if k - start > 1:
            run = entries[start:k].copy()
            position = start
            for direction in range(3):
                for i in run:
                    is_self = sender[i] == receiver[i]
                    if direction == (2 if is_self else int(sender[i] == wallet)):
                        entries[position] = i
                        position += 1
        start = k
