"""Chains: on how many a wallet is active, and how payments come back to it on another one (family assets)."""

from ...base.kernel_compiler import kernel
from ...kernels.intrinsics import part
from ...kernels.sorted_arrays import median
from ...kernels.statistics import ratio
from ...kernels.wallet_view import IN, OUT, ROUNDING, number, row_of, view
from ..declaration import CHAINS, SECONDS, SHARE, Feature, positions

# fmt: off
FEATURES = (
    Feature("assets__chains__distinct", CHAINS, "number of chains it was active on",
            "distinct chains of its transfers, where known", "Chainalysis 2022: chain hops",
            null_when="no transfer names its chain", behaviour=27, needs=("chain",)),
    Feature("assets__chain_hop__share", SHARE, "share of payments that came back to it on another chain within an hour",
            "share of outs with amount a > 0 and a chain for which one of the 64 entries after it in order is an in "
            "on another "
            "chain, of the same asset, with 0 < t' − t < 3600 and |a − a'| ≤ 0.01·(1 + 1e-9)·a",
            "Chainalysis 2022: chain hops", null_when="no payment with value names its chain", behaviour=27,
            needs=("chain",)),
    Feature("assets__chain_hop__delay", SECONDS, "usual time that such a hop takes",
            "median over outs with such an in (as in assets__chain_hop__share) of t' − t of the first one",
            "Chainalysis 2022: chain hops", null_when="nothing came back on another chain", behaviour=27,
            needs=("chain",)),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def features_of_snapshot(view, chain, out, wanted, scratch):
    """The features of one snapshot."""
    for k in range(view.n):
        scratch.i0[k] = scratch.i1[k] = chain[view.row[k]]
    distinct = number(scratch.i0, view.n, scratch.table, scratch.table_id)
    if distinct:
        out[COLUMN.chains__distinct] = distinct
    if wanted[COLUMN.chain_hop__share] or wanted[COLUMN.chain_hop__delay]:
        hops = possible = 0
        for k in range(view.n):
            if view.direction[k] == OUT and view.amount[k] > 0 and scratch.i1[k] >= 0:
                possible += 1
                back = come_back(view, k, scratch.i1) if distinct > 1 else -1
                if back >= 0:
                    scratch.i2[hops] = view.time[back] - view.time[k]
                    hops += 1
        out[COLUMN.chain_hop__share] = ratio(hops, possible)
        out[COLUMN.chain_hop__delay] = median(part(scratch.i2, 0, hops))


@kernel
def come_back(view, k, chain):
    """The first of the 64 transfers after payment k that brings its amount back on another chain within an hour, or −1."""
    for j in range(k + 1, min(k + 65, view.n)):
        if view.time[j] - view.time[k] >= 3_600:
            return -1
        elsewhere = view.direction[j] == IN and chain[j] >= 0 and chain[j] != chain[k] and view.time[j] > view.time[k]
        if (
            elsewhere
            and view.asset[j] == view.asset[k]
            and abs(view.amount[k] - view.amount[j]) <= 0.01 * (1 + ROUNDING) * view.amount[k]
        ):
            return j
    return -1


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    chain = context.rows.chain
    if chain.size == 0:  # none is known
        return
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), chain, row_of(out, k, first_column), wanted, scratch)
