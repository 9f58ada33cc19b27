"""Builds what a ledger is made of: names to ids, rows into their total order, run after run, in memory or in files.

Where runs come from is in `incoming.py`, where files are kept in `stored.py`; the ledger itself is in `ledger.py`.
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
from .growing_columns import Table
from .ordering import ascends, keys_of, mixed, order_of, taken
from .string_encoder import Encoder, quick_hash, stable_hash
from .transactions import KINDS as SIGNED_KINDS
from .transactions import Signed, in_order, one_array, seconds_of, signed_of

_COLUMNS = ("timestamp", "sender", "receiver", "amount", "asset", "usd", "failed")
_COLUMNS_FOR = {"tx": ("tx_id",), "chain": ("chain",), "transactions": ("nonce", "gas_price", "method")}
"""Columns that only features with such needs look at."""

KINDS = {
    "time": np.int64, "sender": np.int32, "receiver": np.int32, "amount": np.float64, "asset": np.int32, "usd": np.float64,
    "tx": np.uint64, "chain": np.int32, "details": np.uint64,
}  # fmt: skip
_ABSENT = {"usd": math.nan, "tx": 0, "chain": -1, "details": 0}
FAILED_KINDS = {"key": np.uint64, "details": np.uint64}
NAMES = ("addresses", "assets", "chains", "methods", "strangers")
"""The encoders of a ledger; strangers are senders of failed transactions."""


class UnsureError(Exception):
    """What is said twice differs, or cannot be told apart here: `duplicates.py` must decide over all rows at once."""


class Detailed(NamedTuple):
    """The columns of `LedgerRows`, and a hash of what else is said of a transfer, to know copies that say the same."""

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


class Builder:
    """Rows and names as they come in.

    Args:
        needs: what the features to be extracted need (`catalogue.needs_of`); `tx` where there are several runs.
        folder: where columns grow in files, perhaps begun before; None for memory.
        names: encoders to go on with; none to begin anew.
        last: the time of the last transfer in the files of `folder`, failed ones too.
        room: how many rows are expected.
        most: rows of a run that may be held in memory to be merged; None for any number.
    """

    def __init__(
        self, needs: frozenset[str], folder: Path | None = None, names: dict[str, Encoder] | None = None,
        last: int | None = None, room: int = 0, most: int | None = None,
    ) -> None:  # fmt: skip
        self.needs, self._most = needs, most
        self.names = names or {name: Encoder() for name in NAMES}
        self._kept = self._tables(folder, last, room)
        self.came = 0
        """Transfers added, those left out again too."""

    @property
    def last(self) -> int | None:
        """The time of the last transfer, failed ones too."""
        return self._kept.last

    def add_run(self, batches: Iterable[pa.RecordBatch | pa.Table], twice: bool = True) -> None:
        """Add transfers in order of time, each there once.

        Args:
            batches: of `transfers.SCHEMA`.
            twice: False if a row that is there already may be no copy, but cannot be told from one.

        Raises:
            UnsureError: some stand among those added before, and it takes more than this to count them.
        """
        place, first, alone = self._kept, None, self._kept.last is None
        for batch in batches:
            time = seconds_of(batch["timestamp"])
            self.came += len(time)
            if not len(time):
                continue
            if first is None:
                first = int(time.min())
                if self._kept.last is not None and first <= self._kept.last:
                    place = self._tables(None, None, 0)
            elif not alone and place is self._kept and time.min() < first:
                raise UnsureError  # it goes back beyond its own beginning, perhaps to among the others
            self._add(place, batch, time)
        if first is not None and place is not self._kept:
            self._merge(place, first, twice)

    def whole(self) -> dict[str, dict[str, np.ndarray]]:
        """The columns of the rows, of what was signed and of what failed; nothing is added after that."""
        kept = self._kept
        kept.rows.settle()
        kept.signed.settle()
        return {"rows": kept.rows.table.whole(), "signed": kept.signed.table.whole(), "failed": kept.failed.whole()}

    def close(self) -> None:
        """Let go of the files."""
        for table in (self._kept.rows.table, self._kept.signed.table, self._kept.failed):
            table.close()

    def _tables(self, folder: Path | None, last: int | None, room: int) -> "_Tables":
        rows, signed = Table(KINDS, _ABSENT, folder, "rows", room), Table(SIGNED_KINDS, {}, folder, "signed")
        return _Tables(
            Ordered(Detailed, rows, self._order_of_rows),
            Ordered(Signed, signed, self._order_of_signed),
            Table(FAILED_KINDS, {}, folder, "failed"),
            last,
        )

    def _add(self, place: "_Tables", batch: Any, time: np.ndarray) -> None:
        """Add a batch: what moved, what was signed, and of what failed what tells it apart."""
        moved = ~pc.fill_null(one_array(batch["failed"]), False).to_numpy(zero_copy_only=False)
        details, lost = self._details(batch, moved), np.flatnonzero(~moved)
        good = batch.filter(pa.array(moved)) if len(lost) else batch
        place.rows.add(
            self._rows_of(good, time[moved] if len(lost) else time, details[moved] if details.size else details)
        )
        if len(lost) and "tx" in self.needs:
            place.failed.add(key=self._keys_of(batch.take(pa.array(lost)), time[lost]), details=details[lost])
        if "transactions" in self.needs:
            place.signed.add(signed_of(batch, moved, *(self.names[n] for n in ("addresses", "strangers", "methods"))))
        place.last = max(int(time.max()), place.last or 0)
        if place is not self._kept and self._most is not None and place.rows.n > self._most:
            raise UnsureError

    def _merge(self, run: "_Tables", first: int, twice: bool) -> None:
        """Merge a run that begins at `first` with what is there from then on."""
        for part in (run.rows, run.signed, self._kept.rows, self._kept.signed):
            part.settle()
        kept, came = self._kept, Detailed(**run.rows.table.cut(0))
        before, failed = Detailed(**kept.rows.cut_from(first)), (kept.failed.cut(0), run.failed.cut(0))
        keys = [
            np.concatenate([self._keys(rows), lost["key"]]) for rows, lost in zip((before, came), failed, strict=True)
        ]
        details = [
            np.concatenate([_filled(rows.details, len(rows.time)), lost["details"]])
            for rows, lost in zip((before, came), failed, strict=True)
        ]
        fresh = ~copies(keys[0], details[0], keys[1], details[1], twice)
        moved = np.flatnonzero(fresh[: len(came.time)])
        kept.rows.add(_joined([before, taken(came, moved)]))
        kept.rows.settle()
        kept.failed.add(**failed[0])
        kept.failed.add(**{name: column[fresh[len(came.time) :]] for name, column in failed[1].items()})
        kept.signed.add(_joined([Signed(**kept.signed.cut_from(first)), Signed(**run.signed.table.cut(0))]))
        kept.signed.settle()
        kept.last = max(kept.last or 0, run.last or 0)

    def _rows_of(self, good: Any, time: np.ndarray, details: np.ndarray) -> Detailed:
        names, needs, usd = self.names, self.needs, good["usd"]
        return Detailed(
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
        """What is said of each transfer beside what tells it apart, as a hash; empty if nothing is."""
        if "tx" not in self.needs:  # copies cannot be known
            return np.empty(0, np.uint64)
        words = [(~moved).astype(np.uint64)] if not moved.all() else []
        for place, name in enumerate(("usd", "chain", "gas_price", "nonce", "method")):
            if name in batch.schema.names and batch[name].null_count < len(batch):
                words.append(_words(one_array(batch[name]), np.uint64(place + 1)))
        # All that is not said is 0, so that it is the same for a batch that says none of it of any row.
        return (
            np.bitwise_xor.reduce([np.where(word != 0, mixed(word), 0) for word in words])
            if words
            else np.empty(0, np.uint64)
        )

    def _keys(self, rows: Detailed) -> np.ndarray:
        return keys_of(LedgerRows(*rows[:-1]), self.names["addresses"].hashes, self.names["assets"].hashes)

    def _keys_of(self, lost: Any, time: np.ndarray) -> np.ndarray:
        """The keys of failed transfers, whose wallets may have no id."""
        words = [stable_hash(_plain(lost[name])) for name in ("asset", "sender", "receiver")]
        amount, tx = _floats(lost["amount"]).view(np.uint64), quick_hash(one_array(lost["tx_id"]))
        return mixed(time.view(np.uint64), *words, amount, tx)

    def _order_of_rows(self, rows: Detailed) -> np.ndarray | None:
        names = self.names
        return order_of(
            LedgerRows(*rows[:-1]), names["addresses"].hashes, names["assets"].hashes, names["chains"].hashes
        )

    def _order_of_signed(self, signed: Signed) -> np.ndarray:
        return in_order(signed, self.names["addresses"], self.names["strangers"], self.names["methods"])


class Ordered:
    """Rows on their way into a table, by time. Those of the last time wait until another comes, for they may not be all."""

    def __init__(self, kind: Any, table: Table, order: Callable[[Any], np.ndarray | None]) -> None:
        self.table, self._kind, self._order = table, kind, order
        self._waiting: list[Any] = []
        self._disordered = False

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self.table.rows + sum(len(part.time) for part in self._waiting)

    def add(self, rows: Any) -> None:
        """Add rows, which should stand in order of time."""
        if not len(rows.time):
            return
        self._disordered |= not ascends(rows.time) or bool(self._waiting and rows.time[0] < self._waiting[-1].time[-1])
        self._waiting.append(rows)
        if self._disordered or rows.time[-1] == self._waiting[0].time[0]:
            return
        ready = _joined(self._waiting)
        cut = int(np.searchsorted(ready.time, ready.time[-1]))
        self._waiting = [self._kind(*(column[cut:].copy() for column in ready))]
        self._write(self._kind(*(column[:cut] for column in ready)))

    def settle(self) -> None:
        """Let nothing wait."""
        if self._disordered:
            self._waiting.insert(0, self._kind(**self.table.cut(0)))
            self._disordered = False
        if self._waiting:
            self._write(_joined(self._waiting))
            self._waiting = []

    def cut_from(self, first: int) -> dict[str, np.ndarray]:
        """Take back the rows from a time on."""
        return self.table.cut(self.table.below("time", first))

    def _write(self, rows: Any) -> None:
        self.table.add(**taken(rows, self._order(rows))._asdict())


@dataclass(slots=True)
class _Tables:
    rows: Ordered
    signed: Ordered
    failed: Table
    last: int | None
    """The time of the last transfer of all, failed ones too."""


def copies(old: np.ndarray, old_details: np.ndarray, new: np.ndarray, details: np.ndarray, twice: bool) -> np.ndarray:
    """Which new transfers are among the old ones, by their keys.

    Raises:
        UnsureError: a copy says something else than what is there, or there is one and `twice` is false.
    """
    if not len(old):
        return np.zeros(len(new), bool)
    order = np.argsort(old)
    place = order[np.minimum(np.searchsorted(old, new, sorter=order), len(old) - 1)]
    found = old[place] == new
    if found.any() and (not twice or (old_details[place[found]] != details[found]).any()):
        raise UnsureError
    return found


def _joined(parts: Sequence[Any]) -> Any:
    """Rows after each other; a column is empty where it is in all of them."""
    if len(parts) == 1:
        return parts[0]
    sizes = [len(part.time) for part in parts]
    columns = {}
    for name in parts[0]._fields:
        pieces = [getattr(part, name) for part in parts]
        if any(len(piece) for piece in pieces):
            pieces = [_filled(piece, n, _ABSENT.get(name, 0)) for piece, n in zip(pieces, sizes, strict=True)]
        columns[name] = np.concatenate(pieces)
    return type(parts[0])(**columns)


def _filled(column: np.ndarray, n: int, value: float = 0) -> np.ndarray:
    return column if len(column) == n else np.full(n, value, column.dtype)


def _floats(column: Any) -> np.ndarray:
    return pc.fill_null(one_array(column), math.nan).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)


def _plain(column: Any) -> pa.Array:
    array = one_array(column)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _ids(column: pa.Array, names: Encoder) -> np.ndarray:
    """Ids of names, −1 for those that are missing; empty if all are."""
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
    return np.where(there, mixed(words, np.full(len(words), salt)) | np.uint64(1), np.uint64(0))
