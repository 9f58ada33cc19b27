"""Pairs of a wallet and an asset, numbered, and the order in which taint flows.

Taint goes by pairs, as the taint of one asset says nothing about another's. Within one second its order is not the ledger's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel
from ..chain.threads import over_shares
from ..kernels.intrinsics import part
from ..kernels.sorted_arrays import sort

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_ROUNDS = 64


class Pairs(NamedTuple):
    """Wallets by asset, in the order (wallet, asset).

    Attributes:
        wallet: int32[pairs].
        asset: int32[pairs], ids in the ledger.
        sender: int32[rows], the pair of each transfer's sender and its asset.
        receiver: int32[rows], the same of the receiver.
    """

    wallet: np.ndarray
    asset: np.ndarray
    sender: np.ndarray
    receiver: np.ndarray

    def find(self, wallet: np.ndarray, asset: np.ndarray) -> np.ndarray:
        """The pairs of wallets and assets, int64; −1 where there is no transfer."""
        keys = self.wallet.astype(np.int64) << 32 | self.asset
        requested = wallet.astype(np.int64) << 32 | asset
        position = np.minimum(np.searchsorted(keys, requested), max(len(keys) - 1, 0))
        return np.where(keys[position] == requested, position, -1) if len(keys) else np.full(len(requested), -1)


def pairs_in(ledger: Ledger) -> Pairs:
    """The pairs of a ledger, found at the first call."""
    return ledger.computed_once("pairs", lambda: _pairs(ledger))


def _pairs(ledger: Ledger) -> Pairs:
    rows, wallets = ledger.rows, len(ledger.offsets) - 1
    if len(ledger.assets) == 1:
        return Pairs(np.arange(wallets, dtype=np.int32), np.zeros(wallets, np.int32), rows.sender, rows.receiver)
    counts = np.zeros(wallets + 1, np.int64)
    sender, receiver = (np.empty(ledger.transfers, np.int32) for _ in range(2))
    columns = (rows.sender, rows.receiver, rows.asset, ledger.offsets, ledger.entries)
    asset_count = len(ledger.assets)

    def count(low: int, high: int) -> None:
        _count(*columns, low, high, np.full(asset_count, -1, np.int32), counts)

    over_shares(count, ledger.offsets)
    first = np.cumsum(counts)
    asset = np.empty(first[-1], np.int32)

    def number(low: int, high: int) -> None:
        last, position = np.full(asset_count, -1, np.int32), np.empty(asset_count, np.int32)
        _number(*columns, low, high, last, position, first, asset, sender, receiver)

    over_shares(number, ledger.offsets)
    return Pairs(np.repeat(np.arange(wallets, dtype=np.int32), np.diff(first)), asset, sender, receiver)


@kernel
def _count(sender, receiver, asset, offsets, entries, low, high, last, counts):
    """Count each wallet's assets. `last[a]` is the wallet that was last counted for asset a, so that none counts twice."""
    for w in range(low, high):
        for e in range(offsets[w], offsets[w + 1]):
            a = asset[entries[e]]
            counts[w + 1] += last[a] != w
            last[a] = w


@kernel
def _number(
    sender, receiver, asset, offsets, entries, low, high, last, position, first, assets, of_sender, of_receiver
):
    """Number the pairs of wallets; `position` is scratch: the pair of each asset of the wallet."""
    for w in range(low, high):
        n = first[w]
        for e in range(offsets[w], offsets[w + 1]):
            a = asset[entries[e]]
            if last[a] != w:
                last[a] = w
                assets[n] = a
                n += 1
        sort(part(assets, first[w], n))
        for p in range(first[w], n):
            position[assets[p]] = p
        for e in range(offsets[w], offsets[w + 1]):
            i = entries[e]
            if sender[i] == w:
                of_sender[i] = position[asset[i]]
            if receiver[i] == w:
                of_receiver[i] = position[asset[i]]


def flow_order(ledger: Ledger) -> np.ndarray:
    """The rows that move value from one wallet to another, in the order in which taint flows, int32; found at the first call.

    Rows go by time. Within one second a transfer waits until its sender's pair has received all that it receives in that second.
    Transfers still waiting are retried in ledger order. If a round releases none, its first is released. After 64 rounds the rest
    follow in ledger order, which bounds the work. A second in which nothing waits keeps the ledger's order.
    """
    return ledger.computed_once("flow order", lambda: _flow_order(ledger, pairs_in(ledger)))


def _flow_order(ledger: Ledger, pairs: Pairs) -> np.ndarray:
    rows = ledger.rows
    moving = np.flatnonzero((rows.amount > 0) & (rows.sender != rows.receiver)).astype(np.int32)
    _settle(rows.time, pairs.sender, pairs.receiver, np.zeros(len(pairs.wallet), np.int32), moving)
    return moving


@kernel
def _settle(time, sender, receiver, awaits, order):
    """Bring the rows of each second into order, in place; `awaits` counts the transfers that each pair has yet to receive."""
    i = 0
    left = np.empty(64, np.int32)
    while i < order.size:
        end = i + 1
        while end < order.size and time[order[end]] == time[order[i]]:
            end += 1
        if end - i > 1:
            if end - i > left.size:
                left = np.empty(2 * (end - i), np.int32)
            _settle_second(sender, receiver, awaits, part(order, i, end), left)
        i = end


@kernel
def _settle_second(sender, receiver, awaits, order, left):
    """Bring the rows of one second into order, in place; `left` is scratch."""
    n = order.size
    for q in range(n):
        left[q] = order[q]
        awaits[receiver[order[q]]] += 1
    placed = 0
    for turn in range(_ROUNDS + 1):
        kept = 0
        for q in range(n):
            if awaits[sender[left[q]]] == 0 or turn == _ROUNDS:
                awaits[receiver[left[q]]] -= 1
                order[placed] = left[q]
                placed += 1
            else:
                left[kept] = left[q]
                kept += 1
        if kept == n and n > 0:
            awaits[receiver[left[0]]] -= 1
            order[placed] = left[0]
            placed += 1
            kept -= 1
            for q in range(kept):
                left[q] = left[q + 1]
        n = kept
        if n == 0:
            break
