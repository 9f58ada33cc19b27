"""A training end to end: the folder, what it says of itself, what MLflow holds of it, and what happens to bad input."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from walletprint.features import DataError, Ledger, UsageError, extract, snapshots_of
from walletprint.serving import ModelFolder, Scorer
from walletprint.training import build_dataset, load_config, read_labels, split, train
from walletprint.training.data.dataset import data_digest
from walletprint.training.metrics import classification_metrics as metrics


@pytest.fixture(scope="module")
def quiet(trained):
    """The config of the training, without tracking."""
    return {**trained.config, "tracking": {"enabled": False}}


@pytest.fixture(scope="module")
def rebuilt(trained):
    """The dataset and split of the training, made again from the same files."""
    ledger, labels = Ledger.from_transfers(trained.chain.transfers), read_labels(trained.chain.labels).good
    dataset = build_dataset(ledger, labels, trained.result.config)
    return dataset, split(dataset, trained.result.config)


def test_it_has_learnt_something(trained):
    model = trained.result.metrics.iloc[0]
    assert model["model"] == "lightgbm"
    assert model["slice"] == "test_time"
    assert model["roc_auc"] > 0.75
    assert model["pr_auc"] > 2 * model["base_rate"]


def test_every_contender_is_judged_on_both_slices(trained):
    table = trained.result.metrics
    names = [
        "lightgbm", "logistic_regression", "random_forest", "isolation_forest", "pass_through", "dwell", "in_degree",
        "date_only", "size_only", "missingness_only", "best_single_feature",
    ]  # fmt: skip
    assert table["model"].tolist() == [name for name in names for _ in range(2)]
    assert table["slice"].tolist() == ["test_time", "test_new"] * len(names)
    assert table.groupby("slice")["rows"].nunique().eq(1).all()


def test_the_folder_scores_what_was_measured(trained, rebuilt):
    dataset, slices = rebuilt
    scored = Scorer.load(trained.result.model_dir).score_features(dataset.X.iloc[slices.test_time.rows])
    found = metrics.evaluate(slices.test_time.y, scored["margin"], scored["score"])
    assert found == pytest.approx({key: trained.result.metrics.iloc[0][key] for key in found}, nan_ok=True)


def test_the_threshold_keeps_to_the_budget_and_the_reference_is_the_ordinary_wallets(trained, rebuilt):
    dataset, slices = rebuilt
    later = slices.calibrate
    scored = Scorer.load(trained.result.model_dir).score_features(dataset.X.iloc[later.rows])
    assert scored["flagged"].mean() <= 0.05
    assert scored["flagged"].any()
    assert scored.loc[later.y == 0, "percentile"].mean() == pytest.approx(50, abs=1)


def test_no_feature_of_the_model_tells_the_calendar(trained):
    assert load_config(head="laundering").features.era_safe_only
    assert "value__in__total" not in trained.result.model.features
    assert len(trained.result.model.features) > 40


def test_the_folder_says_when_from_what_and_how_well(trained, rebuilt):
    result = trained.result
    dataset, slices = rebuilt
    model = ModelFolder.load(result.model_dir)
    assert model.trained_until == dataset.snapshots["as_of"].iloc[slices.train.rows].max().date().isoformat()
    assert model.metrics["lightgbm"]["test_time"]["pr_auc"] == pytest.approx(result.metrics["pr_auc"][0], abs=1e-6)
    assert model.metrics["best_single_feature"]["note"].split()[1] in model.features
    assert model.labels["positive"] == list(result.config.labels.positive)
    assert model.data_digest == dataset.digest
    for part in (
        model.version,
        model.trained_until,
        "They were not refitted",
        "random forest",
        "missingness only",
        "test_new",
    ):
        assert part in model.card


def test_a_registered_challenger_scores_wallets(trained):
    assert trained.result.model_uri == "models:/walletprint-laundering@challenger"
    scorer = Scorer.load(trained.result.model_uri, tracking_uri=trained.uri)
    addresses = pd.read_csv(trained.chain.addresses)["address"].tolist()
    scores = scorer.score(addresses, trained.chain.transfers, as_of="2022-02-25")
    assert scorer.model.version == trained.result.model.version
    assert scores["address"].tolist() == addresses
    assert scores["score"].notna().any()


def test_mlflow_holds_the_run(trained):
    from walletprint.training.registry.tracking import connected

    with connected(trained.uri) as (mlflow, _):
        client = mlflow.MlflowClient()
        run = client.get_run(trained.result.run_id)
        assert run.info.status == "FINISHED"
        assert run.data.metrics["test_time/pr_auc"] == pytest.approx(trained.result.metrics["pr_auc"][0])
        assert "date_only/test_new/roc_auc" in run.data.metrics
        assert run.data.params["snapshots.window"] == "30d"
        assert run.data.params["data_digest"] == trained.result.model.data_digest
        config = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/config.yaml")
        pictures = {file.path for file in client.list_artifacts(run.info.run_id, "plots")}
        pyfunc = mlflow.pyfunc.load_model(trained.result.model_uri)
        features = extract(
            Ledger.from_transfers(trained.chain.transfers), snapshots_of(["0x00"], "2022-01-01"), window="30d"
        )
        scored = pyfunc.predict(features[list(trained.result.model.features)])
    assert load_config(yaml.safe_load(config)) == trained.result.config
    assert pictures == {
        f"plots/{name}.png"
        for name in (
            "pr_curve",
            "roc_curve",
            "budget",
            "calibration",
            "scores",
            "periods",
            "drift",
            "importance",
            "shap",
        )
    }
    assert 0 < scored["score"].iloc[0] < 1


def test_mlflow_is_set_as_before(trained):
    import mlflow

    assert not mlflow.is_tracking_uri_set()
    assert mlflow.active_run() is None


def test_progress_is_told_by_step(trained):
    assert list(dict.fromkeys(step for step, _, _ in trained.progress)) == ["read", "extract", "fit", "judge", "record"]
    assert all(0 <= done <= total for _, done, total in trained.progress)
    last = {step: (done, total) for step, done, total in trained.progress}
    assert all(done == total for done, total in last.values())


def test_the_digest_is_of_the_rows_not_of_their_order(trained):
    frame = pd.read_parquet(trained.chain.transfers).head(2000)
    labels = read_labels(trained.chain.labels).good.head(50)
    shuffled = Ledger.from_transfers(frame.sample(frac=1, random_state=1))
    digest = data_digest(Ledger.from_transfers(frame), labels)
    assert data_digest(shuffled, labels.sample(frac=1, random_state=1)) == digest
    assert data_digest(shuffled, labels.assign(category="user")) != digest
    frame.loc[7, "amount"] += 1
    assert data_digest(Ledger.from_transfers(frame), labels) != digest


def test_labels_that_match_no_history(trained, quiet, tmp_path):
    labels = pd.DataFrame(
        {"address": [f"0x{i:040x}" for i in range(4)], "category": ["theft", "theft", "user", "user"]}
    )
    with pytest.raises(DataError, match=r"none of the 2 positive wallets has 3 transfers in any 30d window"):
        train(trained.chain.transfers, labels, quiet, tmp_path / "m")
    with pytest.raises(
        DataError, match=r"labels: no wallet is positive for head laundering \(laundering, state_linked"
    ):
        train(trained.chain.transfers, labels.assign(category="user"), quiet, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_what_is_wrong_shows_before_the_work(trained, quiet, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    nothing = tmp_path / "nothing.parquet"
    with pytest.raises(UsageError, match=r"out: .*mine holds other files than a model"):
        train(nothing, nothing, quiet, tmp_path / "mine")
    with pytest.raises(UsageError, match=r"out: .* is a file"):
        train(nothing, nothing, quiet, tmp_path / "mine" / "thesis.txt")
    with pytest.raises(UsageError, match="2 mistakes"):
        train(nothing, nothing, {**quiet, "sed": 1, "seed": -1}, tmp_path / "m")


@pytest.mark.parametrize("uri", ["file://{}/mlruns", "sqlite:///{}/taken/mlflow.db", "gopher://x"])
def test_a_store_that_cannot_be_used_is_one_line(uri, trained, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    uri = uri.format(tmp_path)
    with pytest.raises(UsageError) as caught:
        train(tmp_path / "nothing", tmp_path / "nothing", trained.config, tmp_path / "m", uri)
    assert "tracking: the MLflow store" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_training_imports_no_mlflow_until_it_tracks():
    code = "import sys, walletprint.training; print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_margins_take_columns_by_name(rebuilt):
    from walletprint.training.models.estimators import fit_lightgbm, margins

    dataset, slices = rebuilt
    X = dataset.X.iloc[slices.train.rows]
    booster = fit_lightgbm(X, slices.train.y, {"num_threads": 1}, 1, rounds=5)
    assert np.array_equal(margins(booster, X), margins(booster, X[X.columns[::-1]]))


def test_the_documented_pieces_fit_together(trained, tmp_path, monkeypatch):
    text = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text()
    example = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[-1]
    (tmp_path / "transfers.parquet").symlink_to(trained.chain.transfers)
    (tmp_path / "labels.csv").symlink_to(trained.chain.labels)
    monkeypatch.chdir(tmp_path)
    scope: dict = {}
    exec(compile(example.replace('{"seed": 1}', repr(trained.config)), "training.md", "exec"), scope)
    assert len(scope["slices"].test_new.rows) > 0
    assert scope["model"].num_trees() > 0


def test_a_part_of_a_dataset_is_the_same_part_of_all_its_frames(rebuilt):
    dataset, _ = rebuilt
    keep = np.arange(len(dataset.X)) % 3 == 1
    part = dataset.subset(keep)
    for name in ("snapshots", "X", "size", "dates"):
        whole = getattr(dataset, name)
        pd.testing.assert_frame_equal(getattr(part, name), whole[keep].reset_index(drop=True))
    assert len(part.X) == keep.sum()


def test_the_number_of_threads_changes_no_tree(rebuilt):
    from walletprint.training.models.estimators import fit_lightgbm

    dataset, slices = rebuilt
    X = dataset.X.iloc[slices.train.rows]
    one, two = (
        fit_lightgbm(X, slices.train.y, {"num_threads": n, "bagging_freq": 1, "bagging_fraction": 0.8}, 1, 5)
        for n in (1, 2)
    )
    assert one.trees_to_dataframe().equals(two.trees_to_dataframe())
