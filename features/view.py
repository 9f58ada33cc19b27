"""What a kernel sees: one wallet's transfers in one window, in order, gathered into flat arrays, and scratch space to work in.

Also the few loops that several families share. Reads the ledger; declares no feature.
"""

from typing import NamedTuple

import numpy as np

from .compiled import kernel

IN, OUT, SELF = 0, 1, 2
DAY = 86_400
ROUNDING = (
    1e-9  # amounts are decimals stored in binary: borders have this much room, so that no answer hangs on the unit
)


class Rows(NamedTuple):
    """The transfers of a ledger, in their total order, a column each (`n` rows; `usd` may be empty: no prices)."""

    time: np.ndarray  # int64, seconds since 1970 UTC
    sender: np.ndarray  # int32, ids
    receiver: np.ndarray  # int32, ids
    amount: np.ndarray  # float64, units of the asset
    asset: np.ndarray  # int32, ids
    usd: np.ndarray  # float64, NaN = unpriced


class Scratch(NamedTuple):
    """Room for the largest snapshot of a block; kernels may overwrite `f*` and `i*`, the rest is the view's own."""

    time: np.ndarray
    direction: np.ndarray
    amount: np.ndarray
    value: np.ndarray
    usd: np.ndarray
    asset: np.ndarray
    party: np.ndarray
    x_in: np.ndarray
    x_out: np.ndarray
    sorted_in: np.ndarray
    sorted_out: np.ndarray
    table: np.ndarray
    table_id: np.ndarray
    f0: np.ndarray
    f1: np.ndarray
    i0: np.ndarray
    i1: np.ndarray
    i2: np.ndarray
    i3: np.ndarray


class View(NamedTuple):
    """One snapshot's transfers in order (time, in < out < self, amount), `n` ≥ 1 of them.

    `value` is the amount where the transfer is valued (leading asset, not to itself, amount > 0), else 0. `party` numbers the
    counterparties 0, 1, … by first appearance (−1: itself). `x_in` and `x_out` are the valued amounts in order.
    """

    time: np.ndarray
    direction: np.ndarray
    amount: np.ndarray
    value: np.ndarray
    usd: np.ndarray
    party: np.ndarray
    x_in: np.ndarray
    x_out: np.ndarray
    sorted_in: np.ndarray
    sorted_out: np.ndarray
    n: int
    n_in: int
    n_out: int
    parties: int
    assets: int
    as_of: int


def scratch_for(n: int) -> Scratch:
    """Scratch space for snapshots of up to `n` transfers (about 150 bytes a transfer)."""
    table = 4
    while table < 2 * n:
        table *= 2
    floats, longs, ints = (
        (lambda: np.empty(n + 1)),
        (lambda: np.empty(n + 1, np.int64)),
        (lambda: np.empty(n, np.int32)),
    )
    return Scratch(
        time=np.empty(n, np.int64), direction=np.empty(n, np.int8), amount=floats(), value=floats(), usd=floats(),
        asset=ints(), party=ints(), x_in=floats(), x_out=floats(), sorted_in=floats(), sorted_out=floats(),
        table=np.empty(table, np.int32), table_id=np.empty(table, np.int32),
        f0=floats(), f1=floats(), i0=longs(), i1=longs(), i2=longs(), i3=longs(),
    )  # fmt: skip


@kernel
def number(keys, n, table, table_id):
    """Replace keys[:n] in place by 0, 1, … in order of first appearance (negative keys stay); return how many there are.

    Open addressing: the order must not hang on the ids, which change when a ledger grows.
    """
    size = 4
    while size < 2 * n:
        size *= 2
    mask = size - 1
    table[:size] = -1
    found = 0
    for k in range(n):
        key = keys[k]
        if key < 0:
            continue
        slot = ((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & np.uint64(mask)
        while table[slot] >= 0 and table[slot] != key:
            slot = (slot + np.uint64(1)) & np.uint64(mask)
        if table[slot] < 0:
            table[slot] = key
            table_id[slot] = found
            found += 1
        keys[k] = table_id[slot]
    return found


@kernel
def leading_asset(direction, amount, asset, n, assets, sent, received):
    """The asset number sent most often with value; ties: received most often; ties: seen first. −1: no value at all."""
    sent[:assets] = 0
    received[:assets] = 0
    for k in range(n):
        if amount[k] > 0 and direction[k] == OUT:
            sent[asset[k]] += 1
        elif amount[k] > 0 and direction[k] == IN:
            received[asset[k]] += 1
    best = -1
    for k in range(n):  # in order, so that a tie goes to the one seen first with value
        if amount[k] > 0 and direction[k] != SELF:
            a = asset[k]
            if best < 0 or sent[a] > sent[best] or (sent[a] == sent[best] and received[a] > received[best]):
                best = a
    return best


@kernel
def gather(rows, entries, low, high, wallet, as_of, s):
    """Copy a wallet's transfers `entries[low:high]` into scratch `s` and return them as a View."""
    n = high - low
    for k in range(n):
        i = entries[low + k]
        s.time[k] = rows.time[i]
        s.amount[k] = rows.amount[i]
        s.asset[k] = rows.asset[i]
        s.usd[k] = rows.usd[i] if rows.usd.size else np.nan
        if rows.sender[i] == wallet:
            s.direction[k] = SELF if rows.receiver[i] == wallet else OUT
            s.party[k] = -1 if rows.receiver[i] == wallet else rows.receiver[i]
        else:
            s.direction[k] = IN
            s.party[k] = rows.sender[i]
    parties = number(s.party, n, s.table, s.table_id)
    assets = number(s.asset, n, s.table, s.table_id)
    lead = leading_asset(s.direction, s.amount, s.asset, n, assets, s.i0, s.i1)
    n_in = 0
    n_out = 0
    for k in range(n):
        s.value[k] = 0.0
        if s.amount[k] > 0 and s.asset[k] == lead and s.direction[k] != SELF:
            s.value[k] = s.amount[k]
            if s.direction[k] == IN:
                s.x_in[n_in] = s.amount[k]
                n_in += 1
            else:
                s.x_out[n_out] = s.amount[k]
                n_out += 1
    s.sorted_in[:n_in] = s.x_in[:n_in]
    s.sorted_in[:n_in].sort()
    s.sorted_out[:n_out] = s.x_out[:n_out]
    s.sorted_out[:n_out].sort()
    return View(
        s.time[:n], s.direction[:n], s.amount[:n], s.value[:n], s.usd[:n], s.party[:n], s.x_in[:n_in], s.x_out[:n_out],
        s.sorted_in[:n_in], s.sorted_out[:n_out], n, n_in, n_out, parties, assets, as_of,
    )  # fmt: skip


@kernel
def sort_pairs(first, second, carried):
    """Sort three arrays together in place by (first, second), upwards; `carried` may be `second` itself.

    A shell sort (gaps of Ciura 2001): compiles in a fraction of the time of an argsort and needs no memory.
    """
    for gap in (1750, 701, 301, 132, 57, 23, 10, 4, 1):
        for k in range(gap, first.size):
            a, b, c = first[k], second[k], carried[k]
            at = k
            while at >= gap and (first[at - gap] > a or (first[at - gap] == a and second[at - gap] > b)):
                first[at], second[at], carried[at] = first[at - gap], second[at - gap], carried[at - gap]
                at -= gap
            first[at], second[at], carried[at] = a, b, c


@kernel
def ratio(a, b):
    """a ÷ b, or NaN where b is zero."""
    return a / b if b != 0 else np.nan


@kernel
def median_of_sorted(x):
    """The median of a sorted array (mean of the middle two), NaN of an empty one."""
    n = x.size
    if n == 0:
        return np.nan
    return x[n // 2] if n % 2 else 0.5 * (x[n // 2 - 1] + x[n // 2])


@kernel
def most_within(time, seconds):
    """The largest number of times t with t_i ≤ t < t_i + seconds, over all i; `time` ascends."""
    best = 0
    first = 0
    for k in range(time.size):
        while time[k] - time[first] >= seconds:
            first += 1
        best = max(best, k - first + 1)
    return best


@kernel
def mean_and_deviation(x):
    """Mean and population standard deviation in two passes; NaN of an empty array."""
    mean = ratio(x.sum(), x.size)
    squares = 0.0
    for v in x:
        squares += (v - mean) ** 2
    return mean, np.sqrt(ratio(squares, x.size))


@kernel
def burstiness(gaps):
    """(σ − μ) ÷ (σ + μ) of at least two gaps, else NaN (Goh & Barabási 2008)."""
    if gaps.size < 2:
        return np.nan
    mean, deviation = mean_and_deviation(gaps)
    return ratio(deviation - mean, deviation + mean)


@kernel
def entropy(counts):
    """Shannon entropy in nats of an array of counts."""
    total = counts.sum()
    h = 0.0
    for c in counts:
        if c > 0:
            h -= c / total * np.log(c / total)
    return h
