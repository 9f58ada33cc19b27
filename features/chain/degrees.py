"""Degrees: how widely the ends of each transfer had dealt before it. Counts wallets, not transfers; looks at no window.

First the transfers that are the first between their two ends, then two passes over the rows in order: one over what wallets sent,
one over what they received. Rows of one second do not count each other: all of them read before any of them is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.context import Degrees
from .threads import over_shares

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_GROUPS = 16  # of pairs of wallets, so that a table of the pairs of one group fits into a cache
# What is known of a wallet: how many sent to it, the last new one of these, whom it pays, and whether it was paid.
_SENDERS, _SENDER, _PAYEE, _PAID = range(4)
_NOBODY, _SEVERAL = -1, -2


def build_degrees(ledger: Ledger) -> Degrees:
    """How widely the ends of each transfer had dealt before it."""
    rows, wallets = ledger.rows, len(ledger.offsets) - 1
    new = _new_pairs(rows.sender, rows.receiver)
    first = np.full(wallets, np.iinfo(np.int64).max)
    senders, receivers = (np.empty(ledger.transfers, np.int32) for _ in range(2))
    sweeps, others = (np.empty(ledger.transfers, np.uint8) for _ in range(2))
    known = np.zeros((wallets, 4), np.int32)
    known[:, _PAYEE] = _NOBODY
    sent_to = np.zeros(wallets, np.int32)
    passes = (
        lambda: _count_receivers(rows.time, rows.sender, new, sent_to, receivers),
        lambda: _count_senders(*rows[:4], new, known, first, senders, sweeps, others),
    )
    over_shares(lambda k, _: passes[k](), np.arange(3))
    return Degrees(first=first, senders=senders, receivers=receivers, sweeps=sweeps, others=others)


def _new_pairs(sender: np.ndarray, receiver: np.ndarray) -> np.ndarray:
    """1 for each row that is the first from its sender to its receiver, else 0; 0 for those of a wallet to itself."""
    group, new = np.empty(len(sender), np.uint8), np.zeros(len(sender), np.uint8)
    sizes = _divide(sender, receiver, group)
    over_shares(lambda low, high: _mark_new(sender, receiver, group, low, high, sizes, new), np.arange(_GROUPS + 1))
    return new


@kernel
def _mixed(sender, receiver):
    """A pair of ids as one number, never 0, and a hash of it."""
    pair = (np.uint64(sender) << np.uint64(32)) + np.uint64(receiver)
    h = pair * np.uint64(0x9E3779B97F4A7C15)
    return pair, (h ^ (h >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)


@kernel
def _divide(sender, receiver, group):
    """Write the group of each row's pair (the last one for a wallet to itself); return how many rows each group has."""
    sizes = np.zeros(_GROUPS + 1, np.int64)
    for i in range(sender.size):
        p = np.uint64(_GROUPS)
        if sender[i] != receiver[i]:
            p = _mixed(sender[i], receiver[i])[1] >> np.uint64(60)
        group[i] = p
        sizes[p] += 1
    return sizes


@kernel
def _mark_new(sender, receiver, group, low, high, sizes, new):
    """Mark the rows of the groups from low to high whose pair no row before them has."""
    for p in range(low, high):
        _mark_group(sender, receiver, group, p, np.uint64(sizes[p] + sizes[p] // 2 + 8), new)


@kernel
def _mark_group(sender, receiver, group, p, slots, new):
    """Mark the rows of group p whose pair no row before them has; `slots` are more than its rows."""
    table = np.zeros(slots, np.uint64)
    for i in range(sender.size):
        if group[i] != p:
            continue
        pair, h = _mixed(sender[i], receiver[i])
        slot = ((h & np.uint64(0xFFFFFFFF)) * slots) >> np.uint64(32)
        while table[slot] != 0 and table[slot] != pair:
            slot += np.uint64(1)
            if slot == slots:
                slot = np.uint64(0)
        if table[slot] == 0:
            table[slot] = pair
            new[i] = 1


@kernel
def _count_receivers(time, sender, new, sent_to, receivers):
    """Write to how many wallets each row's sender had sent before; `sent_to` counts them by wallet."""
    i = end = 0
    while i < time.size:
        while end < time.size and time[end] == time[i]:
            receivers[end] = sent_to[sender[end]]
            end += 1
        for k in range(i, end):
            sent_to[sender[k]] += new[k]
        i = end


@kernel
def _count_senders(time, sender, receiver, amount, new, known, first, senders, sweeps, others):
    """Write what was known of each row's receiver before; `known` holds it by wallet, `first` when it first received value.

    With few branches and no calls: these would take longer than what is to be done.
    """
    i = end = 0
    while i < time.size:
        while end < time.size and time[end] == time[i]:
            r = receiver[end]
            senders[end] = known[r, _SENDERS]
            others[end] = (known[r, _SENDERS] > 1) | ((known[r, _SENDERS] == 1) & (known[r, _SENDER] != sender[end]))
            sweeps[end] = known[r, _PAYEE] >= 0
            end += 1
        for k in range(i, end):
            s, r = sender[k], receiver[k]
            known[r, _SENDERS] += new[k]
            known[r, _SENDER] = s if new[k] else known[r, _SENDER]
            if s != r and amount[k] > 0:
                payee = known[s, _PAYEE]
                payee = r if payee == _NOBODY else payee
                known[s, _PAYEE] = r if payee == r else _SEVERAL
                if not known[r, _PAID]:
                    known[r, _PAID] = 1
                    first[r] = time[k]
        i = end
