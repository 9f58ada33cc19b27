"""A simulated chain as a whole: reproducible, paid for, honest about what is known, and no give-away in it."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from reading import canonical_table
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from walletprint.experiments.simulation import MIN_DAYS, MIN_WALLETS, Scenario, load_scenario, scenarios, simulate
from walletprint.experiments.simulation.chain import FILES
from walletprint.experiments.simulation.engine.market import ASSETS, MINOR_UNITS
from walletprint.experiments.simulation.engine.settlement import GAS, TOKEN_GAS
from walletprint.features import Ledger, catalogue, extract
from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.transfers.schema import MARK, SCHEMA
from walletprint.training import read_labels

TEXTS = {"keep_default_na": False}


FUNDED = {  # held money before the first day
    "exchange", "cold", "btc_hot", "btc_cold", "mixer", "dex", "launch_pool", "casino", "vault", "victim", "spammer", "duster",
    "btc_duster", "mining_pool", "btc_pool", "coinbase", "bridge", "bridge_far", "desk", "staking", "deployer", "nft", "creator",
    "airdropper",
}  # fmt: skip


class Chain:
    """A simulated chain, read back from its files."""

    def __init__(self, folder):
        self.paths = simulate(folder)
        self.table = pq.read_table(self.paths.transfers)
        self.transfers = self.table.to_pandas()
        self.truth = pd.read_csv(self.paths.truth, **TEXTS).set_index("address")
        self.truth["illicit"] = self.truth["case"] != ""
        self.labels = read_labels(self.paths.labels).good
        self.new = pd.read_csv(self.paths.addresses)["address"]
        self.moved = self.transfers[~self.transfers["failed"]]

    def of(self, population):
        return set(self.truth.index[self.truth["population"] == population])

    def sent(self, population):
        return self.moved[self.moved["sender"].isin(self.of(population))]

    def seen(self):
        """First and last transfer and their number, by wallet, with `illicit` beside them."""
        ends = [
            self.transfers[["timestamp", side]].set_axis(["t", "address"], axis=1) for side in ("sender", "receiver")
        ]
        seen = pd.concat(ends).groupby("address")["t"].agg(["min", "max", "size"])
        return seen.join(self.truth["illicit"])


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("chain"))


def test_one_seed_gives_the_same_bytes_and_another_others(tmp_path):
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(tmp_path / folder, wallets=MIN_WALLETS, days=MIN_DAYS, seed=seed)
    for name in FILES:
        one, same, other = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert one == same
        assert one != other
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(FILES)


def test_progress_is_told_to_the_end(tmp_path):
    told = []
    simulate(tmp_path, wallets=MIN_WALLETS, days=MIN_DAYS, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(k + 1, len(told)) for k in range(len(told))]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"wallets": MIN_WALLETS - 1}, f"wallets: .*greater than or equal to {MIN_WALLETS}, got {MIN_WALLETS - 1}"),
        ({"days": MIN_DAYS - 1}, f"days: .*greater than or equal to {MIN_DAYS}, got {MIN_DAYS - 1}"),
        ({"seed": -1}, "seed: .*greater than or equal to 0, got -1"),
        ({"scenario": "dmeo"}, "scenario: got dmeo; give one of decade, demo, .* or a readable YAML file"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_is_allowed(tmp_path, arguments, words):
    with pytest.raises(UsageError, match=words):
        simulate(tmp_path / "none", **arguments)
    assert not (tmp_path / "none").exists()


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="out: a folder is needed"):
        simulate(tmp_path / "file")
    with pytest.raises(DataError, match="cannot be made"):
        simulate(tmp_path / "file" / "below")


def test_transfers_are_canonical(chain):
    assert chain.table.schema.equals(SCHEMA)
    assert MARK.items() <= chain.table.schema.metadata.items()
    again, rejected = canonical_table(chain.table)
    assert len(rejected) == 0
    assert again.equals(chain.table)


def test_mistakes_in_a_scenario_are_told_together(tmp_path):
    place = tmp_path / "mine.yaml"
    place.write_text("wallets: many\ncrimes: {share: 2}\nthieves: 3\nevasion: {strategy: hide}\n")
    with pytest.raises(UsageError) as told:
        load_scenario(place)
    for words in (
        "mine.yaml",
        "wallets: ",
        "got 'many'",
        "crimes.share",
        "thieves: ",
        "one of none, dust",
        "got 'hide'",
    ):
        assert words in str(told.value)
    for text in ("[", "- a\n"):
        place.write_text(text)
        with pytest.raises(UsageError, match=r"mine\.yaml"):
            load_scenario(place)


@pytest.mark.parametrize("name", scenarios())
def test_scenarios_that_come_along_are_good_and_say_what_they_are_for(name):
    scenario = load_scenario(name)
    assert scenario.about
    assert sum(scenario.crimes.kinds.values()) == pytest.approx(1)


def test_another_calendar_moves_everything_by_whole_weeks(tmp_path):
    small = {"wallets": MIN_WALLETS, "days": MIN_DAYS, "seed": 5}
    begins = []
    for name, start in (("now", "2021-01-01"), ("then", "2019-03-20")):
        made = simulate(tmp_path / name, Scenario.model_validate({**small, "start": pd.Timestamp(start).date()}))
        begins.append(pd.read_parquet(made.transfers, columns=["timestamp"])["timestamp"])
    assert begins[0].min().date() == pd.Timestamp("2021-01-01").date()
    first = begins[1].min()
    assert pd.Timestamp("2019-03-14", tz="UTC") <= first < pd.Timestamp("2019-03-20", tz="UTC")
    assert begins[1].max() < pd.Timestamp("2019-03-20", tz="UTC") + pd.Timedelta(days=MIN_DAYS)


def test_the_size_is_as_promised(chain):
    assert 150_000 <= chain.paths.rows == len(chain.table) <= 320_000
    assert 2_700 <= chain.paths.wallets == len(chain.truth) <= 4_000
    assert set(chain.truth.index) == {*chain.transfers["sender"], *chain.transfers["receiver"]}


def test_metadata_fit_together(chain):
    own = chain.transfers[chain.transfers["gas_price"].notna()]
    gas = own["fee"] * 1e18 / own["gas_price"]
    np.testing.assert_allclose(gas, gas.round(), atol=1e-3)
    asked = set(gas.round().astype(int))
    assert {21_000, 55_000, 70_000, 120_000, 150_000, 180_000, 900_000} <= asked
    assert asked <= {*GAS.tolist(), TOKEN_GAS}
    steps = own.sort_values(["sender", "timestamp", "nonce"]).groupby("sender")["nonce"].diff().dropna()
    assert (steps == 1).all()
    assert 0.002 < chain.transfers["failed"].mean() < 0.03
    assert 0.005 < chain.transfers["usd"].isna().mean() < 0.15
    assert (chain.transfers.groupby("tx_id")["timestamp"].nunique() == 1).all()
    assert (chain.transfers["asset"].eq("BTC") == chain.transfers["chain"].eq("simulated_bitcoin")).all()


def balances(chain, asset):
    """What each wallet holds after each second in which it moved the asset, in whole minor units, starting from nothing."""
    unit = MINOR_UNITS[ASSETS.index(asset)]
    rows = chain.moved[chain.moved["asset"] == asset]
    parts = [
        pd.DataFrame({"wallet": rows[side], "t": rows["timestamp"], "change": sign * (rows["amount"] * unit).round()})
        for side, sign in (("receiver", 1), ("sender", -1))
    ]
    if asset in ("ETH", "BTC"):
        native = (chain.transfers["asset"] == "BTC") == (asset == "BTC")
        paid = chain.transfers[native & chain.transfers["fee"].notna()]
        parts.append(
            pd.DataFrame({"wallet": paid["sender"], "t": paid["timestamp"], "change": -(paid["fee"] * unit).round()})
        )
    return pd.concat(parts).groupby(["wallet", "t"])["change"].sum().groupby(level=0).cumsum()


@pytest.mark.parametrize("asset", [asset for asset in ASSETS if asset != "JUNK"])
def test_nobody_spends_what_he_has_not_got(chain, asset):
    held = balances(chain, asset)
    funded = chain.truth.index[chain.truth["population"].isin(FUNDED)]
    kept = held.drop(funded, level=0, errors="ignore")
    assert (kept >= 0).all()
    assert kept.index.get_level_values(0).nunique() > (500 if asset in ("ETH", "USDC") else 5)


def test_launderers_pass_on_most_of_what_they_get(chain):
    launderers = set(chain.truth.index[chain.truth["illicit"]])
    coin = chain.moved[chain.moved["asset"] == "ETH"]
    came = coin.loc[coin["receiver"].isin(launderers), "amount"].sum()
    left = coin.loc[coin["sender"].isin(launderers), "amount"].sum()
    assert 0.6 < left / came <= 1


def test_base_rates(chain):
    assert 0.08 <= chain.truth["illicit"].mean() <= 0.18
    state = chain.truth["category"] == "state_linked"
    assert 0.03 <= state.mean() <= 0.09
    assert set(chain.truth.loc[state, "actor"]) >= {"Simulated State Group", "Simulated State Group B"}
    assert chain.truth.loc[state, "case"].nunique() >= 6
    assert chain.truth.loc[~state & chain.truth["illicit"], "case"].nunique() >= 18


def test_every_part_of_the_period_has_both_kinds_of_crime(chain):
    start, end = chain.transfers["timestamp"].min(), chain.transfers["timestamp"].max()
    part = np.minimum(5 * (chain.transfers["timestamp"] - start) // (end - start), 4)
    for state in (True, False):
        theirs = chain.truth.index[chain.truth["illicit"] & ((chain.truth["category"] == "state_linked") == state)]
        assert (chain.transfers["sender"].isin(theirs).groupby(part).sum() > 10).all()


def test_labels_come_late_cover_a_part_and_are_sometimes_wrong(chain):
    labels = chain.labels.set_index("address").join(chain.truth.add_prefix("true_"))
    known = set(labels.index)
    share = chain.truth["illicit"].sum()
    assert 0.5 < len(known & set(chain.truth.index[chain.truth["illicit"]])) / share < 0.85
    assert 0.4 < len(known - set(chain.truth.index[chain.truth["illicit"]])) / (len(chain.truth) - share) < 0.8
    accused = labels["category"].isin(["laundering", "phishing", "scam", "theft", "state_linked"])
    assert 0.0005 < (accused & ~labels["true_illicit"]).mean() < 0.03
    assert labels["confidence"].dropna().between(0, 1).all()
    assert 0.005 < labels["known_from"].isna().mean() < 0.1
    dated = labels[labels["known_from"].notna()].join(chain.seen()[["min"]])
    assert (pd.to_datetime(dated["known_from"], utc=True) >= dated["min"]).mean() > 0.99


def test_wallets_to_score_are_new_and_in_no_list(chain):
    assert not set(chain.new) & set(chain.labels["address"])
    assert chain.new.is_unique
    seen = chain.seen().loc[chain.new]
    assert (seen["min"] > chain.transfers["timestamp"].max() - pd.Timedelta(days=76)).all()
    assert 0 < chain.truth.loc[chain.new, "illicit"].mean() < 0.25
    assert 60 <= len(chain.new) <= 180


@pytest.mark.parametrize("score", ["min", "max", "size", "address"])
def test_no_shortcut_gives_the_launderers_away(chain, score):
    seen = chain.seen()
    number = seen.index.map(lambda address: hash(address[2:14])) if score == "address" else seen[score].rank()
    assert 0.25 < roc_auc_score(seen["illicit"], number) < 0.75


def test_nor_does_being_labelled(chain):
    seen = chain.seen()
    assert 0.35 < roc_auc_score(seen["illicit"], seen.index.isin(chain.labels["address"])) < 0.7


@pytest.fixture(scope="module")
def vectors(chain):
    """Era-safe features of every wallet with three transfers or more, just after its last one."""
    seen = chain.seen()
    snapshots = pd.DataFrame({"address": seen.index, "as_of": seen["max"] + pd.Timedelta(seconds=1)}).reset_index(
        drop=True
    )
    found = extract(Ledger.from_transfers(chain.paths.transfers), snapshots, window="90d")
    return found[found["activity__transfers__total"] >= 3].set_index("address").join(chain.truth)


@pytest.mark.parametrize("head", ["laundering", "state_linked"])
def test_behaviour_tells_launderers_apart_but_not_too_easily(vectors, head):
    wanted = vectors["illicit"] if head == "laundering" else vectors["category"] == "state_linked"
    safe = [feature.name for feature in catalogue() if feature.era_safe and "labels" not in feature.needs]
    model = lgb.LGBMClassifier(n_estimators=40, num_leaves=15, random_state=0, n_jobs=1, verbose=-1)
    party = vectors["case"].where(vectors["case"] != "", vectors.index)
    chance = cross_val_predict(model, vectors[safe], wanted, groups=party, cv=GroupKFold(3), method="predict_proba")[
        :, 1
    ]
    assert 0.2 < average_precision_score(wanted, chance) < 0.97
