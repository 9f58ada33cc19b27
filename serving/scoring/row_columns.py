"""Columns of the scored row that come from no model: facts, coverage, the caller's columns, test addresses. Scores nothing."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ...features.base.errors import DataError
from ...features.exposure import facts
from ...features.ledger.ledger import Ledger
from ...features.transfers.columns import as_array
from ..model.calibration import BANDS, UNSCORED
from ..model.model_folder import ModelFolder
from .output import SCORES_SCHEMA

TEST_ADDRESSES = {f"0x7e57{number:036x}": band for number, band in enumerate((*BANDS, UNSCORED))}
"""Addresses that nobody owns, and the band that the scorer returns for each. They are for testing an integration."""

LIST_END = 10_000
"""The length at which Etherscan's lists end: a wallet with exactly this many transfers probably has more."""

NESTED = ("reasons", "exposure", "labels", "override", "coverage", "model", "caller_columns")
_OVERRIDES = ("sanctioned",)


def unscored(n: int) -> pd.DataFrame:
    """The columns without lists and records, for rows that are not scored."""
    return pd.DataFrame(
        {
            "score": np.full(n, np.nan),
            "percentile": np.full(n, np.nan),
            "band": pd.array([UNSCORED] * n, dtype="str"),
            "flagged": np.zeros(n, dtype=bool),
            "test": np.zeros(n, dtype=bool),
            "error": pd.Series([None] * n, dtype=object),
        }
    )


def objects(values: Iterator[Any] | list[Any]) -> pd.Series:
    """A column of lists and records."""
    return pd.Series(list(values), dtype=object)


def kind_of(name: str) -> pa.DataType:
    """The type of a column of the scored row."""
    return SCORES_SCHEMA.field(name).type


def facts_of(ledger: Ledger, seen: pd.DataFrame) -> dict[str, pa.Array]:
    """The columns `exposure`, `labels` and `override`: one value per snapshot, and a last one for rows without a snapshot.

    Without labels all are null.
    """
    if ledger.attribution is None:
        return {name: pa.nulls(len(seen) + 1, kind_of(name)) for name in ("exposure", "labels", "override")}
    date = (seen["as_of"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy().astype(np.int64)
    exposure, labels = facts(ledger, ledger.ids(seen["address"]), date)
    for fact in itertools.chain.from_iterable(exposure):
        fact["first"], fact["last"] = (pd.Timestamp(fact[name], unit="s", tz="UTC") for name in ("first", "last"))
    columns = {"exposure": [*exposure, []], "labels": [*labels, []], "override": [*map(_override, labels), None]}
    return {name: pa.array(values, kind_of(name), from_pandas=True) for name, values in columns.items()}


def _override(labels: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The label that overrides any score. It is reported beside the score and does not change it."""
    return next((dict(label) for label in labels if label["category"] in _OVERRIDES), None)


def coverages(ledger: Ledger, seen: pd.DataFrame) -> pa.StructArray:
    """The column `coverage`: one value per snapshot, and a last one for rows without a snapshot.

    Dates are null where no transfer was seen.
    """
    ids = ledger.ids(seen["address"])
    transfers_ever = np.where(ids >= 0, ledger.offsets[ids + 1] - ledger.offsets[ids], 0)
    times = (seen[name].dt.tz_convert(None).to_numpy() for name in ("first", "last"))
    values = (seen["transfers"].to_numpy(), *times, transfers_ever == LIST_END, seen["priced_share"].to_numpy())
    fields = list(kind_of("coverage"))
    missing = (0, np.datetime64("NaT"), np.datetime64("NaT"), False, np.nan)
    columns = [
        pa.array(np.append(column, np.asarray([last], column.dtype)), field.type, from_pandas=True)
        for column, last, field in zip(values, missing, fields, strict=True)
    ]
    return pa.StructArray.from_arrays(columns, fields=fields)


def shortages(ledger: Ledger, seen: pd.DataFrame, model: ModelFolder) -> np.ndarray:
    """Why each snapshot cannot be scored, None where it can; object[snapshots]. Equal reasons are formatted once."""
    transfers, unknown = seen["transfers"].to_numpy(), ledger.ids(seen["address"]) < 0
    reasons = np.full(len(seen), None, dtype=object)
    short = np.flatnonzero(transfers < model.min_transfers)
    dates, different_dates = pd.factorize(seen["as_of"].iloc[short])
    counted = np.where(unknown[short], -1, transfers[short])
    different, which = np.unique(np.stack([dates, counted], axis=1), axis=0, return_inverse=True)
    periods = [_period(as_of, model.window) for as_of in different_dates]
    texts = [_shortage(int(n), periods[date], model.min_transfers) for date, n in different]
    reasons[short] = np.array(texts, dtype=object)[which.ravel()]
    return reasons


def _shortage(transfers: int, period: str, least: int) -> str:
    if transfers < 0:
        return "no history: this address is in none of the transfers"
    if transfers == 0:
        return f"no history: no transfer {period}"
    return f"too little history: transfers {period}: {transfers}, this model needs {least}"


def _period(as_of: Any, window: str) -> str:
    span = "" if window == "all" else f"in the {window} "
    return f"{span}before {as_of:%Y-%m-%d %H:%M:%S} UTC".replace(" 00:00:00 UTC", "")


def reason_lists(pieces: Sequence[tuple[np.ndarray, list[list[dict[str, Any]]]]], rows: int) -> pa.ListArray:
    """The reasons of `rows` rows: each piece has ascending positions and their reasons; all other rows have none."""
    counts = np.zeros(rows + 1, np.int64)
    for positions, lists in pieces:
        counts[positions + 1] = [len(reasons) for reasons in lists]
    kind = kind_of("reasons")
    flat = itertools.chain.from_iterable(itertools.chain.from_iterable(lists for _, lists in pieces))
    offsets = pa.array(np.cumsum(counts), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(list(flat), kind.value_type), type=kind)


def repeated(record: Mapping[str, Any], name: str, n: int) -> pa.Array:
    """A column in which every row holds one record."""
    return pa.repeat(pa.scalar(dict(record), kind_of(name)), n)


def scoring_time(scored_at: datetime | None) -> pd.Timestamp:
    """The time that rows carry, in UTC; now if none is given."""
    given = scored_at or datetime.now(UTC)
    aware = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    return pd.Timestamp(aware).as_unit("us")  # pyright: ignore[reportReturnType]


def caller_column_of_frame(addresses: Any, rows: int) -> pa.Array:
    """The caller's own columns of each row of a frame, as texts; null if there are none."""
    names = [name for name in addresses.columns if name not in ("address", "as_of")] if _is_frame(addresses) else []
    if not names:
        return pa.nulls(rows, kind_of("caller_columns"))
    texts = [[None if _missing(value) else str(value) for value in addresses[name]] for name in names]
    return caller_column([([str(name) for name in names], row) for row in zip(*texts, strict=True)])


def caller_column(rows: Sequence[tuple[Sequence[str], Sequence[str | None]]]) -> pa.Array:
    """The column `caller_columns`, from the names and the values of each row's own columns; null where it has none."""
    kind = kind_of("caller_columns")
    counts = np.array([len(names) for names, _ in rows], dtype=np.int64)
    names = pa.array(itertools.chain.from_iterable(names for names, _ in rows), pa.string())
    values = pa.array(itertools.chain.from_iterable(values for _, values in rows), pa.string())
    offsets = pa.array(np.append(0, np.cumsum(counts)), pa.int32())
    pairs = pa.StructArray.from_arrays([names, values], fields=list(kind.value_type))
    return pa.ListArray.from_arrays(offsets, pairs, type=kind, mask=pa.array(counts == 0))


def _is_frame(value: Any) -> bool:
    return isinstance(value, pd.DataFrame)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def fill_tests(frame: pd.DataFrame, bands: pd.Series, model: ModelFolder) -> pd.DataFrame:
    """Fill in the rows of test addresses; `bands` holds the band of each, and none for all others."""
    if not len(positions := np.flatnonzero(bands.notna().to_numpy())):
        return frame
    answers = pd.DataFrame([_answer(band, model) for band in bands.iloc[positions]], index=positions)
    for name in answers.columns:
        frame.loc[positions, name] = answers[name]
    return frame


def _answer(band: str, model: ModelFolder) -> Mapping[str, Any]:
    if band == UNSCORED:
        error = "test address: never scored"
        return {"score": np.nan, "percentile": np.nan, "band": band, "flagged": False, "error": error, "test": True}
    starts = [0.0, *(getattr(model.bands, name) for name in BANDS[1:]), 1.0]
    score = (starts[BANDS.index(band)] + starts[BANDS.index(band) + 1]) / 2
    flagged = bool(score >= model.threshold)
    return {"score": score, "percentile": 100 * score, "band": band, "flagged": flagged, "error": None, "test": True}


def table_of(columns: Mapping[str, Any]) -> pa.Table:
    """The scored rows in SCORES_SCHEMA, checked. Raises DataError if a column is not what the schema says."""
    try:
        arrays = [_array(columns[field.name], field) for field in SCORES_SCHEMA]
        table = pa.Table.from_arrays(arrays, schema=SCORES_SCHEMA)
        table.validate(full=True)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"scores: a row is not as the schema says ({' '.join(str(error).split())})") from None
    return table


def _array(values: Any, field: pa.Field) -> pa.Array:
    if isinstance(values, pd.Series):
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            values = values.dt.tz_convert(None)  # what Arrow does with zones is deprecated in pandas
        values = as_array(pa.array(values, from_pandas=True)).cast(field.type)
    if not field.nullable and values.null_count:
        raise ValueError(f"{field.name} is missing")
    return values


def frame_of(table: pa.Table) -> pd.DataFrame:
    """The scored rows as pandas has them: lists and records as Python's, times in UTC."""
    columns = zip(table.column_names, table.columns, strict=True)
    frame = pd.DataFrame({name: _series(name, column) for name, column in columns})
    return frame.astype(dict.fromkeys(("address", "head", "band", "error"), "str"))


def _series(name: str, column: pa.ChunkedArray) -> pd.Series:
    if name in NESTED:
        return objects(column.to_pylist())
    values = column.to_pandas()
    return values.dt.tz_convert("UTC") if isinstance(values.dtype, pd.DatetimeTZDtype) else values
