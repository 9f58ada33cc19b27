"""One transfer, listed several times, counted once: the rule, as SQL that runs in memory and out of core alike.

Two rows are the same transfer if timestamp, transaction, sender, receiver, asset and amount are equal. Yet one
transaction may hold several equal transfers; how many there are is told by `origin`, where the row came from:

* null: nothing is known; however many equal rows there are, they are one transfer.
* `in:LIST`: the row stands in the list LIST (of one wallet, say); as many transfers as in the list with most of them.
* `at:PLACE`: a place within the transaction (log index, trace address); as many transfers as there are places.
* `scan:PLACE`: the same as block explorers count places, which is not comparable.
* `nth:N`: it was numbered N by an earlier ingest; as many transfers as there are numbers.

Copies from the second on get the transaction id `ID#2`, `ID#3` and so on. Rows without a transaction id that stand in
no list are all transfers of their own; their id is made from what they say. Reads and writes no file itself.
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
    """A DuckDB of its own: two threads, silent, free to reorder what no `ORDER BY` orders."""
    connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False, **config})
    connection.execute("SET enable_progress_bar = false")
    return connection


def distinct_sql(relation: str) -> str:
    """SQL that makes a sorted table of distinct transfers from `relation`, which has the columns of `STAGED`.

    Details that differ between copies of one transfer: the largest one that is there, so that order plays no part.
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
    """Ids without the `#n` that `distinct_sql` gave them, and the origins that tell it; ids of other kinds stay."""
    ours = pc.match_substring_regex(tx_id, _NUMBERED)
    copies = pc.match_substring_regex(tx_id, "#[0-9]+$")
    if not pc.any(pc.and_(ours, copies)).as_py():
        return tx_id, pc.if_else(ours, "nth:1", pa.scalar(None, pa.string()))
    cut = pc.replace_substring_regex(tx_id, "#[0-9]+$", "")
    numbers = pc.replace_substring_regex(tx_id, "^.*#", "")
    origins = pc.if_else(copies, pc.binary_join_element_wise("nth:", numbers, ""), "nth:1")
    return pc.if_else(ours, cut, tx_id), pc.if_else(ours, origins, pa.scalar(None, pa.string()))
