"""What a reader of labels consists of: files, recognised by their content, and the tags that are made of them.

Each reader has a file of its own. `builder.py` picks the reader of a file and turns tags into labels.
"""

import bz2
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
from ...transfers.input_files import CSV, PARQUET, open_file, readable

TAG_COLUMNS = (
    "file",  # name of the file
    "row",  # its number there, from 1
    "address",  # as the source spells it
    "asset",  # symbol of the asset or name of the network, if the source gives one
    "words",  # list of the source's words for what the address is
    "actor",
    "case",
    "name",
    "confidence",
    "programmes",
    "known_from",
    "known_until",
    "aliases",
    "source",
    "problem",  # what is wrong, where only the reader can know
)
"""The columns that all readers return: text or null, except for `row` and `words`."""

_HEAD = 1 << 14  # bytes that show what a file is
_TAGPACK = re.compile(r"(?m)^tags\s*:")
_PACKED = {b"BZh": bz2.BZ2File, b"\x1f\x8b": gzip.GzipFile}  # by the first bytes of a compressed file


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file, read as far as its format needs.

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
        source: what stands in the column `source` of its labels.
        vocabulary: whose words they are (`vocabularies.py`).
        description: the format, in words.
        fits: whether a file is in this format.
        read: the tags (TAG_COLUMNS, missing ones null) of all given files in this format, and their lines that are not rows.
    """

    source: str
    vocabulary: str
    description: str
    fits: Callable[[OpenedFile], bool]
    read: Callable[[list[OpenedFile]], pd.DataFrame]


def open_label_file(path: Path) -> OpenedFile:
    """Open a file and recognise how it is written.

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
        return OpenedFile(path, "table", _columns(path), "")
    text = head.decode("utf-8-sig", errors="replace").lstrip()
    if text.startswith("<"):
        return OpenedFile(path, "xml", frozenset(), text)
    if _TAGPACK.search(text) or path.suffix.lower() in (".yaml", ".yml"):
        return OpenedFile(path, "yaml", frozenset(), text)
    headed = path.name.lower().endswith((*CSV, *PARQUET)) and not text[0].isdigit()  # a first line of digits is a row
    columns = _columns(path) if headed else frozenset()
    return OpenedFile(path, "table" if columns else "text", columns, text)


@contextmanager
def stream(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; bzip2 and gzip are unpacked under any file name."""
    with path.open("rb") as plain:
        start = plain.read(4)
    unpack = next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)
    with path.open("rb") if unpack is None else unpack(path) as opened:
        yield cast(BinaryIO, opened)


def read_table(opened: OpenedFile) -> pd.DataFrame:
    """Read a Parquet or CSV file: its columns, empty text null, with `file` and `row`; `problem` for lines that are not rows."""
    parts = []
    for batch in open_file(opened.path).batches():
        parts.append(batch.table.to_pandas().assign(row=batch.rows))
        if len(batch.rejected):
            parts.append(batch.rejected.select(["row", "reason"]).to_pandas().rename(columns={"reason": "problem"}))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"row": pd.Series(dtype="int64")})
    for name in frame.columns:
        if pd.api.types.is_string_dtype(frame[name].dtype) or frame[name].dtype == object:
            frame[name] = frame[name].where(frame[name] != "", None)
    return frame.assign(file=str(opened.path))


def tags(columns: pd.DataFrame | Iterable[dict]) -> pd.DataFrame:
    """A frame with all of TAG_COLUMNS; columns that were not given are null."""
    frame = columns if isinstance(columns, pd.DataFrame) else pd.DataFrame(list(columns))
    return frame.reindex(columns=list(TAG_COLUMNS))


def words_of(*columns: pd.Series) -> list[list[str]]:
    """The words of each row: the values of its columns, without nulls and blanks, each once."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [list(dict.fromkeys(w.strip() for w in row if isinstance(w, str) and w.strip())) for row in rows]


def _columns(path: Path) -> frozenset[str]:
    try:
        return frozenset(open_file(path).schema.names)
    except pa.ArrowException as error:
        raise DataError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}") from None
