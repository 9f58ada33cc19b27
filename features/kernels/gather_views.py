"""Fills blocks: fetches the transfers of snapshots from the ledger, and lays them out for kernels. Computes no feature."""

import numpy as np

from ..base.kernel_compiler import kernel
from .intrinsics import part
from .sorted_arrays import sort
from .wallet_view import IN, SELF, leading_asset, number, view


@kernel
def gather(rows, entries, low, block, scratch):
    """Fill a block: snapshot k's transfers are the rows at entries[low[k] :]."""
    _look_up(rows, entries, low, block)
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            _lay_out(block, k, scratch)


@kernel
def _look_up(rows, entries, low, block):
    """Fetch the columns of a block's transfers: one at a time and without branches, so that many wait for memory at once."""
    time, sender, receiver, amount, asset, usd, _, _ = rows
    row, direction, other, party = block.row, block.direction, block.other, block.party
    for k in range(block.wallet.size):
        for j in range(block.start[k], block.start[k + 1]):
            row[j] = entries[low[k] + j - block.start[k]]
    _pick(time, row, block.time)
    _pick(amount, row, block.amount)
    _pick(asset, row, block.asset)
    _pick(sender, row, other)
    _pick(receiver, row, party)
    if usd.size:
        _pick(usd, row, block.usd)
    else:
        block.usd[:] = np.nan
    for k in range(block.wallet.size):
        wallet = block.wallet[k]
        for j in range(block.start[k], block.start[k + 1]):
            sent, received = other[j] == wallet, party[j] == wallet
            direction[j] = np.int8(sent) + np.int8(sent & received)
            other[j] = (-1 if received else party[j]) if sent else other[j]
            party[j] = other[j]


@kernel
def _pick(column, row, out):
    """Write column[row] into `out`."""
    for j in range(row.size):
        out[j] = column[row[j]]


@kernel
def _lay_out(block, k, scratch):
    """Number the counterparties and assets of snapshot k of a block, and lay out its values."""
    i, n = block.start[k], block.start[k + 1] - block.start[k]
    v = view(block, k)
    block.parties[k] = number(v.party, n, scratch.table, scratch.table_id)
    asset_id = scratch.i2
    for j in range(n):
        asset_id[j] = v.asset[j]
    block.assets[k] = number(v.asset, n, scratch.table, scratch.table_id)
    lead = 0
    if block.assets[k] != 1:
        lead = leading_asset(v.direction, v.amount, v.asset, n, block.assets[k], scratch.i0, scratch.i1)
    block.lead[k] = -1
    n_in = n_out = 0
    for j in range(n):
        v.value[j] = 0.0
        if v.amount[j] > 0 and v.asset[j] == lead and v.direction[j] != SELF:
            a = v.amount[j]
            v.value[j] = a
            block.lead[k] = asset_id[j]
            if v.direction[j] == IN:
                block.x_in[i + n_in] = block.sorted_in[i + n_in] = a
                n_in += 1
            else:
                block.x_out[i + n_out] = block.sorted_out[i + n_out] = a
                n_out += 1
    block.n_in[k], block.n_out[k] = n_in, n_out
    sort(part(block.sorted_in, i, i + n_in))
    sort(part(block.sorted_out, i, i + n_out))
