"""Tables larger than memory: the same numbers, the same trees byte for byte, and one line where the disk is full."""

import tempfile

import numpy as np
import pandas as pd
import pytest
from samples.datasets import config_of, made, sliced

from walletprint.features import DataError, Ledger
from walletprint.training import build_dataset, load_config, read_labels
from walletprint.training.data import large_matrix as matrix
from walletprint.training.data.large_matrix import evenly_spaced, fill_table, subtable
from walletprint.training.metrics.classification_metrics import roc_auc
from walletprint.training.models import baselines, contenders
from walletprint.training.models.estimators import fit_lightgbm, margins
from walletprint.training.models.learner import learn
from walletprint.training.splits.time_split import Slice, subsample


@pytest.fixture
def on_disk(monkeypatch):
    monkeypatch.setattr(matrix, "IN_MEMORY", 100)
    monkeypatch.setattr(matrix, "BATCH", 37)


def is_mapped(X):
    base = X.to_numpy()
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base is not None


def test_a_large_table_is_a_view_of_a_file_without_a_name(on_disk, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    values = np.random.default_rng(1).random((100, 3))
    X = fill_table(((part, values[part]) for part in matrix.batch_slices(100)), 100, ["a", "b", "c"])
    assert is_mapped(X)
    assert np.array_equal(X.to_numpy(), values)
    assert not list(tmp_path.iterdir())
    assert not is_mapped(fill_table([(slice(None), values[:5])], 5, ["a", "b", "c"]))


def test_some_of_a_table(on_disk):
    X = pd.DataFrame(np.random.default_rng(2).random((200, 3)), columns=["a", "b", "c"])
    rows = np.array([5, 3, 199, *range(50, 120)])
    part = subtable(X, rows=rows, columns=["c", "a"])
    assert is_mapped(part)
    pd.testing.assert_frame_equal(part, X.iloc[rows][["c", "a"]].reset_index(drop=True))
    pd.testing.assert_frame_equal(subtable(X), X)


def test_a_full_disk_is_one_line(on_disk, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    with pytest.raises(
        DataError, match=r"no room for 0\.0 GB for 200 snapshots of 3 features \(No space left on device\)"
    ):
        fill_table([], 200, ["a", "b", "c"])


def test_spread_takes_the_ends_and_no_more_than_asked():
    assert evenly_spaced(np.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert evenly_spaced(np.arange(3), 4).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "model", [{}, {"pu_learning": {"wallets": 30, "method": "bagging", "bags": 2}},
              {"pu_learning": {"wallets": 30, "method": "elkan_noto"}}],
)  # fmt: skip
def test_trees_are_the_same_byte_for_byte(model, monkeypatch):
    dataset = made(90, nameless=30)
    part, config = sliced(dataset).train, config_of(**model)
    in_memory = learn(dataset, part, config).booster
    ranked = margins(in_memory, dataset.X)
    monkeypatch.setattr(matrix, "IN_MEMORY", 100)
    monkeypatch.setattr(matrix, "BATCH", 37)
    in_batches = learn(dataset, part, config).booster
    assert in_batches.model_to_string() == in_memory.model_to_string()
    assert np.array_equal(margins(in_batches, dataset.X), ranked)


def test_trees_are_the_same_where_bins_are_found_from_a_sample(monkeypatch):
    random = np.random.default_rng(6)
    X = pd.DataFrame(random.normal(size=(4000, 3)), columns=["a", "b", "c"])
    X.loc[::3, "b"], X.loc[::5, "c"] = 0.0, np.nan
    y, params = (X["a"] > 0).to_numpy().astype(int), {"num_threads": 1, "bin_construct_sample_cnt": 500}
    whole = fit_lightgbm(X, y, params, 3, rounds=5)
    other = fit_lightgbm(X, y, params, 4, rounds=5)
    monkeypatch.setattr(matrix, "IN_MEMORY", 100)
    monkeypatch.setattr(matrix, "BATCH", 900)
    assert fit_lightgbm(X, y, params, 3, rounds=5).model_to_string() == whole.model_to_string()
    assert other.model_to_string() != whole.model_to_string()


def test_all_that_is_measured_is_the_same(monkeypatch):
    dataset, config = made(36), config_of(rounds=3)
    slices = sliced(dataset)
    _, before = contenders.fit_contenders(dataset, slices, config)
    monkeypatch.setattr(matrix, "IN_MEMORY", 100)
    monkeypatch.setattr(matrix, "BATCH", 300)
    moved = dataset.subset(np.ones(len(dataset.X), bool))
    assert is_mapped(moved.X)
    _, after = contenders.fit_contenders(moved, slices, config)
    for one, other in zip(before, after, strict=True):
        assert (one.name, one.note) == (other.name, other.note)
        if one.kind == "baseline":  # a sum over columns may be rounded otherwise for fewer rows at once
            assert one.margin == pytest.approx(other.margin, abs=1e-9)
        else:
            assert np.array_equal(one.margin, other.margin)
            assert one.calibration == other.calibration


def test_features_are_computed_in_batches(on_disk):
    start = pd.Timestamp("2021-01-01", tz="UTC")
    rows = [
        (start + pd.Timedelta(days=k, minutes=w), f"0x{w:040x}", f"0x{(w + k) % 7 + 1:040x}", 1.0 + k)
        for w in range(1, 8)
        for k in range(120)
    ]
    frame = pd.DataFrame(rows, columns=["timestamp", "sender", "receiver", "amount"])
    ledger = Ledger.from_transfers(frame.assign(asset="ETH", tx_id=[f"t{i}" for i in range(len(frame))]))
    labels = read_labels(
        pd.DataFrame({"address": [f"0x{w:040x}" for w in range(1, 8)], "category": ["theft", "user"] * 3 + ["user"]})
    )
    config = load_config({"snapshots": {"every": "10d", "window": "20d"}}, head="laundering")
    batched = build_dataset(ledger, labels.good, config)
    assert is_mapped(batched.X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "IN_MEMORY", 10**9)
        whole = build_dataset(ledger, labels.good, config)
    assert not is_mapped(whole.X)
    pd.testing.assert_frame_equal(batched.X, whole.X)
    pd.testing.assert_frame_equal(batched.size, whole.size)


def test_large_slices_are_sampled_by_hash_and_the_note_says_so(monkeypatch):
    dataset, config = made(60), config_of(rounds=3)
    slices = sliced(dataset)
    monkeypatch.setattr(baselines, "ROWS", 100)
    _, contending = contenders.fit_contenders(dataset, slices, config)
    by_name = {one.name: one for one in contending}
    said = f"fitted on 100 of {len(slices.train.rows)} rows, by hash"
    assert by_name["logistic_regression"].note == said
    assert by_name["isolation_forest"].note == f"sees no labels; {said}"
    assert by_name["best_single_feature"].note.endswith(said)
    assert by_name["lightgbm"].note == ""
    part = slices.test_time
    assert roc_auc(part.y, by_name["random_forest"].margin[part.rows]) > 0.7


def test_a_sample_keeps_rare_positives_and_hangs_on_no_order():
    dataset = made(90)
    rows = np.arange(500)
    y = (rows % 50 == 0).astype(int)
    some = subsample(dataset, Slice(rows, y), 60)
    assert some.counts == (50, 10)
    assert (np.diff(some.rows) > 0).all()
    assert np.array_equal(some.y, y[some.rows])
    whole = Slice(rows, y)
    assert subsample(dataset, whole, 500) is whole
    fewer = subsample(dataset, Slice(rows[:400], y[:400]), 60)
    assert set(some.rows[some.rows < 400]) - set(fewer.rows) == set()
