"""Texts of strangers stay texts: in SQL, in spreadsheets, in pictures and Markdown, and in messages."""

import csv
import io
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from samples.small_ledger import transfers_from_rows

from walletprint.cli import main
from walletprint.features.base.markdown import Markdown, render, table
from walletprint.features.base.untrusted_text import FORMULA, csv_text, markdown_text, safe_cell, shortened
from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.ledger.ledger import Ledger
from walletprint.serving import write_scores
from walletprint.training.audit.audit_report import TEMPLATE as AUDIT
from walletprint.training.audit.audit_report import AuditReport, Check
from walletprint.training.registry.decision_report import TEMPLATE as DECISION
from walletprint.training.report.model_card import TEMPLATE as CARD

A, B = "0x" + "a1" * 20, "0x" + "b2" * 20
HOSTILE = [
    "'; DROP TABLE staged; --", "x' OR '1'='1", "');COPY (SELECT 1) TO 'stolen.csv';--", '"; ATTACH \'x.db\'; --',
    "$(touch stolen)", '=HYPERLINK("http://x")', "+1", "-1", "@SUM(1)", "\t=1", "<script>alert(1)</script>", "{{7*7}}", "%s%n",
]  # fmt: skip


def transfers(**columns) -> pd.DataFrame:
    return transfers_from_rows([("2021-01-01", A, B, 1.0), ("2021-01-02", A, B, 2.0)]).assign(**columns)


def test_sql_in_columns_is_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = [*HOSTILE, "y"]
    named = dict.fromkeys(("asset", "tx_id", "chain", "method"), texts)
    plain = pd.concat([transfers().iloc[:1]] * len(texts), ignore_index=True)
    plain.assign(**named).to_csv("t.csv", index=False)
    report = ingest(["t.csv"], "out.parquet")
    kept = pq.read_table("out.parquet").to_pylist()
    assert (report.good, report.bad, len(kept)) == (len(texts), 0, len(texts))
    assert not Path("stolen.csv").exists()
    assert not Path("x.db").exists()
    assert {row["asset"].lower() for row in kept} == {text.strip().lower() for text in texts}
    plain.assign(sender=texts).to_csv("t.csv", index=False)
    report = ingest(["t.csv"], "out.parquet")
    assert report.good + report.bad == len(texts)
    assert not Path("stolen.csv").exists()
    assert not Path("x.db").exists()


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
def test_no_cell_of_a_table_begins_as_a_formula(text):
    table = pd.DataFrame(
        {text: ["plain", None], "b": pd.Categorical([text, "x"]), "n": [-1.5, 2.0], "t": [True, False]}
    )
    cells = [cell for row in csv.reader(io.StringIO(csv_text(table))) for cell in row]
    assert len(cells) == 12
    for cell in cells:
        assert not cell.startswith(FORMULA) or _is_number(cell)
    assert list(table.columns) == [text, "b", "n", "t"]
    assert csv_text(table.iloc[:0]).count("\n") >= 1


@pytest.fixture(scope="module")
def scorer():
    from walletprint.serving.model.bundled_models import FOLDER
    from walletprint.serving.scoring.scorer import Scorer

    return Scorer.load(FOLDER / "laundering")


def test_no_cell_of_scores_begins_as_a_formula(scorer, tmp_path):
    scores = scorer.score([*HOSTILE, A], transfers(), as_of="2021-02-01")
    path = write_scores(scores, tmp_path / "scores.csv")
    with path.open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert len(cells) > len(HOSTILE)
    for cell in cells:
        assert not cell.startswith(FORMULA) or _is_number(cell)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"-?[0-9.e+-]+", cell) is not None


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_callers_columns_stay_texts_in_batches(scorer, suffix, tmp_path):
    from walletprint.serving.batch import score_batch

    ledger = Ledger.from_transfers(transfers(), scorer.model.features)
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["address", *HOSTILE], [A, *HOSTILE]])
    path = tmp_path / f"s{suffix}"
    score_batch(scorer, ledger, tmp_path / "a.csv", path, as_of="2021-02-01")
    named = [{"column": text.strip(), "value": text} for text in HOSTILE]
    if suffix == ".parquet":
        assert pq.read_table(path)["caller_columns"].to_pylist() == [named]
    elif suffix == ".jsonl":
        assert json.loads(path.read_text())["caller_columns"] == named
    else:
        (row,) = csv.DictReader(path.read_text().splitlines())
        assert json.loads(row["caller_columns"]) == named
        assert not [cell for cell in row.values() if cell.startswith(FORMULA) and not _is_number(cell)]


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


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "[here](javascript:alert(1))", "![x](http://y/z.png)", "a|b\n# c"]
)
def test_markup_in_names_stays_text_in_pages(text):
    escaped = markdown_text(text)
    assert table(pd.DataFrame({text: [text]})).splitlines() == [f"| {escaped} |", "| --- |", f"| {escaped} |"]
    check = Check(text, "warn", f"columns: {text}", text)
    about = {"rows": 1, "positives": 1, "features": 1, "train": 1, "test": 0, "split": "time", "notes": [text]}
    page = AuditReport((check,), pd.DataFrame(), about).as_markdown()
    assert page.count(escaped) == 4
    for said in (escaped, page):
        assert "<script" not in said
        assert not re.search(r"(?<!\\)\]\(", said)


@given(st.text(alphabet="\\\\[]()!<>|`a\n"))
def test_every_mark_is_escaped_whatever_stands_before_it(text):
    bare = re.sub(r"\\.", "", markdown_text(text))
    assert not set(bare) & set("\\[]<|`\n")


@pytest.mark.parametrize("text", [*HOSTILE, "actor:<script>alert(1)</script> [x](http://y)", "{% raw %}"])
def test_every_value_of_a_template_stays_text(text, tmp_path):
    (tmp_path / "page.md.j2").write_text("{{ one }}\n- {{ many | join(', ') }}\n\n{{ table }}")
    page = render(tmp_path / "page.md.j2", one=text, many=[text, "mixer"], table=Markdown("| [x](http://y) |"))
    escaped = markdown_text(text)
    assert page == f"{escaped}\n- {escaped}, mixer\n\n| [x](http://y) |\n"
    with pytest.raises(UndefinedError, match="'one' is undefined"):
        render(tmp_path / "page.md.j2")


@pytest.mark.parametrize("template", [AUDIT, CARD, DECISION])
def test_no_template_lets_a_value_through(template):
    assert not re.search(r"\|\s*safe|\{%\s*(autoescape|import|include|from)", template.read_text())


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "$\\frac$ & ]]>", "[/red] --> x"])
def test_names_in_pictures_stay_texts(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    transfers(sender=[A, B], receiver=[B, "c"], usd=[10.0, 20.0]).to_csv("t.csv", index=False)
    pd.DataFrame({"case": [name], "address": [A], "date": ["2021-01-01"]}).to_csv("cases.csv", index=False)
    call = ["case", "trace", "--transfers", "t.csv", "--cases", "cases.csv", "--out", "out", "--picture", "p.svg", "-q"]
    monkeypatch.setattr(sys, "argv", ["walletprint", *call])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code, capsys.readouterr().err
    drawn = ElementTree.parse("p.svg")
    assert {part.tag.split("}")[-1] for part in drawn.iter()} <= {
        "svg", "metadata", "RDF", "Work", "type", "date", "format", "creator", "Agent", "title", "defs", "style", "g",
        "path", "use", "clipPath", "rect", "text",
    }  # fmt: skip
