"""Etherscan: a wallet's lists from its API, the same lists in whole units, and the CSV exports of its website.

Native amounts are ETH. An ERC-20 asset is its contract's address, because symbols are forged. Tokens without amounts
(ERC-721 and ERC-1155 lists) are not read.
"""

import pyarrow as pa

from ...base.arrow import pc
from ...transfers import columns as col
from ..layout import ConversionContext, Layout, constant, lenient_numbers, pick, scaled, tagged

_ETH = 18  # decimals
_NOTHING = pa.array(["null", "none", "nan", "0x"])
_TX_HASH = "Txhash|Transaction Hash"


def _normal(table: pa.Table, context: ConversionContext) -> pa.Table:
    data = _api_row(table) | {"amount": _ether(table), "asset": constant(table, "ETH")}
    # A hash has one native transfer, so repeats are copies. Without a hash, the list says how many there are.
    listed = pc.if_else(pc.is_null(data["tx_id"]), _list_of(table, context), None)
    return pa.table(data | {"origin": listed, "nonce": pick(table, "nonce")})


def _internal(table: pa.Table, context: ConversionContext) -> pa.Table:
    data = _api_row(table) | {"amount": _ether(table), "asset": constant(table, "ETH"), "method": pick(table, "type")}
    position = tagged("scan", col.text(pick(table, "traceId")))
    return pa.table(data | {"origin": pc.coalesce(position, _list_of(table, context))})


def _erc20(table: pa.Table, context: ConversionContext) -> pa.Table:
    asset = pick(table, "contractAddress")
    decimals = pc.fill_null(col.whole_numbers(pick(table, "tokenDecimal")), 0)
    whole_units = "value_token" in table.column_names
    amount = pick(table, "value_token") if whole_units else scaled(pick(table, "value"), decimals)
    data = _api_row(table) | {"receiver": pick(table, "to"), "amount": amount, "asset": asset}
    position = tagged("scan", col.text(pick(table, "logIndex")))
    # The list's nonce is left out: it is that of the transaction, whose signer is often not the token's sender.
    return pa.table(data | {"origin": pc.coalesce(position, _list_of(table, context))})


def _api_row(table: pa.Table) -> dict[str, pa.Array]:
    price, used = col.numbers(pick(table, "gasPrice")), col.numbers(pick(table, "gasUsed"))
    succeeded = col.booleans(pick(table, "txreceipt_status"))
    return {
        "timestamp": pick(table, "timeStamp"),
        "sender": pick(table, "from"),
        "receiver": pc.coalesce(_address(table, "to"), _address(table, "contractAddress")),
        "tx_id": col.text(pick(table, "hash")),
        "chain": constant(table, "ethereum"),
        "fee": pc.divide(pc.multiply(price, used), 10.0**_ETH),
        "gas_price": price,
        "failed": pc.coalesce(col.booleans(pick(table, "isError")), pc.invert(succeeded)),
        "method": pc.coalesce(col.text(pick(table, "methodId")), col.text(pick(table, "functionName"))),
    }


def _ether(table: pa.Table) -> pa.Array:
    return pick(table, "value_eth") if "value_eth" in table.column_names else scaled(pick(table, "value"), _ETH)


def _address(table: pa.Table, name: str) -> pa.Array:
    array = col.text(pick(table, name))
    return pc.if_else(pc.is_in(pc.ascii_lower(array), _NOTHING), None, array)


def _list_of(table: pa.Table, context: ConversionContext) -> pa.Array:
    return tagged("in", constant(table, context.file), col.text(pick(table, "wallet")))


def _export_normal(table: pa.Table, context: ConversionContext) -> pa.Table:
    data = _export_row(table) | _export_ether(table)
    fee = lenient_numbers(pick(table, "TxnFee(ETH)"))
    return pa.table(data | {"receiver": _or_contract(table, "To"), "fee": fee, "method": pick(table, "Method")})


def _export_internal(table: pa.Table, context: ConversionContext) -> pa.Table:
    data = _export_row(table) | _export_ether(table)
    return pa.table(data | {"receiver": _or_contract(table, "TxTo"), "method": pick(table, "Type")})


def _export_erc20(table: pa.Table, context: ConversionContext) -> pa.Table:
    amount, usd = lenient_numbers(pick(table, "TokenValue|Value")), lenient_numbers(pick(table, "USDValueDayOfTx"))
    asset = pick(table, "ContractAddress")
    return pa.table(_export_row(table) | {"receiver": pick(table, "To"), "amount": amount, "usd": usd, "asset": asset})


def _export_row(table: pa.Table) -> dict[str, pa.Array]:
    return {
        "timestamp": pick(table, "UnixTimestamp"),
        "sender": pick(table, "From"),
        "tx_id": pick(table, _TX_HASH),
        "chain": constant(table, "ethereum"),
    }


def _export_ether(table: pa.Table) -> dict[str, pa.Array]:
    received, sent = (lenient_numbers(pick(table, name)) for name in ("Value_IN(ETH)", "Value_OUT(ETH)"))
    amount = pc.max_element_wise(received, sent)  # one of them is 0
    usd = pc.multiply(amount, lenient_numbers(pick(table, "Historical $Price/Eth")))
    return {"amount": amount, "usd": usd, "asset": constant(table, "ETH"), "failed": _export_failed(table)}


def _export_failed(table: pa.Table) -> pa.Array:
    if "Status" not in table.column_names:
        return pa.nulls(len(table), pa.bool_())
    status, code = col.text(pick(table, "Status")), col.text(pick(table, "ErrCode"))
    error = pc.match_substring_regex(status, "(?i)^(error|fail|1$)")
    return pc.or_(pc.fill_null(error, False), pc.is_valid(code))


def _or_contract(table: pa.Table, name: str) -> pa.Array:
    return pc.coalesce(_address(table, name), _address(table, "ContractAddress"))


_API = ("hash", "timeStamp", "from", "to")
_TOKEN = ("tokenSymbol", "tokenDecimal", "tokenID", "value_token")
_EXPORT = (_TX_HASH, "UnixTimestamp", "From")
_VALUES = ("Value_IN(ETH)", "Value_OUT(ETH)")
_PARENT = ("ParentTxFrom", "TxTo")

LAYOUTS = (
    Layout("etherscan", "normal transactions", (*_API, "value|value_eth"), _normal, (*_TOKEN, "traceId", "errCode")),
    Layout("etherscan", "internal transactions", (*_API, "value|value_eth", "traceId|errCode"), _internal, _TOKEN),
    Layout("etherscan", "ERC-20 transfers", (*_API, "contractAddress", "value", "tokenDecimal"), _erc20, ("tokenID",)),
    Layout("etherscan", "ERC-20 transfers in whole units", (*_API, "contractAddress", "value_token"), _erc20),
    Layout("etherscan", "website export of transactions", (*_EXPORT, "To", *_VALUES), _export_normal, _PARENT),
    Layout("etherscan", "website export of internal transactions", (*_EXPORT, *_VALUES, *_PARENT), _export_internal),
    Layout(
        "etherscan",
        "website export of ERC-20 transfers",
        (*_EXPORT, "To", "TokenValue|Value", "ContractAddress", "TokenSymbol"),
        _export_erc20,
        ("TokenId", "TokenID", "Token ID", *_VALUES),
    ),
)
