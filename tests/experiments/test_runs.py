"""Runs side by side: one row a training, with what was registered of it."""

import shutil

import pytest

from walletprint.experiments.runs import compare_runs
from walletprint.features import UsageError
from walletprint.training.registry.tracking import connected


def test_a_training_is_a_row(trained):
    table = compare_runs(tracking_uri=trained.uri)
    assert len(table) == 1
    row = table.iloc[0]
    model = trained.result.model
    assert row["run_id"] == trained.result.run_id
    assert row["head"] == "laundering"
    assert row["model"] == model.version
    assert (row["version"], row["alias"], row["experiment"]) == (
        "walletprint-laundering/1",
        "challenger",
        "walletprint-laundering",
    )
    assert row["run_name"] == f"laundering-{model.version[:8]}"
    assert row["status"] == "FINISHED"
    assert row["date"].tzinfo is not None
    assert row["test_time/pr_auc"] == pytest.approx(trained.result.metrics["pr_auc"][0])
    assert compare_runs("walletprint-laundering", trained.uri)["run_id"].tolist() == table["run_id"].tolist()


def test_other_peoples_runs_are_left_out_and_the_newest_comes_first(trained, tmp_path):
    shutil.copy(trained.uri.removeprefix("sqlite:///"), tmp_path / "copy.db")
    uri = f"sqlite:///{tmp_path / 'copy.db'}"
    with connected(uri) as (mlflow, _):
        client = mlflow.MlflowClient()
        other = client.create_experiment("other", artifact_location=tmp_path.as_uri())
        client.create_run(other, run_name="not ours")
        later = client.create_run(other, tags={"walletprint.head": "state_linked"}, run_name="unfinished")
    table = compare_runs(tracking_uri=uri)
    assert table["run_id"].tolist() == [later.info.run_id, trained.result.run_id]
    assert table["version"].isna().tolist() == [True, False]
    assert table["test_time/pr_auc"].isna().tolist() == [True, False]
    assert compare_runs("other", uri)["run_name"].tolist() == ["unfinished"]


def test_an_experiment_that_is_not_there(trained):
    with pytest.raises(UsageError, match="experiment: 'nope' is not in sqlite"):
        compare_runs("nope", trained.uri)
