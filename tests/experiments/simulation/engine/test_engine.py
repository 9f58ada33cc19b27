"""The simulator's engine on hand-sized plans: what waits in buckets, what is carried out, in what order, and who pays for it."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walletprint.experiments.simulation.engine import output
from walletprint.experiments.simulation.engine.chain_run import LOAD_POWER, ChainRun, open_account_books
from walletprint.experiments.simulation.engine.market import (
    ASSETS,
    BTC,
    DAY,
    ETH,
    MIN_TRANSFER,
    MINOR_UNITS,
    NATIVE,
    USDC,
    Market,
)
from walletprint.experiments.simulation.engine.settlement import BYTES, GAS, TOKEN_GAS
from walletprint.experiments.simulation.engine.transfer_plan import (
    BUCKET_DAYS,
    EXACT,
    PHASES,
    PLAIN,
    REPLY,
    SHARE,
    SWAP,
    UP_TO,
    TransferPlan,
)
from walletprint.experiments.simulation.engine.world import START, World
from walletprint.features.transfers.schema import SCHEMA

DAYS = 95
BUCKET = BUCKET_DAYS * DAY
PRICES = {"ETH": (1000.0, 1000.0), "BTC": (30_000.0, 30_000.0)}


def stage(folder, days=DAYS):
    rng = np.random.default_rng(1)
    folder.mkdir(exist_ok=True)
    return World(days, Market(rng, START, days, PRICES, 0.0), rng, TransferPlan(folder, START, days), 2021.0)


class Watch:
    """Notes what a follower is shown."""

    def __init__(self):
        self.seen = []

    def observe(self, rows, place):
        self.seen.append((rows, place))


def carried_out(world, folder, answer=lambda rows: None):
    """The canonical transfers of a plan, and what a follower saw."""
    watch, names = Watch(), output.names(np.random.default_rng(2), world.wallets)
    run = ChainRun(world, names, open_account_books(world, folder), answer, watch, 0, np.random.default_rng(3))
    table = pa.concat_tables(run.tables()).to_pandas()
    number = {address: k for k, address in enumerate(names.addresses.to_pylist())}
    return table.assign(sender=table["sender"].map(number), receiver=table["receiver"].map(number)), watch.seen


def wallets(world, n, **held):
    return world.add(n, "user", "user", funds={ASSETS.index(name): amount for name, amount in held.items()})


def test_rows_wait_in_their_bucket_and_come_back_as_planned(tmp_path):
    world = stage(tmp_path)
    late = world.plan.add_one(START + 2 * BUCKET + 5, 0, 1, 2.5, EXACT, asset=USDC, digits=3, after=0, method=SWAP)
    with world.plan.phase("peel"):
        early = world.plan.add([START, START + 7.9], 1, [2, 3], 0.5)
    first, none, third = (world.plan.take(bucket) for bucket in range(3))
    assert first["number"].tolist() == early.tolist() == [1, 2]
    assert first["t"].tolist() == [START, START + 7]
    assert first["kind"].tolist() == [SHARE, SHARE]
    assert first["phase"].tolist() == [PHASES.index("peel")] * 2
    assert len(none) == 0
    assert third[
        ["number", "sender", "receiver", "amount", "asset", "digits", "after", "method", "phase"]
    ].tolist() == [(late, 0, 1, 2.5, USDC, 3, 0, SWAP, 0)]
    assert len(world.plan.take(0)) == 0


def test_rows_outside_the_period_or_to_oneself_never_happen_nor_what_depends_on_them(tmp_path):
    world = stage(tmp_path)
    one, other = wallets(world, 2, ETH=10.0)
    for t, receiver in ((START - 1, other), (world.end, other), (START, one)):
        row = world.plan.add_one(t, one, receiver, 1.0, EXACT)
        world.plan.add_one(START + 60, other, one, 1.0, EXACT, after=row)
    assert len(carried_out(world, tmp_path)[0]) == 0


def test_a_row_waits_for_one_in_an_earlier_bucket_and_answers_it_in_another_asset(tmp_path):
    world = stage(tmp_path)
    payer, bridge = wallets(world, 2, ETH=10.0, USDC=50_000.0)
    far = int(world.add(1, "service", "bridge", utxo=True, contract=True, funds={BTC: 5.0})[0])
    home = int(world.add(1, "user", "user", utxo=True)[0])
    deposit = world.plan.add_one(START + BUCKET - 3, payer, bridge, 2.0, EXACT)
    world.plan.add_one(START + 3 * BUCKET + 1, far, home, 0.05, REPLY, asset=BTC, after=deposit)
    world.plan.add_one(
        START + BUCKET + 9, far, home, 0.05, REPLY, asset=BTC, after=world.plan.add_one(START, home, far, 1.0)
    )
    rows, _ = carried_out(world, tmp_path)
    assert rows[~rows["failed"]][["asset", "amount", "chain"]].values.tolist() == [
        ["ETH", 2.0, "simulated"], ["BTC", pytest.approx(0.1), "simulated_bitcoin"],
    ]  # fmt: skip


def test_what_one_owner_pays_in_one_second_is_one_transaction_on_the_utxo_chain_alone(tmp_path):
    world = stage(tmp_path)
    owner = world.owner()
    coins = world.add(2, "user", "user", utxo=True, owner=owner, funds={BTC: 1.0})
    change = int(world.add(1, "user", "user", utxo=True, owner=owner)[0])
    paid, accounts = int(world.add(1, "user", "user", utxo=True)[0]), wallets(world, 2, ETH=1.0)
    first = world.plan.add_one(START + 50, coins[0], paid, 0.3, EXACT, asset=BTC)
    world.plan.add_one(START + 50, coins[1], paid, 0.2, EXACT, asset=BTC, after=first)
    world.plan.add_one(START + 50, coins[0], change, 1.0, SHARE, asset=BTC, after=first)
    for _ in range(2):
        world.plan.add_one(START + 50, accounts[0], accounts[1], 0.1, EXACT)
    rows, _ = carried_out(world, tmp_path)
    rows = rows[~rows["failed"]]
    spent = rows[rows["asset"] == "BTC"]
    assert spent["tx_id"].nunique() == 1
    assert spent["fee"].notna().sum() == 1
    assert rows[rows["asset"] == "ETH"]["tx_id"].nunique() == 2
    assert spent["nonce"].isna().all()
    left = spent.loc[spent["receiver"] == change, "amount"].sum()
    assert left == pytest.approx(1.0 - 0.3 - spent["fee"].sum(), abs=1e-8)


def test_gas_is_dearer_when_there_is_much_to_do(tmp_path):
    world = stage(tmp_path)
    payer, other = wallets(world, 2, ETH=1e6)
    calm = np.arange(START, START + 20 * DAY, 7200)
    rush = START + 10 * DAY + np.sort(world.rng.integers(0, 3600, 500))
    world.plan.add(np.concatenate([calm, rush]), payer, other, 0.1, EXACT)
    rows, _ = carried_out(world, tmp_path)
    hour = (rows["timestamp"].astype("int64") // 10**6 - START) // 3600
    price, busy = rows["gas_price"].dropna(), hour == 240
    assert price[busy].median() > 3 * price[~busy].median()
    assert LOAD_POWER < 1  # twice the load is not twice the price


def test_a_vain_attempt_comes_first_costs_its_fee_and_moves_nothing(tmp_path):
    world = stage(tmp_path)
    payer, other = wallets(world, 2, ETH=1e6)
    world.plan.add(START + 600 * np.arange(1, 3001), payer, other, 1.0, EXACT)
    rows, seen = carried_out(world, tmp_path)
    vain = rows[rows["failed"]]
    assert 10 < len(vain) < 60
    assert vain["fee"].gt(0).all()
    assert len(rows) - len(vain) == 3000
    moved = sum(part["minor"][~part["failing"]].sum() for part, _ in seen)
    assert moved == 3000 * MINOR_UNITS[ETH]
    order = rows.sort_values("nonce")
    assert (order["nonce"].diff().dropna() == 1).all()
    assert order["timestamp"].is_monotonic_increasing


def test_a_follower_is_told_where_each_row_stands_in_the_file(tmp_path):
    world = stage(tmp_path)
    crowd = wallets(world, 30, ETH=100.0)
    pairs = world.rng.choice(crowd, (4000, 2))
    world.plan.add(START + world.rng.integers(0, DAYS * DAY, 4000) // 90 * 90, pairs[:, 0], pairs[:, 1], 0.01, EXACT)
    rows, seen = carried_out(world, tmp_path)
    order = ["timestamp", "tx_id"]
    assert rows.sort_values(order, kind="stable").index.tolist() == rows.index.tolist()
    assert len(seen) == world.plan.buckets
    place = np.concatenate([place for _, place in seen])
    assert sorted(place.tolist()) == list(range(len(rows)))
    for name in ("sender", "receiver"):
        assert rows[name].to_numpy()[place].tolist() == np.concatenate([part[name] for part, _ in seen]).tolist()
    assert set(SCHEMA.names) == set(rows.columns)


# -- against a slow account of the same rules ----------------------------------------------------------------------------------

MOMENTS = st.integers(0, DAYS * DAY - 1).map(
    lambda s: s // 1_000_000 * 1_000_000
)  # few, so that many rows share a second
ROWS = st.lists(
    st.tuples(
        MOMENTS, st.integers(0, 4), st.integers(0, 4), st.sampled_from([0.0, 0.3, 1.0, 2.5, 40.0]),
        st.sampled_from([EXACT, UP_TO, SHARE, REPLY]), st.sampled_from([ETH, USDC]), st.sampled_from([0, 1, 3]),
        st.integers(-1, 12), st.sampled_from([PLAIN, SWAP]), st.booleans(),
    ),
    max_size=14,
)  # fmt: skip


def told(rows, price):
    """What each row moves, row by row, in whole minor units, and the fee it pays; as the documents say, not as the code does."""
    held = defaultdict(
        int, {(wallet, asset): int(5 * MINOR_UNITS[asset]) for wallet in range(5) for asset in (ETH, USDC)}
    )
    moved, fees, tried = [0] * len(rows), [0] * len(rows), [0] * len(rows)

    def root(k):
        _, _, _, _, _, _, _, after, _, failing = rows[k]
        same = 0 <= after < k and rows[after][0] == rows[k][0] and not rows[after][9] and not failing
        return root(after) if same else k

    for k in sorted(range(len(rows)), key=lambda k: (rows[k][0], k)):
        _, sender, receiver, amount, kind, asset, digits, after, method, failing = rows[k]
        if sender == receiver or after >= len(rows) or (after >= 0 and moved[after] == 0):
            continue
        gas = GAS[method] if method != PLAIN or asset == ETH else TOKEN_GAS
        fee = int(np.round(gas * price)) if root(k) == k else 0
        room = held[sender, asset] - (fee if asset == ETH else 0)
        if held[sender, ETH] < fee or room <= 0:
            continue
        unit = MINOR_UNITS[asset]
        answered = moved[after] / MINOR_UNITS[rows[after][5]] if after >= 0 else -1.0
        if kind == UP_TO and room < amount * unit:
            wanted = room / unit if room >= 0.2 * amount * unit else 0.0
        else:
            wanted = {SHARE: room * amount / unit, REPLY: amount * answered}.get(kind, amount)
        if wanted * unit < MIN_TRANSFER[asset]:
            continue
        if digits:
            scale = 10.0 ** (digits - 1 - np.floor(np.log10(wanted)))
            wanted = np.floor(wanted * scale + 1e-9) / scale
        minor = int(np.round(wanted * unit))
        if not MIN_TRANSFER[asset] <= minor <= room + 1:
            continue
        tried[k], fees[k] = min(minor, room), fee
        held[sender, ETH] -= fee
        if not failing:
            moved[k] = tried[k]
            held[sender, asset] -= moved[k]
            held[receiver, asset] += moved[k]
    return tried, fees, held


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_settling_bucket_by_bucket_is_what_a_slow_account_says(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("plan")
    world = stage(folder)
    wallets(world, 5, ETH=5.0, USDC=5.0)
    drawn = [(*row[:7], min(row[7], k - 1), *row[8:]) for k, row in enumerate(drawn)]  # rows answer earlier ones alone
    for t, sender, receiver, amount, kind, asset, digits, after, method, _ in drawn:
        world.plan.add_one(
            START + t, sender, receiver, amount, kind, asset=asset, digits=digits, after=after, method=method
        )
    books = open_account_books(world, folder)
    failing = np.array([row[9] for row in drawn], dtype=bool)
    tried, fees, held = told(drawn, 50.0)
    for bucket in range(world.plan.buckets):
        rows = world.plan.take(bucket)
        rows = rows[np.lexsort((rows["number"], rows["t"]))]
        done = books.settle(rows, np.full(len(rows), 50.0), failing[rows["number"]], max(len(world.plan), 14))
        assert done["minor"].tolist() == [tried[k] for k in rows["number"]]
        assert done["fee"].tolist() == [fees[k] for k in rows["number"]]
    for (wallet, asset), units in held.items():
        assert books.balance[wallet, asset] == units


def test_fees_of_both_chains_are_paid_in_their_own_coin():
    assert ASSETS[NATIVE[USDC]] == "ETH"
    assert ASSETS[NATIVE[BTC]] == "BTC"
    assert BYTES > 100


def test_addresses_are_ranked_as_their_texts_are(tmp_path):
    world = stage(tmp_path)
    world.add(50, "user", "user")
    world.add(50, "user", "user", utxo=True)
    names = output.names(np.random.default_rng(5), world.wallets)
    texts = names.addresses.to_pylist()
    assert [text[:2] for text in texts] == ["0x"] * 50 + ["bc"] * 50
    assert np.argsort(names.rank).tolist() == pd.Series(texts).argsort().tolist()
    assert output.random_bech32(np.random.default_rng(1), 3).to_pylist() != texts[50:53]
