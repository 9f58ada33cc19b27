"""Runs on a worker of Spark: takes rows of whole wallets in batches, builds a ledger per group of wallets, returns vectors.

Knows Arrow and not Spark, so tests need no Spark. The transfers of a wallet with too many are spooled to disk and computed in
bounded memory.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa

from ..base.arrow import pc, table_of
from ..base.errors import DataError
from ..extraction.extractor import extract
from ..ledger.ledger import Ledger
from ..transfers.columns import in_utc
from ..transfers.parquet_writer import LazyWriter
from ..transfers.row_checks import check_rows
from ..transfers.schema import SCHEMA, transfer_columns

_TIME = pa.timestamp("us", "UTC")
VECTOR_KEYS = (pa.field("address", pa.string()), pa.field("as_of", _TIME))
CALLER_COLUMN = "echoed_"
"""The prefix of the caller's columns that come with the addresses and are passed on to `work`."""
GROUP = 250_000
"""Rows after which a group of wallets ends, at the end of the current wallet."""
HELD = 2_000_000
"""Rows of a group that are held in memory. A group with more has one very large wallet, and goes to disk."""
MEMORY = 1_500_000_000
"""Bytes that the ledger of a group on disk may take."""

Work = Callable[[pa.Table, Ledger], pa.Table]


def vectors_of_batches(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], window: str | None
) -> Iterator[pa.RecordBatch]:
    """The vectors of the snapshots among some rows."""

    def work(snapshots: pa.Table, ledger: Ledger) -> pa.Table:
        X = extract(ledger, snapshots.to_pandas(), window=window, features=names)
        fields = [*VECTOR_KEYS, *(pa.field(name, pa.float64()) for name in names)]
        return table_of(X).cast(pa.schema(fields))

    return by_group(batches, names, work)


def rejected_rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The transfers that are rejected, with the reason."""
    for batch in batches:
        table = in_utc(pa.Table.from_batches([batch]))
        _, bad = check_rows(transfer_columns(table), np.zeros(len(table), np.int64), table)
        yield from bad.select(["reason", "record"]).to_batches()


def by_group(
    batches: Iterable[pa.RecordBatch], names: Sequence[str], work: Work, group: int = GROUP, held: int = HELD
) -> Iterator[pa.RecordBatch]:
    """Let `work` compute one group of wallets after another.

    Args:
        batches: rows of whole wallets in order of (`wallet`, `part`): snapshots (part 0: `address`, `as_of`, perhaps columns
            `CALLER_COLUMN…`), then transfers (part 1), each with the key of its `other` end.
        names: the features that will be extracted.
        work: takes the snapshots of a group and the ledger of their transfers, and returns a table.
        group: rows after which a group ends.
        held: rows of one group that are held in memory.
    """
    for _, pieces in itertools.groupby(_numbered(map(in_utc, batches), group), key=itemgetter(0)):
        with tempfile.TemporaryDirectory(prefix="walletprint-") as folder:
            snapshots, transfers = _collected(map(itemgetter(1), pieces), Path(folder), held)
            if len(snapshots):
                yield from work(snapshots, _ledger(transfers, names)).combine_chunks().to_batches()


def _numbered(batches: Iterable[pa.RecordBatch], group: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Slices of the batches with the number of their group. A group ends with the wallet that brings it to `group` rows."""
    number = rows = 0
    last = None
    for batch in batches:
        wallets, position = batch["wallet"].to_numpy(), 0
        while position < len(batch):
            if rows < group:
                end = min(len(batch), position + group - rows)
            else:
                others = np.flatnonzero(wallets[position:] != last)
                end = position + int(others[0]) if len(others) else len(batch)
            if end > position:
                yield number, batch.slice(position, end - position)
                rows, last = rows + end - position, wallets[end - 1]
            if rows >= group and end < len(batch) and wallets[end] != last:
                number, rows = number + 1, 0
            position = end


def _collected(pieces: Iterable[pa.RecordBatch], folder: Path, held: int) -> tuple[pa.Table, pa.Table | Path]:
    """The snapshots of a group, and their transfers: a table, or a file if there are more than `held`."""
    tables = (pa.Table.from_batches([piece]) for piece in pieces)
    first = next(tables)
    snapshots, requested_wallets = [], np.empty(0, np.int64)
    pieces_of_transfers = [first.slice(0, 0).select(_columns(first))]
    snapshot_columns = [
        name for name in first.column_names if name in ("address", "as_of") or name.startswith(CALLER_COLUMN)
    ]
    with LazyWriter(folder / "transfers.parquet", pieces_of_transfers[0].schema, "lz4") as writer:
        for piece in itertools.chain([first], tables):
            requested = piece.filter(pc.equal(piece["part"], 0))
            requested_wallets = np.union1d(requested_wallets, requested["wallet"].to_numpy())
            snapshots.append(requested.select(snapshot_columns))
            pieces_of_transfers.append(_transfers_of(piece, requested_wallets))
            if sum(map(len, pieces_of_transfers)) > held:
                writer.write(pa.concat_tables(pieces_of_transfers))
                pieces_of_transfers = pieces_of_transfers[:1]
        if writer.rows:
            writer.write(pa.concat_tables(pieces_of_transfers))
    return pa.concat_tables(snapshots), writer.path if writer.rows else pa.concat_tables(pieces_of_transfers)


def _transfers_of(piece: pa.Table, requested_wallets: np.ndarray) -> pa.Table:
    """The transfers of requested wallets, each once: one between two of them came before, with the smaller key."""
    wallet, other = piece["wallet"].to_numpy(), pc.fill_null(piece["other"], 0).to_numpy()
    keep = (
        (piece["part"].to_numpy() == 1)
        & _among(wallet, requested_wallets)
        & ~((other < wallet) & _among(other, requested_wallets))
    )
    return piece.select(_columns(piece)).filter(pa.array(keep))


def _columns(piece: pa.Table) -> list[str]:
    return [name for name in SCHEMA.names if name in piece.column_names]


def _among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    if not len(ordered):
        return np.zeros(len(values), bool)
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def _ledger(transfers: pa.Table | Path, names: Sequence[str]) -> Ledger:
    """The ledger of a group. A group may have bad rows only: that is no error of the whole."""
    if isinstance(transfers, Path):
        return Ledger.from_transfers(transfers, names, memory=MEMORY)
    try:
        return Ledger.from_transfers(transfers, names)
    except DataError:
        good, _ = check_rows(transfer_columns(transfers), np.arange(len(transfers)), transfers)
        if len(good):
            raise
        return Ledger.from_transfers(transfers.slice(0, 0), names)
