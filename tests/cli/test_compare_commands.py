"""`walletprint diff` and `walletprint drift` as a user runs them, with what goes wrong in one line."""

import json

import numpy as np
import pandas as pd
import pytest
from samples.spark_chain import AS_OF, address, chain

from walletprint.features import Ledger, extract, snapshots_of
from walletprint.serving import ModelFolder, Scorer, write_scores
from walletprint.serving.model.profile import profile_of
from walletprint.training.report.drift_plot import batch_drift_figure

ASKED = [address(number) for number in range(150)]


@pytest.fixture(scope="module")
def made() -> tuple[Scorer, pd.DataFrame, pd.DataFrame]:
    """A model whose profile is of earlier vectors, the scores of later ones, and these."""
    model = Scorer.load("reference").model
    ledger = Ledger.from_transfers(chain(rows=2_000, wallets=150))
    before, now = (
        extract(ledger, snapshots_of(ASKED, date), window=model.window, features=model.features)
        for date in ("2021-02-01", AS_OF)
    )
    profile = profile_of(before[list(model.features)])
    scorer = Scorer.from_model(ModelFolder(**model.model_dump() | {"profile": profile, "version": ""}))
    return scorer, scorer.score(ASKED, ledger, AS_OF), now


@pytest.fixture
def files(made, run, tmp_path):
    scorer, scores, vectors = made
    scorer.model.save(tmp_path / "model")
    write_scores(scores, tmp_path / "scores.parquet")
    vectors.to_csv(tmp_path / "vectors.csv", index=False)


def test_drift_tells_what_moved_and_draws_it(files, run, tmp_path):
    code, out, _ = run("drift", "-m", "model", "scores.parquet", "--vectors", "vectors.csv", "--picture", "drift.png")
    assert code == 0
    assert "scored wallets against the reference" in out
    assert (tmp_path / "drift.png").stat().st_size > 10_000
    code, out, _ = run("drift", "-m", "model", "scores.parquet", "--vectors", "vectors.csv", "--json")
    report = json.loads(out)
    assert report["rows"] > 100
    assert report["moved"]
    bars = batch_drift_figure(report).axes[0].patches
    assert len(bars) == 21  # the score and twenty features
    assert [bar.get_width() for bar in bars[1:]] == sorted((bar.get_width() for bar in bars[1:]), reverse=True)


def test_drift_with_features_that_tell_nothing_apart(made, run, tmp_path):
    scorer, scores, vectors = made
    names = list(scorer.model.features)
    flat = vectors.assign(**dict.fromkeys(names, np.nan))
    model = scorer.model.model_dump() | {"profile": profile_of(flat[names]), "version": ""}
    one = ModelFolder(**model)
    one.save(tmp_path / "model")
    version = [record | {"version": one.version} for record in scores["model"]]
    write_scores(scores.assign(model=version), tmp_path / "scores.csv")
    flat.to_csv(tmp_path / "vectors.csv", index=False)
    code, out, err = run("drift", "-m", "model", "scores.csv", "--vectors", "vectors.csv")
    assert code == 0
    assert "ROC-AUC 0.500 (calm)\n" in out + err


def test_what_does_not_belong_together_is_one_line(files, run, tmp_path):
    (tmp_path / "few.csv").write_text("\n".join((tmp_path / "vectors.csv").read_text().splitlines()[:50]))
    for arguments, words, wanted in (
        (("-m", "reference", "scores.parquet"), "scored by version", 2),
        (("-m", "model", "scores.parquet", "--vectors", "few.csv"), "have no vector there", 1),
        (("-m", "model", "scores.parquet", "--vectors", "scores.parquet"), "is missing; give vectors", 1),
        (("-m", "model", "scores.parquet", "--picture", "drift.pdf"), "ends in .png or .svg", 2),
    ):
        code, _, err = run("drift", *arguments)
        assert (code, err.strip().count("\n")) == (wanted, 0)
        assert words in err


def test_diff_writes_who_moved(made, files, run, tmp_path):
    _, scores, _ = made
    changed = scores.copy()
    changed.loc[:2, "band"] = ["severe", "none", "unscored"]
    write_scores(pd.concat([changed, changed.iloc[5:9]], ignore_index=True), tmp_path / "later.csv")  # some came twice
    code, out, _ = run("diff", "scores.parquet", "later.csv", "--out", "moved.csv", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["summary"]["matched"] == len(scores)
    assert len(found["moved"]) == len(pd.read_csv(tmp_path / "moved.csv")) == 3
    code, _, err = run("diff", "scores.parquet", "moved.csv")
    assert (code, err.strip().count("\n")) == (1, 0)
    assert "moved.csv: a column `head` is needed" in err
