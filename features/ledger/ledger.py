"""The ledger: transfers with addresses as dense integers, and for every wallet its transfers as one slice, in order.

Holds data and finds slices; computes no feature. How it is built is in `build.py`, how it is kept in a folder in `stored.py`.
"""

import warnings
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..base.errors import DataError, UsageError
from ..base.kernel_compiler import kernel
from ..families.registry import needs_of
from ..kernels.sorted_arrays import first_entry_from
from ..kernels.wallet_view import LedgerRows
from ..transfers.addresses import normalise_addresses
from ..transfers.input_files import DataFile, find_files
from ..transfers.schema import QUARANTINE, is_marked, no_good_row_message
from .attribution import AttributionIndex
from .builder import Builder, UnsureError, columns_for
from .ordering import compressed
from .store import Files, Made, Manifest, Store, begin_from, keep_part, load, state_of, stored_part, write
from .string_encoder import stable_hash
from .transactions import NOTHING_SIGNED, Signed, resolved
from .transfer_inputs import (
    Staging,
    checked_batches,
    first_time,
    opened,
    parts_of_files,
    parts_of_table,
    rows_in,
    temporary_folder,
)

__all__ = ["Ledger", "stable_hash"]

_BYTES_A_ROW = 80  # of a ledger, its wallets' addresses and their look-up included
_BYTES_TO_MERGE = 250  # a row, where two runs that overlap in time are merged in memory


class Ledger:
    """Transfers ready for extraction. Failed transactions moved nothing and are left out; duplicates are counted once.

    Attributes:
        addresses: Arrow array of strings (`large_string`); the address with id i stands at i.
        hashes: FNV-1a (64 bits) of each address, by id.
        rows: the transfers in their total order, a column each.
        offsets, entries: wallet i's transfers are rows[entries[offsets[i] : offsets[i + 1]]].
        assets: pyarrow array of strings; the asset with id i stands at i.
        needs: what the features need that can be extracted.
        rejected: the rows that were refused on the way in, with their reasons (empty for files written by `ingest`).
        attribution: labels of its wallets, if it was given some (`exposure.with_attribution`).
    """

    attribution: AttributionIndex | None = None

    def __init__(self, made: Made, place: Path | None = None, holder: object = None) -> None:
        """Take what a ledger is made of; `place` is the folder it lies in, if it does, and `holder` what that must outlive."""
        names, columns = made.names, made.tables["rows"]
        self._known, self._strangers, self._place = names["addresses"], names["strangers"], place
        self._all_signed, self._signed = Signed(**made.tables["signed"]), None
        self.addresses = self._known.strings()
        self.hashes = self._known.hashes
        self.assets = names["assets"].strings().cast(pa.string())
        self.rows = LedgerRows(**{name: columns[name] for name in LedgerRows._fields})
        self.offsets, self.entries = made.offsets, made.entries
        self.rejected = made.rejected
        self.needs = made.needs
        self._parts: dict[Hashable, Any] = {}
        self._holder = holder

    @classmethod
    def from_transfers(cls, source: Any, features: Iterable[str] | None = None, memory: int | None = None) -> "Ledger":
        """Build a ledger.

        Args:
            source: transfers, as a path, folder, glob, list of paths, pandas frame, Arrow table or DuckDB relation.
            features: those that will be extracted: only columns that they need are read. None for all.
            memory: bytes that the ledger and its making may take: what does not fit lies in a temporary folder (see TMPDIR)
                and is read as it is needed. None for as many as it takes.

        Raises:
            DataError: if the source is missing, holds no transfer table, or lacks columns.
        """
        files = opened(find_files(source)) if isinstance(source, str | Path | list | tuple) else None
        needs = needs_of(features)
        sources = _Sources(files, source, memory)
        if memory is None or _BYTES_A_ROW * sources.rows <= memory // 2:
            return cls(sources.made(needs))
        holder = _Holder()
        place = temporary_folder(holder)
        return cls(sources.made_in(place, needs), place, holder)

    @classmethod
    def cached(
        cls, source: Any, folder: str | Path, features: Iterable[str] | None = None, memory: int | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> "Ledger":  # fmt: skip
        """The ledger of some files, kept in a folder: built when it is not there, or when files changed; else only mapped.

        Where files came to those that it was made of, only these are read. Transfers that stand in old and new ones count once.

        Args:
            source: a path, folder, glob pattern or list of paths.
            folder: of this ledger alone; made if it is not there.
            features: those that will be extracted; None for all.
            memory: bytes that its making may take; None for as many as it takes.
            on_note: told, in one line, if what is in the folder is damaged and is made anew; None for a warning.

        Raises:
            DataError: if the source is missing or holds no transfer table, or if the folder holds something else.
            UsageError: if the source is no path.
        """
        if not isinstance(source, str | Path | list | tuple):
            raise UsageError(f"transfers: files are needed to keep a ledger in a folder; {type(source).__name__} came")
        kept = _Cache(Store(Path(folder)), find_files(source), needs_of(features) | {"tx"}, memory)
        return cls(*kept.ledger(on_note or _warn))

    @property
    def signed(self) -> Signed:
        """The transactions that were signed with a known nonce, failed ones too, by wallets of the ledger."""
        if "transactions" not in self.needs:
            return NOTHING_SIGNED
        if self._signed is None:
            self._signed = resolved(self._all_signed, self._known, self._strangers)
        return self._signed

    @property
    def transfers(self) -> int:
        """The number of transfers."""
        return len(self.rows.time)

    @property
    def first(self) -> int | None:
        """The time of the first transfer, in seconds since 1970 UTC; None if there is none."""
        return int(self.rows.time[0]) if self.transfers else None

    @property
    def last(self) -> int | None:
        """The time of the last transfer, in seconds since 1970 UTC; None if there is none."""
        return int(self.rows.time[-1]) if self.transfers else None

    @property
    def end(self) -> pd.Timestamp:
        """The second after the last transfer: the as-of date that sees them all. Of an empty ledger, that of 1970."""
        moment = pd.Timestamp((self.last or 0) + 1, unit="s", tz="UTC")
        assert isinstance(moment, pd.Timestamp)
        return moment

    def ids(self, addresses: "Sequence[str] | pd.Series | pa.Array") -> np.ndarray:
        """The ids of addresses, in any spelling; −1 where the ledger has no transfer of it. Shape (n,), int64.

        Quickest for a pandas column or an Arrow array, which need not be taken apart; quicker still for `self.addresses`.
        """
        asked = _arrow_strings(addresses)
        if self._known.is_all(asked):
            return np.arange(len(asked), dtype=np.int64)
        ids = self._known.find(asked)
        unknown = np.flatnonzero(ids < 0)
        if len(unknown):
            ids[unknown] = self._known.find(normalise_addresses(asked.take(pa.array(unknown))))
        if asked.null_count:
            ids[asked.is_null().to_numpy(zero_copy_only=False)] = -1
        return ids.astype(np.int64)

    def kept(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives at the first call with this key; after that, the same again, as long as the ledger lives."""
        if key not in self._parts:  # two threads may both make it: they make the same
            self._parts[key] = make()
        return self._parts[key]

    def part(self, name: str, find: Callable[["Ledger"], Any]) -> Any:
        """A part of what the chain tells (`context.py`): found at the first call, then kept, beside a stored ledger on disk."""

        def found() -> Any:
            part = stored_part(self._place, name) if self._place else None
            if part is None:
                part = find(self)
                if self._place:
                    keep_part(self._place, name, part)
                    part = (
                        stored_part(self._place, name) or part
                    )  # mapped: the memory that it took is free for the next
            return part

        return self.kept(name, found)

    def slices(self, ids: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in `entries` the transfers of wallets `ids` with start ≤ time < end stand; low = high where there is none.

        Args:
            ids: int64 of shape (n,); −1 for an unknown wallet.
            start: int64 of shape (n,), seconds since 1970 UTC.
            end: the same.
        """
        return _slices(self.offsets, self.entries, self.rows.time, ids, start, end)


class _Holder:
    """Lives as long as a ledger whose columns lie in a temporary folder, which goes with it."""


class _Sources:
    """The runs of a ledger: what `ingest` wrote as it stands, all else as one."""

    def __init__(self, files: list[DataFile] | None, table: Any, memory: int | None) -> None:
        self._files, self._memory = files or [], memory
        self._marked = [file for file in self._files if is_marked(file.schema)]
        others = [file for file in self._files if not is_marked(file.schema)]
        self._staged: Staging | None = None
        if files is None:
            self._staged = Staging(parts_of_table(table, memory), memory)
        elif others:
            self._staged = Staging(parts_of_files(others), memory)
        self.rows = rows_in(self._marked) + (self._staged.rows if self._staged else 0)
        self.several = len(self._marked) + (self._staged is not None) > 1

    def made(self, needs: frozenset[str]) -> Made:
        """The ledger's parts, in memory."""
        return self._compressed(self._built(needs, None), needs)

    def made_in(self, folder: Path, needs: frozenset[str]) -> Made:
        """The ledger's parts, in a folder, mapped."""
        made = self._compressed(self._built(needs, folder), needs)
        write(made, folder)
        last = made.last
        del made  # and with it the memory that names and entries took
        return load(folder, needs, last)

    def append_to(self, builder: Builder, needs: frozenset[str], rejected: pa.Table) -> Made:
        """Add these runs to a builder that goes on from others."""
        if self._staged:
            builder.add_run(self._staged.batches(), twice=not self._staged.nameless)
        self._add_marked(builder)
        return self._compressed(builder, needs, rejected)

    def _built(self, needs: frozenset[str], folder: Path | None) -> Builder:
        read = needs | {"tx"} if self.several else needs
        builder = Builder(read, folder, room=self.rows, most=_most(self._memory))
        try:
            if self._staged:
                builder.add_run(self._staged.batches())
            self._add_marked(builder)
        except UnsureError:
            builder.close()
            for place in folder.glob("*.npy") if folder else ():
                place.unlink()
            self._staged = Staging(parts_of_files(self._files), self._memory)
            builder = Builder(needs, folder, room=self._staged.rows)
            builder.add_run(self._staged.batches())
        if self._staged and len(self._staged.rejected) and not builder.came:
            raise DataError(no_good_row_message(self._staged.rejected))
        return builder

    def _add_marked(self, builder: Builder) -> None:
        for file in sorted(self._marked, key=first_time) if len(self._marked) > 1 else self._marked:
            builder.add_run(checked_batches(file, columns_for(builder.needs)))

    def _compressed(self, builder: Builder, needs: frozenset[str], rejected: pa.Table | None = None) -> Made:
        tables = builder.whole()
        rows, fresh = tables["rows"], self._staged.rejected if self._staged else None
        if "tx" not in needs:
            rows["tx"] = np.empty(0, np.uint64)
        offsets, entries = compressed(rows["sender"], rows["receiver"], rows["time"], len(builder.names["addresses"]))
        pa.default_memory_pool().release_unused()  # as much as the ledger itself may wait there for tables that never come
        bad = pa.concat_tables([table for table in (QUARANTINE.empty_table(), rejected, fresh) if table is not None])
        return Made(builder.names, tables, offsets, entries, bad, needs, builder.last)


class _Cache:
    """A ledger's way into its folder and out of it."""

    def __init__(self, store: Store, paths: list[Path], needs: frozenset[str], memory: int | None) -> None:
        self._store, self._paths, self._needs, self._memory = store, paths, needs, memory
        self._files: Files = state_of(paths)

    def ledger(self, on_note: Callable[[str], None]) -> tuple[Made, Path]:
        """What the ledger is made of, from the folder if it can be, and where it lies."""
        try:
            manifest = self._store.manifest()
            if manifest and self._needs <= manifest.needs:
                if manifest.files == self._files:
                    return self._loaded(manifest)
                if manifest.files.items() < self._files.items():
                    with suppress(UnsureError):
                        return self._appended(manifest)
        except ValueError as error:
            manifest = None
            on_note(f"{error}; it is made anew")
        return self._built(self._needs | (manifest.needs if manifest else frozenset()))

    def _loaded(self, manifest: Manifest) -> tuple[Made, Path]:
        place = self._store.folder / manifest.state
        return load(place, manifest.needs, manifest.last), place

    def _built(self, needs: frozenset[str]) -> tuple[Made, Path]:
        with self._store.new_state() as folder:
            made = _Sources(opened(self._paths), None, self._memory).made_in(folder, needs)
            return self._loaded(self._store.commit(folder, made, self._files))

    def _appended(self, manifest: Manifest) -> tuple[Made, Path]:
        """Read the files that came, and no others."""
        old, place = self._loaded(manifest)
        came = [path for path in self._paths if str(path.resolve()) not in manifest.files]
        with self._store.new_state() as folder:
            begin_from(place, folder)
            builder = Builder(manifest.needs, folder, old.names, manifest.last, most=_most(self._memory))
            try:
                made = _Sources(opened(came), None, self._memory).append_to(builder, manifest.needs, old.rejected)
            finally:
                builder.close()
            write(made, folder)
            return self._loaded(self._store.commit(folder, made, self._files))


def _most(memory: int | None) -> int | None:
    return None if memory is None else memory // _BYTES_TO_MERGE


def _warn(note: str) -> None:
    warnings.warn(note, stacklevel=4)


def _arrow_strings(addresses: Any) -> pa.Array:
    if isinstance(addresses, pa.Array | pa.ChunkedArray):
        array = addresses
    else:
        array = (
            pa.array(addresses, from_pandas=True)
            if isinstance(addresses, pd.Series)
            else pa.array(addresses, pa.string(), from_pandas=True)
        )
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], pa.string())
    return array if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) else array.cast(pa.string())


@kernel
def _slices(offsets, entries, time, ids, start, end):
    low = np.zeros(ids.size, np.int64)
    high = np.zeros(ids.size, np.int64)
    for s in range(ids.size):
        if ids[s] >= 0:
            low[s] = first_entry_from(entries, time, offsets[ids[s]], offsets[ids[s] + 1], start[s])
            high[s] = first_entry_from(entries, time, low[s], offsets[ids[s] + 1], end[s])
    return low, high
