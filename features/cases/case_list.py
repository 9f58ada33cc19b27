"""Cases: thefts or campaigns with their seed addresses and dates, read from a list. Follows nothing (`loot_pass.py`)."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..base.errors import DataError, UsageError
from ..base.read_table import read_small_table
from ..labels.table import address_problems_of, first_reason, read_dates, text
from ..transfers.addresses import normalise_addresses

REQUIRED = ("case", "address", "date")
_NEEDED = "a list of cases needs case, address and date"


@dataclass(frozen=True, slots=True)
class Case:
    """A theft or a campaign.

    Attributes:
        id: its name.
        seeds: the addresses that first got hold of the loot, normalised, each once, sorted.
        since: int64 by seed, seconds since 1970 UTC: what a seed received before is no loot.
        actor, source: who did it, and who says so; None: not said.
    """

    id: str
    seeds: tuple[str, ...]
    since: tuple[int, ...]
    actor: str | None = None
    source: str | None = None

    @property
    def date(self) -> pd.Timestamp:
        """The earliest date of its seeds."""
        moment = pd.Timestamp(min(self.since), unit="s", tz="UTC")
        assert isinstance(moment, pd.Timestamp)
        return moment


@dataclass(frozen=True, slots=True)
class Cases:
    """What was read: the cases in the order of their ids, and `bad` rows as row (from 1), reason, record (JSON)."""

    cases: tuple[Case, ...]
    bad: pd.DataFrame

    def one(self, id: str | None) -> Case:
        """The case of that id; without an id, the only one.

        Raises:
            UsageError: there is none of that id, or without an id there are several.
        """
        found = [case for case in self.cases if case.id == id or id is None]
        if len(found) == 1:
            return found[0]
        names = ", ".join(case.id for case in self.cases[:20]) + (", …" if len(self.cases) > 20 else "")
        came = "several came and none was named" if id is None else f"{id!r} is none of them"
        raise UsageError(f"case: {came}; the list has {names}")


def read_cases(source: str | os.PathLike[str] | pd.DataFrame) -> Cases:
    """Read a list of cases, a row a seed address. Bad rows are set aside with their reasons, and the others go on.

    Args:
        source: a CSV or Parquet file, or a frame, with `case`, `address` and `date` (a date or time, UTC unless it says
            otherwise), and optionally `actor` and `source`. A seed that comes twice in a case counts from the earlier date.

    Raises:
        DataError: the file is missing or no table, lacks a column, or has no good row.
    """
    place, raw = read_small_table(source, "cases")
    if missing := [name for name in REQUIRED if name not in raw.columns]:
        came = ", ".join(map(str, raw.columns)) or "none"
        raise DataError(f"{place}: column {missing[0]} is missing; {_NEEDED}; the columns are {came}")
    names = text(raw, "case").str.strip()
    addresses = pa.array(text(raw, "address"), pa.string(), from_pandas=True)
    dates, no_date = read_dates(raw, "date")
    dateless = _where(dates.isna(), "date is missing")
    nameless = _where(names.isna() | names.eq(""), "case is missing")
    reasons = first_reason(nameless, address_problems_of(addresses), no_date, dateless)
    good = reasons.isna().to_numpy()
    if not good.any():
        why = f"; row 1: {reasons.iloc[0]}" if len(reasons) else ""
        raise DataError(f"{place}: none of the {len(reasons)} rows is good{why}; {_NEEDED}")
    table: Any = pd.DataFrame({
        "case": names, "address": normalise_addresses(addresses).to_pylist(),
        "since": dates.astype("datetime64[s, UTC]").astype("int64"),
        "actor": text(raw, "actor"), "source": text(raw, "source"),
    })  # fmt: skip
    made = tuple(_case(str(name), rows) for name, rows in table[good].groupby("case", sort=True))
    return Cases(made, _bad(raw, reasons, ~good))


def _case(name: str, rows: Any) -> Case:
    since = rows.groupby("address")["since"].min()
    addresses, moments_ = tuple(map(str, since.index)), tuple(int(moment) for moment in since)
    return Case(name, addresses, moments_, _said(rows["actor"]), _said(rows["source"]))


def _where(wrong: Any, reason: str) -> pd.Series:
    return pd.Series([reason if it else None for it in wrong], dtype="object")


def _said(column: Any) -> str | None:
    """What the rows of a case say, each once, joined by |."""
    said = sorted(set(column.dropna()))
    return "|".join(said) or None


def _bad(raw: pd.DataFrame, reasons: Any, wrong: np.ndarray) -> pd.DataFrame:
    plain = raw.loc[wrong].astype("object")
    records: Sequence[dict] = plain.where(plain.notna(), None).to_dict("records")
    return pd.DataFrame({
        "row": np.flatnonzero(wrong) + 1,
        "reason": reasons[wrong].astype("str").to_numpy(),
        "record": [json.dumps(record, default=str, ensure_ascii=False) for record in records],
    })  # fmt: skip
