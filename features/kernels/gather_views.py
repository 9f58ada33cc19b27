"""Fills blocks: fetches the transfers of snapshots from the ledger, and lays them out for kernels. Computes no feature."""

import numpy as np

from ..base.kernel_compiler import kernel, part
from .wallet_view import IN, SELF, leading_asset, number, sort, view


@kernel
def gather(rows, entries, low, b, s):
    """Fill a block: snapshot k's transfers are the rows at entries[low[k] :]."""
    look_up(rows, entries, low, b)
    for k in range(b.wallet.size):
        if b.start[k + 1] > b.start[k]:
            gather_one(b, k, s)


@kernel
def look_up(rows, entries, low, b):
    """Fetch the columns of a block's transfers: one at a time and without branches, so that many wait for memory at once."""
    time, sender, receiver, amount, asset, usd, _, _ = rows
    row, direction, other = b.row, b.direction, b.other
    for k in range(b.wallet.size):
        for j in range(b.start[k], b.start[k + 1]):
            row[j] = entries[low[k] + j - b.start[k]]
    pick(time, row, b.time)
    pick(amount, row, b.amount)
    pick(asset, row, b.asset)
    pick(sender, row, other)
    pick(receiver, row, b.party)
    if usd.size:
        pick(usd, row, b.usd)
    else:
        b.usd[:] = np.nan
    for k in range(b.wallet.size):
        w = b.wallet[k]
        for j in range(b.start[k], b.start[k + 1]):
            sent, received = other[j] == w, b.party[j] == w
            direction[j] = np.int8(sent) + np.int8(sent & received)
            other[j] = (-1 if received else b.party[j]) if sent else other[j]
            b.party[j] = other[j]


@kernel
def pick(column, row, out):
    """Write column[row] into `out`."""
    for j in range(row.size):
        out[j] = column[row[j]]


@kernel
def gather_one(b, k, s):
    """Number the counterparties and assets of snapshot k of a block, and lay out its values."""
    i, n = b.start[k], b.start[k + 1] - b.start[k]
    v = view(b, k)
    b.parties[k] = number(v.party, n, s.table, s.table_id)
    for j in range(n):
        s.i2[j] = v.asset[j]
    b.assets[k] = number(v.asset, n, s.table, s.table_id)
    lead = 0 if b.assets[k] == 1 else leading_asset(v.direction, v.amount, v.asset, n, b.assets[k], s.i0, s.i1)
    b.lead[k] = -1
    n_in = n_out = 0
    for j in range(n):
        v.value[j] = 0.0
        if v.amount[j] > 0 and v.asset[j] == lead and v.direction[j] != SELF:
            a = v.amount[j]
            v.value[j] = a
            b.lead[k] = s.i2[j]
            if v.direction[j] == IN:
                b.x_in[i + n_in] = b.sorted_in[i + n_in] = a
                n_in += 1
            else:
                b.x_out[i + n_out] = b.sorted_out[i + n_out] = a
                n_out += 1
    b.n_in[k], b.n_out[k] = n_in, n_out
    sort(part(b.sorted_in, i, i + n_in))
    sort(part(b.sorted_out, i, i + n_out))
