"""Moves of parties do what they say, and evasion keeps within its budget."""

from collections import Counter

import numpy as np
import pytest
from samples.small_stage import BEGIN, Stage

from walletprint.experiments.simulation.engine.market import BTC, DAY, ETH, USDC
from walletprint.experiments.simulation.engine.services import DENOMINATIONS, RELAYER_FEE
from walletprint.experiments.simulation.engine.transfer_plan import SWAP
from walletprint.experiments.simulation.engine.world import ALWAYS
from walletprint.experiments.simulation.parties import moves, service_moves
from walletprint.experiments.simulation.scenarios.scenario import Evasion


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


def test_parts_are_even_or_just_below_a_round_number_or_uneven_and_lose_nothing(stage):
    party = stage.party()
    heads = {manner: stage.loot(party, 100.0) for manner in ("even", "below", "uneven")}
    parts = {manner: moves.split(party, h, 7, manner) for manner, h in heads.items()}
    rows = stage.rows()
    sent = {manner: rows.loc[rows["sender"] == h.wallet, "units"].to_numpy() for manner, h in heads.items()}
    assert set(rows["phase"]) == {"split"}
    for manner, sums in sent.items():
        assert sums.sum() == pytest.approx(100.0, rel=1e-3)
        assert len({h.wallet for h in parts[manner]}) == len(parts[manner]) >= 7
    np.testing.assert_allclose(sent["even"][:7], sent["even"][0])
    assert len(set(sent["below"][:-1])) == 1
    size, unit = sent["below"][0], 10.0
    assert 0 < np.ceil(size / unit) * unit - size < 0.02 * np.ceil(size / unit) * unit
    assert np.ptp(sent["uneven"]) > 1


@pytest.mark.parametrize("asset", [ETH, BTC])
def test_a_peel_chain_sends_a_small_part_away_at_each_hop_and_goes_on_with_the_large_one(stage, asset):
    party = stage.party()
    start = stage.loot(party, 50.0, asset)
    end = moves.peel(party, start, 9)
    rows = stage.rows()
    assert set(rows["phase"]) == {"peel"}
    wallet, seen = start.wallet, set()
    for _ in range(9):
        small, large = rows[rows["sender"] == wallet].sort_values("units").itertuples()
        assert small.units / large.units < 0.2
        assert stage.world.wallets.hot[small.receiver] >= 0
        assert (small.tx == large.tx) == (asset == BTC)
        wallet = large.receiver
        assert wallet not in seen
        seen.add(wallet)
    assert wallet == end.wallet
    assert rows.iloc[-1]["units"] == pytest.approx(end.amount, rel=0.01)


@pytest.mark.parametrize("asset", [ETH, USDC, BTC])
def test_scatter_gather_meets_again_in_one_wallet(stage, asset):
    party = stage.party()
    start = stage.loot(party, 5000.0, asset)
    end = moves.scatter_gather(party, start, 6)
    rows = stage.rows()
    out, back = (rows[(rows["phase"] == phase) & (rows["asset"] == asset)] for phase in ("split", "gather"))
    assert set(out["sender"]) == {start.wallet}
    assert set(back["receiver"]) == {end.wallet}
    assert set(out["receiver"]) == set(back["sender"])
    assert len(back) == 6
    assert back["units"].sum() == pytest.approx(5000.0, rel=0.01)
    assert (out["tx"].nunique() == 1) == (back["tx"].nunique() == 1) == (asset == BTC)
    assert end.t >= back["t"].max()


@pytest.mark.parametrize("hops", [2, 5])
def test_a_cycle_comes_back_to_its_first_wallet(stage, hops):
    party = stage.party()
    start = stage.loot(party, 40.0)
    end = moves.cycle(party, start, hops, within=2 * DAY)
    rows = stage.rows()
    assert len(rows) == hops
    assert rows["sender"].tolist() == [start.wallet, *rows["receiver"].tolist()[:-1]]
    assert rows.iloc[-1]["receiver"] == end.wallet == start.wallet
    assert rows["t"].max() - BEGIN < 4 * DAY
    assert 0.7 * 40 < rows.iloc[-1]["units"] < 40


def test_money_that_sleeps_moves_a_little_before_it_moves(stage):
    party = stage.party()
    start = [stage.loot(party, 30.0) for _ in range(8)]
    woken = moves.forward(party, moves.dormant(party, start, 100))
    rows = stage.rows()
    assert rows["t"].min() > BEGIN + 69 * DAY
    tried = rows[rows["phase"] == "rest"]
    assert 0 < len(tried) < 9
    assert (tried["units"] < 0.1).all()
    moved = rows[rows["phase"] == "forward"].set_index("sender")["t"]
    assert (moved[tried["sender"]].to_numpy() > tried["t"].to_numpy()).all()
    assert {h.wallet for h in woken} == set(rows.loc[rows["phase"] == "forward", "receiver"])


def test_a_chain_of_swaps_ends_in_coin_and_accepts_losses(stage):
    party = stage.party()
    start = stage.loot(party, 20_000.0, USDC)
    end = service_moves.swap_chain(party, start, 4)
    rows = stage.rows()
    given = rows[rows["sender"] == start.wallet]
    assert len(rows) == 8
    assert rows["tx"].nunique() == 4
    assert (rows["method"] == SWAP).all()
    assert given["asset"].tolist()[0] == USDC
    assert len(set(given["asset"])) > 1
    assert end.asset == ETH == rows.iloc[-1]["asset"]
    assert 0.76 * 20_000 < rows.iloc[-1]["usd"] < 0.99 * 20_000


def test_mixers_get_denominations_and_give_them_back_later_to_others(stage):
    party = stage.party()
    one, whole = stage.loot(party, 57.3), stage.loot(party, 234.5)
    got = service_moves.mix(party, [one], 2 * DAY, 3) + service_moves.mix(party, [whole], 2 * DAY, 3, whole=True)
    rows = stage.rows()
    paid, back = rows[rows["phase"] == "mix"], rows[rows["phase"] == "withdraw"]
    np.testing.assert_allclose(paid["units"], DENOMINATIONS[np.searchsorted(stage.s.mixers, paid["receiver"])])
    sums = paid.groupby("sender")["units"]
    assert sums.nunique()[one.wallet] == 1
    assert sums.sum()[one.wallet] == pytest.approx(50.0)
    assert Counter(paid.loc[paid["sender"] == whole.wallet, "units"]) == {100.0: 2, 10.0: 3}
    received = back[back["to_case"] == "case"]
    assert len(received) == len(paid)
    assert received["units"].sum() == pytest.approx(paid["units"].sum() * (1 - RELAYER_FEE))
    assert {h.wallet for h in got} == set(received["receiver"])
    assert not {one.wallet, whole.wallet} & set(received["receiver"])
    assert len(got) == 6


def test_the_bridge_leads_to_the_other_chain_and_back(stage):
    party = stage.party()
    start = stage.loot(party, 100.0)
    there = service_moves.hop(party, start)
    back = service_moves.hop(party, there)
    rows = stage.rows()
    assert (start.asset, there.asset, back.asset) == (ETH, BTC, ETH)
    assert stage.world.wallets.utxo[[start.wallet, there.wallet, back.wallet]].tolist() == [False, True, False]
    assert rows["from_population"].tolist() == ["gang", "bridge_far", "gang", "bridge"]
    np.testing.assert_allclose(
        rows["usd"] / rows["usd"].iloc[0], [1, 0.997, 0.997, 0.994], atol=0.02
    )  # prices move meanwhile


def test_nested_services_pay_out_of_an_exchange(stage):
    party = stage.party()
    start = stage.loot(party, 100.0)
    end = service_moves.nest(party, start)
    into, out = stage.rows().itertuples()
    assert (into.sender, into.to_population) == (start.wallet, "nested")
    assert (out.from_population, out.receiver) == ("exchange", end.wallet)
    assert out.units == pytest.approx(end.amount, rel=1e-3)


def test_what_cannot_be_done_with_bitcoin_is_left_undone(stage):
    party = stage.party()
    start = stage.loot(party, 1.0, BTC)
    assert (
        service_moves.swap(party, start)
        == service_moves.swap_chain(party, start, 3)
        == service_moves.nest(party, start)
        == start
    )
    assert service_moves.mix(party, [start], DAY, 2) == [start]
    assert len(stage.world.plan) == 0


@pytest.mark.parametrize("asset", [ETH, USDC, BTC])
@pytest.mark.parametrize("sum_style", ["uneven", "even", "below"])
def test_everything_is_sold_at_the_exits(stage, asset, sum_style):
    party = stage.party(sum_style=sum_style)
    start = stage.loot(party, 1000.0, asset)
    moves.cash_out(party, [start])
    rows = stage.rows()
    rows = rows[rows["phase"] != "fund"]
    exits = party.far_exits if asset == BTC else party.exits
    sold = rows[rows["receiver"].isin(exits)]
    assert sold["units"].sum() == pytest.approx(1000.0, rel=0.06)
    assert set(rows["phase"]) == {"cash_out"}
    assert set(rows.loc[~rows["receiver"].isin(exits), "to_population"]) <= ({"gang"} if asset == BTC else set())


def test_honest_parties_move_money_in_the_same_ways_without_a_phase(stage):
    party = stage.party(case="")
    h = party.funded(party.fresh(BEGIN), BEGIN, 12.0)
    moves.cash_out(party, service_moves.mix(party, moves.gather(party, moves.split(party, h, 3)), DAY, 2))
    rows = stage.rows()
    assert len(rows) > 10
    assert set(rows["phase"]) == {""}


def test_wallets_for_tokens_get_coin_first_and_no_more_helpers_are_made_than_are_wanted(stage):
    party = stage.party()
    party.max_helpers = 4
    wallets = [party.fresh(BEGIN, USDC) for _ in range(9)]
    assert len(set(wallets)) == 4 == len(party.used)
    rows = stage.rows()
    assert set(rows["receiver"]) == set(wallets)
    assert set(rows["phase"]) == {"fund"}
    assert (rows["t"] < BEGIN).all()


# --- evasion ---


def hops(stage, party, amount=100.0):
    """The way of a holding through six hops and a sale."""
    holdings = [stage.loot(party, amount)]
    for _ in range(6):
        holdings = moves.forward(party, holdings)
    moves.cash_out(party, holdings)
    rows = stage.rows()
    return rows[rows["phase"] != "evade"], rows[rows["phase"] == "evade"]


def evasive(folder, strategy, strength):
    folder.mkdir()
    stage = Stage(folder)
    return hops(stage, stage.party(evasion=Evasion(strategy=strategy, strength=strength)))


@pytest.mark.parametrize("strength", [0.1, 0.5])
def test_every_strategy_does_what_it_says_within_its_budget(tmp_path, strength):
    base, none = evasive(tmp_path / "none", "none", 0.0)
    assert none.empty
    base_hops = base[base["phase"] == "forward"]

    _, pads = evasive(tmp_path / "pad", "pad", strength)
    assert 0.1 * strength * 200_000 < pads["usd"].sum() <= strength * 200_000
    assert set(pads["to_population"]) <= {"merchant", "exchange_deposit"}

    _, crumbs = evasive(tmp_path / "dust", "dust", strength)
    out, back = crumbs[crumbs["from_population"] == "gang"], crumbs[crumbs["to_population"] == "gang"]
    assert len(out) == len(back) == 7 * round(20 * strength)
    assert crumbs["usd"].max() < 0.0011 * 200_000
    assert out["usd"].sum() <= 7 * 0.02 * strength * 200_000

    rows, _ = evasive(tmp_path / "split", "split", strength)
    cut = rows[rows["phase"] == "forward"]
    assert len(cut) == 6 * (1 + round(9 * strength))
    assert cut.groupby("sender")["units"].sum().tolist() == pytest.approx(base_hops["units"].tolist(), rel=0.01)

    rows, _ = evasive(tmp_path / "wait", "wait", strength)
    longer = rows.loc[rows["phase"] == "forward", "t"].to_numpy() - base_hops["t"].to_numpy()
    assert longer[0] > 0
    assert (np.diff(longer) <= 30 * strength * DAY).all()
    assert longer[-1] > 0.3 * 6 * 15 * strength * DAY


def test_mimics_keep_the_hours_of_ordinary_people(stage):
    party = stage.party(evasion=Evasion(strategy="mimic", strength=0.5))
    wallets = np.array([party.fresh(BEGIN) for _ in range(200)])
    mimic = stage.world.wallets.hours[wallets] != ALWAYS
    assert 0.4 < mimic.mean() < 0.6
    assert len(set(stage.world.wallets.zone[wallets[mimic]])) > 5
