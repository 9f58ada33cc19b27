"""The main job through the command line: simulate, extract, train, score, compare; each step reads what the one before wrote."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

COLUMNS = {"address", "as_of", "head", "score", "band", "reasons", "coverage", "model", "error"}


def walletprint(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from walletprint.cli import main; main()", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def worked(tmp_path_factory) -> Path:
    """A folder in which the README's commands were run."""
    folder = tmp_path_factory.mktemp("job")
    walletprint(folder, "simulate", "--out", "chain", "--wallets", "1000", "--days", "480", "--seed", "3", "--quiet")
    walletprint(folder, "extract", "--transfers", "chain/transfers.parquet", "--as-of", "2022-01-01", "--window", "90d",
                "--out", "features.parquet", "--quiet")  # fmt: skip
    walletprint(folder, "train", "--transfers", "chain/transfers.parquet", "--labels", "chain/labels.csv", "--head", "laundering",
                "--out", "model", "--quiet")  # fmt: skip
    return folder


def score(folder: Path, model: str, out: str) -> None:
    walletprint(folder, "score", "--model", model, "--transfers", "chain/transfers.parquet", "--addresses", "chain/addresses.csv",
                "--as-of", "2022-04-01", "--reasons", "all", "--out", out, "--quiet")  # fmt: skip


def test_scores_are_explained_rows_in_the_order_asked(worked):
    score(worked, "model", "scores.parquet")
    scores = pq.read_table(worked / "scores.parquet").to_pylist()
    asked = pd.read_csv(worked / "chain" / "addresses.csv")["address"].tolist()
    assert [row["address"] for row in scores] == asked
    assert set(scores[0]) >= COLUMNS
    scored = [row for row in scores if row["band"] != "unscored"]
    assert scored
    assert all(0 <= row["score"] <= 1 and row["reasons"] and not row["error"] for row in scored)
    assert all(row["score"] is None and row["error"] for row in scores if row["band"] == "unscored")


def test_the_registered_model_gives_the_same_scores_in_any_format(worked):
    score(worked, "model", "scores.jsonl")
    score(worked, "models:/walletprint-laundering@challenger", "scores.csv")
    lines = [json.loads(line) for line in (worked / "scores.jsonl").read_text().splitlines()]
    table = pd.read_csv(worked / "scores.csv")
    assert table["address"].tolist() == [row["address"] for row in lines]
    assert table["score"].fillna(-1).tolist() == [-1 if row["score"] is None else row["score"] for row in lines]


def test_runs_shows_the_training(worked):
    out = walletprint(worked, "runs")
    assert "laundering" in out
    assert "challenger" in out
    assert "test_time/pr_auc" in out


def test_an_edited_model_is_refused_in_one_line(worked):
    text = (worked / "model" / "model.txt").read_text()
    try:
        (worked / "model" / "model.txt").write_text(text.replace("tree", "tre", 1))
        with pytest.raises(AssertionError, match=r"error: .*model\.txt"):
            score(worked, "model", "never.parquet")
        assert not (worked / "never.parquet").exists()
    finally:
        (worked / "model" / "model.txt").write_text(text)
