"""Histories and sessions that could make Spark's rows others than one machine's: each is held against one machine."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from samples.spark_chain import AS_OF, HUB, address, chain
from samples.spark_session import JAVA, NO_JAVA, NO_PYSPARK, SETTINGS, session, setting

from walletprint.features import Ledger
from walletprint.features.base.arrow import table_of
from walletprint.features.transfers.columns import in_utc
from walletprint.serving import Scorer
from walletprint.serving.drift.score_diff import diff_scores
from walletprint.serving.scoring.output import write_scores
from walletprint.serving.spark import score_spark

pyspark = pytest.importorskip("pyspark", reason=NO_PYSPARK)
sql = pytest.importorskip("pyspark.sql", reason=NO_PYSPARK)
pytestmark = [
    pytest.mark.skipif(not JAVA, reason=NO_JAVA),
    pytest.mark.filterwarnings("ignore"),  # PySpark 4.3 warns of pandas 3, which it is not asked to use here
]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROWS = 600


@pytest.fixture(scope="module")
def spark():
    with session(sql) as found:
        yield found


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return chain(rows=ROWS)


@pytest.fixture(scope="module")
def asked() -> pa.Table:
    """Wallets of the chain, test addresses, and some with a date of their own."""
    names = [*map(address, range(62)), "0x7e57000000000000000000000000000000000003"]
    dates = [None] * 50 + [datetime(2021, 3, 10, 12, tzinfo=UTC)] * 13
    return pa.table({"address": names, "as_of": pa.array(dates, pa.timestamp("us", "UTC")), "case": ["a"] * 63})


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """The rows in one order, without what Spark does not look at."""
    found = table.sort_by([("address", "ascending"), ("as_of", "ascending")]).to_pylist()
    for row in found:
        row["coverage"]["truncated"] = None
        row["error"] = row["error"] and row["error"].replace(" in the window", "")
    return found


def same(model: Any, transfers: Any, asked: pa.Table, moved: Any, wallets: Any, scored: int) -> bool:
    """Whether Spark gives the rows of one machine, `scored` of which, or more, have a score."""
    local = Scorer.load(model).score_table(in_utc(asked).to_pandas(), transfers, AS_OF, reasons="all", scored_at=NOON)
    found = score_spark(model, moved, wallets, AS_OF, reasons="all", scored_at=NOON).toArrow()
    assert local["score"].null_count <= len(local) - scored
    assert [field.type.id for field in found.schema] == [field.type.id for field in local.schema]
    return rows(found) == rows(local)


def skewed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(sender=frame["sender"].where(np.arange(len(frame)) % 3 > 0, address(HUB)))


def to_themselves(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(receiver=frame["receiver"].where(np.arange(len(frame)) % 3 > 0, frame["sender"]))


def copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Each row three times, of which some say another value."""
    thrice = pd.concat([frame] * 3, ignore_index=True).sample(frac=1, random_state=1)
    return thrice.assign(usd=thrice["usd"].where(np.arange(len(thrice)) % 10 > 0, 5.0))


def holes(frame: pd.DataFrame) -> pa.Table:
    """Nulls in every column."""
    table, random = table_of(frame), np.random.default_rng(1)
    columns = [
        pa.array([None if random.random() < 0.05 else value for value in column.to_pylist()], column.type)
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def odd_names(frame: pd.DataFrame) -> pd.DataFrame:
    odd = [
        "",
        " ",
        "0x",
        "0X" + address(5)[2:].upper(),
        "BTC1abc",
        "btc1ABC",
        "ſtraße",
        "İ",
        "\u212aelvin",
        "=cmd",
        "a b",
    ]
    names = [odd[number % len(odd)] if number % 4 == 0 else name for number, name in enumerate(frame["sender"])]
    return frame.assign(sender=names)


def unix(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(timestamp=(frame["timestamp"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds() + 0.25)


def decimals(frame: pd.DataFrame) -> pa.Table:
    table = table_of(frame)
    place = table.column_names.index("amount")
    return table.set_column(place, "amount", table["amount"].cast(pa.decimal128(38, 10)))


@pytest.mark.parametrize("change", [skewed, to_themselves, copies, holes, odd_names, unix, decimals])
def test_histories(spark, frame, asked, model_dir, change):
    changed = change(frame)
    table = changed if isinstance(changed, pa.Table) else table_of(changed)
    moved = spark.createDataFrame(table).repartition(2)
    assert same(model_dir, table, asked, moved, spark.createDataFrame(asked), 40)


def test_a_wallet_at_many_dates(spark, frame, model_dir):
    dates = pd.date_range("2021-01-01", "2021-05-01", 200, tz="UTC").as_unit("us")
    many = table_of(pd.DataFrame({"address": pd.array([address(HUB)] * 200, dtype="str"), "as_of": dates}))
    moved = spark.createDataFrame(table_of(frame))
    assert same(model_dir, frame, many, moved, spark.createDataFrame(many), 150)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spark.sql.session.timeZone", "America/St_Johns"),
        ("spark.sql.session.timeZone", "GMT+9"),  # Spark's spelling: Arrow knows no such zone
        ("spark.sql.session.timeZone", "Z"),
        ("spark.sql.timestampType", "TIMESTAMP_NTZ"),  # then TIMESTAMP alone means a time without a zone
        ("spark.sql.ansi.enabled", "false"),
        ("spark.sql.caseSensitive", "true"),
        ("spark.sql.execution.arrow.maxRecordsPerBatch", "7"),
    ],
)
def test_sessions(spark, frame, asked, model_dir, name, value):
    with setting(spark, name, value):
        moved, wallets = (spark.createDataFrame(table) for table in (table_of(frame), asked))
        assert same(model_dir, frame, asked, moved, wallets, 40)


def test_large_texts_of_arrow(spark, frame, asked, model_dir):
    with setting(spark, "spark.sql.execution.arrow.useLargeVarTypes", "true"):
        moved, wallets = (spark.createDataFrame(table) for table in (table_of(frame), asked))
        found = score_spark(model_dir, moved, wallets, AS_OF, reasons="all", scored_at=NOON).toArrow()
    local = Scorer.load(model_dir).score_table(asked.to_pandas(), frame, AS_OF, reasons="all", scored_at=NOON)
    assert rows(found) == rows(local)


def test_empty_frames(spark, frame, asked, model_dir):
    wallets = spark.createDataFrame(asked)
    assert same(model_dir, frame.iloc[:0], asked, spark.createDataFrame(table_of(frame)).limit(0), wallets, 0)
    moved = spark.createDataFrame(table_of(frame))
    assert same(model_dir, frame, asked.slice(0, 0), moved, wallets.limit(0), 0)


def test_a_list_that_is_made_of_the_transfers_themselves(spark, frame, model_dir):
    moved = spark.createDataFrame(table_of(frame))
    wallets = moved.select("sender").distinct().withColumnRenamed("sender", "address")
    assert same(model_dir, frame, wallets.toArrow(), moved, wallets, 40)


def test_more_addresses_than_are_sent_to_all(spark, frame, asked, model_dir, monkeypatch):
    monkeypatch.setattr("walletprint.features.spark.driver._MOST_BROADCAST", 0)
    moved = spark.createDataFrame(table_of(frame))
    assert same(model_dir, frame, asked, moved, spark.createDataFrame(asked), 40)


def test_bytes_that_are_no_text_end_no_job(spark, frame, asked, model_dir):
    moved = spark.createDataFrame(table_of(frame))
    wrong = "if(nonce < 50, CAST(X'fffe' AS STRING), {0}) AS {0}"
    names = ("sender", "asset", "tx_id", "method")
    moved = moved.selectExpr(f"* EXCEPT ({', '.join(names)})", *map(wrong.format, names))
    wallets = spark.createDataFrame(asked).selectExpr("address", "as_of", "CAST(X'fffe' AS STRING) AS case")
    found = score_spark(model_dir, moved, wallets, AS_OF).toArrow()
    assert len(found) == len(asked)
    assert found["caller_columns"][0].as_py() == [{"column": "case", "value": "\ufffd\ufffd"}]


@pytest.mark.parametrize("kind", ["parquet", "csv", "typed csv"])
def test_files_that_spark_wrote(spark, frame, asked, model_dir, tmp_path, kind):
    place, moved = str(tmp_path / "transfers"), spark.createDataFrame(table_of(frame))
    if kind == "parquet":
        moved.write.parquet(place)
    else:
        moved.write.option("header", True).csv(place)
    reader = spark.read.option("header", True).option("inferSchema", kind == "typed csv")
    again = reader.parquet(place) if kind == "parquet" else reader.csv(place)
    assert same(model_dir, frame, asked, again, spark.createDataFrame(asked), 40)


def test_what_spark_writes_the_other_commands_read(spark, frame, asked, model_dir, tmp_path):
    moved = spark.createDataFrame(table_of(frame))
    score_spark(model_dir, moved, spark.createDataFrame(asked), AS_OF).write.parquet(str(tmp_path / "scores"))
    local = write_scores(Scorer.load(model_dir).score(asked.to_pandas(), frame, AS_OF), tmp_path / "scores.parquet")
    found = diff_scores(local, tmp_path / "scores")
    assert (found.summary["matched"], found.summary["only_new"], len(found.moved)) == (62, 0, 0)


def test_one_machine_reads_transfers_that_spark_wrote_as_the_docs_say(spark, frame, tmp_path):
    moved = spark.createDataFrame(table_of(frame))
    with setting(spark, "spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS"):
        moved.write.parquet(str(tmp_path / "transfers"))
    found = Ledger.from_transfers(tmp_path / "transfers" / "*.parquet")
    assert found.offsets.tolist() == Ledger.from_transfers(frame).offsets.tolist()


JOB = """
import sys
from pyspark.sql import SparkSession
from walletprint.serving.spark import score_spark

spark = SparkSession.builder.getOrCreate()
transfers, addresses = (spark.read.parquet(place) for place in sys.argv[2:4])
score_spark(sys.argv[1], transfers, addresses, as_of="2021-04-01").write.parquet(sys.argv[4])
"""


def test_a_job_that_is_submitted(spark, frame, asked, model_dir, tmp_path):
    (tmp_path / "job.py").write_text(JOB)
    places = [str(tmp_path / name) for name in ("transfers", "wallets", "scores")]
    for table, place in zip((table_of(frame), asked), places, strict=False):
        spark.createDataFrame(table).write.parquet(place)
    settings = [f"--conf={name}={value}" for name, value in SETTINGS.items()]
    submit = [str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master=local[2]", *settings]
    job = [*submit, str(tmp_path / "job.py"), str(model_dir), *places]
    done = subprocess.run(job, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2_000:]
    found, local = (
        spark.read.parquet(places[2]).toArrow(),
        Scorer.load(model_dir).score_table(asked.to_pandas(), frame, AS_OF),
    )
    assert [{**row, "scored_at": None} for row in rows(found)] == [{**row, "scored_at": None} for row in rows(local)]
