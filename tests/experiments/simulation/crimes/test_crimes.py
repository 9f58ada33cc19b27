"""Each crime has its shape, and is the same with evasion and without."""

import numpy as np
import pandas as pd
import pytest
from samples.small_stage import DAYS, Stage

from walletprint.experiments.simulation import crimes
from walletprint.experiments.simulation.engine.market import BTC, DAY
from walletprint.experiments.simulation.people import tokens, users, utxo
from walletprint.experiments.simulation.scenarios.scenario import Crimes, Evasion
from walletprint.features.base.errors import UsageError


def town(folder, kinds, wallets=120, year=2021.5, evasion=None):
    """A tiny district with people, collectors and people on the UTXO chain, and crimes in it."""
    stage = Stage(folder, year)
    world, s = stage.world, stage.s
    wallets_of_users = world.add(400, "user", "user")
    everyone = users.draw_users(world, s, wallets_of_users, *users.lifetimes(world.rng, DAYS, len(wallets_of_users)))
    users.plan_lives(world, s, everyone)
    tokens.collectors(world, s, everyone, 40)
    utxo.people(world, s, 60)
    world.rng = np.random.default_rng(11)
    exits = np.concatenate([s.deposits[:20], s.desks])
    before = len(world.wallets)
    crimes.plan(world, s, everyone, wallets, kinds, exits, evasion)
    stage.new = np.arange(before, len(world.wallets))
    return stage


def of_cases(stage):
    rows = stage.rows()
    rows["case"] = np.where(rows["from_case"] != "", rows["from_case"], rows["to_case"])
    return rows[rows["case"] != ""]


def test_the_plan_has_the_wanted_size_and_every_script(tmp_path):
    stage = town(tmp_path, Crimes().kinds, 300)
    wallets = stage.world.wallets
    assert 200 <= (wallets.text("case")[stage.new] != "").sum() <= 450
    assert set(wallets.case_script.values()) == set(Crimes().kinds) == set(crimes.CRIME_SCRIPTS)
    assert set(wallets.case_start) == set(wallets.case_script) == set(wallets.text("case")) - {""}
    began = np.sort(np.array(list(wallets.case_start.values())))
    assert np.diff(began).max() < 0.2 * DAYS * DAY
    rows = of_cases(stage)
    first = rows[rows["phase"].isin(["theft", "collect"])].groupby("case")["t"].min()
    assert (first >= pd.Series(wallets.case_start)[first.index] - 1).all()
    assert set(rows.loc[(rows["from_case"] != "") & (rows["phase"] != ""), "phase"]) >= {"split", "forward", "cash_out"}


def test_an_unknown_script_is_refused(tmp_path):
    with pytest.raises(UsageError, match="got arson"):
        town(tmp_path, {"arson": 1.0})


def test_phishers_are_paid_by_many_and_emptied(tmp_path):
    rows = of_cases(town(tmp_path, {"phishing": 1.0}))
    paid = rows[rows["phase"] == "collect"]
    per_case = paid.groupby("case")
    assert per_case.size().mean() > 8
    assert (per_case["sender"].nunique() / per_case.size()).median() > 0.6
    assert (per_case["receiver"].nunique() <= 5).all()
    assert 0.2 * DAY < per_case["t"].agg(np.ptp).median() < 40 * DAY
    out = rows[rows["sender"].isin(paid["receiver"]) & rows["phase"].ne("")].groupby("case")["usd"].sum()
    assert 0.6 < out.sum() / paid["usd"].sum() < 1.1


def test_a_drainer_shares_in_the_same_moment(tmp_path):
    rows = of_cases(town(tmp_path, {"drainer": 1.0}))
    rows = rows[rows["asset"] <= BTC]
    taken = rows[(rows["phase"] == "collect") & (rows["usd"] > 1)]
    shared = rows[rows["phase"].isin(["collect", "split"]) & rows["tx"].isin(taken["tx"])]
    contracts = shared.loc[shared["phase"] == "split", "sender"].unique()
    takers = shared[~shared["receiver"].isin(contracts)].groupby("tx")
    assert len(contracts) > 0
    assert (takers["t"].nunique() == 1).all()
    assert (takers["receiver"].nunique() == 2).all()
    small = takers["units"].min() / takers["units"].sum()
    assert small.round(3).isin([0.15, 0.2, 0.25, 0.3]).mean() > 0.98
    swapped = rows[(rows["phase"] == "swap") & rows["to_population"].eq("dex")]
    assert len(swapped) > 10
    assert (rows["asset"].nunique()) >= 4


def test_a_drainer_before_its_time_is_a_phisher(tmp_path):
    stage = town(tmp_path, {"drainer": 1.0}, 30, year=2018.0)
    assert set(stage.world.wallets.case_script.values()) == {"phishing"}


def test_a_ponzi_scheme_pays_earlier_ones_from_later_money_and_ends(tmp_path):
    rows = of_cases(town(tmp_path, {"ponzi": 1.0}))
    paid_in, paid_out = rows[rows["phase"] == "collect"], rows[rows["phase"] == "payout"]
    assert len(paid_out) > 20
    entered = paid_in.groupby(["case", "sender"])["t"].min()
    due = pd.MultiIndex.from_frame(paid_out[["case", "receiver"]])
    assert (entered[due].to_numpy() + DAY <= paid_out["t"].to_numpy()).all()
    last = pd.concat([paid_in, paid_out]).groupby("case")["t"].max()
    away = rows[rows["sender"].isin(paid_in["receiver"]) & rows["phase"].eq("forward")].groupby("case")["t"].max()
    assert (away >= last.reindex(away.index)).mean() > 0.8  # after the founder has gone nobody pays or is paid
    both = pd.concat([paid_in.assign(net=paid_in["usd"]), paid_out.assign(net=-paid_out["usd"])]).sort_values("t")
    assert (both.groupby("case")["net"].cumsum() > -2).all()
    assert paid_out["usd"].sum() < 0.9 * paid_in["usd"].sum()


def test_ransoms_are_few_large_and_shared_in_one_transaction(tmp_path):
    rows = of_cases(town(tmp_path, {"ransomware": 1.0}))
    ransoms = rows[rows["phase"] == "collect"]
    assert (ransoms["asset"] == BTC).all()
    assert ransoms["usd"].median() > 20_000
    assert ransoms["receiver"].is_unique
    shares = rows[rows["sender"].isin(ransoms["receiver"])].groupby("sender")
    assert (shares["tx"].nunique() == 1).all()
    part = shares["units"].max() / shares["units"].sum()
    assert part.round(2).isin([0.7, 0.75, 0.8]).all()


def test_a_vendor_is_paid_often_and_little_by_a_market(tmp_path):
    rows = of_cases(town(tmp_path, {"darknet": 1.0}))
    paid = rows[rows["phase"] == "collect"]
    assert set(paid["from_population"]) == {"darknet_market"}
    assert paid["usd"].between(1, 1000).all()
    assert paid.groupby("case").size().median() >= 8
    assert set(rows["to_population"]) >= {"btc_deposit"}


def test_a_ring_goes_in_circles_and_sells_what_an_exchange_paid(tmp_path):
    stage = town(tmp_path, {"ring": 1.0})
    rows = of_cases(stage)
    assert set(rows.loc[rows["phase"] == "collect", "from_population"]) == {"exchange"}
    assert len(rows[rows["phase"] == "cycle"]) > 5
    assert set(rows.loc[rows["phase"] == "cash_out", "to_population"]) == {"exchange_deposit"}
    members = stage.new[stage.world.wallets.text("case")[stage.new] != ""]
    assert len(np.unique(stage.world.wallets.owner[members])) > 0.7 * len(members)


def test_a_theft_is_a_few_grabs_from_one_place(tmp_path):
    rows = of_cases(town(tmp_path, {"theft": 1.0}))
    grabs = rows[rows["phase"] == "theft"].groupby("case")
    assert (grabs["sender"].nunique() == 1).all()
    assert (grabs["t"].agg(np.ptp) < 3600).all()
    assert set(rows.loc[rows["phase"] == "theft", "from_population"]) <= {"vault", "exchange", "btc_hot"}


def test_helpers_with_a_life_of_their_own_have_rows_without_a_phase(tmp_path):
    rows = of_cases(town(tmp_path, {"phishing": 1.0}))
    plain = rows[(rows["phase"] == "") & (rows["from_case"] != "")]
    assert 0 < plain["sender"].nunique() < 0.5 * rows.loc[rows["from_case"] != "", "sender"].nunique()


def test_mixers_and_bridges_have_their_time(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    early, late = (
        of_cases(town(tmp_path / name, {"theft": 1.0}, 250, year)) for name, year in (("a", 2016.0), ("b", 2021.0))
    )
    assert not set(early["phase"]) & {"mix", "withdraw", "bridge", "swap"}
    assert set(late["phase"]) >= {"mix", "withdraw", "bridge", "swap"}


# --- evasion ---


def collected(rows):
    """Payments of victims that a case begins with; wallets made by later moves may have other numbers."""
    got = rows[rows["phase"].isin(["theft", "collect"])]
    return got[["case", "t", "sender", "asset"]]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return town(tmp_path_factory.mktemp("plain"), Crimes().kinds, 150)


@pytest.fixture(scope="module")
def plain_rows(plain):
    return of_cases(plain)


@pytest.mark.parametrize("strategy", ["dust", "split", "wait", "pad", "mimic"])
def test_evasion_keeps_the_crimes(tmp_path, plain, plain_rows, strategy):
    stage = town(tmp_path, Crimes().kinds, 150, evasion=Evasion(strategy=strategy, strength=0.3))
    assert stage.world.wallets.case_start == plain.world.wallets.case_start
    assert stage.world.wallets.case_script == plain.world.wallets.case_script
    ours, theirs = (world.wallets.text("case") for world in (stage.world, plain.world))
    assert abs(len(ours) - len(theirs)) <= 0.02 * len(theirs)
    kept = collected(of_cases(stage)).merge(collected(plain_rows))
    assert len(kept) > 0.95 * len(collected(plain_rows))
