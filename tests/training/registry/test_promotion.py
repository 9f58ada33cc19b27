"""The gate: its rule on figures made by hand, its rows against a plain count, and both ways of the alias in MLflow."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from walletprint.features import DataError, Ledger, UsageError
from walletprint.serving import Scorer
from walletprint.training import load_config, read_labels, reproduction
from walletprint.training.data.snapshots import unit_hash
from walletprint.training.metrics.bootstrap import Paired
from walletprint.training.registry.decision_report import decision_text
from walletprint.training.registry.held_out_wallets import held_out_rows
from walletprint.training.registry.model_versions import challenger_and_champion, recorded_training
from walletprint.training.registry.promotion import against_champion, promote, rollback, shortcuts_ahead
from walletprint.training.registry.tracking import connected
from walletprint.training.reproduction import repeat

NAME = "walletprint-laundering"


def compared(difference, low, note=""):
    return Paired(0.5 + difference, 0.5, difference, low, 0.2, 0.6, 0.95, 100, (9, 50), note)


@pytest.mark.parametrize(
    ("pair", "promoted", "why"),
    [
        (compared(0.05, 0.01), True, "not worse, and surely not by more than 0.02"),
        (compared(0.0, -0.02), True, "not worse"),
        (compared(0.05, -0.03), False, "not sure enough"),
        (compared(-0.001, -0.01), False, "the challenger is worse"),
        (compared(0.05, np.nan, "2 groups hold positives: too few"), False, "no interval: 2 groups hold positives"),
    ],
)
def test_the_rule(pair, promoted, why):
    said = against_champion(pair, 0.02)
    assert said[0] is promoted
    assert why in said[1]


def test_a_shortcut_ahead_is_named():
    metrics = {
        "lightgbm": {"test_time": {"pr_auc": 0.9}, "test_new": {"pr_auc": 0.6}},
        "date_only": {"test_time": {"pr_auc": 0.2}, "test_new": {"pr_auc": 0.6}},
        "size_only": {"test_time": {"pr_auc": 0.95}, "test_new": {"pr_auc": 0.5}},
        "random_forest": {"test_new": {"pr_auc": 0.99}},  # a baseline may be better; it is no shortcut
    }
    assert shortcuts_ahead(metrics) == ["date_only 0.600 against 0.600 in test_new"]
    metrics["lightgbm"]["test_new"] = {"pr_auc": None}
    assert shortcuts_ahead(metrics) == ["size_only 0.950 against 0.900 in test_time"]


@pytest.fixture(scope="module")
def store(trained, tmp_path_factory):
    """A copy of the training's store in which another process repeated its run: two versions of one model, the second is the
    challenger. What that process printed, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("promote")
    shutil.copy(trained.uri.removeprefix("sqlite:///"), folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    script = (
        "import sys; from walletprint.training.reproduction import repeat\n"
        "done = repeat(*sys.argv[1:], on_note=print)\n"
        "print(done.same_data, done.same_model, done.result.tracked.version, done.result.run_id)"
    )
    chain, again = trained.chain, folder / "again"
    arguments = [trained.result.run_id, str(chain.transfers), str(chain.labels), str(again), uri]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, check=True, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
    return uri, Ledger.from_transfers(chain.transfers), done.stdout, again


def test_a_run_repeated_by_another_process_gives_the_same_bytes(trained, store):
    uri, _, printed, again = store
    *outcome, run_id = printed.split()
    assert outcome == ["True", "True", "2"]  # no note, the same data and model, the second version
    files = {file.name: file.read_bytes() for file in again.iterdir()}
    assert files == {file.name: file.read_bytes() for file in trained.result.model_dir.iterdir()}
    with connected(uri) as (mlflow, _):
        assert mlflow.MlflowClient().get_run(run_id).data.tags["walletprint.repeats"] == trained.result.run_id


def test_a_note_before_the_work_says_that_the_data_are_not_the_run_s(trained, store, monkeypatch, tmp_path):
    uri, ledger, _, _ = store
    labels = read_labels(trained.chain.labels).good
    notes: list[str] = []
    configs = []

    def train(ledger, labels, config, *rest, **keys):
        configs.append(config)
        assert len(notes) == 1  # noted by now
        return trained.result

    monkeypatch.setattr(reproduction, "train", train)
    repeated = repeat(trained.result.run_id, ledger, labels.iloc[1:], tmp_path / "m", uri, on_note=notes.append)
    assert not repeated.same_data
    assert "transfers or labels are not those of run" in notes[0]
    assert configs == [trained.result.config]


def test_a_run_that_minutes_ended_is_repeated_by_its_trials(trained, store):
    run = recorded_training(trained.result.run_id, store[0])
    config = load_config({**trained.config, "tuning": {"trials": 50, "minutes": 3}})
    tuning = reproduction._as_done(replace(run, config=config, trials=4)).tuning
    assert (tuning.trials, tuning.minutes) == (4, None)
    assert reproduction._as_done(run) == run.config


def test_a_run_that_is_none_is_one_line(store):
    with pytest.raises(UsageError, match="run: 'nope' is not in sqlite"):
        recorded_training("nope", store[0])


def test_held_out_rows_trained_no_model_and_come_later(trained, store):
    uri, ledger, _, _ = store
    challenger, _ = challenger_and_champion(NAME, uri)
    labels = read_labels(trained.chain.labels).good
    found = held_out_rows(ledger, labels, [challenger], [Scorer.load(trained.result.model_dir)])
    until = trained.result.slices.train_until
    assert (found.snapshots["as_of"] >= until + pd.Timedelta(days=30)).all()
    since = (
        labels.assign(known=labels["known_from"].fillna(pd.Timestamp(0, tz="UTC"))).groupby("address")["known"].min()
    )
    for address in found.snapshots["address"].unique():
        assert unit_hash([address], "held_out_addresses")[0] < 0.25 or since[address] >= until
    assert 0 < found.y.sum() < len(found.y)
    assert found.by == "case"


def test_alias_goes_there_and_back(trained, store):
    uri, ledger, _, _ = store
    with pytest.raises(UsageError, match="has no champion in sqlite"):
        rollback(NAME, uri)
    with connected(uri) as (mlflow, _):
        mlflow.MlflowClient().set_registered_model_alias(NAME, "champion", "1")
    decision = promote(NAME, ledger, trained.chain.labels, uri)
    assert (decision.challenger, decision.champion, decision.promoted) == ("2", "1", True)
    assert decision.compared.difference == 0  # the same model: not worse
    assert (decision.figures["challenger"] == decision.figures["champion"]).sum() > 4
    assert "version 2 promoted" in decision_text(decision)
    with connected(uri) as (mlflow, _):
        client = mlflow.MlflowClient()
        assert client.get_model_version_by_alias(NAME, "champion").version == 2
        run = client.get_run(decision.run_id)
        assert run.data.tags["walletprint.decision"] == "promoted"
        assert run.data.metrics["difference"] == 0
        assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/decision.md") == decision_text(decision)
        tags = client.get_model_version(NAME, "2").tags
        assert tags["walletprint.previous_champion"] == "1"
        assert tags["walletprint.decision_run"] == decision.run_id
    with pytest.raises(UsageError, match=f"version 2 of {NAME} is its champion already"):
        promote(NAME, ledger, trained.chain.labels, uri)
    back = rollback(NAME, uri)
    assert (back.before, back.now) == ("2", "1")
    with connected(uri) as (mlflow, _):
        assert mlflow.MlflowClient().get_model_version_by_alias(NAME, "champion").version == 1
        assert mlflow.MlflowClient().get_model_version(NAME, "2").tags["walletprint.rolled_back"] == "true"
    with pytest.raises(UsageError, match="version 1 of walletprint-laundering is its first champion"):
        rollback(NAME, uri)


def test_the_first_champion_must_beat_its_shortcuts(trained, tmp_path):
    shutil.copy(trained.uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    ahead = shortcuts_ahead(trained.result.model.metrics)
    decision = promote(NAME, trained.chain.transfers, trained.chain.labels, uri)
    assert decision.champion is None
    assert decision.promoted is (not ahead)
    assert decision.compared.b == pytest.approx(decision.held_out.y.mean())  # a ranking that says nothing
    with connected(uri) as (mlflow, _):
        client = mlflow.MlflowClient()
        word = client.get_model_version(NAME, "1").tags["walletprint.decision"]
        aliases = client.get_registered_model(NAME).aliases
    assert word == ("promoted" if decision.promoted else "not promoted")
    assert ("champion" in aliases) is decision.promoted


def test_what_cannot_be_compared(trained, store, tmp_path):
    uri, ledger, _, _ = store
    with pytest.raises(UsageError, match="name: no registered model 'nope' in sqlite"):
        promote("nope", ledger, trained.chain.labels, uri)
    with pytest.raises(UsageError, match="tolerance: a number from 0"):
        promote(NAME, ledger, trained.chain.labels, uri, tolerance=2)
    challenger, _ = challenger_and_champion(NAME, uri)
    labels = read_labels(trained.chain.labels).good
    scorers = [Scorer.load(trained.result.model_dir)]
    ended = replace(challenger, train_until=pd.Timestamp("2030-01-01", tz="UTC"))
    with pytest.raises(DataError, match=r"promote: from 2030-01-31 on there are 0 positive and 0 negative snapshots"):
        held_out_rows(ledger, labels, [ended], scorers)
