"""Structure, second part: whom its receivers paid, and who paid its senders.

The search has a bound, and a feature that says how often it cut the search.
"""

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.intrinsics import address_of, part, prefetch
from ...kernels.sorted_arrays import first_from
from ...kernels.wallet_view import IN, OUT
from ..declaration import SHARE, WALLETS, Feature, positions

_NONE_SENT = "nothing was sent"
_NONE_RECEIVED = "nothing was received"
_BOUND = 64

# fmt: off
FEATURES = (
    Feature("structure__two_hop_out__reach", WALLETS,
            "number of wallets that its receivers paid within a week of its payments",
            "distinct x ≠ w to which the receiver of one of the last 64 outs (at t) sent at t ≤ t' < min(t + 604800, "
            "as_of), "
            "among the receiver's first 64 entries at t' ≥ t",
            "FINTRAC: layering", null=0.0, null_when=_NONE_SENT, behaviour=19, needs=("paths",)),
    Feature("structure__two_hop_in__reach", WALLETS,
            "number of wallets that paid its senders within a week before its inflows",
            "distinct x ≠ w that sent to the sender of one of the last 64 ins (at t) at t − 604800 < t' ≤ t, "
            "among the sender's last 64 entries at t' ≤ t",
            "FINTRAC: layering", null=0.0, null_when=_NONE_RECEIVED, behaviour=19, needs=("paths",)),
    Feature("structure__two_hop__truncated_share", SHARE,
            "share of its payments and inflows beyond which the two-hop search was cut",
            "(outs and ins but the last 64 of each + those among these with more than 64 entries in the period) ÷ "
            "(ins + outs)",
            "the bound of structure__two_hop_…__reach", null_when="there are neither ins nor outs", needs=("paths",)),
)
# fmt: on

COLUMN = positions(FEATURES)


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
    """Empty a table large enough for all that this many transfers may reach. Returns the mask of its slots."""
    size = 2 * _BOUND
    while size < 2 * _BOUND * transfers:
        size *= 2
    for slot in range(size):
        table[slot] = -1
    return np.uint64(size - 1)


@kernel
def newest(block, way, picked, ends, transfers, cut):
    """Pick the last transfers of one direction, newest first: snapshot k's are at picked[ends[k] : ends[k + 1]].

    Adds to `transfers` how many there are, and to `cut` how many of them are not picked. Returns the number picked in all.
    """
    direction = block.direction
    count = ends[0] = 0
    for k in range(block.wallet.size):
        for j in range(block.start[k + 1] - 1, block.start[k] - 1, -1):
            if direction[j] == way:
                transfers[k] += 1
                if count - ends[k] < _BOUND:
                    picked[count] = j
                    count += 1
                else:
                    cut[k] += 1
        ends[k + 1] = count
    return count


@kernel
def onward(block, picked, offsets, steps, base, entries, mate, ranges):
    """For each picked transfer: the range of the counterparty's entries to search, and the row to stop at.

    A separate loop: it prefetches what the search will read, so that many reads wait for memory at once.
    """
    row, other = block.row, block.other
    for q in range(picked.size):
        i, y = row[picked[q]], other[picked[q]]
        entry = offsets[y] + steps[i, 0]
        ranges[q, 0], ranges[q, 1], ranges[q, 2] = entry, offsets[y + base], steps[i, 1]
        prefetch(address_of(entries, entry))
        prefetch(address_of(mate, entry))


@kernel
def reach_out(block, time, picked, ends, ranges, entries, mate, out, column, cut, table):
    """Count the wallets that its receivers paid. Adds to `cut` the payments whose search was cut by the bound."""
    stop, as_of = 0, np.int64(0)
    for k in range(block.wallet.size):
        if block.as_of[k] != as_of or k == 0:
            as_of = block.as_of[k]
            stop = first_from(time, 0, time.size, as_of)
        mask = emptied(table, ends[k + 1] - ends[k])
        count, before, searched = 0, -1, 0
        for q in range(ends[k], ends[k + 1]):
            low, end, until = ranges[q, 0], ranges[q, 1], min(ranges[q, 2], stop)
            high = min(low + _BOUND, end)
            cut[k] += high < end and entries[high] < until
            y = block.other[picked[q]]
            if y == before:  # what was searched for the payment before it in the loop need not be searched again
                high = min(high, searched)
            before, searched = y, low
            while low < high and entries[low] < until:
                if mate[low] >= 0 and mate[low] != block.wallet[k]:
                    count += add(mate[low], table, mask)
                low += 1
        out[k, column] = count


@kernel
def reach_in(block, picked, ends, ranges, entries, mate, out, column, cut, table):
    """Count the wallets that paid its senders. Adds to `cut` the inflows whose search was cut by the bound."""
    for k in range(block.wallet.size):
        mask = emptied(table, ends[k + 1] - ends[k])
        count, before, searched = 0, -1, 0
        for q in range(ends[k], ends[k + 1]):
            high, begin, since = ranges[q, 0], ranges[q, 1], ranges[q, 2]
            low = max(high - _BOUND, begin)
            cut[k] += low > begin and entries[low - 1] >= since
            y = block.other[picked[q]]
            if y == before:
                high = min(high, searched)
            while high > low and entries[high - 1] >= since:
                high -= 1
                if mate[high] < -1 and -2 - mate[high] != block.wallet[k]:
                    count += add(-2 - mate[high], table, mask)
            before, searched = y, high
        out[k, column] = count


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    n, p = block.wallet.size, context.paths
    transfers, cut, ends = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n + 1, np.int64)
    table, picked = np.empty(2 * _BOUND * _BOUND, np.int32), np.empty(block.row.size, np.int32)
    ranges = np.empty((block.row.size, 3), np.int64)
    if wanted[COLUMN.two_hop_out__reach] or wanted[COLUMN.two_hop__truncated_share]:
        count = newest(block, OUT, picked, ends, transfers, cut)
        onward(block, part(picked, 0, count), context.offsets, p.ahead, 1, context.entries, p.mate, ranges)
        column = first_column + COLUMN.two_hop_out__reach
        reach_out(block, context.rows.time, picked, ends, ranges, context.entries, p.mate, out, column, cut, table)
    if wanted[COLUMN.two_hop_in__reach] or wanted[COLUMN.two_hop__truncated_share]:
        count = newest(block, IN, picked, ends, transfers, cut)
        onward(block, part(picked, 0, count), context.offsets, p.behind, 0, context.entries, p.mate, ranges)
        column = first_column + COLUMN.two_hop_in__reach
        reach_in(block, picked, ends, ranges, context.entries, p.mate, out, column, cut, table)
    for k in range(n):
        if transfers[k]:
            out[k, first_column + COLUMN.two_hop__truncated_share] = cut[k] / transfers[k]
