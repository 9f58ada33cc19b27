"""The pass that carries taint from sources: one look at each transfer, in flow order, by haircut, FIFO or poison.

It knows no label and no date. What a transfer draws from its sender's pair and what it credits to its receiver's are separate
steps, as a swap is credited when the last of what it gives is drawn (`swap_purses.py`).
"""

from typing import NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel
from .swap_purses import (
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

HAIRCUT, FIFO, POISON = 0, 1, 2
HELD, HELD_HOPS, TAINTED, DIRECT, TAINTED_HOPS = range(5)
"""Fields of `TaintState.amounts`: held, that times hops, received in all, received from a source itself, received times hops."""
ENTERED, ABSORBED, RETURNED, SWAPPED = range(4)


class SourceRoles(NamedTuple):
    """What wallets stand for in the pass; those that stand for nothing have role −1."""

    role_of_wallet: np.ndarray  # int32[wallets]
    emits: np.ndarray  # uint8[roles, columns]
    absorbs: np.ndarray  # uint8[roles]


class TaintState(NamedTuple):
    """What is carried along, by pair and column."""

    balance: np.ndarray  # float64[pairs]
    received: np.ndarray  # float64[pairs]
    amounts: np.ndarray  # float64[pairs, 5, columns], see HELD
    when: np.ndarray  # int64[pairs, 2, columns], first and last receipt; −1: none
    totals: np.ndarray  # float64[4, columns], see ENTERED
    tainted: np.ndarray  # uint8[pairs], 1: something tainted was ever credited


class FifoLots(NamedTuple):
    """What pairs received and did not send on, oldest first; only FIFO has them."""

    head: np.ndarray  # int32[pairs], the row of the oldest; −1: none
    tail: np.ndarray  # int32[pairs]
    after: np.ndarray  # int32[rows], the next one's row
    left: np.ndarray  # float64[rows], how much is left of it
    share: np.ndarray  # float64[rows, 2, columns], how much of a unit of it is tainted, and that times hops


@kernel
def carry_taint(order, transfers, roles, method, state, lots, purses):
    """Carry taint along the transfers `order` (int32, rows in flow order); `state`, `lots` and `purses` are changed.

    `method` is HAIRCUT, FIFO or POISON. Transfers of one second stand in one call.
    """
    # Fields are read once, as each access to a field counts a reference.
    time, amount, sender, receiver, wallet, given_in, got_in = transfers
    drawn = np.zeros((2, roles.emits.shape[1]))
    for q in range(order.size):
        row = order[q]
        s, r, a = sender[row], receiver[row], amount[row]
        role, to = roles.role_of_wallet[wallet[s]], roles.role_of_wallet[wallet[r]]
        given = got = -1
        if given_in.size:
            if purses.second[0] != time[row]:
                open_purses(order, q, transfers, purses)
            given = swap_of(row, role, given_in, roles.absorbs)
            got = swap_of(row, to, got_in, roles.absorbs)
        bears = draw(s, a, role, roles, method, state, lots, drawn)
        if given >= 0 and put_in_purse(given, a, drawn, purses):
            credit_waiting(given, transfers, roles, method, state, lots, purses)
        if got < 0:
            credit(row, r, a, time[row], bears, role, to, drawn, roles, method, state, lots)
        elif purses.to_give[got] == 0:
            exchange(got, row, role, to, drawn, transfers, roles, method, state, lots, purses)
        else:
            put_off(row, drawn, purses)


@kernel
def draw(s, a, role, roles, method, state, lots, drawn):
    """Take amount a from pair s; write its taint and that times hops (one more: to the receiver); return 0 if there is none."""
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
        state.balance[s] = 0.0 if state.balance[s] <= a * SPENT else state.balance[s] - a
    if role >= 0:
        for k in range(drawn.shape[1]):
            if roles.emits[role, k]:
                drawn[AMOUNT, k] = drawn[HOPS, k] = a
                state.totals[ENTERED, k] += a
                bears = 1
    return bears


@kernel
def draw_share(s, a, method, state, drawn):
    """Draw from pair s what an amount bears: its share of the taint held (haircut), or all of it if there is any (poison)."""
    spent = state.balance[s] <= a * SPENT
    f = 1.0 if spent else a / state.balance[s]
    for k in range(drawn.shape[1]):
        held, hops = state.amounts[s, HELD, k], state.amounts[s, HELD_HOPS, k]
        if held <= 0:
            continue
        if method == POISON:
            drawn[AMOUNT, k] = a
            drawn[HOPS, k] = a * (hops / held) + a
            rest = 0.0 if held <= a * SPENT else held - a
            state.amounts[s, HELD, k] = 0.0 if spent else rest
            state.amounts[s, HELD_HOPS, k] = 0.0 if spent else hops * (rest / held)
        else:
            drawn[AMOUNT, k] = f * held
            drawn[HOPS, k] = f * hops + f * held
            state.amounts[s, HELD, k] = 0.0 if spent else held - f * held
            state.amounts[s, HELD_HOPS, k] = 0.0 if spent else hops - f * hops


@kernel
def draw_lots(s, a, state, lots, drawn):
    """Draw from pair s what the oldest lots bear that make up amount a; an amount beyond them bears nothing."""
    missing = a
    while missing > a * (SPENT - 1) and lots.head[s] >= 0:
        lot = lots.head[s]
        whole = lots.left[lot] <= missing * SPENT
        taken = lots.left[lot] if whole else missing
        for k in range(drawn.shape[1]):
            drawn[AMOUNT, k] += taken * lots.share[lot, 0, k]
            drawn[HOPS, k] += taken * lots.share[lot, 1, k]
        missing -= taken
        lots.left[lot] -= taken
        if whole:
            lots.head[s] = lots.after[lot]
    empty = lots.head[s] < 0 or state.balance[s] <= a * SPENT
    if empty:
        lots.head[s] = -1
    for k in range(drawn.shape[1]):
        state.amounts[s, HELD, k] = 0.0 if empty else max(state.amounts[s, HELD, k] - drawn[AMOUNT, k], 0.0)
        state.amounts[s, HELD_HOPS, k] = 0.0 if empty else max(state.amounts[s, HELD_HOPS, k] - drawn[HOPS, k], 0.0)
        drawn[HOPS, k] += drawn[AMOUNT, k]


@kernel
def credit(row, r, a, time, bears, role, to, brought, roles, method, state, lots):
    """Add amount a and the taint that it brings to pair r; `role` is the sender's, `to` the receiver's."""
    absorbed = to >= 0 and roles.absorbs[to] == 1
    state.received[r] += a
    if not absorbed:
        state.balance[r] += a
    if bears:
        for k in range(brought.shape[1]):
            y, h = brought[AMOUNT, k], brought[HOPS, k]
            if y <= 0:
                continue
            state.amounts[r, TAINTED, k] += y
            state.amounts[r, TAINTED_HOPS, k] += h
            if role >= 0 and roles.emits[role, k]:
                state.amounts[r, DIRECT, k] += a
            note_receipt(state.when, r, k, time)
            if absorbed:
                state.totals[ABSORBED, k] += y
            elif to >= 0 and roles.emits[to, k]:
                state.totals[RETURNED, k] += y
                brought[AMOUNT, k] = brought[HOPS, k] = 0.0
            else:
                state.amounts[r, HELD, k] += y
                state.amounts[r, HELD_HOPS, k] += h
                state.tainted[r] = 1
    if method == FIFO and not absorbed:
        add_lot(row, r, a, brought, lots)


@kernel
def add_lot(row, r, a, brought, lots):
    """Put what pair r received at the end of its lots."""
    lots.left[row] = a
    lots.after[row] = -1
    for k in range(brought.shape[1]):
        lots.share[row, AMOUNT, k] = brought[AMOUNT, k] / a
        lots.share[row, HOPS, k] = brought[HOPS, k] / a
    if lots.head[r] < 0:
        lots.head[r] = row
    else:
        lots.after[lots.tail[r]] = row
    lots.tail[r] = row


@kernel
def exchange(swap, row, role, to, drawn, transfers, roles, method, state, lots, purses):
    """Credit what a swap got: the taint of what it gave for it, or the taint of the sender's own money if that is more."""
    brought, a = drawn.copy(), transfers.amount[row]
    for k in range(drawn.shape[1]):
        carried = carried_by_swap(swap, AMOUNT, k, a, purses)
        if carried > drawn[AMOUNT, k] * SPENT:
            brought[AMOUNT, k], brought[HOPS, k] = carried, carried_by_swap(swap, HOPS, k, a, purses)
            state.totals[SWAPPED, k] += carried - drawn[AMOUNT, k]
    credit(row, transfers.receiver[row], a, transfers.time[row], 1, role, to, brought, roles, method, state, lots)


@kernel
def credit_waiting(swap, transfers, roles, method, state, lots, purses):
    """Credit the transfers that waited for the last that a swap gives, in the order in which they were drawn."""
    for n in range(purses.second[1]):
        row = purses.waiting[n]
        if transfers.got_in[row] == swap:
            role = roles.role_of_wallet[transfers.wallet[transfers.sender[row]]]
            to = roles.role_of_wallet[transfers.wallet[transfers.receiver[row]]]
            exchange(swap, row, role, to, purses.drawn[n], transfers, roles, method, state, lots, purses)
