"""Streams a list of addresses in Parquet, within bounds whatever its row groups and texts are. Judges no address."""

import itertools
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.arrow import pc
from ..scoring.address_lists import COLUMNS
from .list_rows import SHOWN, UNREADABLE, Aside, Asked, Head, UnfitError, refuse_many, said
from .passthrough_columns import LONGEST, is_text, texts_of, values_of

_ROWS, _BLOCK = 1 << 13, 1 << 20
_HELD = 1 << 23  # bytes at a time, by what rows hold on average
_SPREAD = 1 << 27  # bytes at a time of one text, where a text that is stored once is unpacked for each row
_WIDE = 1 << 26  # bytes that a column of a row group may hold, or 4 KB a row: more is no list of addresses
_NESTED = 1 << 16  # bytes a row of lists and records


def parquet_rows(place: Path) -> Iterator[Asked | Aside]:
    """The rows of a Parquet file, in order, and what is set aside of it. Raises UnfitError, or one of UNREADABLE."""
    metadata = pq.read_metadata(place)
    refuse_many(metadata.num_columns)
    schema = metadata.schema.to_arrow_schema()
    head = Head.of(schema.names)
    for k in head.wanted:
        _refuse_type(schema.field(k))
    texts = [field.name for field in schema if is_text(kind := _inner(field.type)) or pa.types.is_binary(kind)]
    with _opened(place, metadata) as file, _opened(place, metadata, texts) as lean:
        first = 1
        for number in range(metadata.num_row_groups):
            yield from _row_group(_Group(place, file, lean, tuple(texts), number, first), head)
            first += metadata.row_group(number).num_rows


def _opened(place: Path, metadata: pq.FileMetaData, texts: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(
        place,
        metadata=metadata,
        page_checksum_verification=True,
        buffer_size=_BLOCK,
        pre_buffer=False,  # it would hold a row group
        read_dictionary=list(texts),
    )


class _Group(NamedTuple):
    """A row group of a Parquet file.

    Attributes:
        lean: the same file, read so that a text which is stored once is held once: slow where texts differ.
        texts: the columns for which that is done.
        first: the number of its first row in the file.
    """

    place: Path
    file: pq.ParquetFile
    lean: pq.ParquetFile
    texts: tuple[str, ...]
    number: int
    first: int

    @property
    def rows(self) -> int:
        return self.file.metadata.row_group(self.number).num_rows

    def read(self, head: Head, begin: int) -> Generator[Asked | Aside, None, tuple[int, str]]:
        """Its rows from `begin` on; returns how many of the group are done by then, and why no more are."""
        done, columns = 0, None if head.others else list(COLUMNS[: len(head.wanted)])
        why = self._too_wide(columns)
        try:
            for batch in () if why else self._batches(columns):
                skipped = min(max(begin - done, 0), len(batch))
                yield from _rows(self.place, head, batch.slice(skipped), self.first + done + skipped)
                done += len(batch)
            why = why or "cannot be read to its end"
        except UNREADABLE as error:
            why = said(self.place, error)
        return max(done, begin), f"row group {self.number + 1}: {why}"

    def _too_wide(self, wanted: Sequence[str] | None) -> str | None:
        """Why it is not to be read at all, for a page of it may be larger than the memory; None for all columns."""
        most = max(_WIDE, self.rows << 12)
        wide = ((path, size) for path, size, _ in self._columns() if wanted is None or path in wanted)
        return next((f"{path} holds {size:,} bytes in {self.rows:,} rows" for path, size in wide if size > most), None)

    def _batches(self, wanted: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        longest = self._longest([name for name in self.texts if wanted is None or name in wanted])
        lean = longest > 4 * LONGEST
        file, size = (self.lean, self._at_once(0)) if lean else (self.file, self._at_once(longest))
        return file.iter_batches(size, [self.number], wanted, use_threads=False)

    def _longest(self, texts: list[str]) -> int:
        """The bytes of the longest text that is stored once for many rows: they come with the first row."""
        found = 0
        for batch in itertools.islice(self.lean.iter_batches(1, [self.number], texts, use_threads=False), 1):
            for column in batch.columns:
                if isinstance(column, pa.DictionaryArray):  # another of that name may hold no texts
                    found = max(found, pc.max(pc.binary_length(column.dictionary.cast(pa.large_binary()))).as_py() or 0)
        return found

    def _at_once(self, longest: int) -> int:
        """How many rows are read at a time: fewer where they are wide, or may be once they are unpacked."""
        sizes = [(size, nested) for _, size, nested in self._columns()]
        unpacked = max([longest, *(size for size, nested in sizes if nested)])
        average = max(sum(size for size, _ in sizes) // max(self.rows, 1), 1)
        return max(1, min(_ROWS, _HELD // average, _SPREAD // max(unpacked, 1)))

    def _columns(self) -> Iterator[tuple[str, int, bool]]:
        """The path of each, its bytes, and whether it holds texts within lists and records."""
        about, schema = self.file.metadata.row_group(self.number), self.file.schema
        for k in range(about.num_columns):
            path, kind, wide = schema.column(k).path, schema.column(k).physical_type, schema.column(k).length > 64
            nested = path not in self.texts and (kind == "BYTE_ARRAY" or wide)
            yield path, about.column(k).total_uncompressed_size, nested


def _row_group(group: _Group, head: Head) -> Iterator[Asked | Aside]:
    """Rows of a group as far as they can be read, and the rest of it as set aside.

    Damage in the caller's own columns costs these and no row: the rest is read without them.
    """
    name, rows = group.place.name, group.rows
    done, why = yield from group.read(head, 0)
    if done < rows and head.others:
        begun, other = done, why
        done, why = yield from group.read(head._replace(others=(), names=()), begun)
        if done > begun:
            lost = f"columns beside address cannot be read from here on: {other}"
            yield Aside(name, group.first + begun, 0, lost, None)
    if done < rows:
        yield Aside(name, group.first + done, rows - done, why, None)


def _rows(place: Path, head: Head, batch: pa.RecordBatch, first: int) -> Iterator[Asked | Aside]:
    broken = not _is_utf8(batch.column("address"))
    addresses = texts_of(batch.column("address"))
    dates = [None] * len(batch) if head.as_of is None else _dates(batch.column("as_of"))
    values = zip(*_others(head, batch), strict=True) if head.others else itertools.repeat(())
    for number, (address, date, others) in enumerate(zip(addresses, dates, values, strict=False), start=first):
        if broken and address and "�" in address:
            yield Aside(place.name, number, 1, "is not UTF-8 text", address[:SHOWN])
        else:
            yield Asked(address, date, head.names, others)


def _others(head: Head, batch: pa.RecordBatch) -> list[list[str | None]]:
    """The texts of the caller's own columns. Raises ValueError at lists and records that are too much to be put in words."""
    for name, k in zip(head.names, head.others, strict=True):
        column = batch.column(k)
        if pa.types.is_nested(column.type) and column.nbytes > _NESTED * len(batch):
            raise ValueError(f"{name} holds more than {_NESTED} bytes a row")
    return [texts_of(batch.column(k)) for k in head.others]


def _is_utf8(column: pa.Array) -> bool:
    column.validate()
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _dates(column: pa.Array) -> list[Any]:
    return texts_of(column) if is_text(_inner(column.type)) else values_of(column)


def _refuse_type(field: pa.Field) -> None:
    inner = _inner(field.type)
    moment = field.name == "as_of" and (pa.types.is_timestamp(inner) or pa.types.is_date(inner))
    if not (is_text(inner) or moment or pa.types.is_null(inner)):
        allowed = "text" if field.name == "address" else "text, dates or timestamps"
        raise UnfitError(f"the column {field.name} is {str(field.type)[:SHOWN]}, where {allowed} is needed")


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if isinstance(kind, pa.DictionaryType) else kind
