"""The addresses and dates of a request, cleaned. A mistake in a row is that row's error, not the request's."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ...features.base.errors import UsageError
from ...features.base.periods import parse_as_of
from ...features.transfers import columns as col
from ...features.transfers.addresses import address_problems, normalise_addresses

TIME = "datetime64[us, UTC]"


def requested_rows(addresses: Any, as_of: Any) -> pd.DataFrame:
    """One row per address, in the order given: `address` as given, `as_of`, `wallet` (the address normalised), `error` or None.

    Args:
        addresses: strings in any sequence, or a frame with a column `address` and perhaps `as_of`.
        as_of: the date for all rows; a date of its own in the frame takes precedence.

    Raises:
        UsageError: there is no column `address`, no date at all, or `as_of` is not a date.
    """
    column, dates = _columns(addresses)
    default = pd.NaT if as_of is None else parse_as_of(as_of)
    if dates is None and as_of is None:
        raise UsageError("as_of: a date is needed, for all addresses (as_of=…) or as a column as_of beside address")
    given = _texts(column)
    dates = pd.Series([None] * len(given), dtype=object) if dates is None else dates
    times, date_errors = _times(dates, default)
    errors = pd.Series(address_problems(given).to_numpy(zero_copy_only=False), dtype=object)
    return pd.DataFrame(
        {
            "address": pd.array(given, dtype="str"),
            "as_of": times,
            "wallet": pd.array(normalise_addresses(given), dtype="str"),
            "error": errors.where(errors.notna(), date_errors),
        }
    )


def _columns(addresses: Any) -> tuple[Iterable[Any], pd.Series | None]:
    if isinstance(addresses, str):
        raise UsageError(f"addresses: a sequence is needed, not the one string {addresses!r}; put it in a list")
    if not isinstance(addresses, pd.DataFrame):
        return addresses, None
    if "address" not in addresses.columns:
        names = ", ".join(map(str, addresses.columns)) or "none"
        raise UsageError(f"addresses: a column `address` is needed, got: {names}")
    return addresses.loc[:, "address"], addresses.loc[:, "as_of"] if "as_of" in addresses.columns else None


def _texts(column: Any) -> pa.Array:
    """The addresses as text; a column of texts is taken as it is, without checking each."""
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        column = column.to_pandas()
    kind = getattr(column, "dtype", None)
    if isinstance(kind, pd.StringDtype) and kind.storage == "pyarrow":
        return col.as_array(pa.array(column)).cast(pa.string())
    return pa.array([_text(value) for value in column], pa.string())


def _text(value: Any) -> str | None:
    if not isinstance(value, str) and pd.isna(value):
        return None
    return str(value).encode("utf-8", "replace").decode()  # Arrow refuses half a surrogate pair


def _times(dates: pd.Series, default: Any) -> tuple[pd.Series, np.ndarray]:
    """Dates in UTC, `default` where none is given, and what is wrong with those that are not dates."""
    codes, different = pd.factorize(dates.where(dates != "", None))  # each different date is parsed once
    parsed = [_time(value) for value in different]
    parsed.append((default, "no as_of was given" if default is pd.NaT else None))  # code −1: missing
    times = pd.Series([time for time, _ in parsed], dtype=TIME).iloc[codes].reset_index(drop=True)
    return times, np.array([error for _, error in parsed], dtype=object)[codes]


def _time(value: Any) -> tuple[Any, str | None]:
    try:
        return parse_as_of(value), None
    except UsageError as error:
        return pd.NaT, str(error)
