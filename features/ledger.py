"""The ledger: transfers with addresses as dense integers, and for every wallet its transfers as one slice, in order.

Holds data and finds slices; computes no feature.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow import pc
from .compiled import kernel
from .transfers import normalise_addresses, read_transfers
from .view import Rows, sort_pairs

_COLUMNS = ["timestamp", "sender", "receiver", "amount", "asset", "usd", "failed"]


class Ledger:
    """Transfers ready for extraction. Failed transactions moved nothing and are left out; duplicates are counted once.

    Attributes:
        addresses: pyarrow array of strings; the address with id i stands at i.
        rows: the transfers in their total order, a column each.
        offsets, entries: wallet i's transfers are rows[entries[offsets[i] : offsets[i + 1]]].
        rejected: the rows that were refused on the way in, with their reasons (empty for files written by `ingest`).
    """

    def __init__(self, addresses: pa.Array, rows: Rows, rejected: pa.Table) -> None:
        self.addresses = addresses
        self.rows = rows
        self.rejected = rejected
        self.offsets, self.entries = _compress(rows.sender, rows.receiver, rows.time, len(addresses))
        self._ids = pd.Index(addresses.to_numpy(zero_copy_only=False), dtype="str")

    @classmethod
    def from_transfers(cls, source: Any) -> "Ledger":
        """Build a ledger.

        Args:
            source: transfers, as a path, folder, glob, list of paths, pandas frame, Arrow table or DuckDB relation.

        Raises:
            DataError: if the source is missing, holds no transfer table, or lacks columns.
        """
        transfers = read_transfers(source, columns=_COLUMNS)
        table = transfers.table
        if "failed" in table.column_names:
            table = table.filter(pc.invert(pc.fill_null(table["failed"], False)))
        sender, receiver, addresses = _encode(table["sender"], table["receiver"])
        asset, _, assets = _encode(table["asset"], table["asset"].slice(0, 0))
        rows = Rows(
            time=_seconds(table["timestamp"]),
            sender=sender,
            receiver=receiver,
            amount=_floats(table["amount"]),
            asset=asset,
            usd=_prices(table),
        )
        return cls(addresses, _in_total_order(rows, addresses, assets), transfers.bad)

    @property
    def transfers(self) -> int:
        """The number of transfers."""
        return len(self.rows.time)

    @property
    def first(self) -> int | None:
        """The time of the first transfer, in seconds since 1970 UTC; None if there is none."""
        return int(self.rows.time[0]) if self.transfers else None

    @property
    def last(self) -> int | None:
        """The time of the last transfer, in seconds since 1970 UTC; None if there is none."""
        return int(self.rows.time[-1]) if self.transfers else None

    @property
    def end(self) -> pd.Timestamp:
        """The second after the last transfer: the as-of date that sees them all. Of an empty ledger, that of 1970."""
        moment = pd.Timestamp((self.last or 0) + 1, unit="s", tz="UTC")
        assert isinstance(moment, pd.Timestamp)
        return moment

    def ids(self, addresses: Sequence[str]) -> np.ndarray:
        """The ids of addresses, in any spelling; −1 where the ledger has no transfer of it. Shape (n,), int64."""
        asked = normalise_addresses(pa.array(addresses, pa.string()))
        return self._ids.get_indexer(pd.Index(asked.to_numpy(zero_copy_only=False), dtype="str")).astype(np.int64)

    def slices(self, ids: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in `entries` the transfers of wallets `ids` with start ≤ time < end stand; low = high where there is none.

        Args:
            ids: int64 of shape (n,); −1 for an unknown wallet.
            start: int64 of shape (n,), seconds since 1970 UTC.
            end: the same.
        """
        return _slices(self.offsets, self.entries, self.rows.time, ids, start, end)


def _encode(one: pa.ChunkedArray, other: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray, pa.Array]:
    """Ids of two columns of strings, and the strings by id."""
    both = pa.chunked_array([*one.chunks, *other.chunks], type=pa.string()).dictionary_encode()
    if len(both) == 0:
        return np.empty(0, np.int32), np.empty(0, np.int32), pa.array([], pa.string())
    # All chunks share the dictionary of the last one (it only grows); `unify_dictionaries` would cost more than the encoding.
    ids = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in both.chunks]).astype(
        np.int32, copy=False
    )
    return ids[: len(one)], ids[len(one) :], both.chunk(both.num_chunks - 1).dictionary


def _seconds(timestamps: pa.ChunkedArray) -> np.ndarray:
    micros = timestamps.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    return micros // 1_000_000


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(column, math.nan).to_numpy().astype(np.float64, copy=False)


def _prices(table: pa.Table) -> np.ndarray:
    """The column usd, NaN where unpriced; empty if nothing has a price, which saves its memory."""
    if "usd" not in table.column_names or table["usd"].null_count == len(table):
        return np.empty(0)
    return _floats(table["usd"])


def _stable_hash(strings: pa.Array) -> np.ndarray:
    """A 64-bit hash of each string that is the same in every run and for every order of the rows."""
    large = strings.cast(pa.large_string())
    _, offsets, data = large.buffers()
    ends = (
        np.frombuffer(offsets, np.int64)[large.offset : large.offset + len(large) + 1]
        if len(large)
        else np.zeros(1, np.int64)
    )
    return _hash_bytes(ends, np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8))


def _in_total_order(rows: Rows, addresses: pa.Array, assets: pa.Array) -> Rows:
    """Sort rows by (time, amount, asset, sender, receiver, usd), so that no sum hangs on the order in which they came."""
    time = rows.time
    order = np.arange(len(time)) if _ascends(time) else np.argsort(time, kind="stable")
    of_address = _stable_hash(addresses)
    keys = [
        _stable_hash(assets)[rows.asset],
        of_address[rows.sender],
        of_address[rows.receiver],
    ]
    if rows.usd.size:
        keys.append(rows.usd.view(np.uint64))
    moved = _sort_ties(order, time, rows.amount, _mix(keys))
    if not moved and _ascends(time):
        return rows
    return Rows(*(column[order] if column.size else column for column in rows))


def _mix(keys: list[np.ndarray]) -> np.ndarray:
    """One key of several: rows that differ get different ones but for a chance of 2⁻⁶⁴, and rows that do not, the same."""
    mixed = np.zeros(len(keys[0]), np.uint64)
    for key in keys:
        mixed = (mixed ^ key) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


@kernel
def _hash_bytes(ends, data):
    """FNV-1a of the byte strings data[ends[i] : ends[i + 1]]."""
    out = np.empty(ends.size - 1, np.uint64)
    for i in range(out.size):
        h = np.uint64(0xCBF29CE484222325)
        for k in range(ends[i], ends[i + 1]):
            h = (h ^ np.uint64(data[k])) * np.uint64(0x100000001B3)
        out[i] = h
    return out


@kernel
def _ascends(time):
    for i in range(1, time.size):  # noqa: SIM110 (a kernel knows no generators)
        if time[i] < time[i - 1]:
            return False
    return True


@kernel
def _sort_ties(order, time, amount, key):
    """Within runs of one time, sort `order` by (amount, key) in place; whether anything moved."""
    moved = False
    start = 0
    for k in range(1, order.size + 1):
        if k < order.size and time[order[k]] == time[order[start]]:
            continue
        if k - start > 1:
            run = order[start:k]
            before = run.copy()
            amounts, keys = np.empty(run.size), np.empty(run.size, np.uint64)
            for j in range(run.size):
                amounts[j], keys[j] = amount[run[j]], key[run[j]]
            sort_pairs(amounts, keys, run)
            for j in range(run.size):
                moved |= run[j] != before[j]
        start = k
    return moved


@kernel
def _compress(sender, receiver, time, wallets):
    """Compressed rows: every wallet's transfers in order (time, in < out < self, then as the rows stand)."""
    offsets = np.zeros(wallets + 1, np.int64)
    for i in range(sender.size):
        offsets[sender[i] + 1] += 1
        offsets[receiver[i] + 1] += sender[i] != receiver[i]
    for w in range(wallets):
        offsets[w + 1] += offsets[w]
    fill = offsets[:-1].copy()
    entries = np.empty(offsets[-1], np.int32)
    for i in range(sender.size):
        entries[fill[sender[i]]] = i
        fill[sender[i]] += 1
        if sender[i] != receiver[i]:
            entries[fill[receiver[i]]] = i
            fill[receiver[i]] += 1
    for w in range(wallets):
        _ins_first(entries[offsets[w] : offsets[w + 1]], sender, receiver, time, w)
    return offsets, entries


@kernel
def _ins_first(entries, sender, receiver, time, wallet):
    """Put, among one wallet's transfers of one time, what came in before what went out, and what went to itself last."""
    start = 0
    for k in range(1, entries.size + 1):
        if k < entries.size and time[entries[k]] == time[entries[start]]:
            continue
        if k - start > 1:
            run = entries[start:k].copy()
            at = start
            for direction in range(3):
                for i in run:
                    is_self = sender[i] == receiver[i]
                    if direction == (2 if is_self else int(sender[i] == wallet)):
                        entries[at] = i
                        at += 1
        start = k


@kernel
def _slices(offsets, entries, time, ids, start, end):
    low = np.zeros(ids.size, np.int64)
    high = np.zeros(ids.size, np.int64)
    for s in range(ids.size):
        if ids[s] >= 0:
            low[s] = _first_at(entries, time, offsets[ids[s]], offsets[ids[s] + 1], start[s])
            high[s] = _first_at(entries, time, low[s], offsets[ids[s] + 1], end[s])
    return low, high


@kernel
def _first_at(entries, time, low, high, moment):
    """The first position in [low, high) whose transfer is at or after `moment`."""
    while low < high:
        middle = (low + high) // 2
        if time[entries[middle]] < moment:
            low = middle + 1
        else:
            high = middle
    return low
