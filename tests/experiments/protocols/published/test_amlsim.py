"""The protocol `amlsim` on two hand-made runs in the simulator's format."""

import pytest
from samples import protocol_files

from walletprint.experiments.protocols.published import amlsim
from walletprint.features.base.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("amlsim")
    for seed, run in enumerate(("one", "two")):
        protocol_files.amlsim(path, run, seed=seed)
    return path


def test_a_run_as_transfers_in_order(folder):
    transfers, marked = amlsim.load(folder / "one_nodes.csv")
    lines = (folder / "one_transactions.csv").read_text().splitlines()[1:]
    assert len(transfers) == len(lines)
    assert transfers["timestamp"].is_monotonic_increasing
    first = min(int(line.rsplit(",", 1)[1]) for line in lines)
    assert transfers["timestamp"].iloc[0].timestamp() == amlsim.START + 3600 * first
    assert marked[marked == 1].index.tolist() == [str(k) for k in range(0, 240, 8)]


def test_trained_on_one_run_and_tested_on_the_other(folder, monkeypatch, few_resamples):
    monkeypatch.setattr(amlsim, "TRIALS", 1)
    (table,) = amlsim.run(folder, 7, lambda *step: None).values()
    pairs = table[["trained on", "tested on"]].drop_duplicates().to_numpy().tolist()
    assert pairs == [["one", "two"], ["two", "one"]]
    assert table["features"].tolist() == ["walletprint", "walletprint, era-safe", "amount only"] * 2
    assert (table["rows"] == 240).all()
    assert (table["pr_auc"] > 0.5).all()  # the base rate is one in eight
    assert (table["pr_auc_low"] <= table["pr_auc"] + 1e-12).all()  # sums in another order
    assert (table["pr_auc"] <= table["pr_auc_high"] + 1e-12).all()


def test_a_single_run_is_not_enough(tmp_path):
    protocol_files.amlsim(tmp_path, "one")
    with pytest.raises(DataError, match=r"1 files \*_nodes\.csv; two runs are needed"):
        amlsim.load_runs(tmp_path)


def test_transactions_that_are_missing_or_other(tmp_path):
    protocol_files.amlsim(tmp_path, "one")
    path = tmp_path / "one_transactions.csv"
    path.write_text(path.read_text().replace("value", "amount", 1))
    with pytest.raises(DataError, match="no column 'value'"):
        amlsim.load(tmp_path / "one_nodes.csv")
    path.unlink()
    with pytest.raises(DataError, match=r"one_transactions\.csv: no such file; it belongs to one_nodes\.csv"):
        amlsim.load(tmp_path / "one_nodes.csv")
