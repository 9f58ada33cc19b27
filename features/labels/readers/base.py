"""What a reader of labels is made of: opened files, known by what is in them, and the tags that a reader makes of them.

The readers themselves are a file each; `build.py` chooses among them, and turns tags into labels.
"""

import bz2
import csv
import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pandas as pd
import pyarrow as pa

from ...base.errors import DataError
from ...transfers.input_files import CSV, PARQUET, open_file

TAG = (
    "file",  # where it was read
    "row",  # its number there, from 1
    "address",  # as spelled
    "asset",  # symbol of the asset or name of the network, where the source says
    "words",  # list of the source's words for what it is
    "actor",
    "case",
    "name",
    "confidence",
    "programmes",
    "known_from",
    "known_until",
    "aliases",
    "source",
    "problem",  # why it is no good, where only the reader can tell
)
"""The columns of tags: what all readers give, text or null but for `row` and `words`."""

_HEAD = 1 << 14  # bytes that tell what a file is
_TAGPACK = re.compile(r"(?m)^tags\s*:")
_PACKED = {b"BZh": bz2.BZ2File, b"\x1f\x8b": gzip.GzipFile}  # by how a packed file begins


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as far as it had to be read to know it.

    Attributes:
        path: where it is.
        kind: how it is written.
        columns: its columns, if it is a table.
        head: the beginning of its text, if it is text.
    """

    path: Path
    kind: Literal["xml", "yaml", "table", "text"]
    columns: frozenset[str]
    head: str


@dataclass(frozen=True, slots=True)
class Reader:
    """One published format of labels.

    Attributes:
        source: what labels of it are called in `source`.
        vocabulary: whose words they are (`vocabulary.py`).
        what: the format, in words.
        fits: whether a file is in it.
        read: tags (columns of TAG, missing ones null) of all files in it that were given, and their lines that are no rows.
    """

    source: str
    vocabulary: str
    what: str
    fits: Callable[[Opened], bool]
    read: Callable[[list[Opened]], pd.DataFrame]


def open_label_file(path: Path) -> Opened:
    """Look into a file.

    Raises:
        DataError: it is missing, empty or cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; give files of labels, or a folder of them")
    with readable(path), stream(path) as opened:
        head = opened.read(_HEAD)
    if not head.strip():
        raise DataError(f"{path}: the file is empty; a file of labels is needed")
    if head[:4] == b"PAR1":
        return Opened(path, "table", _columns(path), "")
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("<"):
        return Opened(path, "xml", frozenset(), text)
    if _TAGPACK.search(text) or path.suffix.lower() in (".yaml", ".yml"):
        return Opened(path, "yaml", frozenset(), text)
    headed = path.name.lower().endswith((*CSV, *PARQUET)) and not text[0].isdigit()  # else the first line is a row
    columns = _columns(path) if headed else frozenset()
    return Opened(path, "table" if columns else "text", columns, text)


@contextmanager
def stream(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked if it is packed by bzip2 or gzip, whatever it is called."""
    with path.open("rb") as plain:
        start = plain.read(4)
    unpack = next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)
    with path.open("rb") if unpack is None else unpack(path) as opened:
        yield cast(BinaryIO, opened)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into one line.

    Raises:
        DataError: instead of the errors of the system and of unpacking.
    """
    try:
        yield
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path}: cannot be read (damaged or cut off?): {detail}") from None


def read_table(opened: Opened) -> pd.DataFrame:
    """A Parquet or CSV file: its columns, empty text null, and `file` and `row`; `problem` for lines that are no rows."""
    parts = []
    for batch in open_file(opened.path).batches():
        parts.append(batch.table.to_pandas().assign(row=batch.rows))
        if len(batch.bad):
            parts.append(batch.bad.select(["row", "reason"]).to_pandas().rename(columns={"reason": "problem"}))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"row": pd.Series(dtype="int64")})
    for name in frame.columns:
        if pd.api.types.is_string_dtype(frame[name].dtype) or frame[name].dtype == object:
            frame[name] = frame[name].where(frame[name] != "", None)
    return frame.assign(file=str(opened.path))


def tags(columns: pd.DataFrame | Iterable[dict]) -> pd.DataFrame:
    """A frame with all columns of TAG, those that were not given null."""
    frame = columns if isinstance(columns, pd.DataFrame) else pd.DataFrame(list(columns))
    return frame.reindex(columns=list(TAG))


def column_of(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column of a frame, nulls where it has none of that name."""
    if name in frame.columns:
        return pd.Series(frame.loc[:, name])
    return pd.Series([None] * len(frame), index=frame.index, dtype="object")


def words_of(*columns: pd.Series) -> list[list[str]]:
    """The words of each row: what its columns hold, without nulls and blanks, each once."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [list(dict.fromkeys(w.strip() for w in row if isinstance(w, str) and w.strip())) for row in rows]


def _columns(path: Path) -> frozenset[str]:
    try:
        return frozenset(open_file(path).schema.names)
    except pa.ArrowException as error:
        raise DataError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}") from None
