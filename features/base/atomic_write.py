"""Writes a file or a folder as a whole or not at all.

The new content stands under another name until the disk holds all of it. Then it is renamed, which the file system does in one
step: after a crash there is the old content or the new, and at most a leftover under the other name.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .arrow import table_of
from .errors import DataError

UNFINISHED = ".new"
"""The ending of a name whose content is not whole yet."""


def write_atomically(
    path: Path,
    write: Callable[[BinaryIO], object],
    remedy: str = "give another place",
    unfinished: Path | None = None,
) -> None:
    """Write a file: `write` fills it under another name, then it replaces what is at `path`. Missing folders are made.

    Args:
        path: where the file goes.
        write: writes the content to the open file that it gets.
        remedy: what an error advises.
        unfinished: the other name. By default a new one each time, so that several programs may write the same file.

    Raises:
        DataError: the file cannot be written; nothing unfinished is left.
    """
    new = unfinished or _unique_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_new(new) as file:
            write(file)
        sync(new)
        move(new, path)
        sync(path.parent)
    except OSError as error:
        raise _unwritable(path, error, remedy) from None
    finally:
        with contextlib.suppress(OSError):  # it was moved, or never made
            new.unlink()


def write_folder_atomically(folder: Path, fill: Callable[[Path], object]) -> None:
    """Write a folder of files: `fill` gets an empty folder, which then replaces `folder`. Missing parents are made.

    Where an older folder is replaced, a reader finds the old one, the new one, or for an instant none.

    Raises:
        DataError: the folder cannot be written; the older one is there again.
    """
    new, old = _unique_name(folder), _unique_name(folder, ".old")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new.mkdir()
        fill(new)
        sync_folder(new)
        if folder.exists():
            move(folder, old)
        move(new, folder)
        sync(folder.parent)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        with contextlib.suppress(OSError):
            if not folder.exists() and old.exists():
                move(old, folder)
        shutil.rmtree(new, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)


def write_parquet(table: pa.Table | pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet (zstd). Raises DataError as `write_atomically` does."""
    arrow = table if isinstance(table, pa.Table) else table_of(table)
    write_atomically(path, lambda file: pq.write_table(arrow, file, compression="zstd"))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, which is read a block at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_new(path: Path) -> BinaryIO:
    """Open a new file for writing."""
    return path.open("wb")


def sync(path: Path) -> None:
    """Have the disk hold a file's content or the names in a folder. Windows syncs no folders."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Have the disk hold a folder and the content of its files."""
    for path in (*folder.iterdir(), folder):
        sync(path)


def move(path: Path, target: Path) -> None:
    """Rename a file or a folder in one step; a file replaces the one at `target`."""
    os.replace(path, target)


def _unique_name(path: Path, ending: str = UNFINISHED) -> Path:
    return path.parent / f".{path.name}.{uuid.uuid4().hex}{ending}"


def _unwritable(path: Path, error: OSError, remedy: str = "give another place") -> DataError:
    return DataError(f"{path}: cannot be written ({error.strerror or error}); {remedy}")
