"""Chains: on how many a wallet is active, and how payments come back to it on another one (family assets)."""

from ...base.kernel_compiler import kernel
from ...kernels.intrinsics import part
from ...kernels.sorted_arrays import median
from ...kernels.statistics import ratio
from ...kernels.wallet_view import IN, OUT, ROUNDING, number, row_of, view
from ..declaration import CHAINS, SECONDS, SHARE, Feature, positions

FEATURES = (
    Feature(
        "assets__chains__distinct",
        CHAINS,
        "number of chains it was active on",
        "distinct chains of its transfers, where known",
        "Chainalysis 2022: chain hops",
        null_when="no transfer names its chain",
        behaviour=27,
        needs=("chain",),
    ),
    Feature(
        "assets__chain_hop__share",
        SHARE,
        "share of payments that came back to it on another chain within an hour",
        "share of outs with amount a > 0 and a chain for which one of the 64 entries after it in order is an in on another "
        "chain, of the same asset, with 0 < t' − t < 3600 and |a − a'| ≤ 0.01·(1 + 1e-9)·a",
        "Chainalysis 2022: chain hops",
        null_when="no payment with value names its chain",
        behaviour=27,
        needs=("chain",),
    ),
    Feature(
        "assets__chain_hop__delay",
        SECONDS,
        "usual time that such a hop takes",
        "median over outs with such an in (as in assets__chain_hop__share) of t' − t of the first one",
        "Chainalysis 2022: chain hops",
        null_when="nothing came back on another chain",
        behaviour=27,
        needs=("chain",),
    ),
)

AT = positions(FEATURES)


@kernel
def one(v, chain, out, want, s):
    """The features of one snapshot."""
    for k in range(v.n):
        s.i0[k] = s.i1[k] = chain[v.row[k]]
    distinct = number(s.i0, v.n, s.table, s.table_id)
    if distinct:
        out[AT.chains__distinct] = distinct
    if want[AT.chain_hop__share] or want[AT.chain_hop__delay]:
        hops = possible = 0
        for k in range(v.n):
            if v.direction[k] == OUT and v.amount[k] > 0 and s.i1[k] >= 0:
                possible += 1
                back = come_back(v, k, s.i1) if distinct > 1 else -1
                if back >= 0:
                    s.i2[hops] = v.time[back] - v.time[k]
                    hops += 1
        out[AT.chain_hop__share] = ratio(hops, possible)
        out[AT.chain_hop__delay] = median(part(s.i2, 0, hops))


@kernel
def come_back(v, k, chain):
    """The first of the 64 transfers after payment k that brings its amount back on another chain within an hour, or −1."""
    for j in range(k + 1, min(k + 65, v.n)):
        if v.time[j] - v.time[k] >= 3_600:
            return -1
        elsewhere = v.direction[j] == IN and chain[j] >= 0 and chain[j] != chain[k] and v.time[j] > v.time[k]
        if (
            elsewhere
            and v.asset[j] == v.asset[k]
            and abs(v.amount[k] - v.amount[j]) <= 0.01 * (1 + ROUNDING) * v.amount[k]
        ):
            return j
    return -1


@kernel
def compute(b, c, out, at, want, s):
    """Write these features of every snapshot of block `b` into `out[:, at:]`, a row each, in the order of FEATURES."""
    chain = c.rows.chain
    if chain.size == 0:  # none is known
        return
    for k in range(b.wallet.size):
        if b.start[k + 1] > b.start[k]:
            one(view(b, k), chain, row_of(out, k, at), want, s)
