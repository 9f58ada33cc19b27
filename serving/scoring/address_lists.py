"""Reads the list of addresses a user wants scored. Judges none: a bad address becomes a row with an error later."""

import csv
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.errors import DataError

COLUMNS = ("address", "as_of")


def read_addresses(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Addresses in the order of the file, with the column `as_of` if the file has it; other columns are left out.

    `.parquet` and `.csv` files have a column `address`. Any other file is text, an address a line; blank lines and
    lines that begin with # are skipped.

    Raises:
        DataError: if the file is missing, cannot be read or has no column `address`.
    """
    place = Path(path)
    if not place.is_file():
        raise DataError(
            f"{place}: no such file; give a .csv or .parquet file with a column `address`, or a text file of addresses"
        )
    readers = {".parquet": _read_parquet, ".csv": _read_csv}
    try:
        return readers.get(place.suffix.lower(), _read_text)(place)
    except UnicodeDecodeError:
        raise DataError(f"{place}: is not UTF-8 text; save it as UTF-8 text, as .csv (UTF-8) or as .parquet") from None
    except (
        pa.ArrowException,
        csv.Error,
        OSError,
        ValueError,
        TypeError,
        KeyError,
    ) as error:  # pandas' notes in Parquet, too
        raise DataError(f"{place}: cannot be read as {place.suffix or 'text'} ({_line(error)})") from None


def _read_parquet(place: Path) -> pd.DataFrame:
    columns = _wanted(place, pq.read_schema(place).names)
    frame = pq.read_table(place, columns=columns).to_pandas()
    return frame[columns]


def _read_csv(place: Path) -> pd.DataFrame:
    """All cells as text; an empty one stays empty, so that the row is kept and reported when it is scored."""
    with place.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = [name.strip() for name in next(reader, [])]
        columns = _wanted(place, header)
        rows = [_row(place, reader.line_num, row, header) for row in reader if row]
    return pd.DataFrame({name: pd.array([row[header.index(name)] for row in rows], dtype="str") for name in columns})


def _row(place: Path, line: int, row: list[str], header: list[str]) -> list[str]:
    if len(row) != len(header):
        raise DataError(f"{place}, line {line}: {len(row)} cells, but the first line has {len(header)}; mend that line")
    return row


def _read_text(place: Path) -> pd.DataFrame:
    lines = [line.strip() for line in place.read_text(encoding="utf-8-sig").splitlines()]
    return pd.DataFrame(
        {"address": pd.array([line for line in lines if line and not line.startswith("#")], dtype="str")}
    )


def _wanted(place: Path, names: list[str]) -> list[str]:
    if "address" not in names:
        came = ", ".join(names) if names else "none: the file is empty"
        raise DataError(f"{place}: a column `address` is needed; the columns that came: {came}")
    return [name for name in COLUMNS if name in names]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
