"""The checks every row of transfers passes on arrival: converted if good, set aside with a reason if not.

Vectorised: only rows that are set aside cost Python. Removes no duplicate (`duplicates.py`).
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

BAD = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("record", pa.string())])
"""Rows set aside: their number (1-based), why, and what they said as JSON."""

_SLICE = 1 << 18  # rows at a time: keeps temporaries small and no string column near the 2 GB an Arrow array can hold

Columns = dict[str, pa.Array]


def check(table: pa.Table, rows: np.ndarray, records: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Convert and check rows: the good ones as `STAGED`, the others as `BAD`.

    Args:
        table: the required columns of a transfer, loosely typed, any others of it, perhaps `origin` and `problem`.
        rows: the number of each row in its file, 1-based.
        records: the rows as they came, one for one, for the record of the bad ones.
    """
    starts = range(0, max(len(table), 1), _SLICE)
    parts = [_check_slice(table.slice(i, _SLICE), rows[i : i + _SLICE], records.slice(i, _SLICE)) for i in starts]
    return pa.concat_tables([good for good, _ in parts]), pa.concat_tables([bad for _, bad in parts])


def bad_rows(reasons: pa.Array, rows: np.ndarray, records: pa.Table) -> pa.Table:
    """The rows that have a reason, as `BAD`."""
    mask = pc.is_valid(reasons)
    texts = [json.dumps(_jsonable(record), default=str) for record in records.filter(mask).to_pylist()]
    return pa.table([pa.array(rows).filter(mask), reasons.filter(mask), pa.array(texts, pa.string())], schema=BAD)


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _check_slice(table: pa.Table, rows: np.ndarray, records: pa.Table) -> tuple[pa.Table, pa.Table]:
    out: Columns = {}
    problems = [
        col.text(table["problem"]) if "problem" in table.column_names else pa.nulls(len(table), pa.string()),
        _time(table, out),
        _address(table, "sender", out),
        _address(table, "receiver", out),
        _amount(table, out),
        _asset(table, out),
        *(_optional_number(table, name, out) for name in ("usd", "fee", "gas_price")),
        _optional(table, "nonce", col.whole, "nonce is no whole number", out),
        _optional(table, "failed", col.flags, "failed is neither true nor false", out),
    ]
    for name in ("tx_id", "chain", "method", "origin"):
        out[name] = col.text(table[name]) if name in table.column_names else pa.nulls(len(table), pa.string())
    reasons = col.first_problem(*problems)
    good = pa.table({name: out[name] for name in STAGED.names}, schema=STAGED)
    if reasons.null_count == len(reasons):
        return good, BAD.empty_table()
    return good.filter(pc.is_null(reasons)), bad_rows(reasons, rows, records)


def _time(table: pa.Table, out: Columns) -> pa.Array:
    out["timestamp"], problems = col.seconds(table["timestamp"])
    return problems


def _address(table: pa.Table, name: str, out: Columns) -> pa.Array:
    came = col.text(table[name])
    out[name] = normalise_addresses(came)
    return pc.binary_join_element_wise(name, address_problems(came), ": ")


def _amount(table: pa.Table, out: Columns) -> pa.Array:
    came = _blank_is_null(table["amount"])
    values = col.numbers(came)
    out["amount"] = pc.add(values, 0.0)  # −0 becomes 0
    return col.first_problem(
        col.problem(pc.is_null(came), "amount is missing"),
        col.problem(pc.is_null(values), "amount is no number"),
        col.problem(pc.invert(pc.is_finite(values)), "amount is not finite"),
        col.problem(pc.less(values, 0.0), "amount is negative"),
    )


def _asset(table: pa.Table, out: Columns) -> pa.Array:
    came = col.text(table["asset"])
    out["asset"] = normalise_addresses(came)
    return col.problem(pc.is_null(came), "asset is missing")


def _optional_number(table: pa.Table, name: str, out: Columns) -> pa.Array:
    problems = _optional(table, name, col.numbers, f"{name} is no number", out)
    values = out[name]
    out[name] = pc.if_else(pc.is_nan(values), None, values)  # in a column that may be empty NaN is how pandas says so
    unfit = pc.or_(pc.is_inf(values), pc.less(values, 0.0))
    return col.first_problem(problems, col.problem(unfit, f"{name} is negative or infinite"))


def _optional(table: pa.Table, name: str, convert: Any, reason: str, out: Columns) -> pa.Array:
    came = _blank_is_null(table[name]) if name in table.column_names else pa.nulls(len(table), pa.string())
    values = out[name] = convert(came)
    if pa.types.is_floating(came.type):
        came = pc.if_else(pc.is_nan(came), None, came)
    return col.problem(pc.and_(pc.is_null(values), pc.is_valid(came)), reason)


def _blank_is_null(column: col.Column) -> pa.Array:
    array = col.plain(column)
    return col.text(array) if col.is_text(array) else array
