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

FEATURES = (
    Feature(
        "counterparties__all__distinct",
        WALLETS,
        "number of wallets it dealt with",
        "|senders ∪ receivers|",
        "Farrugia et al. 2020",
        null=0.0,
        null_when="it dealt with nobody",
        behaviour=13,
    ),
    *in_and_out(
        "counterparties__{side}__distinct",
        WALLETS,
        "number of {who}",
        "|{who}|",
        "Farrugia et al. 2020",
        _NONE,
        null=0.0,
        behaviour=13,
    ),
    Feature(
        "counterparties__all__distinct_share",
        SHARE,
        "wallets dealt with, against transfers",
        "|senders ∪ receivers| ÷ (ins + outs)",
        "FATF 2020",
        null_when="it dealt with nobody",
        behaviour=13,
    ),
    *in_and_out(
        "counterparties__{side}__distinct_share",
        SHARE,
        "number of {who}, against transfers {verb}",
        "|{who}| ÷ {side}s",
        "FATF 2020",
        _NONE,
        behaviour=13,
    ),
    Feature(
        "counterparties__fan__out_share",
        SHARE,
        "receivers, against senders and receivers together",
        "|receivers| ÷ (|senders| + |receivers|)",
        "FATF 2020: fan-in, fan-out",
        null_when="it dealt with nobody",
        behaviour=13,
    ),
    Feature(
        "counterparties__reciprocal__share",
        SHARE,
        "share of wallets that both sent and received",
        "|senders ∩ receivers| ÷ |senders ∪ receivers|",
        "FATF 2020",
        null_when="it dealt with nobody",
        behaviour=18,
    ),
    *in_and_out(
        "counterparties__{side}__top_share",
        SHARE,
        "share of transfers {verb} that belong to one wallet",
        "max transfers of one of the {who} ÷ {side}s",
        "FATF 2020",
        _NONE,
    ),
    *in_and_out(
        "counterparties__{side}__top_value_share",
        SHARE,
        "share of the value {verb} that belongs to one wallet",
        "max over the {who} of its Σ x_{side}, ÷ Σ x_{side}",
        "FATF 2020",
        "no value was {verb}",
    ),
    *in_and_out(
        "counterparties__{side}__count_for_90pct",
        WALLETS,
        "number of {who} that make up nine tenths of the value {verb}",
        "least k such that the k largest of Σ {x} a wallet over the {who} add up to at least 0.9·(1 − 1e-9)·Σ {x}",
        "Hampel 1971: what dust cannot move",
        "no value was {verb}",
        behaviour=13,
    ),
    *in_and_out(
        "counterparties__{side}__entropy",
        RATIO,
        "evenness of the transfers {verb} over wallets",
        "Shannon entropy (natural logarithm) of transfers a wallet over the {who} ÷ ln({side}s)",
        "FATF 2020",
        "fewer than two transfers were {verb}",
    ),
    *in_and_out(
        "counterparties__{side}__once_share",
        SHARE,
        "share of {who} seen only once",
        "{who} with one transfer ÷ |{who}|",
        "FATF 2020",
        _NONE,
    ),
    Feature(
        "counterparties__fan_in__1d",
        WALLETS,
        "most senders within 24 hours",
        "max over ins i of distinct senders with t_i ≤ t < t_i + 86400",
        "FATF 2020: fan-in",
        null=0.0,
        null_when="nothing was received",
        behaviour=13,
    ),
    Feature(
        "counterparties__fan_out__1d",
        WALLETS,
        "most receivers within 24 hours",
        "max over outs i of distinct receivers with t_i ≤ t < t_i + 86400",
        "FATF 2020: fan-out",
        null=0.0,
        null_when="nothing was sent",
        behaviour=13,
    ),
    Feature(
        "counterparties__return__value_share",
        SHARE,
        "share of the value sent that went back to earlier senders",
        "Σ x_out to wallets that sent (any in) before it in order ÷ Σ x_out",
        "FATF 2020: round trips",
        null_when="no value was sent",
        behaviour=18,
    ),
)

AT = positions(FEATURES)


@kernel
def tally(v, ins, outs, value_in, value_out):
    """Transfers and value by counterparty, each way, into scratch of v.parties."""
    for p in range(v.parties):
        ins[p] = outs[p] = 0
        value_in[p] = value_out[p] = 0.0
    for k in range(v.n):
        if v.direction[k] == IN:
            ins[v.party[k]] += 1
            value_in[v.party[k]] += v.value[k]
        elif v.direction[k] == OUT:
            outs[v.party[k]] += 1
            value_out[v.party[k]] += v.value[k]


@kernel
def one_side(counts, values, out, side, want):
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
    out[AT.in__distinct + side] = distinct
    if transfers == 0:
        return 0, 0
    out[AT.in__distinct_share + side] = distinct / transfers
    out[AT.in__top_share + side] = most / transfers
    if total > 0:
        out[AT.in__top_value_share + side] = largest / total
    if transfers > 1 and want[AT.in__entropy + side]:
        out[AT.in__entropy + side] = entropy(counts) / np.log(transfers)
    out[AT.in__once_share + side] = once / distinct
    if total > 0 and want[AT.in__count_for_90pct + side]:
        sort(values)
        out[AT.in__count_for_90pct + side] = count_for_90pct(values, total)
    return distinct, transfers


@kernel
def fan(v, direction, counts):
    """Most distinct counterparties of one direction within 24 hours; `counts` is scratch of v.parties."""
    for p in range(v.parties):
        counts[p] = 0
    best = distinct = first = 0
    for k in range(v.n):
        if v.direction[k] != direction:
            continue
        while v.time[k] - v.time[first] >= DAY:
            if v.direction[first] == direction:
                counts[v.party[first]] -= 1
                distinct -= counts[v.party[first]] == 0
            first += 1
        distinct += counts[v.party[k]] == 0
        counts[v.party[k]] += 1
        best = max(best, distinct)
    return best


@kernel
def returned_share(v, seen):
    """Share of the value sent that went to wallets which had sent something before; `seen` is scratch of v.parties."""
    for p in range(v.parties):
        seen[p] = 0
    back = total = 0.0
    for k in range(v.n):
        if v.direction[k] == IN:
            seen[v.party[k]] = 1
        elif v.direction[k] == OUT:
            total += v.value[k]
            if seen[v.party[k]]:
                back += v.value[k]
    return ratio(back, total)


@kernel
def one(v, out, want, s):
    """The features of one snapshot."""
    tally(v, s.i0, s.i1, s.f0, s.f1)
    senders, ins = one_side(part(s.i0, 0, v.parties), part(s.f0, 0, v.parties), out, 0, want)
    receivers, outs = one_side(part(s.i1, 0, v.parties), part(s.f1, 0, v.parties), out, 1, want)
    out[AT.all__distinct] = v.parties
    if v.parties:
        out[AT.all__distinct_share] = v.parties / (ins + outs)
        out[AT.fan__out_share] = receivers / (senders + receivers)
        out[AT.reciprocal__share] = (senders + receivers - v.parties) / v.parties
    if want[AT.fan_in__1d]:
        out[AT.fan_in__1d] = fan(v, IN, s.i0) if senders > 1 else senders
    if want[AT.fan_out__1d]:
        out[AT.fan_out__1d] = fan(v, OUT, s.i0) if receivers > 1 else receivers
    if want[AT.return__value_share]:
        out[AT.return__value_share] = returned_share(v, s.i0)


@kernel
def compute(b, c, out, at, want, s):
    """Write the family's features of every snapshot of block `b` into `out[:, at:]`, a row each, in the order of FEATURES."""
    for k in range(b.wallet.size):
        if b.start[k + 1] > b.start[k]:
            one(view(b, k), row_of(out, k, at), want, s)
