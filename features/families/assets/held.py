"""Which assets a wallet moves, how evenly, and what it does with native coins and dollar tokens (family assets)."""

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.intrinsics import part
from ...kernels.sorted_arrays import median
from ...kernels.statistics import entropy, ratio
from ...kernels.wallet_view import IN, OUT, row_of, view
from ..declaration import ASSETS, RATIO, SECONDS, SHARE, Feature, in_and_out, positions

_NO_VALUE = "no transfer has value"
_DPRK = "Chainalysis 2022: tokens to the native coin"

FEATURES = (
    *in_and_out(
        "assets__{side}__distinct",
        ASSETS,
        "number of different assets {verb}",
        "distinct assets of {side}s with amount > 0",
        "Chainalysis 2022",
        "nothing of value was {verb}",
        null=0.0,
        behaviour=28,
    ),
    Feature(
        "assets__all__entropy",
        RATIO,
        "evenness of its transfers over assets",
        "Shannon entropy (natural logarithm) of ins and outs with amount > 0 over assets ÷ ln(their number)",
        "Chainalysis 2022",
        null_when="fewer than two transfers have value",
        behaviour=28,
    ),
    Feature(
        "assets__unsold__share",
        SHARE,
        "share of the assets received that it never sent",
        "assets of ins with amount > 0 without an out with amount > 0 ÷ assets of ins with amount > 0",
        "unasked-for tokens",
        null_when="nothing of value was received",
        behaviour=28,
    ),
    Feature(
        "assets__native__share",
        SHARE,
        "share of its transfers in a chain's own coin",
        "share of ins and outs with amount > 0 whose asset is native",
        _DPRK,
        null_when=_NO_VALUE,
        era_safe=False,  # tokens became common in 2017
        behaviour=28,
        needs=("tokens",),
    ),
    Feature(
        "assets__dollar__share",
        SHARE,
        "share of its transfers in dollar tokens",
        "share of ins and outs with amount > 0 whose asset is a dollar token",
        _DPRK,
        null_when=_NO_VALUE,
        era_safe=False,
        behaviour=29,
        needs=("tokens",),
    ),
    Feature(
        "assets__dollar__delay",
        SECONDS,
        "usual time that dollar tokens, which can be frozen, stay",
        "median over ins of a dollar token with amount > 0 of t' − t, t' of the next out in order of that token with amount > 0",
        "Chainalysis 2022: freezable assets go first",
        null_when="no dollar token was sent after one was received",
        behaviour=29,
        needs=("tokens",),
    ),
    Feature(
        "assets__self_made__share",
        SHARE,
        "share of the assets sent that nobody had moved before it",
        "assets with an out with amount > 0 at the time of the chain's first transfer of the asset with amount > 0 ÷ assets of "
        "outs with amount > 0",
        "EthereumHeist: counterfeit tokens",
        null_when="nothing of value was sent",
        behaviour=42,
        needs=("tokens",),
    ),
)

AT = positions(FEATURES)


@kernel
def counted(v, sent, received):
    """Count the transfers with value of each asset, sent and received."""
    if v.assets == 1:
        sent[0], received[0] = v.n_out, v.n_in
        return
    for a in range(v.assets):
        sent[a] = received[a] = 0
    for k in range(v.n):
        if v.amount[k] > 0 and v.direction[k] == OUT:
            sent[v.asset[k]] += 1
        elif v.amount[k] > 0 and v.direction[k] == IN:
            received[v.asset[k]] += 1


@kernel
def variety(sent, received, out):
    """The features of how many assets there are. `sent` becomes all transfers of each."""
    gave = got = unsold = total = 0
    for a in range(sent.size):
        gave += sent[a] > 0
        got += received[a] > 0
        unsold += received[a] > 0 and sent[a] == 0
        sent[a] += received[a]
        total += sent[a]
    out[AT.in__distinct] = got
    out[AT.out__distinct] = gave
    out[AT.unsold__share] = ratio(unsold, got)
    if total > 1:
        out[AT.all__entropy] = entropy(sent) / np.log(total)


@kernel
def share_of_kind(transfers, ids, kind):
    """The share of transfers with value whose asset is of a kind, from how many there are of each asset."""
    of_kind = total = 0
    for a in range(transfers.size):
        total += transfers[a]
        if kind[ids[a]]:
            of_kind += transfers[a]
    return ratio(of_kind, total)


@kernel
def named(v, asset, ids):
    """Write the ledger's id of each of the snapshot's assets into `ids`."""
    if v.assets == 1 and v.lead >= 0:
        ids[0] = v.lead
        return
    found = 0
    for k in range(v.n):
        if v.asset[k] == found:
            ids[found] = asset[v.row[k]]
            found += 1
            if found == v.assets:
                return


@kernel
def dollar_delay(v, ids, dollar, next_out, delays):
    """Median time from each dollar token received to the next payment of that token."""
    for a in range(v.assets):
        next_out[a] = -1
    found = 0
    for k in range(v.n - 1, -1, -1):
        a = v.asset[k]
        if v.amount[k] > 0 and dollar[ids[a]]:
            if v.direction[k] == OUT:
                next_out[a] = k
            elif v.direction[k] == IN and next_out[a] >= 0:
                delays[found] = v.time[next_out[a]] - v.time[k]
                found += 1
    return median(part(delays, 0, found))


@kernel
def self_made(v, ids, born, seen):
    """How many assets it sent at the time of the chain's first transfer of them; `seen` is scratch."""
    latest = v.time[0] - 1
    for a in range(v.assets):
        seen[a] = 0
        latest = max(latest, born[ids[a]])
    made = 0
    for k in range(v.n):
        a = v.asset[k]
        if v.time[k] > latest:
            break
        if v.amount[k] > 0 and v.direction[k] == OUT and v.time[k] == born[ids[a]]:
            made += seen[a] == 0
            seen[a] = 1
    return made


@kernel
def one(v, asset, tokens, out, want, s):
    """The features of one snapshot."""
    transfers, received, ids = part(s.i0, 0, v.assets), part(s.i1, 0, v.assets), s.table_id
    counted(v, transfers, received)
    variety(transfers, received, out)
    if tokens.born.size:  # some feature that needs them is wanted
        named(v, asset, ids)
        out[AT.native__share] = share_of_kind(transfers, ids, tokens.native)
        out[AT.dollar__share] = share_of_kind(transfers, ids, tokens.dollar)
        if want[AT.dollar__delay] and out[AT.dollar__share] > 0:
            out[AT.dollar__delay] = dollar_delay(v, ids, tokens.dollar, s.i2, s.i3)
        if want[AT.self_made__share]:
            out[AT.self_made__share] = ratio(self_made(v, ids, tokens.born, s.i2), out[AT.out__distinct])


@kernel
def compute(b, c, out, at, want, s):
    """Write these features of every snapshot of block `b` into `out[:, at:]`, a row each, in the order of FEATURES."""
    asset, tokens = c.rows.asset, c.tokens
    for k in range(b.wallet.size):
        if b.start[k + 1] > b.start[k]:
            one(view(b, k), asset, tokens, row_of(out, k, at), want, s)
