"""Counterparties: with how many wallets a wallet deals, how evenly, and how often again. Transfers to itself have none."""

import numpy as np

from ..compiled import kernel
from ..declare import RATIO, SHARE, WALLETS, Feature, in_and_out, positions
from ..view import DAY, IN, OUT, entropy, ratio

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
    ),
    *in_and_out(
        "counterparties__{side}__distinct",
        WALLETS,
        "number of {who}",
        "|{who}|",
        "Farrugia et al. 2020",
        _NONE,
        null=0.0,
    ),
    Feature(
        "counterparties__all__distinct_share",
        SHARE,
        "wallets dealt with, against transfers",
        "|senders ∪ receivers| ÷ (ins + outs)",
        "FATF 2020",
        null_when="it dealt with nobody",
    ),
    *in_and_out(
        "counterparties__{side}__distinct_share",
        SHARE,
        "number of {who}, against transfers {verb}",
        "|{who}| ÷ {side}s",
        "FATF 2020",
        _NONE,
    ),
    Feature(
        "counterparties__fan__out_share",
        SHARE,
        "receivers, against senders and receivers together",
        "|receivers| ÷ (|senders| + |receivers|)",
        "FATF 2020: fan-in, fan-out",
        null_when="it dealt with nobody",
    ),
    Feature(
        "counterparties__reciprocal__share",
        SHARE,
        "share of wallets that both sent and received",
        "|senders ∩ receivers| ÷ |senders ∪ receivers|",
        "FATF 2020",
        null_when="it dealt with nobody",
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
    ),
    Feature(
        "counterparties__fan_out__1d",
        WALLETS,
        "most receivers within 24 hours",
        "max over outs i of distinct receivers with t_i ≤ t < t_i + 86400",
        "FATF 2020: fan-out",
        null=0.0,
        null_when="nothing was sent",
    ),
    Feature(
        "counterparties__return__value_share",
        SHARE,
        "share of the value sent that went back to earlier senders",
        "Σ x_out to wallets that sent (any in) before it in order ÷ Σ x_out",
        "FATF 2020: round trips",
        null_when="no value was sent",
    ),
)

AT = positions(FEATURES)


@kernel
def one_side(v, direction, counts, values, out, side):
    """The paired features of the senders (side 0) or the receivers (side 1). Returns how many there are, and their transfers."""
    counts[: v.parties] = 0
    values[: v.parties] = 0
    transfers = 0
    total = 0.0
    for k in range(v.n):
        if v.direction[k] == direction:
            transfers += 1
            counts[v.party[k]] += 1
            values[v.party[k]] += v.value[k]
            total += v.value[k]
    distinct = once = most = 0
    largest = 0.0
    for p in range(v.parties):
        distinct += counts[p] > 0
        once += counts[p] == 1
        most = max(most, counts[p])
        largest = max(largest, values[p])
    out[AT.in__distinct + side] = distinct
    if transfers == 0:
        return 0, 0
    out[AT.in__distinct_share + side] = distinct / transfers
    out[AT.in__top_share + side] = most / transfers
    if total > 0:
        out[AT.in__top_value_share + side] = largest / total
    if transfers > 1:
        out[AT.in__entropy + side] = entropy(counts[: v.parties]) / np.log(transfers)
    out[AT.in__once_share + side] = once / distinct
    return distinct, transfers


@kernel
def fan(v, direction, counts):
    """Most distinct counterparties of one direction within 24 hours; `counts` is scratch of v.parties."""
    counts[: v.parties] = 0
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
    seen[: v.parties] = 0
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
def compute(v, out, counts, values):
    """Write the family's features of view `v` into `out`, in the order of FEATURES; `counts` and `values` are scratch."""
    senders, ins = one_side(v, IN, counts, values, out, 0)
    receivers, outs = one_side(v, OUT, counts, values, out, 1)
    out[AT.all__distinct] = v.parties
    if v.parties:
        out[AT.all__distinct_share] = v.parties / (ins + outs)
        out[AT.fan__out_share] = receivers / (senders + receivers)
        out[AT.reciprocal__share] = (senders + receivers - v.parties) / v.parties
    out[AT.fan_in__1d] = fan(v, IN, counts)
    out[AT.fan_out__1d] = fan(v, OUT, counts)
    out[AT.return__value_share] = returned_share(v, counts)
