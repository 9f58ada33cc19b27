"""`walletprint benchmark`: the list, a run with its files, the MLflow run, and what bad calls say."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from mlflow import MlflowClient

from walletprint.experiments.protocols import Findings, all_protocols, record, registry

TABLE = pd.DataFrame(
    {"model": ["a", "a", "b"], "features": ["x", "y", "x"], "rows": [10, 10, 10], "pr_auc": [0.5, float("nan"), 0.75]}
)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """The protocol `amlsim` with tables that are known."""
    asked = []

    def run(data, seed, on_progress):
        asked.append((data, seed))
        on_progress("fit", 1, 1)
        return {"Accounts": TABLE, "By step": pd.DataFrame({"step": [1]})}

    known = replace(all_protocols()["amlsim"], intro="Measured so.", run=run)
    monkeypatch.setattr(registry, "all_protocols", lambda: {"amlsim": known})
    (tmp_path / "data").mkdir()
    return asked


def test_every_protocol_is_listed_with_what_it_needs(run):
    code, said, _ = run("benchmark")
    assert code == 0
    plain = " ".join(said.split())
    for name, protocol in all_protocols().items():
        assert name in plain
        assert protocol.files[0].split("/")[0][:12] in plain


def test_a_run_is_printed_and_kept(run, fake, tmp_path):
    code, said, told = run("benchmark", "amlsim", "--data", "data", "--out", "kept", "--seed", "3")
    assert code == 0
    assert "| b | x | 10 | 0.75 |" in said
    assert "amlsim.md, amlsim.json" in told
    assert fake[0][1] == 3
    kept = json.loads((tmp_path / "kept" / "amlsim.json").read_text())
    assert kept["tables"]["Accounts"][1]["pr_auc"] is None
    assert (tmp_path / "kept" / "amlsim.md").read_text() == said
    assert "Run: `walletprint benchmark amlsim --data DIR`" in said


def test_a_run_is_recorded_if_a_store_is_named(trained, tmp_path):
    shutil.copy(trained.uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    (tmp_path / "a_nodes.csv").write_text("nodeid,isFraud\n")
    found = Findings(all_protocols()["amlsim"], {"Accounts": TABLE, "By step": pd.DataFrame({"step": [1]})})
    report = record.write_findings(found, tmp_path / "kept")
    store = record.open_benchmark("amlsim", uri)
    run_id = record.record(store, found, tmp_path, 7, report)
    client = MlflowClient(uri)
    seen = client.get_run(run_id)
    assert client.get_experiment(seen.info.experiment_id).name == "walletprint-benchmark-amlsim"
    assert seen.data.metrics == {"a/x/rows": 10, "a/x/pr_auc": 0.5, "a/y/rows": 10, "b/x/rows": 10, "b/x/pr_auc": 0.75}
    assert seen.inputs.dataset_inputs[0].dataset.digest == record.digest(tmp_path, all_protocols()["amlsim"])[:16]
    assert {file.path for file in client.list_artifacts(run_id)} == {"amlsim.md", "tables"}


def test_the_digest_is_of_names_and_contents(tmp_path):
    protocol, seen = all_protocols()["amlsim"], set()
    for name, text in (("a_nodes.csv", "1"), ("a_nodes.csv", "2"), ("b_nodes.csv", "2"), ("other.csv", "3")):
        (tmp_path / name).write_text(text)
        seen.add(record.digest(tmp_path, protocol))
    assert len(seen) == 3  # the last file is none of the protocol's


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["eliptic"], "no protocol 'eliptic' (did you mean elliptic?); known are amlsim, "),
        (["elliptic"], "--data: elliptic needs a folder with elliptic_txs_features.csv, "),
        (
            ["elliptic", "--data", "nowhere"],
            "--data: nowhere is not a folder; elliptic needs one with elliptic_txs_features.csv",
        ),
        (["elliptic", "--data", "data", "--out", "taken"], "--out: taken is a file; give a folder"),
        (["elliptic", "--data", "data", "--tracking-uri", "nonsense://x"], "tracking: the MLflow store nonsense://x"),
    ],
)
def test_wrong_calls(run, tmp_path, more, said):
    (tmp_path / "data").mkdir()
    (tmp_path / "taken").write_text("")
    code, _, told = run("benchmark", *more)
    assert code == 2
    assert said in told
    assert told.strip().count("\n") == 0


def test_a_missing_file_is_bad_data(run, tmp_path):
    (tmp_path / "data").mkdir()
    code, _, told = run("benchmark", "elliptic", "--data", "data")
    assert code == 1
    assert "no file elliptic_txs_features.csv there or one folder below" in told
