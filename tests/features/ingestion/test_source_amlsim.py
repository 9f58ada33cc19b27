"""AMLSim's transactions and walletprint's own tables; expected rows worked out by hand."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.ingestion.sources.amlsim import BASE_DATE


def test_the_base_date():
    assert datetime.fromtimestamp(BASE_DATE, UTC) == datetime(2017, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_edges(save, tmp_path, kind):
    edge = {"sourceNodeId": 360, "targetNodeId": 18984, "value": 103.55, "time": 1}
    rows = [edge, edge, edge | {"time": 31, "targetNodeId": 360}, edge | {"time": 1_600_000_000}]
    report = ingest(save(f"edges.{kind}", rows), tmp_path / "out.parquet")
    table = pq.read_table(report.out).to_pandas()
    assert table[["sender", "receiver", "amount", "usd", "asset"]].values.tolist() == [
        ["360", "18984", 103.55, 103.55, "USD"],
        ["360", "18984", 103.55, 103.55, "USD"],  # no id tells it from the first: a transfer of its own
        ["360", "360", 103.55, 103.55, "USD"],
    ]
    assert table["timestamp"].dt.strftime("%Y-%m-%d").tolist() == ["2017-01-02", "2017-01-02", "2017-02-01"]
    assert report.reasons == {"time is neither a step from 0 to 30,000 nor a time with a zone": 1}
    assert table["self_transfer"].tolist() == [False, False, True]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("times", [("15", "16"), ("2017-01-16T00:00:00Z", "2017-01-17T00:00:00Z")])
def test_transactions(save, ingested, kind, times):
    row = {"tran_id": 1, "orig_acct": 5, "bene_acct": 7, "tx_type": "TRANSFER", "base_amt": "2850.0", "is_sar": "False"}
    rows = [row | {"tran_timestamp": times[0]}, row | {"tran_id": 2, "tran_timestamp": times[1]}]
    table = ingested(save(f"transactions.{kind}", [*rows, rows[0]]))
    assert table[["tx_id", "sender", "receiver", "amount", "method"]].values.tolist() == [
        ["1", "5", "7", 2850.0, "TRANSFER"],
        ["2", "5", "7", 2850.0, "TRANSFER"],
    ]
    assert table["timestamp"].dt.strftime("%Y-%m-%d").tolist() == ["2017-01-16", "2017-01-17"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_walletprints_own_columns(save, ingested, kind):
    row = {"timestamp": "2020-01-01T02:00:00.9+02:00", "sender": " 1A ", "receiver": "0x" + "AB" * 20, "amount": "0.5"}
    row |= {
        "asset": "0x" + "CD" * 20,
        "tx_id": "t1",
        "usd": "3",
        "chain": "x",
        "fee": "0.1",
        "gas_price": "",
        "nonce": "4",
    }
    row |= {"failed": "true", "method": "m", "self_transfer": "no", "surplus": "?", "origin": "?"}
    table = ingested(save(f"own.{kind}", [row, row]))
    assert len(table) == 1
    assert table.drop(columns=["timestamp", "gas_price"]).iloc[0].to_dict() == {
        "sender": "1A", "receiver": "0x" + "ab" * 20, "amount": 0.5, "asset": "0x" + "cd" * 20, "tx_id": "t1", "usd": 3.0,
        "chain": "x", "fee": 0.1, "nonce": 4, "failed": True, "method": "m", "self_transfer": False,
    }  # fmt: skip
    assert table["gas_price"].isna().all()
    assert table["timestamp"].tolist() == [pd.Timestamp("2020-01-01", tz="UTC")]
