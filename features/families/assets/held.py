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

# fmt: off
FEATURES = (
    *in_and_out("assets__{side}__distinct", ASSETS, "number of different assets {verb}",
                "distinct assets of {side}s with amount > 0", "Chainalysis 2022", "nothing of value was {verb}",
                null=0.0, behaviour=28),
    Feature("assets__all__entropy", RATIO, "evenness of its transfers over assets",
            "Shannon entropy (natural logarithm) of ins and outs with amount > 0 over assets ÷ ln(their number)",
            "Chainalysis 2022", null_when="fewer than two transfers have value", behaviour=28),
    Feature("assets__unsold__share", SHARE, "share of the assets received that it never sent",
            "assets of ins with amount > 0 without an out with amount > 0 ÷ assets of ins with amount > 0",
            "unasked-for tokens", null_when="nothing of value was received", behaviour=28),
    # not era-safe: tokens became common in 2017
    Feature("assets__native__share", SHARE, "share of its transfers in a chain's own coin",
            "share of ins and outs with amount > 0 whose asset is native", _DPRK, null_when=_NO_VALUE, era_safe=False,
            behaviour=28, needs=("tokens",), wallet_rows_only=True),
    Feature("assets__dollar__share", SHARE, "share of its transfers in dollar tokens",
            "share of ins and outs with amount > 0 whose asset is a dollar token", _DPRK, null_when=_NO_VALUE,
            era_safe=False, behaviour=29, needs=("tokens",), wallet_rows_only=True),
    Feature("assets__dollar__delay", SECONDS, "usual time that dollar tokens, which can be frozen, stay",
            "median over ins of a dollar token with amount > 0 of t' − t, t' of the next out in order of that token "
            "with amount > 0",
            "Chainalysis 2022: freezable assets go first", null_when="no dollar token was sent after one was received",
            behaviour=29, needs=("tokens",), wallet_rows_only=True),
    Feature("assets__self_made__share", SHARE, "share of the assets sent that nobody had moved before it",
            "assets with an out with amount > 0 at the time of the chain's first transfer of the asset with amount > "
            "0 ÷ assets of "
            "outs with amount > 0",
            "EthereumHeist: counterfeit tokens", null_when="nothing of value was sent", behaviour=42, needs=("tokens",)),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def count_by_asset(view, sent, received):
    """Count the transfers with value of each asset, sent and received."""
    if view.assets == 1:
        sent[0], received[0] = view.n_out, view.n_in
        return
    for a in range(view.assets):
        sent[a] = received[a] = 0
    for k in range(view.n):
        if view.amount[k] > 0 and view.direction[k] == OUT:
            sent[view.asset[k]] += 1
        elif view.amount[k] > 0 and view.direction[k] == IN:
            received[view.asset[k]] += 1


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
    out[COLUMN.in__distinct] = got
    out[COLUMN.out__distinct] = gave
    out[COLUMN.unsold__share] = ratio(unsold, got)
    if total > 1:
        out[COLUMN.all__entropy] = entropy(sent) / np.log(total)


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
def asset_ids(view, asset, ids):
    """Write the ledger's id of each of the snapshot's assets into `ids`."""
    if view.assets == 1 and view.lead >= 0:
        ids[0] = view.lead
        return
    found = 0
    for k in range(view.n):
        if view.asset[k] == found:
            ids[found] = asset[view.row[k]]
            found += 1
            if found == view.assets:
                return


@kernel
def dollar_delay(view, ids, dollar, next_out, delays):
    """Median time from each dollar token received to the next payment of that token."""
    for a in range(view.assets):
        next_out[a] = -1
    found = 0
    for k in range(view.n - 1, -1, -1):
        a = view.asset[k]
        if view.amount[k] > 0 and dollar[ids[a]]:
            if view.direction[k] == OUT:
                next_out[a] = k
            elif view.direction[k] == IN and next_out[a] >= 0:
                delays[found] = view.time[next_out[a]] - view.time[k]
                found += 1
    return median(part(delays, 0, found))


@kernel
def self_made(view, ids, born, seen):
    """How many assets it sent at the time of the chain's first transfer of them; `seen` is scratch."""
    latest = view.time[0] - 1
    for a in range(view.assets):
        seen[a] = 0
        latest = max(latest, born[ids[a]])
    made = 0
    for k in range(view.n):
        a = view.asset[k]
        if view.time[k] > latest:
            break
        if view.amount[k] > 0 and view.direction[k] == OUT and view.time[k] == born[ids[a]]:
            made += seen[a] == 0
            seen[a] = 1
    return made


@kernel
def features_of_snapshot(view, asset, tokens, out, wanted, scratch):
    """The features of one snapshot."""
    transfers, received, ids = part(scratch.i0, 0, view.assets), part(scratch.i1, 0, view.assets), scratch.table_id
    count_by_asset(view, transfers, received)
    variety(transfers, received, out)
    if tokens.born.size:  # empty unless a wanted feature needs them
        asset_ids(view, asset, ids)
        out[COLUMN.native__share] = share_of_kind(transfers, ids, tokens.native)
        out[COLUMN.dollar__share] = share_of_kind(transfers, ids, tokens.dollar)
        if wanted[COLUMN.dollar__delay] and out[COLUMN.dollar__share] > 0:
            out[COLUMN.dollar__delay] = dollar_delay(view, ids, tokens.dollar, scratch.i2, scratch.i3)
        if wanted[COLUMN.self_made__share]:
            out[COLUMN.self_made__share] = ratio(
                self_made(view, ids, tokens.born, scratch.i2), out[COLUMN.out__distinct]
            )


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    asset, tokens = context.rows.asset, context.tokens
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), asset, tokens, row_of(out, k, first_column), wanted, scratch)
