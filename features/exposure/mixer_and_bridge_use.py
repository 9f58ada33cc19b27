"""How wallets use mixers and bridges, by their own transfers and the groups of the wallets at the other end."""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import part
from ..kernels.sorted_arrays import distinct_count, median, mode_count, sort
from ..kernels.statistics import most_within
from ..kernels.wallet_view import DAY

HOUR = 3_600
_LOOK = 1_000  # transfers after an inflow from a mixer that are looked at
POOLS, RECENCY, MODAL, HOURLY, FAN, BRIDGES, LAG = range(7)


@kernel
def mixer_and_bridge_features(
    rows, offsets, entries, groups, mixer, bridge, wallet, size, as_of, received, lead, least, out
):
    """Write the features of snapshots.

    Args:
        rows, offsets, entries: of the ledger.
        groups: uint8[wallets], one bit per group; `mixer` and `bridge` are such bits.
        wallet, size, as_of: int64[snapshots], the wallet, how many of its entries are before the date, and the date.
        received: float64[snapshots], what it received of its leading asset `lead` (int64; −1: none).
        least: the share of it that is no dust.
        out: float64[snapshots, 7], in the order of the constants above.
    """
    time, sender, receiver, amount, asset, _, _, _ = rows
    longest = 1
    for k in range(wallet.size):
        longest = max(longest, size[k])
    times, amounts = np.empty(longest, np.int64), np.empty(longest)
    who, lags = np.empty(longest, np.int64), np.empty(longest)
    for k in range(wallet.size):
        w = wallet[k]
        if w < 0 or size[k] == 0:
            continue
        mine = part(entries, offsets[w], offsets[w] + size[k])
        to_mixers(time, sender, receiver, amount, mine, groups, mixer, w, as_of[k], times, amounts, who, out, k)
        to_bridges(time, sender, receiver, amount, mine, groups, bridge, w, lags, who, out, k)
        from_mixers(
            time, sender, receiver, amount, asset, mine, groups, mixer, w, received[k] * least, lead[k], who, out, k
        )


@kernel
def to_mixers(time, sender, receiver, amount, mine, groups, mixer, w, as_of, times, amounts, who, out, k):
    """Payments to mixers: how many pools, how long ago, of one amount, within an hour; `times`, `amounts`, `who` are scratch."""
    n = 0
    for i in mine:
        other = receiver[i]
        if sender[i] == w and other != w and amount[i] > 0 and groups[other] & mixer:
            times[n], amounts[n], who[n] = time[i], amount[i], other
            n += 1
    if n == 0:
        return
    out[k, RECENCY] = (as_of - times[n - 1]) / DAY
    out[k, HOURLY] = most_within(part(times, 0, n), HOUR)
    pools, paid = part(who, 0, n), part(amounts, 0, n)
    sort(pools)
    sort(paid)
    out[k, POOLS] = distinct_count(pools)
    out[k, MODAL] = mode_count(paid) / n


@kernel
def to_bridges(time, sender, receiver, amount, mine, groups, bridge, w, lags, who, out, k):
    """Payments to bridges: how many, and how soon after an inflow; `lags` and `who` are scratch."""
    n = lag_count = ahead = 0
    last = np.int64(-1)
    for i in mine:
        while ahead < mine.size and time[mine[ahead]] <= time[i]:
            j = mine[ahead]
            last = time[j] if sender[j] != w and amount[j] > 0 else last
            ahead += 1
        other = receiver[i]
        if sender[i] == w and other != w and amount[i] > 0 and groups[other] & bridge:
            who[n] = other
            n += 1
            if last >= 0:
                lags[lag_count] = time[i] - last
                lag_count += 1
    if n:
        bridges = part(who, 0, n)
        sort(bridges)
        out[k, BRIDGES] = distinct_count(bridges)
    if lag_count:
        out[k, LAG] = median(part(lags, 0, lag_count))


@kernel
def from_mixers(time, sender, receiver, amount, asset, mine, groups, mixer, w, least, lead, who, out, k):
    """The widest fan within a day of an inflow of at least `least` from a mixer; `who` is scratch."""
    best = -1
    for at in range(mine.size):
        i = mine[at]
        if sender[i] == w or not groups[sender[i]] & mixer or asset[i] != lead or amount[i] <= 0 or amount[i] < least:
            continue
        n, e = 0, at
        while e > 0 and time[mine[e - 1]] == time[i]:
            e -= 1
        stop = min(e + _LOOK, mine.size)
        while e < stop and time[mine[e]] < time[i] + DAY:
            j = mine[e]
            if sender[j] == w and receiver[j] != w and amount[j] > 0:
                who[n] = receiver[j]
                n += 1
            e += 1
        fan = part(who, 0, n)
        sort(fan)
        best = max(best, distinct_count(fan))
    if best >= 0:
        out[k, FAN] = best
