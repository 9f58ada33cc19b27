"""The simulated chain: reproducible, paid for, honest about what is known, and no give-away in it."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from walletprint.experiments.simulation import MIN_DAYS, MIN_WALLETS, simulate
from walletprint.features import Ledger, catalogue, extract
from walletprint.features.errors import DataError, UsageError
from walletprint.features.transfers import MARK, SCHEMA, deduplicate, validate

FILES = ("transfers.parquet", "labels.csv", "addresses.csv", "truth.csv")
ILLICIT = {"laundering", "phishing", "scam", "theft", "state_linked"}
FUNDED = {"exchange", "mixer", "dex", "casino", "vault", "spammer", "mining_pool"}  # held money before the first day
DAYS = 540


class Chain:
    """A simulated chain, read back from its files."""

    def __init__(self, folder):
        self.paths = simulate(folder, days=DAYS)
        self.table = pq.read_table(self.paths.transfers)
        self.transfers = self.table.to_pandas()
        self.truth = pd.read_csv(self.paths.truth, keep_default_na=False).set_index("address")
        self.labels = pd.read_csv(self.paths.labels, keep_default_na=False)
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
        return seen.join(self.truth["category"].isin(ILLICIT).rename("illicit"))


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
        ({"wallets": MIN_WALLETS - 1}, f"wallets: at least {MIN_WALLETS} is needed, {MIN_WALLETS - 1} came"),
        ({"days": MIN_DAYS - 1}, f"days: at least {MIN_DAYS} is needed, {MIN_DAYS - 1} came"),
        ({"seed": -1}, "seed: at least 0 is needed, -1 came"),
    ],
)
def test_too_little_is_refused_with_the_minimum(tmp_path, arguments, words):
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
    checked = validate(chain.table)
    assert len(checked.bad) == 0
    again, copies = deduplicate(checked.good)
    assert copies == 0
    assert again.equals(chain.table)


def test_the_size_is_as_promised(chain):
    assert 140_000 <= chain.paths.rows == len(chain.table) <= 300_000
    assert 2_850 <= chain.paths.wallets == len(chain.truth) <= 3_000
    assert set(chain.truth.index) == {*chain.transfers["sender"], *chain.transfers["receiver"]}


def test_metadata_fit_together(chain):
    own = chain.transfers.dropna(subset=["fee"])
    gas = own["fee"] * 1e18 / own["gas_price"]
    np.testing.assert_allclose(gas, gas.round(), atol=1e-3)
    assert set(gas.round().astype(int)) == {21_000, 55_000, 70_000, 150_000, 900_000}
    steps = own.sort_values(["sender", "timestamp", "nonce"]).groupby("sender")["nonce"].diff().dropna()
    assert (steps == 1).all()
    assert 0.002 < chain.transfers["failed"].mean() < 0.03
    assert 0.005 < chain.transfers["usd"].isna().mean() < 0.1
    assert (chain.transfers.groupby("tx_id")["timestamp"].nunique() == 1).all()


def balances(chain, asset):
    """What each wallet holds after each second in which it moved the asset, in whole minor units, starting from nothing."""
    unit = 1e9 if asset == "ETH" else 1e6
    rows = chain.moved[chain.moved["asset"] == asset]
    parts = [
        pd.DataFrame({"wallet": rows[side], "t": rows["timestamp"], "change": sign * (rows["amount"] * unit).round()})
        for side, sign in (("receiver", 1), ("sender", -1))
    ]
    if asset == "ETH":
        paid = chain.transfers.dropna(subset=["fee"])
        parts.append(
            pd.DataFrame({"wallet": paid["sender"], "t": paid["timestamp"], "change": -(paid["fee"] * unit).round()})
        )
    return pd.concat(parts).groupby(["wallet", "t"])["change"].sum().groupby(level=0).cumsum()


@pytest.mark.parametrize("asset", ["ETH", "USDC", "GOV"])
def test_nobody_spends_what_he_has_not_got(chain, asset):
    held = balances(chain, asset)
    funded = chain.truth.index[chain.truth["population"].isin(FUNDED)]
    assert (held.drop(funded, level=0, errors="ignore") >= 0).all()


def test_launderers_pass_on_most_of_what_they_get(chain):
    launderers = chain.of("launderer") | chain.of("state")
    coin = chain.moved[chain.moved["asset"] == "ETH"]
    came = coin.loc[coin["receiver"].isin(launderers), "amount"].sum()
    left = coin.loc[coin["sender"].isin(launderers), "amount"].sum()
    assert 0.75 < left / came <= 1


def test_base_rates(chain):
    share = chain.truth["category"].value_counts(normalize=True)
    assert 0.08 <= share[list(ILLICIT)].sum() <= 0.13
    assert 0.03 <= share["state_linked"] <= 0.045
    state = chain.truth["category"] == "state_linked"
    assert set(chain.truth.loc[state, "actor"]) == {"Simulated State Group"}
    assert set(chain.truth.loc[~state, "actor"]) == {""}
    assert chain.truth.loc[state, "case"].nunique() >= 6
    assert chain.truth.loc[~state & chain.truth["category"].isin(ILLICIT), "case"].nunique() >= 24


def test_every_part_of_the_period_has_both_kinds_of_crime(chain):
    start = chain.transfers["timestamp"].min()
    part = np.minimum((chain.transfers["timestamp"] - start).dt.days // (DAYS // 5), 4)
    for population in ("state", "launderer"):
        busy = chain.transfers["sender"].isin(chain.of(population)).groupby(part).sum()
        assert (busy > 50).all()


def test_labels_come_late_cover_a_part_and_are_sometimes_wrong(chain):
    labels = chain.labels.set_index("address").join(chain.truth.add_prefix("true_"))
    illicit = labels["true_category"].isin(ILLICIT)
    share = chain.truth["category"].isin(ILLICIT).sum()
    assert 0.6 < illicit.sum() / share < 0.75
    assert 0.4 < (~illicit).sum() / (len(chain.truth) - share) < 0.7
    assert 0.002 < (labels["category"] != labels["true_category"]).mean() < 0.03
    assert labels["confidence"].between(0, 1).all()
    assert 0.01 < (labels["known_from"] == "").mean() < 0.1
    known = labels[labels["known_from"].ne("")].join(chain.seen()[["min"]])
    assert (pd.to_datetime(known["known_from"]) >= known["min"]).all()


def test_labels_of_a_case_are_known_only_after_it_began(chain):
    heads = chain.truth[chain.truth["category"].isin(ILLICIT - {"laundering"})].join(chain.seen()[["min"]])
    began = heads.groupby("case")["min"].min()
    known = chain.labels[(chain.labels["case"] != "") & (chain.labels["known_from"] != "")]
    delay = pd.to_datetime(known["known_from"]) - known["case"].map(began)
    assert (delay > pd.Timedelta(days=1)).all()
    assert pd.Timedelta(days=14) < delay.median() < pd.Timedelta(days=90)


def test_wallets_to_score_are_new_and_in_no_list(chain):
    assert not set(chain.new) & set(chain.labels["address"])
    assert chain.new.is_unique
    seen = chain.seen().loc[chain.new]
    assert (seen["min"] > chain.transfers["timestamp"].max() - pd.Timedelta(days=76)).all()
    found = chain.truth.loc[chain.new, "category"]
    assert {"laundering", "state_linked", "user"} <= set(found)
    assert found.isin(ILLICIT).mean() < 0.25
    assert 60 <= len(chain.new) <= 120


def below_round(amounts):
    mantissa = amounts / 10 ** np.floor(np.log10(amounts))
    return (np.ceil(mantissa) - mantissa).between(1e-9, 0.02 * np.ceil(mantissa), inclusive="neither")


def test_the_state_pays_just_below_round_numbers_in_its_own_office_hours(chain):
    state, others = chain.sent("state"), chain.sent("user")
    assert below_round(state["amount"]).mean() > 3 * below_round(others["amount"]).mean()
    assert state["timestamp"].dt.hour.lt(9).mean() > 0.5  # 09 to 18 in Pyongyang
    assert others["timestamp"].dt.hour.lt(9).mean() < 0.45


def test_the_state_waits_for_weeks(chain):
    waits = []
    for _, case in chain.truth[chain.truth["population"] == "state"].groupby("case"):
        days = chain.moved.loc[chain.moved["sender"].isin(case.index), "timestamp"].sort_values().diff().dt.days
        waits.append(days.max())
    assert np.median(waits) >= 7


def test_the_mixer_takes_fixed_sums_from_honest_people_and_others(chain):
    deposits = chain.moved[chain.moved["receiver"].isin(chain.of("mixer")) & (chain.moved["method"] == "deposit")]
    assert set(deposits["amount"]) <= {0.1, 1.0, 10.0, 100.0}
    users = set(chain.truth.loc[deposits["sender"].unique(), "population"])
    assert {"private", "state", "launderer"} <= users


def test_deposit_addresses_pass_everything_on_to_their_exchange(chain):
    sent = chain.sent("exchange_deposit")
    assert set(sent["receiver"]) <= chain.of("exchange")


def test_bots_never_sleep_and_swap_within_the_minute(chain):
    sent = chain.sent("bot")
    hours = sent["timestamp"].dt.hour.value_counts(normalize=True)
    assert hours.min() > 0.5 / 24
    gaps = sent.sort_values(["sender", "timestamp"]).groupby("sender")["timestamp"].diff().dt.total_seconds()
    assert (gaps < 60).mean() > 0.4


@pytest.mark.parametrize(
    "population", ["payroll", "mining_pool", "company", "phishing", "dealer", "private", "mover", "casino"]
)
def test_every_population_takes_part(chain, population):
    sent = chain.sent(population)
    assert len(sent) >= 20
    assert sent["receiver"].nunique() >= 5


def test_payroll_pays_many_on_one_day_and_miners_come_in_batches(chain):
    for population in ("payroll", "mining_pool"):
        sent = chain.sent(population)
        batch = sent.groupby(["sender", sent["timestamp"].dt.floor("D")])["receiver"].nunique()
        assert batch.median() >= 3


@pytest.mark.parametrize("score", ["min", "max", "size", "address"])
def test_no_shortcut_gives_the_launderers_away(chain, score):
    seen = chain.seen()
    number = seen.index.map(lambda address: int(address[2:14], 16)) if score == "address" else seen[score].rank()
    assert 0.35 < roc_auc_score(seen["illicit"], number) < 0.65


def test_nor_does_being_labelled(chain):
    seen = chain.seen()
    assert 0.4 < roc_auc_score(seen["illicit"], seen.index.isin(chain.labels["address"])) < 0.65


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
    vectors = vectors[vectors["population"] != "mixer"]
    wanted = vectors["category"].isin(ILLICIT if head == "laundering" else {"state_linked"})
    safe = [feature.name for feature in catalogue() if feature.era_safe and "labels" not in feature.needs]
    model = lgb.LGBMClassifier(n_estimators=80, num_leaves=15, random_state=0, n_jobs=1, verbose=-1)
    party = vectors["case"].where(vectors["case"] != "", vectors.index)
    chance = cross_val_predict(model, vectors[safe], wanted, groups=party, cv=GroupKFold(4), method="predict_proba")[
        :, 1
    ]
    assert 0.5 < average_precision_score(wanted, chance) < 0.97
