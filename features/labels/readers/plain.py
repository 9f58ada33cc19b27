"""A plain table of labels, CSV or Parquet, with the columns and categories used here: your own list, or an earlier output."""

import pandas as pd

from ..table import column_of
from .reader import OpenedFile, Reader, read_table, tags, words_of


def _read(files: list[OpenedFile]) -> pd.DataFrame:
    table = pd.concat([read_table(opened) for opened in files])
    return tags(table.assign(asset=column_of(table, "network"), words=words_of(column_of(table, "category"))))


READER = Reader(
    "plain",
    "plain",
    "table with the columns address and category",
    lambda opened: opened.columns >= {"address", "category"},
    _read,
)
