"""bitcoin-etl: tables of inputs and of outputs, and transactions with both nested in them (BigQuery's layouts).

Makes coins, one per input and output; `utxo.py` joins the coins of a transaction and makes the transfers.
Values are satoshi. A coin whose script has no address is named after its output, `txo:TRANSACTION:INDEX`.
"""

import numpy as np
import pyarrow as pa

from ...base.arrow import pc
from ...base.errors import DataError
from ...transfers import columns as col
from ..layout import ConversionContext, Layout, pick, tagged
from ..utxo import COINBASE


def _inputs(table: pa.Table, context: ConversionContext) -> pa.Table:
    spent = _name_of(table, "spent_transaction_hash", "spent_output_index")
    return _coins(table, "transaction_hash", True).append_column("address", pc.coalesce(_addresses(table), spent))


def _outputs(table: pa.Table, context: ConversionContext) -> pa.Table:
    made = _name_of(table, "transaction_hash", "index")
    return _coins(table, "transaction_hash", False).append_column("address", pc.coalesce(_addresses(table), made))


def _nested(table: pa.Table, context: ConversionContext) -> pa.Table:
    inputs, outputs = _unnested(table, "inputs"), _unnested(table, "outputs")
    return pa.concat_tables([_inputs(inputs, context), _outputs(outputs, context), _mined(table)])


def _unnested(table: pa.Table, name: str) -> pa.Table:
    """The structs of a list column as rows, with the columns of the transaction that coins need."""
    lists = col.as_array(table[name])
    if not pa.types.is_list(lists.type) and not pa.types.is_large_list(lists.type):
        raise DataError(f"the column {name} is {lists.type}; a list of structs is needed, as in Parquet files")
    parents, items = pc.list_parent_indices(lists), pc.list_flatten(lists)
    fields = dict(zip(items.type.names, items.flatten(), strict=True))
    whole = {new: pick(table, old).take(parents) for new, old in _SHARED.items()}
    first = np.searchsorted(parents.to_numpy(), parents.to_numpy())
    position = pa.array(np.arange(len(parents)) - first)
    return pa.table({"index": position} | fields | whole | {"parent": parents})


def _mined(table: pa.Table) -> pa.Table:
    """The input of coinbase transactions: new coins, for which bitcoin-etl has no input."""
    mined = pc.fill_null(col.booleans(pick(table, "is_coinbase")), False)
    rows = table.append_column("parent", pa.array(np.arange(len(table)))).filter(mined)
    no_index = pa.repeat(pa.scalar(-1, pa.int64()), len(rows))
    coins = _coins(rows.append_column("coin_index", no_index), "hash", True, "coin_index")
    return coins.append_column("address", pa.repeat(COINBASE, len(rows)))


def _coins(table: pa.Table, tx: str, is_input: bool, index: str = "index") -> pa.Table:
    given = "parent" in table.column_names
    data = {
        "parent": table["parent"] if given else pa.array(np.arange(len(table))),
        "tx": col.text(pick(table, tx)),
        "timestamp": pick(table, "block_timestamp"),
        "block": col.whole_numbers(pick(table, "block_number")),
        "is_input": pa.repeat(is_input, len(table)),
        "coin_index": col.whole_numbers(pick(table, index)),
        "value": col.whole_numbers(pick(table, "value")),
    }
    return pa.table(data)


def _addresses(table: pa.Table) -> pa.Array:
    """One name per coin: its addresses (several in a bare multi-signature), joined by plus signs."""
    array = pick(table, "addresses|address")
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return col.text(pc.binary_join(array.cast(pa.list_(pa.string())), "+"))
    return col.text(pc.replace_substring(pc.replace_substring_regex(col.text(array), r"[\[\]\"'\s]", ""), ",", "+"))


def _name_of(table: pa.Table, tx: str, index: str) -> pa.Array:
    return tagged("txo", col.text(pick(table, tx)), col.text(pick(table, index)))


_SHARED = {"transaction_hash": "hash", "block_timestamp": "block_timestamp", "block_number": "block_number"}
_COIN = ("transaction_hash", "block_timestamp", "index", "addresses|address", "value")
_SPENT = "spent_transaction_hash"

LAYOUTS = (
    Layout("bitcoin-etl", "inputs", (*_COIN, _SPENT), _inputs, kind="coins"),
    Layout("bitcoin-etl", "outputs", _COIN, _outputs, lacks=(_SPENT,), kind="coins"),
    Layout("bitcoin-etl", "transactions", ("hash", "block_timestamp", "inputs", "outputs"), _nested, kind="coins"),
)
