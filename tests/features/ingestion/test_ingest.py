"""Ingest as a whole: what is written, what is set aside, what order and split may not change, and what a crash may not leave."""

import json
import random
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import canonical_table

from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.ingestion import work_folder
from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.transfers.schema import MARK, QUARANTINE, SCHEMA

A, B, C = ("0x" + digit * 40 for digit in "abc")
T0 = 1_600_000_000
TRANSFER = {"timestamp": T0, "sender": A, "receiver": B, "amount": 1.0, "asset": "ETH", "tx_id": "0x01"}
LISTED = {"hash": "0x02", "timeStamp": T0, "from": A, "to": B, "value_token": 3.5, "contractAddress": C, "wallet": A}


def test_the_report_counts_and_the_file_is_marked_sorted_and_whole(save, tmp_path):
    rows = [TRANSFER | {"timestamp": T0 + 5, "receiver": A}, TRANSFER, TRANSFER, TRANSFER | {"amount": -1.0}]
    edges = [{"sourceNodeId": 1, "targetNodeId": 2, "value": 1.5, "time": 0}]
    report = ingest([save("own.parquet", rows), save("edges.csv", edges)], tmp_path / "deep" / "out.parquet")
    assert (report.read, report.good, report.duplicates, report.bad, report.skipped) == (5, 3, 1, 1, 0)
    assert report.self_transfers == 1
    assert (report.first.isoformat(), report.last.isoformat()) == (
        "2017-01-01T00:00:00+00:00",
        "2020-09-13T12:26:45+00:00",
    )
    assert report.by_source == {"walletprint: transfers": 4, "amlsim: edges": 1}
    assert report.reasons == {"amount is negative": 1}
    table = pq.read_table(report.out)
    assert table.schema.equals(SCHEMA, check_metadata=False)
    assert MARK.items() <= table.schema.metadata.items()
    assert table["self_transfer"].to_pylist() == [False, False, True]
    assert pq.ParquetFile(report.out).metadata.row_group(0).column(1).compression == "ZSTD"
    assert sorted(path.name for path in report.out.parent.iterdir()) == ["out.bad.parquet", "out.parquet"]


def test_bad_rows_go_to_the_quarantine_with_file_row_reason_and_record(tmp_path):
    path = tmp_path / "own.csv"
    lines = [
        "timestamp,sender,receiver,amount,asset,tx_id",
        f"{T0},{A},{B},1,ETH,x1",
        f"{T0},{A},{B},1",  # 2: cut short
        f"{T0 * 1000},{A},{B},1,ETH,x3",
        f'{T0},"{A}",{B},1,"E\nTH",x4',  # 4: a line break within quotes
        f"{T0},{A},0x12,1,ETH,x5",
        f"{T0},{A},{B},1,ETH,x6,surplus",
        f"{T0},{A},{B},NaN,ETH,x7",
        f"{T0},{A},{B},2",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    report = ingest(path, tmp_path / "out.parquet", quarantine=tmp_path / "q" / "bad.parquet")
    bad = pq.read_table(report.quarantine)
    assert bad.schema.equals(QUARANTINE)
    rows = sorted(zip(bad["row"].to_pylist(), bad["reason"].to_pylist(), strict=True))
    assert rows == [
        (2, "line has 4 fields instead of 6"),
        (3, "timestamp looks like milliseconds: give unix seconds"),
        (5, "receiver: address starts with 0x but has not 40 (or 62 to 64) hex digits"),
        (6, "line has 7 fields instead of 6"),
        (7, "amount is not finite"),
        (8, "line has 4 fields instead of 6"),
    ]
    assert set(bad["file"].to_pylist()) == {str(path)}
    records = dict(zip(bad["row"].to_pylist(), bad["record"].to_pylist(), strict=True))
    assert json.loads(records[3])["tx_id"] == "x3"
    assert records[2] == lines[2]
    assert (report.read, report.good, report.bad) == (8, 2, 6)


def test_a_quotation_mark_that_is_not_closed_swallows_no_row_in_silence(tmp_path):
    lines = [f"{T0},{A},{B},1,ETH,x{i}" for i in range(6)]
    lines[2] = f'{T0},{A},{B},1,ETH,"x2'
    (tmp_path / "own.csv").write_text("timestamp,sender,receiver,amount,asset,tx_id\n" + "\n".join(lines) + "\n")
    report = ingest(tmp_path / "own.csv", tmp_path / "out.parquet")
    assert report.good == 2
    assert report.reasons == {"a field holds whole lines: a quotation mark is not closed": 1}
    assert pq.read_table(report.quarantine)["row"].to_pylist() == [3]


def test_row_numbers_hold_over_many_blocks_of_csv(tmp_path, monkeypatch):
    monkeypatch.setattr("walletprint.features.transfers.input_files._BYTES", 2_000)
    good, short, wrong = f"{T0},{A},{B},1,ETH,{{}}", f"{T0},{A}", f"-1,{A},{B},1,ETH,{{}}"
    kinds = random.Random(7).choices("ggggsw", k=500)
    lines = [{"g": good, "s": short, "w": wrong}[kind].format(i) for i, kind in enumerate(kinds)]
    (tmp_path / "own.csv").write_text("timestamp,sender,receiver,amount,asset,tx_id\n" + "\n".join(lines))
    report = ingest(tmp_path / "own.csv", tmp_path / "out.parquet")
    bad = pq.read_table(report.quarantine).to_pandas().set_index("row")["reason"].str.startswith("line")
    assert bad.to_dict() == {i + 1: kind == "s" for i, kind in enumerate(kinds) if kind != "g"}
    assert report.good == kinds.count("g")


def test_a_stale_quarantine_goes_and_nothing_else_does(save, tmp_path):
    path, out = save("own.csv", [TRANSFER]), tmp_path / "out.parquet"
    ingest(save("bad.csv", [TRANSFER, TRANSFER | {"amount": "x"}]), out)
    assert (tmp_path / "out.bad.parquet").exists()
    assert ingest(path, out).quarantine is None
    assert not (tmp_path / "out.bad.parquet").exists()
    other = save("labels.parquet", [{"address": A}])
    ingest(path, out, quarantine=other)
    assert other.exists()


def test_without_a_good_row_the_bad_ones_are_still_there(save, tmp_path):
    path = save("own.csv", [TRANSFER | {"amount": "x"}, TRANSFER | {"amount": "y"}, TRANSFER | {"sender": ""}])
    with pytest.raises(
        DataError, match=r"among 3 rows, 3 of them bad; .* \(2\): amount is not a number; see .*out\.bad"
    ):
        ingest(path, tmp_path / "out.parquet")
    assert len(pq.read_table(tmp_path / "out.bad.parquet")) == 3
    assert not (tmp_path / "out.parquet").exists()


def test_files_without_rows_are_no_transfers(save, tmp_path):
    (tmp_path / "own.csv").write_text("timestamp,sender,receiver,amount,asset\n")
    with pytest.raises(DataError, match="0 rows read"):
        ingest(tmp_path / "own.csv", tmp_path / "out.parquet")


def test_the_same_transfer_through_two_formats_counts_once(save, tmp_path):
    api = {"hash": "0x01", "timeStamp": T0, "from": A, "to": B, "value": str(10**18), "gasPrice": "1", "gasUsed": "1"}
    paths = [save("own.csv", [TRANSFER]), save("list.csv", [api]), save("again.csv", [TRANSFER])]
    report = ingest(paths, tmp_path / "out.parquet")
    assert (report.good, report.duplicates) == (1, 2)
    assert pq.read_table(report.out)["chain"].to_pylist() == ["ethereum"]  # the details of all copies


def test_overlapping_pieces_of_one_list_do_not_double_it(save, tmp_path):
    rows = [LISTED | {"hash": f"0x0{i}"} for i in range(6)] + [LISTED | {"hash": "0x05"}]
    report = ingest([save("one.parquet", rows[:5]), save("two.parquet", rows[3:])], tmp_path / "out.parquet")
    assert pq.read_table(report.out)["tx_id"].to_pylist() == [
        "0x00",
        "0x01",
        "0x02",
        "0x03",
        "0x04",
        "0x05",
        "0x05#2",
    ]


def test_ingesting_the_result_again_changes_nothing(save, tmp_path):
    path = save("lists.parquet", [LISTED] * 3 + [LISTED | {"wallet": B}] * 2)
    nameless = save("own.csv", [{key: value for key, value in TRANSFER.items() if key != "tx_id"}] * 2)
    first = ingest([path, nameless], tmp_path / "first.parquet")
    assert first.good == 5
    assert ingest(first.out, tmp_path / "second.parquet").good == 5
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()
    assert ingest([first.out, path], tmp_path / "third.parquet").good == 5


def test_the_output_may_replace_an_input(save, tmp_path):
    path = save("transfers.parquet", [TRANSFER, TRANSFER])
    assert ingest(path, path).good == 1
    assert MARK.items() <= pq.read_schema(path).metadata.items()


def test_progress_goes_up_to_the_end(save, tmp_path):
    steps = []
    ingest(
        [save("own.csv", [TRANSFER]), save("more.parquet", [TRANSFER])],
        tmp_path / "out.parquet",
        on_progress=lambda *done: steps.append(done),
    )
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert len(set(steps)) >= 3


@pytest.mark.parametrize(
    ("paths", "out", "options", "error", "text"),
    [
        ("none.csv", "out.parquet", {}, DataError, "none.csv: no such file or folder"),
        ("*.csvv", "out.parquet", {}, DataError, "no Parquet or CSV file fits this pattern"),
        ("own.csv", "out.csv", {}, UsageError, "out: .*out.csv must be the name of a Parquet file"),
        ("own.csv", "own.csv/out.parquet", {}, UsageError, "cannot be made a folder"),
        ("own.csv", "out.parquet", {"quarantine": "out.parquet"}, UsageError, "is the output file too"),
        ("own.csv", "out.parquet", {"source": "nansen"}, UsageError, "'nansen' is not known"),
    ],
)
def test_wrong_calls_are_one_line_and_write_nothing(save, tmp_path, paths, out, options, error, text):
    save("own.csv", [TRANSFER])
    options = {key: tmp_path / value if key == "quarantine" else value for key, value in options.items()}
    with pytest.raises(error, match=text) as caught:
        ingest(str(tmp_path / paths), tmp_path / out, **options)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["own.csv"]


def test_a_damaged_file_is_named_and_leaves_the_old_output_alone(save, tmp_path):
    out = ingest(save("own.parquet", [TRANSFER]), tmp_path / "out.parquet").out
    before = out.read_bytes()
    data = save("big.parquet", [TRANSFER | {"tx_id": f"0x{i:x}", "amount": i} for i in range(5000)]).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[: len(data) // 2])
    (tmp_path / "rotten.parquet").write_bytes(b"PAR1" + bytes(2000) + data[2004:])
    for name in ("cut.parquet", "rotten.parquet"):
        with pytest.raises(DataError, match=f"{name}: cannot be read as Parquet"):
            ingest([tmp_path / "own.parquet", tmp_path / name], out)
        assert out.read_bytes() == before
    assert not list(tmp_path.glob(".walletprint-*"))


def test_an_interrupted_ingest_leaves_no_half_written_file(save, tmp_path, monkeypatch):
    path = save("own.parquet", [TRANSFER])

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(work_folder.Merged, "count", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ingest(path, tmp_path / "out.parquet")
    assert [file.name for file in tmp_path.iterdir()] == ["own.parquet"]


def test_a_killed_ingest_leaves_no_half_written_file(save, tmp_path):
    path, out = save("own.parquet", [TRANSFER]), tmp_path / "out" / "out.parquet"
    code = (
        "import os\nfrom walletprint.features.ingestion import work_folder\n"
        "from walletprint.features.ingestion.ingestion import ingest\n"
        "work_folder.Merged.count = lambda *args: os._exit(9)\n"
        f"ingest({str(path)!r}, {str(out)!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert not out.exists()
    assert ingest(path, out).good == 1


def test_files_of_a_folder_are_taken_but_for_hidden_ones_and_quarantines(save, tmp_path):
    folder = tmp_path / "in"
    for name in ("in/a.csv", "in/deep/b.parquet", "in/.hidden.csv", "in/_tmp/c.csv", "in/x.bad.parquet", "in/note.txt"):
        save(name, [TRANSFER | {"tx_id": name}])
    report = ingest(folder, tmp_path / "out.parquet")
    assert sorted(pq.read_table(report.out)["tx_id"].to_pylist()) == ["in/a.csv", "in/deep/b.parquet"]
    assert ingest([folder, folder / "a.csv", folder / ".." / "in" / "a.csv"], tmp_path / "out.parquet").read == 2


def test_odd_names_of_folders(save, tmp_path):
    odd = tmp_path / "it's [1] * ?"
    report = ingest(save("it's [1] * ?/own.parquet", [TRANSFER]), odd / "out.parquet")
    assert len(pq.read_table(odd / "out.parquet")) == report.good == 1


def test_in_memory_and_out_of_core_agree(save, tmp_path):
    rows = [TRANSFER | {"tx_id": f"0x0{i % 7}", "usd": i if i % 3 else None, "amount": i % 5 / 10} for i in range(80)]
    report = ingest(save("own.parquet", rows), tmp_path / "out.parquet")
    assert canonical_table(pd.DataFrame(rows))[0].equals(pq.read_table(report.out))


def test_rows_in_several_groups_and_a_small_memory(save, tmp_path, monkeypatch):
    rows = [TRANSFER | {"tx_id": f"0x{i % 3000:04x}", "timestamp": T0 + i % 50} for i in range(9000)]
    whole = ingest(save("own.parquet", rows), tmp_path / "whole.parquet")
    monkeypatch.setattr(work_folder, "ROW_GROUP", 1000)
    monkeypatch.setattr(work_folder, "MEMORY", "60MB")
    report = ingest(tmp_path / "own.parquet", tmp_path / "groups.parquet")
    assert report.good == whole.good == 3000
    assert pq.ParquetFile(report.out).num_row_groups == 3
    assert pq.read_table(report.out).equals(pq.read_table(whole.out))


WALLETS = st.sampled_from([A, B, C])
ROWS = st.fixed_dictionaries(
    {
        "timestamp": st.integers(T0, T0 + 2),
        "sender": WALLETS,
        "receiver": WALLETS,
        "amount": st.sampled_from([0.0, 0.1, 1e-18, 3.0]),
        "asset": st.sampled_from(["ETH", C]),
        "tx_id": st.sampled_from(["0x01", "0x02", "", "bill #2"]),
        "usd": st.sampled_from(["", 2.5, 7.0]),
        "failed": st.sampled_from(["", "true", "false"]),
    }
)
UNTOUCHED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@UNTOUCHED
@given(rows=st.lists(ROWS, min_size=1, max_size=25), seed=st.integers(0, 999), pieces=st.integers(1, 4))
def test_order_and_split_of_the_input_change_no_byte(save, tmp_path, rows, seed, pieces):
    one = ingest(save("one.csv", rows), tmp_path / "one.parquet")
    random.Random(seed).shuffle(rows)
    parts = [part for i in range(pieces) if (part := rows[i::pieces])]
    many = ingest([save(f"part{i}.csv", part) for i, part in enumerate(parts)], tmp_path / "many.parquet")
    assert one.out.read_bytes() == many.out.read_bytes()
    assert (one.read, one.good, one.duplicates) == (many.read, many.good, many.duplicates)


LISTS = st.fixed_dictionaries(
    {"wallet": WALLETS, "hash": st.sampled_from(["0x01", "0x02"]), "value_token": st.sampled_from([1.0, 2.0])}
)


@UNTOUCHED
@given(rows=st.lists(LISTS, min_size=1, max_size=25), seed=st.integers(0, 999))
def test_copies_are_as_many_as_in_the_list_with_most(save, tmp_path, rows, seed):
    rows = [LISTED | row for row in rows]
    counts: dict[tuple, int] = {}
    for wallet, *key in {(row["wallet"], row["hash"], row["value_token"]) for row in rows}:
        n = sum((row["wallet"], row["hash"], row["value_token"]) == (wallet, *key) for row in rows)
        counts[tuple(key)] = max(counts.get(tuple(key), 0), n)
    random.Random(seed).shuffle(rows)
    by_wallet = [part for wallet in (A, B, C) if (part := [row for row in rows if row["wallet"] == wallet])]
    table = pq.read_table(ingest(save("all.parquet", rows), tmp_path / "out.parquet").out)
    split = ingest([save(f"list{i}.parquet", part) for i, part in enumerate(by_wallet)], tmp_path / "split.parquet")
    assert pq.read_table(split.out).equals(table)
    want = [(f"{tx}#{i}" if i > 1 else tx, value) for (tx, value), n in counts.items() for i in range(1, n + 1)]
    assert sorted(zip(table["tx_id"].to_pylist(), table["amount"].to_pylist(), strict=True)) == sorted(want)


@pytest.mark.real_data
def test_real_heist_wallets(real_data: Path, tmp_path):
    path = real_data / "ethereum_heist_wallets" / "transactions.parquet"
    report = ingest(path, tmp_path / "out.parquet")
    key = 'timeStamp, hash, "from", "to", value_eth'
    want = duckdb.sql(f"""
        WITH fine AS (SELECT * FROM '{path}' WHERE "to" LIKE '0x%' OR contractAddress LIKE '0x%'),
        lists AS (SELECT {key}, wallet, CASE WHEN hash IS NULL THEN count(*) ELSE 1 END AS n FROM fine GROUP BY {key}, wallet),
        most AS (SELECT max(n) AS n FROM lists GROUP BY {key})
        SELECT sum(n)::BIGINT, (SELECT count(*) FROM '{path}') - (SELECT count(*) FROM fine) FROM most""").fetchall()[0]
    assert (report.good, report.bad) == want
    assert report.reasons == {"receiver: address is empty": report.bad}
    each = f"SELECT any_value(value_eth) AS v FROM '{path}' WHERE hash IS NOT NULL AND \"to\" <> '' GROUP BY hash"
    hashed = duckdb.sql(each).to_df()
    table = pq.read_table(report.out).to_pandas()
    assert table.loc[table["tx_id"].str.startswith("0x"), "amount"].sum() == pytest.approx(hashed["v"].sum(), rel=1e-9)


@pytest.mark.real_data
def test_real_token_lists_keep_what_one_transaction_sends_twice(real_data: Path, tmp_path):
    path = real_data / "ethereum_wallets" / "erc20_transfers.parquet"
    report = ingest(path, tmp_path / "out.parquet")
    key = 'timeStamp, hash, "from", "to", contractAddress, value_token'
    distinct, most = duckdb.sql(f"""
        WITH lists AS (SELECT {key}, wallet, count(*) AS n FROM '{path}' WHERE value_token IS NOT NULL GROUP BY {key}, wallet),
        most AS (SELECT max(n) AS n FROM lists GROUP BY {key})
        SELECT count(*), sum(n)::BIGINT FROM most""").fetchall()[0]
    assert report.good == most
    assert most - distinct > 2_600
    ids = pq.read_table(report.out, columns=["tx_id"])["tx_id"].to_pandas()
    assert ids.str.contains("#").sum() == most - distinct
