"""Which files a folder or a glob pattern stands for."""

import pytest

from walletprint.features.transfers.input_files import files_within

NAMES = ("b.csv", "A.CSV", "deep/er/c.csv", ".hidden.csv", "_work/d.csv", "x.bad.parquet", "note.txt", "e.parquet")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["A.CSV", "b.csv", "deep/er/c.csv", "e.parquet"]),
        ("*.csv", ["b.csv"]),
        ("**/*.csv", ["_work/d.csv", "b.csv", "deep/er/c.csv"]),  # the pattern names the folders
        ("*", ["A.CSV", "b.csv", "e.parquet"]),
        ("*.txt", []),
        ("b.csv", None),
        ("missing", None),
    ],
)
def test_hidden_files_quarantines_and_other_endings_are_skipped(tmp_path, path, names):
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = files_within(tmp_path / path, (".csv", ".parquet"))
    assert (files and [str(file.relative_to(tmp_path)) for file in files]) == names
