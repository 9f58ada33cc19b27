"""Transactions: what each wallet signed, in order, each once, and how its gas prices compare with the chain's of the hour before.

Rows that share sender, time and nonce are one transaction, described by the first of them in the ledger's order. (One address
may have the same nonce on several chains.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.context import Transactions
from ..kernels.sorted_arrays import median, sort_pairs
from .threads import over_shares

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_HOUR = 3_600
_BACK = 24  # hours


class _Sorted(NamedTuple):
    """The columns of `SignedTransactions` but the sender, by sender."""

    time: np.ndarray
    nonce: np.ndarray
    price: np.ndarray
    failed: np.ndarray
    method: np.ndarray


def build_transactions(ledger: Ledger) -> Transactions:
    """The signed transactions of a ledger by sender."""
    signed = ledger.signed_transactions
    wallets = max(len(ledger.addresses), int(signed.sender.max(initial=-1)) + 1)
    starts = np.concatenate([[0], np.cumsum(np.bincount(signed.sender, minlength=wallets))])
    by = _Sorted(*(np.empty_like(column) for column in signed[1:]))
    fill = starts[:-1].copy()
    over_shares(lambda a, b: _by_sender(a, b, signed, fill, by), starts)
    is_first = np.ones(len(by.time), bool)
    over_shares(lambda a, b: _by_nonce(a, b, starts, by, is_first), starts)
    if not is_first.all():
        starts = np.concatenate([[0], np.cumsum(is_first)])[starts]
        by = _Sorted(*(column[is_first] for column in by))
    return Transactions(
        offsets=starts,
        time=by.time,
        nonce=by.nonce,
        price=by.price,
        relative=_against_hour_before(by.time, by.price),
        failed=by.failed.view(np.uint8),
        method=by.method,
    )


def _against_hour_before(time: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Each price ÷ the median of the last hour with prices before its own; NaN: none within a day, or it is zero."""
    if not len(time):
        return np.empty(0)
    hour = time // _HOUR
    first = hour.min()
    starts, prices = _by_hour(hour, price, first, int(hour.max() - first + 1))
    medians = np.empty(len(starts) - 1)
    over_shares(lambda a, b: _medians(a, b, starts, prices, medians), starts)
    return _relative(hour, price, first, medians)


@kernel
def _by_sender(first, last, signed, fill, by):
    """Copy those of wallets first … last − 1 into `by`: each wallet's from fill[w] on, in order of time as they come."""
    sender, time, nonce, price, failed, method = signed
    for i in range(sender.size):
        w = sender[i]
        if first <= w < last:
            k = fill[w]
            fill[w] += 1
            by.time[k], by.nonce[k], by.price[k] = time[i], nonce[i], price[i]
            by.failed[k], by.method[k] = failed[i], method[i]


@kernel
def _by_nonce(first, last, starts, by, is_first):
    """Sort those of wallets first … last − 1 by nonce within each second, and set is_first[k] to False where one comes again."""
    for w in range(first, last):
        begin = starts[w]
        for k in range(starts[w] + 1, starts[w + 1] + 1):
            if k < starts[w + 1] and by.time[k] == by.time[begin]:
                continue
            if k - begin > 1:
                _sort_second(by, begin, k)
                for j in range(begin + 1, k):
                    is_first[j] = by.nonce[j] != by.nonce[j - 1]
            begin = k


@kernel
def _sort_second(by, begin, end):
    """Sort the transactions of one sender and second by nonce; of equal ones the first stays first."""
    at, nonces = np.arange(begin, end), by.nonce[begin:end].copy()
    sort_pairs(nonces, at, at)
    by.nonce[begin:end] = nonces
    by.price[begin:end] = by.price[at]
    by.failed[begin:end] = by.failed[at]
    by.method[begin:end] = by.method[at]


@kernel
def _by_hour(hour, price, first, hours):
    """The prices that are known, by hour (a counting sort); those of hour first + h begin at starts[h]."""
    starts = np.zeros(hours + 1, np.int64)
    for k in range(hour.size):
        starts[hour[k] - first + 1] += not np.isnan(price[k])
    for h in range(hours):
        starts[h + 1] += starts[h]
    fill = starts[:-1].copy()
    prices = np.empty(starts[-1])
    for k in range(hour.size):
        if not np.isnan(price[k]):
            prices[fill[hour[k] - first]] = price[k]
            fill[hour[k] - first] += 1
    return starts, prices


@kernel
def _medians(first, last, starts, prices, medians):
    """The median of each of the hours first … last − 1; moves their prices about."""
    for h in range(first, last):
        medians[h] = median(prices[starts[h] : starts[h + 1]])


@kernel
def _relative(hour, price, first, medians):
    before = np.full(medians.size, np.nan)
    latest = -1
    for h in range(medians.size):
        if latest >= 0 and h - latest <= _BACK and medians[latest] > 0:
            before[h] = medians[latest]
        if not np.isnan(medians[h]):
            latest = h
    relative = np.empty(hour.size)
    for k in range(hour.size):
        relative[k] = price[k] / before[hour[k] - first]
    return relative
