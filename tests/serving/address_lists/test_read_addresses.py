"""Lists of addresses as users keep them, and the one line they get for those that cannot be read."""

import pandas as pd
import pytest

from walletprint.features.base.errors import DataError
from walletprint.serving import read_addresses


def test_csv_keeps_order_duplicates_and_empty_cells(tmp_path):
    path = tmp_path / "wallets.csv"
    path.write_text("name, address ,as_of\nx,0xB,2021-04-01\n\ny,,2021-05-01\nz,0xB,\n", encoding="utf-8-sig")
    frame = read_addresses(path)
    assert frame.columns.tolist() == ["address", "as_of"]
    assert frame["address"].tolist() == ["0xB", "", "0xB"]
    assert frame["as_of"].tolist() == ["2021-04-01", "2021-05-01", ""]


def test_csv_keeps_words_that_look_like_missing_values(tmp_path):
    path = tmp_path / "wallets.csv"
    path.write_text("address\nNA\nnull\n007\n")
    assert read_addresses(path)["address"].tolist() == ["NA", "null", "007"]


def test_parquet_keeps_the_types_of_dates(tmp_path):
    path = tmp_path / "wallets.parquet"
    given = pd.DataFrame(
        {"as_of": pd.to_datetime(["2021-04-01", None], utc=True), "address": ["0xa", None], "n": [1, 2]}
    )
    given.to_parquet(path)
    frame = read_addresses(path)
    assert frame.columns.tolist() == ["address", "as_of"]
    assert frame["address"].isna().tolist() == [False, True]
    assert isinstance(frame["as_of"].dtype, pd.DatetimeTZDtype)


def test_text_skips_blank_lines_and_comments(tmp_path):
    path = tmp_path / "wallets.txt"
    path.write_bytes(b"\xef\xbb\xbf# suspects\r\n0xa\r\n\r\n  0xb  \n#0xc\n")
    assert read_addresses(path)["address"].tolist() == ["0xa", "0xb"]


@pytest.mark.parametrize("name", ["empty.txt", "header.csv"])
def test_no_addresses_are_an_empty_frame_of_texts(tmp_path, name):
    (tmp_path / name).write_text("address\n" if name.endswith("csv") else "")
    frame = read_addresses(tmp_path / name)
    assert len(frame) == 0
    assert frame["address"].dtype == "str"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, "no such file"),
        ("empty.csv", b"", "is needed, got: none (the file is empty)"),
        ("columns.csv", b"wallet,when\n0xa,1\n", "a column `address` is needed, got: wallet, when"),
        (
            "ragged.csv",
            b"address,as_of\n0xa,2021-01-01\n0xb\n",
            "ragged.csv, line 3: 1 cells, but the first line has 2",
        ),
        ("quote.csv", b'address\n"0xa\n', "quote.csv, line 2: unexpected end of data"),
        ("latin.csv", "address\n\xe9\n".encode("latin-1"), "is not UTF-8 text"),
        ("zip.txt", b"PK\x03\x04\xff\xfe", "is not UTF-8 text"),
        ("broken.parquet", b"PAR1 not really", "cannot be read (damaged or cut off?)"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_addresses(tmp_path / name)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_a_folder_is_no_list(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_addresses(tmp_path)


def test_a_parquet_file_without_the_column_names_those_it_has(tmp_path):
    pd.DataFrame({"wallet": ["0xa"]}).to_parquet(tmp_path / "w.parquet")
    with pytest.raises(DataError, match="is needed, got: wallet"):
        read_addresses(tmp_path / "w.parquet")
