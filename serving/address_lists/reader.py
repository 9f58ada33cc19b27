"""Finds and reads lists of addresses: one list as a frame, or any number of rows as a stream. Judges no address."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from ...features.base.errors import DataError
from ...features.transfers.input_files import CSV, DATA, PARQUET, find_files
from .list_rows import READ_ERRORS, ListRow, NotAListError, Reject, unreadable
from .parquet_lists import parquet_rows
from .text_lists import COMPRESSED, csv_rows, text_rows

_TEXT = (".txt", *(f".txt{ending}" for ending in COMPRESSED))


def read_addresses(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a list of addresses: `address`, and `as_of` if any row has a date, in the order of the file.

    CSV and Parquet files have a column `address`; of the others only `as_of` is read. Any other file is text with one
    address per line; blank lines and lines that begin with # are skipped.

    Raises:
        DataError: the file is missing, a row of it cannot be read, or it has no column `address`.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(
            f"{path}: no such file; give a .csv or .parquet file with a column `address`, or a text file of addresses"
        )
    rows = [_readable(row, path) for row in stream_rows([path], caller_columns=False)]
    return address_frame(rows).infer_objects()


def address_frame(rows: Iterable[ListRow]) -> pd.DataFrame:
    """A frame of addresses, and of dates if any row has one."""
    addresses, dates = [row.address for row in rows], [row.as_of for row in rows]
    frame = pd.DataFrame({"address": pd.Series(addresses, dtype="str")})
    return frame if all(date is None for date in dates) else frame.assign(as_of=pd.Series(dates, dtype=object))


def find_lists(addresses: Any) -> list[Path]:
    """The Parquet, CSV and text files that are given as a file, a folder or a glob. Raises DataError if there are none."""
    return find_files(addresses, {**DATA, "text": _TEXT})


def stream_rows(paths: Iterable[Path], caller_columns: bool = True) -> Iterator[ListRow | Reject]:
    """The rows of some lists in their order, and the places that cannot be read. The same files give the same rows.

    Args:
        paths: the lists.
        caller_columns: whether rows hold the columns beside `address` and `as_of`.

    Raises:
        DataError: the system cannot read a file that exists (no permission, a broken disk).
    """
    for path in paths:
        try:
            yield from _rows_of(path, caller_columns)
        except NotAListError as error:
            yield Reject(path.name, None, None, str(error), None)
        except READ_ERRORS as error:
            yield Reject(path.name, None, None, unreadable(path, error), None)


def _rows_of(path: Path, caller_columns: bool) -> Iterator[ListRow | Reject]:
    name = path.name.lower()
    if name.endswith(PARQUET):
        return parquet_rows(path, caller_columns)
    return csv_rows(path, caller_columns) if name.endswith(CSV) else text_rows(path)


def _readable(row: ListRow | Reject, path: Path) -> ListRow:
    if isinstance(row, ListRow):
        return row
    where = f"{path}, line {row.row}" if row.row else str(path)
    raise DataError(f"{where}: {row.reason}; correct the list, or save it as UTF-8 text, .csv or .parquet")
