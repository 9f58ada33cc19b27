"""The ledger's engine: names to ids, ledgers in folders, files that come later, bounded memory; held against the plain way."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.histories import chain, random_table
from reading import canonical_table

from walletprint.features import Ledger, catalogue, extract, ingest, snapshots_of
from walletprint.features.base.arrow import table_of
from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.kernels.context import Hours
from walletprint.features.ledger import store
from walletprint.features.ledger.ordering import _order_ties, compress_rows
from walletprint.features.ledger.string_encoder import stable_hash
from walletprint.features.transfers.schema import SCHEMA

_OWN = {"tx", "chain", "transactions"}
FEATURES = [feature.name for feature in catalogue() if set(feature.needs) <= _OWN]


def rich_table(seed: int = 3, transfers: int = 600) -> pd.DataFrame:
    """A random table with all that a ledger may keep, at few different times."""
    rng = np.random.default_rng(seed)
    frame = random_table(seed, transfers, wallets=60)[:transfers]
    times = frame["timestamp"].dt.floor("2h")
    return frame.assign(
        timestamp=times,
        tx_id=[f"0x{i // 2:064x}" for i in range(transfers)],
        chain=rng.choice(["eth", "bsc", None], transfers),
        nonce=pd.array(rng.integers(0, 50, transfers), dtype="Int64"),
        gas_price=rng.choice([1e9, 2e9, np.nan], transfers),
        method=rng.choice(["0x", "0xa9059cbb", "0x12345678", None], transfers),
    )


def marked(frame: pd.DataFrame, path: Path) -> Path:
    """The same as `ingest` writes it."""
    pq.write_table(canonical_table(frame)[0], path, row_group_size=400)
    return path


def meaning(ledger: Ledger) -> list[tuple]:
    """The rows of a ledger without ids, in their order."""
    names = np.array(ledger.addresses.to_pylist(), dtype=object)
    rows = ledger.rows
    assets = np.array(ledger.assets.to_pylist(), dtype=object)
    optional = [column if column.size else np.zeros(len(rows.time)) for column in (rows.usd, rows.tx)]
    columns = [rows.time, names[rows.sender], names[rows.receiver], rows.amount, assets[rows.asset], *optional]
    return [tuple(map(repr, row)) for row in zip(*columns, strict=True)]


def vectors(ledger: Ledger) -> pd.DataFrame:
    wallets = sorted(ledger.addresses.to_pylist())
    dates = ((ledger.end, None), (ledger.end - pd.Timedelta(days=60), "30d"))
    return pd.concat(
        [extract(ledger, snapshots_of(wallets, date), features=FEATURES, window=window) for date, window in dates]
    )


def assert_same(one: Ledger, other: Ledger) -> None:
    """Rows, order, signed transactions and features of two ledgers are the same to the last bit; ids may differ."""
    assert meaning(one) == meaning(other)
    for column, expected in zip(signed(one), signed(other), strict=True):
        assert column == expected
    a, b = vectors(one), vectors(other)
    assert a["address"].tolist() == b["address"].tolist()
    assert a[FEATURES].to_numpy().tobytes() == b[FEATURES].to_numpy().tobytes()


def signed(ledger: Ledger) -> list[list]:
    """Signed transactions, each once, without ids."""
    names = ledger.addresses.to_pylist()
    rows = {(names[s], *map(repr, (t, n, p, f))) for s, t, n, p, f in zip(*ledger.signed_transactions[:5], strict=True)}
    return [list(column) for column in zip(*sorted(rows), strict=True)]


def test_ids_in_any_spelling_and_form():
    ledger = Ledger.from_transfers(random_table(transfers=300))
    n = len(ledger.addresses)
    known = ledger.addresses.to_pylist()
    asked = [known[3], f"  {known[5].upper().replace('X', 'x')} ", "0x" + "9" * 40, None]
    for form in (asked, pd.Series(asked, dtype="str"), pa.array(asked), pa.chunked_array([asked[:1], asked[1:]])):
        assert ledger.ids(form).tolist() == [3, 5, -1, -1]
    for own in (ledger.addresses, known, pd.Series(known, dtype="str"), pd.Series(known, dtype=object)):
        np.testing.assert_array_equal(ledger.ids(own), np.arange(n))
    assert ledger.ids(known[::-1]).tolist() == list(range(n))[::-1]
    assert ledger.ids([]).shape == (0,)
    np.testing.assert_array_equal(ledger.hashes, stable_hash(ledger.addresses))


@pytest.mark.parametrize("rows", [0, 1, 60, 4_000])
def test_rows_of_a_wallet_are_in_order(rows, monkeypatch):
    rng = np.random.default_rng(rows)
    sender, receiver = rng.integers(0, 9, (2, rows)).astype(np.int32)
    time = np.sort(rng.integers(0, max(rows // 5, 1), rows))
    monkeypatch.setattr("walletprint.features.ledger.ordering._MANY", 1_000)  # threads work on the largest one
    offsets, entries = compress_rows(sender, receiver, time, 9)
    for wallet in range(9):
        mine = [i for i in range(rows) if wallet in (sender[i], receiver[i])]
        mine.sort(key=lambda i: (time[i], 2 if sender[i] == receiver[i] else int(sender[i] == wallet), i))
        assert entries[offsets[wallet] : offsets[wallet + 1]].tolist() == mine


def test_rows_of_one_time_are_in_an_order_that_hangs_on_no_input_order():
    frame = rich_table().assign(timestamp=pd.Timestamp("2022-01-01", tz="UTC"))
    whole = meaning(Ledger.from_transfers(frame))
    assert [float(row[3][len("np.float64(") : -1]) for row in whole] == sorted(
        frame.loc[~frame["failed"].fillna(False), "amount"]
    )
    assert meaning(Ledger.from_transfers(frame.sample(frac=1, random_state=1))) == whole
    assert _order_ties.signatures  # the kernel ran


def test_a_file_read_in_batches_is_the_table_as_it_was(tmp_path, monkeypatch):
    frame = rich_table()
    path = marked(frame, tmp_path / "t.parquet")
    whole = Ledger.from_transfers(frame)
    assert_same(Ledger.from_transfers(path), whole)
    for rows in (1, 7, 500):
        monkeypatch.setattr("walletprint.features.ledger.transfer_inputs._ROWS_AT_ONCE", rows)
        monkeypatch.setattr("walletprint.features.ledger.transfer_inputs._SMALL_FILE", 0)
        assert meaning(Ledger.from_transfers(path)) == meaning(whole)
    shuffled = pq.read_table(path).take(pa.array(np.random.default_rng(1).permutation(len(frame))))
    pq.write_table(shuffled.replace_schema_metadata(SCHEMA.metadata), tmp_path / "unsorted.parquet")
    assert meaning(Ledger.from_transfers(tmp_path / "unsorted.parquet")) == meaning(whole)


@pytest.mark.parametrize("form", ["marked", "frame", "csv", "relation", "table"])
def test_little_memory_gives_the_same(tmp_path, form):
    frame = rich_table()
    plain = Ledger.from_transfers(frame)
    table = table_of(frame)
    if form == "marked":
        source = marked(frame, tmp_path / "t.parquet")
    elif form == "csv":
        source = tmp_path / "t.csv"
        frame.to_csv(source, index=False)
    elif form == "relation":
        import duckdb

        source = duckdb.connect().from_arrow(table)
    else:
        source = frame if form == "frame" else table
    small = Ledger.from_transfers(source, memory=1)
    assert isinstance(small.rows.time, np.ndarray)
    assert not isinstance(small.rows.time, np.memmap)
    assert small.rows.time.flags.writeable
    folder = small._folder
    assert folder is not None
    assert list(folder.glob("rows-*.npy"))
    assert_same(small, plain)
    del small
    assert not folder.exists()


def test_refused_rows_are_told_whatever_the_memory(tmp_path):
    frame = rich_table(transfers=50)
    frame.loc[3, "amount"] = -1.0
    for memory in (None, 1):
        assert Ledger.from_transfers(frame, memory=memory).rejected["row"].to_pylist() == [4]
    with pytest.raises(DataError, match="no good transfer among 1 rows"):
        Ledger.from_transfers(frame.iloc[3:4])


def cuts(frame: pd.DataFrame, tmp_path: Path, how: str) -> list[Path]:
    """A table in two or three files `ingest` could have written, which overlap or do not."""
    ordered = frame.sort_values("timestamp", ignore_index=True)
    half = len(frame) // 2
    parts = {
        "later": [ordered[:half], ordered[half:]],
        "mixed": [frame[::2], frame[1::2]],
        "overlapping": [ordered[: half + 80], ordered[half - 80 :]],
        "earlier": [ordered[half:], ordered[:half]],
        "three": [ordered[:250], ordered[200:400], ordered[350:]],
        "inside": [frame, ordered[half : half + 10]],
    }[how]
    return [marked(part, tmp_path / f"{i}.parquet") for i, part in enumerate(parts)]


@pytest.mark.parametrize("how", ["later", "mixed", "overlapping", "earlier", "three", "inside"])
def test_files_that_come_later_are_added_to_the_ledger_as_if_they_had_been_there(tmp_path, how, monkeypatch):
    frame = rich_table()
    whole = Ledger.from_transfers(frame)
    paths = cuts(frame, tmp_path, how)
    assert_same(Ledger.from_transfers(paths), whole)
    built = []
    monkeypatch.setattr(
        "walletprint.features.ledger.ledger._CachedLedger._rebuilt",
        spy(built, "walletprint.features.ledger.ledger._CachedLedger._rebuilt"),
    )
    for n in range(1, len(paths) + 1):
        ledger = Ledger.from_cache(paths[:n], tmp_path / "kept")
    assert_same(ledger, whole)
    assert_same(Ledger.from_cache(paths, tmp_path / "kept"), whole)
    assert len(built) == 1  # all others were added to what was there


def spy(calls: list, name: str):
    import importlib

    module, klass, method = name.rsplit(".", 2)
    real = getattr(getattr(importlib.import_module(module), klass), method)

    def spying(*args):
        calls.append(args)
        return real(*args)

    return spying


def test_copies_that_say_something_else_are_merged_by_the_rule_for_all(tmp_path):
    frame = rich_table(transfers=400)
    other = frame.iloc[100:200].assign(
        usd=lambda part: part["usd"].fillna(0) + 5, failed=lambda part: part.index % 9 == 0
    )
    paths = [marked(frame, tmp_path / "a.parquet"), marked(other, tmp_path / "b.parquet")]
    expected = Ledger.from_transfers(pd.concat([frame, other]))
    assert_same(Ledger.from_transfers(paths), expected)
    Ledger.from_cache(paths[:1], tmp_path / "kept")
    assert_same(Ledger.from_cache(paths, tmp_path / "kept"), expected)


def test_files_without_transaction_ids_can_come_later_too(tmp_path):
    frame = rich_table(transfers=300).drop(columns="tx_id")
    paths = []
    for i, part in enumerate([frame[:200], frame[150:]]):  # nothing tells that the fifty are copies
        paths.append(tmp_path / f"{i}.csv")
        part.to_csv(paths[-1], index=False)
    expected = Ledger.from_transfers(pd.concat([frame[:200], frame[150:]]))
    Ledger.from_cache(paths[:1], tmp_path / "kept")
    assert_same(Ledger.from_cache(paths, tmp_path / "kept"), expected)


@given(st.data())
@settings(max_examples=6, deadline=None)
def test_any_cut_of_any_history_gives_the_same(tmp_path_factory, data):
    tmp_path = tmp_path_factory.mktemp("cut")
    frame = data.draw(chain(least=2, most=30))
    first = np.array(data.draw(st.lists(st.booleans(), min_size=len(frame), max_size=len(frame))))
    both = np.array(data.draw(st.lists(st.booleans(), min_size=len(frame), max_size=len(frame))))
    paths = [marked(frame[first | both], tmp_path / "a.parquet"), marked(frame[~first | both], tmp_path / "b.parquet")]
    whole = meaning(Ledger.from_transfers(frame))
    assert meaning(Ledger.from_transfers(paths)) == whole
    Ledger.from_cache(paths[:1], tmp_path / "kept")
    assert meaning(Ledger.from_cache(paths, tmp_path / "kept")) == whole


def test_a_stored_ledger_is_used_until_something_changes(tmp_path, monkeypatch):
    frame = rich_table(transfers=300)
    path, folder = marked(frame, tmp_path / "t.parquet"), tmp_path / "kept"
    built = []
    monkeypatch.setattr(
        "walletprint.features.ledger.ledger._CachedLedger._rebuilt",
        spy(built, "walletprint.features.ledger.ledger._CachedLedger._rebuilt"),
    )
    whole = Ledger.from_cache(path, folder)
    assert_same(Ledger.from_cache([path], str(folder), features=FEATURES[:3]), whole)
    assert len(built) == 1
    os.utime(path, ns=(1, 1))
    Ledger.from_cache(path, folder)
    assert len(built) == 2
    monkeypatch.setattr(store, "FORMAT", 99)  # another version of this program
    Ledger.from_cache(path, folder)
    assert len(built) == 3
    marked(frame[:100], path)
    assert Ledger.from_cache(path, folder).transfers < whole.transfers
    assert len([place for place in folder.iterdir() if place.is_dir()]) == 1
    assert_same(whole, Ledger.from_transfers(frame))  # what was mapped stays, though its files are gone


def test_a_ledger_stored_for_few_features_is_made_anew_for_more(tmp_path):
    frame = rich_table(transfers=300)
    path = marked(frame, tmp_path / "t.parquet")
    few = [feature.name for feature in catalogue() if not feature.needs][:3]
    assert not len(Ledger.from_cache(path, tmp_path / "kept", features=few).signed_transactions.time)
    assert_same(Ledger.from_cache(path, tmp_path / "kept"), Ledger.from_transfers(frame))
    assert_same(Ledger.from_cache(path, tmp_path / "kept"), Ledger.from_transfers(frame))


@pytest.mark.parametrize("damage", ["manifest", "column", "gone", "header"])
def test_a_damaged_one_is_said_and_made_anew(tmp_path, damage):
    path, folder = marked(rich_table(transfers=300), tmp_path / "t.parquet"), tmp_path / "kept"
    expected = meaning(Ledger.from_cache(path, folder))
    column = next(folder.glob("ledger-*/rows-time.npy"))
    if damage == "manifest":
        next(folder.glob("*.json")).write_text("{")
    elif damage == "column":
        column.write_bytes(column.read_bytes()[:-8])
    elif damage == "header":
        column.write_bytes(b"x" * column.stat().st_size)
    else:
        column.unlink()
    notes: list[str] = []
    assert meaning(Ledger.from_cache(path, folder, on_note=notes.append)) == expected
    assert len(notes) == 1
    assert "is damaged" in notes[0]
    assert "\n" not in notes[0]
    assert meaning(Ledger.from_cache(path, folder)) == expected  # without a warning


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path):
    path = marked(rich_table(transfers=50), tmp_path / "t.parquet")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(DataError, match="is not the folder of a stored ledger"):
        Ledger.from_cache(path, tmp_path / "mine")
    with pytest.raises(DataError, match="cannot be used as a folder"):
        Ledger.from_cache(path, path)
    assert [place.name for place in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="files are needed"):
        Ledger.from_cache(rich_table(transfers=50), tmp_path / "kept")


@pytest.mark.parametrize(
    "where", ["ledger.write_ledger", "store.write_atomically", "ledger.compress_rows", "builder.copies"]
)
def test_what_is_interrupted_leaves_nothing_half_written(tmp_path, monkeypatch, where):
    frame = rich_table(transfers=300)
    paths, folder = cuts_of(frame, tmp_path), tmp_path / "kept"
    expected = meaning(Ledger.from_cache(paths[:1], folder))
    before = sorted(place.name for place in folder.rglob("*"))

    def stop(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"walletprint.features.ledger.{where}", stop)
        with pytest.raises(KeyboardInterrupt):
            Ledger.from_cache(paths, folder)
    if where != "store.write_atomically":  # where a whole state lies beside the old one, until the next is committed
        assert sorted(place.name for place in folder.rglob("*")) == before
    assert meaning(Ledger.from_cache(paths[:1], folder)) == expected
    assert meaning(Ledger.from_cache(paths, folder)) == meaning(Ledger.from_transfers(frame))


def cuts_of(frame: pd.DataFrame, tmp_path: Path) -> list[Path]:
    half = len(frame) // 2
    return [marked(frame[:half], tmp_path / "a.parquet"), marked(frame[half:], tmp_path / "b.parquet")]


def test_parts_are_stored_beside_the_ledger_and_dropped_with_it(tmp_path):
    paths, folder = cuts_of(rich_table(transfers=300), tmp_path), tmp_path / "kept"
    found = []

    def find(ledger: Ledger) -> Hours:
        found.append(ledger.transfers)
        return Hours(np.array([ledger.transfers]), np.ones((2, 24), np.int64))

    for _ in range(2):
        part = Ledger.from_cache(paths[:1], folder).chain_part("hours", find)
        assert part.counts.shape == (2, 24)
        assert part.first_week.tolist() == found[:1]
    assert len(found) == 1
    Ledger.from_cache(paths, folder).chain_part("hours", find)
    assert len(found) == 2
    Ledger.from_transfers(paths).chain_part("hours", find)
    assert len(found) == 3


def test_what_ingest_writes_is_kept_and_added_to(tmp_path, save):
    row = {"amount": 1.5, "asset": "ETH"}
    ends = [{"sender": f"0x{i % 7:040x}", "receiver": f"0x{i % 5:040x}", "tx_id": f"0x{i}"} for i in range(40)]
    rows = [row | end | {"timestamp": 1_600_000_000 + i} for i, end in enumerate(ends)]
    outs = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    for out, part in zip(outs, (rows[:30], rows[20:]), strict=True):
        ingest(save(f"in-{out.stem}.csv", part), out)
    Ledger.from_cache(outs[:1], tmp_path / "kept")
    ledger = Ledger.from_cache(outs, tmp_path / "kept")
    assert ledger.transfers == 40
    manifest = json.loads((tmp_path / "kept" / "walletprint-ledger.json").read_text())
    assert set(manifest["files"]) == {str(out) for out in outs}


@pytest.mark.parametrize("zone", ["GMT+9", "Z", "+09:00", "Asia/Tokyo"])
def test_moments_in_any_zone_are_read_and_bad_rows_kept_aside(zone):
    moments = pa.array([1_600_000_000_000_000, 1_600_000_060_000_000], pa.timestamp("us", zone))
    table = pa.table(
        {"timestamp": moments, "sender": ["a", "b"], "receiver": ["b", "a"], "amount": [1.0, -1.0], "asset": ["E", "E"]}
    )
    ledger = Ledger.from_transfers(table)
    assert (ledger.first, len(ledger.rejected)) == (1_600_000_000, 1)


def test_text_that_is_no_utf8_is_refused_in_one_line():
    damaged = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    table = pa.table(
        {"timestamp": ["2021-01-01T00:00:00Z"], "sender": damaged, "receiver": ["b"], "amount": [1.0], "asset": ["E"]}
    )
    with pytest.raises(DataError, match=r"the column sender is damaged .*build it again, with text as UTF-8"):
        Ledger.from_transfers(table)
