"""The caller's own columns in batches: as texts, file by file, bounded; none costs a row; resumed to the same bytes."""

import datetime
import decimal
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from walletprint.features.base import atomic_write
from walletprint.features.base.errors import DataError
from walletprint.serving.address_lists import caller_columns, parquet_lists, reader
from walletprint.serving.address_lists.list_rows import ListRow, Reject
from walletprint.serving.batch import run, score_batch

AS_OF, AT = "2021-04-01", datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
NAMES = [f"0x{n:040x}" for n in range(40)]


@pytest.fixture
def batch(scorer, ledger, tmp_path):
    def call(addresses: Path, out: str = "scores", **given):
        given = {"as_of": AS_OF, "scored_at": AT, "rows_per_part": 10} | given
        return score_batch(scorer, ledger, addresses, tmp_path / out, **given)

    return call


@pytest.fixture
def listed(tmp_path) -> Callable[..., Path]:
    def write(file: str = "a.parquet", **columns: object) -> Path:
        address = columns.pop("address", NAMES[: len(next(iter(columns.values())))])
        pq.write_table(pa.table({"address": address, **columns}), tmp_path / file, row_group_size=5)
        return tmp_path / file

    return write


def echoed(folder: Path) -> list[list[dict] | None]:
    return pq.read_table(folder / "scores")["caller_columns"].to_pylist()


def values_of(place: Path) -> list[ListRow | Reject]:
    return list(reader.stream_rows([place]))


def test_numbers_dates_and_texts_are_what_the_scorer_makes_of_a_frame(batch, listed, scorer, ledger, tmp_path):
    place = listed(
        number=range(3), share=[0.1, None, 2.5], small=pa.array([0.1, 2.0, 3.5], pa.float32()), sure=[True, False, True],
        day=[datetime.date(2021, 4, 1)] * 3, at=pa.array([datetime.datetime(2021, 4, 1, 1, 2, 3, 4)] * 3, pa.timestamp("us")),
        zoned=pa.array([AT] * 3, pa.timestamp("ns", "UTC")), price=[decimal.Decimal("1.50")] * 3, note=["a", None, "ü"],
        raw=[b"x", b"\xff", b""], kind=pa.array(["p", None, "q"]).dictionary_encode(), clock=[datetime.time(1, 2)] * 3,
    )  # fmt: skip
    batch(place)
    frame = pq.read_table(place).to_pandas(date_as_object=True)
    expected = scorer.score(frame.assign(zoned=frame["zoned"].dt.tz_convert("UTC")), ledger, AS_OF)["caller_columns"]
    assert echoed(tmp_path / "scores") == expected.tolist()


def test_lists_and_records_are_json_and_whole_numbers_stay_whole(listed):
    rows = values_of(
        listed(n=pa.array([7, None]), tags=[["a", None], []], who=[{"name": "ü", "age": 3}, None], gone=pa.nulls(2))
    )
    assert rows[0].names == ("n", "tags", "who", "gone")
    assert rows[0].values == ("7", '["a", null]', '{"name": "ü", "age": 3}', None)
    assert rows[1].values == (None, "[]", None, None)


def test_a_csv_cell_stays_as_it_is_and_an_empty_one_is_missing(tmp_path):
    (tmp_path / "a.csv").write_text(f"case,address, case \n007,{NAMES[0]},\n,{NAMES[1]},1.50\n")
    rows = values_of(tmp_path / "a.csv")
    assert [row.names for row in rows] == [("case", "case")] * 2
    assert [row.values for row in rows] == [("007", None), (None, "1.50")]


def test_each_row_echoes_the_columns_of_its_own_file(batch, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text(f"address,case\n{NAMES[0]},C-1\n")
    (folder / "b.txt").write_text(f"{NAMES[1]}\n")
    pq.write_table(pa.table({"customer": [7], "address": [NAMES[2]], "owner": ["x"]}), folder / "c.parquet")
    pd.DataFrame({"address": [NAMES[3]]}, index=["i"]).to_parquet(folder / "d.parquet")
    batch(folder)
    assert echoed(tmp_path / "scores") == [
        [{"column": "case", "value": "C-1"}],
        None,
        [{"column": "customer", "value": "7"}, {"column": "owner", "value": "x"}],
        None,
    ]


@pytest.mark.parametrize("suffix", ["", ".csv", ".jsonl", ".parquet"])
def test_a_resumed_batch_echoes_the_same_bytes(batch, listed, tmp_path, monkeypatch, suffix):
    place = listed(case=[f"C-{n}" for n in range(25)])
    batch(place, f"whole{suffix}")

    def full(fresh: Path, place: Path) -> None:
        if place.name == "part-000001.parquet":
            raise OSError(28, "No space left on device")
        fresh.rename(place)

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write, "move", full)
        with pytest.raises(DataError, match="No space left"):
            batch(place, f"again{suffix}")
    assert batch(place, f"again{suffix}", resume=True)["rows_kept"] == 10
    for found in (
        sorted((tmp_path / f"whole{suffix}").rglob("*.parquet")) if not suffix else [tmp_path / f"whole{suffix}"]
    ):
        again = Path(str(found).replace("whole", "again"))
        assert again.read_bytes() == found.read_bytes()
        assert suffix in ("", ".parquet") or b"C-24" in found.read_bytes()


def test_a_bad_value_costs_no_row(tmp_path, listed):
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"M\xfcller", b"ok"]).buffers())
    rows = values_of(listed(name=bad, far=pa.array([10**15, 0], pa.timestamp("s"))))
    assert [row.values[0] for row in rows] == ["M�ller", "ok"]
    assert rows[1].values[1] == "1970-01-01 00:00:00"
    (tmp_path / "a.csv").write_bytes(b"address,n\xe4me\r\n0x1,M\xfcller\r\n0x\xff,x\r\n")
    good, aside = values_of(tmp_path / "a.csv")
    assert (good.names, good.values) == (("n�me",), ("M�ller",))
    assert (aside.row, aside.reason) == (3, "is not UTF-8 text")


def test_an_address_that_is_no_text_costs_its_row_and_no_other(listed):
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"0x\xff", NAMES[1].encode()]).buffers())
    aside, good = values_of(listed(address=bad, case=["a", "b"]))
    assert (aside.row, aside.rows, aside.reason) == (1, 1, "is not UTF-8 text")
    assert (good.address, good.values) == (NAMES[1], ("b",))


def test_damage_in_a_further_column_costs_that_column_and_no_row(batch, tmp_path):
    marks = [f"mark-{n:03}-{'x' * 20}" for n in range(20)]
    pq.write_table(pa.table({"address": NAMES[:20], "case": marks}), tmp_path / "a.parquet", row_group_size=10,
                   compression="none", use_dictionary=False, write_page_checksum=True, write_statistics=False)  # fmt: skip
    raw = bytearray((tmp_path / "a.parquet").read_bytes())
    raw[raw.find(marks[12].encode()) + 6] ^= 8
    (tmp_path / "a.parquet").write_bytes(raw)
    told = batch(tmp_path / "a.parquet")
    assert told["rows"] == 20
    table = pq.read_table(tmp_path / "scores" / "scores")
    assert table["address"].to_pylist() == NAMES[:20]
    assert [row and row[0]["value"] for row in table["caller_columns"].to_pylist()] == [*marks[:10], *[None] * 10]
    (aside,) = pq.read_table(told["quarantine"]).to_pylist()
    assert (aside["row"], aside["rows"]) == (11, 0)
    assert "columns beside address cannot be read from here on: row group 2" in aside["reason"]


def test_too_many_columns_are_one_clear_refusal(batch, listed, tmp_path):
    many = {f"c{n}": [n] for n in range(caller_columns.MOST)}
    (tmp_path / "a.csv").write_text(f"address,{','.join(many)}\n{NAMES[0]},{',' * len(many)}\n")
    for place in (listed(**many), listed("b.parquet", record=[many]), tmp_path / "a.csv"):
        with pytest.raises(DataError, match=r"got 257 columns, at most 256 are allowed; leave out those"):
            batch(place)
    (tmp_path / "b.csv").write_text(f"address,{'x' * 70_000}\n{NAMES[0]},\n")
    with pytest.raises(DataError, match=r"b.csv: its first line: the line is longer than 65536 bytes"):
        batch(tmp_path / "b.csv")


def test_long_texts_are_cut(listed):
    rows = values_of(listed(x=["ü" * caller_columns.LONGEST, "ü" * 1_000_000], **{"n" * 20_000: ["a", "b"]}))
    assert [row.values[0] for row in rows] == ["ü" * caller_columns.LONGEST, "ü" * caller_columns.LONGEST + "…"]
    assert len(rows[0].names[1]) == caller_columns.LONGEST + 1


def test_wide_lists_are_scored_in_smaller_parts(batch, listed, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_CHARACTERS", 400)
    batch(listed(note=["y" * 150] * 9))
    manifest = json.loads((tmp_path / "scores" / "manifest.json").read_text())
    assert [part["rows"] for part in manifest["parts"]] == [3, 3, 3]


def test_lists_within_lists_that_are_too_much_are_left_out(tmp_path):
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3, np.int32)), pa.array(["x" * 300_000]))
    lists = pa.ListArray.from_arrays(pa.array(range(4), pa.int32()), words)
    pq.write_table(pa.table({"address": NAMES[:3], "x": lists}), tmp_path / "a.parquet")
    *rows, aside = values_of(tmp_path / "a.parquet")
    assert [(row.address, row.values) for row in rows] == [(name, ()) for name in NAMES[:3]]
    assert aside.rows == 0
    assert "x holds more than 65536 bytes per row" in aside.reason


def test_a_column_that_holds_more_than_any_list_is_not_read(listed, monkeypatch):
    monkeypatch.setattr(parquet_lists, "_WIDE", 1_000)
    *rows, aside = values_of(listed(x=[f"{n}" * 30_000 for n in range(3)]))
    assert [row.values for row in rows] == [()] * 3
    assert "row group 1: x holds 90," in aside.reason
