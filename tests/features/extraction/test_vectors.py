"""Vectors in a file: whole or not at all, in parts that an interrupted run goes on from, and never those of another question."""

from unittest.mock import patch

import pandas as pd
import pytest
from oracles.histories import random_table

from walletprint.features import Ledger, UsageError, extract, snapshots_of, write_vectors
from walletprint.features.extraction import vector_files as vectors

NAMES = ["activity__transfers__total", "flow__retention__share", "value__in__median"]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger.from_transfers(random_table(transfers=600, wallets=40), features=NAMES)


@pytest.fixture
def small_parts(monkeypatch) -> None:
    monkeypatch.setattr(vectors, "PART", 7)


def test_the_file_holds_what_extract_gives(ledger, small_parts, tmp_path):
    snapshots = snapshots_of(ledger.addresses, ledger.end)
    seen = []
    out = tmp_path / "v.parquet"
    assert write_vectors(ledger, snapshots, out, features=NAMES, on_progress=lambda *done: seen.append(done)) == 3
    expected = extract(ledger, snapshots, features=NAMES)
    pd.testing.assert_frame_equal(pd.read_parquet(out), expected, check_dtype=False)
    assert seen[0] == (7, len(snapshots))
    assert seen[-1] == (len(snapshots), len(snapshots))
    assert [path.name for path in tmp_path.iterdir()] == ["v.parquet"]


def interrupted(ledger: Ledger, snapshots: pd.DataFrame, out, after: int) -> None:
    def stop(done: int, total: int) -> None:
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_vectors(ledger, snapshots, out, features=NAMES, on_progress=stop)


def test_an_interrupted_run_leaves_no_file_and_goes_on_where_it_was(ledger, small_parts, tmp_path):
    snapshots, out = snapshots_of(ledger.addresses, ledger.end), tmp_path / "v.parquet"
    interrupted(ledger, snapshots, out, after=14)
    assert not out.exists()
    with patch.object(vectors, "extract", wraps=extract) as computed:
        write_vectors(ledger, snapshots, out, features=NAMES)
    parts = -(-len(snapshots) // 7)
    assert computed.call_count == parts - 2
    pd.testing.assert_frame_equal(pd.read_parquet(out), extract(ledger, snapshots, features=NAMES), check_dtype=False)


def test_parts_of_another_question_are_not_taken(ledger, small_parts, tmp_path):
    snapshots, out = snapshots_of(ledger.addresses, ledger.end), tmp_path / "v.parquet"
    interrupted(ledger, snapshots, out, after=14)
    earlier = snapshots_of(ledger.addresses, "2021-03-01")
    write_vectors(ledger, earlier, out, features=NAMES)
    pd.testing.assert_frame_equal(pd.read_parquet(out), extract(ledger, earlier, features=NAMES), check_dtype=False)


def test_no_snapshots_give_a_file_of_no_rows(ledger, tmp_path):
    nobody = snapshots_of([], "2021-03-01")
    write_vectors(ledger, nobody, tmp_path / "v.parquet", features=NAMES)
    assert list(pd.read_parquet(tmp_path / "v.parquet").columns) == ["address", "as_of", *NAMES]


def test_only_parquet_is_written(ledger, tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.parquet"):
        write_vectors(ledger, snapshots_of([], "2021-03-01"), tmp_path / "v.csv", features=NAMES)


def test_a_ledger_read_for_few_features_says_what_it_lacks(ledger):
    with pytest.raises(UsageError, match="read without the columns that tx features need"):
        extract(ledger, snapshots_of(ledger.addresses, ledger.end), features=["assets__swap__share"])
