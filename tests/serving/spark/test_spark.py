"""Spark gives what one machine gives: the same bits of features, the same scored rows. One session, two workers, for all."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from samples.spark_chain import AS_OF, address, chain
from samples.spark_session import JAVA, NO_JAVA, NO_PYSPARK, session

from walletprint.features import DataError, Ledger, UsageError, extract, snapshots_of
from walletprint.features.base.arrow import table_of
from walletprint.features.families.registry import self_contained_features
from walletprint.features.spark.driver import extract_spark, rejected_spark
from walletprint.serving import Scorer
from walletprint.serving.scoring.output import SCORES_SCHEMA
from walletprint.serving.spark import score_spark

sql = pytest.importorskip("pyspark.sql", reason=NO_PYSPARK)
pytestmark = [
    pytest.mark.skipif(not JAVA, reason=NO_JAVA),
    pytest.mark.filterwarnings("ignore"),  # PySpark 4.3 warns of pandas 3, which it is not asked to use here
]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = [*(address(number) for number in range(62)), address(3).upper().replace("X", "x"), address(3), "bad one", None]


@pytest.fixture(scope="module")
def spark():
    with session(sql) as found:
        yield found


@pytest.fixture(scope="module")
def chain_frame() -> pd.DataFrame:
    return chain(rows=1_500)


@pytest.fixture(scope="module")
def moved(spark, chain_frame):
    return spark.createDataFrame(table_of(chain_frame)).repartition(2)


def ordered(table: pa.Table) -> pa.Table:
    return table.sort_by([("address", "ascending"), ("as_of", "ascending")])


def test_vectors_have_the_bits_of_one_machine(spark, moved, chain_frame):
    snapshots = pd.concat([snapshots_of(ASKED[:40], AS_OF), snapshots_of(ASKED[:20], "2021-03-01T00:00:01Z")])
    expected = extract(Ledger.from_transfers(chain_frame), snapshots, window="30d", features=self_contained_features())
    found = extract_spark(moved, spark.createDataFrame(table_of(snapshots)), window="30d").toArrow()
    both = [ordered(table).to_pandas() for table in (found, table_of(expected))]
    assert list(both[0]) == list(both[1])
    for name in both[1]:
        np.testing.assert_array_equal(both[0][name].to_numpy(), both[1][name].to_numpy(), err_msg=name)


def test_scored_rows_are_those_of_one_machine(spark, moved, chain_frame, model, model_dir):
    dates = pd.to_datetime(["2021-03-10T12:00:00Z"] * 5 + [None] * (len(ASKED) - 5), utc=True).as_unit("us")
    cases = pd.array([f"case {number % 7}" for number in range(len(ASKED))], dtype="str")
    asked = pd.DataFrame({"address": pd.array(ASKED, dtype="str"), "as_of": dates, "your case": cases})
    expected = Scorer.from_model(model).score_table(asked, chain_frame, as_of=AS_OF, reasons="all", scored_at=NOON)
    found = score_spark(model_dir, moved, spark.createDataFrame(table_of(asked)), AS_OF, reasons="all", scored_at=NOON)
    found = found.toArrow()
    assert found.schema.names == SCORES_SCHEMA.names
    rows, same = ordered(found).to_pylist(), ordered(expected).to_pylist()
    assert sum(row["score"] is not None for row in same) > 50
    for row, one in zip(rows, same, strict=True):
        one["coverage"]["truncated"] = None
        row["error"] = row["error"] and row["error"].replace(" in the window", "")  # no more is looked at
        assert row == one


def test_rows_that_are_refused_are_told(moved, chain_frame):
    found, expected = rejected_spark(moved).toArrow(), Ledger.from_transfers(chain_frame).rejected
    told = [sorted(map(str, table.select(["reason", "record"]).to_pylist())) for table in (found, expected)]
    assert told[0] == told[1] != []


def test_no_addresses_give_no_rows_of_the_same_types(spark, moved, model):
    none = spark.createDataFrame([], "address string")
    found = score_spark(Scorer.from_model(model), moved, none, as_of=AS_OF).toArrow()
    assert (len(found), found.schema.names) == (0, SCORES_SCHEMA.names)


def test_what_would_be_wrong_in_silence_is_refused(spark, moved, model):
    asked = spark.createDataFrame([(address(1),)], "address string")
    undated = moved.withColumn("timestamp", moved["timestamp"].cast("timestamp_ntz"))
    with pytest.raises(UsageError, match=r"timestamp must be .*not timestamp_ntz; cast it to a timestamp in UTC"):
        score_spark(Scorer.from_model(model), undated, asked, as_of=AS_OF)
    millis = moved.selectExpr("* EXCEPT (timestamp)", "unix_millis(timestamp) AS timestamp")
    with pytest.raises(DataError, match=r"the first 1,000 rows: no good transfer .*looks like milliseconds"):
        score_spark(Scorer.from_model(model), millis, asked, as_of=AS_OF)
    with pytest.raises(UsageError, match=r"address must be string .*not bigint; cast it to text"):
        score_spark(Scorer.from_model(model), moved, spark.range(3).withColumnRenamed("id", "address"), as_of=AS_OF)
    with pytest.raises(UsageError, match="as_of: a date is needed"):
        score_spark(Scorer.from_model(model), moved, asked)
    twice = spark.createDataFrame([(address(1), "x")], "address string, Address string")
    with pytest.raises(
        DataError, match=r"^addresses: the columns address occur twice"
    ):  # Spark does not tell them apart
        score_spark(Scorer.from_model(model), moved, twice, as_of=AS_OF)
    with pytest.raises(UsageError, match=r"^addresses: id is binary, which has no text; cast it \(hex\(id\)\)"):
        score_spark(Scorer.from_model(model), moved, asked.selectExpr("address", "X'ff' AS id"), as_of=AS_OF)
    with pytest.raises(UsageError, match=r"^features: .*funding__depth__hops look at the rest of the chain"):
        extract_spark(moved, asked, as_of=AS_OF, features=["funding__depth__hops"])
