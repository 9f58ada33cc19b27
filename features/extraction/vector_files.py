"""Writes behavioural vectors to a Parquet file in parts: in bounded memory, and an interrupted run resumes.

Finished parts wait in a folder beside the file. The file itself appears whole or not at all. Computes no feature.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from ..base.arrow import table_of
from ..base.atomic_write import write_atomically
from ..base.errors import UsageError
from ..families.registry import features_hash
from ..ledger.digest import ledger_digest
from ..ledger.ledger import Ledger
from .extractor import Progress, extract, names_of

PART = 50_000
"""Snapshots per part: about 90 MB with all features."""


def write_vectors(
    ledger: Ledger,
    snapshots: pd.DataFrame,
    out: Path,
    *,
    window: str | None = None,
    features: Sequence[str] | None = None,
    on_progress: Progress | None = None,
) -> int:
    """Extract and write `address`, `as_of` and the features of every snapshot, in their order, as Parquet.

    After an interruption, the same call computes only the missing parts. A call with other transfers, snapshots or features
    starts again.

    Args:
        ledger: the transfers.
        snapshots: as for `extract`.
        out: the file, which ends in .parquet.
        window: as for `extract`.
        features: names from the catalogue; None for all.
        on_progress: called with (snapshots done, snapshots in all).

    Returns:
        How many features a vector has.

    Raises:
        UsageError: as `extract` does, or if `out` does not end in .parquet.
        DataError: if `out` cannot be written.
    """
    if out.suffix != ".parquet":
        raise UsageError(f"--out: a file that ends in .parquet is needed, not {out}")
    names = names_of(ledger, features)
    folder = out.with_name(f".{out.name}.parts")
    _begin(folder, _digest(ledger, snapshots, window, names))
    paths = [folder / f"{start:012}.arrow" for start in range(0, max(len(snapshots), 1), PART)]
    for k, path in enumerate(paths):
        if not path.is_file():
            piece = snapshots.iloc[k * PART : (k + 1) * PART]
            table = table_of(extract(ledger, piece, window=window, features=names))
            write_atomically(path, lambda file, table=table: feather.write_feather(table, file, compression="lz4"))
        if on_progress:
            on_progress(min((k + 1) * PART, len(snapshots)), len(snapshots))
    write_atomically(out, lambda file: _join(paths, file))
    shutil.rmtree(folder)
    return len(names)


def _begin(folder: Path, digest: str) -> None:
    """Make the folder of parts, and remove the parts of another request."""
    record = folder / "request.json"
    if record.is_file() and json.loads(record.read_text())["digest"] != digest:
        shutil.rmtree(folder)
    write_atomically(record, lambda file: file.write(json.dumps({"digest": digest}).encode()))


def _join(paths: Sequence[Path], file: object) -> None:
    tables = _tables(paths)
    first = next(tables)
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _tables(paths: Sequence[Path]) -> Iterator[pa.Table]:
    for path in paths:
        yield feather.read_table(path, memory_map=False)


def _digest(ledger: Ledger, snapshots: pd.DataFrame, window: str | None, names: Sequence[str]) -> str:
    """The digest of the transfers, the snapshots and the requested features only."""
    request = [window, PART, features_hash(names), ledger_digest(ledger)]
    digest = hashlib.sha256(json.dumps(request).encode())
    for buffer in table_of(snapshots.filter(items=["address"]))["address"].combine_chunks().buffers():
        digest.update(buffer if buffer is not None else b"")
    digest.update(snapshots["as_of"].to_numpy("datetime64[us]").tobytes())
    return digest.hexdigest()
