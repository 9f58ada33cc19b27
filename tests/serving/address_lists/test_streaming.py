"""Lists as they come: with any line ends, in one row group, as text in folders; streamed, whatever their length."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from walletprint.features.base.errors import DataError
from walletprint.features.transfers.input_files import find_files
from walletprint.serving.address_lists import reader

NAMES = [f"0x{n:040x}" for n in range(3)]
MANY = 25_000


def addresses(*places: Path) -> list[str | None]:
    return [row.address for row in reader.stream_rows(places)]


@pytest.mark.parametrize("start", ["", "\ufeff", "\ufeff\r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_as_they_like(tmp_path, start, end, last):
    for name, lines in (("a.csv", ["address,case", *(f"{name},c" for name in NAMES)]), ("a.txt", NAMES)):
        text = start + end.join(lines) + (end if last else "")
        (tmp_path / name).write_bytes(text.encode())
        rows = list(reader.stream_rows([tmp_path / name]))
        assert [row.address for row in rows] == NAMES
        assert {row.values for row in rows} <= {("c",), ()}


def test_text_lists_are_found_in_folders_and_patterns(tmp_path):
    for name in ("a.csv", "b.txt", "c.txt.gz", "d.parquet", "notes.md", "e.bad.parquet"):
        (tmp_path / name).write_bytes(b"")
    found = [path.name for path in reader.find_lists(tmp_path)]
    assert found == ["a.csv", "b.txt", "c.txt.gz", "d.parquet"]
    assert [path.name for path in reader.find_lists(str(tmp_path / "*.txt"))] == ["b.txt"]
    assert [path.name for path in find_files(tmp_path)] == ["a.csv", "d.parquet"]
    for name in ("a.csv", "b.txt", "c.txt.gz", "d.parquet"):
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match="the folder holds no Parquet, CSV or text file"):
        reader.find_lists(tmp_path)
    with pytest.raises(DataError, match="no Parquet, CSV or text file fits"):
        reader.find_lists(str(tmp_path / "*.txt"))


def traced(work: Callable[[], object]) -> int:
    """The bytes that Python held at most while `work` ran."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def write_csv(place: Path) -> None:
    with place.open("w") as file:
        file.write("address,case\n")
        file.writelines(f"0x{n:040x},{n}\n" for n in range(MANY))


def write_text(place: Path) -> None:
    with place.open("w") as file:
        file.writelines(f"0x{n:040x}\n" for n in range(MANY))


def write_parquet(place: Path) -> None:
    table = pa.table({"address": [f"0x{n:040x}" for n in range(MANY)], "case": range(MANY)})
    pq.write_table(table, place, row_group_size=MANY)


@pytest.mark.parametrize(("write", "ending"), [(write_csv, "csv"), (write_text, "txt"), (write_parquet, "parquet")])
def test_lists_are_streamed(tmp_path, write, ending):
    place = tmp_path / f"a.{ending}"
    write(place)
    rows = []
    peak = traced(lambda: rows.append(sum(1 for _ in reader.stream_rows([place]))))
    assert rows == [MANY]
    assert peak < 3_500_000  # 25,000 rows in memory would be about 8 MB


def test_a_small_file_of_a_long_text_said_often_is_no_large_memory(tmp_path):
    often = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, np.int32)), pa.array(["x" * 10_000_000]))
    table = pa.table({"address": [f"0x{n:040x}" for n in range(20_000)], "note": often})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    del table, often
    allocated = pa.default_memory_pool().bytes_allocated()
    peak = traced(lambda: sum(row.values[0].endswith("…") for row in reader.stream_rows([tmp_path / "a.parquet"])))
    assert peak < 40_000_000
    assert pa.default_memory_pool().bytes_allocated() - allocated < 1_000_000
