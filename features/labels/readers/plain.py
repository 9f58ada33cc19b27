"""A plain table of labels, CSV or Parquet, in our own columns and categories: your own list, or a labels file made before."""

import pandas as pd

from .base import Opened, Reader, column_of, read_table, tags, words_of


def _read(files: list[Opened]) -> pd.DataFrame:
    table = pd.concat([read_table(opened) for opened in files])
    return tags(table.assign(asset=column_of(table, "network"), words=words_of(column_of(table, "category"))))


READER = Reader(
    "plain",
    "plain",
    "table with the columns address and category",
    lambda opened: opened.columns >= {"address", "category"},
    _read,
)
