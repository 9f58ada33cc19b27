"""The protocol `elliptic` on hand-made files in the published format."""

from collections import Counter

import numpy as np
import pytest
from samples import protocol_files

from walletprint.experiments.protocols.published import elliptic
from walletprint.features.base.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("elliptic")
    protocol_files.elliptic(path)
    return path


@pytest.fixture(scope="module")
def read(folder):
    return elliptic.read(folder)


def test_features_steps_and_classes_are_those_of_the_files(folder, read):
    lines = (folder / "elliptic_txs_features.csv").read_text().splitlines()
    first = lines[0].split(",")
    assert read.X.index[0] == int(first[0])
    assert read.X.iloc[0][["local_1", "aggregated_72"]].tolist() == [float(first[2]), float(first[166])]
    assert read.X.shape == (len(lines), 165 + 2)
    truth = dict(line.split(",") for line in (folder / "elliptic_txs_classes.csv").read_text().splitlines()[1:])
    assert read.y.tolist() == [{"1": 1, "2": 0, "unknown": -1}[truth[str(tx)]] for tx in read.X.index]
    assert read.step.tolist() == [int(line.split(",")[1]) for line in lines]


def test_degrees_are_counted_payments(folder, read):
    pairs = [line.split(",") for line in (folder / "elliptic_txs_edgelist.csv").read_text().splitlines()[1:]]
    paid, got = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    assert read.X["payments_out"].tolist() == [paid[str(tx)] for tx in read.X.index]
    assert read.X["payments_in"].tolist() == [got[str(tx)] for tx in read.X.index]


def test_the_published_steps_split_labelled_transactions_only(read):
    train, test = read.part(1, 34), read.part(35, 49)
    assert read.step[train].max() == 34
    assert read.step[test].min() == 35
    assert (read.y[np.concatenate([train, test])] >= 0).all()
    assert len(train) + len(test) == (read.y >= 0).sum()


def test_the_tables_of_the_protocol(folder, monkeypatch, few_trees):
    chosen = {name: elliptic.SETS[name] for name in ("165 as published", "degrees alone")}
    monkeypatch.setattr(elliptic, "SETS", chosen)
    done = []
    tables = elliptic.run(folder, 7, lambda *step: done.append(step))
    main, spans, steps, about = tables.values()
    of = main.set_index(["model", "features"])
    for model in ("LightGBM", "random forest"):
        assert of.loc[(model, "165 as published"), "pr_auc"] > of.loc[(model, "degrees alone"), "pr_auc"]
        assert of.loc[(model, "165 as published"), "f1"] > 0.6
    assert (main["rows"] == 15 * 8).all()
    assert spans.groupby("steps")["rows"].first().to_dict() == {"up to 42": 8 * 8, "from 43 on": 7 * 8}
    assert steps["step"].tolist() == list(range(35, 50))
    assert about.set_index("what")["number"]["payments from one step to another"] == 0
    assert done[-1] == ("fit", 4, 4)


def test_no_test_row_teaches(read, few_trees):
    """Other test rows, other classes of them: the same scores of a transaction of the last training step."""
    train = read.part(1, 34)
    args = (elliptic.LEARNERS["LightGBM"], ["local_1", "local_2"], True, 7)
    before = elliptic._ranked(read, train, *args)
    later = read.step > 34
    changed = elliptic.Elliptic(
        read.X.mask(np.repeat(later[:, None], read.X.shape[1], axis=1), 9.0),
        read.step,
        np.where(later, 1 - read.y, read.y),
        read.about,
    )
    after = elliptic._ranked(changed, train, *args)
    assert before[1] == after[1]
    assert np.array_equal(before[0][~later], after[0][~later])


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "elliptic_txs_features.csv",
            "1000,1,",
            "1000,77,",
            "got step 77 in the second column, published are 1–49",
        ),
        ("elliptic_txs_features.csv", "1001,1,", "1000,1,", "transaction 1000 comes twice"),
        ("elliptic_txs_features.csv", "1000,1,", "1000,1,0.5,", "168 columns, where 167 were published"),
        ("elliptic_txs_classes.csv", "1000,1\n", "1000,9\n", "column 'class', row 1: got '9'"),
        ("elliptic_txs_classes.csv", "1000,1\n", "", "no class for transaction 1000"),
        ("elliptic_txs_edgelist.csv", "txId1", "from", "no column 'txId1'"),
    ],
)
def test_files_that_are_not_as_published(tmp_path, folder, name, old, new, said):
    for path in folder.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    text = (tmp_path / name).read_text()
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1))
    with pytest.raises(DataError) as error:
        elliptic.read(tmp_path)
    assert said in str(error.value)
    assert name in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no file elliptic_txs_features\.csv"):
        elliptic.read(tmp_path)
