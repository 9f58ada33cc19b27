"""AMLSim's transactions and walletprint's own tables; expected rows worked out by hand."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.ingestion.sources import LAYOUTS, find_layout
from walletprint.features.ingestion.sources.amlsim import BASE_DATE


def ingested(paths, tmp_path, **options) -> pd.DataFrame:
    ingest(paths, tmp_path / "out.parquet", **options)
    return pq.read_table(tmp_path / "out.parquet").to_pandas()


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
    assert report.reasons == {"time is no step from 0 to 30,000 and no time with a zone": 1}
    assert table["self_transfer"].tolist() == [False, False, True]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("times", [("15", "16"), ("2017-01-16T00:00:00Z", "2017-01-17T00:00:00Z")])
def test_transactions(save, tmp_path, kind, times):
    row = {"tran_id": 1, "orig_acct": 5, "bene_acct": 7, "tx_type": "TRANSFER", "base_amt": "2850.0", "is_sar": "False"}
    rows = [row | {"tran_timestamp": times[0]}, row | {"tran_id": 2, "tran_timestamp": times[1]}]
    table = ingested(save(f"transactions.{kind}", [*rows, rows[0]]), tmp_path)
    assert table[["tx_id", "sender", "receiver", "amount", "method"]].values.tolist() == [
        ["1", "5", "7", 2850.0, "TRANSFER"],
        ["2", "5", "7", 2850.0, "TRANSFER"],
    ]
    assert table["timestamp"].dt.strftime("%Y-%m-%d").tolist() == ["2017-01-16", "2017-01-17"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_walletprints_own_columns(save, tmp_path, kind):
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
    table = ingested(save(f"own.{kind}", [row, row]), tmp_path)
    assert len(table) == 1
    assert table.drop(columns=["timestamp", "gas_price"]).iloc[0].to_dict() == {
        "sender": "1A", "receiver": "0x" + "ab" * 20, "amount": 0.5, "asset": "0x" + "cd" * 20, "tx_id": "t1", "usd": 3.0,
        "chain": "x", "fee": 0.1, "nonce": 4, "failed": True, "method": "m", "self_transfer": False,
    }  # fmt: skip
    assert table["gas_price"].isna().all()
    assert table["timestamp"].tolist() == [pd.Timestamp("2020-01-01", tz="UTC")]


def test_a_file_that_fits_no_format_is_refused_in_one_line(save, tmp_path):
    with pytest.raises(DataError) as error:
        ingest(save("labels.csv", [{"address": "1A", "category": "scam"}]), tmp_path / "out.parquet")
    text = str(error.value)
    assert "\n" not in text
    assert "labels.csv" in text
    assert "came: address, category" in text
    assert all(layout.source in text and layout.name in text for layout in LAYOUTS)


def test_a_source_can_be_asked_for(save, tmp_path):
    path = save("edges.csv", [{"sourceNodeId": 1, "targetNodeId": 2, "value": 1, "time": 1}])
    assert len(ingested(path, tmp_path, source="amlsim")) == 1
    with pytest.raises(DataError, match=r"fit no table of bitcoin-etl; came: sourceNodeId, .*inputs: transaction_hash"):
        ingest(path, tmp_path / "out.parquet", source="bitcoin-etl")
    with pytest.raises(UsageError, match="'blockchair' is not known; use one of walletprint, etherscan, ethereum-etl"):
        ingest(path, tmp_path / "out.parquet", source="blockchair")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.source}: {layout.name}")
def test_every_layout_is_found_by_its_own_columns_and_by_no_other(layout):
    names = [need.split("|")[0] for need in layout.needs]
    assert find_layout(names, "here") is layout
    assert [other for other in LAYOUTS if other.source != layout.source and other.fits(names)] == []
