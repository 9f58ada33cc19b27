"""The columns of a transfer, and the way to and from the staged form that checks and deduplication work on.

Reads no files (`input_files.py`), checks no rows (`row_checks.py`) and converts no other formats (`ingestion/sources/`).
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from ..base.errors import DataError
from .columns import text
from .duplicates import STAGED, unnumber
from .row_checks import REJECTED_ROWS

MARK = {b"walletprint.transfers": b"1"}
"""Schema metadata of files that `ingest` wrote. They are checked, sorted and without duplicates: nothing checks them again."""

SCHEMA = pa.schema(
    [
        pa.field("timestamp", pa.timestamp("us", "UTC"), nullable=False),  # block time, whole seconds
        pa.field("sender", pa.string(), nullable=False),
        pa.field("receiver", pa.string(), nullable=False),
        pa.field("amount", pa.float64(), nullable=False),  # in whole units of the asset
        pa.field("asset", pa.string(), nullable=False),
        pa.field("tx_id", pa.string(), nullable=False),
        pa.field("usd", pa.float64()),  # value when sent; null: unpriced
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
QUARANTINE = pa.schema([pa.field("file", pa.string()), *REJECTED_ROWS])


def is_marked(schema: pa.Schema) -> bool:
    """Whether a file of this schema was written by `ingest`."""
    metadata = schema.metadata or {}
    return MARK.items() <= metadata.items() and set(SCHEMA.names) <= set(schema.names)


def require_columns(names: Sequence[str], where: str) -> None:
    """Refuse a table that lacks a required column. Raises DataError."""
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise DataError(
            f"{where}: not a table of transfers: it lacks {', '.join(missing)}; its columns: "
            f"{', '.join(names) or 'none'}; needed: {', '.join(REQUIRED)} (other formats: `walletprint ingest` them first)"
        )


def to_staged(table: pa.Table) -> pa.Table:
    """A table in `SCHEMA` as `STAGED`; numbers of copies go from the ids to `origin` (`duplicates.unnumber`)."""
    tx_id, origin = unnumber(table["tx_id"].combine_chunks())
    seconds = table["timestamp"].cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    data = {name: table[name] for name in STAGED.names if name in table.column_names}
    return pa.table(data | {"timestamp": seconds, "tx_id": tx_id, "origin": origin}).select(STAGED.names).cast(STAGED)


def from_staged(staged: pa.Table) -> pa.Table:
    """A table in `STAGED` as `SCHEMA`."""
    times = staged["timestamp"].cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("us", "UTC"))
    data = {name: staged[name] for name in SCHEMA.names if name in staged.column_names}
    same = pc.equal(staged["sender"], staged["receiver"])
    return pa.table(data | {"timestamp": times, "self_transfer": same}).select(SCHEMA.names).cast(SCHEMA)


def no_good_row_message(bad: pa.Table) -> str:
    """The error for an input without a good row."""
    reason, count = bad["reason"].to_pandas().value_counts().reset_index().iloc[0]
    return f"no good transfer among {len(bad):,} rows; the most common reason ({count:,} rows): {reason}"


def transfer_columns(table: pa.Table) -> pa.Table:
    """The columns of a transfer that a table has, and `origin` where an earlier ingest numbered the ids."""
    table = table.select([name for name in SCHEMA.names if name in table.column_names and name != "self_transfer"])
    if "tx_id" not in table.column_names:
        return table
    tx_id, origin = unnumber(text(table["tx_id"]))
    return table.drop_columns("tx_id").append_column("tx_id", tx_id).append_column("origin", origin)


def with_file(bad: pa.Table, file: str | None) -> pa.Table:
    """Bad rows with the name of their file, as `QUARANTINE`."""
    files = pa.array([file], pa.string()).take(pa.array(np.zeros(len(bad), np.int8)))
    return bad.add_column(0, QUARANTINE.field("file"), files)
