"""The audit on a table without a leak, and on the same table with one planted leak at a time: it finds that one, and no other."""

import numpy as np
import pandas as pd
import pytest

from walletprint.training.audit import audit

ROWS, IN_A_CASE = 1000, 5
START = pd.Timestamp("2018-01-01", tz="UTC")
ROLES = {"split": "side", "groups": ["case"], "first": "first_seen"}


def days(numbers):
    return START + pd.to_timedelta(np.round(numbers), unit="D")


def clean(seed=0):
    """Wallets whose label hangs on their behaviour: three features of ten, and a little on how much they move.

    Cases of five wallets are on one side each; nothing else differs between the sides, the dates or the two sources.
    """
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(ROWS, 10)), columns=[f"f{i}" for i in range(10)])
    moved = np.round(np.exp(random.normal(size=ROWS)) * 100)
    risk = X["f0"] + X["f1"] - X["f2"] + 0.3 * np.log1p(moved) - 1.8
    X["f3"] = X["f3"].where(random.random(ROWS) > 0.1)
    as_of = random.uniform(200, 1400, ROWS)
    case = np.arange(ROWS) // IN_A_CASE
    roles = {
        "label": (random.random(ROWS) < 1 / (1 + np.exp(-1.5 * risk))).astype(int),
        "address": [f"0x{i:040x}" for i in range(ROWS)],
        "as_of": days(as_of),
        "first_seen": days(as_of - random.uniform(0, 200, ROWS)),
        "known_from": days(as_of - random.uniform(0, 100, ROWS)),
        "source": random.choice(["one.csv", "two.csv"], ROWS),
        "case": case,
        "side": np.where(random.random(ROWS // IN_A_CASE)[case] < 0.7, "train", "test"),
    }
    amounts = {"n_transfers": moved, "span_days": random.exponential(50, ROWS)}
    return X.assign(**amounts, **roles)


def found(table, **options):
    """What the audit did not let pass: verdict by check."""
    report = audit(table, "label", **{**ROLES, **options})
    return {one.name: one.verdict for one in report.results if one.verdict != "pass"}, report


@pytest.mark.parametrize("seed", range(4))
def test_a_clean_table_passes_every_check(seed):
    alarms, report = found(clean(seed))
    assert alarms == {}
    assert report.verdict == "pass"
    assert len(report.checks) == 12


@pytest.mark.parametrize("seed", range(2))
def test_a_clean_table_split_in_time_passes_every_check(seed):
    table = clean(seed)
    table["known_from"] = table["as_of"] + pd.Timedelta(
        days=5
    )  # found out later, as is usual; but before training ended
    ended = pd.Timestamp("2020-09-01", tz="UTC")
    late = (table["as_of"] <= ended) & (table["known_from"] > ended)
    table.loc[late, "known_from"] = ended
    alarms, report = found(table.drop(columns=["side", "case"]), split=None, groups=[], split_at="2020-09-01")
    assert alarms == {}
    assert report.check("known_later").figures["after_snapshot"] > 0.9


def test_leak_1_dates_give_the_label_away():
    table = clean()
    bad = table["label"] == 1
    table["first_seen"] = table["first_seen"].where(~bad, table["first_seen"] + pd.Timedelta(days=1500))
    alarms, report = found(table)
    assert alarms == {"date_only": "fail"}
    assert "first_seen" in report.check("date_only").found
    assert "same dates" in report.check("date_only").what_to_do
    assert report.check("date_only").figures["alone"]["first_seen"] > 0.95


def test_dates_that_no_model_sees_only_warn():
    table = clean().drop(columns="span_days")  # so that no feature speaks of time
    bad = table["label"] == 1
    table["first_seen"] = table["first_seen"].where(~bad, table["first_seen"] + pd.Timedelta(days=1500))
    alarms, report = found(table)
    assert alarms == {"date_only": "warn"}
    assert "the model hardly sees this" in report.check("date_only").found


def test_leak_2_missing_values_give_the_label_away():
    table = clean()
    gone = (table["label"] == 1) & (table["f4"] > 0)  # half of the bad ones
    table.loc[gone, ["f4", "f5"]] = np.nan
    alarms, report = found(table)
    assert alarms == {"missingness_only": "fail"}
    settled = report.check("missingness_only").figures["settled_by"]
    assert settled["columns"] == ["f4", "f5"]
    assert (settled["rows"], settled["purity"], settled["side"], settled["when"]) == (
        gone.sum(),
        1.0,
        "positive",
        "missing",
    )
    assert settled["settled"] == pytest.approx(gone.sum() / (table["label"] == 1).sum())
    assert "2 columns (f4, f5) are missing" in report.check("missingness_only").found


def test_leak_3_rows_of_the_test_are_copies_of_rows_trained_on():
    table = clean()
    train, test = (np.flatnonzero(table["side"] == side) for side in ("train", "test"))
    copied, turned = test[:100], test[:10]
    features = [name for name in table if name.startswith("f") and name != "first_seen"] + ["n_transfers", "span_days"]
    table.loc[copied, [*features, "label"]] = table.loc[train[:100], [*features, "label"]].to_numpy()
    table.loc[turned, "label"] = 1 - table.loc[turned, "label"]
    table["label"] = table["label"].astype(int)
    alarms, report = found(table)
    assert alarms == {"duplicates": "fail"}
    figures = report.check("duplicates").figures
    assert figures["exact"] == figures["near"] == pytest.approx(100 / len(test))
    assert figures["conflicting"] == 20  # ten rows, and the ten that they were copied from


def test_leak_3_rows_that_are_nearly_copies():
    table = clean()
    train, test = (np.flatnonzero(table["side"] == side) for side in ("train", "test"))
    features = [f"f{i}" for i in range(10)] + ["span_days"]
    copied = table.loc[train[:150], [*features, "n_transfers", "label"]].to_numpy()
    table.loc[test[:150], [*features, "n_transfers", "label"]] = copied
    table.loc[test[:150], features] *= 1 + 1e-7
    table["label"] = table["label"].astype(int)
    alarms, report = found(table)
    assert alarms == {"duplicates": "fail"}
    figures = report.check("duplicates").figures
    assert figures["exact"] == 0
    assert figures["near"] == pytest.approx(150 / len(test))


@pytest.mark.parametrize("features", [1, 2, 3])
def test_few_features_make_no_twins(features):
    random = np.random.default_rng(features)
    X = random.normal(size=(ROWS, features)) @ np.ones((features, 4))  # four columns, the same but for a little
    table = pd.DataFrame(X + 0.01 * random.normal(size=X.shape), columns=list("abcd"))
    report = audit(table.iloc[:, : max(features, 2)].assign(label=(X[:, 0] > 0).astype(int)), "label")
    assert report.check("duplicates").verdict == "pass"
    assert report.check("duplicates").figures["near"] < 0.02


def test_leak_4_wallets_stand_on_both_sides():
    table = clean()
    train, test = (np.flatnonzero(table["side"] == side) for side in ("train", "test"))
    table.loc[test[:60], "address"] = table.loc[train[:60], "address"].str.upper().to_numpy()  # in another spelling
    alarms, report = found(table)
    assert alarms == {"group_overlap": "fail"}
    assert report.check("group_overlap").figures == {"address": pytest.approx(60 / len(test)), "case": 0.0}
    assert report.check("group_overlap").what_to_do == "address: split by address"


def test_leak_4_cases_stand_on_both_sides():
    alarms, report = found(clean().drop(columns="side"), split=None)
    assert alarms == {"group_overlap": "fail"}
    assert report.check("group_overlap").figures["case"] > 0.9


def test_leak_5_features_name_the_source_and_the_source_tells_the_label():
    table = clean()
    random = np.random.default_rng(1)
    mostly = np.where(table["label"] == 1, "one.csv", "two.csv")
    table["source"] = np.where(random.random(ROWS) < 0.75, mostly, np.where(mostly == "one.csv", "two.csv", "one.csv"))
    table["f9"] += np.where(table["source"] == "one.csv", 4, 0)  # one list was collected with other units
    alarms, report = found(table)
    assert alarms == {"source": "fail"}
    assert report.check("source").figures["label_from_source"] == pytest.approx(0.75, abs=0.05)
    for one in report.check("source").figures["within_class"]:
        assert next(iter(one["by"])) == "f9"
        assert one["roc_auc"] > 0.95


def test_leak_6_labels_were_known_only_after_training():
    table = clean()
    train = np.flatnonzero(table["side"] == "train")
    table.loc[train[:120], "known_from"] = table["as_of"].max() + pd.Timedelta(days=30)
    alarms, report = found(table)
    assert alarms == {"known_later": "fail"}
    figures = report.check("known_later").figures
    assert figures["after_training"] == figures["after_snapshot"] == pytest.approx(120 / len(train))
    assert "known by the last date" in report.check("known_later").what_to_do


def test_one_feature_that_is_the_label():
    table = clean()
    table["f8"] = table["label"] + np.random.default_rng(2).normal(0, 0.1, ROWS)
    alarms, report = found(table)
    assert alarms == {"best_single_feature": "fail", "too_good": "warn"}
    assert report.check("best_single_feature").figures["columns"] == ["f8"]
    assert report.check("too_good").figures["explained_by"] == ["best_single_feature"]


def test_size_that_gives_the_label_away():
    table = clean()
    random = np.random.default_rng(3)
    table["total_in"], table["total_out"] = random.uniform(100, 200, (2, ROWS))
    more = table[["total_in", "total_out"]].max(axis=1)
    less = table[["total_in", "total_out"]].min(axis=1)
    bad = table["label"] == 1
    table["total_in"], table["total_out"] = more.where(bad, less), less.where(bad, more)  # either alone says little
    alarms, report = found(table)
    assert alarms["size_only"] == "fail"
    assert set(alarms) <= {"size_only", "too_good"}
    assert report.check("size_only").figures["columns"] == ["n_transfers", "total_in", "total_out"]


def test_a_test_from_elsewhere():
    table = clean()
    table["f7"] += np.where(table["side"] == "test", 3, 0)
    alarms, report = found(table)
    assert alarms == {"adversarial": "fail"}
    assert next(iter(report.check("adversarial").figures["by"])) == "f7"


def test_drift_in_a_split_in_time_is_no_failure():
    table = clean().drop(columns=["side", "case"])
    late = table["as_of"] > pd.Timestamp("2020-09-01", tz="UTC")
    table["f7"] += np.where(late, 3, 0)
    alarms, report = found(table, split=None, groups=[], split_at="2020-09-01")
    assert alarms["adversarial"] == "warn"
    assert report.verdict == "warn"
    assert "retrain" in report.check("adversarial").what_to_do


def test_a_feature_from_which_the_date_can_be_read():
    table = clean()
    table["f6"] = (table["as_of"] - START) / pd.Timedelta(days=1) + np.random.default_rng(4).normal(0, 20, ROWS)
    alarms, report = found(table)
    assert alarms == {"date_proxies": "warn"}  # the date tells nothing of the label here
    features = report.check("date_proxies").figures["features"]
    assert list(features) == ["f6"]
    assert features["f6"]["rho"] > 0.95


def test_a_feature_from_which_a_telling_date_can_be_read_is_a_leak():
    table = clean()
    late = np.where(table["label"] == 1, 1500, 0)
    table["first_seen"] += pd.to_timedelta(late, unit="D")
    table["f6"] = (table["first_seen"] - START) / pd.Timedelta(days=1)
    alarms, report = found(table)
    assert (alarms["date_only"], alarms["date_proxies"]) == ("fail", "fail")
    assert report.check("too_good").figures["explained_by"][0] == "date_only"


def test_rows_that_lie_sorted_by_label():
    table = clean().sort_values("label", kind="stable", ignore_index=True)
    alarms, report = found(table.assign(Index=np.arange(ROWS) * 2))
    assert alarms == {"row_numbers": "warn"}
    assert report.check("row_numbers").figures["roc_auc"] == {"Index": 1.0}
    assert "Index" not in report.check("too_good").found


def test_a_source_that_is_the_label():
    table = clean()
    table["source"] = np.where(table["label"] == 1, "scams.csv", "exchange.csv")
    alarms, report = found(table)
    assert alarms == {"source": "warn"}
    assert report.check("source").found.startswith("each source has rows of one class only")


def test_labels_without_a_date_are_counted():
    table = clean()
    table.loc[table.index % 4 != 0, "known_from"] = pd.NaT
    alarms, report = found(table)
    assert alarms == {"known_later": "warn"}
    share = (table.index[table["side"] == "train"] % 4 != 0).mean()
    assert report.check("known_later").figures["undated"] == pytest.approx(share)
