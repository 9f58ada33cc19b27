"""Structure, third part: the patterns that `chain/` finds: chains, cycles, scatter and gather.

Every pattern has a bound, and a feature that says how often it cut the search.
"""

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.sorted_arrays import first_from
from ...kernels.statistics import ratio
from ...kernels.wallet_view import IN, OUT
from ..declaration import HOPS, SHARE, WALLETS, Feature, positions

_ALTMAN = "Altman et al. 2023 (AMLworld)"

FEATURES = (
    Feature(
        "structure__relay__longest_in",
        HOPS,
        "longest chain of transfers of one size that ends in it",
        "max over ins with amount > 0 of relay(i) (see docs/guide.md)",
        "FATF 2020: value kept per hop",
        null_when="nothing of value was received",
        behaviour=21,
        needs=("relays",),
    ),
    Feature(
        "structure__relay__longest_out",
        HOPS,
        "longest chain of transfers of one size that runs through it",
        "max over outs with amount > 0 of relay(i) (see docs/guide.md)",
        "FATF 2020: value kept per hop",
        null_when="nothing of value was sent",
        behaviour=21,
        needs=("relays",),
    ),
    Feature(
        "structure__relay__truncated_share",
        SHARE,
        "share of its payments for which the search for the chain was cut",
        "share of outs with amount > 0 before which the wallet has more than 64 entries in (t − 86400, t)",
        "the bound of structure__relay__…",
        null_when="nothing of value was sent",
        needs=("relays",),
    ),
    Feature(
        "structure__peel_chain__longest",
        HOPS,
        "longest peel chain over wallets that has passed through it",
        "max over its peel steps in the window of peel (see docs/guide.md)",
        "DOJ 2020: peel chains over 113 accounts",
        null=0.0,
        null_when="it made no peel step",
        behaviour=17,
        needs=("peels",),
    ),
    Feature(
        "structure__peel_chain__share",
        SHARE,
        "share of its payments that are steps of a peel chain",
        "2 · its peel steps in the window ÷ outs with amount > 0 (at most 1)",
        "DOJ 2020: peel chains over 113 accounts",
        null_when="nothing of value was sent",
        behaviour=17,
        needs=("peels",),
    ),
    Feature(
        "structure__cycle__returned_share",
        SHARE,
        "share of inflows that bring money back to it within a day over other wallets",
        "share of ins with amount > 0 that close a temporal cycle (see docs/guide.md)",
        _ALTMAN,
        null_when="nothing of value was received",
        behaviour=18,
        needs=("cycles",),
    ),
    Feature(
        "structure__cycle__closed_share",
        SHARE,
        "share of payments that bring money back to where it set out from within a day",
        "share of outs with amount > 0 that close a temporal cycle (see docs/guide.md)",
        _ALTMAN,
        null_when="nothing of value was sent",
        behaviour=18,
        needs=("cycles",),
    ),
    Feature(
        "structure__cycle__shortest",
        HOPS,
        "fewest hops of the cycles that close at it",
        "min over ins and outs that close a temporal cycle of its fewest hops (see docs/guide.md)",
        _ALTMAN,
        null_when="no cycle closes at it",
        behaviour=18,
        needs=("cycles",),
    ),
    Feature(
        "structure__cycle__truncated_share",
        SHARE,
        "share of transfers for which the search for cycles was cut",
        "share of ins and outs with amount > 0 whose sender had more than 100 entries in (t − 86400, t), or whose search ended "
        "after 10,000 transfers",
        "the bound of structure__cycle__…",
        null_when="no transfer has value",
        needs=("cycles",),
    ),
    Feature(
        "structure__scatter_gather__target",
        WALLETS,
        "most wallets over which one source paid it within a day",
        "max over ins with amount > 0 of scatter(i) (see docs/guide.md)",
        _ALTMAN,
        null=0.0,
        null_when="nothing of value was received",
        behaviour=16,
        needs=("scatters",),
    ),
    Feature(
        "structure__scatter_gather__source",
        WALLETS,
        "most wallets over which it paid one target within a day",
        "max of the sizes of the scatter-gathers of which it is the source, completed in the window (see docs/guide.md)",
        _ALTMAN,
        null=0.0,
        null_when="it is the source of none",
        behaviour=16,
        needs=("scatters",),
    ),
    Feature(
        "structure__scatter_gather__middle_share",
        SHARE,
        "share of payments that complete a scatter-gather",
        "share of outs with amount > 0 and scatter(i) ≥ 2 (see docs/guide.md)",
        _ALTMAN,
        null_when="nothing of value was sent",
        behaviour=16,
        needs=("scatters",),
    ),
    Feature(
        "structure__scatter_gather__truncated_share",
        SHARE,
        "share of transfers for which the search for scatter-gathers was cut",
        "share of ins and outs with amount > 0 whose sender or receiver had more than 100 entries in (t − 86400, t]",
        "the bound of structure__scatter_gather__…",
        null_when="no transfer has value",
        needs=("scatters",),
    ),
)

AT = positions(FEATURES)


@kernel
def relays(b, hops, capped, out, at):
    """Chains of transfers of one size that end in the wallet or run through it.

    All snapshots in one loop, here and below: passing the chain's columns on for each would take longer than reading them.
    """
    row, direction, amount = b.row, b.direction, b.amount
    for k in range(b.wallet.size):
        longest_in = longest_out = outs = cut = 0
        for j in range(b.start[k], b.start[k + 1]):
            if amount[j] > 0 and direction[j] == IN:
                longest_in = max(longest_in, hops[row[j]])
            elif amount[j] > 0 and direction[j] == OUT:
                longest_out = max(longest_out, hops[row[j]])
                cut += capped[row[j]]
                outs += 1
        if longest_in:
            out[k, at + AT.relay__longest_in] = longest_in
        if outs:
            out[k, at + AT.relay__longest_out] = longest_out
            out[k, at + AT.relay__truncated_share] = cut / outs


@kernel
def cycles(b, hops, capped, out, at):
    """Temporal cycles that its transfers close."""
    row, direction, amount = b.row, b.direction, b.amount
    for k in range(b.wallet.size):
        ins = outs = returned = closed = cut = 0
        shortest = 255
        for j in range(b.start[k], b.start[k + 1]):
            if amount[j] > 0 and direction[j] <= OUT:
                closes = hops[row[j]] > 0
                cut += capped[row[j]]
                ins += direction[j] == IN
                outs += direction[j] == OUT
                returned += closes & (direction[j] == IN)
                closed += closes & (direction[j] == OUT)
                shortest = min(shortest, hops[row[j]] if closes else 255)
        if ins + outs:
            out[k, at + AT.cycle__returned_share] = ratio(returned, ins)
            out[k, at + AT.cycle__closed_share] = ratio(closed, outs)
            out[k, at + AT.cycle__truncated_share] = cut / (ins + outs)
        if returned + closed:
            out[k, at + AT.cycle__shortest] = shortest


@kernel
def scatters(b, size, capped, out, at):
    """Scatter-gathers that end in the wallet, or that its payments complete."""
    row, direction, amount = b.row, b.direction, b.amount
    for k in range(b.wallet.size):
        ins = outs = largest = completed = cut = 0
        for j in range(b.start[k], b.start[k + 1]):
            if amount[j] > 0 and direction[j] <= OUT:
                cut += capped[row[j]]
                ins += direction[j] == IN
                outs += direction[j] == OUT
                largest = max(largest, size[row[j]] if direction[j] == IN else 0)
                completed += (direction[j] == OUT) & (size[row[j]] >= 2)
        if ins + outs:
            out[k, at + AT.scatter_gather__target] = largest
            out[k, at + AT.scatter_gather__middle_share] = ratio(completed, outs)
            out[k, at + AT.scatter_gather__truncated_share] = cut / (ins + outs)


@kernel
def largest_event(b, offsets, time, size, counts, largest):
    """Of each wallet's events in the window, how many there are and the largest size; of no snapshot without a transfer."""
    for k in range(b.wallet.size):
        counts[k] = largest[k] = 0
        if b.start[k + 1] > b.start[k]:
            w = b.wallet[k]
            e = first_from(time, offsets[w], offsets[w + 1], b.since[k])
            while e < offsets[w + 1] and time[e] < b.as_of[k]:
                largest[k] = max(largest[k], size[e])
                counts[k] += 1
                e += 1


@kernel
def peels(b, parts, out, at):
    """Peel steps of the wallet."""
    direction, amount = b.direction, b.amount
    counts, largest = np.empty(b.wallet.size, np.int64), np.empty(b.wallet.size, np.int64)
    largest_event(b, parts.offsets, parts.time, parts.hops, counts, largest)
    for k in range(b.wallet.size):
        outs = 0
        for j in range(b.start[k], b.start[k + 1]):
            outs += (amount[j] > 0) & (direction[j] == OUT)
        out[k, at + AT.peel_chain__longest] = largest[k]
        if outs:
            out[k, at + AT.peel_chain__share] = min(1.0, 2 * counts[k] / outs)


@kernel
def sources(b, parts, out, at):
    """Scatter-gathers of which the wallet is the source."""
    counts, largest = np.empty(b.wallet.size, np.int64), np.empty(b.wallet.size, np.int64)
    largest_event(b, parts.offsets, parts.time, parts.middles, counts, largest)
    for k in range(b.wallet.size):
        out[k, at + AT.scatter_gather__source] = largest[k]


@kernel
def compute(b, c, out, at, want, s):
    """Write these features of every snapshot of block `b` into `out[:, at:]`, a row each, in the order of FEATURES."""
    if want[AT.relay__longest_in] or want[AT.relay__longest_out] or want[AT.relay__truncated_share]:
        relays(b, c.relays.hops, c.relays.cut, out, at)
    if want[AT.peel_chain__longest] or want[AT.peel_chain__share]:
        peels(b, c.peels, out, at)
    if (
        want[AT.cycle__returned_share]
        or want[AT.cycle__closed_share]
        or want[AT.cycle__shortest]
        or want[AT.cycle__truncated_share]
    ):
        cycles(b, c.cycles.hops, c.cycles.cut, out, at)
    if (
        want[AT.scatter_gather__target]
        or want[AT.scatter_gather__middle_share]
        or want[AT.scatter_gather__truncated_share]
    ):
        scatters(b, c.scatters.size, c.scatters.cut, out, at)
    if want[AT.scatter_gather__source]:
        sources(b, c.scatters, out, at)
