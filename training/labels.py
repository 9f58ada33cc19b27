"""Labels: reads the table of who is what, and says which wallets are positive or negative for a head, and since when.

Knows no transfers and no dates of a split; it is told by when a label must have been known.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..features.errors import DataError
from ..features.transfers import address_problems, normalise_addresses

if TYPE_CHECKING:
    from .config import LabelsConfig

LICIT = ("user", "exchange", "exchange_deposit", "merchant", "trader", "bot", "miner", "service", "licit")
ILLICIT = (
    "laundering",
    "phishing",
    "scam",
    "ponzi",
    "theft",
    "ransomware",
    "darknet",
    "sanctioned",
    "mixer",
    "state_linked",
)
CATEGORIES: tuple[str, ...] = LICIT + ILLICIT
ACTOR = "actor:"
REQUIRED = ("address", "category")
OPTIONAL = ("actor", "case", "known_from", "source", "confidence")
COLUMNS = ("address", "category", "actor", "case", "known_from", "source", "confidence")


@dataclass(frozen=True)
class Targets:
    """Which wallets a head learns from.

    Attributes:
        marks: a row a label that counts: [address, y (0 or 1), known_from (UTC or NaT)].
        counts: how many wallets are positive, negative, in conflict, ignored (by the config) and unlisted (in no list of it).
    """

    marks: pd.DataFrame
    counts: dict[str, int]

    def known_by(self, moment: pd.Timestamp | None) -> pd.Series:
        """y by address, from the labels known before `moment` (None: from all); a wallet that is both is left out."""
        marks = self.marks
        if moment is not None:
            marks = marks[marks["known_from"].isna() | (marks["known_from"] < moment)]
        sides = marks.groupby("address", sort=True)["y"].agg(["min", "max"])
        return sides.loc[sides["min"] == sides["max"], "min"].rename("y")


@dataclass(frozen=True)
class Labels:
    """What was read: `good`, a row a label with all of COLUMNS; `bad`, the others as row (from 1), reason, record (JSON)."""

    good: pd.DataFrame
    bad: pd.DataFrame


def read_labels(source: str | os.PathLike[str] | pd.DataFrame) -> Labels:
    """Read and check labels. Bad rows are set aside with their reasons, and the others go on.

    Args:
        source: a CSV or Parquet file, or a frame, with `address` and `category` (one of `CATEGORIES`), and optionally `actor`,
            `case`, `known_from` (a date in UTC; before it nobody could know), `source`, `confidence` (0–1). Others are left out.

    Returns:
        Labels with addresses normalised and `known_from` in UTC or NaT.

    Raises:
        DataError: the file is missing or no table, lacks a column, or has rows but no good one.
    """
    place, raw = _read(source)
    if missing := [name for name in REQUIRED if name not in raw.columns]:
        came = ", ".join(map(str, raw.columns)) or "none"
        raise DataError(
            f"{place}: column {missing[0]} is missing; labels need address and category; the columns are {came}"
        )
    text = {name: _text(raw, name) for name in COLUMNS if name not in ("known_from", "confidence")}
    addresses = pa.array(text["address"], pa.string(), from_pandas=True)
    known_from, no_date = _moments(raw)
    confidence, no_share = _confidence(raw)
    reasons = _first(_no_address(addresses), _no_category(text["category"]), no_date, no_share)
    columns = {**text, "known_from": known_from, "confidence": confidence}
    columns["address"] = pd.Series(normalise_addresses(addresses).to_pylist(), dtype="str")
    table = pd.DataFrame({name: columns[name].reset_index(drop=True) for name in COLUMNS})
    return _sorted_out(place, table, reasons, raw)


def targets(labels: pd.DataFrame, config: "LabelsConfig") -> Targets:
    """Mark the labels that are positive (1) or negative (0) under a config's lists; `actor:NAME` goes before a category."""
    side = _side_of_rows(labels, config)
    counted = side.isin(["positive", "negative"])
    marks = labels.loc[counted, ["address", "known_from"]].assign(y=(side[counted] == "positive").astype(np.int8))
    wallets = {name: set(labels["address"][side == name]) for name in ("positive", "negative", "ignored", "unlisted")}
    used = wallets["positive"] | wallets["negative"]
    counts = {
        "positive": len(wallets["positive"] - wallets["negative"]),
        "negative": len(wallets["negative"] - wallets["positive"]),
        "conflict": len(wallets["positive"] & wallets["negative"]),
        "ignored": len(wallets["ignored"] - used),
        "unlisted": len(wallets["unlisted"] - used - wallets["ignored"]),
    }
    return Targets(marks[["address", "y", "known_from"]].reset_index(drop=True), counts)


def _side_of_rows(labels: pd.DataFrame, config: "LabelsConfig") -> pd.Series:
    lists = {"positive": config.positive, "negative": config.negative, "ignored": config.ignored}
    by_category = {entry: side for side, entries in lists.items() for entry in entries if not entry.startswith(ACTOR)}
    by_actor = {
        entry.removeprefix(ACTOR).strip().casefold(): side
        for side, entries in lists.items()
        for entry in entries
        if entry.startswith(ACTOR)
    }
    actors = labels["actor"].fillna("").str.strip().str.casefold().tolist()
    sides = [
        by_actor.get(actor) or by_category.get(category, "unlisted")
        for actor, category in zip(actors, labels["category"].tolist(), strict=True)
    ]
    return pd.Series(sides, index=labels.index, dtype="str")


def _read(source: str | os.PathLike[str] | pd.DataFrame) -> tuple[str, pd.DataFrame]:
    if isinstance(source, pd.DataFrame):
        return "labels", source
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path}: no such file; give labels as CSV or Parquet")
    try:
        if path.suffix.lower() == ".parquet":
            return str(path), pq.read_table(path).to_pandas()
        return str(path), pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (pa.ArrowException, ValueError, OSError) as error:
        raise DataError(
            f"{path}: cannot be read as labels ({' '.join(str(error).split())}); CSV or Parquet is needed"
        ) from None


def _column(raw: pd.DataFrame, name: str) -> pd.Series:
    if name not in raw.columns:
        return pd.Series([None] * len(raw), dtype="object")
    return pd.Series(raw.loc[:, name]).reset_index(drop=True)


def _text(raw: pd.DataFrame, name: str) -> pd.Series:
    given = _column(raw, name).astype("object")
    return pd.Series(given.astype("str").where(given.notna()))


def _no_address(addresses: pa.Array) -> pd.Series:
    problems = zip(address_problems(addresses).to_pylist(), addresses.to_pylist(), strict=True)
    return pd.Series([problem and f"{problem} ({came!r})" for problem, came in problems], dtype="object")


def _no_category(category: pd.Series) -> pd.Series:
    def problem(came: object) -> str | None:
        if came in CATEGORIES:
            return None
        what = f"{came!r} is unknown" if isinstance(came, str) else "is missing"
        return f"category {what}; allowed are {', '.join(CATEGORIES)}"

    return pd.Series([problem(came) for came in category], dtype="object")


def _moments(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    given = _column(raw, "known_from")
    numbers = pd.api.types.is_numeric_dtype(given) and np.any(given.notna().to_numpy())
    read = pd.to_datetime(given.astype("str") if numbers else given, utc=True, errors="coerce", format="ISO8601")
    bad = given.notna().to_numpy() & (read.isna().to_numpy() | np.bool_(numbers))
    return read.astype("datetime64[us, UTC]"), _reasons(given, bad, "known_from must be a date such as 2021-03-04")


def _confidence(raw: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    given = _column(raw, "confidence")
    read = pd.Series(pd.to_numeric(given, errors="coerce"), dtype="float64")
    bad = given.notna().to_numpy() & ~read.between(0, 1).to_numpy()
    return read, _reasons(given, bad, "confidence must be a number from 0 to 1")


def _reasons(given: pd.Series, bad: np.ndarray, needed: str) -> pd.Series:
    return pd.Series(
        [f"{needed}, not {came!r}" if wrong else None for came, wrong in zip(given, bad, strict=True)], dtype="object"
    )


def _first(*problems: pd.Series) -> pd.Series:
    """The first problem of each row, None where there is none."""
    first = problems[0]
    for more in problems[1:]:
        first = first.where(first.notna(), more)
    return first


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
