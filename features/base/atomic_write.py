"""Writes a file as a whole or not at all: what is half-written has another name until it is done."""

import contextlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .arrow import table_of
from .errors import DataError


def write_whole(place: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a new file, and put it in the place of `place` once it is whole; folders are made.

    Raises:
        DataError: if the place cannot be written.
    """
    fresh = place.parent / f".{place.name}.{uuid.uuid4().hex}.new"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            write(file)
        os.replace(fresh, place)
    except OSError as error:
        raise DataError(f"{place}: cannot be written ({error.strerror or error}); give another place") from None
    finally:
        with contextlib.suppress(OSError):  # gone into place, or never begun
            fresh.unlink()


def write_parquet(table: pa.Table | pd.DataFrame, place: Path) -> None:
    """Write a table as Parquet (zstd), whole or not at all. Raises DataError as `write_whole` does."""
    arrow = table if isinstance(table, pa.Table) else table_of(table)
    write_whole(place, lambda file: pq.write_table(arrow, file, compression="zstd"))
