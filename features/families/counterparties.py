"""Counterparties: with how many wallets a wallet deals, how evenly, and how often again. Transfers to itself have none."""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import part
from ..kernels.sorted_arrays import sort
from ..kernels.statistics import entropy, ratio
from ..kernels.wallet_view import DAY, IN, OUT, row_of, view
from .declaration import RATIO, SHARE, WALLETS, Feature, in_and_out, positions
from .value import count_for_90pct

_NONE = "nothing was {verb}"

# fmt: off
FEATURES = (
    Feature("counterparties__all__distinct", WALLETS, "number of wallets it dealt with",
            "|senders ∪ receivers|", "Farrugia et al. 2020", null=0.0, null_when="it dealt with nobody", behaviour=13),
    *in_and_out("counterparties__{side}__distinct", WALLETS, "number of {who}",
                "|{who}|", "Farrugia et al. 2020", _NONE, null=0.0, behaviour=13),
    Feature("counterparties__all__distinct_share", SHARE, "wallets dealt with, against transfers",
            "|senders ∪ receivers| ÷ (ins + outs)", "FATF 2020", null_when="it dealt with nobody", behaviour=13),
    *in_and_out("counterparties__{side}__distinct_share", SHARE, "number of {who}, against transfers {verb}",
                "|{who}| ÷ {side}s", "FATF 2020", _NONE, behaviour=13),
    Feature("counterparties__fan__out_share", SHARE, "receivers, against senders and receivers together",
            "|receivers| ÷ (|senders| + |receivers|)", "FATF 2020: fan-in, fan-out", null_when="it dealt with nobody",
            behaviour=13),
    Feature("counterparties__reciprocal__share", SHARE, "share of wallets that both sent and received",
            "|senders ∩ receivers| ÷ |senders ∪ receivers|", "FATF 2020", null_when="it dealt with nobody",
            behaviour=18),
    *in_and_out("counterparties__{side}__top_share", SHARE, "share of transfers {verb} that belong to one wallet",
                "max transfers of one of the {who} ÷ {side}s", "FATF 2020", _NONE),
    *in_and_out("counterparties__{side}__top_value_share", SHARE,
                "share of the value {verb} that belongs to one wallet",
                "max over the {who} of its Σ x_{side}, ÷ Σ x_{side}", "FATF 2020", "no value was {verb}"),
    *in_and_out("counterparties__{side}__count_for_90pct", WALLETS,
                "number of {who} that make up nine tenths of the value {verb}",
                "least k such that the k largest of Σ {x} a wallet over the {who} add up to at least 0.9·(1 − 1e-9)·Σ "
                "{x}",
                "Hampel 1971: what dust cannot move", "no value was {verb}", behaviour=13),
    *in_and_out("counterparties__{side}__entropy", RATIO, "evenness of the transfers {verb} over wallets",
                "Shannon entropy (natural logarithm) of transfers a wallet over the {who} ÷ ln({side}s)", "FATF 2020",
                "fewer than two transfers were {verb}"),
    *in_and_out("counterparties__{side}__once_share", SHARE, "share of {who} seen only once",
                "{who} with one transfer ÷ |{who}|", "FATF 2020", _NONE),
    Feature("counterparties__fan_in__1d", WALLETS, "most senders within 24 hours",
            "max over ins i of distinct senders with t_i ≤ t < t_i + 86400", "FATF 2020: fan-in", null=0.0,
            null_when="nothing was received", behaviour=13),
    Feature("counterparties__fan_out__1d", WALLETS, "most receivers within 24 hours",
            "max over outs i of distinct receivers with t_i ≤ t < t_i + 86400", "FATF 2020: fan-out", null=0.0,
            null_when="nothing was sent", behaviour=13),
    Feature("counterparties__return__value_share", SHARE, "share of the value sent that went back to earlier senders",
            "Σ x_out to wallets that sent (any in) before it in order ÷ Σ x_out", "FATF 2020: round trips",
            null_when="no value was sent", behaviour=18),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def tally(view, ins, outs, value_in, value_out):
    """Transfers and value by counterparty, each way, into scratch of view.parties."""
    for p in range(view.parties):
        ins[p] = outs[p] = 0
        value_in[p] = value_out[p] = 0.0
    for k in range(view.n):
        if view.direction[k] == IN:
            ins[view.party[k]] += 1
            value_in[view.party[k]] += view.value[k]
        elif view.direction[k] == OUT:
            outs[view.party[k]] += 1
            value_out[view.party[k]] += view.value[k]


@kernel
def features_of_side(counts, values, out, side, wanted):
    """The paired features of the senders (side 0) or the receivers (side 1). Returns how many there are, and their transfers.

    Sorts `values` at the end.
    """
    distinct = once = most = transfers = 0
    largest = total = 0.0
    for p in range(counts.size):
        distinct += counts[p] > 0
        once += counts[p] == 1
        transfers += counts[p]
        most = max(most, counts[p])
        total += values[p]
        largest = max(largest, values[p])
    out[COLUMN.in__distinct + side] = distinct
    if transfers == 0:
        return 0, 0
    out[COLUMN.in__distinct_share + side] = distinct / transfers
    out[COLUMN.in__top_share + side] = most / transfers
    if total > 0:
        out[COLUMN.in__top_value_share + side] = largest / total
    if transfers > 1 and wanted[COLUMN.in__entropy + side]:
        out[COLUMN.in__entropy + side] = entropy(counts) / np.log(transfers)
    out[COLUMN.in__once_share + side] = once / distinct
    if total > 0 and wanted[COLUMN.in__count_for_90pct + side]:
        sort(values)
        out[COLUMN.in__count_for_90pct + side] = count_for_90pct(values, total)
    return distinct, transfers


@kernel
def fan(view, direction, counts):
    """Most distinct counterparties of one direction within 24 hours; `counts` is scratch of view.parties."""
    for p in range(view.parties):
        counts[p] = 0
    best = distinct = first = 0
    for k in range(view.n):
        if view.direction[k] != direction:
            continue
        while view.time[k] - view.time[first] >= DAY:
            if view.direction[first] == direction:
                counts[view.party[first]] -= 1
                distinct -= counts[view.party[first]] == 0
            first += 1
        distinct += counts[view.party[k]] == 0
        counts[view.party[k]] += 1
        best = max(best, distinct)
    return best


@kernel
def returned_share(view, seen):
    """Share of the value sent that went to wallets which had sent something before; `seen` is scratch of view.parties."""
    for p in range(view.parties):
        seen[p] = 0
    back = total = 0.0
    for k in range(view.n):
        if view.direction[k] == IN:
            seen[view.party[k]] = 1
        elif view.direction[k] == OUT:
            total += view.value[k]
            if seen[view.party[k]]:
                back += view.value[k]
    return ratio(back, total)


@kernel
def features_of_snapshot(view, out, wanted, scratch):
    """The features of one snapshot."""
    tally(view, scratch.i0, scratch.i1, scratch.f0, scratch.f1)
    senders, ins = features_of_side(
        part(scratch.i0, 0, view.parties), part(scratch.f0, 0, view.parties), out, 0, wanted
    )
    receivers, outs = features_of_side(
        part(scratch.i1, 0, view.parties), part(scratch.f1, 0, view.parties), out, 1, wanted
    )
    out[COLUMN.all__distinct] = view.parties
    if view.parties:
        out[COLUMN.all__distinct_share] = view.parties / (ins + outs)
        out[COLUMN.fan__out_share] = receivers / (senders + receivers)
        out[COLUMN.reciprocal__share] = (senders + receivers - view.parties) / view.parties
    if wanted[COLUMN.fan_in__1d]:
        out[COLUMN.fan_in__1d] = fan(view, IN, scratch.i0) if senders > 1 else senders
    if wanted[COLUMN.fan_out__1d]:
        out[COLUMN.fan_out__1d] = fan(view, OUT, scratch.i0) if receivers > 1 else receivers
    if wanted[COLUMN.return__value_share]:
        out[COLUMN.return__value_share] = returned_share(view, scratch.i0)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), row_of(out, k, first_column), wanted, scratch)
