"""The front door to features: snapshots in, behavioural vectors out, and how much history each of them sees.

Checks requests; `engine.py` does the work.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..base.errors import UsageError
from ..base.kernel_compiler import kernel
from ..base.periods import parse_as_of, parse_window
from ..families.registry import catalogue
from ..ledger.ledger import Ledger
from .engine import LocatedSnapshots, plan_extraction, vectors

Progress = Callable[[int, int], None]
_EARLIEST = np.iinfo(np.int64).min


def snapshots_of(addresses: Sequence[str] | pa.Array, as_of: Any) -> pd.DataFrame:
    """One snapshot per address at one date: a frame of `address`, `as_of`.

    Args:
        addresses: strings, or an Arrow array of them such as `ledger.addresses`, which is fastest for millions.
        as_of: a date.

    Raises:
        UsageError: if `as_of` is not a date.
    """
    timestamp = parse_as_of(as_of)
    strings: Any = addresses
    strings = strings.to_pandas() if isinstance(addresses, pa.StringArray | pa.LargeStringArray) else list(strings)
    return pd.DataFrame(
        {
            "address": pd.Series(strings, dtype="str"),
            "as_of": pd.Series(timestamp, index=range(len(addresses)), dtype="datetime64[us, UTC]"),
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
        snapshots: a frame with `address` and `as_of` (UTC), one row per vector. An address without history gets null values.
        window: how far back to look from `as_of`, such as `90d`; None for all history. Transfers with
            as_of − window ≤ timestamp < as_of count, and no others.
        features: names from the catalogue; None for all that the ledger can give (`names_of`). Only their families are computed.
        on_progress: called with (transfers done, transfers in all) as blocks finish.

    Returns:
        A frame of `address`, `as_of` and one float64 column per feature; one row per snapshot, in their order.

    Raises:
        UsageError: if a feature is unknown, the window is not a period, or `snapshots` lacks a column.
    """
    names = names_of(ledger, features)
    plan = plan_extraction(ledger, _located(ledger, snapshots, window), parse_window(window), names)
    out = np.empty((len(snapshots), len(names)))
    done, total = 0, int(plan.snapshots.size.sum())
    for block, finished in vectors(plan):
        out[block] = finished
        done += int(plan.snapshots.size[block].sum())
        if on_progress:
            on_progress(done, total)
    return pd.concat([_key_columns(snapshots), pd.DataFrame(out, columns=names, copy=False)], axis=1)


def names_of(ledger: Ledger, features: Sequence[str] | None) -> list[str]:
    """The requested features; None for the whole catalogue, without those that need labels if the ledger has none."""
    if features is not None:
        return list(features)
    return [
        declared.name for declared in catalogue() if ledger.attribution is not None or "labels" not in declared.needs
    ]


def coverage(ledger: Ledger, snapshots: pd.DataFrame, *, window: str | None = None) -> pd.DataFrame:
    """How much history each snapshot sees.

    Returns:
        A frame of `address`, `as_of`, `transfers` (int64), `first`, `last` (UTC; NaT if none) and `priced_share` (of
        its transfers; NaN if none), one row per snapshot, in their order.

    Raises:
        UsageError: if the window is not a period, or `snapshots` lacks a column.
    """
    located = _located(ledger, snapshots, window)
    n, low, high = located.size, located.low, located.low + located.size
    some = n > 0
    ends = np.zeros((2, len(n)), np.int64)
    for row, position in ((0, low), (1, high - 1)):
        ends[row, some] = ledger.rows.time[ledger.entries[position[some]]]
    first, last = (
        pd.Series(pd.to_datetime(e, unit="s", utc=True)).astype("datetime64[us, UTC]").where(some) for e in ends
    )
    share = np.divide(_priced(ledger.entries, ledger.rows.usd, low, high), n, out=np.full(len(n), np.nan), where=some)
    return _key_columns(snapshots).assign(transfers=n, first=first, last=last, priced_share=share)


def _key_columns(snapshots: pd.DataFrame) -> pd.DataFrame:
    return snapshots.loc[:, ["address", "as_of"]].reset_index(drop=True)


def _located(ledger: Ledger, snapshots: pd.DataFrame, window: str | None) -> LocatedSnapshots:
    """The snapshots as numbers, checked."""
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
    ids = ledger.ids(snapshots["address"])
    low, high = ledger.entry_ranges(ids, start, as_of)
    return LocatedSnapshots(ids, low, high - low, start, as_of)


@kernel
def _priced(entries, usd, low, high):
    count = np.zeros(low.size, np.int64)
    if usd.size:
        for s in range(low.size):
            for k in range(low[s], high[s]):
                count[s] += not np.isnan(usd[entries[k]])
    return count
