"""A Spark session of two workers for tests: small, quiet, and in no time zone that anyone could take for UTC. No tests."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

JAVA = bool(shutil.which("java") or os.environ.get("JAVA_HOME"))
NO_JAVA = "Java is missing, which Spark runs on"
NO_PYSPARK = "PySpark is not installed: pip install 'walletprint[spark]'"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # little is run, so little is compiled
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",  # so that small data take several workers, too
    "spark.sql.session.timeZone": "Asia/Tokyo",  # dates must not hang on it
}


@contextmanager
def session(sql: Any) -> Iterator[Any]:
    """A session, as `pyspark.sql` makes one, for as long as the context lasts."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = sql.SparkSession.builder.master("local[2]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    found.sparkContext.setLogLevel("OFF")
    try:
        yield found
    finally:
        found.stop()


@contextmanager
def setting(spark: Any, name: str, value: str) -> Iterator[None]:
    """A session with another setting, for as long as the context lasts."""
    before = spark.conf.get(name)
    spark.conf.set(name, value)
    try:
        yield
    finally:
        spark.conf.set(name, before)
