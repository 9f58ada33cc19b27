"""Scored rows in files: the same rows in every format, whole or not at all, and nothing that a spreadsheet would run."""

import csv
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features.base.errors import DataError, UsageError
from walletprint.serving import write_scores
from walletprint.serving.scoring.output import SCORES_SCHEMA
from walletprint.serving.scoring.scorer import COLUMNS

ASKED = [f"0x{0:040x}", "=HYPERLINK(1)", None, f"0x{3:040x}", "+1", "@x", "-2", "\tx"]


@pytest.fixture(scope="module")
def frame(scorer, ledger) -> pd.DataFrame:
    return scorer.score(ASKED, ledger, "2021-04-01", reasons="all")


def test_the_schema_has_the_scorers_columns():
    assert tuple(SCORES_SCHEMA.names) == COLUMNS


def test_parquet_holds_nested_types(frame, tmp_path):
    table = pq.read_table(write_scores(frame, tmp_path / "scores.parquet"))
    assert table.schema.remove_metadata().equals(SCORES_SCHEMA.remove_metadata())
    assert table.schema.metadata[b"walletprint.scores"] == b"4"
    rows = table.to_pylist()
    assert [row["address"] for row in rows] == ASKED
    assert rows[0]["reasons"] == frame["reasons"][0]
    assert rows[0]["coverage"] == frame["coverage"][0]
    assert rows[0]["model"] == frame["model"][0]
    assert rows[0]["score"] == frame["score"][0]
    assert rows[0]["error"] is None
    assert (rows[1]["score"], rows[1]["percentile"], rows[1]["band"]) == (None, None, "unscored")
    assert rows[2]["error"] == "address is empty"


@pytest.mark.parametrize("suffix", ["jsonl", "json", "JSONL"])
def test_json_lines_say_the_same(frame, tmp_path, suffix):
    path = write_scores(frame, tmp_path / f"scores.{suffix}")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["address"] for row in rows] == ASKED
    assert rows[0]["score"] == frame["score"][0]
    assert rows[0]["reasons"] == frame["reasons"][0]
    assert rows[0]["as_of"] == "2021-04-01T00:00:00Z"
    assert rows[0]["coverage"]["first"].endswith("Z")
    assert rows[1]["score"] is None
    assert list(rows[0]) == list(COLUMNS)


def test_csv_has_json_in_its_cells_and_no_formulas(frame, tmp_path):
    path = write_scores(frame, tmp_path / "scores.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["address"] for row in rows] == [
        ASKED[0], "'=HYPERLINK(1)", "", ASKED[3], "'+1", "'@x", "'-2", "'\tx"
    ]  # fmt: skip
    assert float(rows[0]["score"]) == frame["score"][0]
    assert json.loads(rows[0]["reasons"]) == frame["reasons"][0]
    assert json.loads(rows[0]["model"]) == frame["model"][0]
    assert rows[0]["as_of"] == "2021-04-01T00:00:00Z"
    assert (rows[1]["score"], rows[1]["reasons"]) == ("", "[]")


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_no_rows_write_too_and_the_same_rows_the_same_bytes(frame, tmp_path, suffix):
    empty = write_scores(frame.iloc[:0], tmp_path / f"empty.{suffix}")
    if suffix == "parquet":
        assert pq.read_schema(empty).remove_metadata().equals(SCORES_SCHEMA.remove_metadata())
    one, two = (write_scores(frame, tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
    assert one == two


def test_another_suffix_is_refused(frame, tmp_path):
    with pytest.raises(UsageError, match=r"scores are written as \.parquet, \.csv, \.jsonl"):
        write_scores(frame, tmp_path / "scores.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_other_columns_and_types_are_refused(frame, tmp_path):
    with pytest.raises(DataError, match="the columns must be"):
        write_scores(frame.drop(columns="error"), tmp_path / "scores.csv")
    with pytest.raises(DataError, match=r"not rows that Scorer\.score made"):
        write_scores(frame.assign(score="high"), tmp_path / "scores.csv")
    with pytest.raises(DataError, match=r"not rows that Scorer\.score made"):
        write_scores(frame.assign(band=None), tmp_path / "scores.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_older_file_and_nothing_else(frame, tmp_path, monkeypatch):
    path = write_scores(frame, tmp_path / "scores.parquet")
    before = path.read_bytes()

    def full(table, file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(DataError, match="cannot be written \\(No space left on device\\)"):
        write_scores(frame.iloc[:1], path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_is_none_is_one_clear_line(frame, tmp_path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "scores.csv", tmp_path / "folder.csv"):
        if place.name == "folder.csv":
            place.mkdir()
        with pytest.raises(DataError, match="cannot be written"):
            write_scores(frame, place)


def test_pandas_reads_the_parquet_file(frame, tmp_path):
    path = write_scores(frame, tmp_path / "scores.parquet")
    back = pd.read_parquet(path)
    assert back["band"].tolist() == frame["band"].tolist()
    assert back["score"].isna().sum() == len(ASKED) - 2
    assert back["reasons"][0][0]["feature"] == frame["reasons"][0][0]["feature"]
