"""Fees and automation: how a wallet signs and pays for its transactions. All of those it sent with a nonce, failed ones too.

No price level: gas prices are only compared with the chain's own of the hour before, or with each other.
"""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import part
from ..kernels.sorted_arrays import first_from, median, mode_count, sort
from ..kernels.statistics import mean_and_deviation, ratio
from ..kernels.wallet_view import ROUNDING, row_of
from .declaration import RATIO, SHARE, TRANSACTIONS, Feature, positions

_NONE = "no transaction it sent has a nonce"
_NO_PRICE = "no transaction it sent has a gas price, or none of the chain's stands in the day before"
_FEW = "fewer than two transactions it sent have a nonce"
_SIGNED = {"behaviour": 37, "needs": ("transactions",)}
_WALLET_ONLY = {**_SIGNED, "wallet_rows_only": True}

# fmt: off
FEATURES = (
    Feature("fees__failed__share", SHARE, "share of its transactions that failed",
            "failed ÷ transactions", "automation: Bybit 2025", null_when=_NONE, **_WALLET_ONLY),
    Feature("fees__price__relative_median", RATIO, "usual gas price, against the chain's of the hour before",
            "median of p, p = gas price ÷ median gas price of the chain's transactions in the last UTC hour that has "
            "any, "
            "before the transaction's own and at most 24 before it",
            "Tutela", null_when=_NO_PRICE, **_SIGNED),
    Feature("fees__price__relative_cv", RATIO, "spread of its gas price, against the chain's of the hour before",
            "population standard deviation ÷ mean of p, p as in fees__price__relative_median", "Tutela",
            null_when="fewer than two transactions have such a price, or all pay nothing", **_SIGNED),
    Feature("fees__price__urgent_share", SHARE,
            "share of transactions that pay more than twice the chain's gas price of the hour before",
            "share of p > 2·(1 + 1e-9), p as in fees__price__relative_median", "Bybit 2025: flood the zone",
            null_when=_NO_PRICE, **_SIGNED),
    # not era-safe: since August 2021 a base fee that changes with each block is part of the price
    Feature("fees__price__mode_share", SHARE, "share of transactions at its most common gas price",
            "most transactions with one gas price ÷ transactions with a gas price", "Tutela",
            null_when="no transaction it sent has a gas price", era_safe=False, **_WALLET_ONLY),
    Feature("fees__price__whole_gwei_share", SHARE, "share of transactions at a whole number of gwei",
            "share of gas prices that are multiples of 1e9 wei, of those known", "Tutela",
            null_when="no transaction it sent has a gas price", era_safe=False, **_WALLET_ONLY),
    Feature("fees__nonce__run_10min", TRANSACTIONS, "most transactions with consecutive nonces within ten minutes",
            "longest run of transactions, each nonce one more than the last, whose last t < first t + 600",
            "automation: Bybit 2025", null_when=_NONE, **_WALLET_ONLY),
    Feature("fees__nonce__next_within_1min_share", SHARE,
            "share of transactions sent less than a minute after the one with the nonce before",
            "share of consecutive transactions with nonce + 1 and less than 60 s between them",
            "automation: Bybit 2025", null_when=_FEW, **_WALLET_ONLY),
    Feature("fees__nonce__skip_share", SHARE, "share of transactions whose nonce skips some that were not seen",
            "share of consecutive transactions whose nonce differs by more than 1", "Farrugia et al. 2020",
            null_when=_FEW, **_WALLET_ONLY),
    # not era-safe: grows with a wallet's age
    Feature("fees__nonce__first", TRANSACTIONS, "number of transactions it had sent before the window",
            "smallest nonce of its transactions", "Farrugia et al. 2020", null_when=_NONE, era_safe=False,
            **_WALLET_ONLY),
    Feature("fees__calls__share", SHARE, "share of transactions that call a contract's method",
            "share with a method that is neither empty nor 0x", "Farrugia et al. 2020", null_when=_NONE, **_WALLET_ONLY),
    Feature("fees__calls__mode_share", SHARE, "share of its calls that go to its most common method",
            "most calls of one method ÷ calls", "automation: Bybit 2025",
            null_when="no transaction it sent calls a method", **_WALLET_ONLY),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def known(x, room):
    """The numbers of `x` that are not NaN, written to the beginning of `room`."""
    n = 0
    for a in x:
        if not np.isnan(a):
            room[n] = a
            n += 1
    return part(room, 0, n)


@kernel
def relative_prices(relative, room, out):
    """The features of prices against the chain's."""
    p = known(relative, room)
    if p.size == 0:
        return
    urgent = 0
    for a in p:
        urgent += a > 2 * (1 + ROUNDING)
    out[COLUMN.price__urgent_share] = urgent / p.size
    if p.size > 1:
        mean, deviation = mean_and_deviation(p)
        out[COLUMN.price__relative_cv] = ratio(deviation, mean)
    out[COLUMN.price__relative_median] = median(p)


@kernel
def prices(price, room, out):
    """The features of the prices themselves."""
    p = known(price, room)
    if p.size == 0:
        return
    whole = 0
    for a in p:
        whole += a % 1e9 == 0
    out[COLUMN.price__whole_gwei_share] = whole / p.size
    sort(p)
    out[COLUMN.price__mode_share] = mode_count(p) / p.size


@kernel
def nonces(time, nonce, out):
    """The features of the order in which a wallet numbers its transactions."""
    longest = 1
    smallest = nonce[0]
    first = quick = skips = 0
    for k in range(1, nonce.size):
        smallest = min(smallest, nonce[k])
        step = nonce[k] - nonce[k - 1]
        skips += step > 1 or step < -1
        quick += step == 1 and time[k] - time[k - 1] < 60
        if step != 1:
            first = k
        while time[k] - time[first] >= 600:
            first += 1
        longest = max(longest, k - first + 1)
    out[COLUMN.nonce__run_10min] = longest
    out[COLUMN.nonce__first] = smallest
    if nonce.size > 1:
        out[COLUMN.nonce__next_within_1min_share] = quick / (nonce.size - 1)
        out[COLUMN.nonce__skip_share] = skips / (nonce.size - 1)


@kernel
def calls(method, room, out):
    """The features of the methods called."""
    n = 0
    for m in method:
        if m >= 0:
            room[n] = m
            n += 1
    out[COLUMN.calls__share] = n / method.size
    if n:
        sort(part(room, 0, n))
        out[COLUMN.calls__mode_share] = mode_count(part(room, 0, n)) / n


@kernel
def features_of_snapshot(t, low, high, room, out, wanted):
    """The features of one snapshot, whose transactions stand at [low, high) of all; `room` has place for as many numbers."""
    failed = 0
    for k in range(low, high):
        failed += t.failed[k]
    out[COLUMN.failed__share] = failed / (high - low)
    if wanted[COLUMN.price__relative_median] or wanted[COLUMN.price__relative_cv] or wanted[COLUMN.price__urgent_share]:
        relative_prices(part(t.relative, low, high), room, out)
    if wanted[COLUMN.price__mode_share] or wanted[COLUMN.price__whole_gwei_share]:
        prices(part(t.price, low, high), room, out)
    nonces(part(t.time, low, high), part(t.nonce, low, high), out)
    if wanted[COLUMN.calls__share] or wanted[COLUMN.calls__mode_share]:
        calls(part(t.method, low, high), room, out)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    t = context.transactions
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            end = t.offsets[block.wallet[k] + 1]
            low = first_from(t.time, t.offsets[block.wallet[k]], end, block.since[k])
            high = first_from(t.time, low, end, block.as_of[k])
            if high > low:  # failed ones are no transfers: there may be more than the scratch has room for
                room = scratch.f0 if high - low <= scratch.f0.size else np.empty(high - low)
                features_of_snapshot(t, low, high, room, row_of(out, k, first_column), wanted)
