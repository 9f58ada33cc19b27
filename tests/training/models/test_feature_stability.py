"""Stability over cases: what tells one theft apart and no other is dropped, by name, judged on training rows alone."""

import numpy as np
import pandas as pd
import pytest
from samples.datasets import config_of, made, sliced

from walletprint.training.models.feature_stability import judge_stability, select_cross_case_features
from walletprint.training.models.pu_learning import trainable_unlabelled

CASES = ["Upbit", "KuCoin", "Cryptopia", "Harmony"]
DAY = pd.Timestamp("2021-01-01", tz="UTC")


def thefts(effects, wallets=40, negatives=400, seed=2):
    """A column for each list of effects: how far the wallets of each theft lie above the negatives, in standard deviations."""
    random = np.random.default_rng(seed)
    case = pd.Series([name for name in CASES for _ in range(wallets)] + [None] * negatives, dtype="str")
    y = case.notna().to_numpy().astype(int)
    shift = {name: dict(zip(CASES, shifts, strict=True)) for name, shifts in effects.items()}
    X = pd.DataFrame(
        {name: random.normal(size=len(y)) + case.map(by).fillna(0).to_numpy() for name, by in shift.items()}
    )
    return X, y, case, pd.Series(DAY, index=range(len(y))), pd.Series([f"w{i}" for i in range(len(y))])


def test_each_verdict_once():
    found = judge_stability(
        *thefts({
            "everywhere": [2, 2, 2, 2], "low everywhere": [-2, -2, -2, -2], "two": [2, 0, 2, 0], "upbit alone": [3, 0, 0, 0],
            "nowhere": [0, 0, 0, 0], "contrary": [2, -2, 0, 0], "mostly": [2, 2, 2, -2],
        })
    )  # fmt: skip
    table = found.table.set_index("feature")
    assert found.kept == ("everywhere", "low everywhere", "two", "nowhere", "mostly")
    assert table["kept"].to_dict() == {name: name in found.kept for name in table.index}
    assert table.loc["upbit alone", "why"] == "holds in Upbit only"
    assert table.loc["contrary", "why"] == "high in Upbit and low in KuCoin"
    assert table.loc["mostly", "why"] == "high in 3 cases, the other way in Harmony"
    assert table.loc["low everywhere", ["cases_up", "cases_down"]].tolist() == [0, 4]
    assert table.loc["upbit alone", "Upbit"] > 0.9 > 0.3 > abs(table.loc["upbit alone", "Harmony"])
    assert found.note == "2 of 7 features hold in one of 4 cases only, or both ways"


def test_the_strength_is_counted_pair_by_pair():
    random = np.random.default_rng(4)
    X, y, case, as_of, wallet = thefts({"one": [1, 0, 0, 1], "ties": [0, 0, 0, 0]}, wallets=6, negatives=30)
    X["ties"] = X["ties"].round()
    X = X.mask(random.random(X.shape) < 0.2)
    as_of = as_of + pd.to_timedelta(random.integers(0, 3, len(y)) * 90, unit="D")
    table = judge_stability(X, y, case, as_of, wallet).table.set_index("feature")
    for name in X:
        for theft in CASES:
            strengths, weights = [], []
            for date in as_of.unique():
                own, others = (X.loc[mask & (as_of == date), name].fillna(-1e9) for mask in ((case == theft), y == 0))
                if len(own) and len(others):
                    strengths.append(np.mean([np.sign(a - b) for a in own for b in others]))
                    weights.append(len(own))
            assert table.loc[name, theft] == pytest.approx(np.average(strengths, weights=weights))


def test_the_calendar_is_not_mistaken_for_a_theft():
    """A feature that drifts with time alone tells no case apart, as each is held against negatives of its dates."""
    X, y, case, as_of, wallet = thefts({"drift": [0, 0, 0, 0]})
    day = np.where(case == "Upbit", 0, np.where(y == 1, 300, np.arange(len(y)) % 2 * 300))
    X["drift"] += day / 20
    judged = judge_stability(X, y, case, as_of + pd.to_timedelta(day, unit="D"), wallet)
    assert judged.table["why"].tolist() == ["tells no case apart by itself"]


def test_four_wallets_prove_little():
    X, y, case, as_of, wallet = thefts({"a": [0.5, 0, 0, 0]}, wallets=4)
    table = judge_stability(X, y, case, as_of, wallet).table
    assert table.loc[0, "kept"]
    assert table.loc[0, "cases_up"] == 0


def test_small_cases_speak_together():
    """Two thefts of few wallets each point the same way as the large one, and neither is sure by itself."""
    X, y, case, as_of, wallet = thefts({"a": [3, 0.8, 0.8, 0.8], "b": [3, 0, 0, 0]}, wallets=60, negatives=900, seed=1)
    few = (case == "Upbit") | (y == 0) | (np.arange(len(y)) % 60 < 8)
    table = judge_stability(X[few], y[few], case[few], as_of[few], wallet[few]).table.set_index("feature")
    assert table["cases_up"].tolist() == [1, 1]
    assert table.loc["a", "why"] == "high in Upbit, and in the other cases together"
    assert table.loc["b", "why"] == "holds in Upbit only"


def test_many_snapshots_of_a_wallet_prove_no_more():
    """The same four wallets, forty snapshots each: as little is known of the case."""
    X, y, case, as_of, wallet = thefts({"a": [0.6, 0, 0, 0]}, wallets=40)
    wallet = wallet.where(y == 0, case + (wallet.str[1:].astype(int) % 4).astype(str))
    assert judge_stability(X, y, case, as_of, wallet).table.loc[0, "cases_up"] == 0


def test_fewer_than_three_cases_are_refused_with_a_word():
    X, y, case, as_of, wallet = thefts({"upbit alone": [3, 0, 0, 0]})
    two = case.isin(["Upbit", "KuCoin"]) | (y == 0)
    found = judge_stability(X[two], y[two], case[two], as_of[two], wallet[two])
    assert found.kept == ("upbit alone",)
    assert found.table.empty
    assert "3 cases with negatives of their dates are needed in training, not 2 (KuCoin, Upbit)" in found.note


def test_the_dataset_loses_the_column_and_only_training_rows_are_looked_at():
    dataset, config = made(180, nameless=20), config_of(pu_learning={"wallets": 20})
    slices = sliced(dataset)
    own = (dataset.label_details["case"] == "A").to_numpy()
    later = np.ones(len(own), bool)
    later[slices.train.rows] = False
    dataset.X.loc[own & ~later, "a"] += 4  # theft A alone, in training
    dataset.X.loc[own & later, "b"] += 4  # theft A alone, later
    less, found = select_cross_case_features(dataset, slices)
    assert [name for name in dataset.X if name not in less.X] == ["a"]
    assert found.table.set_index("feature").loc["a", "why"] == "holds in A only"
    pd.testing.assert_frame_equal(less.X, dataset.X.drop(columns="a"))
    assert less.unlabelled is not None
    assert list(less.unlabelled.X) == list(less.X)
    assert len(trainable_unlabelled(less, slices.train, config)) == len(
        trainable_unlabelled(dataset, slices.train, config)
    )
