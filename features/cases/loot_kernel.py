"""The pass that follows the loot of thefts: one look at each transfer, in flow order, by haircut.

The haircut, the order, the pairs and the swaps are those of exposure (docs/exposure.md). This pass differs from
`exposure/taint_kernel.py` in what is tainted: all that a seed receives from its date on, and not all that a source sends. It also
carries the worth when stolen, which is conserved through swaps, and the fewest hops, and records each transfer that moved loot.
Only pairs that loot reached take room, as most never see any.
"""

from typing import NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel
from ..exposure.swap_purses import (
    AMOUNT,
    HOPS,
    SPENT,
    carried_by_swap,
    note_receipt,
    open_purses,
    put_in_purse,
    put_off,
    swap_of,
)  # fmt: skip

LAYERS = 5
WORTH, SWAPPED_WORTH, FEWEST = range(2, LAYERS)
"""What is drawn for a transfer besides AMOUNT and HOPS: worth when stolen, how much of it goes into a swap, and fewest hops."""
FIELDS = 13
HELD, HELD_HOPS, HELD_WORTH = range(3)  # what rests, that times hops, and what it was worth when stolen
IN, IN_HOPS, IN_WORTH, IN_USD, IN_PRICED = range(3, 8)  # what came, likewise; worth when sent; how much has a price
GIVEN, GIVEN_WORTH = 8, 9  # of what a service received, what came back to its sender by a swap
STOLEN, STOLEN_WORTH, STOLEN_PRICED = range(10, 13)
STOLE, MOVED, ABSORBED, RETURNED, GAVE, GOT, UNSEEN = range(7)
FAR = np.iinfo(np.int32).max


class LootTransfers(NamedTuple):
    """The transfers of a ledger by row, as `FlowTransfers`, with what they were worth."""

    time: np.ndarray
    amount: np.ndarray
    sender: np.ndarray
    receiver: np.ndarray
    wallet: np.ndarray
    given_in: np.ndarray
    got_in: np.ndarray
    usd: np.ndarray  # float64, NaN = unpriced; or empty
    worth_kept: np.ndarray  # float64, of what a swap gives: the part of its worth that comes back by the swap; or empty
    part_of_swap: np.ndarray  # float64, of what a swap gets: its part of all that the swap got; or empty


class SeedRoles(NamedTuple):
    """Seeds and services; wallets that are neither have role −1."""

    role_of_wallet: np.ndarray  # int32[wallets]
    since: np.ndarray  # int64[roles, columns], from when on the wallet is a seed of the case; the largest int64: never
    absorbs: np.ndarray  # uint8[roles]
    most_hops: int


class LootState(NamedTuple):
    """What is carried along. Pairs that loot reached have a slot of their own."""

    slot: np.ndarray  # int32[pairs], −1: no loot came
    balance: np.ndarray  # float64[pairs], received and not sent on
    received: np.ndarray  # float64[pairs]
    amounts: np.ndarray  # float64[slots, FIELDS, columns]
    hop: np.ndarray  # int32[slots, columns], the fewest
    when: np.ndarray  # int64[slots, 2, columns], first and last loot received; −1: none
    unpriced: np.ndarray  # int64[slots, columns], transfers by which it was stolen whose worth is not known
    pair: np.ndarray  # int32[slots]


class LootFlows(NamedTuple):
    """Each transfer that moved loot of the first column, in the order in which it was credited; or empty."""

    row: np.ndarray  # int32
    kind: np.ndarray  # uint8, STOLE to UNSEEN
    tainted: np.ndarray  # float64
    worth: np.ndarray  # float64, when stolen
    hops: np.ndarray  # float64, mean
    hop: np.ndarray  # int32, fewest


class RoomUsed(NamedTuple):
    """How many slots and flows are in use; int64[1] each."""

    slots: np.ndarray
    flows: np.ndarray


@kernel
def carry_loot(order, begin, transfers, roles, loot, purses, flows, used):
    """Carry loot along the transfers order[begin:]; return the position that it reached: less than all when room is short.

    One transfer takes at most two slots and two flows, and one more of each for every transfer that waits for a swap.
    """
    columns = roles.since.shape[1]
    drawn = np.zeros((LAYERS, columns))
    for q in range(begin, order.size):
        needed = purses.second[1] + 2
        if used.slots[0] + needed > loot.pair.size or (flows.row.size and used.flows[0] + needed > flows.row.size):
            return q
        row = order[q]
        role = roles.role_of_wallet[transfers.wallet[transfers.sender[row]]]
        to = roles.role_of_wallet[transfers.wallet[transfers.receiver[row]]]
        given = got = -1
        if transfers.given_in.size:
            if purses.second[0] != transfers.time[row]:
                open_purses(order, q, transfers, purses)
            given = swap_of(row, role, transfers.given_in, roles.absorbs)
            got = swap_of(row, to, transfers.got_in, roles.absorbs)
        if role < 0 and to < 0 and loot.slot[transfers.sender[row]] < 0 and given < 0 and got < 0:
            pass_by(transfers.sender[row], transfers.receiver[row], transfers.amount[row], loot)
            continue
        draw(row, role, transfers, roles, loot, drawn, flows, used)
        if given >= 0 and give(given, row, transfers, drawn, purses):
            credit_waiting(given, transfers, roles, loot, purses, flows, used)
        if got < 0:
            credit(row, to, drawn, GAVE if given >= 0 else MOVED, transfers, roles, loot, flows, used)
        elif purses.to_give[got] == 0:
            exchange(got, row, to, drawn, transfers, roles, loot, purses, flows, used)
        else:
            put_off(row, drawn, purses)
    return order.size


@kernel
def pass_by(s, r, a, loot):
    """Move a transfer without loot, as nearly all are, from one wallet to another: what `draw` and `credit` would come to."""
    held = loot.balance[s]
    loot.balance[s] = 0.0 if held <= a * SPENT else held - a
    loot.received[r] += a
    loot.balance[r] += a


@kernel
def slot_of(pair, loot, used):
    """The slot of a pair; one is made if it has none."""
    if loot.slot[pair] < 0:
        n = used.slots[0]
        loot.slot[pair], loot.pair[n], used.slots[0] = n, pair, n + 1
        loot.amounts[n] = 0.0
        loot.hop[n] = FAR
        loot.when[n] = -1
        loot.unpriced[n] = 0
    return loot.slot[pair]


@kernel
def is_priced(row, transfers):
    """Whether it is known what a transfer was worth."""
    return transfers.usd.size > 0 and not np.isnan(transfers.usd[row])


@kernel
def worth_of(row, transfers, amount):
    """What an amount of a transfer was worth when it was sent; 0 where that is not known."""
    return transfers.usd[row] * (amount / transfers.amount[row]) if is_priced(row, transfers) else 0.0


@kernel
def draw(row, role, transfers, roles, loot, drawn, flows, used):
    """Take a transfer from its sender, and write its loot by layer and column (one hop more: to the receiver).

    What a seed sends and was never seen to receive is loot of which nobody saw how it was stolen.
    """
    drawn[:] = 0.0
    drawn[FEWEST] = FAR
    if role >= 0 and roles.absorbs[role]:
        return
    s, a = transfers.sender[row], transfers.amount[row]
    held = loot.balance[s]
    spent = held <= a * SPENT
    loot.balance[s] = 0.0 if spent else held - a
    slot = loot.slot[s]
    if slot >= 0 and held > 0:
        f = 1.0 if spent else a / held
        for k in range(drawn.shape[1]):
            x, h, v = loot.amounts[slot, HELD, k], loot.amounts[slot, HELD_HOPS, k], loot.amounts[slot, HELD_WORTH, k]
            if x > 0 and loot.hop[slot, k] < roles.most_hops:
                drawn[AMOUNT, k], drawn[HOPS, k], drawn[WORTH, k] = f * x, f * h + f * x, f * v
                drawn[FEWEST, k] = loot.hop[slot, k] + 1
                loot.amounts[slot, HELD, k] = 0.0 if spent else x - f * x
                loot.amounts[slot, HELD_HOPS, k] = 0.0 if spent else h - f * h
                loot.amounts[slot, HELD_WORTH, k] = 0.0 if spent else v - f * v
    if role < 0 or held * SPENT >= a:
        return
    for k in range(drawn.shape[1]):
        if transfers.time[row] >= roles.since[role, k]:
            steal(row, s, k, a - held, UNSEEN, transfers, loot, flows, used)
            drawn[AMOUNT, k] += a - held
            drawn[HOPS, k] += a - held
            drawn[WORTH, k] += worth_of(row, transfers, a - held)
            drawn[FEWEST, k] = 1


@kernel
def steal(row, pair, k, amount, kind, transfers, loot, flows, used):
    """Note that a seed got hold of an amount that was not loot before, by a transfer that it received or sent (UNSEEN)."""
    slot = slot_of(pair, loot, used)
    loot.hop[slot, k] = 0
    note_receipt(loot.when, slot, k, transfers.time[row])
    loot.amounts[slot, STOLEN, k] += amount
    if is_priced(row, transfers):
        loot.amounts[slot, STOLEN_PRICED, k] += amount
        loot.amounts[slot, STOLEN_WORTH, k] += worth_of(row, transfers, amount)
    else:
        loot.unpriced[slot, k] += 1
    if k == 0 and flows.row.size:
        record(row, kind, amount, worth_of(row, transfers, amount), 0.0, 0, flows, used)


@kernel
def credit(row, to, brought, kind, transfers, roles, loot, flows, used):
    """Add a transfer and the loot in it to its receiver; all that a seed receives from its date on becomes loot."""
    r, a = transfers.receiver[row], transfers.amount[row]
    absorbed = to >= 0 and roles.absorbs[to] == 1
    loot.received[r] += a
    if not absorbed:
        loot.balance[r] += a
    for k in range(brought.shape[1]):
        y, seed = brought[AMOUNT, k], to >= 0 and transfers.time[row] >= roles.since[to, k]
        if seed and a - y > a * (SPENT - 1):
            steal(row, r, k, a - y, STOLE, transfers, loot, flows, used)
            loot.amounts[loot.slot[r], HELD, k] += a - y
            loot.amounts[loot.slot[r], HELD_WORTH, k] += worth_of(row, transfers, a - y)
        if y > 0:
            receive(row, k, absorbed, seed, brought, kind, transfers, loot, flows, used)


@kernel
def receive(row, k, absorbed, seed, brought, kind, transfers, loot, flows, used):
    """Add loot up at its receiver, and let it rest there unless it is absorbed."""
    slot = slot_of(transfers.receiver[row], loot, used)
    y, h, v = brought[AMOUNT, k], brought[HOPS, k], brought[WORTH, k]
    if kind == GAVE and absorbed:
        loot.amounts[slot, GIVEN, k] += y
        loot.amounts[slot, GIVEN_WORTH, k] += brought[SWAPPED_WORTH, k]
    loot.amounts[slot, IN, k] += y
    loot.amounts[slot, IN_HOPS, k] += h
    loot.amounts[slot, IN_WORTH, k] += v
    if is_priced(row, transfers):
        loot.amounts[slot, IN_USD, k] += worth_of(row, transfers, y)
        loot.amounts[slot, IN_PRICED, k] += y
    fewest = np.int32(brought[FEWEST, k])
    loot.hop[slot, k] = 0 if seed else min(loot.hop[slot, k], fewest)
    note_receipt(loot.when, slot, k, transfers.time[row])
    if not absorbed:
        loot.amounts[slot, HELD, k] += y
        loot.amounts[slot, HELD_HOPS, k] += 0.0 if seed else h
        loot.amounts[slot, HELD_WORTH, k] += v
    if k == 0 and flows.row.size:
        if kind == MOVED:
            kind = ABSORBED if absorbed else RETURNED if seed else MOVED
        record(row, kind, y, v + brought[SWAPPED_WORTH, k], h / y, fewest, flows, used)


@kernel
def record(row, kind, tainted, worth, hops, hop, flows, used):
    """Write down a flow."""
    n = used.flows[0]
    flows.row[n], flows.kind[n], flows.tainted[n], flows.worth[n] = row, kind, tainted, worth
    flows.hops[n], flows.hop[n], used.flows[0] = hops, hop, n + 1


@kernel
def give(swap, row, transfers, drawn, purses):
    """Put what was drawn for a transfer into the purse of its sender's swap, without the hop; return whether it was the last."""
    for k in range(drawn.shape[1]):
        if drawn[AMOUNT, k] > 0:
            drawn[SWAPPED_WORTH, k] = drawn[WORTH, k] * transfers.worth_kept[row]
            drawn[WORTH, k] -= drawn[SWAPPED_WORTH, k]
            purses.given[swap, SWAPPED_WORTH, k] += drawn[SWAPPED_WORTH, k]
            purses.given[swap, FEWEST, k] = min(purses.given[swap, FEWEST, k], drawn[FEWEST, k] - 1)
    return put_in_purse(swap, transfers.amount[row], drawn, purses)


@kernel
def exchange(swap, row, to, drawn, transfers, roles, loot, purses, flows, used):
    """Credit what a swap got: the taint of what it gave for it, or of the sender's own money if that is more; and its worth."""
    brought, a = drawn.copy(), transfers.amount[row]
    brought[SWAPPED_WORTH] = 0.0
    for k in range(drawn.shape[1]):
        carried = carried_by_swap(swap, AMOUNT, k, a, purses)
        if carried > drawn[AMOUNT, k]:
            brought[AMOUNT, k], brought[HOPS, k] = carried, carried_by_swap(swap, HOPS, k, a, purses)
        brought[WORTH, k] += purses.given[swap, SWAPPED_WORTH, k] * transfers.part_of_swap[row]
        brought[FEWEST, k] = min(brought[FEWEST, k], purses.given[swap, FEWEST, k])
    credit(row, to, brought, GOT, transfers, roles, loot, flows, used)


@kernel
def credit_waiting(swap, transfers, roles, loot, purses, flows, used):
    """Credit the transfers that waited for the last that a swap gives, in the order in which they were drawn."""
    for n in range(purses.second[1]):
        row = purses.waiting[n]
        if transfers.got_in[row] == swap:
            to = roles.role_of_wallet[transfers.wallet[transfers.receiver[row]]]
            exchange(swap, row, to, purses.drawn[n], transfers, roles, loot, purses, flows, used)
