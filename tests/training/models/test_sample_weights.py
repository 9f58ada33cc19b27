"""Weights: a theft of many wallets counts no more than one of few, and nothing else moves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.datasets import config_of, made, sliced

from walletprint.training.models.sample_weights import balanced_weights, case_weights, training_weights


def test_two_thefts_and_a_stray():
    # Upbit: wallet a twice, b once; KuCoin: wallet c; a positive without a case; two negatives, one of which has a case
    y = np.array([1, 1, 1, 1, 1, 0, 0])
    case = pd.Series(["upbit", "upbit", "upbit", "kucoin", None, None, "upbit"], dtype="str")
    wallet = pd.Series(["a", "a", "b", "c", "d", "e", "f"])
    # four rows with a case, two cases: each totals 2; Upbit's two wallets 1 each, and a's two snapshots a half
    assert case_weights(y, case, wallet) == pytest.approx([0.5, 0.5, 1.0, 2.0, 1.0, 1.0, 1.0])


def test_800_wallets_weigh_what_4_do():
    case = pd.Series(["upbit"] * 800 + ["small"] * 4, dtype="str")
    weights = case_weights(np.ones(804, int), case, pd.Series([f"w{i}" for i in range(804)]))
    assert weights[:800].sum() == pytest.approx(402)
    assert weights[800:].sum() == pytest.approx(402)


rows = st.lists(
    st.tuples(st.booleans(), st.sampled_from([None, "A", "B", "C"]), st.sampled_from(["u", "v", "w"])), min_size=1
)


@settings(max_examples=30, deadline=None)
@given(rows)
def test_what_must_hold_of_any_rows(drawn):
    y = np.array([int(one) for one, _, _ in drawn])
    case, wallet = (pd.Series([row[k] for row in drawn], dtype="str") for k in (1, 2))
    weights = case_weights(y, case, wallet)
    inside = [bool(one) and name is not None for one, name, _ in drawn]
    totals: dict = {}
    wallets: dict = {}
    for weight, (_, name, who), counts in zip(weights, drawn, inside, strict=True):
        if not counts:
            assert weight == 1
            continue
        totals[name] = totals.get(name, 0) + weight
        wallets[name, who] = wallets.get((name, who), 0) + weight
    assert sum(totals.values()) == pytest.approx(sum(inside))
    assert all(total == pytest.approx(sum(inside) / len(totals)) for total in totals.values())
    for name in totals:
        shares = [weight for (of, _), weight in wallets.items() if of == name]
        assert shares == pytest.approx([shares[0]] * len(shares))


def test_balanced_classes_total_the_same_and_all_as_much_as_before():
    y, weights = np.array([1, 0, 0, 0]), np.array([2.0, 1.0, 1.0, 2.0])
    assert balanced_weights(y, weights) == pytest.approx([3.0, 0.75, 0.75, 1.5])
    assert balanced_weights(np.array([1, 1]), np.array([1.0, 3.0])) == pytest.approx([0.5, 1.5])  # half of T, as always


def test_the_config_says_which():
    dataset = made(60)
    part = sliced(dataset).train
    case = dataset.label_details["case"].iloc[part.rows].to_numpy()
    by_case = training_weights(dataset, part, config_of())
    assert by_case is not None
    in_case = {name: by_case[(case == name) & (part.y == 1)].sum() for name in ("A", "B", "C")}
    assert in_case["A"] == pytest.approx(in_case["B"])
    assert in_case["A"] == pytest.approx(in_case["C"])
    assert training_weights(dataset, part, config_of(weights={"cases": False})) is None
    both = training_weights(dataset, part, config_of(weights={"classes": "balanced"}))
    assert both is not None
    assert both[part.y == 1].sum() == pytest.approx(both[part.y == 0].sum())
