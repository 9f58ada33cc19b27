"""Writes scored rows to a file that other programs read: Parquet, CSV or JSON lines. Scores nothing."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.atomic_write import write_atomically
from ...features.base.errors import DataError, UsageError
from ...features.base.untrusted_text import safe_cell

_TIME = pa.timestamp("us", "UTC")
_REASON = pa.struct(
    [
        ("behaviour", pa.string()),
        ("features", pa.int64()),
        ("feature", pa.string()),
        ("value", pa.float64()),
        ("reference_quartiles", pa.list_(pa.float64())),
        ("contribution", pa.float64()),
        ("sentence", pa.string()),
    ]
)
_COVERAGE = pa.struct(
    [
        ("transfers", pa.int64()),
        *((name, _TIME) for name in ("first", "last")),
        ("truncated", pa.bool_()),
        ("priced_share", pa.float64()),
    ]
)
_EXPOSURE = pa.struct(
    [
        *((name, pa.string()) for name in ("category", "direction", "distance")),
        *((name, pa.float64()) for name in ("share", "hops")),
        ("asset", pa.string()),
        *((name, pa.float64()) for name in ("value", "usd")),
        *((name, _TIME) for name in ("first", "last")),
    ]
)
_LABEL = pa.struct([*((name, pa.string()) for name in ("category", "actor", "case", "source")), ("known_from", _TIME)])
_CALLER_COLUMN = pa.struct([("column", pa.string()), ("value", pa.string())])
_MODEL = pa.struct([(name, pa.string()) for name in ("name", "version", "trained_until", "features_hash")])

SCORES_SCHEMA = pa.schema(
    [
        pa.field("address", pa.string()),
        pa.field("as_of", _TIME),
        pa.field("head", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("percentile", pa.float64()),
        pa.field("band", pa.string(), nullable=False),
        pa.field("flagged", pa.bool_(), nullable=False),
        pa.field("threshold", pa.float64(), nullable=False),
        pa.field("reasons", pa.list_(_REASON), nullable=False),
        pa.field("exposure", pa.list_(_EXPOSURE)),
        pa.field("labels", pa.list_(_LABEL)),
        pa.field("override", _LABEL),
        pa.field("coverage", _COVERAGE, nullable=False),
        pa.field("model", _MODEL, nullable=False),
        pa.field("scored_at", _TIME, nullable=False),
        pa.field("test", pa.bool_(), nullable=False),
        pa.field("caller_columns", pa.list_(_CALLER_COLUMN)),
        pa.field("error", pa.string()),
    ],
    metadata={b"walletprint.scores": b"4"},
)
"""The scored row; `docs/scoring.md` says what each column means. The metadata hold the version of the schema."""

SUFFIXES = (".parquet", ".csv", ".jsonl", ".json")
"""The suffixes that a file of scores may have."""


def write_scores(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write what `Scorer.score` returned, whole or not at all, in the format of the suffix; returns the path.

    `.parquet` has nested types (`SCORES_SCHEMA`); `.csv` has JSON in the nested cells, and an apostrophe before texts
    that a spreadsheet would run as a formula; `.jsonl` and `.json` have one JSON object per line. A missing value
    is null; in CSV it is an empty cell.

    Raises:
        UsageError: the suffix is another one.
        DataError: the frame is not in the schema, or the file cannot be written.
    """
    path = Path(path)
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".jsonl": _write_json_lines, ".json": _write_json_lines}
    if path.suffix.lower() not in writers:
        raise UsageError(f"{path}: scores are written as {', '.join(writers)}; give a name with one of these suffixes")
    write_atomically(path, lambda file: writers[path.suffix.lower()](scores_table(frame), file))
    return path


def join_scores(tables: Iterable[pa.Table], suffix: str, file: BinaryIO) -> None:
    """Write tables in SCORES_SCHEMA one after the other, in the format of a suffix; holds one table at a time."""
    if suffix.lower() == ".parquet":
        with pq.ParquetWriter(file, SCORES_SCHEMA, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
    elif suffix.lower() == ".csv":
        for number, table in enumerate(tables):
            _write_csv(table, file, header=number == 0)
    else:
        for table in tables:
            _write_json_lines(table, file)


def scores_table(frame: pd.DataFrame) -> pa.Table:
    """The scored rows as an Arrow table in SCORES_SCHEMA. Raises DataError if columns or types differ."""
    if list(frame.columns) != SCORES_SCHEMA.names:
        raise DataError(
            f"scores: the columns must be {', '.join(SCORES_SCHEMA.names)}, not {', '.join(map(str, frame.columns))}"
        )
    try:
        # UTC, but without a zone: what Arrow does with zones is deprecated in pandas
        times = {name: frame[name].dt.tz_convert(None) for name in ("as_of", "scored_at")}
        table = pa.Table.from_pandas(frame.assign(**times), schema=SCORES_SCHEMA, preserve_index=False)
        table = table.replace_schema_metadata(SCORES_SCHEMA.metadata)
        table.validate(full=True)
    except (pa.ArrowException, AttributeError, ValueError, TypeError) as error:
        raise DataError(f"scores: these are not rows that Scorer.score made ({' '.join(str(error).split())})") from None
    return table


def _write_parquet(table: pa.Table, file: BinaryIO) -> None:
    pq.write_table(table, file, compression="zstd")


def _write_csv(table: pa.Table, file: BinaryIO, header: bool = True) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(table.column_names)
    writer.writerows([_cell(value) for value in row.values()] for row in _rows(table))
    text.detach()  # flushes, and leaves the file open for its owner


def _write_json_lines(table: pa.Table, file: BinaryIO) -> None:
    for row in _rows(table):
        file.write(_json(row).encode() + b"\n")


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return _json(value)
    return _iso(value) if isinstance(value, datetime) else safe_cell(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_iso)


def _iso(time: datetime) -> str:
    """ISO 8601 in UTC."""
    return time.isoformat().replace("+00:00", "Z")
