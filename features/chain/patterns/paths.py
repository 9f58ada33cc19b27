"""Paths: from each transfer, where the dealings of its ends go on, and who stands at the other end of each entry.

What searches from wallet to wallet would else wait for memory at every step: here it reads a few numbers that lie side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.context import TransferPaths
from ...kernels.wallet_view import WEEK
from ..threads import over_shares

if TYPE_CHECKING:
    from ...ledger.ledger import Ledger

_TO_ITSELF = -1


def build_paths(ledger: Ledger) -> TransferPaths:
    """Where to go on from each transfer."""
    rows, offsets, entries = ledger.rows, ledger.offsets, ledger.entries
    ahead, behind = (np.empty((ledger.transfers, 2), np.int32) for _ in range(2))
    _walk(rows.time, rows.sender, rows.receiver, np.zeros(len(offsets) - 1, np.int32), ahead, behind)
    mate = np.empty(len(entries), np.int32)
    over_shares(lambda low, high: _mates(rows.sender, rows.receiver, offsets, entries, low, high, mate), offsets)
    return TransferPaths(mate=mate, ahead=ahead, behind=behind)


@kernel
def _walk(time, sender, receiver, known, ahead, behind):
    """Write where each row stands among its ends' entries and which rows are a week away; `known` counts entries by wallet."""
    i = end = first = last = 0
    while i < time.size:
        while time[first] <= time[i] - WEEK:
            first += 1
        while last < time.size and time[last] < time[i] + WEEK:
            last += 1
        while end < time.size and time[end] == time[i]:
            ahead[end, 0] = known[receiver[end]]
            ahead[end, 1] = last
            end += 1
        for k in range(i, end):
            known[sender[k]] += 1
            known[receiver[k]] += sender[k] != receiver[k]
        for k in range(i, end):
            behind[k, 0] = known[sender[k]]
            behind[k, 1] = first
        i = end


@kernel
def _mates(sender, receiver, offsets, entries, low, high, mate):
    """Write the other ends of the entries of the wallets from low to high."""
    for w in range(low, high):
        for e in range(offsets[w], offsets[w + 1]):
            s, r = sender[entries[e]], receiver[entries[e]]
            other = r if s == w else -2 - s
            mate[e] = other if s != r else _TO_ITSELF
