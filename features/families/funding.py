"""Funding: who paid a wallet first, and whom else. Looks at all history before the as-of date, not only at the window.

None of it is era-safe: a wallet's first days tell its age. On real wallets of the same quarters this family almost gave away the
year of their first transfer. A wallet's funder is the sender of its first inflow with value; none if several wallets
sent at that second.
"""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.sorted_arrays import first_entry_from
from ..kernels.statistics import ratio
from ..kernels.wallet_view import DAY, IN, OUT, WEEK
from .declaration import FLAG, HOPS, SECONDS, SHARE, WALLETS, Feature, positions

_NO_FUNDER = "nothing was received, or several wallets sent at its first second"
_DERIBIT = "Deribit 2022: gas-funder siblings"

# fmt: off
FEATURES = (
    Feature("funding__first_in__rank", SHARE,
            "size of its first inflow, as a rank among the chain's transfers of the weeks before",
            "rank(i) of i, the largest in at first(w)", _DERIBIT,
            null_when="nothing was received, or fewer than 30 transfers of that asset stand in the four weeks before",
            behaviour=38, era_safe=False, needs=("funders", "ranks")),
    Feature("funding__first_in__share", SHARE,
            "share of all it ever received of an asset that came with its first inflow",
            "a ÷ Σ amounts of the ins of the asset before as_of, a of the largest in at first(w), the asset its",
            _DERIBIT, null_when="nothing was received", behaviour=41, era_safe=False, needs=("funders",)),
    Feature("funding__next__other_asset_flag", FLAG,
            "sign of a first inflow that pays for fees (1: the next inflow is of another asset)",
            "1 if the first in with amount > 0 later than first(w) is of another asset than the largest in at "
            "first(w), else 0",
            _DERIBIT, null_when="nothing was received later than at its first second", behaviour=38, era_safe=False,
            needs=("funders",)),
    Feature("funding__siblings__1d", WALLETS, "number of other wallets that its funder funded within a day of it",
            "wallets x ≠ w with the same funder and |first(x) − first(w)| ≤ 86400, first(x) < as_of", _DERIBIT,
            null_when=_NO_FUNDER, behaviour=38, era_safe=False, needs=("funders",)),
    Feature("funding__funder__new_share", SHARE, "share of its funder's transfers that funded a new wallet",
            "wallets whose funder it is, first(x) < as_of, ÷ transfers it sent before as_of", _DERIBIT,
            null_when=_NO_FUNDER, behaviour=38, era_safe=False, needs=("funders",)),
    Feature("funding__funder__receivers", WALLETS, "number of wallets that its funder had paid before it",
            "distinct wallets that the funder sent to before first(w)", _DERIBIT, null_when=_NO_FUNDER, behaviour=38,
            era_safe=False, needs=("funders", "degrees")),
    Feature("funding__funder__young_flag", FLAG,
            "sign of a fresh funder (1: its own first transfer was less than a week before)",
            "1 if t of the funder's first transfer > first(w) − 604800, else 0", _DERIBIT, null_when=_NO_FUNDER,
            behaviour=6, era_safe=False, needs=("funders",)),
    Feature("funding__depth__hops", HOPS, "number of wallets in a row that were each funded by one not a week old",
            "0 without a funder f; 1 + that of f if first(w) − 604800 ≤ first(f) < first(w), else 1",
            "FINTRAC: layering through fresh wallets", null=0.0, null_when=_NO_FUNDER, behaviour=19, era_safe=False,
            needs=("funders",)),
    Feature("funding__return__share", SHARE, "share of the value sent that went back to its funder",
            "Σ x_out to the funder ÷ Σ x_out", "FATF 2020: round trips",
            null_when="no value was sent, nothing was received, or several wallets sent at its first second",
            behaviour=38, era_safe=False, needs=("funders",)),
    Feature("funding__from__share", SHARE, "share of the transfers received that came from its funder",
            "ins from the funder ÷ ins", _DERIBIT,
            null_when="nothing was received in the window, or several wallets sent at its first second", behaviour=38,
            era_safe=False, needs=("funders",)),
    Feature("funding__first_out__delay", SECONDS, "time from its first inflow to its first payment",
            "t of the first out with t ≥ first(w), of all before as_of, − first(w)", "FATF 2020",
            null_when="nothing was received, or nothing sent since", behaviour=2, era_safe=False, needs=("funders",)),
    Feature("funding__payees__share", SHARE, "share of its receivers that have the same funder",
            "receivers x with the same funder and first(x) < as_of ÷ receivers", _DERIBIT,
            null_when="nothing was sent, nothing was received, or several wallets sent at its first second",
            behaviour=38, era_safe=False, needs=("funders",)),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def first_inflows(block, row, time):
    """The row of each snapshot's first inflow; −1: none before as_of, or the snapshot has no transfer."""
    firsts = np.empty(block.wallet.size, np.int64)
    for k in range(block.wallet.size):
        i = row[block.wallet[k]] if block.start[k + 1] > block.start[k] else -1
        firsts[k] = i if i >= 0 and time[i] < block.as_of[k] else -1
    return firsts


@kernel
def ranks(firsts, rank, out, first_column):
    """The size of the first inflow as a rank."""
    for k in range(firsts.size):
        if firsts[k] >= 0:
            out[k, first_column + COLUMN.first_in__rank] = rank[firsts[k]]


@kernel
def shares(block, firsts, rows, offsets, entries, out, first_column):
    """The share of the first inflow in all inflows of its asset, before the window and in it."""
    times, senders, amounts, assets = rows.time, rows.sender, rows.amount, rows.asset
    row, direction, amount, asset = block.row, block.direction, block.amount, block.asset
    for k in range(firsts.size):
        if firsts[k] < 0:
            continue
        w, of, total = block.wallet[k], assets[firsts[k]], 0.0
        e = offsets[w]
        while times[entries[e]] < block.since[k]:
            i = entries[e]
            if (assets[i] == of) & (senders[i] != w) & (amounts[i] > 0):
                total += amounts[i]
            e += 1
        seen, number = 0, -1
        for j in range(block.start[k], block.start[k + 1]):
            if asset[j] == seen:  # assets are numbered by first appearance
                seen += 1
                number = asset[j] if assets[row[j]] == of else number
            if (asset[j] == number) & (direction[j] == IN) & (amount[j] > 0):
                total += amount[j]
        out[k, first_column + COLUMN.first_in__share] = amounts[firsts[k]] / total


@kernel
def first_payments(block, firsts, time, sender, receiver, offsets, entries, out, first_column):
    """How soon something was sent after the first inflow, in all history before as_of."""
    for k in range(firsts.size):
        if firsts[k] < 0:
            continue
        w, first = block.wallet[k], time[firsts[k]]
        for e in range(first_entry_from(entries, time, offsets[w], offsets[w + 1], first), offsets[w + 1]):
            i = entries[e]
            if time[i] >= block.as_of[k]:
                break
            if sender[i] == w and receiver[i] != w:
                out[k, first_column + COLUMN.first_out__delay] = time[i] - first
                break


@kernel
def next_assets(block, firsts, rows, offsets, entries, out, first_column):
    """Whether the next inflow is of another asset, in all history before as_of."""
    time, sender, amount, asset = rows.time, rows.sender, rows.amount, rows.asset
    for k in range(firsts.size):
        if firsts[k] < 0:
            continue
        w, first = block.wallet[k], firsts[k]
        for e in range(first_entry_from(entries, time, offsets[w], offsets[w + 1], time[first] + 1), offsets[w + 1]):
            i = entries[e]
            if time[i] >= block.as_of[k]:
                break
            if sender[i] != w and amount[i] > 0:
                out[k, first_column + COLUMN.next__other_asset_flag] = asset[i] != asset[first]
                break


@kernel
def funders(block, firsts, funder, depth, receivers, out, first_column, wanted):
    """What was known of the funder at the first inflow."""
    for k in range(firsts.size):
        if firsts[k] >= 0 and funder[block.wallet[k]] >= 0:
            out[k, first_column + COLUMN.depth__hops] = depth[block.wallet[k]]
            if wanted[COLUMN.funder__receivers]:
                out[k, first_column + COLUMN.funder__receivers] = receivers[firsts[k]]


@kernel
def funder_history(block, firsts, found, time, offsets, entries, out, first_column):
    """What else the funder did: whom it funded within a day of the wallet, what share of its payments did, how old it was."""
    funder, funded, sent = found.funder, found.funded, found.sent
    for k in range(firsts.size):
        if firsts[k] < 0 or funder[block.wallet[k]] < 0:
            continue
        f, first = funder[block.wallet[k]], time[firsts[k]]
        begin = offsets[f]
        end = first_entry_from(entries, time, begin, offsets[f + 1], block.as_of[k])
        low = first_entry_from(entries, time, begin, end, first - DAY)
        high = first_entry_from(entries, time, low, end, first + DAY + 1)
        out[k, first_column + COLUMN.siblings__1d] = funded[high] - funded[low] - 1
        out[k, first_column + COLUMN.funder__new_share] = (funded[end] - funded[begin]) / (sent[end] - sent[begin])
        out[k, first_column + COLUMN.funder__young_flag] = time[entries[begin]] > first - WEEK


@kernel
def dealings(block, firsts, funder, out, first_column):
    """How much of what the wallet sent and received goes back to its funder and comes from it."""
    direction, other, party, value = block.direction, block.other, block.party, block.value
    for k in range(firsts.size):
        if firsts[k] < 0 or funder[block.wallet[k]] < 0:
            continue
        ins = from_it = seen = 0
        number, total, back = -2, 0.0, 0.0
        for j in range(block.start[k], block.start[k + 1]):
            if party[j] == seen:  # they are numbered by first appearance
                seen += 1
                number = party[j] if other[j] == funder[block.wallet[k]] else number
            if direction[j] == IN:
                ins += 1
                from_it += party[j] == number
            elif direction[j] == OUT:
                total += value[j]
                back += value[j] if party[j] == number else 0.0
        out[k, first_column + COLUMN.return__share] = ratio(back, total)
        out[k, first_column + COLUMN.from__share] = ratio(from_it, ins)


@kernel
def payees(block, firsts, found, time, out, first_column, seen):
    """Share of the receivers that have the same funder; `seen` is scratch."""
    first_in, funder = found.row, found.funder
    direction, other, party = block.direction, block.other, block.party
    for k in range(firsts.size):
        if firsts[k] < 0 or funder[block.wallet[k]] < 0:
            continue
        for p in range(block.parties[k]):
            seen[p] = 0
        receivers = same = 0
        for j in range(block.start[k], block.start[k + 1]):
            if direction[j] == OUT and not seen[party[j]]:
                seen[party[j]] = 1
                receivers += 1
                x = other[j]
                same += funder[x] == funder[block.wallet[k]] and time[first_in[x]] < block.as_of[k]
        out[k, first_column + COLUMN.payees__share] = ratio(same, receivers)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES.

    Each kernel loops over all snapshots: passing the chain's columns on for each would take longer than reading them.
    """
    time, sender, receiver, found = context.rows.time, context.rows.sender, context.rows.receiver, context.funders
    firsts = first_inflows(block, found.row, time)
    if wanted[COLUMN.first_in__rank]:
        ranks(firsts, context.ranks.rank, out, first_column)
    if wanted[COLUMN.first_in__share]:
        shares(block, firsts, context.rows, context.offsets, context.entries, out, first_column)
    if wanted[COLUMN.first_out__delay]:
        first_payments(block, firsts, time, sender, receiver, context.offsets, context.entries, out, first_column)
    if wanted[COLUMN.next__other_asset_flag]:
        next_assets(block, firsts, context.rows, context.offsets, context.entries, out, first_column)
    funders(block, firsts, found.funder, found.depth, context.degrees.receivers, out, first_column, wanted)
    if wanted[COLUMN.siblings__1d] or wanted[COLUMN.funder__new_share] or wanted[COLUMN.funder__young_flag]:
        funder_history(block, firsts, found, time, context.offsets, context.entries, out, first_column)
    if wanted[COLUMN.return__share] or wanted[COLUMN.from__share]:
        dealings(block, firsts, found.funder, out, first_column)
    if wanted[COLUMN.payees__share]:
        payees(block, firsts, found, time, out, first_column, scratch.i0)
