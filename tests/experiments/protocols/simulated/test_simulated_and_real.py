"""The protocols `simulated-vs-real` and `simulated-to-real` on small tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from walletprint.experiments.protocols.ethereum.case_data import comparable_features
from walletprint.experiments.protocols.simulated import simulated_to_real as transfer
from walletprint.experiments.protocols.simulated import simulated_vs_real as versus
from walletprint.experiments.protocols.simulated.realism_judge import Verdict, distance
from walletprint.experiments.protocols.simulated.realism_tables import simulated_lists, simulated_rows
from walletprint.experiments.simulation import simulate
from walletprint.training.metrics.bootstrap import interval
from walletprint.training.metrics.classification_metrics import pr_auc


def features(rng, y, shift):
    """One feature tells the outcome, all others nothing."""
    X = pd.DataFrame(rng.normal(size=(len(y), len(comparable_features()))), columns=comparable_features())
    return X.assign(activity__transfers__total=X["activity__transfers__total"] + shift * y)


@pytest.fixture(scope="module")
def simulated():
    rng = np.random.default_rng(1)
    y = np.arange(300) % 3 == 0
    category = np.where(y, np.where(np.arange(300) % 2, "phishing", "state_linked"), "licit")
    return features(rng, y, 6.0).assign(category=category)


def test_each_head_learns_from_its_own_outcomes(simulated):
    X, y = transfer.outcomes(simulated, "phishing")
    assert len(X) == 250
    assert y.sum() == 50
    assert transfer.outcomes(simulated, "laundering")[1].sum() == 100
    assert transfer.outcomes(simulated, "state_linked")[1].sum() == 50
    assert list(X.columns) == comparable_features()


def test_what_holds_in_the_simulation_carries_over(simulated, few_trees, few_resamples):
    rng = np.random.default_rng(2)
    y = (np.arange(200) % 2).astype(np.int8)
    wallets = np.array([f"w{k}" for k in range(200)])
    test = transfer.TransferTest(
        "laundering: a", features(rng, y, 0.0), y, features(rng, y, 6.0), y, wallets, "laundering"
    )
    rows = list(transfer.judged(test, simulated, pr_auc, 3))
    found = {row["learnt from"]: row for row in rows}
    assert found[transfer.REAL]["roc_auc"] < 0.7
    assert found[transfer.SIMULATED]["roc_auc"] > 0.95
    assert found[transfer.BOTH]["rows"] == 500
    assert found[transfer.BOTH]["roc_auc, both minus real"].startswith("+")


def test_verdicts_become_tables():
    y = np.arange(100) % 2
    auc = interval(y, y + np.linspace(0, 2, 100), np.arange(100), "roc_auc", resamples=50)
    by = pd.DataFrame({"feature": ["a", "b", "c"], "ks": [0.1, 0.5, 0.3], "gain": [0.5, 0.3, 0.2]})
    found = versus.tables({"ordinary users": Verdict(auc, by, 50, 50)})
    row = found["Simulated against real"].iloc[0]
    assert row["median ks"] == 0.3
    assert row["auc"] == auc.value
    assert found["ordinary users: what tells them apart"]["feature"].tolist() == ["a", "b", "c"]


def test_distance_is_none_of_alike_and_whole_of_disjoint():
    a = np.linspace(0, 1, 50)
    assert distance(a, a) == 0
    assert distance(a, a + 2) == 1
    assert np.isnan(distance(a, a[:0]))


def test_a_simulated_chain_is_seen_as_public_lists_would_show_it(tmp_path):
    chain = simulate(tmp_path, "demo", wallets=400, days=90, seed=3)
    truth = pd.read_csv(chain.truth, keep_default_na=False)
    rows = simulated_rows(chain.transfers, truth)
    whole = pd.read_parquet(chain.transfers)
    dex = set(truth.loc[truth["population"] == "dex", "address"])
    assert not rows["sender"].isin(dex).any()
    ether = whole[(whole["asset"] == "ETH") & ~whole["failed"].astype(bool) & ~whole["sender"].isin(dex)]
    assert 0 < len(rows) <= len(ether)
    users = truth["population"] == "user"
    lists = simulated_lists(rows, truth, users)
    chosen = set(truth.loc[users, "address"])
    assert set(lists["wallet"]) <= chosen
    assert lists["out"].sum() == rows["sender"].isin(chosen).sum()
    assert (~lists["out"]).sum() == rows["receiver"].isin(chosen).sum()
