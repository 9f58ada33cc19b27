"""The truth of simulated thefts: conserved to the unit, as planned, known late, and found again where nothing hides it."""

import json
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletprint.experiments.simulation import simulate
from walletprint.experiments.simulation.engine.loot_purses import (
    LootPurse,
    LootShare,
    loot_after_mixing,
    loot_in_reply,
    pro_rata,
)
from walletprint.experiments.simulation.engine.market import ASSETS, MINOR_UNITS
from walletprint.experiments.simulation.engine.truth_tables import ENDS, FROM, TO
from walletprint.experiments.simulation.states.actors import ACTORS, CHAINS, DPRK, PLAIN, RANSOM, THIEVES, draw_playbook
from walletprint.experiments.simulation.states.playbooks import PLAYBOOKS
from walletprint.features.labels import SERVICES, read_labels

UNITS = dict(zip(ASSETS, MINOR_UNITS.tolist(), strict=True))
SECOND = "simulated_bitcoin"
INTO = ("stolen", "moved", "got", "arrived", "withdrawn")
BACK = ("stolen", "got", "arrived", "withdrawn")  # not sent by a wallet of a case


class Decade:
    """A simulated decade, read back from its files."""

    def __init__(self, folder):
        self.paths = simulate(folder, "decade", wallets=800)
        self.table = pq.read_table(self.paths.transfers)
        self.transfers = self.table.to_pandas()
        self.labels = read_labels(self.paths.labels).good
        self.seeds = pd.read_csv(self.paths.cases)
        self.cases = pd.read_csv(self.paths.truth_cases).set_index("case")
        self.years = pd.read_csv(self.paths.truth_years)
        self.balance = pd.read_csv(self.paths.truth_balance)
        self.flows = pd.read_parquet(self.paths.truth_flows)
        self.wallets = pd.read_csv(self.paths.truth, keep_default_na=False).set_index("address")
        carried = self.transfers.loc[self.flows["row"], ["sender", "receiver", "tx_id"]].reset_index(drop=True)
        self.carried = pd.concat([self.flows, carried], axis=1)
        self.thefts = self.cases[self.cases.index.str.startswith("theft")]


@pytest.fixture(scope="module")
def decade(tmp_path_factory):
    return Decade(tmp_path_factory.mktemp("decade"))


def test_thefts_are_of_all_sizes_by_states_and_by_thieves(decade):
    stolen = decade.thefts["stolen_usd"]
    assert len(stolen) == 49
    assert 2e4 <= stolen.min() < 3e5
    assert 1e8 < stolen.max() <= 6.1e8
    assert stolen.nlargest(5).sum() > 0.5 * stolen.sum()
    assert set(decade.thefts["actor"]) == {THIEVES.name, *(actor.name for actor in ACTORS.values())}
    assert decade.thefts.loc[decade.thefts["date"] < "2018", "asset"].isin(["ETH", "BTC"]).all()


def test_loot_is_conserved_to_the_unit(decade):
    b = decade.balance
    assert (b[list(FROM)].sum(axis=1) == b[list(TO)].sum(axis=1)).all()
    assert (b.drop(columns=["case", "asset", "after_mixer"]) >= 0).all(axis=None)
    assert (b.loc[b["after_mixer"], "stolen"] == 0).all()
    assert (b.loc[~b["after_mixer"], "withdrawn"] == 0).all()
    stolen = b[b["stolen"] > 0].merge(decade.cases["asset"].reset_index(), on=["case", "asset"]).set_index("case")
    amount = stolen["stolen"] / stolen["asset"].map(UNITS)
    np.testing.assert_allclose(amount, decade.cases["stolen_amount"].reindex(amount.index))


def test_what_was_stolen_is_where_it_went_in_dollars_too(decade):
    ends = decade.cases[[f"{name}_stolen_usd" for name in ENDS]].sum(axis=1)
    np.testing.assert_allclose(ends, decade.cases["stolen_usd"], atol=0.06)
    assert decade.cases["lost_stolen_usd"].sum() == 0
    assert decade.cases["bridged_stolen_usd"].sum() <= 1e-3 * decade.cases["crossed_stolen_usd"].sum()
    for kind in ("stolen", "mixed", "nested", "cashed", "otc", "sold", "crossed", "swapped"):
        flows = decade.flows[(decade.flows["kind"] == kind) & ~decade.flows["after_mixer"]]
        flowed = flows.groupby("case")["stolen_usd"].sum().reindex(decade.cases.index, fill_value=0.0)
        column = "stolen_usd" if kind == "stolen" else f"{kind}_stolen_usd"
        np.testing.assert_allclose(flowed, decade.cases[column], atol=0.02)


def test_flows_stand_at_their_transfers(decade):
    flows = decade.flows
    assert flows["row"].is_monotonic_increasing
    rows = decade.transfers.loc[flows["row"]].reset_index(drop=True)
    for name in ("timestamp", "asset", "chain"):
        assert (rows[name] == flows[name]).all()
    assert not rows["failed"].any()
    carried = flows.groupby("row")["amount"].sum()
    assert (carried <= decade.transfers.loc[carried.index, "amount"] * (1 + 1e-12)).all()
    assert (flows["amount"] > 0).all()
    assert set(flows.loc[flows["kind"] == "stolen", "hop"]) == {0}
    assert set(flows.loc[flows["kind"] == "stolen", "phase"]) == {"theft", "collect"}
    assert (flows["phase"] != "").mean() > 0.99


def test_flows_are_between_wallets_of_cases_and_what_they_deal_with(decade):
    case = decade.wallets["case"]
    ours = {side: decade.carried[side].map(case).fillna("") != "" for side in ("sender", "receiver")}
    kind = decade.carried["kind"]
    assert (ours["receiver"] == kind.isin(INTO)).all()
    assert (ours["sender"] == ~kind.isin(BACK)).all()
    population = decade.carried["receiver"].map(decade.wallets["population"])
    for kinds, populations in (
        ("mixed", {"mixer"}),
        ("swapped", {"dex"}),
        ("otc", {"desk", "dealer"}),
        ("nested", {"nested"}),
    ):
        assert set(population[kind == kinds]) <= populations


def test_nobody_passes_on_loot_that_has_not_reached_him(decade):
    c = decade.carried
    keys = ["case", "after_mixer", "asset", "wallet"]
    parts = [
        c[chosen].rename(columns={side: "wallet"})[[*keys, "row", "amount"]].assign(amount=lambda f, s=sign: s * f["amount"])
        for chosen, side, sign in ((c["kind"].isin(INTO), "receiver", 1), (~c["kind"].isin(BACK), "sender", -1))
    ]  # fmt: skip
    moved = pd.concat(parts)
    when = decade.transfers["timestamp"].to_numpy()[moved["row"]]
    held = moved.assign(t=when).groupby([*keys, "t"])["amount"].sum().groupby(level=[0, 1, 2, 3]).cumsum()
    assert held.min() > -1e-5


def test_years_end_with_what_rests_and_never_hold_more_than_was_stolen(decade):
    last = decade.years[decade.years["year_end"] == "2026-12-31"].set_index("case").reindex(decade.cases.index)
    np.testing.assert_allclose(last["unlaundered_usd"], decade.cases["resting_stolen_usd"], atol=0.02)
    np.testing.assert_allclose(last["unlaundered_usd_at_year_end"], decade.cases["resting_usd"], atol=0.02)
    years = decade.years.join(decade.cases["stolen_usd"], on="case")
    assert (years["unlaundered_usd"] <= years["stolen_usd"] + 0.05).all()
    assert (years["unlaundered_second_chain_usd"] <= years["unlaundered_usd"] + 0.01).all()
    assert (years.loc[years["mean_age_days"].isna(), "unlaundered_usd"] == 0).all()
    b = decade.balance
    resting = b[~b["after_mixer"]].set_index(["case", "asset"])["resting"]
    for case, text in last["unlaundered_by_asset"].items():
        for asset, amount in json.loads(text).items():
            assert round(amount * UNITS[asset]) == resting[case, asset]


def test_states_are_patient_and_thieves_are_quick(decade):
    c = decade.thefts
    years = decade.years.join(c[["stolen_usd", "actor"]], on="case", how="inner")
    left = years["unlaundered_usd"] / years["stolen_usd"]
    old = years[(years["mean_age_days"] > 600) & (left > 0.1)]
    assert old["case"].nunique() >= 3
    quick = (years["actor"] == THIEVES.name) & (years["mean_age_days"].fillna(999) > 400)
    assert left[quick].median() < 0.05
    together = decade.flows[decade.flows["kind"] == "moved"].groupby("row")["case"].nunique()
    assert together.max() >= 2  # several thefts are gathered in one wallet


def test_playbooks_have_their_time(decade):
    rng = np.random.default_rng(0)
    drawn = {year: {draw_playbook(rng, year, DPRK) for _ in range(300)} for year in (2012.0, 2019.0, 2021.5, 2025.5)}
    assert drawn[2012.0] == {"peel"}
    assert drawn[2019.0] == {"peel", "fan"}
    assert "flood" not in drawn[2021.5]
    assert drawn[2021.5] == {"peel", "fan", "rounds", "swap_mix"}
    assert drawn[2025.5] == set(DPRK)
    assert {*DPRK, *RANSOM, *CHAINS, *PLAIN} == set(PLAYBOOKS)
    assert set(decade.thefts["script"]) <= set(PLAYBOOKS)
    assert decade.thefts["script"].nunique() >= 8
    shared = decade.thefts[(decade.thefts["actor"] == THIEVES.name) & ~decade.thefts["script"].isin(list(PLAIN))]
    assert len(shared) >= 1  # a technique alone is no attribution


def test_a_state_keeps_office_hours_at_home(decade):
    of = decade.wallets[(decade.wallets["actor"] == ACTORS["A"].name) & (decade.wallets["population"] == "state")].index
    rows = decade.transfers[decade.transfers["sender"].isin(of)]
    hour = (rows["timestamp"].dt.hour + 9) % 24
    by_wallet = hour.between(9, 17).groupby(rows["sender"]).mean()
    assert by_wallet.mean() > 0.7


def test_the_public_knows_seeds_after_the_theft_and_no_other_wallet_of_a_case(decade):
    c = decade.carried
    first = c[c["kind"] == "stolen"].drop_duplicates("receiver").set_index("receiver")
    reported = first[first["case"].isin(decade.seeds["case"])]
    assert sorted(zip(reported["case"], reported.index, strict=True)) == sorted(
        zip(decade.seeds["case"], decade.seeds["address"], strict=True)
    )
    labels = decade.labels[decade.labels["address"].isin(decade.seeds["address"])]
    theft = labels[labels["category"] == "theft"].set_index("address")
    assert set(theft.index) == set(decade.seeds["address"])
    delay = theft["known_from"] - first["timestamp"].reindex(theft.index)
    assert delay.between(pd.Timedelta(hours=6), pd.Timedelta(days=13)).all()
    named = labels[labels["category"] == "state_linked"].set_index("address")
    assert (named["known_from"] > theft["known_from"].reindex(named.index)).all()
    others = set(decade.wallets.index[decade.wallets["case"] != ""]) - set(first.index)
    assert not others & set(decade.labels["address"])


def test_labels_are_in_the_contract_s_columns(decade):
    read = read_labels(decade.paths.labels)
    assert len(read.bad) == 0
    withdrawn = decade.labels[decade.labels["known_until"].notna()]
    assert set(withdrawn["category"]) == {"sanctioned"}
    assert (withdrawn["known_until"] > withdrawn["known_from"]).all()
    assert decade.labels["known_from"].notna().all()


def flow_order(moved):
    """Transfers by time; within a second, one whose sender is still to receive waits where it can."""
    seconds, sender, receiver = (
        moved["timestamp"].astype("int64").to_numpy(),
        moved["sender"].tolist(),
        moved["receiver"].tolist(),
    )
    starts = [*np.flatnonzero(np.diff(seconds, prepend=-1)).tolist(), len(moved)]
    order = []
    for begin, end in pairwise(starts):
        waiting = list(range(begin, end))
        while waiting:
            due = [k for k in waiting if not any(receiver[j] == sender[k] for j in waiting if j != k)]
            order.append((due or waiting)[0])
            waiting.remove(order[-1])
    return moved.iloc[order]


def haircut(decade):
    """Loot of reported cases that rests and that services absorbed, by case, category and asset: a haircut, written plainly."""
    services = decade.labels[decade.labels["category"].isin(SERVICES)].drop_duplicates("address")
    service, seed_of = services.set_index("address")["category"].to_dict(), decade.seeds.set_index("address")["case"]
    seed_of, moved = seed_of.to_dict(), decade.transfers[~decade.transfers["failed"]]
    back = moved["sender"].map(service) == "dex"  # a swap's second leg
    moved = flow_order(moved.assign(back=back).sort_values(["timestamp", "back"], kind="stable"))
    balance, taint, absorbed, given = defaultdict(float), defaultdict(dict), defaultdict(float), {}
    for sender, receiver, amount, asset, tx in moved[["sender", "receiver", "amount", "asset", "tx_id"]].itertuples(
        index=False
    ):
        pair = (sender, asset)
        spent = min(amount, balance[pair])
        share = spent / balance[pair] if spent else 0.0
        out = {case: share * units for case, units in taint[pair].items()}
        balance[pair] -= spent
        taint[pair] = {case: units - out[case] for case, units in taint[pair].items()} if share < 1 else {}
        if sender in seed_of:
            out = {seed_of[sender]: amount}
        elif service.get(sender) == "dex":
            loot, paid = given.pop((tx, receiver), ({}, 1.0))
            out = {case: amount * units / paid for case, units in loot.items()}
        if service.get(receiver) == "dex":
            given[tx, sender] = (out, amount)
        if receiver in service:
            for case, units in out.items():
                absorbed[case, service[receiver], asset] += units
            continue
        balance[receiver, asset] += amount
        for case, units in out.items():
            taint[receiver, asset][case] = taint[receiver, asset].get(case, 0.0) + units
    resting = defaultdict(float)
    for (_, asset), loot in taint.items():
        for case, units in loot.items():
            resting[case, asset] += units
    for seed, case in seed_of.items():
        for asset in ASSETS:
            resting[case, asset] += balance[seed, asset]
    return resting, absorbed


def clean_coin(decade):
    """ETH that wallets of each case received beside loot, for fees: a tracer takes that of a seed for stolen."""
    t, case = decade.transfers, decade.wallets["case"]
    other = t[~t["failed"] & (t["asset"] == "ETH") & ~t.index.isin(set(decade.flows["row"]))]
    return other.groupby(other["receiver"].map(case))["amount"].sum().to_dict()


def test_a_plain_haircut_finds_the_truth_on_the_first_chain_but_for_fees_and_gas(decade):
    resting, absorbed = haircut(decade)
    gas = clean_coin(decade)
    b = decade.balance
    truth = b[(b["asset"] != "BTC") & ~b["after_mixer"] & b["case"].isin(decade.seeds["case"])]
    for row in truth.itertuples():
        unit, slack = UNITS[row.asset], 0.2 + gas.get(row.case, 0.0) if row.asset == "ETH" else 500.0
        kept = (row.resting + row.fees) / unit  # a tracer that knows no fees takes them for what rests
        assert resting[row.case, row.asset] == pytest.approx(kept, rel=1e-3, abs=slack)
        for categories, units in (
            (["mixer"], row.mixed),
            (["otc"], row.otc),
            (["bridge"], row.crossed),
            (["exchange", "exchange_deposit"], row.cashed + row.nested),
        ):
            found = sum(absorbed[row.case, category, row.asset] for category in categories)
            assert found == pytest.approx(units / unit, rel=1e-3, abs=slack)


@given(st.lists(st.integers(0, 10**15), max_size=5), st.integers(0, 10**15), st.data())
def test_shares_in_proportion_lose_no_unit(weights, clean, data):
    total = sum(weights) + clean
    amount = data.draw(st.integers(0, total))
    shares = pro_rata(amount, weights, total)
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))
    assert amount - clean <= sum(shares) <= amount
    if total:
        assert all(abs(s - amount * w / total) <= 1 + 1e-6 * w for s, w in zip(shares, weights, strict=True))


def test_a_purse_gives_of_all_it_holds():
    purse = LootPurse()
    purse.put(60, [LootShare(2, 60, 600.0, 1)], 1)
    purse.put(30, [LootShare(4, 30, 90.0, 1)])
    purse.put(10, [])
    assert purse.take(50) == [LootShare(2, 30, 300.0, 2), LootShare(4, 15, 45.0, 1)]
    assert purse.take(50) == [LootShare(2, 30, 300.0, 2), LootShare(4, 15, 45.0, 1)]
    assert purse.total == 0
    assert not purse.shares


def test_what_comes_back_keeps_its_shares():
    assert loot_in_reply([LootShare(2, 60, 6.0, 1), LootShare(4, 40, 2.0, 3)], 100, 1001, 0) == [
        LootShare(2, 601, 6.0, 1),
        LootShare(4, 400, 2.0, 3),
    ]
    assert loot_in_reply([LootShare(2, 50, 6.0, 1)], 100, 30, 2) == [LootShare(2, 15, 6.0, 3)]
    both = [LootShare(2, 60, 6.0, 1), LootShare(3, 40, 2.0, 3)]  # before a mixer and after one, of the same case
    assert loot_after_mixing(both, 100, 90, 0.9) == [LootShare(3, 90, pytest.approx(7.2), 3)]


@pytest.mark.parametrize("scenario", ["demo", "hard", "evasion"])
def test_every_scenario_is_conserved_and_its_labels_are_late_and_partial(tmp_path, scenario):
    made = simulate(tmp_path, scenario, wallets=600, days=180)
    b, cases = pd.read_csv(made.truth_balance), pd.read_csv(made.truth_cases)
    assert (b[list(FROM)].sum(axis=1) == b[list(TO)].sum(axis=1)).all()
    ends = cases[[f"{name}_stolen_usd" for name in ENDS]].sum(axis=1)
    np.testing.assert_allclose(ends, cases["stolen_usd"], atol=0.06)
    truth = pd.read_csv(made.truth, keep_default_na=False).set_index("address")
    labels = read_labels(made.labels).good
    moved = pd.read_parquet(made.transfers, columns=["timestamp", "sender", "receiver"])
    first = pd.concat(
        [moved[[side, "timestamp"]].set_axis(["address", "t"], axis=1) for side in ("sender", "receiver")]
    )
    known = labels.set_index("address")["known_from"]
    assert (known.dropna() > first.groupby("address")["t"].min().reindex(known.dropna().index)).all()
    assert known.isna().mean() == pytest.approx(0.03, abs=0.02)
    illicit = truth["case"] != ""
    known_of = truth.index.isin(labels["address"])
    assert 0.35 < known_of[illicit].mean() < 0.95
    assert 0.4 < known_of[~illicit].mean() < 0.8
    taken_for = labels[labels["category"] == "laundering"]["address"].map(illicit)
    assert 0 < (~taken_for).sum() < 0.5 * len(taken_for)  # mistakes
    assert not set(pd.read_csv(made.addresses)["address"]) & set(labels["address"])
