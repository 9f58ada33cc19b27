"""The ledger: transfers with addresses as dense integers, and for every wallet its transfers as one slice, in order.

Holds data and finds wallets' transfers; computes no feature. `builder.py` builds it, `store.py` keeps it in a folder.
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
from .builder import LedgerBuilder, UndecidedCopyError, columns_for
from .ordering import compress_rows
from .signed_transactions import NONE_SIGNED, SignedTransactions, with_all_ids
from .store import (
    FileStates,
    LedgerManifest,
    LedgerParts,
    LedgerStore,
    copy_columns,
    file_states,
    load_chain_part,
    load_ledger,
    store_chain_part,
    write_ledger,
)
from .transfer_inputs import (
    StagedTransfers,
    checked_batches,
    checked_rows_of_files,
    checked_rows_of_table,
    first_time,
    open_files,
    rows_in,
    temporary_folder,
)

_BYTES_PER_ROW = 80  # of a ledger, its wallets' addresses and their look-up included
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
        rejected: the rows that were rejected on the way in, with their reasons (empty for files written by `ingest`).
        attribution: labels of its wallets, if it was given some (`exposure.with_attribution`).
    """

    attribution: AttributionIndex | None = None

    def __init__(self, parts: LedgerParts, folder: Path | None = None, holder: object = None) -> None:
        """Take the parts of a ledger, and the folder they are mapped from, which lives as long as `holder`."""
        names, columns = parts.names, parts.tables["rows"]
        self._address_ids, self._strangers, self._folder = names["addresses"], names["strangers"], folder
        self._all_signed, self._signed_transactions = SignedTransactions(**parts.tables["signed"]), None
        self.addresses = self._address_ids.strings()
        self.hashes = self._address_ids.hashes
        self.assets = names["assets"].strings().cast(pa.string())
        self.rows = LedgerRows(**{name: columns[name] for name in LedgerRows._fields})
        self.offsets, self.entries = parts.offsets, parts.entries
        self.rejected = parts.rejected
        self.needs = parts.needs
        self._computed: dict[Hashable, Any] = {}
        self._holder = holder

    @classmethod
    def from_transfers(cls, source: Any, features: Iterable[str] | None = None, memory: int | None = None) -> "Ledger":
        """Build a ledger.

        Args:
            source: transfers, as a path, folder, glob, list of paths, pandas frame, Arrow table or DuckDB relation.
            features: those that will be extracted: only columns that they need are read. None for all.
            memory: bytes that the ledger and its building may take. A larger ledger lies in a temporary folder (see
                TMPDIR) and is read from there as it is used. None for no limit.

        Raises:
            DataError: if the source is missing, holds no transfer table, or lacks columns.
        """
        files = open_files(find_files(source)) if isinstance(source, str | Path | list | tuple) else None
        needs = needs_of(features)
        runs = _Runs(files, source, memory)
        if memory is None or _BYTES_PER_ROW * runs.rows <= memory // 2:
            return cls(runs.build(needs))
        holder = _Holder()
        folder = temporary_folder(holder)
        return cls(runs.build_in(folder, needs), folder, holder)

    @classmethod
    def from_cache(
        cls, source: Any, folder: str | Path, features: Iterable[str] | None = None, memory: int | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> "Ledger":  # fmt: skip
        """The ledger of some files, kept in a folder: built if it is missing or files have changed, else mapped.

        If files were added, only these are read. Transfers in old and new files count once.

        Args:
            source: a path, folder, glob pattern or list of paths.
            folder: for this ledger alone; made if it is missing.
            features: those that will be extracted; None for all.
            memory: bytes that its building may take; None for no limit.
            on_note: called with one line if the content of the folder is damaged and is built again; None for a warning.

        Raises:
            DataError: if the source is missing or holds no transfer table, or if the folder holds something else.
            UsageError: if the source is not a path.
        """
        if not isinstance(source, str | Path | list | tuple):
            raise UsageError(f"transfers: files are needed to keep a ledger in a folder; got {type(source).__name__}")
        cache = _CachedLedger(LedgerStore(Path(folder)), find_files(source), needs_of(features) | {"tx"}, memory)
        return cls(*cache.ledger(on_note or _warn))

    @property
    def signed_transactions(self) -> SignedTransactions:
        """The transactions signed with a known nonce, failed ones too, by wallets of the ledger."""
        if "transactions" not in self.needs:
            return NONE_SIGNED
        if self._signed_transactions is None:
            self._signed_transactions = with_all_ids(self._all_signed, self._address_ids, self._strangers)
        return self._signed_transactions

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
        timestamp = pd.Timestamp((self.last or 0) + 1, unit="s", tz="UTC")
        assert isinstance(timestamp, pd.Timestamp)
        return timestamp

    def ids(self, addresses: "Sequence[str] | pd.Series | pa.Array") -> np.ndarray:
        """The ids of addresses, in any spelling; −1 where the ledger has no transfer of it. Shape (n,), int64.

        Fastest for `self.addresses`, then for an Arrow array or a pandas column.
        """
        strings = _arrow_strings(addresses)
        if self._address_ids.holds_exactly(strings):
            return np.arange(len(strings), dtype=np.int64)
        ids = self._address_ids.look_up(strings)
        unknown = np.flatnonzero(ids < 0)
        if len(unknown):
            ids[unknown] = self._address_ids.look_up(normalise_addresses(strings.take(pa.array(unknown))))
        if strings.null_count:
            ids[strings.is_null().to_numpy(zero_copy_only=False)] = -1
        return ids.astype(np.int64)

    def computed_once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The result of `make` at the first call with this key; later calls get the same object, as long as the ledger lives."""
        if key not in self._computed:  # two threads may both make it: they make the same
            self._computed[key] = make()
        return self._computed[key]

    def chain_part(self, name: str, build_part: Callable[["Ledger"], Any]) -> Any:
        """A part of the chain's context (`context.py`): built at the first call, then stored beside the ledger."""

        def loaded() -> Any:
            part = load_chain_part(self._folder, name) if self._folder else None
            if part is None:
                part = build_part(self)
                if self._folder:
                    store_chain_part(self._folder, name, part)
                    part = load_chain_part(self._folder, name) or part  # the mapped one takes no memory
            return part

        return self.computed_once(name, loaded)

    def entry_ranges(self, ids: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ranges [low, high) of `entries` with the transfers of wallets `ids` at start ≤ time < end; low = high: none.

        Args:
            ids: int64 of shape (n,); −1 for an unknown wallet.
            start: int64 of shape (n,), seconds since 1970 UTC.
            end: the same.
        """
        return _entry_ranges(self.offsets, self.entries, self.rows.time, ids, start, end)


class _Holder:
    """Lives as long as a ledger whose columns lie in a temporary folder, which goes with it."""


class _Runs:
    """The runs of a ledger: each file that `ingest` wrote, and all other sources as one."""

    def __init__(self, files: list[DataFile] | None, table: Any, memory: int | None) -> None:
        self._files, self._memory = files or [], memory
        self._marked = [file for file in self._files if is_marked(file.schema)]
        others = [file for file in self._files if not is_marked(file.schema)]
        self._staged: StagedTransfers | None = None
        if files is None:
            self._staged = StagedTransfers(checked_rows_of_table(table, memory), memory)
        elif others:
            self._staged = StagedTransfers(checked_rows_of_files(others), memory)
        self.rows = rows_in(self._marked) + (self._staged.rows if self._staged else 0)
        self.several = len(self._marked) + (self._staged is not None) > 1

    def build(self, needs: frozenset[str]) -> LedgerParts:
        """Build the ledger in memory."""
        return self._parts_of(self._filled_builder(needs, None), needs)

    def build_in(self, folder: Path, needs: frozenset[str]) -> LedgerParts:
        """Build the ledger in a folder, and map it."""
        parts = self._parts_of(self._filled_builder(needs, folder), needs)
        write_ledger(parts, folder)
        last = parts.last
        del parts  # and with it the memory of names and entries
        return load_ledger(folder, needs, last)

    def append_to(self, builder: LedgerBuilder, needs: frozenset[str], rejected: pa.Table) -> LedgerParts:
        """Add these runs to a builder that has others."""
        if self._staged:
            builder.add_run(self._staged.batches(), copies_certain=not self._staged.nameless)
        self._add_marked(builder)
        return self._parts_of(builder, needs, rejected)

    def _filled_builder(self, needs: frozenset[str], folder: Path | None) -> LedgerBuilder:
        read = needs | {"tx"} if self.several else needs
        builder = LedgerBuilder(read, folder, room=self.rows, max_merged_rows=_max_merged_rows(self._memory))
        try:
            if self._staged:
                builder.add_run(self._staged.batches())
            self._add_marked(builder)
        except UndecidedCopyError:
            builder.close()
            for path in folder.glob("*.npy") if folder else ():
                path.unlink()
            self._staged = StagedTransfers(checked_rows_of_files(self._files), self._memory)
            builder = LedgerBuilder(needs, folder, room=self._staged.rows)
            builder.add_run(self._staged.batches())
        if self._staged and len(self._staged.rejected) and not builder.added:
            raise DataError(no_good_row_message(self._staged.rejected))
        return builder

    def _add_marked(self, builder: LedgerBuilder) -> None:
        for file in sorted(self._marked, key=first_time) if len(self._marked) > 1 else self._marked:
            builder.add_run(checked_batches(file, columns_for(builder.needs)))

    def _parts_of(self, builder: LedgerBuilder, needs: frozenset[str], rejected: pa.Table | None = None) -> LedgerParts:
        tables = builder.finish()
        rows, new_rejected = tables["rows"], self._staged.rejected if self._staged else None
        if "tx" not in needs:
            rows["tx"] = np.empty(0, np.uint64)
        offsets, entries = compress_rows(
            rows["sender"], rows["receiver"], rows["time"], len(builder.names["addresses"])
        )
        pa.default_memory_pool().release_unused()  # unused, it may hold as much as the ledger
        tables_of_bad = QUARANTINE.empty_table(), rejected, new_rejected
        bad = pa.concat_tables([table for table in tables_of_bad if table is not None])
        return LedgerParts(builder.names, tables, offsets, entries, bad, needs, builder.last)


class _CachedLedger:
    """Reads a ledger from its folder, or builds it there."""

    def __init__(self, store: LedgerStore, paths: list[Path], needs: frozenset[str], memory: int | None) -> None:
        self._store, self._paths, self._needs, self._memory = store, paths, needs, memory
        self._files: FileStates = file_states(paths)

    def ledger(self, on_note: Callable[[str], None]) -> tuple[LedgerParts, Path]:
        """The parts of the ledger, from the folder if they are up to date, and where they lie."""
        try:
            manifest = self._store.manifest()
            if manifest and self._needs <= manifest.needs:
                if manifest.files == self._files:
                    return self._loaded(manifest)
                if manifest.files.items() < self._files.items():
                    with suppress(UndecidedCopyError):
                        return self._appended(manifest)
        except ValueError as error:
            manifest = None
            on_note(f"{error}; it is built again")
        return self._rebuilt(self._needs | (manifest.needs if manifest else frozenset()))

    def _loaded(self, manifest: LedgerManifest) -> tuple[LedgerParts, Path]:
        folder = self._store.folder / manifest.state
        return load_ledger(folder, manifest.needs, manifest.last), folder

    def _rebuilt(self, needs: frozenset[str]) -> tuple[LedgerParts, Path]:
        with self._store.new_state() as folder:
            parts = _Runs(open_files(self._paths), None, self._memory).build_in(folder, needs)
            return self._loaded(self._store.commit(folder, parts, self._files))

    def _appended(self, manifest: LedgerManifest) -> tuple[LedgerParts, Path]:
        """Read the files that were added, and no others."""
        old, old_folder = self._loaded(manifest)
        new = [path for path in self._paths if str(path.resolve()) not in manifest.files]
        with self._store.new_state() as folder:
            copy_columns(old_folder, folder)
            most = _max_merged_rows(self._memory)
            builder = LedgerBuilder(manifest.needs, folder, old.names, manifest.last, max_merged_rows=most)
            try:
                parts = _Runs(open_files(new), None, self._memory).append_to(builder, manifest.needs, old.rejected)
            finally:
                builder.close()
            write_ledger(parts, folder)
            return self._loaded(self._store.commit(folder, parts, self._files))


def _max_merged_rows(memory: int | None) -> int | None:
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
def _entry_ranges(offsets, entries, time, ids, start, end):
    low = np.zeros(ids.size, np.int64)
    high = np.zeros(ids.size, np.int64)
    for s in range(ids.size):
        if ids[s] >= 0:
            low[s] = first_entry_from(entries, time, offsets[ids[s]], offsets[ids[s] + 1], start[s])
            high[s] = first_entry_from(entries, time, low[s], offsets[ids[s] + 1], end[s])
    return low, high
