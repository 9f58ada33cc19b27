"""The temporary folder of an ingest: checked rows of all files in one Parquet file, bad ones in another, and the result.

The folder lies beside the output. The result is moved to the output when it is complete.
"""

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ..base.arrow import pc
from ..transfers.duplicates import STAGED, connect, distinct_sql
from ..transfers.input_files import Batch
from ..transfers.parquet_writer import ROW_GROUP, LazyWriter
from ..transfers.row_checks import check_rows
from ..transfers.schema import QUARANTINE, SCHEMA, from_staged, with_file
from .layout import SKIP, ConversionContext, Layout
from .utxo import BAD_TRANSACTIONS, COINS, check_coins, prepare_coins, transfers_sql

MEMORY = "1500MB"  # of DuckDB, which writes what does not fit to the work folder
_BATCH = 1 << 17


class WorkFolder:
    """The work folder of one ingest.

    Attributes:
        read: rows read per layout, by "source: layout", without look-up tables.
        skipped: rows that carry no transfer and are no mistake.
        staged: transfers before deduplication.
        reasons: number of bad rows per reason.
    """

    def __init__(self, folder: Path) -> None:
        self.read: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.skipped = 0
        self.staged = 0
        self._folder = folder
        self._rows = LazyWriter(folder / "rows.parquet", STAGED, "lz4")
        self._coins = LazyWriter(folder / "coins.parquet", COINS, "lz4")
        self.rejected = LazyWriter(folder / "bad.parquet", QUARANTINE, "zstd")
        self.result = folder / "result.parquet"

    def add(self, batch: Batch, layout: Layout, context: ConversionContext) -> None:
        """Convert and check a batch of a file, and write its rows."""
        self.read[f"{layout.source}: {layout.name}"] += len(batch.rows) + len(batch.rejected)
        self._reject(with_file(batch.rejected, context.file))
        converted = layout.convert(batch.table, context)
        if layout.kind == "coins":
            good, rejected = check_coins(converted, context.file, batch.rows, batch.table)
            self._coins.write(good)
        else:
            good, rejected = self._check(converted, batch)
            self._rows.write(good)
        self._reject(with_file(rejected, context.file))

    def _check(self, converted: pa.Table, batch: Batch) -> tuple[pa.Table, pa.Table]:
        if SKIP not in converted.column_names:
            return check_rows(converted, batch.rows, batch.table)
        keep = pc.invert(pc.fill_null(converted[SKIP], False))
        kept = converted.filter(keep)
        self.skipped += len(converted) - len(kept)
        return check_rows(kept, batch.rows[keep.to_numpy()], batch.table.filter(keep))

    def _reject(self, rejected: pa.Table) -> None:
        self.rejected.write(rejected)
        self.reasons.update(
            {item["values"]: item["counts"] for item in pc.value_counts(rejected["reason"]).to_pylist()}
        )

    def merge(self, on_share: Callable[[float], None]) -> "Merged":
        """Deduplicate and sort the added rows and write them to `result`. `on_share` gets the share that is written."""
        self._rows.close()
        self._coins.close()
        with connect(memory_limit=MEMORY, temp_directory=str(self._folder / "spill")) as connection:
            self._join_coins(connection)
            self.rejected.close()
            parts = [f"SELECT * FROM {_quoted(path)}" for path in self._folder.glob("rows*.parquet")]
            if not parts:
                return Merged()
            connection.execute(f"CREATE VIEW staged AS {' UNION ALL BY NAME '.join(parts)}")
            self.staged = connection.sql("SELECT count(*) FROM staged").fetchall()[0][0]
            return self._write(connection.sql(distinct_sql("staged")).arrow(_BATCH), on_share)

    def _join_coins(self, connection: duckdb.DuckDBPyConnection) -> None:
        if not self._coins.rows:
            return
        prepare_coins(connection, _quoted(self._coins.path))
        self._reject(connection.sql(BAD_TRANSACTIONS).to_arrow_table().cast(QUARANTINE))
        with LazyWriter(self._folder / "rows_of_coins.parquet", STAGED, "lz4") as rows:
            for batch in connection.sql(transfers_sql()).arrow(_BATCH):
                rows.write(pa.Table.from_batches([batch]).select(STAGED.names).cast(STAGED))

    def _write(self, batches: Iterable[pa.RecordBatch], on_share: Callable[[float], None]) -> "Merged":
        merged = Merged()
        with pq.ParquetWriter(self.result, SCHEMA, compression="zstd") as writer:
            for batch in _regrouped(batches):
                table = from_staged(batch)
                writer.write_table(table, row_group_size=len(table))
                merged.count(table)
                on_share(merged.rows / self.staged)
        return merged


@dataclass(slots=True)
class Merged:
    """What the result holds: number of transfers, of those to oneself, times of the first and the last (UTC)."""

    rows: int = 0
    self_transfers: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def count(self, table: pa.Table) -> None:
        """Count the next transfers, which are in order of time."""
        self.rows += len(table)
        self.self_transfers += pc.sum(table["self_transfer"]).as_py()
        self.first = self.first or _utc(table["timestamp"][0])
        self.last = _utc(table["timestamp"][-1])


def _quoted(path: Path) -> str:
    """A path as DuckDB reads it where a table may stand."""
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"


def _utc(stamp: pa.Scalar) -> datetime:
    return stamp.as_py().astimezone(UTC)


def _regrouped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of the batches in tables of `ROW_GROUP` rows, so that the file does not depend on the size of batches."""
    waiting = pa.table({})
    for batch in batches:
        table = pa.Table.from_batches([batch])
        waiting = pa.concat_tables([waiting, table]) if len(waiting) else table
        while len(waiting) >= ROW_GROUP:
            yield waiting.slice(0, ROW_GROUP)
            waiting = waiting.slice(ROW_GROUP)
    if len(waiting):
        yield waiting
