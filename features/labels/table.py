"""The table of labels: its columns, reading and checking one that is made, and which labels stood at a moment.

Converts no source's own format (`build.py` and the readers) and checks no checksum (`checksums.py`).
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
        pa.field("address", pa.string(), nullable=False),  # EVM in lower case, others as they are
        pa.field(
            "network", pa.string()
        ),  # ethereum, bitcoin, tron …, where the source or the form of the address tells
        pa.field("category", pa.string(), nullable=False),  # one of IDS
        pa.field("actor", pa.string()),  # id of the data file of actors, or else the source's name of the entity
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
    """What was read: `good`, a row a label with all of COLUMNS; `bad`, the others as row (from 1), reason, record (JSON)."""

    good: pd.DataFrame
    bad: pd.DataFrame


def read_labels(source: str | os.PathLike[str] | pd.DataFrame) -> Labels:
    """Read and check labels. Bad rows are set aside with their reasons, and the others go on.

    Args:
        source: a CSV or Parquet file, or a frame, with `address` and `category` (one of `IDS`), and optionally the other
            columns of `COLUMNS`: dates in UTC (`known_from`: before it nobody could know), `confidence` from 0 to 1, and text.
            Others are left out.

    Returns:
        Labels with addresses normalised and dates in UTC or NaT.

    Raises:
        DataError: the file is missing or no table, lacks a column, or has rows but no good one.
    """
    place, raw = read_small_table(source, "labels")
    if missing := [name for name in REQUIRED if name not in raw.columns]:
        came = ", ".join(map(str, raw.columns)) or "none"
        raise DataError(
            f"{place}: column {missing[0]} is missing; labels need address and category; the columns are {came}"
        )
    columns = {name: text(raw, name) for name in COLUMNS if name not in ("confidence", *DATES)}
    addresses = pa.array(columns["address"], pa.string(), from_pandas=True)
    columns["address"] = pd.Series(normalise_addresses(addresses).to_pylist(), dtype="str")
    columns["confidence"], no_share = confidences(raw)
    columns["known_from"], not_from = moments(raw, "known_from")
    columns["known_until"], not_until = moments(raw, "known_until")
    reasons = first(no_address(addresses), _no_category(columns["category"]), not_from, not_until, no_share)
    table = pd.DataFrame({name: columns[name].reset_index(drop=True) for name in COLUMNS})
    return _sorted_out(place, table, reasons, raw)


def active(labels: pd.DataFrame, moment: str | pd.Timestamp) -> pd.DataFrame:
    """The labels that the public could know at a moment and that had not been withdrawn by then.

    Args:
        labels: as `read_labels` gives them; needs `known_from`, and `known_until` where labels are ever withdrawn.
        moment: a date or timestamp; without a zone it is UTC.

    Returns:
        The rows with known_from < moment and not known_until ≤ moment, in their order; a row without `known_from` is never one.

    Raises:
        UsageError: the moment is none.
    """
    try:
        at = pd.to_datetime(moment, utc=True)
    except (ValueError, TypeError):
        at = None
    if not isinstance(at, pd.Timestamp):  # NaT is none
        raise UsageError(f"moment: a date such as 2021-04-01 is needed, not {moment!r}")
    stands = labels["known_from"] < at
    if "known_until" in labels.columns:
        stands &= ~(labels["known_until"] <= at)
    return labels.loc[stands]


def in_order(labels: pd.DataFrame) -> pd.DataFrame:
    """Labels in COLUMNS, each once, by address, category, source and name, then by the rest: equal rows give equal tables."""
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


def column(raw: pd.DataFrame, name: str) -> pd.Series:
    """A column of a frame, numbered from 0; nulls where it has none of that name."""
    if name not in raw.columns:
        return pd.Series([None] * len(raw), dtype="object")
    return pd.Series(raw.loc[:, name]).reset_index(drop=True)


def text(raw: pd.DataFrame, name: str) -> pd.Series:
    """A column as strings or null."""
    given = column(raw, name).astype("object")
    return pd.Series(given.astype("str").where(given.notna()), dtype="str")


def no_address(addresses: pa.Array) -> pd.Series:
    """Why each address is none, null where it is one."""
    problems = zip(address_problems(addresses).to_pylist(), addresses.to_pylist(), strict=True)
    return pd.Series([problem and f"{problem} ({came!r})" for problem, came in problems], dtype="object")


def _no_category(category: pd.Series) -> pd.Series:
    known = set(IDS)

    def problem(came: object) -> str | None:
        if came in known:
            return None
        what = f"{came!r} is unknown" if isinstance(came, str) else "is missing"
        return f"category {what}; allowed are {', '.join(IDS)}"

    return pd.Series([problem(came) for came in category], dtype="object")


def moments(raw: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """A column of dates in UTC (NaT where there is none), and what is wrong with each, null where nothing is."""
    given = column(raw, name)
    numbers = pd.api.types.is_numeric_dtype(given) and np.any(given.notna().to_numpy())
    read = pd.to_datetime(given.astype("str") if numbers else given, utc=True, errors="coerce", format="ISO8601")
    bad = given.notna().to_numpy() & (read.isna().to_numpy() | np.bool_(numbers))
    return read.astype("datetime64[us, UTC]"), _reasons(given, bad, f"{name} must be a date such as 2021-03-04")


def confidences(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The column `confidence` as numbers, and what is wrong with each, null where nothing is."""
    given = column(raw, "confidence")
    read = pd.Series(pd.to_numeric(given, errors="coerce"), dtype="float64")
    bad = given.notna().to_numpy() & ~read.between(0, 1).to_numpy()
    return read, _reasons(given, bad, "confidence must be a number from 0 to 1")


def _reasons(given: pd.Series, bad: np.ndarray, needed: str) -> pd.Series:
    return pd.Series(
        [f"{needed}, not {came!r}" if wrong else None for came, wrong in zip(given, bad, strict=True)], dtype="object"
    )


def first(*problems: pd.Series) -> pd.Series:
    """The first problem of each row, None where there is none."""
    found = problems[0]
    for more in problems[1:]:
        found = found.where(found.notna(), more)
    return found


def _sorted_out(place: str, table: pd.DataFrame, reasons: pd.Series, raw: pd.DataFrame) -> Labels:
    wrong = reasons.notna().to_numpy()
    rows = np.flatnonzero(wrong)
    if len(table) and wrong.all():
        raise DataError(f"{place}: none of the {len(table)} rows is good; row 1: {reasons.iloc[0]}")
    plain = raw.iloc[rows].astype("object")
    records = [
        json.dumps(record, default=str, ensure_ascii=False)
        for record in plain.where(plain.notna(), None).to_dict("records")
    ]
    bad = pd.DataFrame({"row": rows + 1, "reason": reasons.iloc[rows].astype("str").to_numpy(), "record": records})
    return Labels(table.loc[~wrong, :].reset_index(drop=True), bad)
