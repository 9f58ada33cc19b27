"""What a kernel sees: a block of snapshots, each one wallet's transfers in one window, in order, and scratch space to work in.

Also the few loops that several families share. Reads the ledger; declares no feature.
"""

from typing import NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel, part

IN, OUT, SELF = 0, 1, 2
DAY = 86_400
WEEK = 7 * DAY
ROUNDING = (
    1e-9  # amounts are decimals stored in binary: borders have this much room, so that no answer hangs on the unit
)


class Rows(NamedTuple):
    """The transfers of a ledger, in their total order, a column each. Optional ones are empty if nothing has a value there."""

    time: np.ndarray  # int64, seconds since 1970 UTC
    sender: np.ndarray  # int32, ids
    receiver: np.ndarray  # int32, ids
    amount: np.ndarray  # float64, units of the asset
    asset: np.ndarray  # int32, ids
    usd: np.ndarray  # float64, NaN = unpriced; optional
    tx: np.ndarray  # uint64, a hash of the transaction's id; optional
    chain: np.ndarray  # int32, ids, −1 = unknown; optional


class Scratch(NamedTuple):
    """Room for the largest snapshot of a block; kernels may overwrite all of it."""

    f0: np.ndarray
    f1: np.ndarray
    i0: np.ndarray
    i1: np.ndarray
    i2: np.ndarray
    i3: np.ndarray
    table: np.ndarray
    table_id: np.ndarray


class Block(NamedTuple):
    """The transfers of some snapshots, one snapshot after the other; snapshot k's are at [start[k], start[k + 1]).

    `other` is the id of the counterparty (−1: itself); the other columns are those of a `View`.
    """

    start: np.ndarray
    wallet: np.ndarray
    since: np.ndarray
    as_of: np.ndarray
    row: np.ndarray
    time: np.ndarray
    direction: np.ndarray
    amount: np.ndarray
    value: np.ndarray
    usd: np.ndarray
    asset: np.ndarray
    other: np.ndarray
    party: np.ndarray
    x_in: np.ndarray
    x_out: np.ndarray
    sorted_in: np.ndarray
    sorted_out: np.ndarray
    n_in: np.ndarray
    n_out: np.ndarray
    parties: np.ndarray
    assets: np.ndarray
    lead: np.ndarray


class View(NamedTuple):
    """One snapshot's transfers in order (time, in < out < self, amount), `n` of them; the window is [since, as_of).

    `row` is where each stands in the ledger's rows. `value` is the amount where the transfer is valued (leading asset, not to
    itself, amount > 0), else 0. `party` numbers the counterparties 0, 1, … by first appearance (−1: itself), `asset` the assets;
    `lead` is the leading one's id in the ledger (−1: none). `x_in` and `x_out` are the valued amounts in order.
    """

    wallet: int
    since: int
    as_of: int
    row: np.ndarray
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
    n: int
    n_in: int
    n_out: int
    parties: int
    assets: int
    lead: int


def scratch_for(n: int) -> Scratch:
    """Scratch space for snapshots of up to `n` transfers (about 80 bytes a transfer), and for 64 numbers at least."""
    n = max(n, 64)
    table = 4
    while table < 2 * n:
        table *= 2
    return Scratch(
        *(np.empty(n + 1) for _ in range(2)),
        *(np.empty(n + 1, np.int64) for _ in range(4)),
        *(np.empty(table, np.int32) for _ in range(2)),
    )


def block_for(wallet: np.ndarray, since: np.ndarray, as_of: np.ndarray, sizes: np.ndarray) -> Block:
    """Room for the transfers of snapshots (about 100 bytes a transfer), for `gather` to fill.

    Args:
        wallet: ids in the ledger, int64 of shape (snapshots,).
        since: first second of each window, int64.
        as_of: the second after it, int64.
        sizes: how many transfers each snapshot has.
    """
    start = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=start[1:])
    n, k = int(start[-1]), len(sizes)
    floats, ids, counts = (lambda: np.empty(n)), (lambda: np.empty(n, np.int32)), (lambda: np.zeros(k, np.int64))
    return Block(
        start=start, wallet=wallet, since=since, as_of=as_of, row=ids(), time=np.empty(n, np.int64),
        direction=np.empty(n, np.int8), amount=floats(), value=floats(), usd=floats(), asset=ids(), other=ids(), party=ids(),
        x_in=floats(), x_out=floats(), sorted_in=floats(), sorted_out=floats(),
        n_in=counts(), n_out=counts(), parties=counts(), assets=counts(), lead=counts(),
    )  # fmt: skip


@kernel
def view(b, k):
    """Snapshot k of a block."""
    i, j = b.start[k], b.start[k + 1]
    last_in, last_out = i + b.n_in[k], i + b.n_out[k]
    return View(
        b.wallet[k], b.since[k], b.as_of[k], part(b.row, i, j), part(b.time, i, j), part(b.direction, i, j),
        part(b.amount, i, j), part(b.value, i, j), part(b.usd, i, j), part(b.asset, i, j), part(b.party, i, j),
        part(b.x_in, i, last_in), part(b.x_out, i, last_out), part(b.sorted_in, i, last_in), part(b.sorted_out, i, last_out),
        j - i, b.n_in[k], b.n_out[k], b.parties[k], b.assets[k], b.lead[k],
    )  # fmt: skip


@kernel
def row_of(out, k, at):
    """Row k of a table from column `at` on."""
    return part(out, k * out.shape[1] + at, (k + 1) * out.shape[1])


@kernel
def number(keys, n, table, table_id):
    """Replace keys[:n] in place by 0, 1, … in order of first appearance (negative keys stay); return how many there are.

    The order must not hang on the ids, which change when a ledger grows. Few are compared one by one; more are hashed (open
    addressing).
    """
    if n <= 12:
        return number_few(keys, n, table)
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
def number_few(keys, n, seen):
    """`number` by comparing each key with those before it; `seen` is scratch."""
    found = 0
    for k in range(n):
        if keys[k] >= 0:
            at = 0
            while at < found and seen[at] != keys[k]:
                at += 1
            if at == found:
                seen[at] = keys[k]
                found += 1
            keys[k] = at
    return found


@kernel
def sort(x):
    """Sort in place, upwards. Few numbers by insertion: numba's own sort first makes itself a stack, which costs more."""
    if x.size > 40:
        x.sort()
        return
    for k in range(1, x.size):
        a = x[k]
        at = k
        while at > 0 and x[at - 1] > a:
            x[at] = x[at - 1]
            at -= 1
        x[at] = a


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
def median(x):
    """The median (mean of the middle two), NaN of an empty array; moves its numbers about. Cheaper than sorting."""
    n = x.size
    if n <= 40:
        sort(x)
        return median_of_sorted(x)
    upper = selected(x, n // 2)
    return upper if n % 2 else 0.5 * (x[: n // 2].max() + upper)


@kernel
def selected(x, k):
    """The number that would stand at k if x were sorted (Hoare's selection, in place): none before it is larger."""
    low, high = 0, x.size - 1
    while high > low:
        pivot = x[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while x[i] < pivot:
                i += 1
            while x[j] > pivot:
                j -= 1
            if i <= j:
                x[i], x[j] = x[j], x[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return x[k]


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
    total = once = 0.0
    for c in counts:
        total += c
        once += c == 1
    h = once / total * np.log(total) if once else 0.0  # most counts are 1, and a logarithm is slow
    for c in counts:
        if c > 1:
            h -= c / total * np.log(c / total)
    return h


@kernel
def first_at(entries, time, low, high, moment):
    """The first position in [low, high) whose transfer is at or after `moment`."""
    while low < high:
        middle = (low + high) // 2
        if time[entries[middle]] < moment:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def first_from(time, low, high, moment):
    """The first position in [low, high) with a time at or after `moment`; times ascend there."""
    while low < high:
        middle = (low + high) // 2
        if time[middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low
