"""Structure, second part: whom its receivers paid, and who paid its senders.

The search has a bound, and a feature that says how often it cut the search.
"""

import numpy as np

from ..compiled import kernel
from ..declare import SHARE, WALLETS, Feature, positions
from ..view import IN, OUT, first_from

_NONE_SENT = "nothing was sent"
_NONE_RECEIVED = "nothing was received"
_BOUND = 64

FEATURES = (
    Feature(
        "structure__two_hop_out__reach",
        WALLETS,
        "number of wallets that its receivers paid within a week of its payments",
        "distinct x ≠ w to which the receiver of one of the last 64 outs (at t) sent at t ≤ t' < min(t + 604800, as_of), "
        "among the receiver's first 64 entries at t' ≥ t",
        "FINTRAC: layering",
        null=0.0,
        null_when=_NONE_SENT,
        behaviour=19,
        needs=("paths",),
    ),
    Feature(
        "structure__two_hop_in__reach",
        WALLETS,
        "number of wallets that paid its senders within a week before its inflows",
        "distinct x ≠ w that sent to the sender of one of the last 64 ins (at t) at t − 604800 < t' ≤ t, "
        "among the sender's last 64 entries at t' ≤ t",
        "FINTRAC: layering",
        null=0.0,
        null_when=_NONE_RECEIVED,
        behaviour=19,
        needs=("paths",),
    ),
    Feature(
        "structure__two_hop__capped",
        SHARE,
        "share of its payments and inflows beyond which the two-hop search was cut",
        "(outs and ins but the last 64 of each + those among these with more than 64 entries in the period) ÷ (ins + outs)",
        "the bound of structure__two_hop_…__reach",
        null_when="there are neither ins nor outs",
        needs=("paths",),
    ),
)

AT = positions(FEATURES)


@kernel
def add(x, table, mask):
    """Put a wallet into a table; 1 if it was not there."""
    slot = (np.uint64(x) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)) & mask
    while table[slot] >= 0 and table[slot] != x:
        slot = (slot + np.uint64(1)) & mask
    new = table[slot] < 0
    table[slot] = x
    return new


@kernel
def emptied(table, transfers):
    """Make room in a table for what so many transfers may reach; returns the mask of its places."""
    size = 2 * _BOUND
    while size < 2 * _BOUND * min(transfers, _BOUND):
        size *= 2
    for slot in range(size):
        table[slot] = -1
    return np.uint64(size - 1)


@kernel
def reach_out(b, receiver, time, offsets, entries, mate, ahead, out, column, transfers, cut, table):
    """Whom its receivers paid; adds how many payments there are and of how many not all was searched."""
    row, direction = b.row, b.direction
    stop, as_of = 0, np.int64(0)
    for k in range(b.wallet.size):
        if b.as_of[k] != as_of or k == 0:
            as_of = b.as_of[k]
            stop = first_from(time, 0, time.size, as_of)
        mask = emptied(table, b.start[k + 1] - b.start[k])
        found = taken = 0
        before, searched = -1, 0
        for j in range(b.start[k + 1] - 1, b.start[k] - 1, -1):
            if direction[j] != OUT:
                continue
            transfers[k] += 1
            if taken == _BOUND:
                cut[k] += 1
                continue
            taken += 1
            y = receiver[row[j]]
            low, end = offsets[y] + ahead[row[j], 0], offsets[y + 1]
            until = min(ahead[row[j], 1], stop)
            high = min(low + _BOUND, end)
            cut[k] += high < end and entries[high] < until
            if y == before:  # what was searched for the payment before it in the loop need not be searched again
                high = min(high, searched)
            before, searched = y, low
            while low < high and entries[low] < until:
                if mate[low] >= 0 and mate[low] != b.wallet[k]:
                    found += add(mate[low], table, mask)
                low += 1
        out[k, column] = found


@kernel
def reach_in(b, sender, offsets, entries, mate, behind, out, column, transfers, cut, table):
    """Who paid its senders; adds how many inflows there are and of how many not all was searched."""
    row, direction = b.row, b.direction
    for k in range(b.wallet.size):
        mask = emptied(table, b.start[k + 1] - b.start[k])
        found = taken = 0
        before, searched = -1, 0
        for j in range(b.start[k + 1] - 1, b.start[k] - 1, -1):
            if direction[j] != IN:
                continue
            transfers[k] += 1
            if taken == _BOUND:
                cut[k] += 1
                continue
            taken += 1
            y = sender[row[j]]
            begin, high = offsets[y], offsets[y] + behind[row[j], 0]
            low = max(high - _BOUND, begin)
            cut[k] += low > begin and entries[low - 1] >= behind[row[j], 1]
            if y == before:
                high = min(high, searched)
            while high > low and entries[high - 1] >= behind[row[j], 1]:
                high -= 1
                if mate[high] < -1 and -2 - mate[high] != b.wallet[k]:
                    found += add(-2 - mate[high], table, mask)
            before, searched = y, high
        out[k, column] = found


@kernel
def compute(b, c, out, at, want, s):
    """Write these features of every snapshot of block `b` into `out[:, at:]`, a row each, in the order of FEATURES."""
    transfers, cut = np.zeros(b.wallet.size, np.int64), np.zeros(b.wallet.size, np.int64)
    table, p = np.empty(2 * _BOUND * _BOUND, np.int32), c.paths
    if want[AT.two_hop_out__reach] or want[AT.two_hop__capped]:
        column = at + AT.two_hop_out__reach
        time, receiver = c.rows.time, c.rows.receiver
        reach_out(b, receiver, time, c.offsets, c.entries, p.mate, p.ahead, out, column, transfers, cut, table)
    if want[AT.two_hop_in__reach] or want[AT.two_hop__capped]:
        column = at + AT.two_hop_in__reach
        reach_in(b, c.rows.sender, c.offsets, c.entries, p.mate, p.behind, out, column, transfers, cut, table)
    for k in range(b.wallet.size):
        if transfers[k]:
            out[k, at + AT.two_hop__capped] = cut[k] / transfers[k]
