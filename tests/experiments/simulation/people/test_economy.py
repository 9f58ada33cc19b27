"""Each population of the simulated economy does what it says: one small town, carried out without crimes, failures or tips."""

import numpy as np
import pandas as pd
import pytest

from walletprint.experiments.simulation.engine import adoption, services
from walletprint.experiments.simulation.engine.chain_run import open_account_books
from walletprint.experiments.simulation.engine.market import (
    BTC,
    DAY,
    ETH,
    GOV,
    JUNK,
    MEME,
    MIN_TRANSFER,
    MINOR_UNITS,
    NFT,
    USDC,
    USDT,
    Market,
)
from walletprint.experiments.simulation.engine.transfer_plan import ROW, SHARE, TransferPlan
from walletprint.experiments.simulation.engine.world import START, World
from walletprint.experiments.simulation.people import (
    business,
    economy,
    honest_parties,
    service_replies,
    tokens,
    trading,
    users,
    utxo,
)

DAYS = 270


def stage(folder, year=2021.0, days=DAYS, seed=5):
    rng = np.random.default_rng(seed)
    prices = {"ETH": (900.0, 2500.0), "BTC": (30_000.0, 45_000.0)}
    return World(days, Market(rng, START, days, prices, 0.0), rng, TransferPlan(folder, START, days), start_year=year)


def settle_in(world):
    """Shared services, and those of one district."""
    shared = services.shared_services(world, 3_000)
    return shared, services.district_services(world, shared, 60, 8)


def carried_out(world, shared, folder):
    """The rows that happened, in order, with the populations of both ends and a number for each transaction."""
    books, parts, planned, transactions = open_account_books(world, folder), [], [], 0
    before = books.balance.sum(axis=0)
    for bucket in range(world.plan.buckets):
        rows = world.plan.take(bucket)
        service_replies.plan_replies(world, shared, rows)
        rows = np.concatenate([rows, world.plan.take(bucket)])
        rows = rows[np.lexsort((rows["number"], rows["t"]))]
        none = np.zeros(len(rows), dtype=bool)
        native = np.where(rows["asset"] == BTC, BTC, ETH)
        done = books.settle(rows, world.market.gas(native, rows["t"]), none, len(world.plan))
        frame = pd.DataFrame({name: rows[name] for name in ROW.names} | done)
        frame["tx"] = frame.pop("transaction") + transactions
        transactions += len(rows)
        planned.append(frame)
        parts.append(frame[frame["minor"] > 0])
    rows, names = pd.concat(parts, ignore_index=True), world.wallets.text("population")
    rows["units"] = rows["minor"] / MINOR_UNITS[rows["asset"]]
    rows["source"], rows["target"] = names[rows["sender"]], names[rows["receiver"]]
    return rows, pd.concat(planned, ignore_index=True), before, books


class Town:
    """A town's world and the rows that happened in it."""

    def __init__(self, folder):
        self.world = world = stage(folder)
        self.shared, s = settle_in(world)
        self.services = s
        business.housekeeping(world, self.shared)
        wallet = world.add(250, "user", "user")
        start, end = users.lifetimes(world.rng, DAYS, 250)
        everyone = users.draw_users(world, s, wallet, start, end)
        users.plan_lives(world, s, everyone)
        business.payroll(world, s, wallet[:60], start[:60], end[:60])
        business.takings(world, s)
        business.mining(world, s, 12)
        dealers = honest_parties.dealers(world, s, everyone, 3)
        exits = np.concatenate([s.deposits, dealers])
        honest_parties.companies(world, s, 30, exits)
        honest_parties.movers(world, s, 40, exits)
        honest_parties.private_people(world, s, 30, exits)
        trading.traders(world, s, 20)
        trading.bots(world, s, 8)
        tokens.launches(world, s, everyone, 40)
        tokens.collectors(world, s, everyone, 60)
        tokens.airdrops(world, s, everyone, 400)
        economy.stakers(world, s, 80)
        for plan in (economy.lenders, economy.lost, economy.bridgers, economy.nested_customers):
            plan(world, s, 40)
        economy.visitors(world, s, everyone, 120)
        utxo.people(world, s, 900)
        self.rows, self.planned, self.before, self.books = carried_out(world, self.shared, folder)

    def moved(self, source=None, target=None, asset=None):
        rows = self.rows
        for column, wanted in (("source", source), ("target", target), ("asset", asset)):
            rows = rows if wanted is None else rows[rows[column] == wanted]
        return rows


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return Town(tmp_path_factory.mktemp("town"))


def test_nothing_is_made_or_lost(town):
    fees = [
        town.rows.loc[town.rows["asset"] != BTC, "fee"].sum(),
        town.rows.loc[town.rows["asset"] == BTC, "fee"].sum(),
    ]
    after = town.books.balance.sum(axis=0)
    after[[ETH, BTC]] += fees
    assert (after == town.before).all()
    assert (town.books.balance >= 0).all()


def test_only_bitcoin_is_on_the_utxo_chain(town):
    w, rows = town.world.wallets, town.rows
    for side in ("sender", "receiver"):
        assert (w.utxo[rows[side]] == (rows["asset"] == BTC)).all()


@pytest.mark.parametrize(
    "population",
    ["trader", "bot", "miner", "payroll", "dealer", "company", "mover", "private", "deployer", "sniper", "collector", "creator",
     "airdropper", "staker", "lender", "bridger", "nested_customer", "desk", "btc_person", "btc_hodler", "btc_merchant",
     "btc_miner", "btc_pool", "btc_bridger", "cold", "btc_cold", "merchant", "relayer", "spammer", "duster", "btc_duster"],
)  # fmt: skip
def test_every_population_sends(town, population):
    assert len(town.moved(population)) >= 3


def test_validators_lay_down_32_coins_each_and_get_them_back(town):
    laid = town.moved("staker", "staking")
    assert (laid["units"] == 32).all()
    assert laid["sender"].nunique() > 20
    got = town.moved("staking", "staker")
    assert set(got.loc[got["units"] > 1, "units"]) == {32.0}
    small = got[got["units"] < 1].sort_values(["receiver", "t"])
    gaps = small.groupby("receiver")["t"].diff().dropna() / DAY
    assert gaps.between(6.9, 7.1).all()
    first = laid.groupby("sender")["t"].min()
    assert (got["t"] > got["receiver"].map(first)).all()


def test_a_token_of_a_collection_is_paid_for_in_its_transaction(town):
    pieces = town.moved(asset=NFT)
    assert (pieces["units"] % 1 == 0).all()
    assert len(pieces) > 50
    paid = town.rows[town.rows["asset"] == ETH].set_index("tx")["sender"]
    buyers = paid.groupby(level=0).agg(set)
    assert all(row.receiver in buyers.get(row.tx, ()) for row in pieces.itertuples())
    resold = pieces[pieces["source"] != "nft"]
    assert len(resold) > 10
    market = town.moved("nft_market").query("target != 'exchange_deposit'").groupby("tx")["units"].sum()
    price = town.moved(target="nft_market").groupby("tx")["units"].sum()
    np.testing.assert_allclose(market / price.loc[market.index], 1 - tokens.MARKET_FEE, rtol=1e-6)


def test_collections_are_minted_in_bursts(town):
    minted = town.moved("nft", asset=NFT)
    spread = minted.groupby("sender")["t"].agg(lambda t: np.ptp(np.sort(t)[: max(2, int(0.8 * len(t)))]))
    assert spread.median() < DAY


def test_deposits_reach_the_hot_wallet_and_nothing_else_leaves(town):
    hot = town.world.wallets.hot
    sent = town.rows[town.rows["source"].isin(["exchange_deposit", "btc_deposit", "nested"])]
    assert (sent["receiver"] == hot[sent["sender"]]).all()
    addresses = np.flatnonzero(hot >= 0)
    came = town.rows[town.rows["receiver"].isin(addresses) & (town.rows["t"] < town.world.end - 10 * DAY)]
    came = came[~came["source"].isin(["spammer", "duster", "btc_duster", "exchange"])]
    for asset in (ETH, USDC, USDT, BTC):
        arrived = came.loc[came["asset"] == asset, "units"].sum()
        assert 0.9 * arrived < sent.loc[sent["asset"] == asset, "units"].sum()


def test_bitcoin_is_paid_out_and_swept_in_batches(tmp_path):
    world = stage(tmp_path, days=60)
    shared, s = settle_in(world)
    payees = world.add(150, "user", "btc_person", utxo=True)
    asked = START + 20 * DAY + np.sort(world.rng.uniform(0, 3600, 150))
    services.withdraw(world, s, asked, payees, np.full(150, 0.5), BTC, 2)
    world.plan.add(asked + DAY, payees, world.rng.choice(s.btc_deposits, 150), 1.0, SHARE, asset=BTC)
    rows = carried_out(world, shared, tmp_path)[0].query("source != 'btc_duster'")
    paid = rows[rows["target"] == "btc_person"]
    assert len(paid) == 150
    assert (paid["t"].to_numpy() - asked.astype(int)).max() <= services.LATEST_BATCH
    assert 10 < paid["tx"].nunique() < 45  # five exchanges, three to six batches each
    assert (paid.groupby(["sender", "t"])["tx"].nunique() == 1).all()
    swept = rows[rows["target"] == "btc_hot"]
    assert swept["units"].sum() > 0.99 * paid["units"].sum()
    assert swept.groupby("tx")["sender"].nunique().max() >= 2
    assert (swept[swept["fee"] > 0].groupby("tx").size() == 1).all()


def test_pools_pay_all_their_miners_at_once(tmp_path):
    world = stage(tmp_path)
    shared, s = settle_in(world)
    business.housekeeping(world, shared)
    utxo.people(world, s, 4_000)
    rows = carried_out(world, shared, tmp_path)[0].query("source == 'btc_pool'")
    pools = rows.groupby(["sender", "t"])
    assert (pools["tx"].nunique() == 1).all()
    assert pools["receiver"].nunique().max() >= 3


def test_batches_leave_soon_and_at_one_second():
    t = np.array([1_000.0, 1_001.0, 1_150.0, 5_000.0])
    left = services.next_batch(t, 600)
    assert left[0] == left[1] == left[2]
    assert ((left >= t) & (left <= t + services.LATEST_BATCH)).all()


def test_payments_on_the_utxo_chain_leave_change_at_a_fresh_address(town):
    w, rows = town.world.wallets, town.rows
    paid = rows[(rows["source"] == "btc_person") & (rows["kind"] == SHARE)]
    own = w.owner[paid["sender"]] == w.owner[paid["receiver"]]
    foreign = paid[~own & ~paid["target"].isin(["btc_deposit"])]
    assert len(foreign) > 50
    change = paid[own & paid["tx"].isin(foreign["tx"])]
    assert change["tx"].nunique() > 0.7 * foreign["tx"].nunique()  # some keep one address for all
    first = rows.groupby("receiver")["t"].min()
    assert (change["receiver"].map(first) == change["t"]).all()
    spent = rows[rows["sender"].isin(change["sender"])].groupby("sender")["tx"].nunique()
    assert (spent == 1).all()  # an address with change is spent once, whole
    assert (town.books.balance[change["sender"].unique(), BTC] < MIN_TRANSFER[BTC]).mean() > 0.95


def test_several_inputs_of_an_owner_are_one_transaction(town):
    w = town.world.wallets
    sent = town.rows[town.rows["source"].isin(utxo.KINDS)]
    inputs = sent.groupby("tx")["sender"].nunique()
    assert 0.1 < (inputs > 1).mean() < 0.9
    assert (sent.assign(owner=w.owner[sent["sender"]]).groupby("tx")["owner"].nunique() == 1).all()
    assert sent.groupby("tx")["fee"].agg(lambda fee: (fee > 0).sum()).le(1).all()


def test_owners_have_many_addresses(town):
    w = town.world.wallets
    mine = np.flatnonzero(w.is_("population", *utxo.KINDS))
    assert 500 < len(mine) < 1_800  # 900 were asked for
    counts = pd.Series(w.owner[mine]).value_counts()
    assert counts.median() >= 3
    assert (counts == 1).mean() > 0.05


def test_spam_and_dust_stay_within_their_share(town):
    rows = town.rows[town.rows["asset"] != BTC]
    for source, most in (("spammer", service_replies.JUNK_SHARE), ("duster", service_replies.DUST_SHARE)):
        assert 0.3 * most < (rows["source"] == source).mean() < 1.15 * most  # some rows do not happen
    junk = town.moved("spammer")
    assert set(junk["asset"]) == {JUNK}
    assert junk.groupby("tx")["receiver"].nunique().max() > 5
    dust = town.moved("duster")
    assert dust["units"].max() <= 1e-4


def test_spam_reaches_wallets_that_received_something_before(town):
    first = town.planned[~town.planned["sender"].isin(town.moved("spammer")["sender"])].groupby("receiver")["t"].min()
    junk = town.moved("spammer")
    assert (junk["t"] >= junk["receiver"].map(first)).all()


def test_what_goes_over_the_bridge_comes_out_on_the_other_side(town):
    into = town.moved(target="bridge")[["number", "units", "t"]]
    out = town.moved("bridge_far").merge(into, left_on="after", right_on="number", suffixes=("", "_in"))
    assert len(out) > 20
    rate = town.world.market.rate(ETH, BTC, out["t"])
    np.testing.assert_allclose(out["units"], out["units_in"] * rate * (1 - services.BRIDGE_FEE), rtol=1e-3)
    assert (out["t"] - out["t_in"]).between(400, 4000).all()
    assert len(town.moved("bridge")) > 5  # and some come back


def test_nested_customers_are_paid_by_the_large_exchange(town):
    out = town.moved("exchange", "nested_customer").query("after >= 0")
    assert set(out["sender"]) == {town.services.hot[0]}
    into = town.moved(target="nested").set_index("number")["units"]
    coins = out[out["asset"] == ETH]
    np.testing.assert_allclose(coins["units"], into.loc[coins["after"]] * (1 - services.NESTED_FEE), rtol=1e-3)


def test_lost_wallets_never_send(town):
    assert len(town.moved("lost")) == 0
    assert town.moved(target="lost")["receiver"].nunique() > 30


def test_airdrops_reach_many_at_once_and_some_sell(town):
    drops = town.moved("airdropper", asset=GOV)
    assert drops.groupby("sender")["receiver"].nunique().max() > 8
    sold = town.rows[(town.rows["asset"] == GOV) & (town.rows["target"] == "dex")]
    share = drops["receiver"].isin(sold["sender"]).mean()
    assert 0.15 < share < 0.95


def test_snipers_buy_within_a_minute_of_a_launch(town):
    opened = town.moved("deployer", "launch_pool", ETH).groupby("receiver")["t"].min()
    bought = town.moved("sniper", "launch_pool", ETH)
    assert len(bought) > 10
    assert (bought["t"] - bought["receiver"].map(opened)).between(0, 60).all()
    crowd = town.moved("user", "launch_pool", ETH)
    assert (crowd["t"] - crowd["receiver"].map(opened)).median() < DAY
    got = town.moved("launch_pool", asset=MEME)
    assert len(got) > 0.9 * (len(bought) + len(crowd))


def test_lenders_get_back_more_than_they_laid_down(town):
    laid = town.moved("lender", "vault").set_index("number")["units"]
    back = town.moved("vault", "lender")
    growth = back["units"].to_numpy() / laid.loc[back["after"]].to_numpy()
    assert (growth > 1).mean() > 0.99
    assert growth.max() < 1.2


def test_hot_wallets_send_their_surplus_to_cold_ones_and_never_run_dry(town):
    assert len(town.moved("exchange", "cold")) > 50
    assert len(town.moved("cold", "exchange")) > 50
    asked = town.planned[town.planned["sender"].isin(town.services.hot) & (town.planned["after"] < 0)]
    assert (asked["minor"] > 0).mean() > 0.99


def test_employers_pay_on_one_day_of_a_month(town):
    paid = town.moved("payroll", "user").query("units > 0.02")
    days = paid.groupby(["sender", (paid["t"] - START) // (30 * DAY)])["t"].agg(np.ptp)
    assert (days < DAY).mean() > 0.9


@pytest.mark.parametrize(
    ("curve", "year", "expected"),
    [
        (adoption.NFTS, 2016.0, 0),
        (adoption.STAKING, 2019.0, 0),
        (adoption.BRIDGES, 2017.0, 0),
        (adoption.DEX, 2021.5, 100),
    ],
)
def test_habits_have_their_time(tmp_path, curve, year, expected):
    world = stage(tmp_path, year=year, days=300)
    assert len(adoption.arrivals(world, 100, curve)) == expected


def test_a_habit_is_taken_up_as_it_spreads(tmp_path):
    world = stage(tmp_path, year=2019.0, days=5 * 365)
    when = world.year(START + adoption.arrivals(world, 4_000, adoption.NFTS) * DAY)
    assert when.min() > 2020.3
    share = np.histogram(when, [2019, 2021, 2022, 2023, 2024])[0] / len(when)
    assert share[1] > 2 * share[3]


def test_dollars_were_one_token_at_first(tmp_path):
    world = stage(tmp_path, year=2017.0)
    assert set(adoption.stable(world, np.full(500, START))) == {USDT}
    assert set(adoption.stable(stage(tmp_path, year=2022.0), np.full(500, START))) == {USDC, USDT}


def test_before_there_is_a_dex_traders_only_buy_and_sell(tmp_path):
    world = stage(tmp_path, year=2016.0, days=90)
    shared, s = settle_in(world)
    trading.traders(world, s, 30)
    trading.bots(world, s, 30)
    rows = carried_out(world, shared, tmp_path)[0]
    assert "dex" not in set(rows["target"])
    assert (rows["source"] == "trader").any()


def test_the_same_seed_gives_the_same_rows(tmp_path):
    frames = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        world = stage(folder, days=90)
        shared, s = settle_in(world)
        economy.lost(world, s, 40)
        utxo.people(world, s, 200)
        honest_parties.movers(world, s, 20, s.deposits)
        frames.append(carried_out(world, shared, folder)[0])
    pd.testing.assert_frame_equal(*frames)
