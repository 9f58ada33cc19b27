"""The protocol `kaggle-ethereum` on a hand-made table in the published format, and on the real one."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples import protocol_files

from walletprint.experiments.protocols.published import kaggle_ethereum as protocol
from walletprint.features.base.errors import DataError

LATE = int(pd.Timestamp("2018-01-01", tz="UTC").timestamp())
EARLY = int(pd.Timestamp("2016-01-01", tz="UTC").timestamp())


@pytest.fixture
def folder(tmp_path):
    protocol_files.kaggle(tmp_path)
    return tmp_path


def histories(folder, rows=300):
    """The first 225 wallets are licit and early, the others illicit and late, but for one in five; the last has no history."""
    wallets = [f"0x{k + 1:040X}" for k in range(rows - 1) for _ in (0, 1)]
    starts = [
        (EARLY if (k < 225) == (k % 5 != 0) else LATE) + 86_400 * k + day for k in range(rows - 1) for day in (0, 500)
    ]
    pq.write_table(pa.table({"wallet": wallets, "timeStamp": starts}), folder / "normal_txs.parquet")


def test_the_table_is_read_without_what_numbers_or_names_rows(folder):
    wallets = protocol.read(folder)
    assert wallets.X.columns.tolist() == [
        "Avg min between sent tnx", protocol.SPAN, "Sent tnx", "total Ether sent", "Total ERC20 tnxs", "ERC20 uniq sent addr",
    ]  # fmt: skip
    assert wallets.y.sum() == 75
    assert wallets.dates is None


def test_dates_are_of_the_wallets_own_histories(folder):
    histories(folder)
    dates = protocol.read(folder).dates
    assert dates is not None
    assert (dates["first_seen"][1] * 86_400, dates["last_seen"][1] * 86_400) == pytest.approx(
        (EARLY + 86_400, EARLY + 86_900)
    )
    assert dates["first_seen"].isna().tolist() == [False] * 299 + [True]


def test_rules_by_counting(folder):
    histories(folder)
    wallets = protocol.read(folder)
    empty, late = protocol.rules(wallets)
    assert empty["precision"] == 1.0
    assert empty["recall"] == pytest.approx(sum(1 for k in range(225, 300) if k % 2) / 75)
    flagged = [wallets.dates["first_seen"][k] * 86_400 >= 1_498_867_200 for k in range(300)]
    right = sum(1 for k in range(225, 300) if flagged[k])
    assert (late["precision"], late["recall"]) == pytest.approx(
        (right / sum(flagged), right / 74)
    )  # one has no history
    assert late["how"] == "the 299 wallets with a history"


def test_without_histories_no_number_in_time_is_made_up(folder):
    (row,) = protocol.in_time(protocol.read(folder), 7)
    assert row["finding"] == "not run: the table holds no date, and the folder no normal_txs.parquet"
    assert "roc_auc" not in row


def test_one_table_with_the_figures_and_the_audit(folder, monkeypatch, few_trees):
    histories(folder)
    monkeypatch.setattr(protocol, "FOLDS", 3)
    tables = protocol.run(folder, 7, lambda *step: None)
    table, about = tables.values()
    of = table[table["how"] != "split in time"].set_index(["what", "sees"])
    assert of.loc[("LightGBM", "which columns are empty"), "precision"] == 1.0
    assert of.loc[("LightGBM", "the place in the file alone"), "roc_auc"] > 0.95
    assert of.loc[("LightGBM", "all columns"), "roc_auc"] > 0.9
    assert {"fail"} <= set(table.loc[table["what"] == "audit", "verdict"])
    assert about.set_index("what")["number"]["rows with an empty ERC-20 block"] == 38


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("FLAG", "label", "no column 'FLAG'"),
        (",0,", ",7,", "column 'FLAG', row 1: got '7', published are 0 and 1"),
    ],
)
def test_a_table_that_is_not_as_published(folder, old, new, said):
    path = folder / "transaction_dataset.csv"
    head, first, rest = path.read_text().split("\n", 2)
    both = (
        f"{head}\n{first}".replace("0x" + "0" * 39 + "1,0,", "0x" + "0" * 39 + "1,7,")
        if old == ",0,"
        else head.replace(old, new) + f"\n{first}"
    )
    path.write_text(both + "\n" + rest)
    with pytest.raises(DataError) as error:
        protocol.read(folder)
    assert said in str(error.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no file transaction_dataset\.csv \(or \.parquet\)"):
        protocol.read(tmp_path)


def test_an_unreadable_table_is_told(tmp_path):
    (tmp_path / "transaction_dataset.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="cannot be read"):
        protocol.read(tmp_path)


@pytest.mark.real_data
def test_the_real_table_measures_the_calendar(real_data):
    wallets = protocol.read(real_data)
    empty, late = protocol.rules(wallets)
    assert empty["precision"] > 0.99
    assert late["f1"] > 0.98
    (later,) = protocol.in_time(wallets, 7)
    assert later["roc_auc"] < 0.8
    assert np.isfinite(later["f1"])
