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
        actor, source: who did it, and who reports it; None: not reported.
    """

    id: str
    seeds: tuple[str, ...]
    since: tuple[int, ...]
    actor: str | None = None
    source: str | None = None

    @property
    def date(self) -> pd.Timestamp:
        """The earliest date of its seeds."""
        date = pd.Timestamp(min(self.since), unit="s", tz="UTC")
        assert isinstance(date, pd.Timestamp)
        return date


@dataclass(frozen=True, slots=True)
class Cases:
    """The cases of a list in the order of their ids, and its `bad` rows as row (from 1), reason, record (JSON)."""

    cases: tuple[Case, ...]
    bad: pd.DataFrame

    def select(self, id: str | None) -> Case:
        """The case of that id; without an id, the only case.

        Raises:
            UsageError: no case has that id, or no id is given and there are several cases.
        """
        selected = [case for case in self.cases if case.id == id or id is None]
        if len(selected) == 1:
            return selected[0]
        names = ", ".join(case.id for case in self.cases[:20]) + (", …" if len(self.cases) > 20 else "")
        problem = "name one of several" if id is None else f"{id!r} is not in the list"
        raise UsageError(f"case: {problem}; the list has {names}")


def read_cases(source: str | os.PathLike[str] | pd.DataFrame) -> Cases:
    """Read a list of cases with one row per seed address; bad rows are rejected with their reasons.

    Args:
        source: a CSV or Parquet file, or a frame, with `case`, `address` and `date` (a date or time, UTC unless it says
            otherwise), and optionally `actor` and `source`. A seed that stands twice in a case counts from the earlier date.

    Raises:
        DataError: the file is missing or no table, lacks a column, or has no good row.
    """
    name, raw = read_small_table(source, "cases")
    if missing := [name for name in REQUIRED if name not in raw.columns]:
        columns = ", ".join(map(str, raw.columns)) or "none"
        raise DataError(f"{name}: column {missing[0]} is missing; {_NEEDED}; the columns are {columns}")
    names = text(raw, "case").str.strip()
    addresses = pa.array(text(raw, "address"), pa.string(), from_pandas=True)
    dates, no_date = read_dates(raw, "date")
    dateless = _where(dates.isna(), "date is missing")
    nameless = _where(names.isna() | names.eq(""), "case is missing")
    reasons = first_reason(nameless, address_problems_of(addresses), no_date, dateless)
    good = reasons.isna().to_numpy()
    if not good.any():
        why = f"; row 1: {reasons.iloc[0]}" if len(reasons) else ""
        raise DataError(f"{name}: none of the {len(reasons)} rows is good{why}; {_NEEDED}")
    table: Any = pd.DataFrame({
        "case": names, "address": normalise_addresses(addresses).to_pylist(),
        "since": dates.astype("datetime64[s, UTC]").astype("int64"),
        "actor": text(raw, "actor"), "source": text(raw, "source"),
    })  # fmt: skip
    made = tuple(_case(str(name), rows) for name, rows in table[good].groupby("case", sort=True))
    return Cases(made, _bad(raw, reasons, ~good))


def _case(name: str, rows: Any) -> Case:
    since = rows.groupby("address")["since"].min()
    seeds, seconds = tuple(map(str, since.index)), tuple(map(int, since))
    return Case(name, seeds, seconds, _joined(rows["actor"]), _joined(rows["source"]))


def _where(wrong: Any, reason: str) -> pd.Series:
    return pd.Series([reason if it else None for it in wrong], dtype="object")


def _joined(column: Any) -> str | None:
    """The different values of a column, joined by |; None if there are none."""
    return "|".join(sorted(set(column.dropna()))) or None


def _bad(raw: pd.DataFrame, reasons: Any, wrong: np.ndarray) -> pd.DataFrame:
    plain = raw.loc[wrong].astype("object")
    records: Sequence[dict] = plain.where(plain.notna(), None).to_dict("records")
    return pd.DataFrame({
        "row": np.flatnonzero(wrong) + 1,
        "reason": reasons[wrong].astype("str").to_numpy(),
        "record": [json.dumps(record, default=str, ensure_ascii=False) for record in records],
    })  # fmt: skip
