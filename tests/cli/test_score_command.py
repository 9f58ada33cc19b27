"""`walletprint score`: exit codes, the summary, one address, resumed and repeated calls."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

NAMES = [f"0x{n:040x}" for n in range(1, 6)]
PLENTY = 25


@pytest.fixture
def score(run, tmp_path):
    times = pd.date_range("2021-01-01", periods=PLENTY * len(NAMES), freq="h", tz="UTC")
    frame = pd.DataFrame(
        {
            "timestamp": times,
            "sender": [NAMES[i % 5] for i in range(len(times))],
            "receiver": [NAMES[(i + 1 + i % 3) % 5] for i in range(len(times))],
            "amount": [1.0 + i % 7 for i in range(len(times))],
        }
    )
    frame.assign(asset="ETH", tx_id=[f"t{i}" for i in range(len(frame))]).to_parquet(tmp_path / "t.parquet")
    (tmp_path / "a.csv").write_text("address\n" + "\n".join(NAMES) + "\n")

    def call(*arguments: str, as_of: str | None = "2021-02-01") -> tuple[int, str, str]:
        date = ("--as-of", as_of) if as_of else ()
        return run("score", "-m", "reference", "-t", "t.parquet", *date, *arguments, "--quiet")

    return call


def test_a_folder_a_rerun_and_a_summary(score, tmp_path: Path):
    call = ("-a", "a.csv", "--out", "scores", "--resume", "--summary", "s.json")
    assert score(*call) == (0, "", "")
    told = json.loads((tmp_path / "s.json").read_text())
    assert (told["rows"], told["already_done"], told["transfers_refused"]) == (5, False, 0)
    assert pq.read_table(tmp_path / "scores" / "scores")["address"].to_pylist() == NAMES
    assert score(*call) == (0, "", "")
    assert json.loads((tmp_path / "s.json").read_text())["already_done"]
    code, _, err = score("-a", "a.csv", "--out", "scores", "--resume", as_of="2021-03-01")
    assert (code, err.count("\n")) == (2, 1)
    assert "as_of" in err


def test_rejects_are_exit_code_3(score, tmp_path: Path):
    (tmp_path / "a.csv").write_text(f'address\n{NAMES[0]}\n"open\n{NAMES[1]}\n')
    code, _, err = score("-a", "a.csv", "--out", "s.csv")
    assert code == 3
    assert "s.bad-addresses.parquet" in err
    assert len(pd.read_csv(tmp_path / "s.csv")) == 2


def test_one_address_is_shown_with_all_details(score, tmp_path: Path):
    before = set(tmp_path.iterdir())
    code, out, err = score("--address", NAMES[2])
    assert (code, err) == (0, "")
    row = json.loads(out)
    assert row["address"] == NAMES[2]
    assert row["contributions"]
    assert set(tmp_path.iterdir()) == before


def test_a_folder_of_lists_of_any_kind_comes_with_their_columns(score, tmp_path: Path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.csv").write_text(f"case,address\nC-1,{NAMES[0]}\n")
    (tmp_path / "lists" / "b.txt").write_text(f"{NAMES[1]}\n")
    assert score("-a", "lists", "--out", "s.jsonl")[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [(row["address"], row["caller_columns"]) for row in rows] == [
        (NAMES[0], [{"column": "case", "value": "C-1"}]),
        (NAMES[1], None),
    ]


def test_the_drift_is_told_in_one_line(run, score, tmp_path: Path):
    assert score("-a", "a.csv", "--out", "s.csv")[0] == 0
    call = ("-m", "reference", "-t", "t.parquet", "-a", "a.csv", "--as-of", "2021-02-01", "--out", "t.csv")
    (line,) = [line for line in run("score", *call)[2].splitlines() if line.startswith("drift of ")]
    assert "against the model's reference population: too few rows" in line


@pytest.mark.parametrize(
    ("arguments", "as_of", "words"),
    [
        ((), "2021-02-01", "--addresses"),
        (("-a", "a.csv"), "2021-02-01", "--out"),
        (("-a", "a.csv", "--address", "0x1", "--out", "s"), "2021-02-01", "either"),
        (("--address", "0x1"), None, "--as-of"),
        (("-a", "a.csv", "--out", "s"), None, "--as-of"),
        (("-a", "a.csv", "--out", "s", "--reasons", "some"), "2021-02-01", "some"),
        (("-a", "a.csv", "--out", "s.xlsx"), "2021-02-01", "s.xlsx"),
    ],
)
def test_bad_usage_is_one_line(score, arguments, as_of, words):
    code, out, err = score(*arguments, as_of=as_of)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
