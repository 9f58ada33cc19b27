"""The protocols' reader: what was published is read; what was not is told in one line with file, column and what to do."""

import numpy as np
import pandas as pd
import pytest

from walletprint.experiments.protocols import input_files as files
from walletprint.features.base.errors import DataError

TYPES = {"txId": files.WHOLE, "class": files.TEXT}


def test_the_named_columns_are_read_with_their_types(tmp_path):
    path = tmp_path / "classes.csv"
    path.write_text("\ufefftxId, class ,note\n7,1,x\n8,unknown,y\n", encoding="utf-8")
    table = files.read_csv(path, TYPES, "here")
    assert table.to_dict("list") == {"txId": [7, 8], "class": ["1", "unknown"]}


def test_all_other_columns_are_read_as_one_type_if_asked_for(tmp_path):
    path = tmp_path / "features.csv"
    path.write_text("txId,class,a,b\n7,1,0.5,\n8,2,1,2\n")
    table = files.read_csv(path, TYPES, "here", rest=files.NUMBER)
    assert table["a"].tolist() == [0.5, 1.0]
    assert np.isnan(table["b"][0])


def test_a_file_without_a_header_gets_its_names(tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("7,1\n8,2\n")
    table = files.read_csv(path, TYPES, "here", names=["txId", "class"], titled=False)
    assert table["txId"].tolist() == [7, 8]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("txId,klass\n7,1\n", "no column 'class' (there are: txId, klass); give the file as published (here)"),
        ("txId,class,class\n7,1,2\n", "column 'class' comes twice"),
        ("txId,class\n7,1\nseven,2\n", "column 'txId'"),
        ("txId,class\n7,1\nseven,2\n", "'seven'"),
        ("txId,class\n7,1\n8\n", "no such CSV"),
        ("txId,class\n,1\n8,2\n", "column 'txId', row 1: is empty"),
        ("", "no column 'txId'"),
    ],
)
def test_what_was_not_published_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "classes.csv"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        files.read_csv(path, TYPES, "here")
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_number_of_columns_is_told(tmp_path):
    path = tmp_path / "plain.csv"
    path.write_text("7,1,3\n")
    with pytest.raises(DataError, match="3 columns, where 2 were published"):
        files.read_csv(path, TYPES, "here", names=["txId", "class"], titled=False)


def test_a_file_is_found_in_the_folder_or_one_below(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.csv").write_text("")
    assert files.find(tmp_path, "a.csv", "here") == tmp_path / "below" / "a.csv"
    (tmp_path / "a.csv").write_text("")
    assert files.find(tmp_path, "a.csv", "here") == tmp_path / "a.csv"
    with pytest.raises(
        DataError, match=r"no file b\.csv there or one folder below; give the folder that holds it \(here\)"
    ):
        files.find(tmp_path, "b.csv", "here")


def test_two_files_of_one_name_are_told(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("")
    with pytest.raises(DataError, match=r"2 files a\.csv"):
        files.find(tmp_path, "a.csv", "here")


def test_codes_become_outcomes_and_others_are_told(tmp_path):
    codes = {"1": 1, "2": 0, "unknown": -1}
    assert files.outcomes(tmp_path, pd.Series(["2", "unknown", "1"]), codes).tolist() == [0, -1, 1]
    with pytest.raises(DataError, match="column 'class', row 2: got '3', published are 1, 2, unknown"):
        files.outcomes(tmp_path, pd.Series(["2", "3"]), codes)
