"""The canonical table: what is refused and why, what is normalised, what counts once, and reading it from anything."""

import gzip
import itertools
import json
import random

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reading import canonical_table

from walletprint.features import Ledger
from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.transfers.addresses import address_problems, normalise_addresses
from walletprint.features.transfers.row_checks import check_rows
from walletprint.features.transfers.schema import MARK, SCHEMA, transfer_columns

A, B = "0x" + "a" * 40, "0x" + "b" * 40
T0 = 1_600_000_000
ROW = {"timestamp": T0, "sender": A, "receiver": B, "amount": 1.0, "asset": "ETH", "tx_id": "0x01"}


def table_of(*rows) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


def checked(*rows, first_row: int = 1) -> tuple[pa.Table, pa.Table]:
    """Good rows as they are staged, and bad ones."""
    table = table_of(*rows)
    return check_rows(transfer_columns(table), np.arange(first_row, first_row + len(rows)), table)


def reasons(*rows) -> list[str]:
    return checked(*rows)[1]["reason"].to_pylist()


def distinct(*rows) -> pa.Table:
    """The distinct transfers among rows that are all good."""
    table, rejected = canonical_table(table_of(*rows))
    assert not len(rejected)
    return table


def test_the_schema_is_what_is_promised():
    assert SCHEMA.metadata == MARK
    assert [field.name for field in SCHEMA if not field.nullable] == [
        "timestamp", "sender", "receiver", "amount", "asset", "tx_id", "self_transfer",
    ]  # fmt: skip
    table = distinct(ROW)
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table["timestamp"].to_pylist() == [pd.Timestamp(T0, unit="s", tz="UTC")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": None}, "timestamp is missing or no time"),
        ({"timestamp": T0 * 1000}, "timestamp looks like milliseconds: give unix seconds"),
        ({"timestamp": T0 * 10**6}, "timestamp looks like microseconds: give unix seconds"),
        ({"timestamp": T0 * 10**9}, "timestamp looks like nanoseconds: give unix seconds"),
        ({"timestamp": 0}, "timestamp is outside 2009-01-03 to 2100-01-01"),
        ({"timestamp": 1_230_940_799}, "timestamp is outside 2009-01-03 to 2100-01-01"),
        ({"timestamp": 4_102_444_800}, "timestamp is outside 2009-01-03 to 2100-01-01"),
        ({"sender": ""}, "sender: address is empty"),
        ({"sender": None}, "sender: address is empty"),
        ({"receiver": "  "}, "receiver: address is empty"),
        ({"receiver": "nan"}, "receiver: address is a null written as text"),
        ({"receiver": "1A b"}, "receiver: address has white space or a control character inside"),
        ({"receiver": "1A\u200bb"}, "receiver: address has white space or a control character inside"),
        ({"receiver": "0x123"}, "receiver: address starts with 0x but has not 40 (or 62 to 64) hex digits"),
        ({"receiver": B[:-1] + "g"}, "receiver: address starts with 0x but has not 40 (or 62 to 64) hex digits"),
        ({"receiver": "1" * 129}, "receiver: address is longer than 128 characters"),
        ({"amount": -1.0}, "amount is negative"),
        ({"amount": float("nan")}, "amount is not finite"),
        ({"amount": float("inf")}, "amount is not finite"),
        ({"amount": None}, "amount is missing"),
        ({"asset": None}, "asset is missing"),
        ({"asset": " "}, "asset is missing"),
        ({"usd": -1.0}, "usd is negative or infinite"),
        ({"fee": float("inf")}, "fee is negative or infinite"),
        ({"gas_price": "dear"}, "gas_price is not a number"),
        ({"nonce": 1.5}, "nonce is not a whole number"),
        ({"failed": "perhaps"}, "failed is neither true nor false"),
    ],
)
def test_bad_rows_are_set_aside_with_a_reason_and_the_good_ones_stay(change, reason):
    good, bad = checked(ROW, ROW | change, ROW, first_row=10)
    assert bad["reason"].to_pylist() == [reason]
    assert bad["row"].to_pylist() == [11]
    record = json.loads(bad["record"][0].as_py())
    assert record["tx_id"] == "0x01"
    assert len(good) == 2


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("2020-01-01T00:00:00", "timestamp has no time zone: write it with Z or an offset"),
        ("2020-01-01", "timestamp has no time zone: write it with Z or an offset"),
        ("2020-02-30T00:00:00Z", "timestamp is no time"),
        ("yesterday", "timestamp is no time"),
        ("1600000000000", "timestamp looks like milliseconds: give unix seconds"),
        ("", "timestamp is missing"),
    ],
)
def test_times_as_text_that_are_refused(stamp, reason):
    assert reasons(ROW | {"timestamp": stamp}) == [reason]


@pytest.mark.parametrize(
    "stamp",
    [
        "1600000000",
        "2020-09-13T12:26:40Z",
        "2020-09-13 14:26:40.999999+02:00",
        "2020-09-13 12:26:40 UTC",
        "2020-09-13T12:26:40+00",
    ],
)
def test_times_as_text_that_are_one_time(stamp):
    assert checked(ROW | {"timestamp": stamp})[0]["timestamp"].to_pylist() == [T0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetimes_are_utc_of_whole_seconds_or_refused_without_a_zone(unit):
    times = pd.Series(pd.to_datetime([T0 * 1000 + 999], unit="ms", utc=True)).dt.as_unit(unit)
    frame = pd.DataFrame([ROW]).assign(timestamp=times.dt.tz_convert("Asia/Tokyo"))
    assert canonical_table(frame)[0]["timestamp"].to_pylist() == [pd.Timestamp(T0, unit="s", tz="UTC")]
    with pytest.raises(DataError, match="timestamp has no time zone"):
        Ledger.from_transfers(frame.assign(timestamp=times.dt.tz_localize(None)))


def test_amounts_as_text_and_decimals():
    rows = [ROW | {"amount": text} for text in ("1e3", "0.1", ".5", str(2**256 // 10**39), "-0.0")]
    assert checked(*rows)[0]["amount"].to_pylist() == [1000.0, 0.1, 0.5, float(2**256 // 10**39), 0.0]
    assert reasons(*(ROW | {"amount": text} for text in ("nan", "inf", "1,5", "0x10", "", "-1"))) == [
        "amount is not finite", "amount is not finite", "amount is not a number", "amount is not a number", "amount is missing",
        "amount is negative",
    ]  # fmt: skip


def test_addresses_are_spelt_one_way():
    spelt = pa.array([" 0xABCDEF" + "0" * 34, "0X" + "F" * 40, "0x" + "A" * 64, "bc1QXyZ", "1AbC", "0xABC", None])
    want = ["0xabcdef" + "0" * 34, "0x" + "f" * 40, "0x" + "a" * 64, "bc1QXyZ", "1AbC", "0xABC", None]
    assert normalise_addresses(spelt).to_pylist() == want
    assert normalise_addresses(pa.chunked_array([spelt.slice(0, 3), spelt.slice(3)])).to_pylist() == want
    assert address_problems(spelt.slice(0, 5)).to_pylist() == [None] * 5
    assert address_problems(pa.array([A, A])).to_pylist() == [None, None]


def test_self_transfers_are_kept_and_marked_whatever_the_column_says():
    table = distinct(ROW | {"receiver": A.upper().replace("0X", "0x"), "self_transfer": False}, ROW)
    assert table["self_transfer"].to_pylist() == [True, False]


def test_duplicates_count_once_and_in_order():
    later = ROW | {"timestamp": T0 + 1}
    table = distinct(later, ROW, ROW | {"usd": 5.0}, ROW | {"amount": 2.0}, later)
    assert table["amount"].to_pylist() == [1.0, 2.0, 1.0]
    assert table["usd"].to_pylist() == [5.0, None, None]  # of copies the one that knows more
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert canonical_table(table)[0].equals(table)


def test_rows_without_an_id_are_all_transfers_of_their_own():
    row = {key: value for key, value in ROW.items() if key != "tx_id"}
    name, copy = distinct(row, row)["tx_id"].to_pylist()
    assert copy == name + "#2"
    table = distinct(row, row, row | {"amount": 2.0})
    ids = table["tx_id"].to_pylist()
    assert len(set(ids)) == 3
    assert sorted(distinct(row | {"amount": 2.0}, row, row)["tx_id"].to_pylist()) == sorted(ids)
    assert canonical_table(table)[0].equals(table)


def test_numbered_copies_are_not_numbered_again():
    table = distinct(ROW, ROW | {"tx_id": "0x01#2"}, ROW | {"tx_id": "0x01#2"})
    assert table["tx_id"].to_pylist() == ["0x01", "0x01#2"]


def test_ids_of_the_users_own_with_a_hash_sign_stay_as_they_are():
    table = distinct(ROW | {"tx_id": "bill #7"}, ROW | {"tx_id": "bill #8"})
    assert table["tx_id"].to_pylist() == ["bill #7", "bill #8"]


FORMS = {
    "frame": lambda frame, folder: frame,
    "arrow": lambda frame, folder: pa.table({name: frame[name].tolist() for name in frame}),
    "duckdb": lambda frame, folder: duckdb.sql("SELECT * FROM frame"),
    "csv": lambda frame, folder: _written(frame.to_csv, folder / "t.csv"),
    "csv.gz": lambda frame, folder: _written(frame.to_csv, folder / "t.csv.gz"),
    "parquet": lambda frame, folder: _written(frame.to_parquet, folder / "t.parquet"),
    "folder": lambda frame, folder: _written(frame.to_parquet, folder / "deep" / "er" / "t.parquet").parents[1],
    "glob": lambda frame, folder: str(_written(frame.to_parquet, folder / "t.parquet").parent / "*.parquet"),
    "list": lambda frame, folder: [_written(frame.to_parquet, folder / "t.parquet")] * 2,
}


def _written(write, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, index=False)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_one_table_from_every_form_it_may_come_in(tmp_path, form):
    frame = pd.DataFrame([ROW, ROW | {"timestamp": T0 - 5, "tx_id": "0x02"}, ROW, ROW | {"amount": -1.0}])
    table, rejected = canonical_table(FORMS[form](frame, tmp_path))
    assert table["tx_id"].to_pylist() == ["0x02", "0x01"]
    assert rejected["row"].to_pylist() == [4]
    assert (rejected["file"][0].as_py() is None) == (form in ("frame", "arrow", "duckdb"))
    assert table.schema.equals(SCHEMA, check_metadata=True)


def test_files_of_ingest_are_merged_with_each_other_and_with_others(tmp_path):
    one = _written(pd.DataFrame([ROW, ROW | {"timestamp": T0 + 9, "tx_id": "0x09"}]).to_csv, tmp_path / "one.csv")
    two = _written(pd.DataFrame([ROW, ROW | {"timestamp": T0 + 5, "tx_id": "0x05"}]).to_csv, tmp_path / "two.csv")
    outs = [ingest(path, tmp_path / "out" / (path.stem + ".parquet")).out for path in (one, two)]
    assert canonical_table(outs[0])[0].equals(pq.read_table(outs[0]))
    for paths in (outs[0].parent, [outs[0], two]):
        assert canonical_table(paths)[0]["tx_id"].to_pylist() == ["0x01", "0x05", "0x09"]
        assert Ledger.from_transfers(paths).transfers == 3


def test_an_empty_frame_is_an_empty_table():
    assert Ledger.from_transfers(pd.DataFrame([ROW]).iloc[:0]).transfers == 0


def test_a_column_of_mixed_types_is_read_row_by_row():
    frame = pd.DataFrame([ROW, ROW | {"tx_id": "0x02"}]).astype(object)
    frame.loc[1, "timestamp"] = "2020-09-13T12:26:40Z"
    frame.loc[1, "amount"] = "2"
    assert canonical_table(frame)[0]["amount"].to_pylist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        ("/none/such.parquet", DataError, "/none/such.parquet: no such file or folder"),
        ("/none/*.parquet", DataError, "no Parquet or CSV file fits this pattern"),
        ([], DataError, "no input"),
        (7, UsageError, "got int"),
        (
            pd.DataFrame([ROW]).drop(columns="asset"),
            DataError,
            "lacks asset; its columns: timestamp, sender, receiver, amount, tx_id",
        ),
        (pd.concat([pd.DataFrame([ROW])] * 2, axis=1), DataError, "timestamp, tx_id occur twice"),
        (
            pd.DataFrame([ROW | {"amount": np.nan}] * 2),
            DataError,
            r"no good transfer among 2 rows; .* \(2 rows\): amount is missing",
        ),
    ],
)
def test_what_is_no_table_of_transfers_is_refused_in_one_line(source, error, text):
    with pytest.raises(error, match=text) as caught:
        Ledger.from_transfers(source)
    assert "\n" not in str(caught.value)


def test_columns_of_other_types_make_bad_rows():
    frame = pd.DataFrame([ROW, ROW])
    for change in (
        {"sender": [[1], [2]]},
        {"sender": [b"\xff", b"a"]},
        {"amount": [True, False]},
        {"timestamp": [{"a": 1}] * 2},
    ):
        with pytest.raises(DataError, match=next(iter(change))):
            Ledger.from_transfers(frame.assign(**change))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no Parquet or CSV file"):
        Ledger.from_transfers(tmp_path)


def test_files_that_cannot_be_read_are_named(tmp_path):
    good = _written(pd.DataFrame([ROW] * 1000).to_parquet, tmp_path / "good.parquet").read_bytes()
    spoilt = {
        "cut.parquet": good[: len(good) // 2],
        "empty.parquet": b"",
        "empty.csv": b"",
        "cut.csv.gz": gzip.compress(b"timestamp,sender,receiver,amount,asset\n" + b"1,2,3,4,5\n" * 9999)[:-20],
        "latin.csv": b"timestamp,sender,receiver,amount,asset\n1600000000,J\xe9,B,1,ETH\n",
        "wide.csv": "timestamp,sender".encode("utf-16"),
        "binary.csv": good,
        "twice.csv": b"timestamp,sender,sender,receiver,amount,asset\n",
        "cut.csv": b"timestamp,sender,receiver,amount,asset",
        "table.xlsx": b"PK",
    }
    for name, content in spoilt.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name) as caught:
            Ledger.from_transfers(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(3))
def test_deduplication_is_that_of_a_set_and_heeds_no_order(seed):
    draw = random.Random(seed)
    values = {
        "timestamp": range(T0, T0 + 4),
        "tx_id": ["0x01", "0x02"],
        "sender": [A, B, "1A"],
        "receiver": [A, B, "1A"],
        "asset": ["ETH", "BTC"],
        "amount": [0.0, 1.0, 0.1],
    }
    rows = draw.choices(list(itertools.product(*values.values())), k=400)  # of 432: many come twice, some never
    table = canonical_table(pd.DataFrame(rows, columns=list(values)))[0]
    times = table["timestamp"].cast(pa.timestamp("s", "UTC")).cast(pa.int64())
    columns = [times.to_pylist(), *(table[name].to_pylist() for name in list(values)[1:])]
    assert list(zip(*columns, strict=True)) == sorted(set(rows))
    draw.shuffle(rows)
    assert canonical_table(pd.DataFrame(rows, columns=list(values)))[0].equals(table)
