"""The pass that carries taint: one look at each transfer, in flow order, by haircut, FIFO or poison. Knows no label and no date.

What is drawn from a pair and what is credited to one are separate, as a swap is credited when the last of what it gives is drawn.
"""

from typing import NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel

HAIRCUT, FIFO, POISON = 0, 1, 2
HELD, HOPS, TAINTED, DIRECT, TAINTED_HOPS = range(5)
_SPENT = 1 + 1e-9  # what is larger than what is sent by no more than this is rounding: all of it goes


class SourceRoles(NamedTuple):
    """What wallets stand for in the pass; those that stand for nothing have role −1."""

    of: np.ndarray  # int32[wallets]
    emits: np.ndarray  # uint8[roles, columns]
    absorbs: np.ndarray  # uint8[roles]


class TaintState(NamedTuple):
    """What is carried along, by pair and column."""

    balance: np.ndarray  # float64[pairs]
    received: np.ndarray  # float64[pairs]
    amounts: (
        np.ndarray
    )  # float64[pairs, 5, columns]: held, its hops, received in all, of it from a source itself, its hops
    when: np.ndarray  # int64[pairs, 2, columns], first and last receipt; −1: none
    totals: np.ndarray  # float64[4, columns]: entered, absorbed, returned, swapped
    tainted: np.ndarray  # uint8[pairs], 1: something tainted was ever credited


class FifoLots(NamedTuple):
    """What pairs received and did not send on, oldest first; only FIFO has them."""

    head: np.ndarray  # int32[pairs], the row of the oldest; −1: none
    tail: np.ndarray  # int32[pairs]
    after: np.ndarray  # int32[rows], the next one's row
    left: np.ndarray  # float64[rows], how much is left of it
    share: np.ndarray  # float64[rows, 2, columns], how much of a unit of it is tainted, and that times hops


class Purses(NamedTuple):
    """The swaps of one second: what was given so far, and what waits to be credited."""

    to_give: np.ndarray  # int64[swaps], transfers that were not drawn yet
    amount: np.ndarray  # float64[swaps]
    taint: np.ndarray  # float64[swaps, 2, columns]
    waiting: np.ndarray  # int32[transfers], rows that were drawn and wait to be credited, in that order
    drawn: np.ndarray  # float64[transfers, 2, columns], what was drawn for these
    waiting_now: np.ndarray  # int64[1], how many there are of these in this second


@kernel
def carry_taint(order, time, amount, sender, receiver, wallet, outs, ins, roles, method, state, lots, purses):
    """Carry taint along the transfers `order`.

    Args:
        order: int32, rows in flow order.
        time, amount: of all rows.
        sender, receiver: the pairs of all rows.
        wallet: of each pair.
        outs, ins: the swaps of all rows, or empty.
        roles, state, lots, purses: see there; `state`, `lots` and `purses` are changed.
        method: HAIRCUT, FIFO or POISON.
    """
    columns = roles.emits.shape[1]
    drawn = np.zeros((2, columns))
    begin = 0
    for q in range(order.size):
        row = order[q]
        if outs.size and (q == 0 or time[row] != time[order[begin]]):
            begin = q
            open_purses(order, q, time, outs, purses)
        s, r, a = sender[row], receiver[row], amount[row]
        role = roles.of[wallet[s]]
        bears = draw(s, a, role, roles, method, state, lots, drawn)
        given = got = -1
        if outs.size:
            given = outs[row] if role < 0 or not roles.absorbs[role] else -1
            to = roles.of[wallet[r]]
            got = ins[row] if to < 0 or not roles.absorbs[to] else -1
        if given >= 0 and give(given, a, drawn, role, roles, purses):
            credit_waiting(given, amount, sender, receiver, wallet, time, ins, roles, method, state, lots, purses)
        if got < 0:
            credit(row, r, a, time[row], bears, role, drawn, roles.of[wallet[r]], roles, method, state, lots)
        elif purses.to_give[got] == 0:
            exchange(got, row, r, a, time[row], role, drawn, roles.of[wallet[r]], roles, method, state, lots, purses)
        else:
            n = purses.waiting_now[0]
            purses.waiting[n] = row
            purses.drawn[n] = drawn
            purses.waiting_now[0] = n + 1


@kernel
def draw(s, a, role, roles, method, state, lots, drawn):
    """Take amount a from pair s, and write its taint and that times hops (one more: to the receiver); 0 if there is none."""
    columns = drawn.shape[1]
    drawn[:] = 0.0
    bears = 0
    if role < 0 or not roles.absorbs[role]:
        if state.tainted[s] and state.balance[s] > 0:
            if method == FIFO:
                draw_lots(s, a, state, lots, drawn)
            else:
                draw_share(s, a, method, state, drawn)
            bears = 1
        elif method == FIFO:
            draw_lots(s, a, state, lots, drawn)
        state.balance[s] = 0.0 if state.balance[s] <= a * _SPENT else state.balance[s] - a
    if role >= 0:
        for k in range(columns):
            if roles.emits[role, k]:
                drawn[0, k] = drawn[1, k] = a
                state.totals[0, k] += a
                bears = 1
    return bears


@kernel
def draw_share(s, a, method, state, drawn):
    """What amount a of pair s bears: its share of what is held (haircut), or all of it if anything held is tainted (poison)."""
    spent = state.balance[s] <= a * _SPENT
    f = 1.0 if spent else a / state.balance[s]
    for k in range(drawn.shape[1]):
        held, hops = state.amounts[s, HELD, k], state.amounts[s, HOPS, k]
        if held <= 0:
            continue
        if method == POISON:
            drawn[0, k] = a
            drawn[1, k] = a * (hops / held) + a
            rest = 0.0 if held <= a * _SPENT else held - a
            state.amounts[s, HELD, k] = 0.0 if spent else rest
            state.amounts[s, HOPS, k] = 0.0 if spent else hops * (rest / held)
        else:
            drawn[0, k] = f * held
            drawn[1, k] = f * hops + f * held
            state.amounts[s, HELD, k] = 0.0 if spent else held - f * held
            state.amounts[s, HOPS, k] = 0.0 if spent else hops - f * hops


@kernel
def draw_lots(s, a, state, lots, drawn):
    """What the oldest lots of pair s bear that make up amount a; what exceeds them bears nothing."""
    columns = drawn.shape[1]
    wanted = a
    while wanted > a * (_SPENT - 1) and lots.head[s] >= 0:
        lot = lots.head[s]
        whole = lots.left[lot] <= wanted * _SPENT
        taken = lots.left[lot] if whole else wanted
        for k in range(columns):
            drawn[0, k] += taken * lots.share[lot, 0, k]
            drawn[1, k] += taken * lots.share[lot, 1, k]
        wanted -= taken
        lots.left[lot] -= taken
        if whole:
            lots.head[s] = lots.after[lot]
    empty = lots.head[s] < 0 or state.balance[s] <= a * _SPENT
    if empty:
        lots.head[s] = -1
    for k in range(columns):
        state.amounts[s, HELD, k] = 0.0 if empty else max(state.amounts[s, HELD, k] - drawn[0, k], 0.0)
        state.amounts[s, HOPS, k] = 0.0 if empty else max(state.amounts[s, HOPS, k] - drawn[1, k], 0.0)
        drawn[1, k] += drawn[0, k]


@kernel
def credit(row, r, a, when, bears, role, brought, to, roles, method, state, lots):
    """Add amount a and the taint it brings to pair r; `role` is the payer's, `to` the receiver's."""
    columns = brought.shape[1]
    absorbed = to >= 0 and roles.absorbs[to] == 1
    state.received[r] += a
    if not absorbed:
        state.balance[r] += a
    if bears:
        for k in range(columns):
            y, h = brought[0, k], brought[1, k]
            if y <= 0:
                continue
            state.amounts[r, TAINTED, k] += y
            state.amounts[r, TAINTED_HOPS, k] += h
            if role >= 0 and roles.emits[role, k]:
                state.amounts[r, DIRECT, k] += a
            first = state.when[r, 0, k]
            state.when[r, 0, k] = when if first < 0 else min(first, when)
            state.when[r, 1, k] = max(state.when[r, 1, k], when)
            if absorbed:
                state.totals[1, k] += y
            elif to >= 0 and roles.emits[to, k]:
                state.totals[2, k] += y
                brought[0, k] = brought[1, k] = 0.0
            else:
                state.amounts[r, HELD, k] += y
                state.amounts[r, HOPS, k] += h
                state.tainted[r] = 1
    if method == FIFO and not absorbed:
        add_lot(row, r, a, brought, lots)


@kernel
def add_lot(row, r, a, brought, lots):
    """What was received last is the last to go."""
    lots.left[row] = a
    lots.after[row] = -1
    for k in range(brought.shape[1]):
        lots.share[row, 0, k] = brought[0, k] / a
        lots.share[row, 1, k] = brought[1, k] / a
    if lots.head[r] < 0:
        lots.head[r] = row
    else:
        lots.after[lots.tail[r]] = row
    lots.tail[r] = row


@kernel
def open_purses(order, q, time, outs, purses):
    """Empty the purses for the swaps of the second that begins at place q."""
    purses.waiting_now[0] = 0
    end = q
    while end < order.size and time[order[end]] == time[order[q]]:
        swap = outs[order[end]]
        if swap >= 0:
            purses.to_give[swap] = purses.amount[swap] = 0
            purses.taint[swap] = 0.0
        end += 1
    for p in range(q, end):
        if outs[order[p]] >= 0:
            purses.to_give[outs[order[p]]] += 1


@kernel
def give(swap, a, drawn, role, roles, purses):
    """Put what was drawn for a transfer into the purse of its sender's swap; whether it was the last.

    The owner stays the same, so the hop is taken back: none for what it is a source of, else as many as before.
    """
    purses.to_give[swap] -= 1
    purses.amount[swap] += a
    for k in range(drawn.shape[1]):
        purses.taint[swap, 0, k] += drawn[0, k]
        purses.taint[swap, 1, k] += drawn[1, k] - drawn[0, k]
    return purses.to_give[swap] == 0


@kernel
def exchange(swap, row, r, a, when, role, drawn, to, roles, method, state, lots, purses):
    """Credit what a swap got: the taint of what it gave for it, or what the payer's own bears, whichever is more."""
    brought = drawn.copy()
    for k in range(drawn.shape[1]):
        carried = a * (purses.taint[swap, 0, k] / purses.amount[swap])
        if carried > drawn[0, k] * _SPENT:
            brought[0, k] = carried
            brought[1, k] = a * (purses.taint[swap, 1, k] / purses.amount[swap])
            state.totals[3, k] += carried - drawn[0, k]
    credit(row, r, a, when, 1, role, brought, to, roles, method, state, lots)


@kernel
def credit_waiting(swap, amount, sender, receiver, wallet, time, ins, roles, method, state, lots, purses):
    """Credit the transfers that waited for the last that a swap gives, in the order in which they were drawn."""
    for n in range(purses.waiting_now[0]):
        row = purses.waiting[n]
        if ins[row] != swap:
            continue
        r = receiver[row]
        to, role = roles.of[wallet[r]], roles.of[wallet[sender[row]]]
        drawn = purses.drawn[n]
        exchange(swap, row, r, amount[row], time[row], role, drawn, to, roles, method, state, lots, purses)
