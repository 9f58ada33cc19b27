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

FEATURES = (
    Feature(
        "assets__swap__share",
        SHARE,
        "share of its transfers that belong to a swap",
        "ins and outs with amount > 0 in swaps ÷ ins and outs with amount > 0",
        _DPRK,
        null_when=f"{_NO_VALUE}, or no transaction ids are known",
        behaviour=28,
        needs=("tx",),
    ),
    Feature(
        "assets__swap__to_native_share",
        SHARE,
        "share of its swaps that bring in a chain's own coin",
        "swaps with an in of a native coin ÷ swaps",
        _DPRK,
        null_when=_NO_SWAP,
        era_safe=False,
        behaviour=28,
        needs=("tx", "tokens"),
    ),
    Feature(
        "assets__swap__delay",
        SECONDS,
        "usual time from an inflow to the next swap",
        "median over swaps with an in of amount > 0 outside swaps at t' ≤ t of t − t' of the latest such in",
        _DPRK,
        null_when="no swap follows an inflow",
        behaviour=28,
        needs=("tx",),
    ),
    Feature(
        "assets__to_native__delay",
        SECONDS,
        "usual time from receiving a token to the next swap into a chain's own coin",
        "median over ins with amount > 0 outside swaps, not of a native coin, of t' − t, t' ≥ t of the next swap with an in of a "
        "native coin",
        _DPRK,
        null_when="no such swap follows a token",
        behaviour=28,
        needs=("tx", "tokens"),
    ),
    Feature(
        "assets__loop__share",
        SHARE,
        "share of its swaps that the next one undoes within a day",
        "of plain swaps (all that goes out is of one asset A, all that comes in of one B) in order of time, at most one a second "
        "(of several none counts): those whose next is B to A at most 86400 s later ÷ plain swaps",
        "EthereumHeist: loops at a loss",
        null_when="it made no plain swap",
        behaviour=42,
        needs=("tx",),
    ),
    Feature(
        "assets__loop__kept",
        RATIO,
        "share of the value that such loops bring back",
        "mean over swaps undone (as in assets__loop__share) of what comes back of A ÷ what went out of A",
        "Ronin 2022: losses accepted",
        null_when="no swap is undone",
        behaviour=30,
        needs=("tx",),
    ),
)

AT = positions(FEATURES)


@kernel
def find_swaps(v, rows, native, swaps, s):
    """Find the swaps in order of time, fill `swaps`, and mark their transfers in s.table; return how many there are.

    Rows of one transaction have one time, so only transfers of one second are compared.
    """
    for k in range(v.n):
        s.table[k] = 0
    found = start = 0
    for k in range(1, v.n + 1):
        if k < v.n and v.time[k] == v.time[start]:
            continue
        if k - start > 1:
            found = swaps_of_second(v, start, k, rows, native, swaps, found, s)
        start = k
    return found


@kernel
def swaps_of_second(v, start, end, rows, native, swaps, found, s):
    """Find the swaps among the transfers [start, end), all of one second."""
    n = ins = 0
    for k in range(start, end):
        if v.amount[k] > 0 and v.direction[k] != SELF:
            s.i0[n] = np.int64(rows.tx[v.row[k]])
            s.i1[n] = k
            n += 1
            ins += v.direction[k] == IN
    if ins == 0 or ins == n:
        return found
    sort_pairs(part(s.i0, 0, n), part(s.i1, 0, n), part(s.i1, 0, n))
    begin = 0
    for j in range(1, n + 1):
        if j < n and s.i0[j] == s.i0[begin]:
            continue
        if j - begin > 1 and swap_of(v, part(s.i1, begin, j), rows, native, swaps, found):
            for k in part(s.i1, begin, j):
                s.table[k] = 1
            found += 1
        begin = j
    return found


@kernel
def swap_of(v, which, rows, native, swaps, at):
    """Whether the transfers `which` of one transaction are a swap; if so, describe it in place `at` of `swaps`.

    A swap's assets given and got are −1 if there are several.
    """
    when, brings_native, gave, got, gone, came = swaps
    gave[at] = got[at] = -2
    gone[at] = came[at] = 0.0
    brings_native[at] = 0
    exchanged = False
    for k in which:
        a = v.asset[k]
        exchanged |= a != v.asset[which[0]]
        if v.direction[k] == OUT:
            gave[at] = a if gave[at] == -2 or gave[at] == a else -1
            gone[at] += v.amount[k]
        else:
            got[at] = a if got[at] == -2 or got[at] == a else -1
            came[at] += v.amount[k]
            brings_native[at] |= native.size > 0 and native[rows.asset[v.row[k]]] > 0
    when[at] = v.time[which[0]]
    return exchanged and gave[at] != -2 and got[at] != -2


@kernel
def swap_delay(v, when, in_swap, delays):
    """Median time from the latest inflow outside swaps to each swap."""
    k = found = 0
    latest = -1
    for moment in when:
        while k < v.n and v.time[k] <= moment:
            if v.amount[k] > 0 and v.direction[k] == IN and not in_swap[k]:
                latest = k
            k += 1
        if latest >= 0:
            delays[found] = moment - v.time[latest]
            found += 1
    return median(part(delays, 0, found))


@kernel
def to_native_delay(v, rows, when, brings_native, in_swap, native, delays):
    """Median time from each token received outside swaps to the next swap into a native coin."""
    found = 0
    following = -1
    j = when.size - 1
    for k in range(v.n - 1, -1, -1):
        while j >= 0 and when[j] >= v.time[k]:
            if brings_native[j]:
                following = j
            j -= 1
        waits = following >= 0 and v.amount[k] > 0 and v.direction[k] == IN and not in_swap[k]
        if waits and not native[rows.asset[v.row[k]]]:
            delays[found] = when[following] - v.time[k]
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
    out[AT.loop__share] = ratio(undone, plain)
    out[AT.loop__kept] = ratio(brought, undone)


@kernel
def with_value(v):
    """How many ins and outs have value."""
    if v.assets == 1:
        return v.n_in + v.n_out
    found = 0
    for k in range(v.n):
        found += v.amount[k] > 0 and v.direction[k] != SELF
    return found


@kernel
def one(v, rows, native, out, want, s):
    """The features of one snapshot."""
    n = v.n
    swaps = (s.i2, s.i3, part(s.table, n, 2 * n), part(s.table_id, n, 2 * n), s.f0, s.f1)
    found = find_swaps(v, rows, native, swaps, s) if v.assets > 1 else 0
    out[AT.swap__share] = ratio(part(s.table, 0, n).sum() if found else 0, with_value(v))
    if found == 0:
        return
    when, brings_native = part(s.i2, 0, found), part(s.i3, 0, found)
    if want[AT.swap__to_native_share]:
        out[AT.swap__to_native_share] = brings_native.sum() / found
    if want[AT.swap__delay]:
        out[AT.swap__delay] = swap_delay(v, when, s.table, s.i0)
    if want[AT.to_native__delay]:
        out[AT.to_native__delay] = to_native_delay(v, rows, when, brings_native, s.table, native, s.i0)
    loops(swaps, only_plain(swaps, found), out)


@kernel
def compute(b, c, out, at, want, s):
    """Write these features of every snapshot of block `b` into `out[:, at:]`, a row each, in the order of FEATURES."""
    rows, native = c.rows, c.tokens.native
    if rows.tx.size == 0:  # no ids are known
        return
    for k in range(b.wallet.size):
        if b.start[k + 1] > b.start[k]:
            one(view(b, k), rows, native, row_of(out, k, at), want, s)
