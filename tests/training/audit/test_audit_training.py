"""The audit of a training: it reads what was fitted already, and sees what a wrong split or a telling date would do."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from samples.datasets import config_of, made, sliced
from sklearn.metrics import average_precision_score, roc_auc_score

from walletprint.training.audit import audit_training, leakage_audit
from walletprint.training.models.contenders import fit_contenders
from walletprint.training.splits.time_split import Slice

CONFIG = config_of(baselines=False)


@pytest.fixture(scope="module")
def fitted():
    dataset = made()
    slices = sliced(dataset, CONFIG)
    return dataset, slices, fit_contenders(dataset, slices, CONFIG)[1]


def dated(dataset, moment):
    """The same dataset, its labels known since `moment`."""
    labels = dataset.targets.labels.assign(known_from=pd.Timestamp(moment, tz="UTC").as_unit("us"))
    return replace(dataset, targets=replace(dataset.targets, labels=labels))


def test_a_sound_training(fitted):
    dataset, slices, contending = fitted
    report = audit_training(dated(dataset, "2019-06-01"), slices, contending, CONFIG)
    verdicts = {one.name: one.verdict for one in report.results}
    assert verdicts == {
        "too_good": "pass",
        "date_only": "pass",
        "missingness_only": "pass",
        "size_only": "pass",
        "best_single_feature": verdicts["best_single_feature"],  # one feature does tell them apart here
        "row_numbers": "pass",
        "duplicates": "pass",
        "group_overlap": "warn",  # cases A, B and C are met again
        "source": "skipped",  # all labels are of one
        "known_later": "pass",
        "date_proxies": "pass",
        "adversarial": "pass",
    }
    assert report.check("group_overlap").figures["address in test_new"] == 0
    assert "leave-one-case-out" in report.check("group_overlap").what_to_do


def test_its_figures_are_those_of_the_contenders(fitted):
    dataset, slices, contending = fitted
    report = audit_training(dataset, slices, contending, CONFIG)
    known = {one.name: one for one in contending}
    part = slices.test_time
    for name, margin in [("full", contending[0].margin), ("date_only", known["date_only"].margin)]:
        row = report.shortcuts.set_index("model").loc[name]
        assert row["roc_auc"] == pytest.approx(roc_auc_score(part.y, margin[part.rows]))
        assert row["pr_auc"] == pytest.approx(average_precision_score(part.y, margin[part.rows]))
    best = known["best_single_feature"].note.split()[1]
    assert report.shortcuts.set_index("model").loc["best_single_feature", "columns"] == best


def test_dates_that_tell(fitted):
    dataset, slices, contending = fitted
    y = dataset.targets.known_by(None).reindex(dataset.snapshots["address"]).to_numpy(dtype=np.float64)
    first = y * 1000 + np.arange(len(y)) % 7
    seen = [replace(one, margin=first) if one.name == "date_only" else one for one in contending]
    report = audit_training(replace(dataset, dates=dataset.dates.assign(first_ever=first)), slices, seen, CONFIG)
    assert report.check("date_only").verdict == "warn"  # no feature knows the date
    assert report.check("date_only").figures["alone"]["first_ever"] == 1.0
    X = dataset.X.assign(d=first + np.random.default_rng(0).normal(0, 1, len(first)))
    report = audit_training(replace(dataset, X=X, dates=dataset.dates.assign(first_ever=first)), slices, seen, CONFIG)
    assert (report.check("date_only").verdict, report.check("date_proxies").verdict) == ("fail", "fail")
    assert list(report.check("date_proxies").figures["features"]) == ["d"]


def test_labels_that_nobody_knew(fitted):
    dataset, slices, contending = fitted  # labels without a date: all train
    report = audit_training(dataset, slices, contending, CONFIG)
    assert report.check("known_later").figures["undated"] == 1.0
    assert report.check("known_later").verdict == "warn"
    report = audit_training(dated(dataset, "2021-06-01"), slices, contending, CONFIG)
    assert report.check("known_later").figures["after_training"] == 1.0
    assert report.check("known_later").verdict == "fail"
    delayed = replace(slices, label_delay=pd.Timedelta(days=400))
    report = audit_training(dated(dataset, "2020-01-01"), delayed, contending, CONFIG)  # counted from 2021 on
    assert report.check("known_later").verdict == "fail"


def test_a_split_that_lets_wallets_through(fitted):
    dataset, slices, contending = fitted
    report = audit_training(dataset, replace(slices, test_new=slices.test_time), contending, CONFIG)
    assert report.check("group_overlap").verdict == "fail"
    assert report.check("group_overlap").figures["address in test_new"] > 0.5
    empty = Slice(np.empty(0, np.int64), np.empty(0, np.int8))
    report = audit_training(dataset, replace(slices, test_new=empty), contending, CONFIG)
    assert report.check("group_overlap").verdict == "warn"
    assert "held_out_addresses" in report.check("group_overlap").what_to_do


def test_features_that_name_the_source_within_a_category(fitted):
    dataset, slices, contending = fitted
    source = np.where(np.arange(len(dataset.X)) % 2, "one", "two")
    X = dataset.X.assign(d=dataset.X["d"] + 5 * (source == "one"))
    shifted = replace(dataset, X=X, label_details=dataset.label_details.assign(source=source))
    report = audit_training(shifted, slices, contending, CONFIG)
    assert report.check("source").verdict == "warn"  # it tells nothing of the label
    assert [one["within"] for one in report.check("source").figures["within_class"]] == [
        "negative user",
        "positive theft",
    ]
    by_category = dataset.label_details["category"].map({"user": "one", "theft": "two"})
    shifted = replace(dataset, X=X, label_details=dataset.label_details.assign(source=by_category))
    report = audit_training(shifted, slices, contending, CONFIG)
    assert report.check("source").found.startswith("each source has rows of one class only")


def test_a_test_of_one_class_skips_what_needs_two(fitted):
    dataset, slices, contending = fitted
    good = slices.test_time.rows[slices.test_time.y == 0]
    one_sided = replace(slices, test_time=Slice(good, np.zeros(len(good), np.int8)))
    report = audit_training(dataset, one_sided, contending, CONFIG)
    assert report.check("date_only").verdict == "skipped"
    assert "0 positive" in report.check("date_only").found
    assert report.check("duplicates").verdict == "pass"


def test_large_trainings_are_read_in_part(fitted, monkeypatch):
    monkeypatch.setattr(leakage_audit, "TRAINING_ROWS", 150)
    dataset, slices, contending = fitted
    report = audit_training(dataset, slices, contending, CONFIG)
    assert report.about["train"] == report.about["test"] == 150
    assert "300 rows were read, evenly from first to last" in report.about["notes"]
