"""The floor under every engine: reading the columns and numbering the addresses. Computes no feature."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def run(path: Path) -> None:
    """Read the columns that features need, and encode senders and receivers in one dictionary."""
    table = pq.read_table(path, columns=["timestamp", "sender", "receiver", "amount", "asset"])
    both = [*table["sender"].chunks, *table["receiver"].chunks]
    pa.chunked_array(both, type=pa.string()).dictionary_encode()
