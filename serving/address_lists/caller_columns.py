"""The caller's own columns of a list, as texts of bounded length. Reads no file."""

import json
from typing import Any

import pyarrow as pa

from ...features.base.arrow import pc

MOST = 256
"""Columns of a list; each field of a record counts as one."""

LONGEST = 10_000
"""Characters of a text; of a longer one the beginning is kept, followed by …."""

_CONVERSION_ERRORS = (pa.ArrowException, ValueError, TypeError, KeyError, OverflowError)


def shortened(text: str) -> str:
    """The text, or its beginning if it is longer than `LONGEST`."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def texts_of(column: pa.Array) -> list[str | None]:
    """The values as texts, null where there is none: what `str` makes of them in Python; lists and records as JSON.

    A byte that is not UTF-8 becomes `�`; no value raises.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _texts_of_dictionary(column)
    if is_text(kind):
        start = pc.binary_slice(column.cast(pa.large_binary()), 0, 4 * LONGEST + 4)  # four bytes per character at most
        return [None if raw is None else shortened(raw.decode("utf-8", "replace")) for raw in start.to_pylist()]
    to_text = _json if pa.types.is_nested(kind) else str
    return [None if value is None or value != value else shortened(to_text(value)) for value in values_of(column)]


def values_of(column: pa.Array) -> list[Any]:
    """The values as Python objects; one that Python cannot hold (the year 20,000) as Arrow writes it."""
    try:
        return column.to_pylist()
    except _CONVERSION_ERRORS:
        return [_value(value) for value in column]


def is_text(kind: pa.DataType) -> bool:
    """Whether a type holds texts."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _texts_of_dictionary(column: Any) -> list[str | None]:
    """One text per different value: a long one that a small file repeats is held once."""
    used = column.indices.unique().drop_null()
    texts = dict(zip(used.to_pylist(), texts_of(column.dictionary.take(used)), strict=True))
    return [texts.get(index) for index in column.indices.to_pylist()]


def _value(value: Any) -> Any:
    for convert in (lambda: value.as_py(), lambda: value.cast(pa.string()).as_py()):
        try:
            return convert()
        except _CONVERSION_ERRORS:
            pass
    return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
