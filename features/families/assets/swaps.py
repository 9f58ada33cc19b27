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
    found = start = 0
    for k in range(1, view.n + 1):
        if k < view.n and view.time[k] == view.time[start]:
            continue
        if k - start > 1:
            found = swaps_of_second(view, start, k, rows, native, swaps, found, scratch)
        start = k
    return found


@kernel
def swaps_of_second(view, start, end, rows, native, swaps, found, scratch):
    """Find the swaps among the transfers [start, end), all of one second."""
    n = ins = 0
    for k in range(start, end):
        if view.amount[k] > 0 and view.direction[k] != SELF:
            scratch.i0[n] = np.int64(rows.tx[view.row[k]])
            scratch.i1[n] = k
            n += 1
            ins += view.direction[k] == IN
    if ins == 0 or ins == n:
        return found
    sort_pairs(part(scratch.i0, 0, n), part(scratch.i1, 0, n), part(scratch.i1, 0, n))
    begin = 0
    for j in range(1, n + 1):
        if j < n and scratch.i0[j] == scratch.i0[begin]:
            continue
        if j - begin > 1 and swap_of(view, part(scratch.i1, begin, j), rows, native, swaps, found):
            for k in part(scratch.i1, begin, j):
                scratch.table[k] = 1
            found += 1
        begin = j
    return found


@kernel
def swap_of(view, which, rows, native, swaps, position):
    """Whether the transfers `which` of one transaction are a swap; if so, describe it in place `at` of `swaps`.

    A swap's assets given and got are −1 if there are several.
    """
    when, brings_native, gave, got, gone, came = swaps
    gave[position] = got[position] = -2
    gone[position] = came[position] = 0.0
    brings_native[position] = 0
    exchanged = False
    for k in which:
        a = view.asset[k]
        exchanged |= a != view.asset[which[0]]
        if view.direction[k] == OUT:
            gave[position] = a if gave[position] == -2 or gave[position] == a else -1
            gone[position] += view.amount[k]
        else:
            got[position] = a if got[position] == -2 or got[position] == a else -1
            came[position] += view.amount[k]
            brings_native[position] |= native.size > 0 and native[rows.asset[view.row[k]]] > 0
    when[position] = view.time[which[0]]
    return exchanged and gave[position] != -2 and got[position] != -2


@kernel
def swap_delay(view, when, in_swap, delays):
    """Median time from the latest inflow outside swaps to each swap."""
    k = found = 0
    latest = -1
    for moment in when:
        while k < view.n and view.time[k] <= moment:
            if view.amount[k] > 0 and view.direction[k] == IN and not in_swap[k]:
                latest = k
            k += 1
        if latest >= 0:
            delays[found] = moment - view.time[latest]
            found += 1
    return median(part(delays, 0, found))


@kernel
def to_native_delay(view, rows, when, brings_native, in_swap, native, delays):
    """Median time from each token received outside swaps to the next swap into a native coin."""
    found = 0
    following = -1
    j = when.size - 1
    for k in range(view.n - 1, -1, -1):
        while j >= 0 and when[j] >= view.time[k]:
            if brings_native[j]:
                following = j
            j -= 1
        waits = following >= 0 and view.amount[k] > 0 and view.direction[k] == IN and not in_swap[k]
        if waits and not native[rows.asset[view.row[k]]]:
            delays[found] = when[following] - view.time[k]
            found += 1
    return median(part(delays, 0, found))


@kernel
def only_plain(swaps, found):
    """Leave the plain swaps of seconds with just one in the beginning of `swaps`; return how many there are."""
    when, _, gave, got, gone, came = swaps
    kept = 0
    moment = second = 0  # the current second, and how many plain swaps it has
    for j in range(found):
        if gave[j] < 0 or got[j] < 0:
            continue
        second = second + 1 if second and when[j] == moment else 1
        moment = when[j]
        if second == 1:
            when[kept], gave[kept], got[kept], gone[kept], came[kept] = when[j], gave[j], got[j], gone[j], came[j]
            kept += 1
        elif second == 2:
            kept -= 1
    return kept


@kernel
def loops(swaps, plain, out):
    """The features of swaps that the next one undoes."""
    when, _, gave, got, gone, came = swaps
    undone = 0
    brought = 0.0
    for j in range(plain - 1):
        if gave[j] == got[j + 1] and got[j] == gave[j + 1] and when[j + 1] - when[j] <= DAY:
            undone += 1
            brought += came[j + 1] / gone[j]
    out[COLUMN.loop__share] = ratio(undone, plain)
    out[COLUMN.loop__kept] = ratio(brought, undone)


@kernel
def with_value(view):
    """How many ins and outs have value."""
    if view.assets == 1:
        return view.n_in + view.n_out
    found = 0
    for k in range(view.n):
        found += view.amount[k] > 0 and view.direction[k] != SELF
    return found


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
    found = find_swaps(view, rows, native, swaps, scratch) if view.assets > 1 else 0
    out[COLUMN.swap__share] = ratio(part(scratch.table, 0, n).sum() if found else 0, with_value(view))
    if found == 0:
        return
    when, brings_native = part(scratch.i2, 0, found), part(scratch.i3, 0, found)
    if wanted[COLUMN.swap__to_native_share]:
        out[COLUMN.swap__to_native_share] = brings_native.sum() / found
    if wanted[COLUMN.swap__delay]:
        out[COLUMN.swap__delay] = swap_delay(view, when, scratch.table, scratch.i0)
    if wanted[COLUMN.to_native__delay]:
        out[COLUMN.to_native__delay] = to_native_delay(
            view, rows, when, brings_native, scratch.table, native, scratch.i0
        )
    loops(swaps, only_plain(swaps, found), out)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    rows, native = context.rows, context.tokens.native
    if rows.tx.size == 0:  # no ids are known
        return
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), rows, native, row_of(out, k, first_column), wanted, scratch)
