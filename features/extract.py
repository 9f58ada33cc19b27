"""The driver: features of snapshots. Runs the families asked for over blocks of snapshots, on all cores.

Knows the order of the families and their scratch, not what they compute.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from .catalogue import FAMILIES, catalogue, feature
from .compiled import kernel
from .errors import UsageError
from .families import activity, amounts, counterparties, flow, timing, value
from .ledger import Ledger
from .periods import parse_as_of, parse_window
from .view import gather, scratch_for

Progress = Callable[[int, int], None]
_BLOCK = 200_000
_EARLIEST = np.iinfo(np.int64).min


def snapshots_of(addresses: Sequence[str], as_of: Any) -> pd.DataFrame:
    """One snapshot an address at one date: a frame of `address`, `as_of`.

    Raises:
        UsageError: if `as_of` is no date.
    """
    moment = parse_as_of(as_of)
    return pd.DataFrame(
        {
            "address": pd.Series(list(addresses), dtype="str"),
            "as_of": pd.Series(moment, index=range(len(addresses)), dtype="datetime64[us, UTC]"),
        }
    )


def extract(
    ledger: Ledger,
    snapshots: pd.DataFrame,
    *,
    window: str | None = None,
    features: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> pd.DataFrame:
    """Compute behavioural vectors.

    Args:
        ledger: the transfers.
        snapshots: a frame with `address` and `as_of` (UTC), one row a vector. An address without history gets null values.
        window: how far back to look from `as_of`, such as `90d`; None for all history. Transfers with
            as_of − window ≤ timestamp < as_of count, and no others.
        features: names from the catalogue; None for all. Only their families are computed.
        on_progress: called with (transfers done, transfers in all) as blocks finish.

    Returns:
        A frame of `address`, `as_of` and one float64 column a feature, a row a snapshot, in their order.

    Raises:
        UsageError: if a feature is unknown, the window is not a period, or `snapshots` lacks a column.
    """
    names = [f.name for f in catalogue()] if features is None else list(features)
    wanted = {feature(name).family for name in names}
    columns = [f for family in FAMILIES if family in wanted for f in catalogue(family)]
    ids, low, high, as_of = _located(ledger, snapshots, window)
    out = np.tile(np.array([f.null for f in columns]), (len(low), 1))
    starts = np.full(len(FAMILIES), -1)
    at = 0
    for i, family in enumerate(FAMILIES):
        if family in wanted:
            starts[i] = at
            at += len(catalogue(family))
    _run_blocks(ledger, ids, low, high, as_of, starts, out, on_progress)
    vectors = pd.DataFrame(out, columns=[f.name for f in columns], copy=False)[names]
    return pd.concat([_keys(snapshots), vectors], axis=1)


def coverage(ledger: Ledger, snapshots: pd.DataFrame, *, window: str | None = None) -> pd.DataFrame:
    """How much history each snapshot sees.

    Returns:
        A frame of `address`, `as_of`, `transfers` (int64), `first`, `last` (UTC; NaT if none) and `priced_share` (of
        its transfers; NaN if none), a row a snapshot, in their order.

    Raises:
        UsageError: if the window is not a period, or `snapshots` lacks a column.
    """
    _, low, high, _ = _located(ledger, snapshots, window)
    n = high - low
    some = n > 0
    ends = np.zeros((2, len(n)), np.int64)
    for row, at in ((0, low), (1, high - 1)):
        ends[row, some] = ledger.rows.time[ledger.entries[at[some]]]
    first, last = (
        pd.Series(pd.to_datetime(e, unit="s", utc=True)).astype("datetime64[us, UTC]").where(some) for e in ends
    )
    share = np.divide(_priced(ledger.entries, ledger.rows.usd, low, high), n, out=np.full(len(n), np.nan), where=some)
    return _keys(snapshots).assign(transfers=n, first=first, last=last, priced_share=share)


def _keys(snapshots: pd.DataFrame) -> pd.DataFrame:
    return snapshots.loc[:, ["address", "as_of"]].reset_index(drop=True)


def _located(ledger: Ledger, snapshots: pd.DataFrame, window: str | None) -> tuple[np.ndarray, ...]:
    """Each snapshot's wallet id, where its transfers stand in the ledger's entries (low, high), and its as-of date in seconds."""
    for column in ("address", "as_of"):
        if column not in snapshots.columns:
            raise UsageError(
                f"snapshots: a column {column!r} is needed; the frame has {', '.join(map(str, snapshots.columns))}"
            )
    if not isinstance(snapshots["as_of"].dtype, pd.DatetimeTZDtype):
        raise UsageError(
            f"snapshots: as_of must be dates with a time zone, not {snapshots['as_of'].dtype}; use tz_localize('UTC')"
        )
    missing = np.flatnonzero(snapshots["as_of"].isna().to_numpy())
    if missing.size:
        raise UsageError(f"snapshots: as_of is missing in row {missing[0] + 1}")
    seconds = parse_window(window)
    as_of = (
        snapshots["as_of"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
        // 1_000_000
    )
    start = np.full(len(as_of), _EARLIEST) if seconds is None else as_of - seconds
    ids = ledger.ids(snapshots["address"].tolist())
    return ids, *ledger.slices(ids, start, as_of), as_of


def _run_blocks(ledger, ids, low, high, as_of, starts, out, on_progress) -> None:
    """Run the kernels on blocks of about `_BLOCK` transfers; a wallet larger than that is a block of its own."""
    n = high - low
    blocks = np.split(np.arange(len(n)), np.flatnonzero(np.diff(np.cumsum(n) // _BLOCK)) + 1) if len(n) else []

    def run(block: np.ndarray) -> int:
        a, b = block[0], block[-1] + 1
        scratch = scratch_for(int(n[a:b].max()))
        _run(ledger.rows, ledger.entries, ids[a:b], low[a:b], high[a:b], as_of[a:b], starts, out[a:b], scratch)
        return int(n[a:b].sum())

    done, total = 0, int(n.sum())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for finished in pool.map(run, blocks):
            done += finished
            if on_progress:
                on_progress(done, total)


@kernel
def _run(rows, entries, ids, low, high, as_of, starts, out, s):
    """All wanted families over a block of snapshots; `starts[f]` is the first column of family f, −1 if it is not wanted."""
    for k in range(ids.size):
        if low[k] == high[k]:
            continue
        v = gather(rows, entries, low[k], high[k], ids[k], as_of[k], s)
        row = out[k]
        if starts[0] >= 0:
            activity.compute(v, row[starts[0] :])
        if starts[1] >= 0:
            value.compute(v, row[starts[1] :])
        if starts[2] >= 0:
            amounts.compute(v, row[starts[2] :], s.f0)
        if starts[3] >= 0:
            timing.compute(v, row[starts[3] :], s.f0)
        if starts[4] >= 0:
            counterparties.compute(v, row[starts[4] :], s.i0, s.f0)
        if starts[5] >= 0:
            flow.compute(v, row[starts[5] :], s.f0, s.f1, s.i0, s.i1, s.i2, s.i3)


@kernel
def _priced(entries, usd, low, high):
    found = np.zeros(low.size, np.int64)
    if usd.size:
        for s in range(low.size):
            for k in range(low[s], high[s]):
                found[s] += not np.isnan(usd[entries[k]])
    return found
