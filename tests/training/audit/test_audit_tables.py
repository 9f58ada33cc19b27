"""The audit on tables as they come: any types, names and holes; what it refuses, and what it says it cannot do."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from walletprint.features.base.errors import DataError, UsageError
from walletprint.training.audit import audit
from walletprint.training.audit.audit_report import AuditReport, Check
from walletprint.training.audit.column_kinds import clock, column_of, is_date_like, is_size_like
from walletprint.training.audit.small_models import single_column_auc


def table(rows=400, seed=0, **columns):
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": random.normal(size=rows), "b": random.normal(size=rows), "label": np.arange(rows) % 2})
    return frame.assign(a=frame["a"] + frame["label"], **columns)


@pytest.mark.parametrize(
    ("values", "date_like", "first_in_days"),
    [
        (["2021-04-01", "2021-04-02"], True, 18718),
        (["2021-04-01T00:00:00Z", None], True, 18718),
        ([1_617_235_200, 1_617_321_600], True, 18718),  # Unix seconds
        (["1617235200", "1617321600"], True, 18718),
        ([1_617_235_200_000, 1_617_321_600_000], True, 18718),  # milliseconds
        (pd.to_datetime(["2021-04-01", "2021-04-02"]), True, 18718),
        (pd.to_datetime(["2021-04-01", "2021-04-02"], utc=True), True, 18718),
        ([20210401, 20210402], True, 20210401),
        ([2019, 2021], True, 2019),
        ([1, 2], False, 1),
        ([1_617_235_200, 5], False, 1_617_235_200),
        (["red", "blue"], False, None),
    ],
)
def test_dates_are_known_by_their_values(values, date_like, first_in_days):
    column = column_of(pd.Series(values))
    assert is_date_like("x", column) == date_like
    if first_in_days is not None:
        assert clock(column)[0] == first_in_days


@pytest.mark.parametrize(
    ("name", "date_like", "size_like"),
    [
        ("Time Diff between first and last (Mins)", True, False),
        ("activity__span__days", True, False),
        ("blockNumber", True, False),
        ("firstSeen", True, False),
        ("activity__transfers__total", False, True),
        ("total Ether sent", False, True),
        ("avg val sent", False, False),
        ("value__in__share", False, False),
        ("value__first_in__share", False, False),
        ("activity__rate__per_day", False, False),
        ("percentage", False, False),
    ],
)
def test_columns_are_known_by_the_words_of_their_names(name, date_like, size_like):
    column = column_of(pd.Series([0.5, 7.25, 3.0]))
    assert (is_date_like(name, column), is_size_like(name, column)) == (date_like, size_like)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_alone_is_the_auc_in_the_better_direction(pairs):
    values = pd.DataFrame({"x": [float(value) for value, _ in pairs]})
    z = np.array([int(side) for _, side in pairs])
    if len(set(z)) == 2:
        auc = roc_auc_score(z, values["x"])
        assert single_column_auc(values, z) == {"x": pytest.approx(max(auc, 1 - auc))}


def test_alone_learns_nothing_from_what_is_missing():
    X = pd.DataFrame({"x": [np.nan, np.nan, 1.0, 2.0, 1.0, 2.0], "gone": np.nan})
    assert single_column_auc(X, np.array([1, 1, 1, 1, 0, 0])) == {"x": 0.5, "gone": 0.5}


def test_a_table_of_all_kinds(tmp_path):
    random = np.random.default_rng(3)
    frame = table(
        **{
            "flag": random.random(400) < 0.5,
            "colour, {json}": random.choice(["red", "blue"], 400),
            "constant": 1,
            "empty": np.nan,
            "holes": np.where(random.random(400) < 0.3, np.nan, 1.5),
            "endless": np.where(random.random(400) < 0.1, np.inf, random.normal(size=400)),
            "hash": [f"0x{i:064x}" for i in range(400)],
            "rank": np.arange(400) * 3,
            "opened": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, 400), unit="D"),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    report = audit(tmp_path / "t.parquet", "label")
    assert audit(tmp_path / "t.csv", "label").as_dict()["checks"] == report.as_dict()["checks"]
    assert audit(frame, "label").as_json() == report.as_json()
    assert report.about["features"] == 9  # all but the hash, the rank and the label
    notes = " | ".join(report.about["notes"])
    assert "number or name the rows, and are no features: hash, rank" in notes
    assert "hold text, and stand for how frequent it is: colour, {json}" in notes
    assert "speak of time, by their values or names, and are features: opened" in notes
    assert report.check("date_only").verdict == "pass"


def test_lists_are_no_features():
    report = audit(table(tokens=[[1], [2]] * 200), "label")
    assert report.about["features"] == 2
    assert any(note.endswith("were left out: tokens") for note in report.about["notes"])


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["licit", "illicit", "licit"], "illicit"),
        ([2, 1, 1], "2"),
        ([True, False, False], "True"),
        (["0", "1", "1"], "1"),
    ],
)
def test_what_is_positive(values, positive):
    frame = table(300, label=values * 100)
    report = audit(frame, "label")
    assert f"positive are the rows whose label is {positive}" in report.about["notes"]
    assert report.about["positives"] == (frame["label"].astype("str") == positive).sum()


def test_rows_without_a_label_are_left_out_and_counted():
    report = audit(table(400, label=[0, 1, None, 1] * 100), "label")
    assert report.about["rows"] == 300
    assert "100 rows without a label were left out" in report.about["notes"]


def test_what_cannot_run_says_why():
    report = audit(table(60), "label")
    assert {one.verdict for one in report.results} == {"skipped", "pass"}
    assert report.verdict == "pass"
    assert report.check("duplicates").found == "not run: only 42 train rows; 50 are needed"
    assert report.check("source").found == "not run: no column says where rows come from; name one with --source"
    constant = audit(table(400).assign(a=1, b=np.nan), "label")
    assert constant.check("adversarial").found == "not run: no feature has more than one value"
    one_class = audit(table(400).assign(label=1), "label")
    assert "280 positive and 0 negative train rows" in one_class.check("too_good").found
    assert one_class.check("adversarial").verdict == "pass"
    few = audit(pd.DataFrame({"x": np.arange(400) // 2 % 3 * 1.0, "label": np.arange(400) % 2}), "label")
    assert "only 0.75 % of the rows differ" in few.check("duplicates").found


def test_a_given_split_leaves_other_rows_out():
    side = np.array(["Train", "TEST", "valid", "train"])[np.arange(400) % 4]
    report = audit(table(side=side), "label", split="side")
    assert (report.about["train"], report.about["test"]) == (200, 100)
    assert "100 rows are on neither side of the split" in report.about["notes"]


def test_time_steps_are_dates_too():
    frame = table(step=np.arange(400) % 49 + 1)
    report = audit(frame, "label", time="step", split_at="34")
    assert report.about["train"] == (frame["step"] <= 34).sum()
    assert report.check("date_only").figures["columns"] == ["step"]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"label": "y"}, UsageError, "there is no column 'y'; its columns are a, b, label, word, when"),
        ({"address": "who"}, UsageError, "there is no column 'who'"),
        ({"label": "a"}, DataError, "label 'a' has 400 values"),
        ({"label": "hole"}, DataError, "label 'hole' is empty"),
        ({"time": "label"}, UsageError, "column 'label' is named for two things"),
        ({"split_at": "2021-01-01"}, UsageError, "split_at: the rows' dates are needed too"),
        ({"time": "when", "split_at": "soon"}, UsageError, "split_at: a date such as"),
        ({"time": "when", "split_at": "2021-01-01", "split": "word"}, UsageError, "split and split_at: give one"),
        ({"split": "word"}, UsageError, "split column 'word' must hold train and test, not blue, red"),
        ({"time": "word"}, DataError, "row 1: word must be a date (2021-04-01) or a number, not 'red'"),
        ({"ignore": ["a", "b", "word", "when", "hole"]}, DataError, "no column is left as a feature"),
    ],
)
def test_what_is_refused(options, error, said):
    when = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(np.arange(400), unit="D")
    frame = table(word=["red", "blue"] * 200, when=when, hole=np.nan)
    with pytest.raises(error) as refused:
        audit(frame, **{"label": "label", **options})
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_that_are_no_table(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        audit(tmp_path / "none.csv", "label")
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(DataError, match=r"bad\.parquet: cannot be read"):
        audit(tmp_path / "bad.parquet", "label")
    with pytest.raises(DataError, match="two columns are named a"):
        audit(pd.concat([table(), table()[["a"]]], axis=1), "label")


def test_a_report_tells_the_worst_and_escapes_names():
    about = {"rows": 2, "positives": 1, "features": 1, "train": 1, "test": 1, "split": "by hand", "notes": ["n"]}
    found = (
        Check("x", "pass", "a|b"),
        Check("y", "skipped", "not run: z"),
        Check("z", "warn", "w", "do", {"n": np.nan}),
    )
    report = AuditReport(found, pd.DataFrame(), about)
    assert report.verdict == "warn"
    assert AuditReport(found[1:2], pd.DataFrame(), about).verdict == "skipped"
    assert report.checks.columns.tolist() == ["check", "verdict", "found", "what_to_do"]
    assert "| x | pass | a\\|b |  |" in report.as_markdown()
    assert report.as_markdown().startswith("# Leakage audit: warn (1 of 3 checks not run)\n")
    assert json.loads(report.as_json())["checks"][2] == {
        "check": "z", "verdict": "warn", "found": "w", "what_to_do": "do", "figures": {"n": None},
    }  # fmt: skip
