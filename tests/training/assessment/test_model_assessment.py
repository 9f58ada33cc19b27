"""What a training says beyond its table of metrics: budgets by counting, intervals, cases, card, and what MLflow holds of it."""

import io
import json
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from samples.datasets import made, sliced

from walletprint.serving import Scorer
from walletprint.serving.model.model_folder import Calibration
from walletprint.training.assessment.model_assessment import budget_table, intervals_table
from walletprint.training.models.contenders import Contender
from walletprint.training.report.model_plots import contributions, swarm
from walletprint.training.splits.time_split import Slice
from walletprint.training.training_record import slice_digest


@pytest.fixture(scope="module")
def data():
    dataset = made()
    return dataset, sliced(dataset)


@pytest.fixture
def model(data):
    """A ranking with many ties."""
    margin = np.round(data[0].X.iloc[:, 0].fillna(0).to_numpy())
    return Contender("lightgbm", "model", margin, Calibration())


def test_a_budget_curve_counts_ties_at_their_worst(data, model):
    _, slices = data
    table = budget_table(model, slices)
    for row in table.to_dict("records"):
        part: Slice = getattr(slices, row["slice"])
        ranked = sorted(zip(-model.margin[part.rows], part.y, strict=True))  # among equals negatives come first
        hits = sum(y for _, y in ranked[: row["rows"]])
        assert row["precision"] == pytest.approx(hits / row["rows"])
        assert row["recall"] == pytest.approx(hits / part.y.sum())
        assert row["share"] == row["rows"] / len(part.rows)
    last = table.groupby("slice").tail(1)
    assert (last["share"] == 1).all()
    assert (last["recall"] == 1).all()


def test_intervals_hold_their_figure_and_name_the_best_of_each_kind(data, model):
    dataset, slices = data
    random = np.random.default_rng(1).normal(size=len(dataset.X))
    others = [
        Contender("forest", "baseline", random, Calibration()),
        Contender("dates", "shortcut", -model.margin, Calibration()),
        Contender("sizes", "shortcut", 0 * random, Calibration()),
    ]
    figures = {"lightgbm": 0.8, "forest": 0.4, "dates": 0.2, "sizes": 0.3}
    metrics = pd.DataFrame(
        [
            {"model": one.name, "kind": one.kind, "slice": part, "pr_auc": figures[one.name]}
            for one in (model, *others)
            for part in ("test_time", "test_new")
        ]
    )
    table = intervals_table(metrics, [model, *others], dataset, slices, seed=1)
    assert table["against"].tolist() == ["", "", "forest", "sizes"] * 2
    assert set(table["by"]) == {"case"}
    sure = table.dropna(subset="low")
    assert len(sure)
    assert ((sure["low"] <= sure["value"]) & (sure["value"] <= sure["high"])).all()


def test_a_slice_s_digest_is_of_its_rows_and_outcomes(data):
    dataset, slices = data
    digest = slice_digest(dataset, slices.train)
    assert digest == slice_digest(dataset, slices.train)
    assert len({digest, slice_digest(dataset, slices.calibrate)}) == 2
    assert slice_digest(dataset, Slice(slices.train.rows, 1 - slices.train.y)) != digest


def test_contributions_are_those_of_the_scorer(trained, data):
    """SHAP values of the picture and of the reasons come from the same trees."""
    booster = lgb.Booster(model_str=Scorer.load(trained.result.model_dir).model.trees)
    names = booster.feature_name()
    dataset, slices = data
    X = pd.DataFrame(np.random.default_rng(2).normal(size=(len(dataset.X), len(names))), columns=names)
    shown, parts = contributions(booster, replace(dataset, X=X), slices)
    assert len(shown) == min(500, len(slices.test_time.rows))
    raw = np.asarray(booster.predict(shown.to_numpy(), raw_score=True))
    base = np.asarray(booster.predict(shown.to_numpy(), pred_contrib=True))[:, -1]
    assert parts.sum(axis=1).to_numpy() + base == pytest.approx(raw)


def test_dots_of_a_swarm_never_lie_on_each_other():
    x = np.repeat([0.0, 1.0, 2.0], [1, 5, 100])
    y = swarm(x, 2.0)
    assert np.abs(y).max() <= 0.42
    assert len({(a, round(b, 9)) for a, b in zip(x, y, strict=True)}) == len(x)


def test_the_card_tells_how_sure_it_is_and_what_the_audit_found(trained):
    card, findings = trained.result.model.card, trained.result.assessment
    for part in ("## How it learnt", "not tuned", "### How sure these figures are", "### By case", "## Leakage audit:"):
        assert part in card
    for check in findings.audit.checks["check"]:
        assert f"| {check} |" in card
    for case in findings.cases["case"]:
        assert f"| {case} |" in card
    assert "None" not in card
    assert "nan" not in card.split("## Use")[0].lower().replace("finance", "")


def test_mlflow_holds_slices_curves_tables_and_the_audit(trained):
    from walletprint.training.registry.tracking import connected

    with connected(trained.uri) as (mlflow, _):
        client = mlflow.MlflowClient()
        run = client.get_run(trained.result.run_id)
        at = run.info.artifact_uri
        tables = {file.path for file in client.list_artifacts(trained.result.run_id, "tables")}
        audit = json.loads(mlflow.artifacts.load_text(f"{at}/audit.json"))
        cases = pd.read_csv(io.StringIO(mlflow.artifacts.load_text(f"{at}/tables/cases.csv")))
        assert mlflow.artifacts.load_text(f"{at}/audit.md").startswith("# Leakage audit")
    named = {found.dataset.name: found.dataset.digest for found in run.inputs.dataset_inputs}
    assert named.keys() == {f"laundering-{part}" for part in ("train", "calibrate", "test_time", "test_new")}
    assert len(set(named.values())) == 4
    assert {
        f"tables/{name}.csv" for name in ("metrics", "intervals", "cases", "periods", "budget", "drift", "audit")
    } <= tables
    assert audit["verdict"] == trained.result.audit.verdict == run.data.tags["walletprint.audit"]
    assert cases["case"].tolist() == trained.result.assessment.cases["case"].tolist()
    assert "test_time/pr_auc_low" in run.data.metrics
