"""Carries the plan out in order of time: nobody spends what he does not have, and every sender pays his fee.

Balances are whole minor units, so that what is sent, received and paid in fees adds up exactly.
"""

import numpy as np
import numpy.typing as npt

from ...features.compiled import kernel
from .market import ETH, MINOR_UNITS, Floats, Ints
from .plan import GAS, PLAIN, REPLY, SHARE, TOKEN_GAS, UP_TO

_DUST = 10_000  # minor units; no one moves less: 1e-5 ETH, 0.01 of a token


@kernel
def _cut(amount, digits):
    """An amount > 0 cut to a number of significant digits (0 = left as it is)."""
    if digits == 0:
        return amount
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(amount)))
    return np.floor(amount * scale + 1e-9) / scale


@kernel
def _wanted(kind, amount, room, unit, answered):
    """What a row means to send, in whole units of its asset; `answered` = whole units that the row before it moved."""
    if kind == SHARE:
        return room * amount / unit
    if kind == REPLY:
        return amount * answered
    if kind == UP_TO and room < amount * unit:
        return room / unit if room >= 0.2 * amount * unit else 0.0
    return amount


@kernel
def _run(order, sender, receiver, amount, kind, asset, digits, after, failing, fee, units, balance, moved, happened):
    """Fill `happened` (minor units meant to move, 0 = not even tried) and `moved` (the same, but 0 where the attempt failed)."""
    for i in order:
        s, a = sender[i], asset[i]
        if after[i] >= 0 and moved[after[i]] <= 0:
            continue
        room = balance[s, a] - (fee[i] if a == ETH else 0)
        if balance[s, ETH] < fee[i] or room <= 0:
            continue
        answered = moved[after[i]] / units[asset[after[i]]] if after[i] >= 0 else 0.0
        wanted = _wanted(kind[i], amount[i], float(room), units[a], answered)
        if wanted * units[a] < _DUST:
            continue
        minor = np.int64(np.round(_cut(wanted, digits[i]) * units[a]))
        if minor < _DUST or minor > room + 1:  # one unit is rounding of a share
            continue
        minor = min(minor, room)
        balance[s, ETH] -= fee[i]
        happened[i] = minor
        if not failing[i]:
            balance[s, a] -= minor
            balance[receiver[i], a] += minor
            moved[i] = minor


def _fees(rows: dict[str, npt.NDArray], gwei: Floats) -> Ints:
    """Fee of each row in 1e-9 ETH (as a gwei is)."""
    plain = np.where(rows["asset"] == ETH, GAS[PLAIN], TOKEN_GAS)
    gas = np.where(rows["method"] == PLAIN, plain, GAS[rows["method"]])
    return np.round(gas * gwei).astype(np.int64)


def _transactions(rows: dict[str, npt.NDArray]) -> Ints:
    """The row that each row's transaction begins with: what answers another row at the same second is part of its transaction."""
    after, own = rows["after"], np.arange(len(rows["t"]))
    root = np.where((after >= 0) & (rows["t"] == rows["t"][np.maximum(after, 0)]), after, own)
    while (root[root] != root).any():
        root = root[root]
    return root


def settle(
    rows: dict[str, npt.NDArray], gwei: Floats, pays: npt.NDArray[np.bool_], funds: Ints
) -> dict[str, npt.NDArray]:
    """Carry out the rows of a plan.

    Args:
        rows: columns of `Plan.columns`, and `failing` (bool): an attempt that costs its fee and moves nothing.
        gwei: the gas price each row offers.
        pays: by wallet, False for contracts, which pay no fee.
        funds: by wallet and asset, minor units held before the first row.

    Returns:
        By row: `minor` (minor units, 0 = did not happen), `fee` (1e-9 ETH, 0 = paid by another leg or by no one), `transaction`
        (the row that its transaction began with).
    """
    n, root = len(gwei), _transactions(rows)
    inner = (root != np.arange(n)) | ~pays[rows["sender"]]
    fee = np.where(inner, 0, _fees(rows, gwei))
    moved, happened, balance = np.zeros(n, np.int64), np.zeros(n, np.int64), funds.copy()
    columns = [rows[name] for name in ("sender", "receiver", "amount", "kind", "asset", "digits", "after", "failing")]
    _run(np.argsort(rows["t"], kind="stable"), *columns, fee, MINOR_UNITS, balance, moved, happened)
    return {"minor": happened, "fee": np.where(happened > 0, fee, 0), "transaction": root}
