"""Labels: reading, refusing, and which wallets are positive or negative when."""

import json

import numpy as np
import pandas as pd
import pytest

from walletprint.features import DataError
from walletprint.features.labels.table import COLUMNS, read_labels
from walletprint.training.config.train_config import load_config
from walletprint.training.data.targets import Targets

A, B, C, D, E = (f"0x{digit * 40}" for digit in "abcde")


def table(**columns):
    return pd.DataFrame(columns)


def test_csv_parquet_and_frame_agree(tmp_path):
    frame = table(
        address=[A.upper().replace("0X", "0x"), "bc1qXyz"],
        category=["theft", "user"],
        known_from=["2021-03-04", None],
        other=[1, 2],
    )
    frame.to_csv(tmp_path / "l.csv", index=False)
    frame.to_parquet(tmp_path / "l.parquet")
    read = read_labels(frame).good
    pd.testing.assert_frame_equal(read, read_labels(tmp_path / "l.csv").good)
    pd.testing.assert_frame_equal(read, read_labels(tmp_path / "l.parquet").good)
    assert list(read.columns) == list(COLUMNS)
    assert read["address"].tolist() == [A, "bc1qXyz"]
    assert read["known_from"][0] == pd.Timestamp("2021-03-04", tz="UTC")
    assert read["known_from"].isna().tolist() == [False, True]
    assert read["confidence"].dtype == np.float64


def test_dates_of_any_kind_are_utc():
    moments = pd.to_datetime(["2021-03-04T01:00+01:00"])
    assert (
        read_labels(table(address=[A], category=["user"], known_from=moments)).good["known_from"][0].isoformat()
        == "2021-03-04T00:00:00+00:00"
    )


@pytest.mark.parametrize(
    ("columns", "row", "reason"),
    [
        ({"address": [A, "0x12"], "category": ["user", "user"]}, 2, "address starts with 0x but has not 40 (or 62 to 64) hex"),
        ({"address": [None, A], "category": ["user", "user"]}, 1, "address is empty (None)"),
        ({"address": [A, B], "category": ["user", "thief"]}, 2, "category 'thief' is unknown; allowed are sanctioned, theft, "),
        ({"address": [A, B], "category": [None, "user"]}, 1, "category is missing; allowed are sanctioned, "),
        ({"address": [A, B], "category": ["user"] * 2, "known_from": [None, "soon"]}, 2, "known_from must be a date"),
        ({"address": [A, A], "category": ["user"] * 2, "confidence": [0.5, 2.0]}, 2, "confidence must be a number from 0 to 1"),
        ({"address": [A, A], "category": ["user"] * 2, "confidence": ["high", "1"]}, 1, "confidence must be"),
    ],
)  # fmt: skip
def test_bad_labels_are_set_aside_with_their_reason_and_the_others_go_on(columns, row, reason):
    read = read_labels(table(**columns))
    assert len(read.good) == 1
    assert read.bad["row"].tolist() == [row]
    assert read.bad["reason"][0].startswith(reason)
    assert json.loads(read.bad["record"][0])["category"] == columns["category"][row - 1]


def test_no_good_label_at_all_is_an_error():
    with pytest.raises(DataError, match=r"labels: none of the 2 rows is good; row 1: known_from must be a date"):
        read_labels(table(address=[A, B], category=["user"] * 2, known_from=[1614816000, 1614816000]))
    with pytest.raises(
        DataError, match="labels: column category is missing; labels need address and category; the columns are address"
    ):
        read_labels(table(address=[A]))


def test_files_that_are_no_labels(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file"):
        read_labels(tmp_path / "nowhere.csv")
    (tmp_path / "broken.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match=r"broken\.parquet: cannot be read as labels"):
        read_labels(tmp_path / "broken.parquet")


def config(**lists):
    return load_config({"head": "own", "labels": lists}).labels


def test_an_actor_goes_before_a_category():
    labels = read_labels(
        table(address=[A, B, C], category=["theft", "theft", "theft"], actor=["lazarus group ", "Someone", None])
    ).good
    marked = Targets.from_labels(
        labels, config(positive=["actor:Lazarus Group"], negative=["theft"], ignored=["actor:someone"])
    )
    assert marked.known_by(None).to_dict() == {A: 1, C: 0}
    assert marked.counts == {"positive": 1, "negative": 1, "conflict": 0, "ignored": 1, "unlisted": 0}


def test_an_actor_goes_by_any_of_its_names():
    labels = read_labels(
        table(address=[A, B, C], category=["theft"] * 3, actor=["lazarus_group", "HIDDEN COBRA", "x"])
    ).good
    marked = Targets.from_labels(labels, config(positive=["actor:Lazarus Group"], negative=["theft"]))
    assert marked.known_by(None).to_dict() == {A: 1, B: 1, C: 0}


def test_conflicts_ignored_and_unlisted_are_left_out_and_counted():
    labels = read_labels(
        table(address=[A, A, B, C, D, E, E], category=["theft", "user", "theft", "mixer", "bot", "mixer", "user"])
    ).good
    marked = Targets.from_labels(labels, config(positive=["theft"], negative=["user"], ignored=["mixer"]))
    assert marked.known_by(None).to_dict() == {B: 1, E: 0}
    assert marked.counts == {"positive": 1, "negative": 1, "conflict": 1, "ignored": 1, "unlisted": 1}


def test_a_label_counts_only_once_it_is_known():
    labels = read_labels(
        table(
            address=[A, B, B, C],
            category=["theft", "user", "theft", "theft"],
            known_from=["2021-01-01", None, "2022-01-01", None],
        )
    ).good
    marked = Targets.from_labels(labels, config(positive=["theft"], negative=["user"]))
    assert marked.known_by(pd.Timestamp("2021-01-01", tz="UTC")).to_dict() == {B: 0, C: 1}
    assert marked.known_by(pd.Timestamp("2021-01-02", tz="UTC")).to_dict() == {A: 1, B: 0, C: 1}
    assert marked.known_by(None).to_dict() == {A: 1, C: 1}  # B is both by then
