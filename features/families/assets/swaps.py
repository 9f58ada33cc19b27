"""Swaps: how a wallet exchanges one asset for another in one transaction, and how soon it undoes that (family assets)."""

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.intrinsics import part
from ...kernels.sorted_arrays import median, sort_pairs
from ...kernels.statistics import ratio
from ...kernels.wallet_view import DAY, IN, OUT, SELF, row_of, view
from ..declaration import RATIO, SECONDS, SHARE, Feature, positions

_NO_VALUE = "no transfer has value"
_NO_SWAP = "it swapped nothing"
_DPRK = "Chainalysis 2022: tokens to the native coin"
_SEVERAL, _NONE_YET = -1, -2  # instead of the asset that a swap sends or brings in

# fmt: off
FEATURES = (
    Feature("assets__swap__share", SHARE, "share of its transfers that belong to a swap",
            "ins and outs with amount > 0 in swaps ÷ ins and outs with amount > 0", _DPRK,
            null_when=f"{_NO_VALUE}, or no transaction ids are known", behaviour=28, needs=("tx",)),
    Feature("assets__swap__to_native_share", SHARE, "share of its swaps that bring in a chain's own coin",
            "swaps with an in of a native coin ÷ swaps", _DPRK, null_when=_NO_SWAP, era_safe=False, behaviour=28,
            needs=("tx", "tokens"), wallet_rows_only=True),
    Feature("assets__swap__delay", SECONDS, "usual time from an inflow to the next swap",
            "median over swaps with an in of amount > 0 outside swaps at t' ≤ t of t − t' of the latest such in", _DPRK,
            null_when="no swap follows an inflow", behaviour=28, needs=("tx",)),
    Feature("assets__to_native__delay", SECONDS,
            "usual time from receiving a token to the next swap into a chain's own coin",
            "median over ins with amount > 0 outside swaps, not of a native coin, of t' − t, t' ≥ t of the next swap "
            "with an in of a "
            "native coin",
            _DPRK, null_when="no such swap follows a token", behaviour=28, needs=("tx", "tokens"),
            wallet_rows_only=True),
    Feature("assets__loop__share", SHARE, "share of its swaps that the next one undoes within a day",
            "of plain swaps (all that goes out is of one asset A, all that comes in of one B) in order of time, at "
            "most one a second "
            "(of several none counts): those whose next is B to A at most 86400 s later ÷ plain swaps",
            "EthereumHeist: loops at a loss", null_when="it made no plain swap", behaviour=42, needs=("tx",)),
    Feature("assets__loop__kept", RATIO, "share of the value that such loops bring back",
            "mean over swaps undone (as in assets__loop__share) of what comes back of A ÷ what went out of A",
            "Ronin 2022: losses accepted", null_when="no swap is undone", behaviour=30, needs=("tx",)),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def find_swaps(view, rows, native, swaps, scratch):
    """Find the swaps in order of time, fill `swaps`, and mark their transfers in `scratch.table`; return how many there are.

    Rows of one transaction have one time, so only transfers of one second are compared.
    """
    for k in range(view.n):
        scratch.table[k] = 0
    count = start = 0
    for k in range(1, view.n + 1):
        if k < view.n and view.time[k] == view.time[start]:
            continue
        if k - start > 1:
            count = swaps_of_second(view, start, k, rows, native, swaps, count, scratch)
        start = k
    return count


@kernel
def swaps_of_second(view, start, end, rows, native, swaps, count, scratch):
    """Find the swaps among the transfers [start, end), all of one second."""
    n = ins = 0
    for k in range(start, end):
        if view.amount[k] > 0 and view.direction[k] != SELF:
            scratch.i0[n] = np.int64(rows.tx[view.row[k]])
            scratch.i1[n] = k
            n += 1
            ins += view.direction[k] == IN
    if ins == 0 or ins == n:
        return count
    sort_pairs(part(scratch.i0, 0, n), part(scratch.i1, 0, n), part(scratch.i1, 0, n))
    begin = 0
    for j in range(1, n + 1):
        if j < n and scratch.i0[j] == scratch.i0[begin]:
            continue
        if j - begin > 1 and describe_swap(view, part(scratch.i1, begin, j), rows, native, swaps, count):
            for k in part(scratch.i1, begin, j):
                scratch.table[k] = 1
            count += 1
        begin = j
    return count


@kernel
def describe_swap(view, which, rows, native, swaps, position):
    """Whether the transfers `which` of one transaction are a swap. If so, describe it at index `position` of `swaps`."""
    when, brings_native, asset_out, asset_in, amount_out, amount_in = swaps
    asset_out[position] = asset_in[position] = _NONE_YET
    amount_out[position] = amount_in[position] = 0.0
    brings_native[position] = 0
    exchanged = False
    for k in which:
        a = view.asset[k]
        exchanged |= a != view.asset[which[0]]
        if view.direction[k] == OUT:
            asset_out[position] = a if asset_out[position] == _NONE_YET or asset_out[position] == a else _SEVERAL
            amount_out[position] += view.amount[k]
        else:
            asset_in[position] = a if asset_in[position] == _NONE_YET or asset_in[position] == a else _SEVERAL
            amount_in[position] += view.amount[k]
            brings_native[position] |= native.size > 0 and native[rows.asset[view.row[k]]] > 0
    when[position] = view.time[which[0]]
    return exchanged and asset_out[position] != _NONE_YET and asset_in[position] != _NONE_YET


@kernel
def swap_delay(view, when, in_swap, delays):
    """Median time from the latest inflow outside swaps to each swap."""
    k = count = 0
    latest = -1
    for timestamp in when:
        while k < view.n and view.time[k] <= timestamp:
            if view.amount[k] > 0 and view.direction[k] == IN and not in_swap[k]:
                latest = k
            k += 1
        if latest >= 0:
            delays[count] = timestamp - view.time[latest]
            count += 1
    return median(part(delays, 0, count))


@kernel
def to_native_delay(view, rows, when, brings_native, in_swap, native, delays):
    """Median time from each token received outside swaps to the next swap into a native coin."""
    count = 0
    following = -1
    j = when.size - 1
    for k in range(view.n - 1, -1, -1):
        while j >= 0 and when[j] >= view.time[k]:
            if brings_native[j]:
                following = j
            j -= 1
        waits = following >= 0 and view.amount[k] > 0 and view.direction[k] == IN and not in_swap[k]
        if waits and not native[rows.asset[view.row[k]]]:
            delays[count] = when[following] - view.time[k]
            count += 1
    return median(part(delays, 0, count))


@kernel
def only_plain(swaps, count):
    """Leave the plain swaps of seconds with just one in the beginning of `swaps`; return how many there are."""
    when, _, asset_out, asset_in, amount_out, amount_in = swaps
    kept = 0
    timestamp = second = 0  # the current second, and how many plain swaps it has
    for j in range(count):
        if asset_out[j] < 0 or asset_in[j] < 0:
            continue
        second = second + 1 if second and when[j] == timestamp else 1
        timestamp = when[j]
        if second == 1:
            when[kept], asset_out[kept], asset_in[kept] = when[j], asset_out[j], asset_in[j]
            amount_out[kept], amount_in[kept] = amount_out[j], amount_in[j]
            kept += 1
        elif second == 2:
            kept -= 1
    return kept


@kernel
def loops(swaps, plain, out):
    """The features of swaps that the next one undoes."""
    when, _, asset_out, asset_in, amount_out, amount_in = swaps
    undone = 0
    brought = 0.0
    for j in range(plain - 1):
        if asset_out[j] == asset_in[j + 1] and asset_in[j] == asset_out[j + 1] and when[j + 1] - when[j] <= DAY:
            undone += 1
            brought += amount_in[j + 1] / amount_out[j]
    out[COLUMN.loop__share] = ratio(undone, plain)
    out[COLUMN.loop__kept] = ratio(brought, undone)


@kernel
def with_value(view):
    """How many ins and outs have value."""
    if view.assets == 1:
        return view.n_in + view.n_out
    count = 0
    for k in range(view.n):
        count += view.amount[k] > 0 and view.direction[k] != SELF
    return count


@kernel
def features_of_snapshot(view, rows, native, out, wanted, scratch):
    """The features of one snapshot."""
    n = view.n
    swaps = (
        scratch.i2,
        scratch.i3,
        part(scratch.table, n, 2 * n),
        part(scratch.table_id, n, 2 * n),
        scratch.f0,
        scratch.f1,
    )
    count = find_swaps(view, rows, native, swaps, scratch) if view.assets > 1 else 0
    out[COLUMN.swap__share] = ratio(part(scratch.table, 0, n).sum() if count else 0, with_value(view))
    if count == 0:
        return
    when, brings_native = part(scratch.i2, 0, count), part(scratch.i3, 0, count)
    if wanted[COLUMN.swap__to_native_share]:
        out[COLUMN.swap__to_native_share] = brings_native.sum() / count
    if wanted[COLUMN.swap__delay]:
        out[COLUMN.swap__delay] = swap_delay(view, when, scratch.table, scratch.i0)
    if wanted[COLUMN.to_native__delay]:
        out[COLUMN.to_native__delay] = to_native_delay(
            view, rows, when, brings_native, scratch.table, native, scratch.i0
        )
    loops(swaps, only_plain(swaps, count), out)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    rows, native = context.rows, context.tokens.native
    if rows.tx.size == 0:  # no ids are known
        return
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), rows, native, row_of(out, k, first_column), wanted, scratch)
