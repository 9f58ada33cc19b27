"""Streams lists of addresses in CSV and in text, line by line. Judges no address."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from .caller_columns import shortened
from .list_rows import READ_ERRORS, SHOWN, ListHeader, ListRow, NotAListError, Reject, one_line, unreadable

COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
_LONGEST = 1 << 16  # bytes of a line: no list of addresses has a longer one

Lines = Iterator[tuple[int, bytes | Reject]]


def csv_rows(path: Path, caller_columns: bool) -> Iterator[ListRow | Reject]:
    """The rows of a CSV file, one line each: a quotation mark that is not closed costs its line and no other.

    Raises:
        NotAListError: the file has no column `address`, or too many columns.
    """
    lines = _lines(path)
    header = ListHeader.from_names(_column_names(lines), caller_columns)
    return _parsed(path, lines, lambda line: _csv_row(header, line))


def text_rows(path: Path) -> Iterator[ListRow | Reject]:
    """The rows of a text file with one address per line; blank lines and lines that begin with # are skipped."""
    return _parsed(path, _lines(path), _text_row)


def _parsed(path: Path, lines: Lines, parse: Callable[[bytes], ListRow | None]) -> Iterator[ListRow | Reject]:
    for number, line in lines:
        if isinstance(line, Reject):
            yield line
            continue
        try:
            row = parse(line)
        except (ValueError, csv.Error) as error:
            yield Reject(path.name, number, 1, one_line(error), _shown(line))
        else:
            if row is not None:
                yield row


def _column_names(lines: Lines) -> list[str]:
    """The names of the columns, in the first line that is not empty."""
    for _, line in lines:
        if isinstance(line, Reject):
            raise NotAListError(f"its first line: {line.reason}")
        try:
            cells = _cells(line)
        except csv.Error as error:
            raise NotAListError(f"its first line is not a line of CSV ({one_line(error)})") from None
        if cells:
            return [_replaced(cell.strip()) for cell in cells]
    return []


def _csv_row(header: ListHeader, line: bytes) -> ListRow | None:
    cells = _cells(line)
    if not cells:
        return None
    if len(cells) != header.width:
        raise ValueError(f"{len(cells)} cells, but the first line has {header.width}")
    if any(_replaced(cells[k]) != cells[k] for k in header.scored):
        raise ValueError("is not UTF-8 text")
    values = tuple(shortened(_replaced(cells[k])) or None for k in header.others)
    return ListRow(cells[header.address], None if header.as_of is None else cells[header.as_of], header.names, values)


def _cells(line: bytes) -> list[str]:
    """The cells of a line; bytes that are not UTF-8 become half surrogates."""
    text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
    return next(csv.reader([text], strict=True), [])


def _replaced(text: str) -> str:
    """The text with � for each byte that is not UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _text_row(line: bytes) -> ListRow | None:
    try:
        address = line.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    return ListRow(address, None) if address and not address.startswith("#") else None


def _lines(path: Path) -> Lines:
    """Lines of bounded length with their numbers; a line that is too long, and where the file is damaged, is a Reject."""
    number = 0
    with pa.input_stream(str(path), compression=COMPRESSED.get(path.suffix.lower())) as raw:
        stream = io.BufferedReader(raw)  # type: ignore[arg-type]  # Arrow's streams are raw streams without the base class
        try:
            while line := stream.readline(_LONGEST):
                number += 1
                if len(line) < _LONGEST or line.endswith(b"\n"):
                    yield number, line if number > 1 else line.removeprefix(codecs.BOM_UTF8)
                    continue
                while (more := stream.readline(_LONGEST)) and not more.endswith(b"\n"):
                    pass
                yield number, Reject(path.name, number, 1, f"the line is longer than {_LONGEST} bytes", _shown(line))
        except READ_ERRORS as error:
            yield number + 1, Reject(path.name, number + 1, None, unreadable(path, error), None)


def _shown(line: bytes) -> str:
    return line[:SHOWN].decode("utf-8", "backslashreplace").rstrip("\r\n")
