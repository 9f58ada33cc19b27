"""The protocol `era-matched`: its three splits, its labels, and its tables on a small dataset made by hand."""

import numpy as np
import pandas as pd
import pytest
from samples.datasets import made

from walletprint.experiments.protocols.ethereum import era_matched as protocol
from walletprint.features.base.errors import DataError
from walletprint.serving.model.calibration import calibrate
from walletprint.training.config.train_config import load_config
from walletprint.training.metrics.bootstrap import interval
from walletprint.training.metrics.classification_metrics import ece
from walletprint.training.models.calibration import fit_calibration
from walletprint.training.models.contenders import Contender
from walletprint.training.splits.time_split import Slice, Slices


@pytest.fixture(scope="module")
def dataset():
    return made(wallets=150, seed=3)


def test_each_protocol_keeps_apart_what_it_says(dataset):
    as_of, address = dataset.snapshots["as_of"], dataset.snapshots["address"]
    found = protocol.protocols(dataset)
    assert list(found) == ["time", "wallets", "both"]
    for name in ("time", "both"):
        slices = found[name]
        assert as_of.iloc[slices.train.rows].max() <= protocol.TRAIN_UNTIL
        assert set(as_of.iloc[slices.calibrate.rows]) == {pd.Timestamp("2021-01-01", tz="UTC")}
        assert as_of.iloc[slices.test_time.rows].min() >= protocol.TEST_FROM
    for name in ("wallets", "both"):
        slices = found[name]
        known = set(address.iloc[slices.train.rows]) | set(address.iloc[slices.calibrate.rows])
        assert not known & set(address.iloc[slices.test_time.rows])
    assert not set(address.iloc[found["wallets"].train.rows]) & set(address.iloc[found["wallets"].calibrate.rows])
    for slices in found.values():
        for part in (slices.train, slices.calibrate, slices.test_time):
            truth = (dataset.label_details["category"].iloc[part.rows] == "theft").to_numpy()
            assert (part.y == truth).all()


def test_the_tables_of_a_population(dataset, monkeypatch, few_resamples):
    monkeypatch.setattr(protocol, "protocols", lambda data, of=protocol.protocols: {"time": of(data)["time"]})
    model = {"rounds": 10, "lightgbm": {"min_data_in_leaf": 5}}
    config = load_config({"labels": protocol.LABELS, "seed": 7, "model": model}, head="laundering")
    main, pairs, years, calibration, quarters = protocol.measure(dataset, config).values()
    row = main.iloc[0]
    assert (row["protocol"], row["model"]) == ("time", "lightgbm")
    low, high = map(float, row["pr_auc 95 %"].split("–"))
    assert low - 5e-4 <= row["pr_auc"] <= high + 5e-4
    assert {"precision_at_1pct", "precision_at_5pct", "precision_at_k100", "recall_at_k100", "ece"} <= set(main.columns)
    assert set(pairs["model minus"]) == {"random_forest", "logistic_regression"}
    assert (pairs["low"] <= pairs["difference"]).all()
    assert years["period"].tolist() == ["2021"]
    assert calibration["ece"].iloc[0] == pytest.approx(row["ece"])
    assert quarters["period"].tolist() == ["2021Q2", "2021Q3", "2021Q4"]


def test_each_quarter_is_calibrated_on_the_one_before_alone(monkeypatch):
    """Margins that mean less each quarter: what the quarter before says is applied, whatever comes later."""
    monkeypatch.setattr(protocol, "DRAWS", 20)
    rng = np.random.default_rng(2)
    moments = pd.Series(pd.to_datetime(np.repeat(["2021-04-01", "2021-07-01", "2021-10-01"], 400), utc=True))
    margin = rng.normal(size=1600)
    slope = np.repeat([2.0, 1.5, 1.0, 0.5], 400)
    y = (rng.random(1600) < 1 / (1 + np.exp(-slope * margin))).astype(int)
    parts = [
        Slice(np.arange(1600)[part], y[part]) for part in (slice(0, 0), slice(0, 400), slice(400, 1600), slice(0, 0))
    ]
    slices = Slices(
        *parts, train_until=moments[0], calibration_until=moments[0], embargo=pd.Timedelta(0), derived=False
    )
    once = fit_calibration(margin[:400], y[:400], "sigmoid")
    config = load_config({"labels": protocol.LABELS, "model": {"calibration": "sigmoid"}}, head="laundering")
    found = protocol.recalibrated(Contender("a", "model", margin, once), moments, slices, config)
    expected = [
        calibrate(margin[k : k + 400], fit_calibration(margin[k - 400 : k], y[k - 400 : k], "sigmoid"))
        for k in (400, 800, 1200)
    ]
    assert found["ece"].tolist() == pytest.approx(
        [ece(y[400:], calibrate(margin[400:], once)), ece(y[400:], np.concatenate(expected))]
    )
    assert found["ece"][1] < found["ece"][0]
    assert (found["ece_of_a_perfect_score"] < 0.03).all()


def test_the_interval_is_by_wallet(dataset):
    """A wallet counted twice as often in every row does not make the interval narrower."""
    rng = np.random.default_rng(1)
    y, names = np.repeat(rng.integers(0, 2, 60), 3), np.repeat(np.arange(60), 3)
    ranking = y + np.repeat(rng.normal(size=60), 3)
    once = interval(y[::3], ranking[::3], names[::3], "roc_auc", resamples=200)
    thrice = interval(y, ranking, names, "roc_auc", resamples=200)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=1e-9)


def folder_with(tmp_path, labels):
    for name in protocol.FILES:
        (tmp_path / name).write_bytes(b"")
    if labels is not None:
        (tmp_path / protocol.LABEL_FILE).write_text(labels)
    return tmp_path


def test_labels_as_published(tmp_path):
    folder = folder_with(tmp_path, "address,label,label_source\n0xa,1,one\n0xb,0,two\n")
    found = protocol.load_labels(folder)
    assert found.to_dict("list") == {
        "address": ["0xa", "0xb"],
        "category": ["phishing", "licit"],
        "source": ["one", "two"],
    }


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, "labels.csv: no such file; give the folder that holds normal_txs.parquet"),
        ("address,label\n0xa,1\n", "no column 'label_source'"),
        (
            "address,label,label_source\n0xa,2,x\n",
            "column 'label', row 1: got 2, published are 1 (phishing) and 0 (licit)",
        ),
        ("address,label,label_source\n0xa,yes,x\n", "column 'label'"),
    ],
)
def test_labels_that_are_not_as_published(tmp_path, labels, said):
    with pytest.raises(DataError) as error:
        protocol.load_labels(folder_with(tmp_path, labels))
    assert said in str(error.value)


def test_missing_lists_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no file normal_txs\.parquet"):
        protocol.load_wallets(tmp_path)
