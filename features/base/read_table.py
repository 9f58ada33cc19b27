"""Reads the small tables that people write by hand: a frame, CSV or Parquet. Checks no columns."""

import os
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from .errors import DataError


def read_small_table(source: str | os.PathLike[str] | pd.DataFrame, what: str) -> tuple[str, pd.DataFrame]:
    """Read a table; returns its name for messages, and its rows. All cells of CSV are text, and empty ones null.

    Args:
        source: a path, or a frame, which is returned as it is.
        what: what the rows are, in the plural, such as "labels".

    Raises:
        DataError: the file is missing or is not a table.
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
    # pandas trusts its own metadata in a Parquet file, and fails in many ways where it is damaged
    except Exception as error:
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: cannot be read as {what} ({detail}); CSV or Parquet is needed") from None
