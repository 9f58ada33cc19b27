"""What each pass over transfers shares: the transfers as it reads them, and how taint goes through swaps.

The pass over sources (`taint_kernel.py`) and the pass over the loot of thefts (`cases/loot_kernel.py`) draw taint from senders
and credit it to receivers, each by its own rules. A transfer that a swap gives puts its taint into the purse of the swap. A
transfer that a swap gets is credited once the purse is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger
    from .pairs import Pairs
    from .swaps import Swaps

SPENT = 1 + 1e-9
"""A balance that exceeds what is sent by no more than this factor is rounding: all of it goes."""
AMOUNT, HOPS = 0, 1
"""What is drawn for a transfer, by layer: its taint, and that times hops. Passes may add layers."""


class FlowTransfers(NamedTuple):
    """The transfers of a ledger as a pass reads them, by row."""

    time: np.ndarray  # int64
    amount: np.ndarray  # float64
    sender: np.ndarray  # int32, pairs
    receiver: np.ndarray  # int32, pairs
    wallet: np.ndarray  # int32[pairs]
    given_in: np.ndarray  # int32, the swap in which the sender gives it; −1: none; or empty
    got_in: np.ndarray  # int32, the swap in which the receiver gets it; −1: none; or empty


class SwapPurses(NamedTuple):
    """The swaps of one second: what each gave so far, and the transfers that wait for the rest of it."""

    second: np.ndarray  # int64[2], which second it is, and how many transfers wait
    to_give: np.ndarray  # int64[swaps], transfers that were not drawn yet
    amount: np.ndarray  # float64[swaps], given so far
    given: np.ndarray  # float64[swaps, layers, columns], the taint of that
    empty: np.ndarray  # float64[layers, columns], the taint in a purse at first
    waiting: np.ndarray  # int32[transfers], rows that were drawn and wait to be credited, in that order
    drawn: np.ndarray  # float64[transfers, layers, columns], what was drawn for these


# Numba keeps the classes of what kernels take until the process ends. With methods they would keep their module alive too.


def transfers_of_ledger(ledger: Ledger, pairs: Pairs, swaps: Swaps) -> FlowTransfers:
    """The transfers of a ledger with its pairs and swaps."""
    rows = ledger.rows
    return FlowTransfers(
        rows.time, rows.amount, pairs.sender, pairs.receiver, pairs.wallet, swaps.given_in, swaps.got_in
    )


def reversed_transfers(transfers: FlowTransfers) -> FlowTransfers:
    """The same with senders and receivers exchanged."""
    return transfers._replace(
        sender=transfers.receiver,
        receiver=transfers.sender,
        given_in=transfers.got_in,
        got_in=transfers.given_in,
    )


def purses_for(swaps: Swaps, empty: np.ndarray) -> SwapPurses:
    """Purses for the busiest second of a ledger."""
    most_swaps, most_transfers = map(int, swaps.most)
    return SwapPurses(
        second=np.array([-1, 0]), to_give=np.zeros(most_swaps, np.int64), amount=np.zeros(most_swaps),
        given=np.zeros((most_swaps, *empty.shape)), empty=empty, waiting=np.zeros(most_transfers, np.int32),
        drawn=np.zeros((most_transfers, *empty.shape)),
    )  # fmt: skip


@kernel
def open_purses(order, q, transfers, purses):
    """Empty the purses for the swaps of the second that begins at position q of the order."""
    now = transfers.time[order[q]]
    purses.second[0], purses.second[1] = now, 0
    end = q
    while end < order.size and transfers.time[order[end]] == now:
        swap = transfers.given_in[order[end]]
        if swap >= 0:
            purses.to_give[swap] = purses.amount[swap] = 0
            purses.given[swap] = purses.empty
        end += 1
    for p in range(q, end):
        if transfers.given_in[order[p]] >= 0:
            purses.to_give[transfers.given_in[order[p]]] += 1


@kernel
def swap_of(row, role, swaps, absorbs):
    """The swap (`given_in` or `got_in`) of the wallet of a role at one end of a transfer; −1: none. Services swap nothing."""
    return swaps[row] if role < 0 or not absorbs[role] else -1


@kernel
def put_in_purse(swap, amount, drawn, purses):
    """Put what was drawn for a transfer into the purse of its sender's swap; return whether it was the last.

    The owner stays the same, so the hop is taken back: none for what it is a source of, else as many as before.
    """
    purses.to_give[swap] -= 1
    purses.amount[swap] += amount
    for k in range(drawn.shape[1]):
        purses.given[swap, AMOUNT, k] += drawn[AMOUNT, k]
        purses.given[swap, HOPS, k] += drawn[HOPS, k] - drawn[AMOUNT, k]
    return purses.to_give[swap] == 0


@kernel
def carried_by_swap(swap, layer, k, amount, purses):
    """The taint that a swap carries to an amount that it gets, by what it gave."""
    return amount * (purses.given[swap, layer, k] / purses.amount[swap])


@kernel
def put_off(row, drawn, purses):
    """Let a transfer wait until all that its receiver's swap gives is drawn."""
    n = purses.second[1]
    purses.waiting[n] = row
    purses.drawn[n] = drawn
    purses.second[1] = n + 1


@kernel
def note_receipt(when, position, k, time):
    """Keep the first and last time at which taint came: `when` is int64[positions, 2, columns], −1: never."""
    when[position, 0, k] = time if when[position, 0, k] < 0 else min(when[position, 0, k], time)
    when[position, 1, k] = max(when[position, 1, k], time)
