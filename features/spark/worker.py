"""What runs on a worker of Spark: rows of whole wallets in, in batches; a ledger of some wallets at a time; their vectors out.

Knows Arrow and no Spark, so that it can be tested without. A wallet with more transfers than fit is spooled to disk and computed
within a bound.
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
ECHOED = "echoed_"
"""What the names of columns begin with that came beside the addresses, and go on to `work`."""
GROUP = 250_000
"""Rows after which a group of wallets is complete, once the wallet at hand is."""
HELD = 2_000_000
"""Rows of a group that are held in memory; more, which takes one wallet with so many, go to disk."""
MEMORY = 1_500_000_000
"""Bytes that the ledger of such a group may take."""

Work = Callable[[pa.Table, Ledger], pa.Table]


def vectors_of(batches: Iterator[pa.RecordBatch], names: Sequence[str], window: str | None) -> Iterator[pa.RecordBatch]:
    """The vectors of the snapshots among some rows."""

    def work(asked: pa.Table, ledger: Ledger) -> pa.Table:
        X = extract(ledger, asked.to_pandas(), window=window, features=names)
        fields = [*VECTOR_KEYS, *(pa.field(name, pa.float64()) for name in names)]
        return table_of(X).cast(pa.schema(fields))

    return by_group(batches, names, work)


def rejected_of(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows of transfers that are refused, with the reason."""
    for batch in batches:
        table = in_utc(pa.Table.from_batches([batch]))
        _, bad = check_rows(transfer_columns(table), np.zeros(len(table), np.int64), table)
        yield from bad.select(["reason", "record"]).to_batches()


def by_group(
    batches: Iterable[pa.RecordBatch], names: Sequence[str], work: Work, group: int = GROUP, held: int = HELD
) -> Iterator[pa.RecordBatch]:
    """Let `work` compute one group of wallets after another.

    Args:
        batches: rows of whole wallets in order of (`wallet`, `part`): who asks (part 0: `address`, `as_of`, perhaps columns
            `ECHOED…`), then transfers (part 1), each with the key of its `other` end.
        names: the features that will be extracted.
        work: takes the snapshots of a group and the ledger of their transfers, and returns a table.
        group: rows from which on a group is complete.
        held: rows of one group that are held in memory.
    """
    for _, pieces in itertools.groupby(_numbered(map(in_utc, batches), group), key=itemgetter(0)):
        with tempfile.TemporaryDirectory(prefix="walletprint-") as folder:
            asked, transfers = _collected(map(itemgetter(1), pieces), Path(folder), held)
            if len(asked):
                yield from work(asked, _ledger(transfers, names)).combine_chunks().to_batches()


def _numbered(batches: Iterable[pa.RecordBatch], group: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Slices of the batches with the number of their group; it ends with the wallet that brings it to `group` rows."""
    number = rows = 0
    last = None
    for batch in batches:
        wallets, at = batch["wallet"].to_numpy(), 0
        while at < len(batch):
            if rows < group:
                end = min(len(batch), at + group - rows)
            else:
                others = np.flatnonzero(wallets[at:] != last)
                end = at + int(others[0]) if len(others) else len(batch)
            if end > at:
                yield number, batch.slice(at, end - at)
                rows, last = rows + end - at, wallets[end - 1]
            if rows >= group and end < len(batch) and wallets[end] != last:
                number, rows = number + 1, 0
            at = end


def _collected(pieces: Iterable[pa.RecordBatch], folder: Path, held: int) -> tuple[pa.Table, pa.Table | Path]:
    """Who asks in a group, and the transfers of those: a table, or a file if there are more than are held."""
    tables = (pa.Table.from_batches([piece]) for piece in pieces)
    first = next(tables)
    asked, kept, seen = [], [first.slice(0, 0).select(_columns(first))], np.empty(0, np.int64)
    of_asked = [name for name in first.column_names if name in ("address", "as_of") or name.startswith(ECHOED)]
    with LazyWriter(folder / "transfers.parquet", kept[0].schema, "lz4") as writer:
        for piece in itertools.chain([first], tables):
            who = piece.filter(pc.equal(piece["part"], 0))
            seen = np.union1d(seen, who["wallet"].to_numpy())
            asked.append(who.select(of_asked))
            kept.append(_of_those(piece, seen))
            if sum(map(len, kept)) > held:
                writer.write(pa.concat_tables(kept))
                kept = kept[:1]
        if writer.rows:
            writer.write(pa.concat_tables(kept))
    return pa.concat_tables(asked), writer.path if writer.rows else pa.concat_tables(kept)


def _of_those(piece: pa.Table, seen: np.ndarray) -> pa.Table:
    """The transfers of wallets that ask, each once: one between two of them came with the smaller key before."""
    wallet, other = piece["wallet"].to_numpy(), pc.fill_null(piece["other"], 0).to_numpy()
    keep = (piece["part"].to_numpy() == 1) & _among(wallet, seen) & ~((other < wallet) & _among(other, seen))
    return piece.select(_columns(piece)).filter(pa.array(keep))


def _columns(piece: pa.Table) -> list[str]:
    return [name for name in SCHEMA.names if name in piece.column_names]


def _among(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    if not len(ordered):
        return np.zeros(len(values), bool)
    return ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values


def _ledger(transfers: pa.Table | Path, names: Sequence[str]) -> Ledger:
    """The ledger of a group. Its wallets may have bad rows alone, which is no mistake of the whole."""
    if isinstance(transfers, Path):
        return Ledger.from_transfers(transfers, names, memory=MEMORY)
    try:
        return Ledger.from_transfers(transfers, names)
    except DataError:
        good, _ = check_rows(transfer_columns(transfers), np.arange(len(transfers)), transfers)
        if len(good):
            raise
        return Ledger.from_transfers(transfers.slice(0, 0), names)
