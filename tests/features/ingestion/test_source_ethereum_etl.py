"""ethereum-etl's tables, as its CSV export and as BigQuery's public data sets lay them out; rows worked out by hand."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from walletprint.features.base.errors import DataError
from walletprint.features.ingestion.ingestion import ingest

ALICE, BOB, MADE, TOKEN = ("0x" + digit * 40 for digit in "abcd")
T0 = 1_600_000_000
WHEN = datetime.fromtimestamp(T0, UTC)

TRANSACTION = {
    "hash": "0x01", "nonce": "7", "block_hash": "0xff", "block_number": "10", "transaction_index": "0",
    "from_address": ALICE, "to_address": BOB, "value": "2000000000000000000", "gas": "21000", "gas_price": "1000000000",
    "input": "0xa9059cbb000000", "block_timestamp": str(T0), "max_fee_per_gas": "", "max_priority_fee_per_gas": "",
    "transaction_type": "0",
}  # fmt: skip
TRACE = {
    "block_number": "10", "transaction_hash": "0x01", "transaction_index": "0", "from_address": ALICE, "to_address": BOB,
    "value": "2000000000000000000", "input": "0x", "output": "0x", "trace_type": "call", "call_type": "call",
    "reward_type": "", "gas": "0", "gas_used": "0", "subtraces": "1", "trace_address": "", "error": "", "status": "1",
    "trace_id": "call_0x01_",
}  # fmt: skip
TOKEN_TRANSFER = {
    "token_address": TOKEN, "from_address": ALICE, "to_address": BOB, "value": "2500000", "transaction_hash": "0x02",
    "log_index": "3", "block_number": "10",
}  # fmt: skip
BLOCK = {"number": "10", "hash": "0xff", "miner": MADE, "timestamp": str(T0)}


def test_exported_transactions(save, ingested):
    row = ingested(save("transactions.csv", [TRANSACTION])).iloc[0]
    assert (row["sender"], row["receiver"], row["amount"], row["asset"]) == (ALICE, BOB, 2.0, "ETH")
    assert (row["tx_id"], row["nonce"], row["gas_price"], row["method"]) == ("0x01", 7, 1e9, "0xa9059cbb")
    assert row["timestamp"] == WHEN
    assert pd.isna(row["fee"])  # the export has no gas used
    assert row["failed"] is None


def test_transactions_of_bigquery(save, ingested):
    sent = {
        "hash": "0x01", "nonce": 7, "from_address": ALICE, "to_address": BOB, "value": 2 * 10**18, "gas_price": 5,
        "input": "0x", "receipt_gas_used": 21000, "receipt_contract_address": None, "receipt_status": 1,
        "receipt_effective_gas_price": 10**9, "block_timestamp": WHEN, "block_number": 10,
    }  # fmt: skip
    created = sent | {"hash": "0x02", "to_address": None, "receipt_contract_address": MADE, "receipt_status": 0}
    types = {"value": pa.decimal128(38, 9), "block_timestamp": pa.timestamp("us", "UTC")}
    table = ingested(save("transactions.parquet", [sent, created], **types))
    assert table["receiver"].tolist() == [BOB, MADE]
    assert table["amount"].tolist() == [2.0, 2.0]
    assert table["failed"].tolist() == [False, True]
    assert table["fee"].tolist() == [pytest.approx(0.000021)] * 2
    assert table["gas_price"].tolist() == [1e9, 1e9]


def test_times_as_bigquery_writes_them_to_csv(save, ingested):
    row = TRANSACTION | {"block_timestamp": "2020-09-13 12:26:40 UTC"}
    assert ingested(save("transactions.csv", [row]))["timestamp"].tolist() == [WHEN]


@pytest.mark.parametrize(
    ("name", "row"), [("transactions", TRANSACTION), ("token_transfers", TOKEN_TRANSFER), ("traces", TRACE)]
)
def test_without_block_times_the_table_of_blocks_is_asked_for_and_used(save, tmp_path, name, row):
    row = {key: value for key, value in row.items() if key != "block_timestamp"}
    path = save(f"{name}.csv", [row, row | {"block_number": "11"}])
    with pytest.raises(DataError, match=r"without the column block_timestamp: add the table of blocks"):
        ingest(path, tmp_path / "out.parquet")
    report = ingest([path, save("blocks.csv", [BLOCK])], tmp_path / "out.parquet")
    assert pq.read_table(report.out)["timestamp"].to_pylist() == [WHEN]
    assert report.reasons == {"block_number is not in the table of blocks": 1}
    assert report.read == 2


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_token_transfers_in_base_units_or_by_the_table_of_tokens(save, tmp_path, kind):
    row = TOKEN_TRANSFER | {"block_timestamp": str(T0)}
    path = save(
        f"token_transfers.{kind}", [row, row | {"log_index": "4"}, row | {"token_address": MADE, "value": "17"}]
    )
    report = ingest(path, tmp_path / "out.parquet")
    assert pq.read_table(report.out)["amount"].to_pylist() == [17.0, 2_500_000.0, 2_500_000.0]
    assert "base units" in report.notes[0]
    tokens = [
        {"address": TOKEN.upper().replace("0X", "0x"), "symbol": "USDC", "decimals": "6"},
        {"address": MADE, "decimals": ""},
    ]
    report = ingest([path, save(f"tokens.{kind}", tokens)], tmp_path / "out.parquet")
    table = pq.read_table(report.out).to_pandas()
    assert table["amount"].tolist() == [17.0, 2.5, 2.5]
    assert table["tx_id"].tolist() == ["0x02", "0x02", "0x02#2"]  # two logs of one transaction
    assert report.notes == ()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_root_trace_is_its_transaction_and_inner_calls_are_transfers(save, tmp_path, kind):
    inner = TRACE | {"from_address": BOB, "to_address": MADE, "value": "1000000000000000000", "trace_address": "0"}
    traces = [
        TRACE,
        inner,
        inner | {"trace_address": "0,1"},  # the same value once more: a transfer of its own
        inner | {"trace_address": "1", "call_type": "delegatecall"},
        inner | {"trace_address": "2", "call_type": "staticcall"},
        inner | {"trace_address": "3", "call_type": "callcode"},
        inner | {"trace_address": "4", "status": "0", "error": "Reverted"},
        inner | {"trace_address": "5", "value": "0"},
        inner | {"trace_address": "6", "trace_type": "suicide", "call_type": "", "value": "3000000000000000000"},
    ]
    paths = [save(f"traces.{kind}", traces), save("transactions.csv", [TRANSACTION]), save("blocks.csv", [BLOCK])]
    report = ingest(paths, tmp_path / "out.parquet")
    table = pq.read_table(report.out).to_pandas()
    assert table[["sender", "receiver", "amount", "tx_id"]].values.tolist() == [
        [ALICE, BOB, 2.0, "0x01"],
        [BOB, MADE, 1.0, "0x01"],
        [BOB, MADE, 3.0, "0x01"],
        [BOB, MADE, 1.0, "0x01#2"],
    ]
    assert (report.skipped, report.duplicates, report.bad) == (5, 1, 0)


def test_traces_of_bigquery_outside_of_transactions(save, tmp_path):
    base = {
        "transaction_hash": None, "from_address": None, "to_address": MADE, "value": 2 * 10**18, "call_type": None,
        "trace_address": None, "status": 1, "block_timestamp": WHEN, "block_number": 10,
    }  # fmt: skip
    rows = [
        base | {"trace_type": "reward", "trace_id": "reward_10_0"},
        base | {"trace_type": "genesis", "trace_id": None, "to_address": ALICE},
        base | {"trace_type": "daofork", "trace_id": "daofork_10_0", "from_address": ALICE, "to_address": BOB},
        base | {"trace_type": "call", "trace_id": None, "from_address": ALICE},
    ]
    strings = dict.fromkeys(("transaction_hash", "from_address", "call_type", "trace_address", "trace_id"), pa.string())
    report = ingest(save("traces.parquet", rows, value=pa.decimal128(38, 9), **strings), tmp_path / "out.parquet")
    table = pq.read_table(report.out).to_pandas()
    assert sorted(table["sender"]) == sorted(["coinbase", "genesis", ALICE])
    assert f"genesis:10:{ALICE}" in set(table["tx_id"])
    assert report.reasons == {"transaction_hash is missing": 1}


def test_look_ups_alone_are_no_transfers(save, tmp_path):
    with pytest.raises(DataError, match="look-up tables"):
        ingest(save("blocks.csv", [BLOCK]), tmp_path / "out.parquet")
