"""What runs on a worker of Spark, without Spark: groups of wallets from batches give the bits that the whole chain gives."""

import zlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from samples.spark_chain import AS_OF, address, chain

from walletprint.features import Ledger, UsageError, extract, snapshots_of
from walletprint.features.base.arrow import table_of
from walletprint.features.families.registry import refuse_others, self_contained_features
from walletprint.features.spark.driver import SparkFrame, _kinds, ddl_of
from walletprint.features.spark.worker import _numbered, by_group, vectors_of_batches

WALLETS = 60
ASKED = [address(number) for number in [*range(0, WALLETS, 4), 10_000]] + ["0x12"]
OWN = self_contained_features()


def key(text: str) -> int:
    return zlib.crc32(text.strip().lower().encode()) * 2**32 - 2**63  # any number will do that all spellings share


@pytest.fixture(scope="module")
def transfers() -> pd.DataFrame:
    return chain(wallets=WALLETS)


@pytest.fixture(scope="module")
def expected(transfers) -> pd.DataFrame:
    return extract(Ledger.from_transfers(transfers), snapshots_of(ASKED, AS_OF), window="90d", features=OWN)


@pytest.fixture(scope="module")
def rows(transfers) -> list[pa.RecordBatch]:
    """What Spark's shuffle brings, of all wallets in one partition: also of such as nobody asked for."""
    ends = transfers[["sender", "receiver"]].map(key)
    out, back = (transfers.assign(wallet=ends[a], other=ends[b], part=1) for a, b in (ends.columns, ends.columns[::-1]))
    asked = snapshots_of(ASKED, AS_OF).assign(part=0, other=0)
    asked["wallet"] = asked["address"].map(key)
    every = pd.concat([asked, out, back[back["wallet"] != back["other"]]]).sort_values(["wallet", "part"])
    return table_of(every.convert_dtypes()).combine_chunks().to_batches(max_chunksize=97)


def same_vectors(found: pa.Table, expected: pd.DataFrame) -> bool:
    ordered = found.to_pandas().set_index("address").loc[expected["address"]]
    return len(found) == len(expected) and np.array_equal(ordered[OWN].to_numpy(), expected[OWN].to_numpy(), True)


def work(asked: pa.Table, ledger: Ledger) -> pa.Table:
    return table_of(extract(ledger, asked.to_pandas(), window="90d", features=OWN))


def test_a_partition_gives_the_bits_that_the_whole_chain_gives(rows, expected):
    assert same_vectors(pa.Table.from_batches(vectors_of_batches(iter(rows), OWN, "90d")), expected)


@pytest.mark.parametrize(("group", "held"), [(1, 10**6), (200, 10**6), (200, 150)])
def test_neither_small_groups_nor_wallets_on_disk_change_a_bit(rows, expected, group, held):
    assert same_vectors(pa.Table.from_batches(by_group(rows, OWN, work, group, held)), expected)


def test_a_wallet_is_never_cut_and_groups_are_as_small_as_asked(rows):
    pieces = list(_numbered(rows, 100))
    number = np.concatenate([np.full(len(piece), group) for group, piece in pieces])
    wallet = np.concatenate([piece["wallet"].to_numpy() for _, piece in pieces])
    assert len(wallet) == sum(map(len, rows))
    assert all(len(set(number[wallet == one])) == 1 for one in set(wallet))
    assert len(set(number)) > 20
    largest = max(np.unique(wallet, return_counts=True)[1])
    assert np.bincount(number).max() < 100 + largest


def test_only_one_of_two_entries_counts_where_both_ends_are_in_a_group():
    """Rows without an id are all transfers of their own, so a second copy of one would count."""
    one = {"timestamp": [1_617_000_000], "sender": ["a"], "receiver": ["b"], "amount": [1.0], "asset": ["ETH"]}
    frame = pd.concat([pd.DataFrame(one).assign(wallet=w, other=3 - w, part=1) for w in (1, 2)])
    asked = snapshots_of(["a", "b"], AS_OF).assign(wallet=[1, 2], other=0, part=0)
    batches = table_of(pd.concat([asked, frame]).sort_values(["wallet", "part"]).convert_dtypes()).to_batches()
    names = ["activity__transfers__total"]
    found = pa.Table.from_batches(vectors_of_batches(iter(batches), names, None))
    assert found[names[0]].to_pylist() == [1.0, 1.0]


def test_wallets_with_bad_rows_alone_have_no_history(rows):
    table = pa.Table.from_batches(rows)
    bad = table.set_column(table.column_names.index("amount"), "amount", pa.nulls(len(table), pa.float64()))
    found = pa.Table.from_batches(vectors_of_batches(iter(bad.to_batches()), ["activity__transfers__total"], "90d"))
    assert len(found) == len(ASKED)
    assert set(found["activity__transfers__total"].to_pylist()) == {0.0}


def test_features_of_the_rest_of_the_chain_are_refused_by_name():
    assert "value__in__total" in OWN
    assert {"funding__depth__hops", "cohort__in__total_rank", "timing__out_hour__divergence"}.isdisjoint(OWN)
    with pytest.raises(
        UsageError, match=r"^features: .*funding__depth__hops look at the rest of the chain; use a model"
    ):
        refuse_others(["value__in__total", "funding__depth__hops"], "features")


def test_a_frame_that_is_not_sparks_is_refused():
    frame: SparkFrame = pd.DataFrame()
    with pytest.raises(UsageError, match=r"^transfers: a Spark DataFrame is needed, not DataFrame"):
        _kinds(frame, "transfers")


def test_arrow_types_in_sparks_words():
    times = pa.list_(pa.struct([("when", pa.timestamp("us", "UTC")), ("n", pa.int64())]))
    schema = pa.schema([("a", pa.string()), ("b", times), ("c", pa.bool_())])
    assert ddl_of(schema) == "`a` string, `b` array<struct<`when`: timestamp_ltz, `n`: bigint>>, `c` boolean"
