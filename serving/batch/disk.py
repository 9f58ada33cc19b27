"""Writes files that are whole, on the disk and checksummed, or not there at all; one writer an output. Knows no scores.

A file is written under one other name, flushed to the disk and moved into place: a crash leaves at most that other file, which
the next run writes over. Only one run writes an output at a time.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ...features.base.errors import DataError, UsageError

FRESH = ".new"
"""What a file ends in until it is whole."""


def write_whole(place: Path, write: Callable[[BinaryIO], object]) -> str:
    """Let `write` fill a new file and put it at `place`; folders are made. Returns its SHA-256.

    Raises:
        DataError: if the place cannot be written; nothing half-written is left.
    """
    fresh = place.with_name(place.name + FRESH)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with open_new(fresh) as file:
            write(file)
            sync(file)
        digest = sha256_of(fresh)
        move(fresh, place)
        sync_folder(place.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise DataError(
            f"{place}: cannot be written ({error.strerror or error}); make room or give another place, and go on with --resume"
        ) from None
    return digest


def open_new(place: Path) -> BinaryIO:
    """A new file to write to."""
    return place.open("wb")


def sync(file: BinaryIO) -> None:
    """Have the disk hold what was written."""
    file.flush()
    os.fsync(file.fileno())


def move(fresh: Path, place: Path) -> None:
    """Put a file in its place, in one step."""
    os.replace(fresh, place)


def sync_folder(folder: Path) -> None:
    """Have the disk hold the names in a folder, where a system can be told to."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(place: Path) -> str:
    """The SHA-256 of a file, read a block at a time."""
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold `lock` while the block runs. The system lets go of it when the process ends, however it ends.

    Raises:
        UsageError: if another run holds it.
        DataError: if it cannot be made.
    """
    from filelock import FileLock, Timeout  # here, for it loads asyncio

    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock, timeout=0)
        held.acquire()
    except Timeout:
        out = lock.with_name(lock.name[1:].removesuffix(".lock"))
        raise UsageError(f"{out}: another run is writing there; wait for it, or give another --out") from None
    except OSError as error:
        raise DataError(f"{lock}: cannot be made ({error.strerror or error}); give another place") from None
    try:
        yield
    finally:
        held.release()
