"""The protocol `amlworld` on hand-made files in the published format."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import protocol_files

from walletprint.experiments.protocols.published import amlworld
from walletprint.features.base.errors import DataError

LINE = "2022/09/01 00:20,10,8000EBD30,10,8000EBD30,3697.34,US Dollar,3697.34,US Dollar,Reinvestment,0\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return protocol_files.amlworld(tmp_path_factory.mktemp("amlworld"))


@pytest.fixture(scope="module")
def table(path):
    return amlworld.read(path)


def test_a_line_as_published(tmp_path):
    file = tmp_path / "HI-Small_Trans.csv"
    file.write_text(protocol_files.AMLWORLD + "\n" + LINE)
    row = amlworld.read(file).iloc[0]
    assert row["time"] == 1_661_991_600  # 2022-09-01T00:20:00Z
    assert (row["from_bank"], row["to_account"], row["format"], row["laundering"]) == (
        "10",
        "8000EBD30",
        "Reinvestment",
        0,
    )
    raw = amlworld.raw_features(amlworld.read(file)).iloc[0]
    assert raw[["hour", "same_bank", "same_account", "format_Reinvestment"]].tolist() == [0.0, 1.0, 1.0, 1.0]


@given(st.lists(st.integers(0, 20), min_size=12, max_size=80))
@settings(max_examples=40)
def test_no_moment_is_in_two_parts(steps):
    seconds = np.cumsum(np.array(steps) % 3)
    parts = amlworld.split(seconds)
    assert np.concatenate(parts).tolist() == list(range(len(seconds)))
    for earlier, later in pairwise(parts):
        if len(earlier) and len(later):
            assert seconds[earlier].max() < seconds[later].min()
    assert len(parts[0]) <= 0.6 * len(seconds)


def test_what_accounts_did_before_is_counted(table):
    """Beside plain sums over all earlier rows."""
    some = table.iloc[:150].reset_index(drop=True)
    found = amlworld.accounts(some)
    rows = some.to_dict("records")
    of = {
        "sender": lambda row: (row["from_bank"], row["from_account"]),
        "receiver": lambda row: (row["to_bank"], row["to_account"]),
    }
    for k in range(0, 150, 7):
        for asked, whose in of.items():
            for role, did in of.items():
                past = [
                    math.log1p(row["paid"])
                    for row in rows
                    if row["time"] < rows[k]["time"] and did(row) == whose(rows[k])
                ]
                name = f"{asked}_as_{role}_"
                assert found[name + "number"][k] == len(past)
                if past:
                    mean = sum(past) / len(past)
                    spread = math.sqrt(sum((x - mean) ** 2 for x in past) / len(past))
                    assert found[name + "mean"][k] == pytest.approx(mean)
                    assert found[name + "spread"][k] == pytest.approx(spread, abs=1e-6)
                else:
                    assert math.isnan(found[name + "mean"][k])


def test_what_comes_later_changes_nothing(table):
    short = table.iloc[:300].reset_index(drop=True)
    for make in (amlworld.patterns, amlworld.accounts):
        whole, part = make(table).iloc[:300], make(short)
        assert part.equals(whole.astype(part.dtypes))


def test_a_cycle_is_counted_where_it_closes(tmp_path):
    ends = [("A", "B"), ("B", "C"), ("C", "A"), ("D", "A")]
    rows = [(f"2022/09/01 0{k}:00", 1, a, 1, b, 5, "Euro", 5, "Euro", "Wire", 0) for k, (a, b) in enumerate(ends)]
    found = amlworld.patterns(
        amlworld.read(protocol_files.write(tmp_path / "X_Trans.csv", protocol_files.AMLWORLD, rows))
    )
    assert found["cycle_3_or_more"].tolist() == [0.0, 0.0, 1.0, 0.0]
    assert found["fan_in_2"].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_the_tables_of_the_protocol(path, few_trees):
    found, about = amlworld.run(path.parent, 7, lambda *step: None).values()
    of = found.set_index(["features", "tested on"])
    assert of.loc[("raw", "last 20 %"), "published_f1_percent"] == 21.3
    assert of.loc[("raw", "last 20 %"), "f1_percent"] == pytest.approx(100 * of.loc[("raw", "last 20 %"), "f1"])
    nominal = of.loc[("raw", "of it, the nominal period")]
    assert nominal["positives"] == of.loc[("raw", "last 20 %"), "positives"] - 12
    rule = of.loc[("after the last licit transaction", "last 20 %")]
    assert rule["precision"] == 1.0
    numbers = about.set_index("what")["number"]
    assert (numbers["transactions"], numbers["of these laundering"]) == ("600", "12")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Timestamp", "Time", "the header is 'Time,"),
        ("2022/09/01", "2022-09-01", "column 'Timestamp', row 1"),
        ("Reinvestment,0", "Reinvestment,2", "column 'Is Laundering', row 1: got '2'"),
        (",3697.34,US", ",many,US", "column 'received'"),
    ],
)
def test_files_that_are_not_as_published(tmp_path, old, new, said):
    file = tmp_path / "HI-Small_Trans.csv"
    file.write_text((protocol_files.AMLWORLD + "\n" + LINE).replace(old, new, 1))
    with pytest.raises(DataError) as error:
        amlworld.read(file)
    assert said in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no file \*_Trans\.csv"):
        amlworld.run(tmp_path, 7, lambda *step: None)
