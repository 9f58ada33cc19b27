"""Writes the files of a batch: each one whole and with its SHA-256, one run at a time per output. Knows nothing of scores."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from ...features.base.atomic_write import UNFINISHED, sha256_of, write_atomically
from ...features.base.errors import DataError, UsageError


def write_output(path: Path, write: Callable[[BinaryIO], object]) -> str:
    """Write a file as `write_atomically` does, and return its SHA-256.

    Its unfinished name is always the same: only one run writes an output, and the next one writes over what a crash left.

    Raises:
        DataError: the file cannot be written; nothing unfinished is left.
    """
    remedy = "make room or give another place, then continue with --resume"
    write_atomically(path, write, remedy, unfinished=path.with_name(path.name + UNFINISHED))
    return sha256_of(path)


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold `lock` while the block runs. The system releases it when the process ends, however it ends.

    Raises:
        UsageError: another run holds it.
        DataError: it cannot be created.
    """
    from filelock import FileLock, Timeout  # here, because it loads asyncio

    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(lock, timeout=0)
        held.acquire()
    except Timeout:
        out = lock.with_name(lock.name[1:].removesuffix(".lock"))
        raise UsageError(f"{out}: another run is writing there; wait for it, or give another --out") from None
    except OSError as error:
        raise DataError(f"{lock}: cannot be created ({error.strerror or error}); give another place") from None
    try:
        yield
    finally:
        held.release()
