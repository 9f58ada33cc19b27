"""Builds the columns of a ledger: names become ids, rows get their total order, run after run, in memory or in files.

`transfer_inputs.py` makes the runs, `store.py` keeps the files, `ledger.py` is the ledger itself.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from ..kernels.wallet_view import LedgerRows
from .growing_columns import GrowingTable
from .ordering import ascends, mix, reordered, total_order, transfer_keys
from .signed_transactions import (
    SIGNED_DTYPES,
    SignedTransactions,
    one_array,
    order_of_signed,
    seconds_of,
    signed_transactions_of,
)
from .string_encoder import StringEncoder, quick_hash, stable_hash

_COLUMNS = ("timestamp", "sender", "receiver", "amount", "asset", "usd", "failed")
_COLUMNS_FOR = {"tx": ("tx_id",), "chain": ("chain",), "transactions": ("nonce", "gas_price", "method")}
"""Columns that only features with such needs look at."""

ROW_DTYPES = {
    "time": np.int64, "sender": np.int32, "receiver": np.int32, "amount": np.float64, "asset": np.int32, "usd": np.float64,
    "tx": np.uint64, "chain": np.int32, "details": np.uint64,
}  # fmt: skip
_ABSENT = {"usd": math.nan, "tx": 0, "chain": -1, "details": 0}
FAILED_DTYPES = {"key": np.uint64, "details": np.uint64}
NAMES = ("addresses", "assets", "chains", "methods", "strangers")
"""The encoders of a ledger; strangers are senders of failed transactions."""


class UndecidedCopyError(Exception):
    """Copies of a transfer differ, or may not be copies: `duplicates.py` must decide over all rows at once."""


class DetailedRows(NamedTuple):
    """The columns of `LedgerRows`, and a hash of a transfer's other columns, to tell whether copies agree."""

    time: np.ndarray
    sender: np.ndarray
    receiver: np.ndarray
    amount: np.ndarray
    asset: np.ndarray
    usd: np.ndarray
    tx: np.ndarray
    chain: np.ndarray
    details: np.ndarray


def columns_for(needs: Iterable[str]) -> list[str]:
    """The columns of `transfers.SCHEMA` to read."""
    return [*_COLUMNS, *(name for need, names in _COLUMNS_FOR.items() if need in needs for name in names)]


class LedgerBuilder:
    """Takes in rows and names, and builds columns.

    Args:
        needs: what the features to be extracted need (`registry.needs_of`); `tx` where there are several runs.
        folder: where columns grow in files, which may exist already; None for memory.
        names: encoders to continue; None for new ones.
        last: the time of the last transfer in the files of `folder`, failed ones too.
        room: how many rows are expected.
        max_merged_rows: how many rows of a run may be held in memory to be merged; None for any number.
    """

    def __init__(
        self, needs: frozenset[str], folder: Path | None = None, names: dict[str, StringEncoder] | None = None,
        last: int | None = None, room: int = 0, max_merged_rows: int | None = None,
    ) -> None:  # fmt: skip
        self.needs, self._max_merged_rows = needs, max_merged_rows
        self.names = names or {name: StringEncoder() for name in NAMES}
        self._ledger = self._new_run(folder, last, room)
        self.added = 0
        """Transfers added, dropped copies included."""

    @property
    def last(self) -> int | None:
        """The time of the last transfer, failed ones too."""
        return self._ledger.last

    def add_run(self, batches: Iterable[pa.RecordBatch | pa.Table], copies_certain: bool = True) -> None:
        """Add transfers in order of time, without duplicates among them.

        Args:
            batches: of `transfers.SCHEMA`.
            copies_certain: False if a row equal to one of the ledger may be a transfer of its own.

        Raises:
            UndecidedCopyError: copies of transfers added before cannot be decided here.
        """
        run, first, alone = self._ledger, None, self._ledger.last is None
        for batch in batches:
            time = seconds_of(batch["timestamp"])
            self.added += len(time)
            if not len(time):
                continue
            if first is None:
                first = int(time.min())
                if self._ledger.last is not None and first <= self._ledger.last:
                    run = self._new_run(None, None, 0)
            elif not alone and run is self._ledger and time.min() < first:
                raise UndecidedCopyError  # it goes back beyond its beginning, perhaps into the ledger's times
            self._add(run, batch, time)
        if first is not None and run is not self._ledger:
            self._merge(run, first, copies_certain)

    def finish(self) -> dict[str, dict[str, np.ndarray]]:
        """The columns of rows, signed transactions and failed transfers. Nothing may be added after this."""
        ledger = self._ledger
        ledger.rows.settle()
        ledger.signed.settle()
        return {
            "rows": ledger.rows.table.finish(),
            "signed": ledger.signed.table.finish(),
            "failed": ledger.failed.finish(),
        }

    def close(self) -> None:
        """Close the files."""
        for table in (self._ledger.rows.table, self._ledger.signed.table, self._ledger.failed):
            table.close()

    def _new_run(self, folder: Path | None, last: int | None, room: int) -> "_Run":
        rows = GrowingTable(ROW_DTYPES, _ABSENT, folder, "rows", room)
        signed = GrowingTable(SIGNED_DTYPES, {}, folder, "signed")
        return _Run(
            OrderedRows(DetailedRows, rows, self._order_of_rows),
            OrderedRows(SignedTransactions, signed, self._order_of_signed),
            GrowingTable(FAILED_DTYPES, {}, folder, "failed"),
            last,
        )

    def _add(self, run: "_Run", batch: Any, time: np.ndarray) -> None:
        """Add a batch: transfers that moved value, signed transactions, and the keys of failed transfers."""
        moved = ~pc.fill_null(one_array(batch["failed"]), False).to_numpy(zero_copy_only=False)
        details, failed_rows = self._details(batch, moved), np.flatnonzero(~moved)
        good = batch.filter(pa.array(moved)) if len(failed_rows) else batch
        run.rows.add(
            self._rows_of(good, time[moved] if len(failed_rows) else time, details[moved] if details.size else details)
        )
        if len(failed_rows) and "tx" in self.needs:
            run.failed.add(
                key=self._keys_of(batch.take(pa.array(failed_rows)), time[failed_rows]), details=details[failed_rows]
            )
        if "transactions" in self.needs:
            run.signed.add(
                signed_transactions_of(batch, moved, *(self.names[n] for n in ("addresses", "strangers", "methods")))
            )
        run.last = max(int(time.max()), run.last or 0)
        if run is not self._ledger and self._max_merged_rows is not None and run.rows.n > self._max_merged_rows:
            raise UndecidedCopyError

    def _merge(self, run: "_Run", first: int, copies_certain: bool) -> None:
        """Merge a run that begins at `first` with the ledger's rows from then on."""
        for table in (run.rows, run.signed, self._ledger.rows, self._ledger.signed):
            table.settle()
        ledger, added = self._ledger, DetailedRows(**run.rows.table.take_back(0))
        before = DetailedRows(**ledger.rows.take_back_from(first))
        failed = ledger.failed.take_back(0), run.failed.take_back(0)
        keys = [
            np.concatenate([self._keys(rows), failed_rows["key"]])
            for rows, failed_rows in zip((before, added), failed, strict=True)
        ]
        details = [
            np.concatenate([_filled(rows.details, len(rows.time)), failed_rows["details"]])
            for rows, failed_rows in zip((before, added), failed, strict=True)
        ]
        fresh = ~copies(keys[0], details[0], keys[1], details[1], copies_certain)
        moved = np.flatnonzero(fresh[: len(added.time)])
        ledger.rows.add(_joined([before, reordered(added, moved)]))
        ledger.rows.settle()
        ledger.failed.add(**failed[0])
        ledger.failed.add(**{name: column[fresh[len(added.time) :]] for name, column in failed[1].items()})
        signed = ledger.signed.take_back_from(first), run.signed.table.take_back(0)
        ledger.signed.add(_joined([SignedTransactions(**columns) for columns in signed]))
        ledger.signed.settle()
        ledger.last = max(ledger.last or 0, run.last or 0)

    def _rows_of(self, good: Any, time: np.ndarray, details: np.ndarray) -> DetailedRows:
        names, needs, usd = self.names, self.needs, good["usd"]
        return DetailedRows(
            time=time,
            sender=names["addresses"].encode(one_array(good["sender"])),
            receiver=names["addresses"].encode(one_array(good["receiver"])),
            amount=_floats(good["amount"]),
            asset=names["assets"].encode(one_array(good["asset"])),
            usd=_floats(usd) if usd.null_count < len(usd) else np.empty(0),
            tx=quick_hash(one_array(good["tx_id"])) if "tx" in needs else np.empty(0, np.uint64),
            chain=_ids(one_array(good["chain"]), names["chains"]) if "chain" in needs else np.empty(0, np.int32),
            details=details,
        )

    def _details(self, batch: Any, moved: np.ndarray) -> np.ndarray:
        """A hash of each transfer's columns outside its key; empty if there are none."""
        if "tx" not in self.needs:  # copies cannot be known
            return np.empty(0, np.uint64)
        words = [(~moved).astype(np.uint64)] if not moved.all() else []
        for salt, name in enumerate(("usd", "chain", "gas_price", "nonce", "method")):
            if name in batch.schema.names and batch[name].null_count < len(batch):
                words.append(_words(one_array(batch[name]), np.uint64(salt + 1)))
        # A missing value is 0, as in a batch without the column.
        return (
            np.bitwise_xor.reduce([np.where(word != 0, mix(word), 0) for word in words])
            if words
            else np.empty(0, np.uint64)
        )

    def _keys(self, rows: DetailedRows) -> np.ndarray:
        return transfer_keys(LedgerRows(*rows[:-1]), self.names["addresses"].hashes, self.names["assets"].hashes)

    def _keys_of(self, failed_rows: Any, time: np.ndarray) -> np.ndarray:
        """The keys of failed transfers, whose wallets may have no id."""
        words = [stable_hash(_plain(failed_rows[name])) for name in ("asset", "sender", "receiver")]
        amount, tx = _floats(failed_rows["amount"]).view(np.uint64), quick_hash(one_array(failed_rows["tx_id"]))
        return mix(time.view(np.uint64), *words, amount, tx)

    def _order_of_rows(self, rows: DetailedRows) -> np.ndarray | None:
        names = self.names
        return total_order(
            LedgerRows(*rows[:-1]), names["addresses"].hashes, names["assets"].hashes, names["chains"].hashes
        )

    def _order_of_signed(self, signed: SignedTransactions) -> np.ndarray:
        return order_of_signed(signed, self.names["addresses"], self.names["strangers"], self.names["methods"])


class OrderedRows:
    """Rows on their way into a table, by time. Rows of the last time wait until a later one comes, as more may follow."""

    def __init__(self, row_type: Any, table: GrowingTable, order: Callable[[Any], np.ndarray | None]) -> None:
        self.table, self._row_type, self._order = table, row_type, order
        self._waiting: list[Any] = []
        self._disordered = False

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self.table.rows + sum(len(rows.time) for rows in self._waiting)

    def add(self, rows: Any) -> None:
        """Add rows, which should stand in order of time."""
        if not len(rows.time):
            return
        self._disordered |= not ascends(rows.time) or bool(self._waiting and rows.time[0] < self._waiting[-1].time[-1])
        self._waiting.append(rows)
        if self._disordered or rows.time[-1] == self._waiting[0].time[0]:
            return
        ready = _joined(self._waiting)
        border = int(np.searchsorted(ready.time, ready.time[-1]))
        self._waiting = [self._row_type(*(column[border:].copy() for column in ready))]
        self._write(self._row_type(*(column[:border] for column in ready)))

    def settle(self) -> None:
        """Write all rows that wait."""
        if self._disordered:
            self._waiting.insert(0, self._row_type(**self.table.take_back(0)))
            self._disordered = False
        if self._waiting:
            self._write(_joined(self._waiting))
            self._waiting = []

    def take_back_from(self, first: int) -> dict[str, np.ndarray]:
        """Remove the rows from a time on, and return them."""
        return self.table.take_back(self.table.count_below("time", first))

    def _write(self, rows: Any) -> None:
        self.table.add(**reordered(rows, self._order(rows))._asdict())


@dataclass(slots=True)
class _Run:
    rows: OrderedRows
    signed: OrderedRows
    failed: GrowingTable
    last: int | None
    """The time of the last transfer of all, failed ones too."""


def copies(
    old: np.ndarray, old_details: np.ndarray, new: np.ndarray, details: np.ndarray, copies_certain: bool
) -> np.ndarray:
    """Which new transfers are copies of old ones, by their keys.

    Raises:
        UndecidedCopyError: a copy differs from the old transfer, or there is one and `copies_certain` is false.
    """
    if not len(old):
        return np.zeros(len(new), bool)
    order = np.argsort(old)
    position = order[np.minimum(np.searchsorted(old, new, sorter=order), len(old) - 1)]
    is_copy = old[position] == new
    if is_copy.any() and (not copies_certain or (old_details[position[is_copy]] != details[is_copy]).any()):
        raise UndecidedCopyError
    return is_copy


def _joined(pieces: Sequence[Any]) -> Any:
    """Rows after each other; a column is empty if it is in all of them."""
    if len(pieces) == 1:
        return pieces[0]
    sizes = [len(piece.time) for piece in pieces]
    columns = {}
    for name in pieces[0]._fields:
        values = [getattr(piece, name) for piece in pieces]
        if any(len(column) for column in values):
            values = [_filled(column, n, _ABSENT.get(name, 0)) for column, n in zip(values, sizes, strict=True)]
        columns[name] = np.concatenate(values)
    return type(pieces[0])(**columns)


def _filled(column: np.ndarray, n: int, value: float = 0) -> np.ndarray:
    return column if len(column) == n else np.full(n, value, column.dtype)


def _floats(column: Any) -> np.ndarray:
    return pc.fill_null(one_array(column), math.nan).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def _plain(column: Any) -> pa.Array:
    array = one_array(column)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _ids(column: pa.Array, names: StringEncoder) -> np.ndarray:
    """Ids of names, −1 for missing ones; empty if all are missing."""
    if column.null_count == len(column):
        return np.empty(0, np.int32)
    there = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    ids = np.full(len(column), -1, np.int32)
    ids[there] = names.encode(column.take(pa.array(there)))
    return ids


def _words(column: pa.Array, salt: np.uint64) -> np.ndarray:
    """A word for each value of a column; 0 where there is none."""
    there = column.is_valid().to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        words = pc.fill_null(column, 0).to_numpy(zero_copy_only=False).view(np.uint64)
    else:
        words = stable_hash(_plain(column))
    return np.where(there, mix(words, np.full(len(words), salt)) | np.uint64(1), np.uint64(0))
