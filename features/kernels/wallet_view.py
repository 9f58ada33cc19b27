"""What kernels see of wallets: a block of snapshots, each one wallet's transfers in one window, in order, and scratch space.

Declares no feature.
"""

from typing import NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel
from .intrinsics import part

IN, OUT, SELF = 0, 1, 2
DAY = 86_400
WEEK = 7 * DAY
# Amounts are decimals stored in binary: borders have this much room, so that no answer depends on the unit.
ROUNDING = 1e-9


class LedgerRows(NamedTuple):
    """The transfers of a ledger in their total order, one column each. An optional column without any value is empty."""

    time: np.ndarray  # int64, seconds since 1970 UTC
    sender: np.ndarray  # int32, ids
    receiver: np.ndarray  # int32, ids
    amount: np.ndarray  # float64, units of the asset
    asset: np.ndarray  # int32, ids
    usd: np.ndarray  # float64, NaN = unpriced; optional
    tx: np.ndarray  # uint64, a hash of the transaction's id; optional
    chain: np.ndarray  # int32, ids, −1 = unknown; optional


class Scratch(NamedTuple):
    """Room for the largest snapshot of a block. Kernels may overwrite all of it."""

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

    `other` is the id of the counterparty (−1: the wallet itself). The other columns are those of a `View`.
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

    `row` is each transfer's position in the ledger's rows. `value` is its amount if it is valued (leading asset, not to itself,
    amount > 0), else 0. `party` numbers the counterparties 0, 1, … by first appearance (−1: the wallet itself), `asset` the
    assets. `lead` is the leading asset's id in the ledger (−1: none). `x_in` and `x_out` are the valued amounts in order.
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
    """Scratch space for snapshots of up to `n` transfers (about 80 bytes per transfer), and for 64 numbers at least."""
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
    """Room for the transfers of snapshots (about 100 bytes per transfer), for `gather` to fill.

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
def view(block, k):
    """Snapshot k of a block."""
    i, j = block.start[k], block.start[k + 1]
    last_in, last_out = i + block.n_in[k], i + block.n_out[k]
    return View(
        block.wallet[k], block.since[k], block.as_of[k], part(block.row, i, j), part(block.time, i, j),
        part(block.direction, i, j), part(block.amount, i, j), part(block.value, i, j), part(block.usd, i, j),
        part(block.asset, i, j), part(block.party, i, j), part(block.x_in, i, last_in), part(block.x_out, i, last_out),
        part(block.sorted_in, i, last_in), part(block.sorted_out, i, last_out),
        j - i, block.n_in[k], block.n_out[k], block.parties[k], block.assets[k], block.lead[k],
    )  # fmt: skip


@kernel
def row_of(out, k, column):
    """Row k of a table from a column on."""
    return part(out, k * out.shape[1] + column, (k + 1) * out.shape[1])


@kernel
def number(keys, n, table, table_id):
    """Replace keys[:n] in place by 0, 1, … in order of first appearance (negative keys stay); return how many there are.

    The order must not depend on the ids, which change when a ledger grows. Few are compared one by one; more are hashed (open
    addressing).
    """
    if n <= 12:
        return number_few(keys, n, table)
    size = 4
    while size < 2 * n:
        size *= 2
    mask = size - 1
    table[:size] = -1
    count = 0
    for k in range(n):
        key = keys[k]
        if key < 0:
            continue
        slot = ((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & np.uint64(mask)
        while table[slot] >= 0 and table[slot] != key:
            slot = (slot + np.uint64(1)) & np.uint64(mask)
        if table[slot] < 0:
            table[slot] = key
            table_id[slot] = count
            count += 1
        keys[k] = table_id[slot]
    return count


@kernel
def number_few(keys, n, seen):
    """`number` by comparing each key with those before it; `seen` is scratch."""
    count = 0
    for k in range(n):
        if keys[k] >= 0:
            position = 0
            while position < count and seen[position] != keys[k]:
                position += 1
            if position == count:
                seen[position] = keys[k]
                count += 1
            keys[k] = position
    return count


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
