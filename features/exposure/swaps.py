"""Swaps: within one transaction a wallet gives one asset and gets another. What a swap carries is in `swap_purses.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import part

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_MOST = 64  # transfers of one transaction that are looked at: who swaps is found by comparing each with each


class Swaps(NamedTuple):
    """Who swaps by which transfers. Swaps are numbered anew in each second; arrays are empty where there is none.

    Attributes:
        given_in: int32[rows], the swap in which the transfer's sender gives it; −1: none.
        got_in: int32[rows], the swap in which the transfer's receiver gets it; −1: none.
        most: int64[2], the most swaps, and the most transfers of swaps, of one second.
    """

    given_in: np.ndarray
    got_in: np.ndarray
    most: np.ndarray


NO_SWAPS = Swaps(np.empty(0, np.int32), np.empty(0, np.int32), np.zeros(2, np.int64))


def swaps_in(ledger: Ledger) -> Swaps:
    """The swaps of a ledger, found at the first call.

    A wallet swaps if in one transaction (same second, same known id, at most 64 transfers that move value) it sends others some
    asset that it does not receive in it, and receives from others some asset that it does not send in it.
    """
    return ledger.computed_once("swaps", lambda: _swaps(ledger))


def _swaps(ledger: Ledger) -> Swaps:
    rows = ledger.rows
    if not rows.tx.size or len(ledger.assets) < 2:
        return NO_SWAPS
    given_in, got_in = (np.full(ledger.transfers, -1, np.int32) for _ in range(2))
    most = np.zeros(2, np.int64)
    _find(rows.time, rows.sender, rows.receiver, rows.amount, rows.asset, rows.tx, given_in, got_in, most)
    return Swaps(given_in, got_in, most) if most[0] else NO_SWAPS


@kernel
def _find(time, sender, receiver, amount, asset, tx, given_in, got_in, most):
    """Write the swaps of all rows, second by second."""
    i = 0
    while i < time.size:
        end = i + 1
        while end < time.size and time[end] == time[i]:
            end += 1
        if end - i > 1:
            _find_in_second(sender, receiver, amount, asset, tx, i, end, given_in, got_in, most)
        i = end


@kernel
def _find_in_second(sender, receiver, amount, asset, tx, i, end, given_in, got_in, most):
    order = np.argsort(tx[i:end]) + i
    group = np.empty(end - i, np.int64)
    swaps = legs = low = 0
    while low < order.size:
        size, high = 0, low
        while high < order.size and tx[order[high]] == tx[order[low]]:
            row = order[high]
            if amount[row] > 0 and sender[row] != receiver[row]:
                group[size] = row
                size += 1
            high += 1
        if 1 < size <= _MOST and tx[order[low]] != 0:
            rows = part(group, 0, size)
            rows.sort()
            for q in range(2 * size):
                w = sender[rows[q // 2]] if q % 2 == 0 else receiver[rows[q // 2]]
                if is_first(sender, receiver, rows, q, w):
                    size = mark(sender, receiver, asset, rows, w, swaps, given_in, got_in)
                    swaps += size > 0
                    legs += size
        low = high
    most[0], most[1] = max(most[0], swaps), max(most[1], legs)


@kernel
def is_first(sender, receiver, rows, q, w):
    """Whether wallet w, at end q of the rows of a transaction, stands at no end before."""
    count = 0
    for p in range(q):
        count += (sender[rows[p // 2]] if p % 2 == 0 else receiver[rows[p // 2]]) == w
    return count == 0


@kernel
def mark(sender, receiver, asset, rows, w, number, given_in, got_in):
    """Mark the transfers of wallet w's swap in a transaction; return how many it has (0: it does not swap)."""
    gives = gets = 0
    for row in rows:
        gives += sender[row] == w and not moves(receiver, asset, rows, w, asset[row])
        gets += receiver[row] == w and not moves(sender, asset, rows, w, asset[row])
    if gives == 0 or gets == 0:
        return 0
    for row in rows:
        if sender[row] == w and not moves(receiver, asset, rows, w, asset[row]):
            given_in[row] = number
        if receiver[row] == w and not moves(sender, asset, rows, w, asset[row]):
            got_in[row] = number
    return gives + gets


@kernel
def moves(end, asset, rows, w, a):
    """Whether wallet w is at that end of one of the rows with asset a."""
    count = 0
    for row in rows:
        count += end[row] == w and asset[row] == a
    return count > 0
