"""Peels: wallets that split what came in into a small and a large payment, and chains of such steps over the large ones.

One pass over the rows in order, which keeps of each wallet its latest in and the out after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.context import Peels
from ...kernels.wallet_view import DAY, ROUNDING

if TYPE_CHECKING:
    from ...ledger.ledger import Ledger

_SMALL = 0.1 * (1 - ROUNDING)
# Of a wallet: the row of its latest in, if at most one out came after it, and the row of that out; or −1.
_IN, _OUT = 0, 1


def build_peels(ledger: Ledger) -> Peels:
    """Peel steps by wallet in order of completion."""
    rows, wallets = ledger.rows, len(ledger.offsets) - 1
    latest = np.full((wallets, 2), -1, np.int32)
    step = np.full(ledger.transfers, -1, np.int32)
    completed, hops = (np.empty(ledger.transfers // 2, np.int32) for _ in range(2))
    steps = _walk(*rows[:5], latest, step, completed, hops)
    completed, hops = completed[:steps], hops[:steps]
    order = np.argsort(rows.sender[completed], kind="stable")
    offsets = np.zeros(wallets + 1, np.int64)
    np.cumsum(np.bincount(rows.sender[completed], minlength=wallets), out=offsets[1:])
    return Peels(offsets=offsets, time=rows.time[completed[order]], hops=hops[order])


@kernel
def _walk(time, sender, receiver, amount, asset, latest, step, completed, hops):
    """Write the row that completes each step, in order, and how many steps lead up to it; return how many there are.

    `day` is the first row of the day before. Of one second, each wallet's ins come before its outs.
    """
    i = end = day = steps = 0
    while i < time.size:
        while time[day] < time[i] - DAY:
            day += 1
        while end < time.size and time[end] == time[i]:
            if amount[end] > 0 and sender[end] != receiver[end]:
                latest[receiver[end], _IN] = end
                latest[receiver[end], _OUT] = -1
            end += 1
        for k in range(i, end):
            s = sender[k]
            if not amount[k] > 0 or s == receiver[k]:
                continue
            b, p = latest[s, _IN], latest[s, _OUT]
            latest[s, _OUT] = k
            if p < 0:
                continue
            latest[s, _IN] = -1
            if b < day or not _is_step(amount[b], amount[p], amount[k]):
                continue
            if asset[b] == asset[p] == asset[k] and receiver[p] != receiver[k]:
                completed[steps], hops[steps] = k, 1
                before = step[b]
                if before >= 0 and time[completed[before]] < time[k]:
                    hops[steps] += hops[before]
                step[p if amount[p] > amount[k] else k] = steps
                steps += 1
        i = end
    return steps


@kernel
def _is_step(b, p, q):
    """Whether an in and the two outs after it have the sizes of a peel step."""
    return min(p, q) < _SMALL * max(p, q) and 0.9 * b * (1 - ROUNDING) <= p + q <= b * (1 + ROUNDING)
