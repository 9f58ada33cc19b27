"""Etherscan's lists, as the API names them and as the website exports them; expected rows worked out by hand."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features.base.errors import DataError
from walletprint.features.ingestion.ingestion import ingest

ALICE, BOB, MADE, TOKEN = ("0x" + digit * 40 for digit in "abcd")
T0 = 1_600_000_000  # 2020-09-13 12:26:40 UTC

NORMAL = {
    "blockNumber": "10", "timeStamp": str(T0), "hash": "0x01", "nonce": "7", "blockHash": "0xff", "transactionIndex": "1",
    "from": ALICE, "to": BOB, "value": "1500000000000000000", "gas": "21000", "gasPrice": "20000000000", "isError": "0",
    "txreceipt_status": "1", "input": "0x", "contractAddress": "", "cumulativeGasUsed": "21000", "gasUsed": "21000",
    "confirmations": "1", "methodId": "0x", "functionName": "",
}  # fmt: skip
INTERNAL = {
    "blockNumber": "10", "timeStamp": str(T0), "hash": "0x01", "from": BOB, "to": ALICE, "value": "1000000000000000000",
    "contractAddress": "", "input": "", "type": "call", "gas": "2300", "gasUsed": "0", "traceId": "0_1", "isError": "0",
    "errCode": "",
}  # fmt: skip
ERC20 = {
    "blockNumber": "10", "timeStamp": str(T0), "hash": "0x02", "nonce": "8", "blockHash": "0xff", "from": ALICE, "to": BOB,
    "contractAddress": TOKEN.upper().replace("0X", "0x"), "value": "2500000", "tokenName": "USD Coin",
    "tokenSymbol": "USDC", "tokenDecimal": "6", "transactionIndex": "1", "gas": "65000", "gasPrice": "10000000000",
    "gasUsed": "50000", "cumulativeGasUsed": "1", "input": "deprecated", "confirmations": "1",
}  # fmt: skip


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
def test_normal_transactions_of_the_api(save, ingested, name):
    creation = NORMAL | {"hash": "0x03", "to": "", "contractAddress": MADE, "value": "0", "timeStamp": str(T0 + 1)}
    failed = NORMAL | {
        "hash": "0x04",
        "isError": "1",
        "txreceipt_status": "0",
        "timeStamp": str(T0 + 2),
        "methodId": "",
    }
    failed |= {"functionName": "swap(uint256 x)"}
    table = ingested(save(name, [NORMAL, creation, failed]))
    assert table["receiver"].tolist() == [BOB, MADE, BOB]
    assert table["amount"].tolist() == [1.5, 0.0, 1.5]
    assert table["failed"].tolist() == [False, False, True]
    assert table["method"].tolist() == ["0x", "0x", "swap(uint256 x)"]
    first = table.iloc[0]
    assert first["timestamp"] == pd.Timestamp("2020-09-13 12:26:40", tz="UTC")
    assert (first["asset"], first["chain"], first["tx_id"], first["nonce"]) == ("ETH", "ethereum", "0x01", 7)
    assert first["fee"] == pytest.approx(0.00042, rel=1e-15)  # 20 gwei × 21,000
    assert first["gas_price"] == 2e10


def test_wei_of_78_digits_convert(save, ingested):
    most = 2**256 - 1
    table = ingested(save("list.csv", [ERC20 | {"value": str(most), "tokenDecimal": "0"}]))
    assert table["amount"].tolist() == [float(most)]
    table = ingested(save("list.csv", [NORMAL | {"value": "123456789012345678901"}]))
    assert table["amount"].tolist() == [pytest.approx(123.456789012345678901, rel=3e-16)]


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
def test_internal_transactions_are_kept_beside_their_parent_and_told_apart_by_trace(save, ingested, name):
    rows = [INTERNAL, INTERNAL | {"traceId": "0_2"}, INTERNAL | {"traceId": "0_3", "value": "5"}]
    rows += [
        INTERNAL
        | {
            "traceId": "0_4",
            "isError": "1",
            "errCode": "out of gas",
            "type": "create",
            "to": "",
            "contractAddress": MADE,
        }
    ]
    normal = save("normal_" + name, [NORMAL | {"from": BOB, "to": ALICE, "value": "7"}])
    table = ingested([save(name, rows), normal])
    assert sorted(table["tx_id"]) == ["0x01", "0x01", "0x01", "0x01", "0x01#2"]
    assert sorted(table["amount"]) == [5e-18, 7e-18, 1.0, 1.0, 1.0]
    created = table[table["receiver"] == MADE].iloc[0]
    assert created["failed"]
    assert created["method"] == "create"


def test_an_internal_transfer_listed_by_both_its_ends_counts_once(save, ingested):
    paths = [save(name, [INTERNAL, INTERNAL | {"traceId": "0_2"}]) for name in ("alice.csv", "bob.csv")]
    assert ingested(paths)["tx_id"].tolist() == ["0x01", "0x01#2"]


def test_places_of_one_transaction_in_two_files_add_up(save, ingested):
    paths = [save("one.csv", [INTERNAL]), save("two.csv", [INTERNAL | {"traceId": "0_2"}])]
    assert ingested(paths)["tx_id"].tolist() == ["0x01", "0x01#2"]


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
def test_erc20_transfers_of_the_api(save, ingested, name):
    table = ingested(save(name, [ERC20]))
    row = table.iloc[0]
    assert (row["asset"], row["amount"], row["tx_id"]) == (TOKEN, 2.5, "0x02")
    assert pd.isna(row["nonce"])  # that of the signer, who need not be the sender of the token
    assert row["fee"] == pytest.approx(0.0005)


def test_the_same_lists_in_whole_units(save, ingested):
    ether = {
        "wallet": ALICE,
        "hash": "0x01",
        "blockNumber": 1,
        "timeStamp": T0,
        "from": ALICE,
        "to": BOB,
        "value_eth": 1.25,
    }
    ether |= {
        "nonce": 3,
        "gasPrice": 2e10,
        "gasUsed": 21000.0,
        "isError": "0",
        "contractAddress": None,
        "methodId": "0x",
    }
    token = {"wallet": ALICE, "hash": "0x02", "timeStamp": T0, "from": ALICE, "to": BOB, "value_token": 3.5}
    token |= {"tokenSymbol": "ETH", "tokenDecimal": 18.0, "contractAddress": TOKEN, "gasPrice": "1", "gasUsed": "1"}
    table = ingested([save("normal.parquet", [ether]), save("tokens.parquet", [token])])
    assert table[["asset", "amount"]].values.tolist() == [["ETH", 1.25], [TOKEN, 3.5]]


def test_repeats_within_a_wallets_list_of_tokens_are_transfers_and_between_lists_copies(save, tmp_path):
    token = {"hash": "0x02", "timeStamp": T0, "from": ALICE, "to": BOB, "value_token": 3.5, "contractAddress": TOKEN}
    rows = [token | {"wallet": ALICE}] * 3 + [token | {"wallet": BOB}] * 2
    report = ingest(save("tokens.parquet", rows), tmp_path / "out.parquet")
    assert (report.read, report.good, report.duplicates) == (5, 3, 2)
    assert pq.read_table(report.out)["tx_id"].to_pylist() == ["0x02", "0x02#2", "0x02#3"]


def test_repeats_of_a_native_transaction_are_copies_even_within_a_list(save, ingested):
    rows = [NORMAL | {"wallet": ALICE}] * 2
    assert len(ingested(save("list.csv", rows))) == 1


def test_rows_without_a_hash_count_as_often_as_in_the_list_with_most(save, ingested):
    row = {"hash": None, "timeStamp": T0, "from": ALICE, "to": BOB, "value_eth": 1.0, "isError": None}
    rows = [row | {"wallet": ALICE}] * 2 + [row | {"wallet": BOB}] * 2
    table = ingested(save("list.parquet", rows, hash="string", isError="string"))
    assert len(table) == 2
    assert table["tx_id"].str.fullmatch(r"row:[0-9a-f]{16}(#2)?").all()
    assert table["failed"].isna().all()


EXPORT = {
    "Txhash": "0x01", "Blockno": "10", "UnixTimestamp": str(T0), "DateTime (UTC)": "2020-09-13 12:26:40", "From": ALICE,
    "To": BOB, "ContractAddress": "", "Value_IN(ETH)": "0", "Value_OUT(ETH)": "1,234.5",
    "CurrentValue @ $1642.27/Eth": "2,027,382.3", "TxnFee(ETH)": "0.00042", "TxnFee(USD)": "0.69",
    "Historical $Price/Eth": "368.25", "Status": "", "ErrCode": "", "Method": "Transfer",
}  # fmt: skip
NEW_HASH = {"Txhash": "Transaction Hash"}


@pytest.mark.parametrize("renamed", [{}, NEW_HASH])
def test_website_export_of_transactions(save, ingested, renamed):
    failed = EXPORT | {
        "Txhash": "0x02",
        "Status": "Error(0)",
        "ErrCode": "Reverted",
        "Value_OUT(ETH)": "0",
        "Value_IN(ETH)": "2",
    }
    created = EXPORT | {"Txhash": "0x03", "To": "", "ContractAddress": MADE, "Historical $Price/Eth": "N/A"}
    rows = [{renamed.get(key, key): value for key, value in row.items()} for row in (EXPORT, failed, created)]
    table = ingested(save("export-0xabc.csv", rows))
    assert table["amount"].tolist() == [1234.5, 2.0, 1234.5]
    assert table["usd"].tolist()[:2] == [1234.5 * 368.25, 2 * 368.25]
    assert pd.isna(table["usd"].iloc[2])
    assert table["receiver"].tolist() == [BOB, BOB, MADE]
    assert table["failed"].tolist() == [False, True, False]
    assert table["method"].tolist() == ["Transfer"] * 3
    assert table["fee"].tolist() == [0.00042] * 3


def test_website_export_of_internal_transactions(save, ingested):
    row = {
        "Transaction Hash": "0x01", "Blockno": "10", "UnixTimestamp": str(T0), "DateTime (UTC)": "2020-09-13 12:26:40",
        "ParentTxFrom": ALICE, "ParentTxTo": MADE, "ParentTxETH_Value": "0", "From": MADE, "TxTo": BOB,
        "ContractAddress": "", "Value_IN(ETH)": "0.25", "Value_OUT(ETH)": "0", "CurrentValue @ $3414.36/Eth": "853.6",
        "Historical $Price/Eth": "400", "Status": "0", "ErrCode": "", "Type": "call",
    }  # fmt: skip
    row_failed = row | {"Transaction Hash": "0x02", "Status": "1", "ErrCode": "Reverted"}
    table = ingested(save("internal.csv", [row, row_failed]))
    assert (
        table[["sender", "receiver", "amount", "usd", "method"]].values.tolist()
        == [[MADE, BOB, 0.25, 100.0, "call"]] * 2
    )
    assert table["failed"].tolist() == [False, True]


@pytest.mark.parametrize("value", ["TokenValue", "Value"])
def test_website_export_of_erc20_transfers(save, ingested, value):
    row = {
        "Txhash": "0x02", "Blockno": "10", "UnixTimestamp": str(T0), "DateTime": "2020-09-13 12:26:40", "From": ALICE,
        "To": BOB, value: "1,000,000.5", "USDValueDayOfTx": "$1,000,000.50", "ContractAddress": TOKEN,
        "TokenName": "A, \"quoted\" name", "TokenSymbol": "USDC",
    }  # fmt: skip
    table = ingested(save("tokens.csv", [row, row | {"Txhash": "0x03", "USDValueDayOfTx": "N/A"}]))
    assert table["amount"].tolist() == [1_000_000.5] * 2
    assert table["usd"].fillna(-1).tolist() == [1_000_000.5, -1]
    assert table["asset"].tolist() == [TOKEN] * 2


def test_lists_of_collectibles_are_refused(save, tmp_path):
    row = {key: value for key, value in ERC20.items() if key != "value"} | {"tokenID": "17"}
    with pytest.raises(DataError, match="fit no known format"):
        ingest(save("nft.csv", [row]), tmp_path / "out.parquet")


def test_an_empty_receiver_without_a_contract_is_a_bad_row(save, tmp_path):
    report = ingest(save("list.csv", [NORMAL, NORMAL | {"to": "", "hash": "0x09"}]), tmp_path / "out.parquet")
    assert report.reasons == {"receiver: address is empty": 1}
