"""Texts of strangers stay texts: in SQL, in spreadsheets, in pictures and Markdown, and in messages."""

import csv
import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletprint.features.ingest import ingest
from walletprint.features.ledger import Ledger
from walletprint.features.safe_text import FORMULA, safe_cell, shortened
from walletprint.serving import write_scores

A, B = "0x" + "a1" * 20, "0x" + "b2" * 20
HOSTILE = [
    "'; DROP TABLE staged; --", "x' OR '1'='1", "');COPY (SELECT 1) TO 'stolen.csv';--", '"; ATTACH \'x.db\'; --',
    "$(touch stolen)", '=HYPERLINK("http://x")', "+1", "-1", "@SUM(1)", "\t=1", "<script>alert(1)</script>", "{{7*7}}", "%s%n",
]  # fmt: skip


def transfers(**columns) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"timestamp": pd.to_datetime(["2021-01-01", "2021-01-02"], utc=True), "sender": A, "receiver": B, "amount": [1.0, 2.0],
         "asset": "ETH", "tx_id": ["t1", "t2"]}
    )  # fmt: skip
    return frame.assign(**columns)


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_in_columns_is_text(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = {column: [text, "y"] for column in ("asset", "tx_id", "chain", "method")}
    transfers(**texts, sender=[A, text]).to_csv("t.csv", index=False)
    report = ingest(["t.csv"], "out.parquet")
    assert report.good + report.bad == 2
    kept = pq.read_table("out.parquet").to_pylist()
    assert len(kept) == report.good
    assert not Path("stolen.csv").exists()
    assert not Path("x.db").exists()
    assert text.strip().lower() in {row["asset"].lower() for row in kept}


@pytest.mark.parametrize(
    "name", ["it's.csv", "a'; DROP TABLE staged; --.csv", "x') TO 'stolen.csv.csv", "$(id).csv", "[a].csv", "a b*.csv"]
)
def test_sql_in_paths_is_a_path(name, tmp_path, monkeypatch):
    folder = tmp_path / "o'clock '); --"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(folder))
    transfers().to_csv(name, index=False)
    assert ingest([str(folder / name)], str(folder / f"{name}.parquet")).good == 2
    assert len(Ledger.from_transfers(str(folder / name), memory=1 << 30).addresses) == 2
    assert not Path("stolen.csv").exists()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=12))
def test_no_cell_begins_as_a_formula(text):
    for whole in (text, *(sign + text for sign in FORMULA), *(f" {sign}{text}" for sign in FORMULA)):
        cell = safe_cell(whole)
        assert not cell.lstrip(" ").startswith(FORMULA)
        assert cell.removeprefix("'") == whole.removeprefix("'") or cell == whole


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_scores_begins_as_a_formula(text, tmp_path):
    from walletprint.serving.references import FOLDER
    from walletprint.serving.scorer import Scorer

    scores = Scorer.load(FOLDER / "laundering").score([text, A], transfers(), as_of="2021-02-01")
    place = write_scores(scores, tmp_path / "scores.csv")
    with place.open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    for cell in cells:
        assert not cell.startswith(FORMULA) or re.fullmatch(r"-?[0-9.e+-]+", cell)


@pytest.mark.parametrize(
    "address",
    [
        A,
        A.upper().replace("0X", "0x"),
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    ],
)
def test_messages_hold_no_whole_address(address):
    said = shortened(f"row 3: sender {address}: bad; also '{address}', and {address}")
    assert address not in said
    assert said.count("…") == 3
    assert said.count(f"{address[:6]}…{address[-4:]}") == 3


def test_messages_keep_what_is_no_address():
    for text in (
        "models:/m-0123456789abcdef0123456789abcdef",
        "/home/x/ResultsOf2021WithManyWordsInOneName1234",
        "0x1234",
        "sha256 " + "ab" * 32,
    ):
        assert shortened(text) == text
