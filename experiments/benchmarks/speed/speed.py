"""How long it takes, and how much memory, to ingest a folder of histories and to extract every feature of every wallet in it.

Each step runs in a process of its own, several times, once before that to warm caches and kernels; medians are reported. Run with

    python -m walletprint.experiments.benchmarks.speed.speed --data FOLDER
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from ....features import Ledger, catalogue, extract, snapshots_of
from ....features.ingestion.ingestion import ingest
from ...protocols.ethereum.era_matched import FILES
from ..harness.options import RESULTS, Results, Runs
from ..harness.result_page import publish

INTRO = """\
Both lists of a folder of histories are ingested into one checked table, which is then loaded as a ledger, and every feature of
every wallet in it is extracted over all history. Each run is a process of its own, after one that is not counted. `seconds` is
without the start of Python and imports; `peak_mb` is of the whole process."""


def main(
    data: Annotated[Path, typer.Option(help=f"The folder that holds {' and '.join(FILES)}.")],
    results: Results = RESULTS,
    runs: Runs = 3,
) -> None:
    """Run the benchmark and write its table."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "transfers.parquet"
        measured = [row for step in ("ingest", "extract") for row in _repeat(step, data, table, runs)]
    frame = pd.DataFrame(measured)
    medians = frame.groupby(["step", "rows", "wallets", "features"], sort=False)[
        ["seconds", "cpu_seconds", "peak_mb"]
    ].median()
    tables = {f"Medians of {runs} runs": medians.reset_index(), "Every run": frame}
    publish(__file__, INTRO, tables, results, arguments="--data FOLDER")


def step(name: str, data: Path, table: Path) -> list[dict[str, Any]]:
    """Run one step in this process and say what it took: one row per part of it."""
    if name == "ingest":
        return [_timed("ingest", lambda: {"rows": ingest([data / file for file in FILES], table).read})]
    parts = [_timed("load", lambda: {"ledger": (ledger := Ledger.from_transfers(table)), "rows": ledger.transfers})]
    ledger: Ledger = parts[0].pop("ledger")
    wallets = snapshots_of(ledger.addresses, ledger.end)
    sizes = {"rows": ledger.transfers, "features": len(catalogue())}
    parts.append(_timed("extract", lambda: {**sizes, "wallets": len(extract(ledger, wallets))}))
    return parts


def _timed(name: str, work: Any) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"step": name, "rows": 0, "wallets": 0, "features": 0, **found, **took, "peak_mb": peak}


def _repeat(name: str, data: Path, table: Path, runs: int) -> list[dict[str, Any]]:
    paths = f"pathlib.Path({str(data)!r}), pathlib.Path({str(table)!r})"
    code = f"import json, pathlib; from {__package__}.speed import step; print(json.dumps(step({name!r}, {paths})))"
    found = []
    for _ in range(runs + 1):
        output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        found.append(json.loads(output))
    return [row for run in found[1:] for row in run]


if __name__ == "__main__":
    typer.run(main)
