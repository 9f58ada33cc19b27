"""The pass that follows loot: one look at each transfer, in flow order, by haircut, with its worth when stolen and its hops.

The haircut, the order, the pairs and the swaps are those of `exposure/taint_kernel.py` (docs/exposure.md). This pass adds the
dates from which seeds count, value that is conserved through swaps, fewest hops, and a record of each transfer that moved loot.
"""

from typing import NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel

FIELDS = 13
HELD, HOPS, WORTH = range(3)  # what rests, that times hops, and what it was worth when stolen
IN, IN_HOPS, IN_WORTH, IN_USD, IN_PRICED = range(3, 8)  # what came, likewise; worth when sent; how much has a price
GIVEN, GIVEN_WORTH = 8, 9  # of what a service received, what came back to its sender by a swap
STOLEN, STOLEN_WORTH, STOLEN_PRICED = range(10, 13)
STOLE, MOVED, ABSORBED, RETURNED, GAVE, GOT, UNSEEN = range(7)
FAR = np.iinfo(np.int32).max
_SPENT = 1 + 1e-9  # as in exposure: a balance that is larger than what is sent by no more than this is rounding


class LootTransfers(NamedTuple):
    """Transfers, by row; those of swaps are marked."""

    time: np.ndarray  # int64
    amount: np.ndarray  # float64
    usd: np.ndarray  # float64, NaN = unpriced; or empty
    sender: np.ndarray  # int32, pairs
    receiver: np.ndarray  # int32, pairs
    wallet: np.ndarray  # int32[pairs]
    outs: np.ndarray  # int32, see `exposure.swaps`; or empty
    ins: np.ndarray  # int32, likewise
    carried: np.ndarray  # float64, of an out: the part of its worth that comes back by the swap; or empty
    part: np.ndarray  # float64, of an in: its part of what its swap got; or empty


class SeedRoles(NamedTuple):
    """Seeds and services; wallets that are neither have role −1."""

    of: np.ndarray  # int32[wallets]
    since: np.ndarray  # int64[roles, columns], from when on the wallet is a seed of the case; the largest int64: never
    absorbs: np.ndarray  # uint8[roles]
    most_hops: int


class LootState(NamedTuple):
    """What is carried along. Pairs that loot reached have a place of their own, so that those it did not cost little."""

    place: np.ndarray  # int32[pairs], −1: no loot came
    balance: np.ndarray  # float64[pairs], received and not sent on
    received: np.ndarray  # float64[pairs]
    amounts: np.ndarray  # float64[places, FIELDS, columns]
    hop: np.ndarray  # int32[places, columns], the fewest
    when: np.ndarray  # int64[places, 2, columns], first and last loot received; −1: none
    unpriced: np.ndarray  # int64[places, columns], transfers by which it was stolen whose worth is not known
    pair: np.ndarray  # int32[places]


class Purses(NamedTuple):
    """The swaps of one second, as in `exposure.taint_kernel`."""

    to_give: np.ndarray  # int64[swaps]
    amount: np.ndarray  # float64[swaps]
    loot: np.ndarray  # float64[swaps, 3, columns]: tainted amount, that times hops, worth when stolen
    hop: np.ndarray  # int32[swaps, columns]
    waiting: np.ndarray  # int32[transfers]
    drawn: np.ndarray  # float64[transfers, 4, columns]
    drawn_hop: np.ndarray  # int32[transfers, columns]


class LootFlows(NamedTuple):
    """Each transfer that moved loot of the first column, in the order in which it was credited; or empty."""

    row: np.ndarray  # int32
    kind: np.ndarray  # uint8
    tainted: np.ndarray  # float64
    worth: np.ndarray  # float64, when stolen
    hops: np.ndarray  # float64, mean
    hop: np.ndarray  # int32, fewest


class PassProgress(NamedTuple):
    """Where the pass stands."""

    places: np.ndarray  # int64[1], in use
    flows: np.ndarray  # int64[1], in use
    second: np.ndarray  # int64[2], whose purses are open; how many transfers wait in it


@kernel
def carry_loot(order, begin, chain, marks, loot, purses, flows, counts):
    """Carry loot along the transfers order[begin:]; return how far it came: less than all when room is short.

    One transfer takes at most two places and two flows, and besides those one each for every transfer that waits for a swap.
    """
    columns = marks.since.shape[1]
    drawn, hop = np.zeros((4, columns)), np.zeros(columns, np.int32)
    for q in range(begin, order.size):
        waits = counts.second[1] + 2
        if counts.places[0] + waits > loot.pair.size or (flows.row.size and counts.flows[0] + waits > flows.row.size):
            return q
        row = order[q]
        if chain.outs.size and counts.second[0] != chain.time[row]:
            open_purses(order, q, chain, purses, counts)
        s, r = chain.wallet[chain.sender[row]], chain.wallet[chain.receiver[row]]
        role, to = marks.of[s], marks.of[r]
        if role < 0 and to < 0 and loot.place[chain.sender[row]] < 0 and not (chain.outs.size and in_swap(row, chain)):
            pass_by(chain.sender[row], chain.receiver[row], chain.amount[row], loot)
            continue
        draw(row, chain, marks, role, loot, drawn, hop, flows, counts)
        given = got = -1
        if chain.outs.size:
            given = chain.outs[row] if role < 0 or not marks.absorbs[role] else -1
            got = chain.ins[row] if to < 0 or not marks.absorbs[to] else -1
        if given >= 0 and give(given, row, chain, drawn, hop, purses):
            credit_waiting(given, chain, marks, loot, purses, flows, counts)
        if got < 0:
            credit(row, chain, marks, to, drawn, hop, GAVE if given >= 0 else MOVED, loot, flows, counts)
        elif purses.to_give[got] == 0:
            exchange(got, row, chain, marks, to, drawn, hop, loot, purses, flows, counts)
        else:
            n = counts.second[1]
            purses.waiting[n], counts.second[1] = row, n + 1
            purses.drawn[n], purses.drawn_hop[n] = drawn, hop
    return order.size


@kernel
def in_swap(row, chain):
    """Whether a transfer belongs to a swap."""
    return chain.outs[row] >= 0 or chain.ins[row] >= 0


@kernel
def pass_by(s, r, a, loot):
    """A transfer from one wallet to another with no loot in it, as nearly all are: what `draw` and `credit` would come to."""
    held = loot.balance[s]
    loot.balance[s] = 0.0 if held <= a * _SPENT else held - a
    loot.received[r] += a
    loot.balance[r] += a


@kernel
def place_of(pair, loot, counts):
    """Where the numbers of a pair stand; a place is made if it has none."""
    if loot.place[pair] < 0:
        n = counts.places[0]
        loot.place[pair], loot.pair[n], counts.places[0] = n, pair, n + 1
        loot.amounts[n] = 0.0
        loot.hop[n] = FAR
        loot.when[n] = -1
        loot.unpriced[n] = 0
    return loot.place[pair]


@kernel
def worth_of(row, chain, part):
    """What a part of a transfer was worth when it was sent; 0 where that is not known (`priced`)."""
    known = chain.usd.size > 0 and not np.isnan(chain.usd[row])
    return chain.usd[row] * (part / chain.amount[row]) if known else 0.0


@kernel
def priced(row, chain):
    """Whether it is known what a transfer was worth."""
    return chain.usd.size > 0 and not np.isnan(chain.usd[row])


@kernel
def draw(row, chain, marks, role, loot, drawn, hop, flows, counts):
    """Take a transfer from its sender, and write by column its loot, that times hops (one more) and its worth when stolen.

    `drawn` has a fourth row: how much of the worth goes into a swap (`give`), which is not the receiver's.
    What a seed sends and was never seen to receive is loot of which nobody saw how it was stolen.
    """
    drawn[:] = 0.0
    hop[:] = FAR
    if role >= 0 and marks.absorbs[role]:
        return
    s, a = chain.sender[row], chain.amount[row]
    held = loot.balance[s]
    spent = held <= a * _SPENT
    loot.balance[s] = 0.0 if spent else held - a
    at = loot.place[s]
    if at >= 0 and held > 0:
        f = 1.0 if spent else a / held
        for k in range(drawn.shape[1]):
            x, h, v = loot.amounts[at, HELD, k], loot.amounts[at, HOPS, k], loot.amounts[at, WORTH, k]
            if x > 0 and loot.hop[at, k] < marks.most_hops:
                drawn[0, k], drawn[1, k], drawn[2, k] = f * x, f * h + f * x, f * v
                hop[k] = loot.hop[at, k] + 1
                loot.amounts[at, HELD, k] = 0.0 if spent else x - f * x
                loot.amounts[at, HOPS, k] = 0.0 if spent else h - f * h
                loot.amounts[at, WORTH, k] = 0.0 if spent else v - f * v
    if role < 0 or held * _SPENT >= a:
        return
    for k in range(drawn.shape[1]):
        if chain.time[row] >= marks.since[role, k]:
            steal(row, s, k, a - held, chain, loot, counts)
            drawn[0, k] += a - held
            drawn[1, k] += a - held
            drawn[2, k] += worth_of(row, chain, a - held)
            hop[k] = 1
            if k == 0 and flows.row.size:
                record(row, UNSEEN, a - held, worth_of(row, chain, a - held), 0.0, 0, flows, counts)


@kernel
def seen(at, k, when, loot):
    """Note when loot came."""
    loot.when[at, 0, k] = when if loot.when[at, 0, k] < 0 else min(loot.when[at, 0, k], when)
    loot.when[at, 1, k] = max(loot.when[at, 1, k], when)


@kernel
def steal(row, pair, k, amount, chain, loot, counts):
    """Note that a seed got hold of an amount that was not loot before."""
    at = place_of(pair, loot, counts)
    loot.hop[at, k] = 0
    seen(at, k, chain.time[row], loot)
    loot.amounts[at, STOLEN, k] += amount
    if priced(row, chain):
        loot.amounts[at, STOLEN_PRICED, k] += amount
        loot.amounts[at, STOLEN_WORTH, k] += worth_of(row, chain, amount)
    else:
        loot.unpriced[at, k] += 1


@kernel
def credit(row, chain, marks, to, brought, hop, kind, loot, flows, counts):
    """Add a transfer and the loot in it to its receiver; all that a seed receives from its date on becomes loot."""
    r, a = chain.receiver[row], chain.amount[row]
    absorbed = to >= 0 and marks.absorbs[to] == 1
    loot.received[r] += a
    if not absorbed:
        loot.balance[r] += a
    for k in range(brought.shape[1]):
        y, seed = brought[0, k], to >= 0 and chain.time[row] >= marks.since[to, k]
        if seed and a - y > a * (_SPENT - 1):
            steal(row, r, k, a - y, chain, loot, counts)
            loot.amounts[loot.place[r], HELD, k] += a - y
            loot.amounts[loot.place[r], WORTH, k] += worth_of(row, chain, a - y)
            if k == 0 and flows.row.size:
                record(row, STOLE, a - y, worth_of(row, chain, a - y), 0.0, 0, flows, counts)
        if y > 0:
            receive(row, k, chain, absorbed, seed, brought, hop, kind, loot, flows, counts)


@kernel
def receive(row, k, chain, absorbed, seed, brought, hop, kind, loot, flows, counts):
    """Tally loot at its receiver, and let it rest there unless it is absorbed."""
    at = place_of(chain.receiver[row], loot, counts)
    y, h, v = brought[0, k], brought[1, k], brought[2, k]
    if kind == GAVE and absorbed:
        loot.amounts[at, GIVEN, k] += y
        loot.amounts[at, GIVEN_WORTH, k] += brought[3, k]
    loot.amounts[at, IN, k] += y
    loot.amounts[at, IN_HOPS, k] += h
    loot.amounts[at, IN_WORTH, k] += v
    if priced(row, chain):
        loot.amounts[at, IN_USD, k] += worth_of(row, chain, y)
        loot.amounts[at, IN_PRICED, k] += y
    loot.hop[at, k] = 0 if seed else min(loot.hop[at, k], hop[k])
    seen(at, k, chain.time[row], loot)
    if not absorbed:
        loot.amounts[at, HELD, k] += y
        loot.amounts[at, HOPS, k] += 0.0 if seed else h
        loot.amounts[at, WORTH, k] += v
    if k == 0 and flows.row.size:
        what = kind
        if kind == MOVED:
            what = ABSORBED if absorbed else RETURNED if seed else MOVED
        record(row, what, y, v + brought[3, k], h / y, hop[k], flows, counts)


@kernel
def record(row, kind, tainted, worth, hops, hop, flows, counts):
    """Write down a flow."""
    n = counts.flows[0]
    flows.row[n], flows.kind[n], flows.tainted[n], flows.worth[n] = row, kind, tainted, worth
    flows.hops[n], flows.hop[n], counts.flows[0] = hops, hop, n + 1


@kernel
def open_purses(order, q, chain, purses, counts):
    """Empty the purses for the swaps of the second that begins at place q."""
    counts.second[0], counts.second[1] = chain.time[order[q]], 0
    end = q
    while end < order.size and chain.time[order[end]] == counts.second[0]:
        swap = chain.outs[order[end]]
        if swap >= 0:
            purses.to_give[swap] = purses.amount[swap] = 0
            purses.loot[swap] = 0.0
            purses.hop[swap] = FAR
        end += 1
    for p in range(q, end):
        if chain.outs[order[p]] >= 0:
            purses.to_give[chain.outs[order[p]]] += 1


@kernel
def give(swap, row, chain, drawn, hop, purses):
    """Put what was drawn for a transfer into the purse of its sender's swap, without the hop; whether it was the last."""
    purses.to_give[swap] -= 1
    purses.amount[swap] += chain.amount[row]
    for k in range(drawn.shape[1]):
        if drawn[0, k] > 0:
            drawn[3, k] = drawn[2, k] * chain.carried[row]
            drawn[2, k] -= drawn[3, k]
            purses.loot[swap, 0, k] += drawn[0, k]
            purses.loot[swap, 1, k] += drawn[1, k] - drawn[0, k]
            purses.loot[swap, 2, k] += drawn[3, k]
            purses.hop[swap, k] = min(purses.hop[swap, k], hop[k] - 1)
    return purses.to_give[swap] == 0


@kernel
def exchange(swap, row, chain, marks, to, drawn, hop, loot, purses, flows, counts):
    """Credit what a swap got: the taint of what it gave for it, or the payer's own if that is more; and its worth."""
    brought, nearest, a = drawn.copy(), hop.copy(), chain.amount[row]
    brought[3] = 0.0
    for k in range(drawn.shape[1]):
        carried = a * (purses.loot[swap, 0, k] / purses.amount[swap])
        if carried > drawn[0, k]:
            brought[0, k], brought[1, k] = carried, a * (purses.loot[swap, 1, k] / purses.amount[swap])
        brought[2, k] += purses.loot[swap, 2, k] * chain.part[row]
        nearest[k] = min(nearest[k], purses.hop[swap, k])
    credit(row, chain, marks, to, brought, nearest, GOT, loot, flows, counts)


@kernel
def credit_waiting(swap, chain, marks, loot, purses, flows, counts):
    """Credit the transfers that waited for the last that a swap gives, in the order in which they were drawn."""
    for n in range(counts.second[1]):
        row = purses.waiting[n]
        if chain.ins[row] == swap:
            to = marks.of[chain.wallet[chain.receiver[row]]]
            exchange(swap, row, chain, marks, to, purses.drawn[n], purses.drawn_hop[n], loot, purses, flows, counts)
