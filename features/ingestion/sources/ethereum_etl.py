"""ethereum-etl: transactions, token transfers and traces, as in its CSV export and the public tables of BigQuery.

Tables without block times need the `blocks` table; without the `tokens` table, token amounts stay in base units.
"""

import pyarrow as pa

from ...base.arrow import pc
from ...transfers import columns as col
from ...transfers.addresses import normalise_addresses
from ..layout import PROBLEM, SKIP, ConversionContext, Layout, constant, pick, scaled, tagged

_ETH = 18  # decimals
_NEW_COINS = {"reward": "coinbase", "genesis": "genesis"}  # traces without a sender
_WITHIN = pa.array(["call", "create", "suicide"])  # traces that belong to a transaction
_NO_VALUE = pa.array(["delegatecall", "staticcall", "callcode"])  # these run another contract's code and move nothing


def _transactions(table: pa.Table, context: ConversionContext) -> pa.Table:
    paid_price, offered_price, used = (
        _number(table, name) for name in ("receipt_effective_gas_price", "gas_price", "receipt_gas_used")
    )
    price = pc.coalesce(paid_price, offered_price)
    data = _row(table, context) | {
        "receiver": pc.coalesce(_text(table, "to_address"), _text(table, "receipt_contract_address")),
        "amount": scaled(pick(table, "value"), _ETH),
        "asset": constant(table, "ETH"),
        "tx_id": pick(table, "hash"),
        "fee": pc.divide(pc.multiply(price, used), 10.0**_ETH),
        "gas_price": price,
        "nonce": pick(table, "nonce"),
        "failed": pc.invert(col.booleans(pick(table, "receipt_status"))),
        "method": pc.utf8_slice_codeunits(_text(table, "input"), 0, 10),
    }
    return pa.table(data)


def _token_transfers(table: pa.Table, context: ConversionContext) -> pa.Table:
    asset = normalise_addresses(_text(table, "token_address"))
    data = _row(table, context) | {
        "amount": scaled(pick(table, "value"), pc.fill_null(context.tokens.values_for(asset), 0)),
        "asset": asset,
        "tx_id": pick(table, "transaction_hash"),
        "origin": tagged("at", _text(table, "log_index")),
    }
    return pa.table(data)


def _traces(table: pa.Table, context: ConversionContext) -> pa.Table:
    kind, address, tx = (_text(table, name) for name in ("trace_type", "trace_address", "transaction_hash"))
    data = _row(table, context)
    amount = scaled(pick(table, "value"), _ETH)
    lacks_tx = pc.and_(pc.is_null(tx), pc.is_in(kind, _WITHIN))
    data |= {
        "sender": pc.coalesce(data["sender"], *(pc.if_else(pc.equal(kind, k), s, None) for k, s in _NEW_COINS.items())),
        "amount": amount,
        "asset": constant(table, "ETH"),
        "tx_id": pc.coalesce(tx, _trace_id(table, kind)),
        "origin": pc.if_else(pc.is_valid(tx), tagged("at", pc.fill_null(address, "root")), None),
        "method": _text(table, "call_type"),
        PROBLEM: pc.coalesce(col.problem(lacks_tx, "transaction_hash is missing"), data[PROBLEM]),
        SKIP: _carries_nothing(table, amount, address),
    }
    return pa.table(data)


def _carries_nothing(table: pa.Table, amount: pa.Array, address: pa.Array) -> pa.Array:
    """Failed traces, those that only run another contract's code, and calls within a transaction without value."""
    failed = pc.not_equal(pc.fill_null(col.whole_numbers(pick(table, "status")), 0), 1)
    empty_inner = pc.and_(pc.equal(pc.fill_null(amount, 0.0), 0.0), pc.is_valid(address))
    return pc.or_(pc.or_(failed, empty_inner), pc.is_in(_text(table, "call_type"), _NO_VALUE))


def _trace_id(table: pa.Table, kind: pa.Array) -> pa.Array:
    """An id for traces outside transactions: at most one per block, kind and receiver counts."""
    made = tagged(kind, _text(table, "block_number"), _text(table, "to_address"))
    return pc.coalesce(_text(table, "trace_id"), made)


def _row(table: pa.Table, context: ConversionContext) -> dict[str, pa.Array]:
    times, unknown = pick(table, "block_timestamp"), pa.nulls(len(table), pa.string())
    if "block_timestamp" not in table.column_names:
        times = context.blocks.values_for(col.whole_numbers(pick(table, "block_number")))
        unknown = col.problem(pc.is_null(times), "block_number is not in the table of blocks")
    return {
        "timestamp": times,
        "sender": _text(table, "from_address"),
        "receiver": _text(table, "to_address"),
        "chain": constant(table, "ethereum"),
        PROBLEM: unknown,
    }


def _text(table: pa.Table, name: str) -> pa.Array:
    return col.text(pick(table, name))


def _number(table: pa.Table, name: str) -> pa.Array:
    return col.numbers(pick(table, name))


def _blocks(table: pa.Table, context: ConversionContext) -> pa.Table:
    return pa.table(
        {"key": col.whole_numbers(pick(table, "number")), "value": col.unix_seconds(pick(table, "timestamp"))[0]}
    )


def _tokens(table: pa.Table, context: ConversionContext) -> pa.Table:
    return pa.table(
        {"key": normalise_addresses(_text(table, "address")), "value": col.whole_numbers(pick(table, "decimals"))}
    )


_ENDS = ("from_address", "to_address", "value")
_TIME = "block_timestamp"
_TOKEN_TRANSFER = ("token_address", *_ENDS, "transaction_hash", "log_index")

LAYOUTS = (
    Layout("ethereum-etl", "transactions", ("hash", "nonce", *_ENDS), _transactions, time=_TIME),
    Layout("ethereum-etl", "token_transfers", _TOKEN_TRANSFER, _token_transfers, time=_TIME),
    Layout("ethereum-etl", "traces", ("transaction_hash", "trace_type", "status", *_ENDS), _traces, time=_TIME),
    Layout("ethereum-etl", "blocks", ("number", "timestamp"), _blocks, kind="blocks"),
    Layout("ethereum-etl", "tokens", ("address", "decimals"), _tokens, kind="tokens"),
)
