"""Reads the small tables that people write by hand: a frame as it is, or CSV or Parquet. Checks no column."""

import os
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from .errors import DataError


def read_small_table(source: str | os.PathLike[str] | pd.DataFrame, what: str) -> tuple[str, pd.DataFrame]:
    """What to call the table in messages, and its rows; of CSV all cells are text, empty ones null.

    Args:
        source: a path, or a frame.
        what: the rows are, in the plural, such as "labels".

    Raises:
        DataError: the file is missing or is no table.
    """
    if isinstance(source, pd.DataFrame):
        return what, source
    path = Path(source)
    if not path.is_file():
        raise DataError(f"{path}: no such file; give {what} as CSV or Parquet")
    try:
        if path.suffix.lower() == ".parquet":
            return str(path), pq.read_table(path).to_pandas()
        return str(path), pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (
        Exception
    ) as error:  # pandas trusts its own notes in a Parquet file, and fails in many ways where they are damaged
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: cannot be read as {what} ({said}); CSV or Parquet is needed") from None
