"""What the columns of any table hold: numbers, dates or texts, and which of them speak of time, of size, or only name a row.

A column is judged by its values first and by the words of its name second. Labels and splits are not known here.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

NUMBER, DATE, TEXT, OTHER = "number", "date", "text", "other"
_TIME = (
    "age ages block blocks date dates datetime epoch era first height last lifetime month recency since span "
    "tenure time times timestamp timestamps ts year"
)
TIME_WORDS = frozenset(_TIME.split())
"""Words in names that speak of when, or for how long. `day` and `hours` are units of much else, so they are left out."""
_SHARE = "entropy flag fraction gini nonce rank ratio share"
NO_TIME = frozenset(_SHARE.split())
"""Words that rule out a time: the share of the first transfer is not when it was."""
_SIZE = (
    "amount amounts balance count counts degree n nb num number received sent size sum total totals transactions "
    "transfers tx txs tnx tnxs volume"
)
SIZE_WORDS = frozenset(_SIZE.split())
_NO = "average avg between gap max maximum mean median min minimum per std var"
NO_SIZE = TIME_WORDS | NO_TIME | frozenset(_NO.split())
"""Words that make a size a share, an average or an extreme, which says little about how much a wallet moves."""
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "nat"})
_ISO = r"\d{4}-\d{2}-\d{2}([ T].*)?"
_SECONDS = (1.2e9, 2.6e9)  # 2008 to 2052: since blocks are made
_YEARS = (2008, 2052)
DAY, _MILLI = 86_400, 1000.0
_RISING, _DISTINCT, _ROWS = 0.98, 0.5, 20


@dataclass(frozen=True)
class Column:
    """A column as numbers.

    Attributes:
        kind: number, date (values in days since 1970), text (values are ranks of frequency), or other (lists and the like).
        values: float64 of shape (n,), NaN where missing.
        names_row: whether it numbers the rows, or names each of them.
    """

    kind: str
    values: np.ndarray
    names_row: bool = False


def column_of(series: pd.Series) -> Column:
    """A column as numbers, and what it holds. Numbers and dates may be written as text."""
    if pd.api.types.is_bool_dtype(series.dtype) or pd.api.types.is_numeric_dtype(series.dtype):
        return _number(series.to_numpy(dtype=np.float64, na_value=np.nan))
    if isinstance(series.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(series.dtype):
        return Column(DATE, in_days(pd.to_datetime(series, utc=True)))
    if series.map(lambda value: isinstance(value, list | dict | tuple | set | np.ndarray)).any():
        return Column(OTHER, np.full(len(series), np.nan))
    return _of_text(texts(series))


def texts(series: pd.Series) -> pd.Series:
    """A column as stripped text, null where it is missing or holds a word for missing."""
    present = series.notna()
    text = series.where(present, "").astype("str").str.strip()
    return text.where(present & ~text.str.casefold().isin(list(_MISSING)))


def is_date_like(name: str, column: Column) -> bool:
    """Whether a column speaks of when or for how long: by its values (dates, Unix time, years), or by a word of its name."""
    name_words = words(name)
    by_name = bool(name_words & TIME_WORDS) and not name_words & NO_TIME
    return column.kind != TEXT and (column.kind == DATE or _is_timestamp(column.values) or by_name)


def is_size_like(name: str, column: Column) -> bool:
    """Whether a column counts or sums, by the words of its name."""
    name_words = words(name)
    return column.kind == NUMBER and bool(name_words & SIZE_WORDS) and not name_words & NO_SIZE


def words(name: str) -> set[str]:
    """The words of a column's name, in lower case.

    >>> sorted(words("Time Diff between first and last (Mins)"))
    ['and', 'between', 'diff', 'first', 'last', 'mins', 'time']
    >>> sorted(words("activity__recencyIn__days"))
    ['activity', 'days', 'in', 'recency']
    """
    separated = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return {word for word in re.split(r"[^a-z0-9]+", separated.casefold()) if word}


def _of_text(text: pd.Series) -> Column:
    present = text.dropna()
    number: Any = pd.to_numeric(present, errors="coerce")
    if number.notna().all():
        return _number(number.reindex(text.index).to_numpy(dtype=np.float64))
    truth = present.str.casefold().map({"true": 1.0, "false": 0.0})
    if truth.notna().all():
        return Column(NUMBER, truth.reindex(text.index).to_numpy(dtype=np.float64))
    if present.str.fullmatch(_ISO).all():
        timestamps = pd.to_datetime(present, utc=True, errors="coerce", format="ISO8601")
        if timestamps.notna().all():
            return Column(DATE, in_days(timestamps.reindex(text.index)))
    return _coded(text)


def _number(values: np.ndarray) -> Column:
    finite = np.where(np.isinf(values), np.nan, values)
    return Column(NUMBER, finite, _counts_rows(finite) and not _is_timestamp(finite))


def _coded(text: pd.Series) -> Column:
    """Texts as ranks of their frequency: 0 is the most frequent; equally frequent ones go by the alphabet."""
    counts = text.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    codes = pd.Series(np.arange(len(counts), dtype=np.float64), index=counts.index)
    unique = len(counts) >= _ROWS and len(counts) > _DISTINCT * len(text)
    return Column(TEXT, text.map(codes).to_numpy(dtype=np.float64), unique)


def _counts_rows(values: np.ndarray) -> bool:
    """Whether whole numbers rise from row to row, as counters do. A counter that restarts now and then counts too."""
    if len(values) < _ROWS or np.isnan(values).any() or (values != np.round(values)).any():
        return False
    return bool((np.diff(values) > 0).mean() >= _RISING and np.unique(values).size >= _DISTINCT * len(values))


def _is_timestamp(values: np.ndarray) -> bool:
    """Whether all numbers could be Unix seconds or milliseconds since 2008, days as 20210401, or years, and differ."""
    present = values[~np.isnan(values)]
    if present.size < 2 or present.min() == present.max():
        return False
    low, high = float(present.min()), float(present.max())
    scaled = [(low / scale, high / scale) for scale in (1.0, _MILLI)]
    whole = bool((present == np.round(present)).all())
    ranges = [_SECONDS[0] <= a and b <= _SECONDS[1] for a, b in scaled]
    return any(ranges) or (whole and (_written_as_day(present) or (low >= _YEARS[0] and high <= _YEARS[1])))


def _written_as_day(values: np.ndarray) -> bool:
    month, day = values // 100 % 100, values % 100
    years = (values >= 20_080_101) & (values <= 20_521_231)
    return bool((years & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def clock(column: Column) -> np.ndarray:
    """A date column as days since 1970, from dates or Unix seconds or milliseconds; other numbers (time steps) as they are."""
    if column.kind == DATE or not _is_timestamp(column.values) or np.nanmax(column.values) < _SECONDS[0]:
        return column.values
    scale = 1.0 if np.nanmax(column.values) <= _SECONDS[1] else _MILLI
    return column.values / scale / DAY


def in_days(timestamps: pd.Series) -> np.ndarray:
    """Timestamps (UTC) in days since 1970, NaN for NaT; shape (n,)."""
    return ((timestamps - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
