"""One snapshot four ways: one machine, served by MLflow, as MLflow's function on Spark, and by `score_spark`: the same bits."""

from typing import Any

import mlflow
import pandas as pd
import pyarrow as pa
import pytest
from samples.registered import CHAMPION, registered
from samples.spark_chain import AS_OF, address, chain
from samples.spark_session import JAVA, NO_JAVA, NO_PYSPARK, session

from walletprint.features import extract
from walletprint.features.base.arrow import table_of
from walletprint.features.ledger.ledger import Ledger
from walletprint.features.spark.driver import extract_spark
from walletprint.serving import ModelFolder, Scorer
from walletprint.serving.model.model_registry import connected
from walletprint.serving.spark import score_spark

sql = pytest.importorskip("pyspark.sql", reason=NO_PYSPARK)
pytestmark = [
    pytest.mark.skipif(not JAVA, reason=NO_JAVA),
    pytest.mark.filterwarnings("ignore"),  # PySpark 4.3 warns of pandas 3, and MLflow asks for an input example
]
COLUMNS = ["score", "percentile", "band", "flagged", "reasons"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A saved model of real size, which flags some of the chain's wallets."""
    values = Scorer.load("reference").model.model_dump()
    return ModelFolder(**values | {"threshold": 0.5, "version": ""}).save(
        tmp_path_factory.mktemp("reference") / "model"
    )


@pytest.fixture(scope="module")
def store(reference, tmp_path_factory) -> str:
    return registered(reference, tmp_path_factory.mktemp("mlflow"))


def by_address(table: pa.Table) -> list[dict[str, Any]]:
    """The rows that have a score, in one order."""
    rows = table.select(["address", *COLUMNS]).sort_by("address").to_pylist()
    return [row for row in rows if row["score"] is not None]


def test_one_snapshot_four_ways(reference, store):
    transfers, scorer = chain(rows=2_500, wallets=250), Scorer.load(reference)
    asked = pd.DataFrame({"address": pd.array([address(number) for number in range(250)], dtype="str")})
    names, window = scorer.model.features, scorer.model.window
    local = by_address(scorer.score_table(asked, transfers, AS_OF, reasons="all"))
    assert len(local) > 200
    assert {row["flagged"] for row in local} == {True, False}
    with connected(mlflow, store), session(sql) as spark:
        moved, wallets = (spark.createDataFrame(table_of(frame)) for frame in (transfers, asked))
        wallets = wallets.where(wallets["address"].isin([row["address"] for row in local]))
        vectors = extract_spark(moved, wallets, as_of=AS_OF, window=window, features=names)
        function = mlflow.pyfunc.spark_udf(spark, CHAMPION, params={"reasons": "all"})
        ways = {
            "spark_udf": vectors.withColumn("found", function()).selectExpr("address", "found.*").toArrow(),
            "score_spark": score_spark(scorer, moved, wallets, AS_OF, reasons="all").toArrow(),
            "score_spark of the champion": score_spark(CHAMPION, moved, wallets, AS_OF, reasons="all").toArrow(),
        }
        served = mlflow.pyfunc.load_model(CHAMPION)
    snapshots = pd.DataFrame({"address": [row["address"] for row in local], "as_of": pd.Timestamp(AS_OF, tz="UTC")})
    X = extract(Ledger.from_transfers(transfers), snapshots, window=window, features=names)
    assert X.isna().to_numpy().any()
    found = served.predict(X, params={"reasons": "all"}).assign(address=X["address"])
    assert by_address(pa.Table.from_pandas(found, preserve_index=False)) == local
    for way, table in ways.items():
        assert by_address(table) == local, way
