"""Bitcoin's inputs and outputs ("coins"): checked, joined by transaction and turned into transfers, with bounded memory.

Every output is split among the inputs in proportion to their values: `out × in ÷ Σ in`, after adding up the coins of each
address. Value is conserved: a transaction's transfers add up to its outputs. Reads no source format (`sources/bitcoin_etl.py`).
"""

import duckdb
import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from ..transfers import columns as col
from ..transfers.duplicates import STAGED
from ..transfers.row_checks import REJECTED_ROWS, rejected_rows

COINBASE = "coinbase"
"""Sender of newly mined coins."""
MOST_PAIRS = 2_500
"""A transaction with more pairs of distinct input and output addresses than this (CoinJoins, pools' payouts) goes through a
node of its own, `tx:ID`: from every input to the node, and from the node to every output."""

COINS = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("tx", pa.string()),
        ("timestamp", pa.int64()),
        ("block", pa.int64()),
        ("is_input", pa.bool_()),
        ("coin_index", pa.int64()),
        ("address", pa.string()),
        ("value", pa.int64()),  # satoshi; null: newly mined
        ("good", pa.bool_()),
    ]
)
_UNIT = 1e8  # satoshi
_MOST = 21_000_000 * 100_000_000


def check_coins(coins: pa.Table, file: str, rows: np.ndarray, records: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Convert and check coins: those that name their transaction as `COINS`, and rows with a bad coin as `REJECTED_ROWS`.

    Args:
        coins: the columns of `COINS` without file, row and good, in any convertible type; `parent` is its row's index in `rows`.
        file: name of their file.
        rows: the number of each row in its file, 1-based.
        records: the same rows as read.
    """
    times, time_problems = col.unix_seconds(coins["timestamp"])
    value, mined = col.as_array(coins["value"]), pc.equal(coins["address"], COINBASE)
    fits = pc.and_(pc.greater_equal(value, 0), pc.less_equal(value, _MOST))
    problems = col.first_problem(
        col.problem(pc.is_null(coins["tx"]), "transaction hash is missing"),
        time_problems,
        col.problem(pc.is_null(coins["coin_index"]), "index is missing or not a whole number"),
        col.problem(
            pc.and_(pc.invert(pc.fill_null(fits, False)), pc.invert(mined)), "value is not a number of satoshi"
        ),
    )
    parents = coins["parent"].to_numpy()
    made = {"file": pa.repeat(file, len(coins)), "row": rows[parents], "timestamp": times, "value": value}
    data = {name: coins[name] for name in coins.column_names} | made | {"good": pc.is_null(problems)}
    staged = pa.table(data).select(COINS.names).cast(COINS).filter(pc.is_valid(coins["tx"]))
    return staged, _bad_parents(problems, parents, rows, records)


def _bad_parents(problems: pa.Array, parents: np.ndarray, rows: np.ndarray, records: pa.Table) -> pa.Table:
    if problems.null_count == len(problems):
        return REJECTED_ROWS.empty_table()
    bad_parents, first = np.unique(parents[pc.is_valid(problems).to_numpy(False)], return_index=True)
    reasons = problems.drop_null().take(pa.array(first))
    return rejected_rows(reasons, rows[bad_parents], records.take(pa.array(bad_parents)))


def prepare_coins(connection: duckdb.DuckDBPyConnection, relation: str) -> None:
    """Make the tables `coins` (one row per transaction, side and address) and `txs` (one per transaction, with its `problem`)."""
    connection.execute(f"""
        CREATE TEMP TABLE single_coins AS
        SELECT tx, timestamp, is_input, coin_index, min(address) AS address, min(value) AS value, bool_and(good) AS good,
               min(block) AS block, min((file, row)) AS origin
        FROM {relation} GROUP BY tx, timestamp, is_input, coin_index""")
    connection.execute("""
        CREATE TEMP TABLE coins AS
        SELECT tx, timestamp, is_input, address, sum(value)::BIGINT AS value FROM single_coins GROUP BY ALL""")
    connection.execute(f"""
        CREATE TEMP TABLE txs AS
        WITH sums AS (
            SELECT tx, timestamp, min(block) AS block, min(origin) AS origin, bool_and(good) AS good,
                   bool_or(is_input) AS has_inputs, bool_or(NOT is_input) AS has_outputs,
                   bool_or(is_input AND value IS NULL) AS mined,
                   coalesce(sum(value) FILTER (is_input), 0) AS value_in,
                   coalesce(sum(value) FILTER (NOT is_input), 0) AS value_out,
                   count(DISTINCT address) FILTER (is_input) * count(DISTINCT address) FILTER (NOT is_input) AS pairs
            FROM single_coins GROUP BY tx, timestamp),
        classified AS (
            SELECT *, has_inputs OR count(*) FILTER (NOT has_inputs) OVER (PARTITION BY coalesce(block, timestamp)) > 1
                AS spends FROM sums)
        SELECT tx, timestamp, origin, value_in::DOUBLE AS value_in, value_out::DOUBLE AS value_out, pairs > {MOST_PAIRS} AS joint,
            mined OR NOT spends AS mined,
            CASE WHEN NOT good THEN 'transaction has a bad input or output'
                 WHEN NOT has_outputs THEN 'transaction has inputs but no outputs: give the table of outputs too'
                 WHEN mined OR NOT spends THEN NULL
                 WHEN NOT has_inputs THEN 'transaction has outputs but no inputs: give the table of inputs too'
                 WHEN value_in < value_out THEN 'transaction has outputs worth more than its inputs: some inputs are missing'
            END AS problem
        FROM classified""")


def transfers_sql() -> str:
    """SQL for the transfers of all transactions without a problem, as `STAGED`, from the tables of `prepare_coins`."""
    empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in _EMPTY.items())
    return f"""
    WITH ins AS (SELECT * FROM coins WHERE is_input AND value > 0),
         outs AS (SELECT * FROM coins WHERE NOT is_input AND value > 0),
         good_txs AS (SELECT * FROM txs WHERE problem IS NULL),
    transfers AS (
        SELECT tx, timestamp, '{COINBASE}' AS sender, address AS receiver, value / {_UNIT} AS amount, NULL::DOUBLE AS fee
        FROM outs JOIN good_txs USING (tx, timestamp) WHERE mined
        UNION ALL
        SELECT tx, timestamp, ins.address, outs.address, outs.value * (ins.value / value_in) / {_UNIT},
               (value_in - value_out) / {_UNIT}
        FROM ins JOIN good_txs USING (tx, timestamp) JOIN outs USING (tx, timestamp) WHERE NOT mined AND NOT joint
        UNION ALL
        SELECT tx, timestamp, address, 'tx:' || tx, value_out * (value / value_in) / {_UNIT}, (value_in - value_out) / {_UNIT}
        FROM ins JOIN good_txs USING (tx, timestamp) WHERE NOT mined AND joint AND value_out > 0
        UNION ALL
        SELECT tx, timestamp, 'tx:' || tx, address, value / {_UNIT}, (value_in - value_out) / {_UNIT}
        FROM outs JOIN good_txs USING (tx, timestamp) WHERE NOT mined AND joint)
    SELECT timestamp, sender, receiver, amount, 'BTC' AS asset, tx AS tx_id, 'bitcoin' AS chain, fee, {empty} FROM transfers
    """


_EMPTY = {
    "usd": "DOUBLE",
    "gas_price": "DOUBLE",
    "nonce": "BIGINT",
    "failed": "BOOLEAN",
    "method": "VARCHAR",
    "origin": "VARCHAR",
}
BAD_TRANSACTIONS = """
    SELECT origin[1] AS file, origin[2] AS row, problem AS reason, to_json({'transaction_hash': tx}) AS record
    FROM txs WHERE problem IS NOT NULL ORDER BY file, row"""

assert {"timestamp", "sender", "receiver", "amount", "asset", "tx_id", "chain", "fee", *_EMPTY} == set(STAGED.names)
