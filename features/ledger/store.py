"""Encoded ledgers in a folder: written whole or not at all, mapped when loaded, found out when what they were made of changed.

A folder holds a manifest and beside it, in a folder of its own, the state that the manifest names. A new state is written under
another name; what changes the one for the other is the manifest's replacement, which the file system does all at once.
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

from ..base.atomic_write import write_atomically, write_folder_atomically
from ..base.errors import DataError
from ..kernels.context import EMPTY
from .builder import FAILED_KINDS, KINDS, NAMES
from .growing_columns import mapped, store
from .string_encoder import Encoder, Known
from .transactions import KINDS as SIGNED_KINDS

FORMAT = 1
_MANIFEST = "walletprint-ledger.json"
_STATE, _NEW = "ledger-", ".new"
_DAY = 86_400
_SOURCES = Path(__file__).parent.parent
_TABLES = {"rows": KINDS, "signed": SIGNED_KINDS, "failed": FAILED_KINDS}
_MADE_BY = [
    *(f"transfers/{name}" for name in ("addresses", "columns", "duplicates", "input_files", "row_checks", "schema")),
    *(
        f"ledger/{name}"
        for name in (
            "builder",
            "growing_columns",
            "ordering",
            "store",
            "string_encoder",
            "transactions",
            "transfer_inputs",
        )
    ),
]
"""The sources that what is stored hangs on."""

Files = dict[str, list[int]]


@dataclass(slots=True)
class Made:
    """What a ledger is made of.

    Attributes:
        names: encoders of what has a name: `build.NAMES`.
        tables: columns of the rows, of what was signed, and of what failed.
        offsets, entries: compressed rows.
        rejected: rows that were refused.
        needs: what features were had in mind.
        last: time of the last transfer, failed ones too.
    """

    names: dict[str, Encoder]
    tables: dict[str, dict[str, np.ndarray]]
    offsets: np.ndarray
    entries: np.ndarray
    rejected: pa.Table
    needs: frozenset[str]
    last: int | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a stored ledger was made of: files with size and time of change (ns), needs; and where it lies."""

    files: Files
    needs: frozenset[str]
    last: int | None
    state: str
    sizes: Mapping[str, int]


def state_of(paths: list[Path]) -> Files:
    """What tells whether files have changed."""
    stats = {str(path.resolve()): path.stat() for path in paths}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in stats.items()}


class Store:
    """A folder for one ledger.

    Raises:
        DataError: the folder holds something else, or cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            others = [place.name for place in self.folder.iterdir() if place.name != _MANIFEST and not _ours(place)]
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be used as a folder for a ledger ({error.strerror})") from None
        if others and not (self.folder / _MANIFEST).exists():
            raise DataError(
                f"{self.folder}: is no folder of a stored ledger (it holds {sorted(others)[0]}); give an empty or a new one"
            )

    def manifest(self) -> Manifest | None:
        """What is stored; None if nothing is, or what another version of this program stored.

        Raises:
            ValueError: it is damaged.
        """
        place = self.folder / _MANIFEST
        if not place.exists():
            return None
        try:
            told = json.loads(place.read_text())
            if told["format"] != FORMAT or told["made_by"] != _digest(_MADE_BY):
                return None
            manifest = Manifest(told["files"], frozenset(told["needs"]), told["last"], told["state"], told["sizes"])
            folder = self.folder / manifest.state
            whole = all((folder / name).stat().st_size == size for name, size in manifest.sizes.items())
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{self.folder}: the stored ledger is damaged ({type(error).__name__})") from None
        if not whole:
            raise ValueError(f"{self.folder}: the stored ledger is damaged (a file is cut off)")
        return manifest

    @contextlib.contextmanager
    def new_state(self) -> Iterator[Path]:
        """A folder to write a state to, removed when this ends if it was not committed."""
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

    def commit(self, folder: Path, made: Made, files: Files) -> Manifest:
        """Make a state, written by `write`, the stored one; the one before is removed."""
        state = folder.rename(folder.with_suffix(""))
        manifest = Manifest(files, made.needs, made.last, state.name, _sizes(state))
        told = {
            "format": FORMAT, "made_by": _digest(_MADE_BY), "files": files, "needs": sorted(made.needs), "last": made.last,
            "state": state.name, "sizes": manifest.sizes,
        }  # fmt: skip
        text = json.dumps(told, indent=1).encode()
        write_atomically(self.folder / _MANIFEST, lambda file: file.writelines([text]))
        for other in self.folder.iterdir():
            # Those who have the old one mapped keep what they mapped.
            if _ours(other) and other != state and not _at_work(other):
                shutil.rmtree(other, ignore_errors=True)
        return manifest


def begin_from(old: Path, folder: Path) -> None:
    """Copy the growing columns of a state to a new one."""
    for table in _TABLES:
        for place in old.glob(f"{table}-*.npy"):
            shutil.copyfile(place, folder / place.name)


def write(made: Made, folder: Path) -> None:
    """Store what is not in the folder yet: its tables have grown there."""
    for name in NAMES:
        for field, array in made.names[name].known._asdict().items():
            store(array, folder / f"{name}-{field}.npy")
    store(made.offsets, folder / "offsets.npy")
    store(made.entries, folder / "entries.npy")
    pq.write_table(made.rejected, folder / "rejected.parquet", compression="zstd")


def load(folder: Path, needs: frozenset[str], last: int | None) -> Made:
    """A stored ledger, read as it is looked at.

    Raises:
        ValueError: it is damaged.
    """
    try:
        known = {name: Known(*(mapped(folder / f"{name}-{field}.npy") for field in Known._fields)) for name in NAMES}
        tables = {
            table: {column: _column(folder / f"{table}-{column}.npy", kind) for column, kind in columns.items()}
            for table, columns in _TABLES.items()
        }
        ends = [mapped(folder / f"{name}.npy") for name in ("offsets", "entries")]
        rejected = pq.read_table(folder / "rejected.parquet")
    except (OSError, ValueError, pa.ArrowException) as error:
        raise ValueError(f"{folder.parent}: the stored ledger is damaged ({type(error).__name__})") from None
    return Made({name: Encoder.of(it) for name, it in known.items()}, tables, ends[0], ends[1], rejected, needs, last)


def keep_part(folder: Path, name: str, part: Any) -> None:
    """Store a part of what the chain tells beside its ledger; where that fails, it is found anew the next time."""
    if type(part) is not type(EMPTY.get(name)):
        return

    def fill(new: Path) -> None:
        for field, array in part._asdict().items():
            store(array, new / f"{field}.npy")

    with contextlib.suppress(DataError):
        write_folder_atomically(_part_place(folder, name), fill)


def stored_part(folder: Path, name: str) -> Any:
    """A part that was stored by the same program; None if there is none."""
    if name not in EMPTY:
        return None
    place = _part_place(folder, name)
    try:
        kind = type(EMPTY[name])
        return kind(*(mapped(place / f"{field}.npy") for field in kind._fields))
    except (OSError, ValueError):
        return None


def _part_place(folder: Path, name: str) -> Path:
    folders = ("kernels", "chain", "chain/patterns")
    sources = [path for folder in folders for path in (_SOURCES / folder).glob("*.py")]
    names = sorted(path.relative_to(_SOURCES).with_suffix("").as_posix() for path in sources)
    return folder / "parts" / f"{name}-{_digest(names)}"


def _column(place: Path, kind: Any) -> np.ndarray:
    return mapped(place) if place.exists() else np.empty(0, kind)


def _sizes(folder: Path) -> dict[str, int]:
    return {place.name: place.stat().st_size for place in sorted(folder.iterdir()) if place.is_file()}


def _digest(names: list[str]) -> str:
    """Of some files of this package."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + (_SOURCES / f"{name}.py").read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _at_work(place: Path) -> bool:
    """Whether somebody else may be writing this state just now."""
    with contextlib.suppress(OSError):
        return place.suffix == _NEW and time.time() - place.stat().st_mtime < _DAY
    return False


def _ours(place: Path) -> bool:
    return place.is_dir() and place.name.startswith(_STATE)
