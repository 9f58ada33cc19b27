"""The protocols on whole thefts: what is read of the collections, how wallets are reduced to flows, who is a hard negative."""

import numpy as np
import pandas as pd
import pytest
from samples.theft_files import EXCHANGE, THEFT, address, write_collections

from walletprint.experiments.protocols.ethereum import case_data, hard_negatives, leave_one_case_out
from walletprint.experiments.protocols.ethereum.flow_views import flow_views
from walletprint.experiments.protocols.registry import run_protocol
from walletprint.features import Ledger
from walletprint.features.base.errors import DataError
from walletprint.training.metrics.classification_metrics import roc_auc


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_collections(tmp_path_factory.mktemp("collections"))


@pytest.fixture(scope="module")
def cases(data):
    return case_data.load_cases(data)


def _listed(*rows):
    return pd.DataFrame(rows, columns=["list", "wallet", "timestamp", "sender", "receiver", "amount"])


def test_a_transfer_that_two_lists_hold_counts_once_and_one_that_a_list_holds_twice_counts_twice():
    lists = _listed(
        ("a", "x", 1, "x", "y", 5.0), ("a", "x", 1, "x", "y", 5.0),  # x paid y twice within a second
        ("a", "y", 1, "x", "y", 5.0), ("a", "y", 1, "x", "y", 5.0),  # and y's list says so too
        ("b", "z", 2, "x", "z", 1.0),
    )  # fmt: skip
    once = case_data.transfers_once(lists)
    assert once["amount"].tolist() == [5.0, 5.0, 1.0]


def test_thefts_have_the_wallets_that_the_collections_vouch_for(cases):
    found = cases.labels.groupby("case")["address"].agg(set).to_dict()
    assert found["upbit_2019"] == {address("upbit", i) for i in range(THEFT)}
    assert found["cryptopia_2019"] == {
        address("crypt", i) for i in range(5)
    }  # the sixth is near, and no list calls it heist
    assert found["kucoin_2020"] == {address("kuco", i) for i in range(3)}  # without the mixer
    assert found["harmony_horizon_2022"] == {address("harm", i) for i in range(12)}  # without where the money went
    assert found[case_data.SMALL] == {address("crypt", 5)}
    assert cases.views["harmony_horizon_2022"] == "flows"
    assert cases.views["upbit_2019"] == "histories"


def test_only_a_states_thefts_are_state_linked(cases):
    by_case = cases.labels.dropna(subset="case").groupby("case")[["category", "actor"]].first()
    assert set(by_case.index[by_case["category"] == "state_linked"]) == set(case_data.STATE)
    assert by_case.loc["cryptopia_2019", "category"] == "theft"


def test_flows_are_moved_back_by_whole_weeks(cases):
    rows = cases.ledger.rows
    ids = cases.ledger.ids([address("harm", 0)])
    first = pd.Timestamp(rows.time[rows.receiver == ids[0]].min(), unit="s")
    assert first == pd.Timestamp("2022-12-01") - pd.Timedelta(weeks=52)


def test_failed_transactions_moved_nothing(cases):
    assert cases.ledger.ids(["0xfailed"])[0] < 0


def test_a_missing_collection_is_named(data, tmp_path):
    with pytest.raises(DataError, match=r"normal_txs\.parquet: no such file"):
        case_data.load_cases(tmp_path)


def _moved(*rows):
    table = pd.DataFrame(rows, columns=["day", "sender", "receiver", "amount"])
    return table.assign(
        timestamp=pd.to_datetime("2021-01-01", utc=True) + pd.to_timedelta(table["day"], unit="D")
    ).drop(columns="day")


def _edges(ledger: Ledger) -> list[tuple[str, str, float]]:
    names = ledger.addresses.to_pylist()
    rows = ledger.rows
    return [(names[a], names[b], float(x)) for a, b, x in zip(rows.sender, rows.receiver, rows.amount, strict=True)]


def test_a_flow_view_is_the_largest_payments_in_and_what_was_spent_of_them():
    """w's largest inflow is 10, on day 5. Of the 90 days after it the 3 and the 2 stay, the 1 does not, nor what came or left
    before. 15 came: 9 and 4 left, then 5, which began within the 15; the last 7 did not."""
    lines = _moved(
        (1, "a", "w", 4.0), (2, "w", "b", 4.0), (5, "c", "w", 10.0), (6, "d", "w", 3.0), (7, "e", "w", 2.0), (8, "f", "w", 1.0),
        (9, "w", "g", 9.0), (10, "w", "h", 4.0), (11, "w", "i", 5.0), (12, "w", "j", 7.0), (100, "k", "w", 9.0),
    )  # fmt: skip
    view = _edges(flow_views(lines, {"w"}))
    assert view == [
        ("c", "w", 10.0),
        ("d", "w", 3.0),
        ("e", "w", 2.0),
        ("w", "g", 9.0),
        ("w", "h", 4.0),
        ("w", "i", 5.0),
    ]


def test_a_deposit_address_takes_from_several_and_sends_nearly_all_to_one_exchange():
    lines = _moved(
        (1, "a", "d", 1.0), (2, "b", "d", 2.0), (3, "d", "exchange", 2.9), (4, "d", "x", 0.1),
        (1, "a", "e", 1.0), (3, "e", "exchange", 1.0),  # one payer: somebody's own wallet
        (1, "a", "f", 1.0), (2, "b", "f", 1.0), (3, "f", "exchange", 1.0), (4, "f", "x", 1.0),  # half of it
    )  # fmt: skip
    assert hard_negatives.deposits(lines, {"exchange"}) == ["d"]


def test_a_victim_paid_a_phisher_and_was_paid_by_none():
    lines = _moved((1, "v", "p", 1.0), (1, "w", "p", 1.0), (2, "p", "w", 1.0), (3, "x", "y", 1.0))
    known = pd.DataFrame({"address": ["p"], "category": ["phishing"]})
    assert hard_negatives.victims(lines, known) == ["v"]


def test_whom_any_source_accuses_is_no_hard_negative(cases):
    labels = pd.DataFrame(
        {"address": [EXCHANGE, address("shop", 1), address("shop", 1)], "category": ["exchange", "dex", "scam"]}
    )
    found = hard_negatives.hard_negatives(cases.ledger, labels, cases.labels)
    kinds = dict(zip(found["address"], found["kind"], strict=True))
    assert kinds[EXCHANGE] == "exchange"
    assert address("shop", 1) not in kinds
    assert not set(found["address"]) & set(cases.labels["address"])


@pytest.fixture
def quick(monkeypatch, few_resamples):
    monkeypatch.setattr(leave_one_case_out, "RANKERS", {
        name: leave_one_case_out.RANKERS[name] for name in ("lightgbm", "stable features", "size", "missing")
    })  # fmt: skip
    monkeypatch.setattr(leave_one_case_out, "MODEL_SETTINGS", {"rounds": 20, "lightgbm": {"min_data_in_leaf": 3}})


def test_leave_one_case_out_end_to_end(data, quick):
    tables = run_protocol("leave-one-case-out", data).tables
    rows = next(iter(tables.values())).set_index(["head", "theft"])
    assert ("laundering", "upbit_2019") in rows.index
    assert ("state_linked", "cryptopia_2019 (disputed)") in rows.index
    assert rows.loc[("laundering", "upbit_2019"), "wallets"] == THEFT
    assert rows.loc[("laundering", "upbit_2019"), "roc_auc"] > 0.8  # all made-up thefts are alike
    assert rows.loc[("laundering", "harmony_horizon_2022"), "view"] == "flows"


def test_no_wallet_of_a_theft_or_near_it_trains_its_fold(cases, data):
    bench = leave_one_case_out.prepared(cases, 7, lambda *told: None)
    for head in leave_one_case_out.HEADS:
        for fold in leave_one_case_out.folds_of(bench, head):
            trained = set(bench.groups["address"].iloc[fold.train.rows])
            assert not trained & set(fold.test.snapshots["address"])
            assert not trained & bench.siblings[fold.case]
            assert not (bench.groups["case"].iloc[fold.train.rows] == fold.case).any()


def test_a_disputed_theft_never_trains_state_linked(cases, data):
    bench = leave_one_case_out.prepared(cases, 7, lambda *told: None)
    for fold in leave_one_case_out.folds_of(bench, "state_linked"):
        assert not bench.groups["case"].iloc[fold.train.rows].isin(case_data.DISPUTED).any()


def test_hard_negatives_end_to_end(data, quick):
    table = next(iter(run_protocol("hard-negatives", data).tables.values()))
    assert set(table["hard negatives in training"]) == {"with", "without"}
    assert (table["others"] > 0).all()


def test_pr_auc_at_a_base_rate_does_not_hang_on_how_many_others_there_are():
    y, ranking = [1, 1, 0, 0], [4.0, 2.0, 3.0, 1.0]
    doubled = leave_one_case_out.pr_auc_at([1, 1, 1, 1, 0, 0], [4.0, 4.0, 2.0, 2.0, 3.0, 1.0], 0.1)
    assert leave_one_case_out.pr_auc_at(y, ranking, 0.1) == pytest.approx(doubled)
    # each negative stands for nine: of recall 1/2 at precision 1, and 1/2 at 2 of 2 + 9
    assert leave_one_case_out.pr_auc_at(y, ranking, 0.1) == pytest.approx(0.5 + 0.5 * 2 / 11)
    assert roc_auc(y, ranking) == 0.75


def test_the_first_hundred_are_those_of_a_hundred_among_ten_thousand():
    """Two of the theft weigh 50 each, four others 2,500 each: behind the first of the theft comes a hard negative, which takes
    the other half of the hundred."""
    taken = hard_negatives._first(np.array([1, 0, 1, 0, 0, 0]), np.array([6.0, 5.0, 4.0, 3.0, 2.0, 1.0]))
    assert taken.tolist() == [50, 50, 0, 0, 0, 0]
    tied = hard_negatives._first(np.array([1, 0]), np.array([1.0, 1.0]))  # the negative goes first
    assert tied.tolist() == [0, 100]
