"""bitcoin-etl's inputs and outputs made into transfers: by hand, conserved on random transactions, bounded for CoinJoins."""

import json
from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from walletprint.features.base.errors import DataError
from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.ingestion.utxo import MOST_PAIRS

T0 = 1_600_000_000
WHEN = datetime.fromtimestamp(T0, UTC)
TX = "f" * 64


def coin_in(address, value, index=0, tx=TX, **more):
    spent = {"spent_transaction_hash": "e" * 64, "spent_output_index": index}
    return coin_out(address, value, index, tx) | spent | more


def coin_out(address, value, index=0, tx=TX, **more):
    addresses = [address] if address else []
    row = {"transaction_hash": tx, "block_number": 9, "block_timestamp": WHEN, "index": index, "addresses": addresses}
    return row | {"value": value} | more


def saved(save, inputs, outputs, kind="parquet"):
    if kind == "csv":
        flat = [[row | {"addresses": json.dumps(row["addresses"])} for row in rows] for rows in (inputs, outputs)]
        inputs, outputs = ([row | {"block_timestamp": "2020-09-13 12:26:40 UTC"} for row in rows] for rows in flat)
    types = {"addresses": pa.list_(pa.string())}
    paths = [save(f"inputs.{kind}", inputs, **types)] if inputs else []
    return [*paths, save(f"outputs.{kind}", outputs, **types)]


def moved(table: pd.DataFrame) -> list:
    return sorted(table[["sender", "receiver", "amount"]].values.tolist())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_value_is_shared_out_in_proportion(save, tmp_path, kind):
    inputs = [coin_in("1A", 100_000_000, 0), coin_in("1B", 200_000_000, 1), coin_in("1A", 100_000_000, 2)]
    outputs = [coin_out("1C", 300_000_000, 0), coin_out("1A", 80_000_000, 1), coin_out("", 0, 2)]
    report = ingest(saved(save, inputs, outputs, kind), tmp_path / "out.parquet")
    table = pq.read_table(report.out).to_pandas()
    assert moved(table) == [["1A", "1A", 0.4], ["1A", "1C", 1.5], ["1B", "1A", 0.4], ["1B", "1C", 1.5]]
    assert table["fee"].tolist() == [0.2] * 4
    assert set(table["asset"]) == {"BTC"}
    assert set(table["chain"]) == {"bitcoin"}
    assert set(table["tx_id"]) == {TX}
    assert report.self_transfers == 1
    assert table["timestamp"].tolist() == [WHEN] * 4


def test_nested_transactions_say_the_same_as_flat_tables(save, ingested):
    inputs = [coin_in("1A", 100_000_000, 0), coin_in("1B", 300_000_000, 1)]
    outputs = [coin_out("1C", 250_000_000, 0), coin_out("1D", 100_000_000, 1)]
    flat = ingested(saved(save, inputs, outputs))
    keep = ("index", "spent_transaction_hash", "spent_output_index", "addresses", "value")
    nested = [[{key: row[key] for key in keep if key in row} for row in rows] for rows in (inputs, outputs)]
    tx = {
        "hash": TX,
        "block_number": 9,
        "block_timestamp": WHEN,
        "is_coinbase": False,
        "inputs": nested[0],
        "outputs": nested[1],
    }
    mined = tx | {"hash": "a" * 64, "is_coinbase": True, "inputs": [], "outputs": nested[1][:1]}
    also_mined = mined | {"hash": "b" * 64}  # marked so: need not be the only one of its block
    table = ingested(save("transactions.parquet", [tx, mined, also_mined]))
    pd.testing.assert_frame_equal(table[table["tx_id"] == TX].reset_index(drop=True), flat)
    assert moved(table[table["tx_id"] != TX]) == [["coinbase", "1C", 2.5]] * 2


def test_new_coins_come_from_coinbase(save, ingested):
    inputs = [coin_in("1A", 10**8, 0)]
    outputs = [coin_out("1B", 10**8, 0), coin_out("1M", 5 * 10**9, 0, tx="c" * 64)]
    table = ingested(saved(save, inputs, outputs))
    assert moved(table) == [["1A", "1B", 1.0], ["coinbase", "1M", 50.0]]
    assert table.set_index("sender").loc["coinbase", "fee"] is None or pd.isna(
        table.set_index("sender").loc["coinbase", "fee"]
    )


def test_coins_without_an_address_are_named_after_the_output_they_are(save, ingested):
    first = [coin_in("1A", 10**8)], [coin_out("", 10**8, 4)]
    spends = coin_in("", 10**8, 0, tx="a" * 64, spent_transaction_hash=TX, spent_output_index=4)
    table = ingested(saved(save, [*first[0], spends], [*first[1], coin_out("1B", 10**8, tx="a" * 64)]))
    name = f"txo:{TX}:4"
    assert moved(table) == [["1A", name, 1.0], [name, "1B", 1.0]]


def test_several_addresses_of_one_coin_are_one_name(save, ingested):
    table = ingested(saved(save, [coin_in("1A", 10**8)], [coin_out("", 10**8, addresses=["1X", "1Y"])]))
    assert table["receiver"].tolist() == ["1X+1Y"]


@pytest.mark.parametrize(("wide", "joint"), [(50, False), (51, True)])
def test_a_coinjoin_goes_through_a_node_of_its_own(save, ingested, wide, joint):
    assert MOST_PAIRS == 50 * 50
    inputs = [coin_in(f"1A{i}", 10**8, i) for i in range(wide)]
    outputs = [coin_out(f"1B{i}", 10**8 - 1000, i) for i in range(50)]
    table = ingested(saved(save, inputs, outputs))
    node = f"tx:{TX}"
    sent = 50 * (10**8 - 1000) / 1e8
    if joint:
        assert len(table) == wide + 50
        assert table[table["receiver"] == node]["amount"].sum() == pytest.approx(sent, rel=1e-12)
        assert table[table["sender"] == node]["amount"].sum() == pytest.approx(sent, rel=1e-12)
    else:
        assert len(table) == wide * 50
        assert table["amount"].sum() == pytest.approx(sent, rel=1e-12)


def test_same_addresses_are_added_up_before_pairs_are_counted(save, ingested):
    inputs = [coin_in("1A", 10**6, i) for i in range(60)]
    table = ingested(saved(save, inputs, [coin_out(f"1B{i}", 10**6, i) for i in range(60)]))
    assert len(table) == 60


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ins=st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(1, 10**12)), min_size=1, max_size=6),
    outs=st.lists(st.tuples(st.sampled_from("ABCXYZ"), st.integers(0, 10**12)), min_size=1, max_size=6),
)
def test_value_is_conserved(save, ingested, ins, outs):
    spendable, kept = sum(value for _, value in ins), []
    for address, value in outs:
        kept.append((address, min(value, spendable)))
        spendable -= kept[-1][1]
    inputs = [coin_in(f"1{address}", value, i) for i, (address, value) in enumerate(ins)]
    outputs = [coin_out(f"1{address}", value, i) for i, (address, value) in enumerate(kept)]
    total = sum(value for _, value in kept)
    if not total:
        return
    table = ingested(saved(save, inputs, outputs))
    assert table["amount"].sum() == pytest.approx(total / 1e8, rel=1e-12)
    expected = pd.Series(dict.fromkeys("ABCXYZ", 0))
    for address, value in kept:
        expected[address] += value
    received = table.groupby("receiver")["amount"].sum()
    for address, value in expected[expected > 0].items():
        assert received[f"1{address}"] == pytest.approx(value / 1e8, rel=1e-12)


def test_transactions_that_are_not_whole_are_set_aside(save, tmp_path):
    inputs = [coin_in("1A", 10**8, tx="1" * 64), coin_in("1A", 10**8, tx="2" * 64), coin_in("1A", 10**8, tx="5" * 64)]
    inputs += [coin_in("1A", -5, 1, tx="5" * 64)]
    outputs = [coin_out("1B", 10**8, tx="1" * 64), coin_out("1B", 2, tx="3" * 64), coin_out("1B", 2, tx="4" * 64)]
    outputs += [coin_out("1B", 3, tx="5" * 64), coin_out("1B", 10**9, 1, tx="6" * 64)]
    inputs += [coin_in("1A", 10**8, tx="6" * 64)]
    report = ingest(saved(save, inputs, outputs), tmp_path / "out.parquet")
    table = pq.read_table(report.out).to_pandas()
    assert moved(table) == [["1A", "1B", 1.0]]
    assert report.reasons == {
        "transaction has inputs but no outputs: give the table of outputs too": 1,
        "transaction has outputs but no inputs: give the table of inputs too": 2,  # two in one block: not both mined
        "value is not a number of satoshi": 1,
        "transaction has a bad input or output": 1,
        "transaction has outputs worth more than its inputs: some inputs are missing": 1,
    }
    bad = pd.read_parquet(report.quarantine)
    assert bad.loc[bad["reason"].str.contains("no outputs"), "row"].tolist() == [2]
    assert json.loads(bad["record"].iloc[-1])


def test_inputs_without_values_as_a_plain_node_exports_them(save, tmp_path):
    with pytest.raises(DataError, match="value is not a number of satoshi"):
        ingest(saved(save, [coin_in("1A", None)], [coin_out("1B", None)]), tmp_path / "out.parquet")


def test_the_same_coins_in_two_files_count_once(save, ingested):
    paths = saved(save, [coin_in("1A", 10**8)], [coin_out("1B", 10**8)])
    again = save("again.parquet", [coin_out("1B", 10**8)], addresses=pa.list_(pa.string()))
    table = ingested([*paths, again])
    assert moved(table) == [["1A", "1B", 1.0]]


def test_nested_columns_in_csv_are_refused(save, tmp_path):
    row = {"hash": TX, "block_timestamp": str(T0), "inputs": "[]", "outputs": "[]"}
    with pytest.raises(DataError, match="the column inputs is string"):
        ingest(save("transactions.csv", [row]), tmp_path / "out.parquet")
