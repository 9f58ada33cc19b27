"""The one input table, `transfers`: its columns, its validation, and reading it into memory from files and frames.

Converts nothing from other formats (`sources/`); for more than fits in memory there is `ingest.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from ..base.arrow import pc, table_of
from ..base.errors import DataError, UsageError
from .addresses import address_problems, normalise_addresses
from .columns import text
from .duplicates import STAGED, connect, distinct_sql, names_sql, unnumber
from .input_files import DataFile, find_files, open_file, refuse_repeated
from .row_checks import BAD, check

__all__ = [
    "MARK",
    "QUARANTINE",
    "REQUIRED",
    "SCHEMA",
    "Transfers",
    "Validated",
    "address_problems",
    "deduplicate",
    "normalise_addresses",
    "read_transfers",
    "validate",
]

MARK = {b"walletprint.transfers": b"1"}
"""Schema metadata of files written by `ingest`: validated, deduplicated and in total order, so read as they are."""

SCHEMA = pa.schema(
    [
        pa.field("timestamp", pa.timestamp("us", "UTC"), nullable=False),  # block time, whole seconds
        pa.field("sender", pa.string(), nullable=False),
        pa.field("receiver", pa.string(), nullable=False),
        pa.field("amount", pa.float64(), nullable=False),  # in whole units of the asset
        pa.field("asset", pa.string(), nullable=False),
        pa.field("tx_id", pa.string(), nullable=False),
        pa.field("usd", pa.float64()),  # value when sent; null = unpriced
        pa.field("chain", pa.string()),
        pa.field("fee", pa.float64()),  # of the whole transaction, in the chain's own coin
        pa.field("gas_price", pa.float64()),  # wei
        pa.field("nonce", pa.int64()),
        pa.field("failed", pa.bool_()),
        pa.field("method", pa.string()),
        pa.field("self_transfer", pa.bool_(), nullable=False),
    ],
    metadata=MARK,
)
REQUIRED = ("timestamp", "sender", "receiver", "amount", "asset")
QUARANTINE = pa.schema([pa.field("file", pa.string()), *BAD])


@dataclass(frozen=True, slots=True)
class Validated:
    """What `validate` made of a table: `good` rows in `SCHEMA`; `bad` ones as row (1-based), reason, record (JSON)."""

    good: pa.Table
    bad: pa.Table


@dataclass(frozen=True, slots=True)
class Transfers:
    """What `read_transfers` read: `table` in `SCHEMA`; `bad` rows as file (or null), row (1-based), reason, record."""

    table: pa.Table
    bad: pa.Table


def validate(table: pa.Table, first_row: int = 1) -> Validated:
    """Check and convert a table with the columns of `SCHEMA`, in any type that can be read as theirs; keeps duplicates.

    Args:
        table: needs `timestamp`, `sender`, `receiver`, `amount` (whole units) and `asset`; unknown columns are ignored.
        first_row: the number of its first row, for `bad`.

    Rows without `tx_id` get `row:` and 16 hex digits of the MD5 of what they say; equal ones are numbered `#2`, `#3` …,
    so that no two rows without an id ever count as one transfer.

    Raises:
        DataError: a required column is missing.
    """
    require_columns(table.column_names, "the table")
    plain = table.select([name for name in SCHEMA.names if name in table.column_names])
    staged, bad = check(plain, np.arange(first_row, first_row + len(table)), table)
    return Validated(finish(_named(staged)), bad)


def deduplicate(table: pa.Table) -> tuple[pa.Table, int]:
    """The distinct transfers of a table in `SCHEMA`, in total order, and how many copies were dropped; in memory."""
    result = _distinct(restage(table))
    return result, len(table) - len(result)


def read_transfers(source: Any, columns: Sequence[str] | None = None) -> Transfers:
    """Read canonical transfers into memory, checked, each counted once, in the order of files written by `ingest`.

    Args:
        source: a path, folder, glob pattern or list of paths of Parquet or CSV files; a pandas DataFrame, Arrow table
            or DuckDB relation. Files written by `ingest` are trusted as they are; all else is checked and deduplicated.
        columns: the columns of `SCHEMA` to return; all if None.

    Rows without a `tx_id` are kept, each as a transfer of its own: nothing tells a copy from a second transfer.

    Raises:
        DataError: nothing is there, a file cannot be read, required columns are missing, or no row of several is good.
        UsageError: `columns` names one that a transfer does not have.
    """
    unknown = sorted(set(columns or ()) - set(SCHEMA.names))
    if unknown:
        raise UsageError(f"columns: {', '.join(unknown)} not known; a transfer has {', '.join(SCHEMA.names)}")
    if not isinstance(source, str | Path | list | tuple):
        return _gather([_checked_frame(source)], columns)
    files = [open_file(path) for path in find_files(source)]
    if len(files) == 1 and is_marked(files[0].schema):
        return Transfers(files[0].read(columns), QUARANTINE.empty_table())
    for file in files:
        require_columns(file.schema.names, str(file.path))
    return _gather((part for file in files for part in _checked_file(file)), columns)


def is_marked(schema: pa.Schema) -> bool:
    """Whether a file of this schema was written by `ingest`."""
    metadata = schema.metadata or {}
    return MARK.items() <= metadata.items() and set(SCHEMA.names) <= set(schema.names)


def require_columns(names: Sequence[str], where: str) -> None:
    """Refuse a table that lacks one of the columns every transfer must have."""
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise DataError(
            f"{where}: not a table of transfers: it lacks {', '.join(missing)}; columns that came: "
            f"{', '.join(names) or 'none'}; needed: {', '.join(REQUIRED)} (other formats: `walletprint ingest` them first)"
        )


def restage(table: pa.Table) -> pa.Table:
    """A table in `SCHEMA` as `STAGED` again, its numbered ids told apart (`duplicates.unnumber`)."""
    tx_id, origin = unnumber(table["tx_id"].combine_chunks())
    seconds = table["timestamp"].cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    data = {name: table[name] for name in STAGED.names if name in table.column_names}
    return pa.table(data | {"timestamp": seconds, "tx_id": tx_id, "origin": origin}).select(STAGED.names).cast(STAGED)


def finish(staged: pa.Table) -> pa.Table:
    """A table in `STAGED` as `SCHEMA`."""
    times = staged["timestamp"].cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("us", "UTC"))
    data = {name: staged[name] for name in SCHEMA.names if name in staged.column_names}
    same = pc.equal(staged["sender"], staged["receiver"])
    return pa.table(data | {"timestamp": times, "self_transfer": same}).select(SCHEMA.names).cast(SCHEMA)


def _gather(parts: Iterable[tuple[pa.Table, pa.Table]], columns: Sequence[str] | None) -> Transfers:
    tables = list(parts)
    staged = pa.concat_tables([STAGED.empty_table(), *(good for good, _ in tables)])
    bad = pa.concat_tables([QUARANTINE.empty_table(), *(bad for _, bad in tables)])
    if len(bad) and not len(staged):
        raise DataError(no_good_row(bad))
    table = _distinct(staged)
    return Transfers(table if columns is None else table.select(list(columns)), bad)


def no_good_row(bad: pa.Table) -> str:
    """The one line for an input without a single good row."""
    reason, count = bad["reason"].to_pandas().value_counts().reset_index().iloc[0]
    return f"no good transfer among {len(bad):,} rows; the most common reason ({count:,} rows): {reason}"


def _checked_file(file: DataFile) -> Iterator[tuple[pa.Table, pa.Table]]:
    if is_marked(file.schema):
        yield restage(file.read()), QUARANTINE.empty_table()
        return
    for batch in file.batches():
        staged, bad = check(canonical(batch.table), batch.rows, batch.table)
        yield staged, in_quarantine(pa.concat_tables([bad, batch.bad]), str(file.path))


def _checked_frame(source: Any) -> tuple[pa.Table, pa.Table]:
    table = _arrow(source)
    refuse_repeated(table.column_names, "the table")
    require_columns(table.column_names, "the table")
    staged, bad = check(canonical(table), np.arange(1, len(table) + 1), table)
    return staged, in_quarantine(bad, None)


def canonical(table: pa.Table) -> pa.Table:
    """The columns of a transfer that a table has, with the origin that ids numbered by an earlier ingest tell."""
    table = table.select([name for name in SCHEMA.names if name in table.column_names and name != "self_transfer"])
    if "tx_id" not in table.column_names:
        return table
    tx_id, origin = unnumber(text(table["tx_id"]))
    return table.drop_columns("tx_id").append_column("tx_id", tx_id).append_column("origin", origin)


def in_quarantine(bad: pa.Table, file: str | None) -> pa.Table:
    """Bad rows with the file they stand in."""
    files = pa.array([file], pa.string()).take(pa.array(np.zeros(len(bad), np.int8)))
    return bad.add_column(0, QUARANTINE.field("file"), files)


def _arrow(source: Any) -> pa.Table:
    if isinstance(source, pd.DataFrame):
        return table_of(source)
    if isinstance(source, duckdb.DuckDBPyRelation):
        return source.to_arrow_table()
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if isinstance(source, pa.Table):
        return source
    raise UsageError(
        f"transfers: a path, pandas DataFrame, Arrow table or DuckDB relation is needed; {type(source).__name__} came"
    )


def _distinct(staged: pa.Table) -> pa.Table:
    with connect() as connection:
        connection.register("staged", staged)
        return finish(connection.sql(distinct_sql("staged")).to_arrow_table())


def _named(staged: pa.Table) -> pa.Table:
    if not staged["tx_id"].null_count:
        return staged
    with connect() as connection:
        connection.register("staged", staged.append_column("place", pa.array(np.arange(len(staged)))))
        return connection.sql(names_sql("staged", "place")).to_arrow_table().select(STAGED.names).cast(STAGED)
