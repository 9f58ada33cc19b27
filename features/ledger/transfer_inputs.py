"""Where a ledger's transfers come from: runs of batches, each run checked, without duplicates and in order of time.

A file that `ingest` wrote is a run as it stands. All other sources of one call are checked and sorted by DuckDB, in memory or,
where memory is bounded, on disk; together they are one run. Names stay names here; `builder.py` turns them into ids.
"""

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..base.arrow import pc, table_of
from ..base.errors import DataError, UsageError
from ..transfers.columns import in_utc
from ..transfers.duplicates import STAGED, connect, distinct_sql
from ..transfers.input_files import DataFile, open_file, readable, refuse_repeated
from ..transfers.parquet_writer import LazyWriter
from ..transfers.row_checks import check_rows
from ..transfers.schema import (
    QUARANTINE,
    from_staged,
    is_marked,
    require_columns,
    to_staged,
    transfer_columns,
    with_file,
)

_ROWS_AT_ONCE = 1 << 17
_SMALL_FILE = 1 << 16  # rows: smaller files are not read ahead
_CODED = ["asset", "chain", "method"]  # columns of few different names, which Parquet stores as numbers

CheckedRows = tuple[pa.Table, pa.Table]
Item = TypeVar("Item")


def temporary_folder(owner: Any) -> Path:
    """A folder that is removed with its owner, or when Python ends."""
    folder = tempfile.mkdtemp(prefix="walletprint-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def open_files(paths: Iterable[Path]) -> list[DataFile]:
    """Open files and read their schemas.

    Raises:
        DataError: one cannot be read or lacks columns.
    """
    files = [open_file(path) for path in paths]
    if len(files) > 1 or not is_marked(files[0].schema):
        for file in files:
            require_columns(file.schema.names, str(file.path))
    return files


def first_time(file: DataFile) -> int:
    """The time of the first row of a file that `ingest` wrote, in microseconds; 0 if it has none."""
    with readable(file.path), pq.ParquetFile(file.path) as parquet:
        for batch in parquet.iter_batches(1, columns=["timestamp"]):
            return batch["timestamp"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())[0].as_py()
    return 0


def rows_in(files: Iterable[DataFile]) -> int:
    """How many rows are in those of these files that `ingest` wrote."""
    return sum(pq.read_metadata(file.path).num_rows for file in files if is_marked(file.schema))


def checked_batches(file: DataFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a file that `ingest` wrote, batch by batch; the next one is read while the last one is worked on."""
    batches = _read(file, columns)
    with pq.ParquetFile(file.path) as parquet:
        return batches if parquet.metadata.num_rows <= _SMALL_FILE else read_ahead(batches)


def _read(file: DataFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with readable(file.path), pq.ParquetFile(file.path, read_dictionary=_CODED) as parquet:
        yield from parquet.iter_batches(_ROWS_AT_ONCE, columns=list(columns))


def read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, the next one made in a thread while the last one is worked on."""
    nothing: Any = object()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, items, nothing)
        while (item := waiting.result()) is not nothing:
            waiting = pool.submit(next, items, nothing)
            yield item


class StagedTransfers:
    """Rows of any origin on their way to a run: checked, then sorted, without duplicates.

    Attributes:
        rejected: the rows rejected so far, with their reasons.
        nameless: whether some rows have no transaction id: each of these is a transfer of its own.
        rows: how many good rows there are, duplicates too.
    """

    def __init__(self, pieces: Iterable[CheckedRows], memory: int | None = None) -> None:
        """Check all rows.

        Args:
            pieces: good rows in `STAGED` and rejected ones in `QUARANTINE`.
            memory: bytes beyond which rows go to disk; None to hold all of them.
        """
        self.rejected, self.nameless, self.rows, self._memory = QUARANTINE.empty_table(), False, 0, memory
        self._folder = temporary_folder(self) if memory else None
        if self._folder is None:
            self._held = pa.concat_tables([STAGED.empty_table(), *map(self._noted, pieces)])
            return
        with LazyWriter(self._folder / "rows.parquet", STAGED, "lz4") as writer:
            for piece in pieces:
                writer.write(self._noted(piece))

    def _noted(self, piece: CheckedRows) -> pa.Table:
        good, rejected_rows = piece
        self.rows += len(good)
        self.nameless |= pc.any(pc.and_(pc.is_null(good["tx_id"]), pc.is_null(good["origin"]))).as_py() or False
        if len(rejected_rows):
            self.rejected = pa.concat_tables([self.rejected, rejected_rows])
        return good

    def batches(self) -> Iterator[pa.Table]:
        """The distinct transfers in `SCHEMA`, in order of time."""
        if not self.rows:
            return
        with self._connected() as connection:
            for batch in connection.sql(distinct_sql("staged")).arrow(_ROWS_AT_ONCE):
                yield from_staged(batch)

    def _connected(self) -> duckdb.DuckDBPyConnection:
        if self._folder is None or self._memory is None:
            connection = connect()
            connection.register("staged", self._held)
            return connection
        megabytes = max(self._memory * 2 // 5 >> 20, 100)
        connection = connect(memory_limit=f"{megabytes}MB", temp_directory=f"{self._folder}/spill")
        path = f"{self._folder}/rows.parquet".replace("'", "''")
        connection.execute(f"CREATE VIEW staged AS SELECT * FROM read_parquet('{path}')")
        return connection


def checked_rows_of_files(files: Iterable[DataFile]) -> Iterator[CheckedRows]:
    """The rows of files, checked; those of files that `ingest` wrote need no check."""
    for file in files:
        marked = is_marked(file.schema)
        for batch in file.batches():
            if marked:
                yield to_staged(batch.table), QUARANTINE.empty_table()
                continue
            good, rejected_rows = check_rows(transfer_columns(batch.table), batch.rows, batch.table)
            yield good, with_file(pa.concat_tables([rejected_rows, batch.rejected]), str(file.path))


def checked_rows_of_table(source: Any, memory: int | None) -> Iterator[CheckedRows]:
    """The rows of a frame, table or relation, checked: all at once, or in pieces if memory is bounded."""
    seen = 0
    for table in _tables(source, _ROWS_AT_ONCE if memory else None):
        if not seen:
            refuse_repeated(table.column_names, "the table")
            require_columns(table.column_names, "the table")
        good, rejected_rows = check_rows(transfer_columns(table), np.arange(seen + 1, seen + 1 + len(table)), table)
        seen += len(table)
        yield good, with_file(rejected_rows, None)


def _tables(source: Any, rows: int | None) -> Iterator[pa.Table]:
    if isinstance(source, duckdb.DuckDBPyRelation):
        if rows is None:
            yield source.to_arrow_table()
            return
        reader = source.arrow(rows)
        yield from (pa.Table.from_batches([batch]) for batch in reader)
    elif isinstance(source, pd.DataFrame):
        size = rows or max(len(source), 1)
        yield from (table_of(source.iloc[at : at + size]) for at in range(0, max(len(source), 1), size))
    elif isinstance(source, pa.Table | pa.RecordBatch):
        table = in_utc(pa.Table.from_batches([source]) if isinstance(source, pa.RecordBatch) else source)
        _refuse_damaged(table)
        size = rows or max(len(table), 1)
        yield from (table.slice(at, size) for at in range(0, max(len(table), 1), size))
    else:
        raise UsageError(
            f"transfers: a path, pandas DataFrame, Arrow table or DuckDB relation is needed; got {type(source).__name__}"
        )


def _refuse_damaged(table: pa.Table) -> None:
    """Raise DataError for a table whose buffers break Arrow's rules: kernels would read wrong memory."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            message = " ".join(str(error).split())
            raise DataError(
                f"the table: the column {name} is damaged ({message}); build it again, with text as UTF-8"
            ) from None
