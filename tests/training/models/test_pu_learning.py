"""Unlabelled wallets: who they are, that they never leak into a slice, and what the two methods make of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from samples.datasets import address, config_of, made, sliced

from walletprint.features import DataError, Ledger
from walletprint.features.exposure import with_attribution
from walletprint.training import build_dataset, load_config, read_labels
from walletprint.training.data.large_matrix import RowSelection
from walletprint.training.data.snapshots import unit_hash
from walletprint.training.metrics.classification_metrics import reviews, roc_auc
from walletprint.training.models.contenders import fit_contenders, metrics_table
from walletprint.training.models.estimators import fit_lightgbm, margins
from walletprint.training.models.learner import learn
from walletprint.training.models.pu_learning import learn_weighted, reviewed_unlabelled, trainable_unlabelled


@pytest.fixture(scope="module")
def dataset():
    return made(90, nameless=60)


def pu(method, **more):
    return config_of(pu_learning={"wallets": 60, "method": method, **more}, weights={"cases": False})


def guilty(dataset):
    return np.array(
        [int(one, 16) % 4 == 0 for one in dataset.unlabelled.snapshots["address"]]
    )  # 10,000 is a multiple of 4


def test_training_sees_those_of_its_time_that_are_not_held_out(dataset):
    part, shots = sliced(dataset).train, dataset.unlabelled.snapshots
    chosen = shots.iloc[trainable_unlabelled(dataset, part, pu("bagging"))]
    assert chosen["as_of"].max() == pd.Timestamp("2020-07-01", tz="UTC")
    assert (unit_hash(chosen["address"], "held_out_addresses") >= 0.25).all()
    rest = shots.drop(chosen.index)
    held = unit_hash(rest["address"], "held_out_addresses") < 0.25
    assert (held | (rest["as_of"] > "2020-07-01")).all()


def test_bags_hold_every_known_row_and_as_many_unlabelled_as_positives(dataset, monkeypatch):
    seen = []

    def fit(rows, y, params, seed, rounds, *, weights, monotone):
        seen.append((rows, y, weights))
        return fit_lightgbm(rows, y, params, seed, rounds, weights=weights, monotone=monotone)

    monkeypatch.setattr("walletprint.training.models.pu_learning.fit_lightgbm", fit)
    part = sliced(dataset).train
    learnt = learn(dataset, part, pu("bagging", bags=3))
    positives = int(part.y.sum())
    assert len(seen) == 3
    for rows, y, weights in seen:
        (_, known), (_, drawn) = rows.parts
        assert np.array_equal(known, part.rows)
        assert len(drawn) == positives
        assert y.tolist() == [*part.y, *[0] * positives]
        assert (weights == 1).all()
    assert len({tuple(rows.parts[1][1]) for rows, _, _ in seen}) == 3
    assert learnt.booster.num_trees() == 30
    again = learn(dataset, part, pu("bagging", bags=3))
    assert again.booster.model_to_string() == learnt.booster.model_to_string()


def test_the_bags_margins_are_averaged(dataset):
    part = sliced(dataset).train
    apart = trainable_unlabelled(dataset, part, pu("bagging"))
    bags = []
    for bag in range(2):
        drawn = np.sort(np.random.default_rng([7, bag]).choice(apart, int(part.y.sum())))
        X = pd.concat([dataset.X.iloc[part.rows], dataset.unlabelled.X.iloc[drawn]])
        y = np.concatenate([part.y, np.zeros(len(drawn))])
        params = pu("bagging").model.lightgbm.model_dump()
        bags.append(margins(fit_lightgbm(X, y, params, 7, 10, weights=np.ones(len(y))), dataset.X))
    found = margins(learn(dataset, part, pu("bagging", bags=2)).booster, dataset.X)
    assert np.abs(found - np.mean(bags, axis=0)).max() < 1e-12


def test_elkan_noto_weighs_by_hand(dataset):
    """Every row has the chance .2 or .5 of being with_attribution, by one feature: the weights are then arithmetic."""
    part = sliced(dataset).train
    apart = trainable_unlabelled(dataset, part, pu("elkan_noto"))
    calls = []

    def fit(rows, y, weights):
        calls.append((rows, y, weights))
        return None if len(rows.parts) == 3 else (lambda X: np.where(X["a"] > 0, 0.0, np.log(0.25)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("walletprint.training.models.pu_learning.margins", lambda booster, X: booster(X))
        learn_weighted(dataset, part, apart, np.ones(len(part.rows)), fit)
    own, other = dataset.X["a"].iloc[part.rows[part.y == 1]], dataset.unlabelled.X["a"].iloc[apart]
    c = np.mean([0.5 if value > 0 else 0.2 for value in own])
    share = np.array([min(1, (1 - c) / c * (1.0 if value > 0 else 0.25)) for value in other])
    _, y, weights = calls[-1]
    assert len(calls) == 4
    assert y.tolist() == [*part.y, *[1] * len(apart), *[0] * len(apart)]
    assert weights == pytest.approx([*np.ones(len(part.rows)), *share, *(1 - share)])


def test_elkan_noto_judges_wallets_it_did_not_learn_from(dataset):
    """The rows that each model is asked about are recognised by their index, which is moved away for the unlabelled ones."""
    part, names = sliced(dataset).train, dataset.snapshots["address"]
    far = dataset.unlabelled.X.set_axis(range(10**6, 10**6 + len(dataset.unlabelled.X)))
    moved = replace(dataset, unlabelled=replace(dataset.unlabelled, X=far))
    learnt, judged = [], []

    def fit(rows, y, weights):
        learnt.append(set(names.iloc[rows.parts[0][1]]))
        return len(learnt) - 1

    def judge(number, X):
        if X.index.max() < 10**6:
            judged.append((number, set(names.iloc[X.index])))
        return np.zeros(len(X))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("walletprint.training.models.pu_learning.margins", judge)
        apart = trainable_unlabelled(dataset, part, pu("elkan_noto"))
        learn_weighted(moved, part, apart, np.ones(len(part.rows)), fit)
    assert [number for number, _ in judged] == [0, 1, 2]
    assert all(wallets and not wallets & learnt[number] for number, wallets in judged)


@pytest.mark.parametrize("method", ["bagging", "elkan_noto"])
def test_both_methods_find_the_guilty_among_the_unlabelled(dataset, method):
    part = sliced(dataset).train
    booster = learn(dataset, part, pu(method, bags=3)).booster
    assert roc_auc(guilty(dataset), margins(booster, dataset.unlabelled.X)) > 0.75
    text = booster.model_to_string()
    assert learn(dataset, part, pu(method, bags=3)).booster.model_to_string() == text
    assert learn(dataset, part, pu(method, bags=3), unlabelled=False).booster.model_to_string() != text


def test_too_few_wallets_are_one_line(dataset):
    part = sliced(dataset).train
    few = dataset.snapshots["address"].iloc[part.rows].isin([address(1), address(2)]).to_numpy()
    part = replace(part, rows=part.rows[few], y=part.y[few])
    with pytest.raises(DataError, match="elkan_noto needs positive and unlabelled wallets in each of 3 parts"):
        learn(dataset, part, pu("elkan_noto"))
    nobody = replace(dataset, unlabelled=replace(dataset.unlabelled, snapshots=dataset.unlabelled.snapshots.iloc[:0]))
    with pytest.raises(DataError, match=r"model\.pu_learning: none of the wallets without a label has 3 transfers"):
        learn(nobody, sliced(dataset).train, pu("bagging"))


def test_budgets_are_bounded_where_unlabelled_wallets_consume_them(dataset):
    config = pu("none")
    slices = sliced(dataset)
    _, contending = fit_contenders(dataset, slices, config)
    table = metrics_table(contending, slices, config, dataset).set_index(["model", "slice"])
    part, model = slices.test_new, contending[0]
    rows = reviewed_unlabelled(dataset, part, config, "test_new")
    shots = dataset.unlabelled.snapshots.iloc[rows]
    assert (unit_hash(shots["address"], "held_out_addresses") < 0.25).all()
    assert set(shots["as_of"]) == set(dataset.snapshots["as_of"].iloc[part.rows])
    both = [(m, y) for m, y in zip(model.margin[part.rows], part.y, strict=True)]
    both += [(m, None) for m in model.unlabelled[rows]]
    both.sort(key=lambda pair: -pair[0])
    first = [y for _, y in both[: reviews(len(both), 0.05)]]
    row = table.loc[("lightgbm", "test_new")]
    assert row["precision_low_at_5pct"] == pytest.approx(sum(y == 1 for y in first) / len(first))
    assert row["precision_high_at_5pct"] == pytest.approx(sum(y != 0 for y in first) / len(first))
    assert np.isnan(table.loc[("date_only", "test_new"), "precision_low_at_k20"])
    assert table.loc[("random_forest", "test_time"), "precision_low_at_k20"] >= 0
    assert "precision_low_at_k20" not in metrics_table(contending, slices, config)


TRANSFERS = pd.DataFrame(
    [
        (pd.Timestamp("2021-01-01", tz="UTC") + pd.Timedelta(days=3 * k), address(wallet), address(900), 1.0 + k, "ETH")
        for wallet in range(1, 40)
        for k in range(wallet % 2 * 38 + 2)  # wallets of even numbers have two transfers only
    ],
    columns=["timestamp", "sender", "receiver", "amount", "asset"],
)


@pytest.fixture(scope="module")
def small():
    frame = TRANSFERS.assign(tx_id=[f"t{i}" for i in range(len(TRANSFERS))])
    names = {1: "theft", 3: "user", 5: "mixer", 7: "frozen", 9: "user"}
    rows = [(address(wallet), category) for wallet, category in names.items()]
    return Ledger.from_transfers(frame), read_labels(pd.DataFrame(rows, columns=["address", "category"])).good


def build(ledger, labels, wallets):
    config = {"snapshots": {"every": "30d", "window": "30d"}, "model": {"pu_learning": {"wallets": wallets}}}
    return build_dataset(ledger, labels, load_config(config, head="laundering"))


def test_they_carry_no_label_at_all_and_enough_history(small):
    ledger, labels = small
    found = build(ledger, labels, 1000).unlabelled
    expected = {address(wallet) for wallet in range(11, 40, 2)} | {address(900)}  # 5 and 7 have labels the head ignores
    assert set(found.snapshots["address"]) == expected
    assert set(found.snapshots["as_of"]) == set(build(ledger, labels, 0).snapshots["as_of"])
    assert (found.snapshots["transfers"] >= 3).all()
    book = pd.DataFrame({"address": [address(11)], "category": ["exchange"], "known_from": ["2020-01-01"]})
    attributed = with_attribution(ledger, read_labels(book).good)
    assert set(build(attributed, labels, 1000).unlabelled.snapshots["address"]) == expected - {address(11)}


def test_they_are_the_first_by_hash_and_change_nothing_else(small):
    ledger, labels = small
    every, few, none = (build(ledger, labels, wallets) for wallets in (1000, 4, 0))
    names = sorted(set(every.unlabelled.snapshots["address"]), key=lambda one: unit_hash([one], "unlabelled")[0])
    assert set(few.unlabelled.snapshots["address"]) == set(names[:4])
    assert none.unlabelled is None
    pd.testing.assert_frame_equal(few.X, none.X)
    pd.testing.assert_frame_equal(few.snapshots, none.snapshots)
    at = every.unlabelled.snapshots["address"].isin(names[:4])
    pd.testing.assert_frame_equal(few.unlabelled.X, every.unlabelled.X[at].reset_index(drop=True))
    assert list(few.unlabelled.X) == list(few.X)


def test_progress_is_over_all_wallets(small):
    ledger, labels = small
    told = []
    config = load_config(
        {"snapshots": {"every": "30d", "window": "30d"}, "model": {"pu_learning": {"wallets": 9}}}, head="laundering"
    )
    build_dataset(ledger, labels, config, lambda *step: told.append(step))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2]
    assert len({total for _, _, total in told}) == 1


def test_rows_of_several_tables_stand_one_below_the_other():
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    rows = RowSelection((X, np.array([1])), (X * 10, None))
    assert rows.names == ["a", "b"]
    assert rows.values().tolist() == [[2.0, 4.0], [10.0, 30.0], [20.0, 40.0]]
    assert (len(rows), rows.size) == (3, 6)
