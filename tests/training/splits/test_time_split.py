"""Slices: no snapshot, wallet or label of one reaches into another."""

import numpy as np
import pandas as pd
import pytest
from samples.small_ledger import ledger_from_rows

from walletprint.features import DataError
from walletprint.features.labels.table import read_labels
from walletprint.training.config.train_config import load_config
from walletprint.training.data.snapshots import as_of_dates, as_of_grid, sample_snapshots, unit_hash
from walletprint.training.data.targets import Targets
from walletprint.training.splits.time_split import split_snapshots

WALLETS = [f"0x{i:040x}" for i in range(1, 201)]


def day(text):
    return pd.Timestamp(text, tz="UTC")


def make(first="2020-01-01", last="2021-12-31", known_from=None, **split):
    config = load_config(
        {
            "head": "own",
            "labels": {"positive": ["theft"], "negative": ["user"]},
            "snapshots": {"every": "month", "window": "60d"},
            "split": split,
        }
    )
    moments = as_of_grid(day(first), day(last), "month")
    snapshots = pd.DataFrame([(w, m) for m in moments for w in WALLETS], columns=["address", "as_of"])
    categories = ["theft" if i % 4 == 0 else "user" for i in range(len(WALLETS))]
    labels = read_labels(pd.DataFrame({"address": WALLETS, "category": categories, "known_from": known_from})).good
    return snapshots, Targets.from_labels(labels, config.labels), config


def test_slices_keep_their_distance_in_time():
    snapshots, marked, config = make(train_until="2020-12-01", calibration_until="2021-05-01")
    slices = split_snapshots(snapshots, marked, config)
    spans = {name: snapshots["as_of"].iloc[part.rows].agg(["min", "max"]) for name, part in slices.named().items()}
    assert spans["train"]["max"] == day("2020-12-01")  # `until` is included
    assert spans["calibrate"]["min"] == day("2021-02-01")  # 60 days after it at the earliest
    assert spans["calibrate"]["max"] == day("2021-05-01")
    assert spans["test_time"]["min"] == day("2021-07-01")
    assert spans["test_time"]["max"] == day("2021-12-01")
    assert not slices.derived


def test_held_out_wallets_are_met_in_the_test_alone():
    snapshots, marked, config = make(train_until="2020-12-01", calibration_until="2021-05-01", held_out_addresses=0.3)
    slices = split_snapshots(snapshots, marked, config)
    wallets = {name: set(snapshots["address"].iloc[part.rows]) for name, part in slices.named().items()}
    assert wallets["train"] == wallets["calibrate"]
    assert not wallets["test_new"] & wallets["train"]
    assert wallets["test_time"] == wallets["test_new"] | wallets["train"] == set(WALLETS)
    assert 0.2 < len(wallets["test_new"]) / len(WALLETS) < 0.4


def test_who_is_held_out_hangs_on_the_address_alone():
    snapshots, marked, config = make(train_until="2020-12-01", calibration_until="2021-05-01")
    whole = split_snapshots(snapshots, marked, config)
    half = snapshots[snapshots["address"].isin(WALLETS[:100])].sample(frac=1, random_state=3).reset_index(drop=True)
    part = split_snapshots(half, marked, config)
    expected = set(snapshots["address"].iloc[whole.test_new.rows]) & set(WALLETS[:100])
    assert set(half["address"].iloc[part.test_new.rows]) == expected


def test_a_label_known_later_is_no_training_label():
    # every tenth wallet of each class is found out in March 2021: after the training, before the calibration ends
    known_from = ["2021-03-01" if i % 10 < 2 else None for i in range(len(WALLETS))]
    snapshots, marked, config = make(
        known_from=known_from, train_until="2020-12-01", calibration_until="2021-05-01", held_out_addresses=0
    )
    slices = split_snapshots(snapshots, marked, config)
    late = {w for w, known in zip(WALLETS, known_from, strict=True) if known}
    wallets = {name: set(snapshots["address"].iloc[part.rows]) for name, part in slices.named().items()}
    assert wallets["train"] == set(WALLETS) - late
    assert wallets["calibrate"] == set(WALLETS)
    snapshots, marked, config = make(
        known_from=known_from, train_until="2020-08-01", calibration_until="2021-03-01", held_out_addresses=0
    )
    slices = split_snapshots(snapshots, marked, config)
    assert (
        set(snapshots["address"].iloc[slices.calibrate.rows]) == set(WALLETS) - late
    )  # known from that very moment: too late
    assert set(snapshots["address"].iloc[slices.test_time.rows]) == set(WALLETS)  # in the test all labels are the truth


def test_a_label_counts_when_its_delay_is_over():
    # all labels are known from 2020-11-01: ten days are over on 2020-11-11, before the training ends; 60 days only in January
    arguments = {"known_from": "2020-11-01", "train_until": "2020-12-01", "calibration_until": "2021-05-01"}
    early, late = (make(**arguments, label_delay=delay) for delay in ("10d", "60d"))
    slices = split_snapshots(*early)
    assert slices.train.counts == split_snapshots(*make(**arguments)).train.counts
    assert slices.label_delay == pd.Timedelta(days=10)
    with pytest.raises(
        DataError, match=r"split: train needs both classes \(train 0 positive / 0 negative, calibrate \d\d"
    ):
        split_snapshots(*late)


def test_a_delay_that_ends_with_the_training_is_too_late():
    # known from 2020-11-01 and used 30 days later: on 2020-12-01, the training's last day, not before it
    snapshots, marked, config = make(
        known_from=["2020-11-01" if i % 10 < 2 else None for i in range(len(WALLETS))],
        train_until="2020-12-01", calibration_until="2021-05-01", held_out_addresses=0, label_delay="30d",
    )  # fmt: skip
    slices = split_snapshots(snapshots, marked, config)
    trained = set(snapshots["address"].iloc[slices.train.rows])
    assert trained == {w for i, w in enumerate(WALLETS) if i % 10 >= 2}
    assert set(snapshots["address"].iloc[slices.calibrate.rows]) == set(WALLETS)
    assert set(snapshots["address"].iloc[slices.test_time.rows]) == set(WALLETS)  # in the test all labels are the truth


def test_derived_dates_heed_the_delay():
    snapshots, marked, config = make(known_from="2020-09-01", label_delay="90d")
    slices = split_snapshots(snapshots, marked, config)
    assert slices.train_until > day("2020-11-30")


def test_derived_dates_come_near_60_20_20():
    snapshots, marked, config = make()
    slices = split_snapshots(snapshots, marked, config)
    sizes = np.array([len(slices.train.rows) / 0.75, len(slices.calibrate.rows) / 0.75, len(slices.test_time.rows)])
    assert slices.derived
    assert sizes / sizes.sum() == pytest.approx([0.6, 0.2, 0.2], abs=0.07)
    assert slices.train_until < slices.calibration_until


def test_derived_dates_leave_both_classes_in_each_slice():
    snapshots, marked, config = make()
    thefts = snapshots["address"].map(marked.known_by(None)) == 1
    late = snapshots[~thefts | (snapshots["as_of"] >= day("2021-04-01"))]  # positives only in the last 9 months
    slices = split_snapshots(late, marked, config)
    assert all(min(part.counts) > 0 for part in slices.named().values())


def test_too_short_a_history_says_what_to_change():
    snapshots, marked, config = make(last="2020-04-01")
    with pytest.raises(DataError, match=r"split: no two dates .* embargo 60 d\); use a shorter snapshots\.window"):
        split_snapshots(snapshots, marked, config)


def test_a_slice_without_a_class_is_named_with_all_counts():
    snapshots, marked, config = make(train_until="2020-01-15", calibration_until="2020-02-15")
    with pytest.raises(
        DataError,
        match=r"split: calibrate needs both classes \(train \d+ positive / \d+ negative, calibrate 0 positive / 0",
    ):
        split_snapshots(snapshots, marked, config)


def test_grid_of_quarters_and_of_days():
    assert [f"{m:%m-%d}" for m in as_of_grid(day("2020-01-01"), day("2020-12-31"), "quarter")] == [
        "01-01",
        "04-01",
        "07-01",
        "10-01",
    ]
    assert [f"{m:%m-%d}" for m in as_of_grid(day("2020-01-02"), day("2020-04-01"), "quarter")] == ["04-01"]
    steps = as_of_grid(day("2020-01-05"), day("2020-04-01"), "30d")
    assert set(np.diff(steps)) == {np.timedelta64(30, "D")}
    assert (
        as_of_grid(day("2020-02-20"), day("2020-04-01"), "30d").isin(steps).all()
    )  # the same dates, whatever the data


def test_only_snapshots_with_enough_transfers_are_kept():
    a, b, c = WALLETS[:3]
    ledger = ledger_from_rows([("2020-01-05", a, b), ("2020-01-06", a, b), ("2020-01-30", a, c), ("2020-03-20", a, c)])
    config = load_config(
        {"snapshots": {"window": "31d", "min_transfers": 2, "first": "2020-01-15"}}, "laundering"
    ).snapshots
    kept = sample_snapshots(ledger, [b, a, a, "0xunknown"], config)
    assert list(zip(kept["address"], kept["as_of"].dt.strftime("%m-%d"), kept["transfers"], strict=True)) == [
        (a, "02-01", 3),
        (b, "02-01", 2),
    ]


def test_by_default_the_whole_window_lies_in_the_data():
    ledger = ledger_from_rows([("2020-01-01", *WALLETS[:2]), ("2020-06-30T23:00", *WALLETS[:2])])
    moments = as_of_dates(ledger, load_config({"snapshots": {"window": "30d"}}, "laundering").snapshots)
    assert [f"{m:%m-%d}" for m in moments] == ["02-01", "03-01", "04-01", "05-01", "06-01", "07-01"]


def test_at_most_so_many_snapshots_a_wallet_whoever_else_is_there():
    a, b, c = WALLETS[:3]
    rows = [(m, sender, c) for m in pd.date_range("2020-01-01", "2021-01-01", freq="5D") for sender in (a, b)]
    ledger = ledger_from_rows(rows)
    config = load_config({"snapshots": {"window": "30d", "max_per_wallet": 4}}, "laundering").snapshots
    both = sample_snapshots(ledger, [a, b], config)
    assert both["address"].value_counts().to_dict() == {a: 4, b: 4}
    alone = sample_snapshots(ledger, [a], config)
    assert alone["as_of"].tolist() == both.loc[both["address"] == a, "as_of"].tolist()


def test_the_hash_is_even_and_differs_by_purpose():
    one, other = unit_hash(WALLETS * 50, "one"), unit_hash(WALLETS * 50, "other")
    assert unit_hash(["a"], "held_out_addresses")[0] == unit_hash(["b", "a"], "held_out_addresses")[1]
    assert 0 <= one.min() < one.max() < 1
    assert abs(one.mean() - 0.5) < 0.05
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
