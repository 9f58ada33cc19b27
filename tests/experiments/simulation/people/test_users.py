"""Ordinary users of the simulation: habits as fitted, acts as the habits say, and the judge of their likeness to real wallets."""

import numpy as np
import pandas as pd
import pytest

from walletprint.experiments.protocols.simulated import realism_judge as judging
from walletprint.experiments.protocols.simulated.realism_measures import HABITS, is_round, measured, seasons
from walletprint.experiments.protocols.simulated.realism_tables import JUDGE, half, own_rows
from walletprint.experiments.simulation.people import habits, intended_transfers
from walletprint.experiments.simulation.people.users import lifetimes

DAY = 86_400


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(3)
    who = habits.characters(rng, habits.LICIT, 300)
    return intended_transfers.intended_transfers_of(
        rng, who, (np.zeros(300), np.full(300, 360.0)), rng.uniform(0, 24, 300), 1.0
    )


def table_of(made: intended_transfers.IntendedTransfers) -> pd.DataFrame:
    other = [f"0x{1 + out:x}{who:019x}{k:020x}" for out, who, k in zip(made.out, made.who, made.other, strict=True)]
    wallet = [f"0x{who:040x}" for who in made.who]
    t = (made.t * DAY).astype(np.int64) + 1_514_764_800
    return pd.DataFrame({"wallet": wallet, "t": t, "out": made.out, "other": other, "amount": made.amount})


def test_the_fitted_habits_are_those_that_are_measured():
    for population in (habits.LICIT, habits.PHISHING):
        of = habits.fitted(population)
        assert of.names == HABITS
        assert of.weights.sum() == pytest.approx(1)
        assert (np.diff(of.knots, axis=1) >= 0).all()
        assert of.activity.sum(1) == pytest.approx(np.ones(3), abs=0.01)
        assert ((of.persistence >= 0) & (of.persistence < 1)).all()


def test_drawn_habits_have_the_fitted_medians():
    rng = np.random.default_rng(1)
    who, of = habits.characters(rng, habits.LICIT, 6000), habits.fitted(habits.LICIT)
    drawn = habits.season(rng, habits.LICIT, who, np.arange(6000))
    for name in ("log_n", "in_median", "delay", "out_share"):
        knots = of.knots[of.names.index(name)]
        below = (drawn[name] < np.interp(0, of.scores, knots)).mean()
        assert 0.38 < below < 0.6, name


def test_acts_stand_in_order_and_inside_their_lives(made):
    assert (made.amount > 0).all()
    assert (made.t >= 0).all()
    later = np.diff(made.who) >= 0
    assert later.all()
    assert not made.forward[~made.out].any()


def test_what_is_sent_on_is_what_came(made):
    sent_on = np.flatnonzero(made.forward)
    assert sent_on.size > 100
    one_before = sent_on[(sent_on > 1) & made.out[sent_on - 2] & (made.who[sent_on - 2] == made.who[sent_on])]
    ratio = made.amount[one_before] / made.amount[one_before - 1]
    assert np.quantile(np.abs(np.log(ratio)), 0.5) < 0.05


def test_measured_habits_of_acts_are_near_the_fitted_ones(made):
    found, of = seasons(table_of(made)), habits.fitted(habits.LICIT)
    for name, most in {"log_n": 0.5, "in_median": 0.5, "in_round": 0.1, "out_share": 0.1, "in_top": 0.3}.items():
        knots = of.knots[of.names.index(name)]
        assert abs(found[name].median() - np.interp(0, of.scores, knots)) < most, name


def test_habits_of_a_hand_made_season():
    rows = [
        ("a", 0, False, "p", 1.0),
        ("a", 600, True, "q", 1.0),
        ("a", DAY, False, "p", 2.0),
        ("a", DAY + 600, True, "r", 1.234567),
    ]
    table = pd.DataFrame(rows, columns=["wallet", "t", "out", "other", "amount"])
    found = measured(table, ["wallet"]).loc["a"]
    assert found["log_n"] == pytest.approx(np.log(4))
    assert found["out_share"] == found["forward"] == 0.5
    assert found["switches"] == 1.0
    assert found["delay"] == pytest.approx(np.log(600))
    assert found["in_distinct"] == 0.5
    assert found["in_top"] == found["in_round"] == 1.0
    assert found["out_round"] == 0.5
    assert found["ratio"] == pytest.approx(np.log(2.234567 / 3))


def test_round_is_at_most_so_many_digits():
    assert is_round(np.array([0.1, 25.0, 0.123, 1200.0]), 2).tolist() == [True, True, False, True]
    assert is_round(np.array([0.1234, 0.12345]), 4).tolist() == [True, False]


def test_more_people_come_late_where_the_chain_grows():
    rng = np.random.default_rng(5)
    even, _ = lifetimes(rng, 1000, 20_000)
    grown, end = lifetimes(rng, 1000, 20_000, 8.0)
    assert np.median(even) < np.median(grown)
    assert (end <= 1000).all()
    assert (end > grown).all()


def test_own_rows_are_the_wallet_s_side_and_halves_hold_still():
    lists = pd.DataFrame({
        "wallet": ["a", "a", "a"], "timestamp": pd.to_datetime([1, 2, 3], unit="s", utc=True),
        "sender": ["a", "b", "a"], "receiver": ["b", "a", "a"], "amount": [1.0, 2.0, 3.0],
    })  # fmt: skip
    table = own_rows(lists)
    assert table["out"].tolist() == [True, False]
    assert table["other"].tolist() == ["b", "b"]
    assert table["t"].tolist() == [1, 2]
    wallets = pd.Series([f"0x{k:040x}" for k in range(400)])
    assert (half(wallets) == half(wallets)).all()
    assert 140 < (half(wallets) == JUDGE).sum() < 260


def test_the_judge_cannot_tell_alike_and_tells_what_differs(made, few_trees):
    table = table_of(made)
    even = table["wallet"].str[-1].isin(list("02468ace"))
    one, two = judging.snapshots(table[even]), judging.snapshots(table[~even])
    alike = judging.judge(one, two, seed=1)
    assert alike.auc.value < 0.6
    often = two.assign(activity__transfers__total=two["activity__transfers__total"] + 1000.0)
    apart = judging.judge(one, often, seed=1)
    assert apart.auc.value > 0.95
    assert apart.table["feature"].iloc[0] == "activity__transfers__total"
