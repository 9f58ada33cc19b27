"""Streams lists of addresses row by row, whatever their number; what cannot be read is set aside and the rest goes on.

Judges no address: a bad one becomes a row with an error when it is scored.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ...features.errors import DataError
from ...features.files import CSV, PARQUET, find_files
from ..addresses import COLUMNS

__all__ = ["ASIDE", "Aside", "Asked", "find_files", "rows_of", "signature"]

ASIDE = pa.schema(
    [("file", pa.string()), ("row", pa.int64()), ("rows", pa.int64()), ("reason", pa.string()), ("record", pa.string())]
)
"""What was set aside: the file, where in it (1-based line or row; null: all of it), how many rows (null: unknown), why, text."""

_ROWS, _BLOCK = 1 << 13, 1 << 20
_LONGEST = 1 << 16  # bytes of a line: what is longer is no list of addresses
_SHOWN = 200  # characters of a bad line that are kept
_COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
_UNREADABLE = (pa.ArrowException, OSError, EOFError, ValueError, MemoryError)


class Asked(NamedTuple):
    """One row of a list: an address and its date, each as it came; None where there is none."""

    address: str | None
    as_of: Any


class Aside(NamedTuple):
    """What could not be read, as ASIDE."""

    file: str
    row: int | None
    rows: int | None
    reason: str
    record: str | None


class _UnfitError(Exception):
    """A file that is no list of addresses."""


def rows_of(files: Sequence[Path]) -> Iterator[Asked | Aside]:
    """The rows of all files in their order. Same files, same rows.

    Raises:
        DataError: if the system cannot read a file that is there (no permission, a broken disk).
    """
    for place in files:
        try:
            yield from _reader(place)(place)
        except _UnfitError as error:
            yield Aside(place.name, None, None, str(error), None)
        except _UNREADABLE as error:
            yield Aside(place.name, None, None, _said(place, error), None)


def signature(place: Path) -> tuple[dict[str, Any], int]:
    """What tells whether a file is the same (`name`, `bytes`, `sha256`), and about how many rows it has.

    Raises:
        DataError: if it cannot be read.
    """
    digest, size, lines = hashlib.sha256(), 0, 0
    try:
        with place.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
    except OSError as error:
        raise DataError(f"{place}: cannot be read ({error.strerror or error}); mend that, or leave it out") from None
    return {"name": place.name, "bytes": size, "sha256": digest.hexdigest()}, _about(place, lines)


def _about(place: Path, lines: int) -> int:
    if not place.name.lower().endswith(PARQUET):
        return lines
    try:
        return max(pq.read_metadata(place).num_rows, 0)
    except _UNREADABLE:
        return 0


def _reader(place: Path) -> Any:
    name = place.name.lower()
    return _parquet if name.endswith(PARQUET) else _csv if name.endswith(CSV) else _text


def _parquet(place: Path) -> Iterator[Asked | Aside]:
    with pq.ParquetFile(place, page_checksum_verification=True) as file:
        columns = _wanted(file.schema_arrow.names)
        for name in columns:
            _refuse_type(name, file.schema_arrow.field(name).type)
        first = 1
        for group in range(file.metadata.num_row_groups):
            yield from _row_group(place, file, group, columns, first)
            first += file.metadata.row_group(group).num_rows


def _row_group(
    place: Path, file: pq.ParquetFile, group: int, columns: list[str], first: int
) -> Iterator[Asked | Aside]:
    """Rows of a group as far as they can be read, and the rest of it as set aside."""
    rows, done = file.metadata.row_group(group).num_rows, 0
    try:
        for batch in file.iter_batches(_ROWS, [group], columns, use_threads=False):
            batch.validate(full=True)
            lists = [batch.column(name).to_pylist() for name in columns]
            yield from _asked(columns, zip(*lists, strict=True))
            done += len(batch)
        if done == rows:
            return
        reason = f"row group {group + 1}: cannot be read to its end"
    except _UNREADABLE as error:
        reason = f"row group {group + 1}: {_said(place, error)}"
    yield Aside(place.name, first + done, rows - done, reason, None)


def _asked(columns: list[str], rows: Iterable[tuple[Any, ...]]) -> Iterator[Asked]:
    at, date = columns.index("address"), columns.index("as_of") if "as_of" in columns else None
    for row in rows:
        yield Asked(row[at], None if date is None else row[date])


def _refuse_type(name: str, kind: pa.DataType) -> None:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    text = pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner)
    moment = name == "as_of" and (pa.types.is_timestamp(inner) or pa.types.is_date(inner))
    if not (text or moment or pa.types.is_null(inner)):
        allowed = "text" if name == "address" else "text, dates or timestamps"
        raise _UnfitError(f"the column {name} is {kind}, where {allowed} is needed")


def _csv(place: Path) -> Iterator[Asked | Aside]:
    """Rows of one line each: a quotation mark that is not closed costs its line and no other."""
    header: list[str] | None = None
    columns: list[str] = []
    for number, raw in _lines(place):
        if isinstance(raw, Aside):
            yield raw
            continue
        try:
            cells = _cells(raw, header)
        except (ValueError, csv.Error) as error:
            if header is None:
                raise _UnfitError(f"its first line is none of a CSV file in UTF-8 ({_line(error)})") from None
            yield Aside(place.name, number, 1, _line(error), _shown(raw))
            continue
        if header is None and cells:
            header = [cell.strip() for cell in cells]
            columns = _wanted(header)
        elif header is not None and cells:
            yield from _asked(columns, [tuple(cells[header.index(name)] for name in columns)])
    if header is None:
        _wanted([])


def _cells(raw: bytes, header: list[str] | None) -> list[str]:
    text = raw.decode("utf-8-sig" if header is None else "utf-8").rstrip("\r\n")
    cells = next(csv.reader([text], strict=True), [])
    if cells and header is not None and len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells, but the first line has {len(header)}")
    return cells


def _text(place: Path) -> Iterator[Asked | Aside]:
    for number, raw in _lines(place):
        if isinstance(raw, Aside):
            yield raw
            continue
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except ValueError:
            yield Aside(place.name, number, 1, "is not UTF-8 text", _shown(raw))
            continue
        if line and not line.startswith("#"):
            yield Asked(line, None)


def _lines(place: Path) -> Iterator[tuple[int, bytes | Aside]]:
    """Lines with their numbers, each within bounds; one that is too long, and a file that ends in damage, as set aside."""
    number = 0
    with pa.input_stream(str(place), compression=_COMPRESSED.get(place.suffix.lower())) as raw:
        stream = io.BufferedReader(raw)  # type: ignore[arg-type]  # Arrow's streams are raw streams without the base class
        try:
            while line := stream.readline(_LONGEST):
                number += 1
                if len(line) < _LONGEST or line.endswith(b"\n"):
                    yield number, line
                    continue
                while (more := stream.readline(_LONGEST)) and not more.endswith(b"\n"):
                    pass
                yield number, Aside(place.name, number, 1, f"the line is longer than {_LONGEST} bytes", _shown(line))
        except _UNREADABLE as error:
            yield number + 1, Aside(place.name, number + 1, None, _said(place, error), None)


def _wanted(names: Sequence[str]) -> list[str]:
    wanted = [name for name in COLUMNS if name in names]
    came = ", ".join(names)[:_SHOWN] if names else "none: the file is empty"
    if "address" not in wanted:
        raise _UnfitError(f"a column `address` is needed; the columns that came: {came}")
    if twice := [name for name in wanted if list(names).count(name) > 1]:
        raise _UnfitError(f"the column {twice[0]} came twice; the columns that came: {came}")
    return wanted


def _said(place: Path, error: BaseException) -> str:
    """Why a file cannot be read. What the system refuses is no matter of the file's contents, and ends the run."""
    if isinstance(error, OSError) and error.errno is not None:
        raise DataError(
            f"{place}: cannot be read ({error.strerror or error}); mend that, and go on with --resume"
        ) from None
    return f"cannot be read (damaged or cut off?): {_line(error)}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:_SHOWN] or type(error).__name__


def _shown(raw: bytes) -> str:
    return raw[:_SHOWN].decode("utf-8", "backslashreplace").rstrip("\r\n")
