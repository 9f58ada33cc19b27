"""A decade of thefts: reproducible, conserved to the unit, within what was planned, and recoverable where nothing hides it."""

import json
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletprint.experiments.simulation.follow import Key, Part, Purse, pro_rata
from walletprint.experiments.simulation.heists import FILES, simulate_heists
from walletprint.experiments.simulation.thefts import ACTORS, LARGEST_USD, SMALLEST_USD
from walletprint.features import Ledger
from walletprint.features.errors import DataError, UsageError
from walletprint.features.labels import SERVICES, read_labels
from walletprint.features.transfers import MARK, SCHEMA, deduplicate, validate

UNITS = {"ETH": 1e9, "BTC": 1e9, "USDC": 1e6, "GOV": 1e6}
SECOND = "simulated_bitcoin"
ENDS = ["mixed", "bridged", "cashed", "otc", "fees", "resting"]


class Decade:
    """A simulated decade, read back from its files."""

    def __init__(self, folder):
        self.paths = simulate_heists(folder, wallets=400)
        self.table = pq.read_table(self.paths.transfers)
        self.transfers = self.table.to_pandas()
        self.labels = pd.read_parquet(self.paths.labels)
        self.seeds = pd.read_csv(self.paths.cases)
        self.cases = pd.read_csv(self.paths.truth_cases).set_index("case")
        self.years = pd.read_csv(self.paths.truth_years)
        self.balance = pd.read_csv(self.paths.truth_balance)
        self.flows = pd.read_parquet(self.paths.truth_flows)
        carried = self.transfers.loc[self.flows["row"], ["sender", "receiver"]].reset_index(drop=True)
        self.carried = pd.concat([self.flows, carried], axis=1)

    def first_chain(self, kind):
        """USD when stolen of what one kind of transfer carried on the first chain, by case, before any mixer."""
        flows = self.flows[(self.flows["kind"] == kind) & (self.flows["chain"] != SECOND) & ~self.flows["after_mixer"]]
        return flows.groupby("case")["stolen_usd"].sum().reindex(self.cases.index, fill_value=0.0)


@pytest.fixture(scope="module")
def decade(tmp_path_factory):
    return Decade(tmp_path_factory.mktemp("decade"))


def test_one_seed_gives_the_same_bytes_and_another_others(tmp_path):
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate_heists(tmp_path / folder, cases=5, first_year=2019, years=2, wallets=400, seed=seed)
    for name in FILES:
        one, same, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert one == same
        assert one != other
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(FILES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cases": 0}, "cases: at least 1 is needed, 0 came"),
        ({"years": 0}, "years: at least 1 is needed, 0 came"),
        ({"wallets": 399}, "wallets: at least 400 is needed, 399 came"),
        ({"seed": -1}, "seed: at least 0 is needed, -1 came"),
        ({"first_year": 2009}, "first_year: the years must lie in 2010 to 2099, 10 from 2009 on came"),
        ({"first_year": 2095}, "first_year: the years must lie in 2010 to 2099, 10 from 2095 on came"),
    ],
)
def test_what_is_out_of_range_is_refused(tmp_path, arguments, words):
    with pytest.raises(UsageError, match=words):
        simulate_heists(tmp_path / "none", **arguments)
    assert not (tmp_path / "none").exists()


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="out: a folder is needed"):
        simulate_heists(tmp_path / "file")
    with pytest.raises(DataError, match="cannot be made"):
        simulate_heists(tmp_path / "file" / "below")


def test_a_single_year_with_one_theft_is_enough(tmp_path):
    made = simulate_heists(tmp_path, cases=1, first_year=2024, years=1, wallets=400)
    assert made.thefts == 1
    assert pd.read_csv(made.truth_years)["year_end"].tolist() == ["2024-12-31"]


def test_transfers_are_canonical_and_make_a_ledger(decade):
    assert decade.table.schema.equals(SCHEMA)
    assert MARK.items() <= decade.table.schema.metadata.items()
    checked = validate(decade.table)
    assert len(checked.bad) == 0
    again, copies = deduplicate(checked.good)
    assert copies == 0
    assert again.equals(decade.table)
    assert decade.transfers[["usd", "chain"]].notna().all(axis=None)
    ledger = Ledger.from_transfers(decade.paths.transfers)
    assert (ledger.ids(decade.seeds["address"]) >= 0).all()


def test_the_years_are_those_asked_for(decade):
    moments = decade.transfers["timestamp"]
    assert moments.is_monotonic_increasing
    assert moments.min() >= pd.Timestamp("2016-12-26", tz="UTC")
    assert pd.Timestamp("2026-12-31", tz="UTC") <= moments.max() < pd.Timestamp("2027-01-01", tz="UTC")
    dates = pd.to_datetime(decade.cases["date"])
    assert dates.is_monotonic_increasing
    assert dates.dt.year.value_counts().reindex(range(2017, 2027), fill_value=0).between(3, 8).all()


def test_thefts_are_of_all_sizes_and_of_two_groups(decade):
    stolen = decade.cases["stolen_usd"]
    assert len(stolen) == 49
    assert 0.99 * SMALLEST_USD <= stolen.min() < 3e5
    assert 1e8 < stolen.max() <= 1.01 * LARGEST_USD
    assert stolen.nlargest(5).sum() > 0.5 * stolen.sum()
    assert set(decade.cases["actor"]) == set(ACTORS)
    assert decade.cases["actor"].value_counts().min() >= 8
    assert set(decade.cases["asset"]) == {"ETH", "USDC", "GOV"}


def test_loot_is_conserved_to_the_unit(decade):
    b = decade.balance
    came = b[["stolen", "got", "arrived"]].sum(axis=1)
    went = b[["swapped", "crossed", *ENDS]].sum(axis=1)
    assert (came == went).all()
    assert (b["withdrawn"] == b.filter(like="after_mixer_").sum(axis=1)).all()
    assert (b.drop(columns=["case", "asset"]) >= 0).all(axis=None)
    stolen = b[b["stolen"] > 0].set_index("case")
    assert stolen["asset"].equals(decade.cases["asset"])
    amount = stolen["stolen"] / stolen["asset"].map(UNITS)
    np.testing.assert_allclose(amount, decade.cases["stolen_amount"])


def test_what_was_stolen_is_where_it_went_in_dollars_too(decade):
    ends = decade.cases[[f"{name}_stolen_usd" for name in ENDS]].sum(axis=1)
    np.testing.assert_allclose(ends, decade.cases["stolen_usd"], atol=0.05)
    for kind in ("stolen", "mixed", "bridged", "cashed", "otc", "crossed", "swapped"):
        flows = decade.flows[(decade.flows["kind"] == kind) & ~decade.flows["after_mixer"]]
        flowed = flows.groupby("case")["stolen_usd"].sum().reindex(decade.cases.index, fill_value=0.0)
        column = "stolen_usd" if kind == "stolen" else f"{kind}_stolen_usd"
        np.testing.assert_allclose(flowed, decade.cases[column], atol=0.02)


def test_flows_stand_at_their_transfers(decade):
    flows = decade.flows
    rows = decade.transfers.loc[flows["row"]].reset_index(drop=True)
    for name in ("tx_id", "timestamp", "asset", "chain"):
        assert (rows[name] == flows[name]).all()
    assert not rows["failed"].any()
    carried = flows.groupby("row")["amount"].sum()
    assert (carried <= decade.transfers.loc[carried.index, "amount"] * (1 + 1e-12)).all()
    assert (flows["amount"] > 0).all()
    assert set(flows.loc[flows["kind"] == "stolen", "hop"]) == {0}
    assert set(flows.loc[flows["hop"] == 0, "kind"]) <= {"stolen", "got"}


def test_nobody_passes_on_loot_that_has_not_reached_him(decade):
    c = decade.carried
    into = c[c["kind"].isin(["stolen", "moved", "got", "arrived", "withdrawn"])]
    out = c[~c["kind"].isin(["stolen", "got", "arrived", "withdrawn"])]
    keys = ["case", "after_mixer", "asset", "wallet"]
    parts = [
        frame.rename(columns={side: "wallet"})[[*keys, "row", "amount"]].assign(
            amount=lambda f, s=sign: s * f["amount"]
        )
        for frame, side, sign in ((into, "receiver", 1), (out, "sender", -1))
    ]
    moved = pd.concat(parts)
    when = decade.transfers["timestamp"].to_numpy()[moved["row"]]
    held = moved.assign(t=when).groupby([*keys, "t"])["amount"].sum().groupby(level=[0, 1, 2, 3]).cumsum()
    assert held.min() > -1e-5


def test_wallets_of_thieves_hold_loot_and_a_little_gas_only(decade):
    thieves = set(
        decade.carried.loc[decade.carried["kind"].isin(["stolen", "moved", "arrived", "withdrawn"]), "receiver"]
    )
    reached = decade.transfers[decade.transfers["receiver"].isin(thieves) & ~decade.transfers["failed"]]
    other = reached[~reached.index.isin(set(decade.flows["row"]))]
    assert set(other["asset"]) <= {"ETH"}
    assert other["amount"].max() <= 0.1
    assert other["sender"].nunique() <= 2  # the mules


def test_years_end_with_what_rests_and_never_hold_more_than_was_stolen(decade):
    last = decade.years[decade.years["year_end"] == "2026-12-31"].set_index("case")
    np.testing.assert_allclose(last["unlaundered_usd"], decade.cases["resting_stolen_usd"], atol=0.02)
    np.testing.assert_allclose(last["unlaundered_usd_at_year_end"], decade.cases["resting_usd"], atol=0.02)
    years = decade.years.join(decade.cases[["stolen_usd", "date"]], on="case")
    assert (years["unlaundered_usd"] <= years["stolen_usd"] + 0.05).all()
    assert (years["unlaundered_second_chain_usd"] <= years["unlaundered_usd"] + 0.01).all()
    age = pd.to_datetime(years["year_end"], utc=True) + pd.Timedelta(days=1) - pd.to_datetime(years["date"])
    assert (age > pd.Timedelta(0)).all()
    told = years["mean_age_days"].notna()
    np.testing.assert_allclose(years.loc[told, "mean_age_days"], age[told].dt.total_seconds() / 86_400, atol=0.01)
    assert (years.loc[~told, "unlaundered_usd"] == 0).all()
    resting = decade.balance.set_index(["case", "asset"])["resting"]
    for case, text in last["unlaundered_by_asset"].items():
        for asset, amount in json.loads(text).items():
            assert round(amount * UNITS[asset]) == resting[case, asset]


def test_shares_through_mixers_are_as_configured_and_rise(decade):
    c = decade.cases
    at_once = c[c["planned_resting_share"] == 0]
    mixed = (decade.first_chain("mixed") / c["stolen_usd"])[at_once.index]
    np.testing.assert_allclose(mixed, at_once["planned_mixer_share"], atol=0.03)
    assert (c["planned_mixer_share"] == 0).sum() >= 8
    large = c[c["stolen_usd"] > 1.2e7]
    by_half = large["planned_mixer_share"].groupby(pd.to_datetime(large["date"]).dt.year >= 2022).mean()
    assert by_half[True] > 1.5 * by_half[False]


def test_the_state_is_patient_and_criminals_are_quick(decade):
    c = decade.cases
    years = decade.years.join(c[["stolen_usd", "actor", "planned_resting_share"]], on="case")
    left = years["unlaundered_usd"] / years["stolen_usd"]
    early = years["mean_age_days"].between(20, 150) & (years["planned_resting_share"] > 0)
    assert early.sum() >= 3
    assert (left[early] > 0.95 * years.loc[early, "planned_resting_share"]).all()
    criminal = (years["actor"] == ACTORS[1]) & (years["mean_age_days"].fillna(999) > 120)
    assert left[criminal].max() < 0.05
    old = years[(years["mean_age_days"] > 730) & (left > 0.1)]
    assert old["case"].nunique() >= 2


def test_several_thefts_are_gathered_in_one_wallet(decade):
    together = decade.flows[decade.flows["kind"] == "moved"].groupby("row")["case"].nunique()
    assert together.max() >= 3


def test_swaps_are_one_transaction_and_the_bridge_names_what_it_answers(decade):
    by_kind = dict(tuple(decade.carried.groupby("kind")))
    assert set(by_kind["swapped"]["tx_id"]) == set(by_kind["got"]["tx_id"])
    both = by_kind["swapped"].merge(by_kind["got"], on=["tx_id", "case"], suffixes=("_out", "_in"))
    assert (both["sender_out"] == both["receiver_in"]).all()
    assert (both["asset_in"] == "ETH").all()
    answers = decade.transfers.loc[by_kind["arrived"]["row"], "method"]
    assert set(answers) == {f"out:{tx}" for tx in by_kind["crossed"]["tx_id"]}


def test_labels_are_in_the_contract_s_columns(decade):
    read = read_labels(decade.paths.labels)
    assert len(read.bad) == 0
    assert len(read.good) == len(decade.labels)
    assert decade.labels["known_from"].notna().all()
    assert str(decade.labels["known_from"].dtype) == "datetime64[us, UTC]"
    ordered = decade.labels.sort_values(["address", "category", "source", "name"], kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(ordered, decade.labels)
    withdrawn = decade.labels[decade.labels["known_until"].notna()]
    assert set(withdrawn["category"]) == {"sanctioned"}
    assert (withdrawn["known_until"] > withdrawn["known_from"]).all()


def test_the_public_knows_seeds_after_the_theft_and_no_other_wallet_of_a_thief(decade):
    c = decade.carried
    seeds = c[c["kind"] == "stolen"].set_index("receiver")
    assert sorted(zip(seeds["case"], seeds.index, strict=True)) == sorted(
        zip(decade.seeds["case"], decade.seeds["address"], strict=True)
    )
    theft = decade.labels[decade.labels["category"] == "theft"].set_index("address")
    assert set(theft.index) == set(seeds.index)
    delay = theft["known_from"] - seeds["timestamp"].reindex(theft.index)
    assert delay.between(pd.Timedelta(hours=6), pd.Timedelta(days=13)).all()
    assert (theft["case"] == seeds["case"].reindex(theft.index)).all()
    others = set(c.loc[c["kind"].isin(["moved", "arrived", "withdrawn"]), "receiver"]) - set(seeds.index)
    assert not others & set(decade.labels["address"])


def test_services_are_known_before_the_first_theft(decade):
    c = decade.carried
    ends = c[c["kind"].isin(["mixed", "otc", "bridged", "crossed", "swapped"])]
    known = decade.labels[decade.labels["category"].isin(SERVICES)].groupby("address")["known_from"].min()
    assert (known.reindex(ends["receiver"].unique()) < c["timestamp"].min()).all()


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
    """Loot that rests and that services absorbed, by case, category and asset: a haircut, written plainly."""
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
        for asset in ("ETH", "USDC", "GOV"):
            resting[case, asset] += balance[seed, asset]
    return resting, absorbed


def test_a_plain_haircut_finds_the_truth_on_the_first_chain_but_for_fees_and_gas(decade):
    resting, absorbed = haircut(decade)
    truth = decade.balance[decade.balance["asset"] != "BTC"]
    for asset, rows in truth.groupby("asset"):
        found = sum(resting[case, asset] for case in rows["case"])
        assert found * UNITS[asset] == pytest.approx(rows["resting"].sum(), rel=0.02)
    for case, row in truth[truth["asset"] == "ETH"].set_index("case").iterrows():
        kept = (row["resting"] + row["fees"]) / 1e9  # gas stays too: at most 0.1 ETH in a wallet that held tokens
        assert abs(resting[case, "ETH"] - kept) < 2.0
        for categories, kinds in (
            (["mixer"], ["mixed"]),
            (["otc"], ["otc"]),
            (["bridge"], ["bridged", "crossed"]),
            (["exchange", "exchange_deposit"], ["cashed"]),
        ):
            found = sum(absorbed[case, category, "ETH"] for category in categories)
            assert found == pytest.approx(row[kinds].sum() / 1e9, rel=0.02, abs=1.0)


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
    one, two = Key("a", False), Key("b", False)
    purse = Purse()
    purse.put(60, [Part(one, 60, 600.0, 2)])
    purse.put(30, [Part(two, 30, 90.0, 1)])
    purse.put(10, [])
    assert purse.take(50) == [Part(one, 30, 300.0, 2), Part(two, 15, 45.0, 1)]
    assert purse.take(50) == [Part(one, 30, 300.0, 2), Part(two, 15, 45.0, 1)]
    assert purse.total == 0
    assert not purse.lots
