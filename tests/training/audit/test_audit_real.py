"""The audit on tables whose leaks are known: it finds by itself what gives their labels away."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features import Ledger, catalogue, extract, snapshots_of
from walletprint.features.ingestion.ingestion import ingest
from walletprint.training.audit import audit
from walletprint.training.data.snapshots import unit_hash

pytestmark = pytest.mark.real_data
WALLETS = 0.06  # of the labelled ones: enough for a verdict, and soon read


def test_kaggle_missing_token_columns_and_time_span_give_the_label_away(real_data):
    report = audit(real_data / "kaggle_ethereum_fraud" / "transaction_dataset.parquet", "FLAG")
    assert report.verdict == "fail"
    assert report.check("too_good").verdict == "warn"
    assert {"missingness_only", "date_only"} <= set(report.check("too_good").figures["explained_by"])
    gone = report.check("missingness_only").figures["settled_by"]
    assert report.check("missingness_only").verdict == "fail"
    assert (len(gone["columns"]), gone["purity"], gone["side"]) == (23, 1.0, "positive")
    assert all("ERC20" in name for name in gone["columns"])
    assert report.check("date_only").verdict == "fail"
    assert report.check("date_only").figures["columns"] == ["Time Diff between first and last (Mins)"]
    assert report.check("row_numbers").figures["roc_auc"]["column00"] == 1.0  # its rows lie sorted by label
    assert "group_overlap" in report.check("too_good").figures["explained_by"]  # 24 addresses are listed twice


@pytest.fixture(scope="module")
def whole_histories(real_data, tmp_path_factory):
    """Whole histories of some labelled wallets as of one date, as most published tables are made."""
    folder = tmp_path_factory.mktemp("whole")
    labels = pd.read_csv(real_data / "ethereum_wallets" / "labels.csv").drop_duplicates("address")
    labels = labels[unit_hash(labels["address"], "audit") < WALLETS]
    wanted = [("wallet", "in", labels["address"].tolist())]
    pq.write_table(
        pq.read_table(real_data / "ethereum_wallets" / "normal_txs.parquet", filters=wanted), folder / "txs.parquet"
    )
    ingest(folder / "txs.parquet", folder / "transfers.parquet")
    ledger = Ledger.from_transfers(folder / "transfers.parquet")
    names = [feature.name for feature in catalogue() if feature.family in ("activity", "value", "amounts")]
    shots = snapshots_of(labels["address"].tolist(), ledger.end)
    return extract(ledger, shots, window=None, features=names).merge(labels[["address", "label"]], on="address")


def test_whole_histories_the_date_gives_the_label_away(whole_histories):
    report = audit(whole_histories, "label")
    date = report.check("date_only")
    assert date.verdict == "fail"
    assert date.figures["roc_auc"] > 0.99
    assert "activity__age__days" in date.figures["columns"]
    assert next(iter(date.figures["alone"])) == "activity__age__days"
    assert report.check("too_good").verdict == "warn"
    assert report.check("too_good").figures["explained_by"][0] == "date_only"
