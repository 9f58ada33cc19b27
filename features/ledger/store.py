"""Encoded ledgers in a folder: written whole or not at all, mapped when loaded, out of date when their files changed.

A folder holds a manifest and, in a folder beside it, the state that the manifest names. A new state is written under another
name. It takes effect when the manifest is replaced, which the file system does in one step.
"""

import contextlib
import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..base.atomic_write import sync_folder, write_atomically, write_folder_atomically
from ..base.errors import DataError
from ..kernels.context import EMPTY
from .builder import FAILED_DTYPES, NAMES, ROW_DTYPES
from .growing_columns import map_column, write_column
from .signed_transactions import SIGNED_DTYPES
from .string_encoder import EncoderState, StringEncoder

FORMAT = 1
_MANIFEST = "walletprint-ledger.json"
_STATE, _NEW = "ledger-", ".new"
_DAY = 86_400
_SOURCES = Path(__file__).parent.parent
_TABLES = {"rows": ROW_DTYPES, "signed": SIGNED_DTYPES, "failed": FAILED_DTYPES}
_MADE_BY = ("base", "kernels", "ledger", "transfers")
"""The folders of sources that the content of a stored ledger depends on."""
_PARTS_MADE_BY = ("base", "kernels", "chain", "chain/patterns")
"""Those that stored parts of what the chain tells depend on, besides."""

FileStates = dict[str, list[int]]


@dataclass(slots=True)
class LedgerParts:
    """The content of a ledger.

    Attributes:
        names: an encoder per kind of name (`builder.NAMES`).
        tables: columns of the rows, of signed transactions, and of failed transfers.
        offsets, entries: each wallet's transfers as one slice.
        rejected: the rows that were rejected.
        needs: what the features need that can be extracted.
        last: time of the last transfer, failed ones too.
    """

    names: dict[str, StringEncoder]
    tables: dict[str, dict[str, np.ndarray]]
    offsets: np.ndarray
    entries: np.ndarray
    rejected: pa.Table
    needs: frozenset[str]
    last: int | None


@dataclass(frozen=True, slots=True)
class LedgerManifest:
    """What a stored ledger was built from (files with size and time of change in ns, needs), and the folder with its state."""

    files: FileStates
    needs: frozenset[str]
    last: int | None
    state: str
    sizes: Mapping[str, int]


def file_states(paths: list[Path]) -> FileStates:
    """The size and time of change of files."""
    stats = {str(path.resolve()): path.stat() for path in paths}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


class LedgerStore:
    """A folder for one ledger.

    Raises:
        DataError: the folder holds something else, or cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            others = [path.name for path in self.folder.iterdir() if path.name != _MANIFEST and not _is_state(path)]
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be used as a folder for a ledger ({error.strerror})") from None
        if others and not (self.folder / _MANIFEST).exists():
            raise DataError(
                f"{self.folder}: is not the folder of a stored ledger (it holds {sorted(others)[0]}); give an empty or a new one"
            )

    def manifest(self) -> LedgerManifest | None:
        """The manifest of what is stored; None if nothing is, or if another version of this program stored it.

        Raises:
            ValueError: it is damaged.
        """
        path = self.folder / _MANIFEST
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text())
            if record["format"] != FORMAT or record["made_by"] != _digest(*_MADE_BY):
                return None
            manifest = LedgerManifest(
                record["files"], frozenset(record["needs"]), record["last"], record["state"], record["sizes"]
            )
            folder = self.folder / manifest.state
            whole = all((folder / name).stat().st_size == size for name, size in manifest.sizes.items())
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{self.folder}: the stored ledger is damaged ({type(error).__name__})") from None
        if not whole:
            raise ValueError(f"{self.folder}: the stored ledger is damaged (a file is cut off)")
        return manifest

    @contextlib.contextmanager
    def new_state(self) -> Iterator[Path]:
        """A folder to write a state to. It is removed at the end unless it was committed."""
        folder = self.folder / f"{_STATE}{uuid.uuid4().hex}{_NEW}"
        try:
            folder.mkdir()
            yield folder
        except OSError as error:
            raise DataError(
                f"{self.folder}: cannot be written ({error.strerror or error}); give another folder"
            ) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def commit(self, folder: Path, parts: LedgerParts, files: FileStates) -> LedgerManifest:
        """Make a state, written by `write_ledger`, the stored one, and remove the one before."""
        sync_folder(folder)  # before the manifest that names it
        state = folder.rename(folder.with_suffix(""))
        manifest = LedgerManifest(files, parts.needs, parts.last, state.name, _sizes(state))
        record = {
            "format": FORMAT, "made_by": _digest(*_MADE_BY), "files": files, "needs": sorted(parts.needs), "last": parts.last,
            "state": state.name, "sizes": manifest.sizes,
        }  # fmt: skip
        text = json.dumps(record, indent=1).encode()
        write_atomically(self.folder / _MANIFEST, lambda file: file.writelines([text]))
        for other in self.folder.iterdir():
            # Programs that have mapped the old state keep what they mapped.
            if _is_state(other) and other != state and not _may_be_in_use(other):
                shutil.rmtree(other, ignore_errors=True)
        return manifest


def copy_columns(old: Path, folder: Path) -> None:
    """Copy the growing columns of a state to a new one."""
    for table in _TABLES:
        for path in old.glob(f"{table}-*.npy"):
            shutil.copyfile(path, folder / path.name)


def write_ledger(parts: LedgerParts, folder: Path) -> None:
    """Write all but the tables, which have grown in the folder."""
    for name in NAMES:
        for field, array in parts.names[name].state._asdict().items():
            write_column(array, folder / f"{name}-{field}.npy")
    write_column(parts.offsets, folder / "offsets.npy")
    write_column(parts.entries, folder / "entries.npy")
    pq.write_table(parts.rejected, folder / "rejected.parquet", compression="zstd")


def load_ledger(folder: Path, needs: frozenset[str], last: int | None) -> LedgerParts:
    """A stored ledger, read from disk as it is used.

    Raises:
        ValueError: it is damaged.
    """
    try:
        states = {
            name: EncoderState(*(map_column(folder / f"{name}-{field}.npy") for field in EncoderState._fields))
            for name in NAMES
        }
        tables = {
            table: {column: _column(folder / f"{table}-{column}.npy", dtype) for column, dtype in columns.items()}
            for table, columns in _TABLES.items()
        }
        offsets, entries = (map_column(folder / f"{name}.npy") for name in ("offsets", "entries"))
        rejected = pq.read_table(folder / "rejected.parquet")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ValueError(f"{folder.parent}: the stored ledger is damaged ({type(error).__name__})") from None
    names = {name: StringEncoder.from_state(state) for name, state in states.items()}
    return LedgerParts(names, tables, offsets, entries, rejected, needs, last)


def store_chain_part(folder: Path, name: str, part: Any) -> None:
    """Store a part of the chain's context beside its ledger. If that fails, it is built again the next time."""
    if type(part) is not type(EMPTY.get(name)):
        return

    def fill(new: Path) -> None:
        for field, array in part._asdict().items():
            write_column(array, new / f"{field}.npy")

    with contextlib.suppress(DataError):
        write_folder_atomically(_part_folder(folder, name), fill)


def load_chain_part(folder: Path, name: str) -> Any:
    """A part that this version of the program stored; None if there is none."""
    if name not in EMPTY:
        return None
    path = _part_folder(folder, name)
    try:
        part_type = type(EMPTY[name])
        return part_type(*(map_column(path / f"{field}.npy") for field in part_type._fields))
    except (OSError, ValueError):
        return None


def _part_folder(folder: Path, name: str) -> Path:
    return folder / "parts" / f"{name}-{_digest(*_PARTS_MADE_BY)}"


def _column(path: Path, dtype: Any) -> np.ndarray:
    return map_column(path) if path.exists() else np.empty(0, dtype)


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file()}


def _digest(*folders: str) -> str:
    """Of all sources in some folders of this package."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in (_SOURCES / folder).glob("*.py")):
        digest.update(path.relative_to(_SOURCES).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _may_be_in_use(path: Path) -> bool:
    """Whether another program may be writing this state now."""
    with contextlib.suppress(OSError):
        return path.suffix == _NEW and time.time() - path.stat().st_mtime < _DAY
    return False


def _is_state(path: Path) -> bool:
    return path.is_dir() and path.name.startswith(_STATE)
