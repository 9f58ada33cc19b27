"""The rule that counts a transfer once, however often it is listed: SQL that runs in memory and on disk alike.

Two rows are the same transfer if timestamp, transaction, sender, receiver, asset and amount are equal. But one
transaction may hold several equal transfers. Their number depends on `origin`, which says where a row is from:

* null: unknown. All equal rows are one transfer.
* `in:LIST`: the row is in the list LIST, such as that of one wallet. There are as many transfers as in the longest list.
* `at:POSITION`: a position within the transaction (log index, trace address). There is one transfer per position.
* `scan:POSITION`: a position as block explorers count them, which is not comparable with the one above.
* `nth:N`: an earlier ingest gave it the number N. There is one transfer per number.

Copies from the second on get the transaction id `ID#2`, `ID#3` and so on. Each row without a transaction id and without
a list is a transfer of its own; its id is a hash of its values. This file reads and writes no files.
"""

import duckdb
import pyarrow as pa

from ..base.arrow import pc

KEY = ("timestamp", "tx_id", "sender", "receiver", "asset", "amount")
DETAILS = ("usd", "chain", "fee", "gas_price", "nonce", "failed", "method")

STAGED = pa.schema(
    [
        ("timestamp", pa.int64()),  # unix seconds
        ("sender", pa.string()),
        ("receiver", pa.string()),
        ("amount", pa.float64()),
        ("asset", pa.string()),
        ("tx_id", pa.string()),  # null: to be made from the row
        ("usd", pa.float64()),
        ("chain", pa.string()),
        ("fee", pa.float64()),
        ("gas_price", pa.float64()),
        ("nonce", pa.int64()),
        ("failed", pa.bool_()),
        ("method", pa.string()),
        ("origin", pa.string()),
    ]
)

_ROW_ID = "'row:' || left(md5(concat_ws('|', timestamp, sender, receiver, asset, amount)), 16)"
_KEY = ", ".join(KEY)
_DETAILS = ", ".join(f"max({name}) AS {name}" for name in DETAILS)
_NUMBERED = r"^(0x[0-9a-f]+|[0-9a-f]{64}|row:[0-9a-f]{16})(#[0-9]+)?$"


def connect(**config: str | int) -> duckdb.DuckDBPyConnection:
    """A new DuckDB connection: two threads, no progress bar, free to reorder rows that no `ORDER BY` orders."""
    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False, **config})
    connection.execute("SET enable_progress_bar = false")
    return connection


def distinct_sql(relation: str) -> str:
    """SQL that makes a sorted table of distinct transfers from `relation`, which has the columns of `STAGED`.

    Where copies of a transfer differ in other columns, the largest value is kept, so that the order of rows does not matter.
    """
    return f"""
    WITH named AS (
        SELECT * REPLACE (coalesce(tx_id, {_ROW_ID}) AS tx_id,
                          CASE WHEN tx_id IS NULL AND origin IS NULL THEN 'in:' ELSE origin END AS origin)
        FROM {relation}),
    listed AS (SELECT {_KEY}, origin, count(*) AS n, {_DETAILS} FROM named GROUP BY {_KEY}, origin),
    merged AS (
        SELECT {_KEY}, {_DETAILS},
            greatest(1, coalesce(max(n) FILTER (starts_with(origin, 'in:')), 0),
                        count(*) FILTER (starts_with(origin, 'at:')),
                        count(*) FILTER (starts_with(origin, 'scan:')),
                        count(*) FILTER (starts_with(origin, 'nth:'))) AS copies
        FROM listed GROUP BY {_KEY}),
    counted AS (SELECT *, unnest(range(1, copies + 1)) AS copy FROM merged)
    SELECT * EXCLUDE (copies, copy) REPLACE (CASE WHEN copy > 1 THEN tx_id || '#' || copy ELSE tx_id END AS tx_id)
    FROM counted ORDER BY {_KEY}
    """


def unnumber(tx_id: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Ids without the `#n` that `distinct_sql` added, and the origins that say it instead; other ids stay."""
    made_here = pc.match_substring_regex(tx_id, _NUMBERED)
    copies = pc.match_substring_regex(tx_id, "#[0-9]+$")
    if not pc.any(pc.and_(made_here, copies)).as_py():
        return tx_id, pc.if_else(made_here, "nth:1", pa.scalar(None, pa.string()))
    unnumbered = pc.replace_substring_regex(tx_id, "#[0-9]+$", "")
    numbers = pc.replace_substring_regex(tx_id, "^.*#", "")
    origins = pc.if_else(copies, pc.binary_join_element_wise("nth:", numbers, ""), "nth:1")
    return pc.if_else(made_here, unnumbered, tx_id), pc.if_else(made_here, origins, pa.scalar(None, pa.string()))
