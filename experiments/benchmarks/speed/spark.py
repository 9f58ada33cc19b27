"""What Spark costs beside one machine: the same features of every wallet, in time, CPU, memory and bytes of the shuffle. Run with

    python -m walletprint.experiments.benchmarks.speed.spark

Needs `pip install 'walletprint[spark]'` and Java. Says nothing of a cluster's network: both run on this machine.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from ....features import Ledger, extract, snapshots_of
from ....features.families.registry import self_contained_features
from ....features.spark.driver import extract_spark
from ...protocols.report import environment
from ..engines.columns import AS_OF
from ..harness.options import RESULTS, Folder, Results, Rows, Runs
from ..harness.processes import measured, transfers_of, use_few_cores
from ..harness.result_page import publish

SIZES = (250_000, 1_000_000)
INTRO = """\
All features that a wallet's own transfers tell, of every wallet of generated transfers (`generate.py`), as of 2024-10-01, from a
Parquet file: by `extract` in one process and by `extract_spark` with two workers on the same two cores. Vectors are computed and
not written. Each run is a process of its own, whose session has computed a small file before the clock starts. `one_unchecked`
takes a table that does not say it is checked, as Spark's never do: every row is validated and looked up among the others first.
`cpu_seconds` and `peak_mb` of Spark are of Java and all its workers together; `entries` are the rows of the shuffle (a transfer
for each of its ends), `shuffle_bytes` what was written of them, compressed (lz4)."""


def run_one(path: Path) -> dict[str, Any]:
    """The vectors of every wallet, in this process, from a file that `ingest` wrote."""
    return _timed(lambda: _extracted(Ledger.from_transfers(path, self_contained_features())))


def run_one_unchecked(path: Path) -> dict[str, Any]:
    """The same from a table that was never ingested."""
    import pyarrow.parquet as pq

    return _timed(
        lambda: _extracted(
            Ledger.from_transfers(pq.read_table(path).replace_schema_metadata(None), self_contained_features())
        )
    )


def run_spark(path: Path) -> dict[str, Any]:
    """The same on Spark, and what the shuffle took."""
    spark = _session()
    transfers = spark.read.parquet(str(path))
    ends = transfers.selectExpr("sender AS address").union(transfers.selectExpr("receiver AS address")).distinct()
    wallets = ends.cache()
    count, before = wallets.count(), _shuffled(spark)
    found = _timed(
        lambda: extract_spark(transfers, wallets, as_of=AS_OF).write.format("noop").mode("overwrite").save(),
        spark.sparkContext._gateway.proc.pid,
    )
    shuffled, entries = (after - was for after, was in zip(_shuffled(spark), before, strict=True))
    wallets.unpersist()
    keys = 2 * count  # who asks, and the keys that the rest is filtered by, are shuffled too
    return {"wallets": count, **found, "shuffle_bytes": shuffled, "entries": entries - keys}


def _extracted(ledger: Ledger) -> int:
    return len(extract(ledger, snapshots_of(ledger.addresses, AS_OF), features=self_contained_features()))


def _timed(work: Callable[[], Any], process: int | None = None) -> dict[str, Any]:
    """What some work took in a process and those that it started."""
    process = process or os.getpid()
    wall, cpu = time.perf_counter(), _cpu(process)
    found = work()
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": _cpu(process) - cpu, "peak_mb": _peak(process)}
    return took | ({"wallets": found} if isinstance(found, int) else {})


def _session() -> Any:
    from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.memory", "2g").config("spark.sql.shuffle.partitions", "8").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _shuffled(spark: Any) -> tuple[int, int]:
    """Bytes and rows that all shuffles have written so far."""
    context, java = spark.sparkContext, spark.sparkContext._jvm
    every, no_quantiles = java.java.util.ArrayList(), context._gateway.new_array(java.double, 0)
    stages = context._jsc.sc().statusStore().stageList(every, False, False, no_quantiles, every)
    found = [stages.apply(k) for k in range(stages.size())]
    return sum(s.shuffleWriteBytes() for s in found), sum(s.shuffleWriteRecords() for s in found)


def _family(process: int) -> list[int]:
    """A process and all that it started (Linux)."""
    parents = {int(p.name): int(_stat(p)[1]) for p in Path("/proc").iterdir() if p.name.isdigit() and _stat(p)}
    family = [process]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def _stat(process: Path) -> list[str]:
    """What the kernel tells of a process after its name; nothing if it has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu(process: int) -> float:
    """Seconds of CPU of a process, those that it started, and theirs that ended."""
    stats = [_stat(Path("/proc") / str(member)) for member in _family(process)]
    return sum(int(number) for stat in stats for number in stat[11:15]) / os.sysconf("SC_CLK_TCK")


def _peak(process: int) -> float:
    """The most memory that each of them has held, added up, in MB."""
    lines = [
        line
        for member in _family(process)
        for line in (Path("/proc") / str(member) / "status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return sum(int(line.split()[1]) for line in lines) / 1024


def sized(path: Path, rows: int, runs: int) -> pd.DataFrame:
    """What each counted run took on one file."""
    functions = {"one": "run_one", "one_unchecked": "run_one_unchecked", "spark": "run_spark"}
    every = [
        {"rows": rows, "engine": engine, **measured("speed.spark", function, path)}
        for _ in range(runs)
        for engine, function in functions.items()
    ]
    return pd.DataFrame(every).drop(columns="held_mb")


def main(
    rows: Rows = None,
    runs: Runs = 1,
    folder: Folder = None,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    use_few_cores()
    with tempfile.TemporaryDirectory() as temporary:
        sizes = sorted(rows or SIZES)
        every = pd.concat([sized(transfers_of(n, folder or Path(temporary)), n, runs) for n in sizes])
    tables = {f"Medians of {runs} runs": medians_of(every), "Every run": every}
    publish(__file__, INTRO, tables, results, environment("pyspark"))


def medians_of(every: pd.DataFrame) -> pd.DataFrame:
    """One row per size and engine, with CPU per million transfers and bytes per row of the shuffle."""
    medians = every.groupby(["rows", "engine"], as_index=False).median(numeric_only=True)
    medians["cpu_seconds_per_million"] = medians["cpu_seconds"] / medians["rows"] * 1e6
    medians["bytes_per_entry"] = medians["shuffle_bytes"] / medians["entries"]
    return medians


if __name__ == "__main__":
    typer.run(main)
