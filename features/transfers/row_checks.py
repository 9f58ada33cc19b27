"""Checks rows of transfers: a good row is converted, a bad one is rejected with a reason.

Vectorised: only rejected rows cost Python. Removes no duplicates (`duplicates.py`).
"""

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from . import columns as col
from .addresses import address_problems, normalise_addresses
from .duplicates import STAGED

REJECTED_ROWS = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("record", pa.string())])
"""Rejected rows: their number (1-based), the reason, and their values as JSON."""

_SLICE = 1 << 18  # rows at a time: keeps temporaries small and no string column near the 2 GB an Arrow array can hold

Columns = dict[str, pa.Array]


def check_rows(table: pa.Table, rows: np.ndarray, records: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Convert and check rows; the good ones are `STAGED`, the rejected ones `REJECTED_ROWS`.

    Args:
        table: the required columns of a transfer in any convertible type, and any of its others, `origin` and `problem`.
        rows: the number of each row in its file, 1-based.
        records: the same rows as read, for the record of the rejected ones.
    """
    starts = range(0, max(len(table), 1), _SLICE)
    checked = [_check_slice(table.slice(i, _SLICE), rows[i : i + _SLICE], records.slice(i, _SLICE)) for i in starts]
    return pa.concat_tables([good for good, _ in checked]), pa.concat_tables([rejected for _, rejected in checked])


def rejected_rows(reasons: pa.Array, rows: np.ndarray, records: pa.Table) -> pa.Table:
    """The rows that have a reason, as `REJECTED_ROWS`."""
    mask = pc.is_valid(reasons)
    texts = [json.dumps(_jsonable(record), default=str) for record in records.filter(mask).to_pylist()]
    return pa.table(
        [pa.array(rows).filter(mask), reasons.filter(mask), pa.array(texts, pa.string())], schema=REJECTED_ROWS
    )


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _check_slice(table: pa.Table, rows: np.ndarray, records: pa.Table) -> tuple[pa.Table, pa.Table]:
    converted: Columns = {}
    problems = [
        col.text(table["problem"]) if "problem" in table.column_names else pa.nulls(len(table), pa.string()),
        _time(table, converted),
        _address(table, "sender", converted),
        _address(table, "receiver", converted),
        _amount(table, converted),
        _asset(table, converted),
        *(_optional_number(table, name, converted) for name in ("usd", "fee", "gas_price")),
        _optional(table, "nonce", col.whole_numbers, "nonce is not a whole number", converted),
        _optional(table, "failed", col.booleans, "failed is neither true nor false", converted),
    ]
    for name in ("tx_id", "chain", "method", "origin"):
        converted[name] = col.text(table[name]) if name in table.column_names else pa.nulls(len(table), pa.string())
    reasons = col.first_problem(*problems)
    good = pa.table({name: converted[name] for name in STAGED.names}, schema=STAGED)
    if reasons.null_count == len(reasons):
        return good, REJECTED_ROWS.empty_table()
    return good.filter(pc.is_null(reasons)), rejected_rows(reasons, rows, records)


def _time(table: pa.Table, converted: Columns) -> pa.Array:
    converted["timestamp"], problems = col.unix_seconds(table["timestamp"])
    return problems


def _address(table: pa.Table, name: str, converted: Columns) -> pa.Array:
    given = col.text(table[name])
    converted[name] = normalise_addresses(given)
    return pc.binary_join_element_wise(name, address_problems(given), ": ")


def _amount(table: pa.Table, converted: Columns) -> pa.Array:
    given = _blank_is_null(table["amount"])
    values = col.numbers(given)
    converted["amount"] = pc.add(values, 0.0)  # −0 becomes 0
    return col.first_problem(
        col.problem(pc.is_null(given), "amount is missing"),
        col.problem(pc.is_null(values), "amount is not a number"),
        col.problem(pc.invert(pc.is_finite(values)), "amount is not finite"),
        col.problem(pc.less(values, 0.0), "amount is negative"),
    )


def _asset(table: pa.Table, converted: Columns) -> pa.Array:
    given = col.text(table["asset"])
    converted["asset"] = normalise_addresses(given)
    return col.problem(pc.is_null(given), "asset is missing")


def _optional_number(table: pa.Table, name: str, converted: Columns) -> pa.Array:
    problems = _optional(table, name, col.numbers, f"{name} is not a number", converted)
    values = converted[name]
    converted[name] = pc.if_else(pc.is_nan(values), None, values)  # pandas writes a missing number as NaN
    outside = pc.or_(pc.is_inf(values), pc.less(values, 0.0))
    return col.first_problem(problems, col.problem(outside, f"{name} is negative or infinite"))


def _optional(table: pa.Table, name: str, convert: Any, reason: str, converted: Columns) -> pa.Array:
    given = _blank_is_null(table[name]) if name in table.column_names else pa.nulls(len(table), pa.string())
    values = converted[name] = convert(given)
    if pa.types.is_floating(given.type):
        given = pc.if_else(pc.is_nan(given), None, given)
    return col.problem(pc.and_(pc.is_null(values), pc.is_valid(given)), reason)


def _blank_is_null(column: col.Column) -> pa.Array:
    array = col.as_array(column)
    return col.text(array) if col.is_text(array) else array
