"""The commands as a user runs them: what they write and say, and what becomes of bad input."""

import json
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features import catalogue
from walletprint.features.transfers.schema import is_marked

ALICE, BOB, CAROL = (f"0x{digit * 40}" for digit in "abc")
HEADER = "timestamp,sender,receiver,amount,asset,tx_id\n"
ROWS = [
    f"2021-01-01T00:00:00Z,{ALICE},{BOB},2.5,ETH,t1",
    f"2021-01-02T00:00:00Z,{BOB},{CAROL},2.0,ETH,t2",
    f"2021-01-03T00:00:00Z,{BOB.upper().replace('0X', '0x')},{ALICE},0.1,ETH,t3",
    f"2021-01-03T00:00:00Z,{BOB},{ALICE},0.1,ETH,t3",
    f"2021-01-04T00:00:00Z,{CAROL},{CAROL},1,ETH,t4",
]


@pytest.fixture
def transfers(tmp_path) -> Path:
    path = tmp_path / "transfers.csv"
    path.write_text(HEADER + "\n".join(ROWS) + "\n")
    return path


def one_line(code: int, err: str, expected: int) -> str:
    """The error line, after checking that it is all that was said."""
    assert code == expected, err
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in err
    return lines[0]


def test_ingest_writes_one_checked_table_and_sets_bad_rows_aside(run, transfers):
    transfers.write_text(transfers.read_text() + f"2021-01-05T00:00:00Z,{ALICE},{BOB},-1,ETH,t5\n")
    code, _, err = run("ingest", transfers, "--out", "t.parquet")
    assert code == 0, err
    table = pq.read_table("t.parquet")
    assert is_marked(table.schema)
    assert table.num_rows == 4  # t3 came twice, in two spellings; t5 is bad
    assert table.filter(table["self_transfer"]).num_rows == 1
    bad = pd.read_parquet("t.bad.parquet")
    assert bad[["row", "reason"]].to_dict("records") == [{"row": 6, "reason": "amount is negative"}]
    assert "1 bad row" in err
    assert "t.bad.parquet" in err


def test_extract_writes_every_feature_of_every_wallet_as_of_the_end(run, transfers):
    run("ingest", transfers, "--out", "t.parquet", "-q")
    code, out, err = run("extract", "--transfers", "t.parquet", "--out", "f.parquet", "--quiet")
    assert (code, out, err) == (0, "", "")
    frame = pd.read_parquet("f.parquet")
    assert list(frame.columns) == ["address", "as_of", *(f.name for f in catalogue() if "labels" not in f.needs)]
    assert frame["address"].tolist() == [ALICE, BOB, CAROL]
    assert (frame["as_of"] == pd.Timestamp("2021-01-04T00:00:01Z")).all()
    assert frame["activity__transfers__total"].tolist() == [2, 3, 2]


def test_extract_of_a_list_keeps_its_order_and_its_dates(run, transfers, tmp_path):
    (tmp_path / "w.csv").write_text(f"address,as_of\n{CAROL},2021-01-03\n{ALICE},2021-01-02\n")
    code, _, err = run("extract", "-t", transfers, "--wallets", "w.csv", "--out", "f.parquet")
    assert code == 0, err
    frame = pd.read_parquet("f.parquet")
    assert frame["address"].tolist() == [CAROL, ALICE]
    assert frame["activity__transfers__total"].tolist() == [1, 1]


def test_extract_keeps_the_bad_rows_of_a_raw_file_aside(run, transfers, tmp_path):
    transfers.write_text(transfers.read_text() + f"2021-01-05T00:00:00Z,{ALICE},{BOB},nan,ETH,t5\n")
    code, _, err = run("extract", "-t", transfers, "--out", "f.parquet", "--quiet")
    assert code == 0
    assert "1 bad row of" in err
    assert len(pd.read_parquet("f.bad.parquet")) == 1


def test_extract_keeps_its_ledger_and_takes_new_files_into_it(run, transfers, tmp_path):
    (tmp_path / "in").mkdir()
    run("ingest", transfers, "--out", "in/t.parquet", "-q")
    asked = ("extract", "-t", "in", "--ledger", "kept", "--memory", "1GB", "--as-of", "2022-01-01", "-q")
    code, _, err = run(*asked, "--out", "before.parquet")
    assert (code, err) == (0, "")
    later = tmp_path / "later.csv"
    later.write_text(f"timestamp,sender,receiver,amount,asset,tx_id\n2021-02-01T00:00:00Z,{ALICE},{BOB},1,ETH,later\n")
    run("ingest", later, "--out", "in/u.parquet", "-q")
    code, _, err = run(*asked, "--out", "after.parquet")
    assert (code, err) == (0, "")
    sent = [
        pd.read_parquet(f"{name}.parquet").set_index("address")["activity__transfers__out"]
        for name in ("before", "after")
    ]
    assert sent[1][ALICE] == sent[0][ALICE] + 1


def test_a_memory_that_is_no_size_is_bad_usage(run, transfers):
    code, _, err = run("extract", "-t", transfers, "--memory", "lots", "--out", "f.parquet")
    assert code == 2
    assert "memory: a size of at least 100MB is needed (2GB, 1500MB), not 'lots'" in err


def test_the_version_is_told(run):
    assert run("--version")[:2] == (0, f"{version('walletprint')}\n")


def test_features_lists_the_catalogue(run):
    code, out, _ = run("features", "--json")
    listed = json.loads(out)
    assert code == 0
    assert [entry["name"] for entry in listed] == [f.name for f in catalogue()]
    assert all(entry["null"] in (None, 0.0) for entry in listed)
    code, out, _ = run("features", "--family", "flow")
    assert code == 0
    assert all(f.name in out for f in catalogue("flow"))


@pytest.mark.parametrize(
    ("arguments", "expected", "words"),
    [
        (("ingest", "nowhere.csv", "--out", "t.parquet"), 1, ["nowhere.csv"]),
        (("ingest", "transfers.csv", "--out", "t.parquet", "--source", "ripple"), 2, ["ripple", "etherscan"]),
        (("ingest", "transfers.csv", "--out", "t.txt"), 2, ["t.txt", ".parquet"]),
        (("extract", "-t", "nowhere.parquet", "--out", "f.parquet"), 1, ["nowhere.parquet"]),
        (("extract", "-t", "transfers.csv", "--out", "f.csv"), 2, ["f.csv", ".parquet"]),
        (("extract", "-t", "transfers.csv", "--out", "f.parquet", "--window", "90 days"), 2, ["window", "90d", "90 days"]),
        (("extract", "-t", "transfers.csv", "--out", "f.parquet", "--as-of", "soon"), 2, ["as_of", "soon"]),
        (("extract", "-t", "transfers.csv", "--out", "f.parquet", "--wallets", "none.csv"), 1, ["none.csv"]),
        (("score", "-m", "nowhere", "-t", "transfers.csv", "-a", "a.csv", "--out", "s.csv", "--as-of", "2021-02-01"),
         1, ["nowhere"]),
        (("train", "-t", "transfers.csv", "-l", "none.csv", "--head", "laundering", "--out", "m"), 1, ["none.csv"]),
        (("train", "-t", "transfers.csv", "-l", "none.csv", "--head", "luck", "--out", "m"), 2, ["luck", "laundering"]),
        (("simulate", "--out", "chain", "--wallets", "3"), 2, ["wallets", "3"]),
    ],
)  # fmt: skip
def test_bad_usage_and_missing_files_are_one_line_each(run, transfers, arguments, expected, words):
    code, out, err = run(*arguments, "--quiet")
    line = one_line(code, err, expected)
    assert out == ""
    assert all(word in line for word in words), line


def test_wrong_columns_are_refused_with_the_known_formats(run, tmp_path):
    (tmp_path / "x.csv").write_text("when,who,how_much\n2021-01-01,me,3\n")
    code, _, err = run("ingest", "x.csv", "--out", "t.parquet", "--quiet")
    line = one_line(code, err, 1)
    assert all(
        word in line
        for word in ("x.csv", "how_much", "etherscan", "ethereum-etl", "bitcoin-etl", "amlsim", "walletprint")
    )


def test_a_config_with_several_mistakes_is_refused_with_all_of_them(run, transfers, tmp_path):
    (tmp_path / "c.yaml").write_text("head: laundering\nsnapshot: {}\nbands: {low: 0.9}\nseed: -1\n")
    (tmp_path / "l.csv").write_text(f"address,category\n{ALICE},user\n")
    code, _, err = run(
        "train", "-t", transfers, "-l", "l.csv", "--head", "laundering", "--config", "c.yaml", "--out", "m", "--quiet"
    )
    line = one_line(code, err, 2)
    assert all(word in line for word in ("c.yaml", "snapshot", "seed", "bands"))


def test_unknown_options_are_bad_usage(run):
    assert run("extract", "--nonsense")[0] == 2
    assert run("nonsense")[0] == 2


def test_runs_of_an_empty_store_are_none(run):
    code, out, _ = run("runs", "--tracking-uri", "sqlite:///empty.db")
    assert code == 0
    assert "0 runs" in out
