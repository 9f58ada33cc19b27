"""Streams lists of addresses row by row, whatever their number; what cannot be read is set aside and the rest goes on.

Judges no address: a bad one becomes a row with an error when it is scored.
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.errors import DataError
from ...features.transfers.input_files import CSV, DATA, PARQUET, find_files
from .list_rows import SHOWN, UNREADABLE, Aside, Asked, Head, UnfitError, line_of, said
from .parquet_rows import parquet_rows
from .passthrough_columns import cut

_BLOCK = 1 << 20
_LONGEST = 1 << 16  # bytes of a line: what is longer is no list of addresses
_COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
_TEXT = (".txt", *(f".txt{ending}" for ending in _COMPRESSED))


def find_lists(addresses: Any) -> list[Path]:
    """The files of a list: a file, or those in a folder or glob that are Parquet, CSV or text. Raises DataError if none is."""
    return find_files(addresses, {**DATA, "text": _TEXT})


def rows_of(files: Sequence[Path]) -> Iterator[Asked | Aside]:
    """The rows of all files in their order. Same files, same rows.

    Raises:
        DataError: if the system cannot read a file that is there (no permission, a broken disk).
    """
    for place in files:
        try:
            yield from _reader(place)(place)
        except UnfitError as error:
            yield Aside(place.name, None, None, str(error), None)
        except UNREADABLE as error:
            yield Aside(place.name, None, None, said(place, error), None)


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
    except UNREADABLE:
        return 0


def _reader(place: Path) -> Any:
    name = place.name.lower()
    return parquet_rows if name.endswith(PARQUET) else _csv if name.endswith(CSV) else _text


def _csv(place: Path) -> Iterator[Asked | Aside]:
    """Rows of one line each: a quotation mark that is not closed costs its line and no other."""
    lines = _lines(place)
    head = Head.of(_header(lines))
    for number, raw in lines:
        if isinstance(raw, Aside):
            yield raw
            continue
        try:
            if cells := _cells(raw, head.width):
                yield _asked(head, cells)
        except (ValueError, csv.Error) as error:
            yield Aside(place.name, number, 1, line_of(error), _shown(raw))


def _header(lines: Iterator[tuple[int, bytes | Aside]]) -> list[str]:
    """The names of the columns, in the first line that is not empty."""
    for _, raw in lines:
        if isinstance(raw, Aside):
            raise UnfitError(f"its first line: {raw.reason}")
        try:
            cells = _cells(raw.removeprefix(codecs.BOM_UTF8), None)
        except csv.Error as error:
            raise UnfitError(f"its first line is none of a CSV file ({line_of(error)})") from None
        if cells:
            return [_mended(cell.strip()) for cell in cells]
    return []


def _cells(raw: bytes, width: int | None) -> list[str]:
    """The cells of a line; bytes that are no UTF-8 are in them as half surrogates."""
    text = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
    cells = next(csv.reader([text], strict=True), [])
    if cells and width is not None and len(cells) != width:
        raise ValueError(f"{len(cells)} cells, but the first line has {width}")
    return cells


def _asked(head: Head, cells: list[str]) -> Asked:
    if any(_mended(cells[k]) != cells[k] for k in head.wanted):
        raise ValueError("is not UTF-8 text")
    date = None if head.as_of is None else cells[head.as_of]
    return Asked(cells[head.address], date, head.names, tuple(cut(_mended(cells[k])) or None for k in head.others))


def _mended(text: str) -> str:
    """The text with � for each byte that was no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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
        except UNREADABLE as error:
            yield number + 1, Aside(place.name, number + 1, None, said(place, error), None)


def _shown(raw: bytes) -> str:
    return raw[:SHOWN].decode("utf-8", "backslashreplace").rstrip("\r\n")
