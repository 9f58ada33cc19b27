"""Dates, windows and sizes as users write them: `2021-04-01`, `90d`, `all`, `2GB`. All periods are half-open: [start, end)."""

import datetime as dt
import re

import pandas as pd

from .errors import UsageError

_UNITS = {"h": 3_600, "d": 86_400, "w": 604_800}
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_MIN_MEMORY = 10**8


def parse_window(window: str | None) -> int | None:
    """Seconds of a window such as `90d`, `12h` or `4w`; None (no lower end) for None and `all`.

    Raises:
        UsageError: the text is not a window, or the window is empty.

    >>> parse_window("90d")
    7776000
    """
    if window is None or window == "all":
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})([hdw])", window)
    if not match:
        raise UsageError(f"window: a number and a unit are allowed (90d, 12h, 4w) or all, not {window!r}")
    return int(match[1]) * _UNITS[match[2]]


def parse_memory(size: str | None) -> int | None:
    """Bytes of a size such as `2GB` or `1500MB`; None (no bound) for None.

    Raises:
        UsageError: the text is not a size, or less than 100 MB.

    >>> parse_memory("2GB")
    2000000000
    """
    if size is None:
        return None
    match = re.fullmatch(r"(\d{1,6}(?:\.\d+)?) ?([MGT]B)", size.strip(), re.IGNORECASE)
    size_in_bytes = int(float(match[1]) * _BYTES[match[2].upper()]) if match else 0
    if size_in_bytes < _MIN_MEMORY:
        raise UsageError(f"memory: a size of at least 100MB is needed (2GB, 1500MB), not {size!r}")
    return size_in_bytes


def parse_as_of(as_of: str | dt.date | pd.Timestamp) -> pd.Timestamp:
    """An as-of date as a whole second in UTC; a date without a time zone is UTC.

    Raises:
        UsageError: it is not a date, or not within 1970 to 2199.

    >>> parse_as_of("2021-04-01")
    Timestamp('2021-04-01 00:00:00+0000', tz='UTC')
    """
    try:
        # a number is refused: its unit would be a guess
        timestamp = pd.Timestamp(as_of) if isinstance(as_of, str | dt.date) else pd.NaT
    except (ValueError, TypeError) as error:
        raise UsageError(f"as_of: a date such as 2021-04-01 or 2021-04-01T12:00Z is needed, not {as_of!r}") from error
    if timestamp is pd.NaT or not 1970 <= timestamp.year < 2200:
        raise UsageError(f"as_of: a date from 1970 to 2199 is needed, not {as_of!r}")
    timestamp = timestamp.tz_localize("UTC") if timestamp.tzinfo is None else timestamp.tz_convert("UTC")
    timestamp = timestamp.floor("s")
    assert isinstance(timestamp, pd.Timestamp)
    return timestamp
