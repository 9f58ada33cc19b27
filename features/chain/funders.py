"""Funders: who first paid each wallet, and how long the line of fresh wallets is through which its first money came.

A wallet's funder is the sender of its first inflow with value; none if several wallets sent at that second.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.context import Funders
from ..kernels.wallet_view import WEEK
from .threads import over_shares

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_NONE = -1
_TO_ITSELF = -1


def build_funders(ledger: Ledger) -> Funders:
    """Who first paid each wallet."""
    rows, wallets = ledger.rows, len(ledger.offsets) - 1
    row, funder = (np.full(wallets, _NONE, np.int32) for _ in range(2))
    depth, payer = np.zeros(wallets, np.int32), np.empty(ledger.transfers, np.int32)
    _first_payers(rows, row, funder)
    _follow(rows, row, funder, depth, payer)
    funded, sent = _counted(ledger, payer)
    return Funders(row=row, funder=funder, depth=depth, funded=funded, sent=sent)


def _counted(ledger: Ledger, payer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of the entries before each one fund a wallet, and how many are outs."""
    offsets = ledger.offsets
    funded, sent = (np.zeros(len(ledger.entries) + 1, np.int32) for _ in range(2))

    ends = [0]

    def count(low: int, high: int) -> None:
        _count(offsets, ledger.entries, payer, low, high, funded, sent)
        ends.append(int(offsets[high]))

    over_shares(count, offsets)
    for before, last in itertools.pairwise(sorted(ends)):  # each share was counted from zero
        for counts in (funded, sent):
            counts[before + 1 : last + 1] += counts[before]
    return funded, sent


@kernel
def _first_payers(rows, row, funder):
    """Write each wallet's largest in of its first second with value, and who sent at that second (−1: several)."""
    for i in range(rows.time.size):
        s, r, a = rows.sender[i], rows.receiver[i], rows.amount[i]
        if s == r or not a > 0:
            continue
        if row[r] < 0:
            row[r] = i
            funder[r] = s
        elif rows.time[row[r]] == rows.time[i]:
            if a > rows.amount[row[r]]:
                row[r] = i
            if funder[r] != s:
                funder[r] = _NONE


@kernel
def _follow(rows, row, funder, depth, payer):
    """Write how deep each wallet stands in a line of fresh wallets, in order, so that funders come first.

    Also who paid in each row: the sender s, −2 − s where the row funds a wallet, −1 where it is of a wallet to itself. All in one
    number, as `_count` looks at it in no order.
    """
    for i in range(rows.time.size):
        w = rows.receiver[i]
        payer[i] = rows.sender[i] if rows.sender[i] != w else _TO_ITSELF
        if row[w] == i and funder[w] >= 0:
            f = funder[w]
            payer[i] = -2 - f
            depth[w] = 1
            if row[f] >= 0 and rows.time[i] - WEEK <= rows.time[row[f]] < rows.time[i]:
                depth[w] += depth[f]


@kernel
def _count(offsets, entries, payer, low, high, funded, sent):
    """Count what funds and what is sent in the entries of the wallets from low to high, from zero."""
    funds = outs = 0
    for w in range(low, high):
        for e in range(offsets[w], offsets[w + 1]):
            p = payer[entries[e]]
            funds += p == -2 - w
            outs += (p == w) | (p == -2 - w)  # no branch: it would wait for memory
            funded[e + 1] = funds
            sent[e + 1] = outs
