"""Relays: chains of transfers of one size, each sent on within a day of coming in.

One pass over the rows in order. Each in of value is tied to the wallet's in before it, so that what is read was read a short
while ago and lies in a cache; a wallet's entries are looked at only where the bound may cut the search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.context import Relays
from ...kernels.intrinsics import part
from ...kernels.wallet_view import DAY, ROUNDING

if TYPE_CHECKING:
    from ...ledger.ledger import Ledger

_BOUND = 64
_COUNT, _LATEST = 0, 1  # of a wallet: how many entries it had, the row of its latest in with value (−1: none)


def build_relays(ledger: Ledger) -> Relays:
    """Chains of transfers of one size."""
    rows, wallets = ledger.rows, len(ledger.offsets) - 1
    hops, cut = np.zeros(ledger.transfers, np.int32), np.zeros(ledger.transfers, np.uint8)
    known = np.zeros((wallets, 2), np.int32)
    known[:, _LATEST] = -1
    _walk(*rows[:5], ledger.offsets, ledger.entries, known, np.empty(ledger.transfers, np.int32), hops, cut)
    return Relays(hops=hops, cut=cut)


@kernel
def _walk(time, sender, receiver, amount, asset, offsets, entries, known, before, hops, cut):
    """Write the chains. `day` is the first row later than a day before; rows of one second do not see each other.

    `before` takes, for each in of value, the row of the receiver's in before it.
    """
    i = end = day = 0
    while i < time.size:
        while time[day] <= time[i] - DAY:
            day += 1
        while end < time.size and time[end] == time[i]:
            s = sender[end]
            if amount[end] > 0 and s != receiver[end]:
                hops[end] = 1
                count = known[s, _COUNT]
                if count > _BOUND and entries[offsets[s] + count - _BOUND - 1] >= day:
                    cut[end] = 1
                    last = part(entries, offsets[s] + count - _BOUND, offsets[s] + count)
                    hops[end] += _longest_of(last, sender, receiver, amount, asset, hops, end)
                elif known[s, _LATEST] >= day:
                    hops[end] += _longest(known[s, _LATEST], before, amount, asset, hops, end, day)
            end += 1
        for k in range(i, end):
            r = receiver[k]
            known[r, _COUNT] += 1
            if sender[k] != r:
                known[sender[k], _COUNT] += 1
                if amount[k] > 0:
                    before[k] = known[r, _LATEST]
                    known[r, _LATEST] = k
        i = end


@kernel
def _fits(before, after):
    """Whether a transfer may be sent on as another: nine tenths of it at least, and no more than it."""
    return (0.9 * before * (1 - ROUNDING) <= after) & (after <= before * (1 + ROUNDING))


@kernel
def _longest(latest, before, amount, asset, hops, i, day):
    """The longest chain that row i may continue: of its sender's ins from `latest` back to row `day`."""
    longest = 0
    j = latest
    while j >= day:
        if _fits(amount[j], amount[i]) & (asset[j] == asset[i]):
            longest = max(longest, hops[j])
        j = before[j]
    return longest


@kernel
def _longest_of(last, sender, receiver, amount, asset, hops, i):
    """The longest chain that row i may continue: of its sender's last entries."""
    longest = 0
    for j in last:
        is_in = (receiver[j] == sender[i]) & (sender[j] != sender[i])
        if _fits(amount[j], amount[i]) & (asset[j] == asset[i]) & is_in:
            longest = max(longest, hops[j])
    return longest
