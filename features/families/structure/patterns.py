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

# fmt: off
FEATURES = (
    Feature("structure__relay__longest_in", HOPS, "longest chain of transfers of one size that ends in it",
            "max over ins with amount > 0 of relay(i) (see docs/guide.md)", "FATF 2020: value kept per hop",
            null_when="nothing of value was received", behaviour=21, needs=("relays",)),
    Feature("structure__relay__longest_out", HOPS, "longest chain of transfers of one size that runs through it",
            "max over outs with amount > 0 of relay(i) (see docs/guide.md)", "FATF 2020: value kept per hop",
            null_when="nothing of value was sent", behaviour=21, needs=("relays",)),
    Feature("structure__relay__truncated_share", SHARE,
            "share of its payments for which the search for the chain was cut",
            "share of outs with amount > 0 before which the wallet has more than 64 entries in (t − 86400, t)",
            "the bound of structure__relay__…", null_when="nothing of value was sent", needs=("relays",)),
    Feature("structure__peel_chain__longest", HOPS, "longest peel chain over wallets that has passed through it",
            "max over its peel steps in the window of peel (see docs/guide.md)",
            "DOJ 2020: peel chains over 113 accounts", null=0.0, null_when="it made no peel step", behaviour=17,
            needs=("peels",)),
    Feature("structure__peel_chain__share", SHARE, "share of its payments that are steps of a peel chain",
            "2 · its peel steps in the window ÷ outs with amount > 0 (at most 1)",
            "DOJ 2020: peel chains over 113 accounts", null_when="nothing of value was sent", behaviour=17,
            needs=("peels",)),
    Feature("structure__cycle__returned_share", SHARE,
            "share of inflows that bring money back to it within a day over other wallets",
            "share of ins with amount > 0 that close a temporal cycle (see docs/guide.md)", _ALTMAN,
            null_when="nothing of value was received", behaviour=18, needs=("cycles",)),
    Feature("structure__cycle__closed_share", SHARE,
            "share of payments that bring money back to where it set out from within a day",
            "share of outs with amount > 0 that close a temporal cycle (see docs/guide.md)", _ALTMAN,
            null_when="nothing of value was sent", behaviour=18, needs=("cycles",)),
    Feature("structure__cycle__shortest", HOPS, "fewest hops of the cycles that close at it",
            "min over ins and outs that close a temporal cycle of its fewest hops (see docs/guide.md)", _ALTMAN,
            null_when="no cycle closes at it", behaviour=18, needs=("cycles",)),
    Feature("structure__cycle__truncated_share", SHARE, "share of transfers for which the search for cycles was cut",
            "share of ins and outs with amount > 0 whose sender had more than 100 entries in (t − 86400, t), or whose "
            "search ended "
            "after 10,000 transfers",
            "the bound of structure__cycle__…", null_when="no transfer has value", needs=("cycles",)),
    Feature("structure__scatter_gather__target", WALLETS, "most wallets over which one source paid it within a day",
            "max over ins with amount > 0 of scatter(i) (see docs/guide.md)", _ALTMAN, null=0.0,
            null_when="nothing of value was received", behaviour=16, needs=("scatters",)),
    Feature("structure__scatter_gather__source", WALLETS, "most wallets over which it paid one target within a day",
            "max of the sizes of the scatter-gathers of which it is the source, completed in the window (see "
            "docs/guide.md)",
            _ALTMAN, null=0.0, null_when="it is the source of none", behaviour=16, needs=("scatters",)),
    Feature("structure__scatter_gather__middle_share", SHARE, "share of payments that complete a scatter-gather",
            "share of outs with amount > 0 and scatter(i) ≥ 2 (see docs/guide.md)", _ALTMAN,
            null_when="nothing of value was sent", behaviour=16, needs=("scatters",)),
    Feature("structure__scatter_gather__truncated_share", SHARE,
            "share of transfers for which the search for scatter-gathers was cut",
            "share of ins and outs with amount > 0 whose sender or receiver had more than 100 entries in (t − 86400, "
            "t]",
            "the bound of structure__scatter_gather__…", null_when="no transfer has value", needs=("scatters",)),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def relays(block, hops, truncated, out, first_column):
    """Chains of transfers of one size that end in the wallet or run through it.

    One loop over all snapshots, here and below: passing the chain's columns for each would take longer than reading them.
    """
    row, direction, amount = block.row, block.direction, block.amount
    for k in range(block.wallet.size):
        longest_in = longest_out = outs = cut = 0
        for j in range(block.start[k], block.start[k + 1]):
            if amount[j] > 0 and direction[j] == IN:
                longest_in = max(longest_in, hops[row[j]])
            elif amount[j] > 0 and direction[j] == OUT:
                longest_out = max(longest_out, hops[row[j]])
                cut += truncated[row[j]]
                outs += 1
        if longest_in:
            out[k, first_column + COLUMN.relay__longest_in] = longest_in
        if outs:
            out[k, first_column + COLUMN.relay__longest_out] = longest_out
            out[k, first_column + COLUMN.relay__truncated_share] = cut / outs


@kernel
def cycles(block, hops, truncated, out, first_column):
    """Temporal cycles that its transfers close."""
    row, direction, amount = block.row, block.direction, block.amount
    for k in range(block.wallet.size):
        ins = outs = returned = closed = cut = 0
        shortest = 255
        for j in range(block.start[k], block.start[k + 1]):
            if amount[j] > 0 and direction[j] <= OUT:
                closes = hops[row[j]] > 0
                cut += truncated[row[j]]
                ins += direction[j] == IN
                outs += direction[j] == OUT
                returned += closes & (direction[j] == IN)
                closed += closes & (direction[j] == OUT)
                shortest = min(shortest, hops[row[j]] if closes else 255)
        if ins + outs:
            out[k, first_column + COLUMN.cycle__returned_share] = ratio(returned, ins)
            out[k, first_column + COLUMN.cycle__closed_share] = ratio(closed, outs)
            out[k, first_column + COLUMN.cycle__truncated_share] = cut / (ins + outs)
        if returned + closed:
            out[k, first_column + COLUMN.cycle__shortest] = shortest


@kernel
def scatters(block, size, truncated, out, first_column):
    """Scatter-gathers that end in the wallet, or that its payments complete."""
    row, direction, amount = block.row, block.direction, block.amount
    for k in range(block.wallet.size):
        ins = outs = largest = completed = cut = 0
        for j in range(block.start[k], block.start[k + 1]):
            if amount[j] > 0 and direction[j] <= OUT:
                cut += truncated[row[j]]
                ins += direction[j] == IN
                outs += direction[j] == OUT
                largest = max(largest, size[row[j]] if direction[j] == IN else 0)
                completed += (direction[j] == OUT) & (size[row[j]] >= 2)
        if ins + outs:
            out[k, first_column + COLUMN.scatter_gather__target] = largest
            out[k, first_column + COLUMN.scatter_gather__middle_share] = ratio(completed, outs)
            out[k, first_column + COLUMN.scatter_gather__truncated_share] = cut / (ins + outs)


@kernel
def largest_event(block, offsets, time, size, counts, largest):
    """Of each wallet's events in the window, how many there are and the largest size; of no snapshot without a transfer."""
    for k in range(block.wallet.size):
        counts[k] = largest[k] = 0
        if block.start[k + 1] > block.start[k]:
            w = block.wallet[k]
            e = first_from(time, offsets[w], offsets[w + 1], block.since[k])
            while e < offsets[w + 1] and time[e] < block.as_of[k]:
                largest[k] = max(largest[k], size[e])
                counts[k] += 1
                e += 1


@kernel
def peels(block, parts, out, first_column):
    """Peel steps of the wallet."""
    direction, amount = block.direction, block.amount
    counts, largest = np.empty(block.wallet.size, np.int64), np.empty(block.wallet.size, np.int64)
    largest_event(block, parts.offsets, parts.time, parts.hops, counts, largest)
    for k in range(block.wallet.size):
        outs = 0
        for j in range(block.start[k], block.start[k + 1]):
            outs += (amount[j] > 0) & (direction[j] == OUT)
        out[k, first_column + COLUMN.peel_chain__longest] = largest[k]
        if outs:
            out[k, first_column + COLUMN.peel_chain__share] = min(1.0, 2 * counts[k] / outs)


@kernel
def sources(block, parts, out, first_column):
    """Scatter-gathers of which the wallet is the source."""
    counts, largest = np.empty(block.wallet.size, np.int64), np.empty(block.wallet.size, np.int64)
    largest_event(block, parts.offsets, parts.time, parts.middles, counts, largest)
    for k in range(block.wallet.size):
        out[k, first_column + COLUMN.scatter_gather__source] = largest[k]


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    if wanted[COLUMN.relay__longest_in] or wanted[COLUMN.relay__longest_out] or wanted[COLUMN.relay__truncated_share]:
        relays(block, context.relays.hops, context.relays.cut, out, first_column)
    if wanted[COLUMN.peel_chain__longest] or wanted[COLUMN.peel_chain__share]:
        peels(block, context.peels, out, first_column)
    if (
        wanted[COLUMN.cycle__returned_share]
        or wanted[COLUMN.cycle__closed_share]
        or wanted[COLUMN.cycle__shortest]
        or wanted[COLUMN.cycle__truncated_share]
    ):
        cycles(block, context.cycles.hops, context.cycles.cut, out, first_column)
    if (
        wanted[COLUMN.scatter_gather__target]
        or wanted[COLUMN.scatter_gather__middle_share]
        or wanted[COLUMN.scatter_gather__truncated_share]
    ):
        scatters(block, context.scatters.size, context.scatters.cut, out, first_column)
    if wanted[COLUMN.scatter_gather__source]:
        sources(block, context.scatters, out, first_column)
