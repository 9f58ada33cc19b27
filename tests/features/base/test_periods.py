"""Dates, windows and sizes as users write them."""

import datetime as dt

import pandas as pd
import pytest

from walletprint.features import UsageError, parse_as_of, parse_memory, parse_window


@pytest.mark.parametrize(
    ("text", "size"), [(None, None), ("2GB", 2 * 10**9), ("1500 mb", 1_500_000_000), ("0.5gb", 500_000_000)]
)
def test_sizes_of_memory(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["2", "GB", "-1GB", "2 gigabytes", "5MB", "2KB", ""])
def test_what_is_no_size_of_memory_is_one_clear_line(text):
    with pytest.raises(UsageError, match="at least 100MB"):
        parse_memory(text)


@pytest.mark.parametrize(("text", "seconds"), [(None, None), ("all", None), ("90d", 7_776_000), ("12h", 43_200)])
def test_windows(text, seconds):
    assert parse_window(text) == seconds


@pytest.mark.parametrize("text", ["", "0d", "90", "d", "-1d", "1.5d", "90 d", "3m"])
def test_what_is_no_window_is_one_clear_line(text):
    with pytest.raises(UsageError, match="a number and a unit are allowed"):
        parse_window(text)


@pytest.mark.parametrize(
    "date",
    [
        "2021-04-01",
        "2021-04-01T02:00:00.9+02:00",
        dt.date(2021, 4, 1),
        pd.Timestamp("2021-04-01 09:00", tz="Asia/Tokyo"),
    ],
)
def test_dates_are_whole_seconds_in_utc(date):
    assert parse_as_of(date) == pd.Timestamp("2021-04-01", tz="UTC")


@pytest.mark.parametrize("date", ["soon", "", 1_600_000_000, None, pd.NaT, "1969-12-31", "2200-01-01"])
def test_what_is_no_date_is_one_clear_line(date):
    with pytest.raises(UsageError, match="as_of: a date"):
        parse_as_of(date)
