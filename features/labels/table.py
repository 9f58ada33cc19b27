"""The table of labels: its columns, how a finished one is read and checked, and which labels were known on a date.

Converts no published formats (`builder.py` and the readers) and checks no checksums (`checksums.py`).
"""

import json
import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ..base.errors import DataError, UsageError
from ..base.read_table import read_small_table
from ..transfers.addresses import address_problems, normalise_addresses
from .categories import IDS

REQUIRED = ("address", "category")
COLUMNS = (
    "address",
    "network",
    "category",
    "actor",
    "case",
    "name",
    "confidence",
    "source",
    "programmes",
    "known_from",
    "known_until",
    "aliases",
)
DATES = ("known_from", "known_until")
SCHEMA = pa.schema(
    [
        pa.field("address", pa.string(), nullable=False),  # EVM in lower case, others unchanged
        pa.field("network", pa.string()),  # ethereum, bitcoin, tron …, if the source or the form of the address says so
        pa.field("category", pa.string(), nullable=False),  # one of IDS
        pa.field("actor", pa.string()),  # id in `actors.toml`, or else the name that the source uses
        pa.field("case", pa.string()),  # id of a theft or campaign
        pa.field("name", pa.string()),  # what the source calls it
        pa.field("confidence", pa.float64()),  # 0–1
        pa.field("source", pa.string()),
        pa.field("programmes", pa.string()),  # of sanctions, joined by |
        pa.field("known_from", pa.timestamp("us", "UTC")),  # the first day the public could know; null: not known
        pa.field("known_until", pa.timestamp("us", "UTC")),  # the day it was withdrawn; null: it stands
        pa.field("aliases", pa.string()),  # other names of the entity, joined by |
    ]
)
ORDER = ("address", "category", "source", "name")


@dataclass(frozen=True)
class Labels:
    """What was read: `good`, one row per label with all of COLUMNS; `bad`, the others as row (from 1), reason, record (JSON)."""

    good: pd.DataFrame
    bad: pd.DataFrame


def read_labels(source: str | os.PathLike[str] | pd.DataFrame) -> Labels:
    """Read and check labels. Bad rows are returned separately, with their reasons.

    Args:
        source: a CSV or Parquet file, or a frame, with `address` and `category` (one of `IDS`), and optionally the other
            columns of `COLUMNS`: dates in UTC (`known_from`: nobody could know before), `confidence` from 0 to 1, and text.
            Other columns are dropped.

    Returns:
        Labels with addresses normalised and dates in UTC or NaT.

    Raises:
        DataError: the file is missing or is not a table, lacks a column, or has no good row.
    """
    name, raw = read_small_table(source, "labels")
    if missing := [required for required in REQUIRED if required not in raw.columns]:
        columns = ", ".join(map(str, raw.columns)) or "none"
        raise DataError(
            f"{name}: column {missing[0]} is missing; labels need address and category; the columns are {columns}"
        )
    columns = {name: text(raw, name) for name in COLUMNS if name not in ("confidence", *DATES)}
    addresses = pa.array(columns["address"], pa.string(), from_pandas=True)
    columns["address"] = pd.Series(normalise_addresses(addresses).to_pylist(), dtype="str")
    columns["confidence"], no_share = confidences(raw)
    columns["known_from"], not_from = read_dates(raw, "known_from")
    columns["known_until"], not_until = read_dates(raw, "known_until")
    reasons = first_reason(
        address_problems_of(addresses), _no_category(columns["category"]), not_from, not_until, no_share
    )
    table = pd.DataFrame({name: columns[name].reset_index(drop=True) for name in COLUMNS})
    return _labels_of(name, table, reasons, raw)


def active(labels: pd.DataFrame, as_of: str | pd.Timestamp) -> pd.DataFrame:
    """The labels that the public could know on a date and that had not been withdrawn by then.

    Args:
        labels: as from `read_labels`; needs `known_from`, and `known_until` if labels are ever withdrawn.
        as_of: a date or timestamp; UTC if it has no zone.

    Returns:
        The rows with known_from < as_of and not known_until ≤ as_of, in their order; never those without `known_from`.

    Raises:
        UsageError: `as_of` is not a date.
    """
    try:
        date = pd.to_datetime(as_of, utc=True)
    except (ValueError, TypeError):
        date = None
    if not isinstance(date, pd.Timestamp):  # NaT is not one
        raise UsageError(f"as_of: a date such as 2021-04-01 is needed, not {as_of!r}")
    known = labels["known_from"] < date
    if "known_until" in labels.columns:
        known &= ~(labels["known_until"] <= date)
    return labels.loc[known]


def sorted_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Labels in COLUMNS, each once, sorted by ORDER and then by all other columns, so that equal rows give equal tables."""
    rest = [name for name in COLUMNS if name not in ORDER]
    plain = labels.loc[:, list(COLUMNS)].drop_duplicates()
    return plain.sort_values([*ORDER, *rest], na_position="last", ignore_index=True)


def as_arrow(labels: pd.DataFrame) -> pa.Table:
    """Labels as an Arrow table in SCHEMA."""
    arrays = {}
    for field in SCHEMA:
        column = labels[field.name]
        if field.name in DATES:
            column = column.dt.tz_convert(None)
            arrays[field.name] = pa.array(column.to_numpy(), from_pandas=True).cast(field.type)
        else:
            arrays[field.name] = pa.array(column, field.type, from_pandas=True)
    return pa.table(arrays, schema=SCHEMA)


def column_of(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of a frame; nulls where it has no column of that name."""
    if name in frame.columns:
        return pd.Series(frame.loc[:, name])
    return pd.Series([None] * len(frame), index=frame.index, dtype="object")


def text(raw: pd.DataFrame, name: str) -> pd.Series:
    """A column as strings or nulls, numbered from 0."""
    given = _numbered(raw, name).astype("object")
    return pd.Series(given.astype("str").where(given.notna()), dtype="str")


def _numbered(raw: pd.DataFrame, name: str) -> pd.Series:
    return column_of(raw, name).reset_index(drop=True)


def address_problems_of(addresses: pa.Array) -> pd.Series:
    """What is wrong with each address, null where nothing is."""
    problems = zip(address_problems(addresses).to_pylist(), addresses.to_pylist(), strict=True)
    return pd.Series([problem and f"{problem} ({address!r})" for problem, address in problems], dtype="object")


def _no_category(category: pd.Series) -> pd.Series:
    known = set(IDS)

    def problem(value: object) -> str | None:
        if value in known:
            return None
        what = f"{value!r} is unknown" if isinstance(value, str) else "is missing"
        return f"category {what}; allowed are {', '.join(IDS)}"

    return pd.Series([problem(value) for value in category], dtype="object")


def read_dates(raw: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """A column of dates in UTC (NaT where there is no date), and what is wrong with each, null where nothing is."""
    given = _numbered(raw, name)
    numbers = pd.api.types.is_numeric_dtype(given) and np.any(given.notna().to_numpy())
    read = pd.to_datetime(given.astype("str") if numbers else given, utc=True, errors="coerce", format="ISO8601")
    bad = given.notna().to_numpy() & (read.isna().to_numpy() | np.bool_(numbers))
    return read.astype("datetime64[us, UTC]"), _reasons(given, bad, f"{name} must be a date such as 2021-03-04")


def confidences(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The column `confidence` as numbers, and what is wrong with each, null where nothing is."""
    given = _numbered(raw, "confidence")
    read = pd.Series(pd.to_numeric(given, errors="coerce"), dtype="float64")
    bad = given.notna().to_numpy() & ~read.between(0, 1).to_numpy()
    return read, _reasons(given, bad, "confidence must be a number from 0 to 1")


def _reasons(given: pd.Series, bad: np.ndarray, needed: str) -> pd.Series:
    return pd.Series(
        [f"{needed}, not {value!r}" if wrong else None for value, wrong in zip(given, bad, strict=True)], dtype="object"
    )


def first_reason(*problems: pd.Series) -> pd.Series:
    """The first reason of each row, None where there is none."""
    reasons = problems[0]
    for more in problems[1:]:
        reasons = reasons.where(reasons.notna(), more)
    return reasons


def _labels_of(name: str, table: pd.DataFrame, reasons: pd.Series, raw: pd.DataFrame) -> Labels:
    wrong = reasons.notna().to_numpy()
    rows = np.flatnonzero(wrong)
    if len(table) and wrong.all():
        raise DataError(f"{name}: none of the {len(table)} rows is good; row 1: {reasons.iloc[0]}")
    plain = raw.iloc[rows].astype("object")
    records = [
        json.dumps(record, default=str, ensure_ascii=False)
        for record in plain.where(plain.notna(), None).to_dict("records")
    ]
    bad = pd.DataFrame({"row": rows + 1, "reason": reasons.iloc[rows].astype("str").to_numpy(), "record": records})
    return Labels(table.loc[~wrong, :].reset_index(drop=True), bad)
