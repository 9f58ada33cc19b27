"""Writes a Parquet file table by table. Knows nothing of what its columns mean."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 1 << 19
"""Rows per row group."""


class LazyWriter:
    """A Parquet file that is made when its first row is written."""

    def __init__(self, path: Path, schema: pa.Schema, compression: str) -> None:
        self.path, self.rows = path, 0
        self._schema, self._compression = schema, compression
        self._writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        if not len(table):
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, self._schema, compression=self._compression)
        self._writer.write_table(table, row_group_size=ROW_GROUP)
        self.rows += len(table)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> "LazyWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
