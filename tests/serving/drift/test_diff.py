"""Two scored files side by side, against what a person would count by hand; and the command."""

import json

import pandas as pd
import pytest

from walletprint.features.base.errors import DataError, UsageError
from walletprint.serving import write_scores
from walletprint.serving.drift.score_diff import diff_scores, write_moved


def row(address, score, band, reasons=None, **more):
    flagged = band in ("high", "severe")
    told = [{"feature": name, "contribution": value} for name, value in (reasons or {}).items()]
    return {"address": address, "head": "laundering", "score": score, "band": band, "flagged": flagged, "reasons": told,
            "model": {"version": "a"}, "as_of": "2021-04-01T00:00:00Z"} | more  # fmt: skip


def file(place, rows):
    place.write_text("".join(json.dumps(one) + "\n" for one in rows))
    return place


@pytest.fixture
def pair(tmp_path):
    old = [
        row("0xA1", 0.1, "low", {"flow__pass_through__1h": 0.5, "activity__age__days": 0.25}),
        row("b", 0.9, "severe"),
        row("c", None, "unscored"),
        row("d", 0.5, "medium"),
        row("gone", 0.5, "medium"),
        row("e", 0.7, "high", as_of="2021-01-01T00:00:00Z"),
        row("e", 0.2, "low", as_of="2021-03-01T00:00:00Z"),
    ]
    new = [
        row("0xa1", 0.7, "high", {"flow__pass_through__1h": 2.0, "timing__gap__median": 0.1}),
        row("b", 0.4, "low"),
        row("c", 0.2, "low"),
        row("d", 0.55, "medium"),
        row("e", 0.2, "low"),
        row("fresh", 0.5, "medium"),
    ]
    return file(tmp_path / "old.jsonl", old), file(tmp_path / "new.jsonl", new)


def test_counts_by_hand(pair):
    assert diff_scores(*pair).summary == {
        "head": "laundering", "matched": 5, "only_old": 1, "only_new": 1, "moved_up": 1, "moved_down": 1, "newly_scored": 1,
        "no_longer_scored": 0, "newly_flagged": 1, "no_longer_flagged": 1, "same_model": True,
    }  # fmt: skip


def test_who_moved_and_why(pair):
    found = diff_scores(*pair)
    assert found.moved["address"].tolist() == ["0xa1", "b", "c"]  # by the size of the change, the unscored last
    first = found.moved.iloc[0]
    assert (first["old_band"], first["new_band"]) == ("low", "high")
    assert first["change"] == pytest.approx(0.6)
    assert first["why"] == "money passed on fast +1.5"
    assert found.moved["why"].iloc[1].startswith("not known")
    assert found.behaviours.to_dict("records") == [{"behaviour": "money passed on fast", "wallets": 1, "change": 1.5}]
    assert found.bands.set_index(["old", "new"])["wallets"].to_dict() == {
        ("unscored", "low"): 1, ("low", "low"): 1, ("low", "high"): 1, ("medium", "medium"): 1, ("severe", "low"): 1,
    }  # fmt: skip


def test_a_file_against_itself_moves_nobody(pair):
    found = diff_scores(pair[0], pair[0])
    assert len(found.moved) == len(found.behaviours) == found.summary["moved_up"] == 0
    assert found.summary["matched"] == 6


def test_other_heads_are_refused(pair, tmp_path):
    other = file(tmp_path / "other.jsonl", [row("b", 0.5, "medium", head="state_linked")])
    with pytest.raises(UsageError, match="laundering and state_linked"):
        diff_scores(pair[0], other)


@pytest.mark.parametrize(
    ("name", "text"), [("a.jsonl", "[1]\n"), ("a.jsonl", "{"), ("a.csv", "x\n1\n"), ("a.parquet", "PAR1")]
)
def test_what_is_no_scored_file_is_refused(tmp_path, pair, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=name):
        diff_scores(pair[0], tmp_path / name)
    with pytest.raises(DataError, match="no such file"):
        diff_scores(tmp_path / "nowhere.parquet", pair[0])


def test_all_formats_that_are_written_can_be_compared(scorer, ledger, tmp_path):
    asked = [f"0x{number:040x}" for number in range(60)]
    before, after = (scorer.score(asked, ledger, as_of=date) for date in ("2021-02-10", "2021-04-01"))
    places = []
    for suffix in (".parquet", ".csv", ".jsonl"):
        places.append(
            [write_scores(frame, tmp_path / f"{name}{suffix}") for name, frame in (("a", before), ("b", after))]
        )
    found = [diff_scores(*pair) for pair in places]
    for other in found[1:]:
        assert other.summary == found[0].summary
        pd.testing.assert_frame_equal(other.moved, found[0].moved)
    expected = [a != b for a, b in zip(before["band"], after["band"], strict=True)]
    assert len(found[0].moved) == sum(expected) > 0


def test_a_spreadsheet_runs_nothing_of_it(pair, tmp_path):
    (tmp_path / "x").mkdir()
    rows = [[row("=cmd|' /C calc'!A0", score, band)] for score, band in ((0.1, "low"), (0.9, "severe"))]
    found = diff_scores(*(file(tmp_path / "x" / f"{at}.jsonl", one) for at, one in enumerate(rows)))
    write_moved(found, tmp_path / "moved.csv")
    assert "\n'=cmd|" in (tmp_path / "moved.csv").read_text()
    with pytest.raises(UsageError, match=r"\.csv or \.parquet"):
        write_moved(found, tmp_path / "moved.xlsx")


def test_rows_of_tests_count_nowhere_and_caller_columns_tell_rows_apart(tmp_path):
    def echo(value):
        return [{"column": "case", "value": value}]

    old = [
        row("a", 0.1, "low", caller_columns=echo("1")),
        row("a", 0.2, "low", caller_columns=echo("2")),
        row("t", 0.9, "severe", test=True),
    ]
    new = [
        row("a", 0.7, "high", caller_columns=echo("1")),
        row("a", 0.2, "low", caller_columns=echo("2")),
        row("t", 0.1, "low", test=True),
    ]
    found = diff_scores(file(tmp_path / "old.jsonl", old), file(tmp_path / "new.jsonl", new))
    assert found.summary["matched"] == 2
    assert found.moved["caller_columns"].tolist() == ['[{"column": "case", "value": "1"}]']


def test_an_echo_is_the_same_in_every_format(scorer, ledger, tmp_path):
    asked = pd.DataFrame({"address": [f"0x{number:040x}" for number in range(9)], "who": ["[a", '"é"', "=1"] * 3})
    rows = scorer.score(asked, ledger, as_of="2021-04-01")
    places = [write_scores(rows, tmp_path / f"a{suffix}") for suffix in (".parquet", ".csv", ".jsonl")]
    for place in places[1:]:
        summary = diff_scores(places[0], place).summary
        assert (summary["matched"], summary["only_old"], summary["only_new"]) == (9, 0, 0)


def test_addresses_that_are_none_and_come_often(pair, tmp_path):
    odd = [row(name, None, "unscored") for name in (None, None, "", "[x", "{", "0XA1 ")]
    found = diff_scores(file(tmp_path / "odd.jsonl", odd), pair[1])
    assert (found.summary["matched"], found.summary["only_old"]) == (1, 4)  # 0xa1; the two without any are one
    assert found.moved["address"].tolist() == ["0xa1"]


def test_rows_of_an_older_schema_are_compared(pair, tmp_path):
    """Before there were behaviours, `caller_columns`, `test` and `model`."""
    old = [
        {name: value for name, value in row("b", 0.9, "severe").items() if name not in ("model", "as_of", "reasons")}
    ]
    summary = diff_scores(file(tmp_path / "old.jsonl", old), pair[1]).summary
    assert (summary["matched"], summary["moved_down"], summary["same_model"]) == (1, 1, False)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"flagged": None}, "flagged must be true or false"),
        ({"flagged": "false"}, "flagged must be true or false"),
        ({"reasons": "much"}, "reasons must be a list"),
        ({"reasons": ["much"]}, "reasons must be a list"),
        ({"reasons": [{"feature": "x", "contribution": None}]}, "reasons must be a list"),
        ({"band": None}, "band 'nan' is none of"),
        ({"band": "High"}, "band 'High' is none of"),
    ],
)
def test_rows_that_nobody_scored_are_refused_in_one_line(pair, tmp_path, changed, words):
    place = file(tmp_path / "wrong.jsonl", [row("b", 0.9, "severe"), row("c", 0.9, "severe") | changed])
    with pytest.raises(DataError, match=rf"wrong\.jsonl: {words}"):
        diff_scores(pair[0], place)


def test_no_rows_at_all(scorer, ledger, pair, tmp_path):
    none = write_scores(scorer.score([], ledger, as_of="2021-04-01"), tmp_path / "none.parquet")
    assert diff_scores(none, none).summary["matched"] == 0
    found = diff_scores(none, pair[1])
    assert (found.summary["only_new"], len(found.moved), len(found.bands)) == (6, 0, 0)
