"""Finds and reads the files of a protocol as they were published, or says in one line what is not. Knows no protocol."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from ...features.base.errors import DataError

Frame = Any
"""A pandas DataFrame: its type hints take a column of one for anything."""
TEXT, WHOLE, NUMBER = pa.string(), pa.int64(), pa.float64()
_COLUMN = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?(.*)")


def find(data: Path, name: str, source: str) -> Path:
    """A file of a folder, or of one right below it; `name` may hold `*`.

    Raises:
        DataError: if there is none, or there are several.
    """
    paths = every(data, name)
    if len(paths) != 1:
        count = f"{len(paths)} files" if paths else "no file"
        raise DataError(f"{data}: {count} {name} there or one folder below; give the folder that holds it ({source})")
    return paths[0]


def every(data: Path, name: str) -> list[Path]:
    """All files of that name in a folder; where there are none, those of the folders right below."""
    return sorted(data.glob(name)) or sorted(data.glob(f"*/{name}"))


def header(path: Path) -> list[str]:
    """The names in the first line of a CSV file, without blanks around them; of a file without names, its first row."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            return [name.strip().strip('"') for name in lines.readline().rstrip("\r\n").split(",")]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error}); give the file as published") from None


def read_csv(
    path: Path,
    types: Mapping[str, pa.DataType],
    source: str,
    *,
    rest: pa.DataType | None = None,
    names: Sequence[str] | None = None,
    titled: bool = True,
) -> Frame:
    """Read a CSV file with the columns it was published with.

    Args:
        path: the file.
        types: the columns that must be there, with their types; empty cells only where they are NUMBER.
        source: the upstream of the file, for messages.
        rest: the type of all other columns; None leaves them out.
        names: the names of all columns, for a file with none or ambiguous ones.
        titled: whether the first line is a header.

    Raises:
        DataError: naming the file, the column and what came.
    """
    present = header(path)
    columns = list(names or present)
    _check(path, columns, present, types, names is not None, source)
    included = columns if rest is not None else [name for name in columns if name in types]
    kinds = {name: types.get(name, rest) for name in included}
    try:
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(column_names=columns, skip_rows=int(titled)),
            convert_options=pacsv.ConvertOptions(column_types=kinds, include_columns=included),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: {_explained(str(error), columns)}; give the file as published ({source})") from None
    _no_gaps(path, table, types, source)
    return table.to_pandas()


def _check(path: Path, columns: list[str], present: list[str], types: Mapping, own: bool, source: str) -> None:
    if own and len(present) != len(columns):
        raise DataError(
            f"{path}: {len(present)} columns, where {len(columns)} were published; give the file as published ({source})"
        )
    if missing := [name for name in types if name not in columns]:
        seen = ", ".join(present[:8]) + (", …" if len(present) > 8 else "")
        raise DataError(f"{path}: no column {missing[0]!r} (there are: {seen}); give the file as published ({source})")
    if twice := [name for name in types if columns.count(name) > 1]:
        raise DataError(f"{path}: column {twice[0]!r} comes twice; give the file as published ({source})")


def _explained(error: str, columns: list[str]) -> str:
    found = _COLUMN.search(" ".join(error.split()))
    if not found:
        return f"no such CSV ({' '.join(error.split())})"
    row = f", row {found[2]}" if found[2] else ""
    return f"column {columns[int(found[1])]!r}{row}: {found[3]}"


def _no_gaps(path: Path, table: pa.Table, types: Mapping[str, pa.DataType], source: str) -> None:
    for name, kind in types.items():
        if kind != NUMBER and table[name].null_count:
            row = int(np.flatnonzero(table[name].is_null().to_numpy())[0]) + 1
            raise DataError(f"{path}: column {name!r}, row {row}: is empty; give the file as published ({source})")


def outcomes(path: Path, classes: pd.Series, codes: Mapping[str, int]) -> np.ndarray:
    """Class codes as 1 (illicit), 0 (licit) and −1 (unknown); shape (rows,).

    Raises:
        DataError: at a code that was not published.
    """
    found = classes.map(codes)
    if found.isna().any():
        row = int(np.flatnonzero(found.isna())[0])
        allowed = ", ".join(codes)
        raise DataError(f"{path}: column 'class', row {row + 1}: got {classes.iloc[row]!r}, published are {allowed}")
    return found.to_numpy(np.int64)
