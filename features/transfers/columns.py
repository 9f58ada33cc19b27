"""Converts columns of any type to the types of a transfer, vectorised; a value that does not convert becomes a reason.

Knows types, not meanings: which columns a transfer has is in `schema.py`.
"""

from typing import TypeAlias, TypeVar

import pandas as pd
import pyarrow as pa

from ..base.arrow import pc

EARLIEST = 1_230_940_800  # 2009-01-03: Bitcoin's first block, before which no transfer can be
LATEST = 4_102_444_800  # 2100-01-01

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:nan|inf|infinity)$"
_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
_ZONE = r" ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?)$"
_TRUE, _FALSE = pa.array(["1", "true", "t", "yes"]), pa.array(["0", "false", "f", "no"])
_UNITS = ((1_000, "milliseconds"), (1_000_000, "microseconds"), (1_000_000_000, "nanoseconds"))

Column: TypeAlias = pa.Array | pa.ChunkedArray
Rows = TypeVar("Rows", pa.RecordBatch, pa.Table)


def in_utc(rows: Rows) -> Rows:
    """Rows with their timestamps in UTC, because Arrow cannot read every spelling of a zone."""
    fields = [field.with_type(_utc(field.type)) for field in rows.schema]
    return rows.cast(pa.schema(fields, rows.schema.metadata))


def _utc(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp(kind.unit, "UTC") if pa.types.is_timestamp(kind) and kind.tz is not None else kind


def as_array(column: Column) -> pa.Array:
    """The column as one array; dictionaries and extension types are decoded."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # `combine_chunks` of a column too long for one array
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(array.type.storage_type) if isinstance(array.type, pa.BaseExtensionType) else array


def is_text(array: pa.Array) -> bool:
    """Whether the array holds strings of any width."""
    return pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type)


def is_numeric(array: pa.Array) -> bool:
    """Whether the array holds integers, floats or decimals."""
    return pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type)


def text(column: Column) -> pa.Array:
    """Strings without surrounding white space; blank ones are null, whole numbers become digits."""
    array = as_array(column)
    if pa.types.is_floating(array.type):  # pandas turns whole numbers into floats where one is missing
        whole_numbers = numbers_to_whole(array)
        array = whole_numbers if whole_numbers.null_count == array.null_count else array
    array = array if array.type == pa.string() else _as_strings(array)
    array = pc.utf8_trim_whitespace(array)
    blank = pc.equal(array, "")
    return pc.if_else(blank, None, array) if pc.any(blank).as_py() else array


def _as_strings(array: pa.Array) -> pa.Array:
    try:
        return array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # lists, structs, bytes that are not UTF-8
        return pa.nulls(len(array), pa.string())


def numbers(column: Column) -> pa.Array:
    """float64; null where there is no number. NaN and infinity stay."""
    array = as_array(column)
    if is_text(array):
        array = text(array)
        return pc.if_else(pc.match_substring_regex(array, _NUMBER), array, None).cast(pa.float64())
    return array.cast(pa.float64(), safe=False) if is_numeric(array) else pa.nulls(len(array), pa.float64())


def numbers_to_whole(array: pa.Array) -> pa.Array:
    """int64 of float64; null where the number is not whole or does not fit."""
    fits = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), 9e18))
    return pc.if_else(fits, array, None).cast(pa.int64(), safe=False)


def whole_numbers(column: Column) -> pa.Array:
    """int64; null where there is no whole number."""
    array = as_array(column)
    if pa.types.is_integer(array.type) and not pa.types.is_uint64(array.type):
        return array.cast(pa.int64())
    return numbers_to_whole(numbers(array))


def booleans(column: Column) -> pa.Array:
    """Booleans; null where the value is neither true/false nor 1/0, t/f, yes/no."""
    array = as_array(column)
    if pa.types.is_boolean(array.type):
        return array
    words = pc.utf8_lower(text(array))
    yes, no = pc.is_in(words, _TRUE), pc.is_in(words, _FALSE)
    return pc.if_else(pc.or_(yes, no), yes, None)


def problem(mask: Column, reason: str) -> pa.Array:
    """The reason where the mask is true, else null."""
    return as_array(pc.if_else(pc.fill_null(mask, False), pa.scalar(reason), pa.scalar(None, pa.string())))


def first_problem(*problems: pa.Array) -> pa.Array:
    """The first reason of each row, out of several arrays of reasons."""
    return pc.coalesce(*problems)


def unix_seconds(column: Column) -> tuple[pa.Array, pa.Array]:
    """Unix seconds (int64, rounded down), and the reason where there are none.

    Integers and strings of digits are unix seconds; datetimes and ISO strings must carry a zone or an offset.
    """
    array = as_array(column)
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        return _datetime_seconds(array)
    if is_text(array):
        return _text_seconds(text(array))
    values = pc.floor(numbers(array))
    stamps = array.cast(pa.int64()) if pa.types.is_signed_integer(array.type) else numbers_to_whole(values)
    return _in_range(stamps, problem(pc.is_null(stamps), "timestamp is missing or no time"))


def _datetime_seconds(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    if pa.types.is_date(array.type) or array.type.tz is None:
        missing = pa.nulls(len(array), pa.int64())
        return missing, problem(pc.is_null(missing), "timestamp has no time zone: give it one, or unix seconds")
    stamps = array.cast(pa.timestamp("s", array.type.tz), safe=False).cast(pa.int64())
    return _in_range(stamps, problem(pc.is_null(stamps), "timestamp is missing"))


def _text_seconds(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    number = numbers_to_whole(pc.floor(numbers(array)))
    zoned = pc.match_substring_regex(array, _ISO + _ZONE)
    naive = pc.match_substring_regex(array, _ISO + "$")
    stamps = pc.coalesce(number, _parse_iso(pc.if_else(zoned, array, None)))
    missing = problem(pc.is_null(array), "timestamp is missing")
    no_zone = problem(naive, "timestamp has no time zone: write it with Z or an offset")
    return _in_range(stamps, first_problem(missing, no_zone, problem(pc.is_null(stamps), "timestamp is no time")))


def _parse_iso(array: pa.Array) -> pa.Array:
    if array.null_count == len(array):
        return pa.nulls(len(array), pa.int64())
    iso = pc.replace_substring_regex(array, _ZONE, r"\1")
    iso = pc.replace_substring_regex(iso, "(UTC|z)$", "Z")
    times = pd.to_datetime(iso.to_pandas(), format="ISO8601", utc=True, errors="coerce")
    stamps = pa.array(times.dt.tz_localize(None).to_numpy().astype("datetime64[s]"), from_pandas=True)
    return stamps.cast(pa.int64())


def _in_range(stamps: pa.Array, problems: pa.Array) -> tuple[pa.Array, pa.Array]:
    inside = pc.and_(pc.greater_equal(stamps, EARLIEST), pc.less(stamps, LATEST))
    if pc.all(inside).as_py() and not stamps.null_count:
        return stamps, problems
    wrong_unit = []
    for factor, unit in _UNITS:
        scaled = pc.divide(stamps, factor)
        fits = pc.and_(pc.greater_equal(scaled, EARLIEST), pc.less(scaled, LATEST))
        wrong_unit.append(problem(fits, f"timestamp looks like {unit}: give unix seconds"))
    outside = problem(pc.invert(inside), "timestamp is outside 2009-01-03 to 2100-01-01")
    return pc.if_else(inside, stamps, None), first_problem(problems, *wrong_unit, outside)
