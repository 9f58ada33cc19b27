"""Streams lists of addresses in Parquet, in bounded memory for any row groups and texts. Judges no address."""

import itertools
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.arrow import pc
from .caller_columns import LONGEST, is_text, texts_of, values_of
from .list_rows import (
    COLUMNS,
    READ_ERRORS,
    SHOWN,
    ListHeader,
    ListRow,
    NotAListError,
    Reject,
    refuse_too_many,
    unreadable,
)

_ROWS, _BLOCK = 1 << 13, 1 << 20
_AT_ONCE = 1 << 23  # bytes at a time, by the average size of a row
_UNPACKED = 1 << 27  # bytes at a time of one text, where a text that is stored once is unpacked for each row
_WIDE = 1 << 26  # bytes that a column of a row group may hold, or 4 KB per row: no list of addresses has more
_NESTED = 1 << 16  # bytes per row of lists and records


def parquet_rows(path: Path, caller_columns: bool) -> Iterator[ListRow | Reject]:
    """The rows of a Parquet file in order, and what of it cannot be read. Raises NotAListError, or one of READ_ERRORS."""
    metadata = pq.read_metadata(path)
    if caller_columns:
        refuse_too_many(metadata.num_columns)
    schema = metadata.schema.to_arrow_schema()
    header = ListHeader.from_names(schema.names, caller_columns)
    for k in header.scored:
        _refuse_type(schema.field(k))
    texts = [field.name for field in schema if is_text(kind := _value_type(field.type)) or pa.types.is_binary(kind)]
    with _opened(path, metadata) as file, _opened(path, metadata, texts) as dictionary_file:
        first = 1
        for number in range(metadata.num_row_groups):
            yield from _group_rows(_RowGroup(path, file, dictionary_file, tuple(texts), number, first), header)
            first += metadata.row_group(number).num_rows


def _opened(path: Path, metadata: pq.FileMetaData, texts: Sequence[str] = ()) -> pq.ParquetFile:
    return pq.ParquetFile(
        path,
        metadata=metadata,
        page_checksum_verification=True,
        buffer_size=_BLOCK,
        pre_buffer=False,  # it would hold a row group
        read_dictionary=list(texts),
    )


class _RowGroup(NamedTuple):
    """A row group of a Parquet file.

    Attributes:
        dictionary_file: the same file, read so that a text stored once is held once in memory; slow where texts differ.
        texts: the columns for which that is done.
        first: the number of its first row in the file.
    """

    path: Path
    file: pq.ParquetFile
    dictionary_file: pq.ParquetFile
    texts: tuple[str, ...]
    number: int
    first: int

    @property
    def rows(self) -> int:
        return self.file.metadata.row_group(self.number).num_rows

    def read(self, header: ListHeader, begin: int) -> Generator[ListRow | Reject, None, tuple[int, str]]:
        """Its rows from `begin` on. Returns how many of the group are done then, and why no more are."""
        done, columns = 0, None if header.others else list(COLUMNS[: len(header.scored)])
        why = self._too_wide(columns)
        try:
            for batch in () if why else self._batches(columns):
                skipped = min(max(begin - done, 0), len(batch))
                yield from _batch_rows(self.path, header, batch.slice(skipped), self.first + done + skipped)
                done += len(batch)
            why = why or "cannot be read to its end"
        except READ_ERRORS as error:
            why = unreadable(self.path, error)
        return max(done, begin), f"row group {self.number + 1}: {why}"

    def _too_wide(self, columns: Sequence[str] | None) -> str | None:
        """Why it must not be read: a page of it may be larger than the memory. `columns` None: all of them."""
        most = max(_WIDE, self.rows << 12)
        wide = ((name, size) for name, size, _ in self._columns() if columns is None or name in columns)
        return next((f"{name} holds {size:,} bytes in {self.rows:,} rows" for name, size in wide if size > most), None)

    def _batches(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        longest = self._longest([name for name in self.texts if columns is None or name in columns])
        by_dictionary = longest > 4 * LONGEST
        file, size = (
            (self.dictionary_file, self._rows_at_once(0)) if by_dictionary else (self.file, self._rows_at_once(longest))
        )
        return file.iter_batches(size, [self.number], columns, use_threads=False)

    def _longest(self, texts: list[str]) -> int:
        """The bytes of the longest text that is stored once for many rows: such texts come with the first row."""
        longest = 0
        for batch in itertools.islice(self.dictionary_file.iter_batches(1, [self.number], texts, use_threads=False), 1):
            for column in batch.columns:
                if isinstance(column, pa.DictionaryArray):  # another column of that name may hold no texts
                    lengths = pc.binary_length(column.dictionary.cast(pa.large_binary()))
                    longest = max(longest, pc.max(lengths).as_py() or 0)
        return longest

    def _rows_at_once(self, longest: int) -> int:
        """How many rows are read at a time: fewer where they are wide, or may be once they are unpacked."""
        sizes = [(size, nested) for _, size, nested in self._columns()]
        unpacked = max([longest, *(size for size, nested in sizes if nested)])
        average = max(sum(size for size, _ in sizes) // max(self.rows, 1), 1)
        return max(1, min(_ROWS, _AT_ONCE // average, _UNPACKED // max(unpacked, 1)))

    def _columns(self) -> Iterator[tuple[str, int, bool]]:
        """The path of each column, its bytes, and whether it holds texts within lists and records."""
        about, schema = self.file.metadata.row_group(self.number), self.file.schema
        for k in range(about.num_columns):
            name, kind, wide = schema.column(k).path, schema.column(k).physical_type, schema.column(k).length > 64
            nested = name not in self.texts and (kind == "BYTE_ARRAY" or wide)
            yield name, about.column(k).total_uncompressed_size, nested


def _group_rows(group: _RowGroup, header: ListHeader) -> Iterator[ListRow | Reject]:
    """The rows of a group as far as they can be read, and a Reject for the rest.

    Damage in the caller's own columns costs these and no row: the rest is read without them.
    """
    name, rows = group.path.name, group.rows
    done, why = yield from group.read(header, 0)
    if done < rows and header.others:
        begun, other = done, why
        done, why = yield from group.read(header._replace(others=(), names=()), begun)
        if done > begun:
            lost = f"columns beside address cannot be read from here on: {other}"
            yield Reject(name, group.first + begun, 0, lost, None)
    if done < rows:
        yield Reject(name, group.first + done, rows - done, why, None)


def _batch_rows(path: Path, header: ListHeader, batch: pa.RecordBatch, first: int) -> Iterator[ListRow | Reject]:
    damaged = not _is_utf8(batch.column("address"))
    addresses = texts_of(batch.column("address"))
    dates = [None] * len(batch) if header.as_of is None else _dates(batch.column("as_of"))
    values = zip(*_caller_texts(header, batch), strict=True) if header.others else itertools.repeat(())
    for number, (address, date, texts) in enumerate(zip(addresses, dates, values, strict=False), start=first):
        if damaged and address and "�" in address:
            yield Reject(path.name, number, 1, "is not UTF-8 text", address[:SHOWN])
        else:
            yield ListRow(address, date, header.names, texts)


def _caller_texts(header: ListHeader, batch: pa.RecordBatch) -> list[list[str | None]]:
    """The texts of the caller's own columns. Raises ValueError for lists and records that are too large to become texts."""
    for name, k in zip(header.names, header.others, strict=True):
        column = batch.column(k)
        if pa.types.is_nested(column.type) and column.nbytes > _NESTED * len(batch):
            raise ValueError(f"{name} holds more than {_NESTED} bytes per row")
    return [texts_of(batch.column(k)) for k in header.others]


def _is_utf8(column: pa.Array) -> bool:
    column.validate()
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _dates(column: pa.Array) -> list[Any]:
    return texts_of(column) if is_text(_value_type(column.type)) else values_of(column)


def _refuse_type(field: pa.Field) -> None:
    kind = _value_type(field.type)
    is_time = field.name == "as_of" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind))
    if not (is_text(kind) or is_time or pa.types.is_null(kind)):
        allowed = "text" if field.name == "address" else "text, dates or timestamps"
        raise NotAListError(f"the column {field.name} is {str(field.type)[:SHOWN]}, {allowed} is needed")


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if isinstance(kind, pa.DictionaryType) else kind
