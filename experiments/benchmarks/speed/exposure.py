"""Exposure over generated transfers: what one pass over them takes, once the ledger is there. Run with

    python -m walletprint.experiments.benchmarks.speed.exposure

Each run is a process of its own. What taint is stands in docs/exposure.md; tests/features/exposure/test_exposure.py
shows that it is right.
"""

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer

from ....features import Ledger
from ....features.exposure import TaintSources, taint
from ..harness.options import RESULTS, Folder, Results, Rows, Runs
from ..harness.processes import measured, transfers_of, use_few_cores
from ..harness.result_page import publish
from ..harness.worker import peak_mb

COLUMNS, SOURCES, HUBS = 8, 500, 200
PASSES = ("in_haircut", "out_haircut", "in_fifo", "in_poison")
INTRO = f"""\
Taint of {COLUMNS} categories, each of {SOURCES} wallets drawn at random, of which half are services, over generated transfers
(`generate.py`); the {HUBS} busiest wallets are services, too. `order` is what is found once a ledger (pairs, the order within
each second, swaps), `seconds` a pass after that, both after the ledger was loaded. `reached` is the share of wallets that
anything tainted came to, `lost` the largest of |entered + swapped − held − absorbed − returned| ÷ entered over the categories
(poison multiplies taint, and loses nothing). Each run is a process of its own, kept to two cores, after kernels were compiled;
`peak_mb` includes the ledger."""


def main(
    rows: Rows = None,
    runs: Runs = 3,
    folder: Folder = None,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    use_few_cores()
    with tempfile.TemporaryDirectory() as temporary:
        paths = [transfers_of(n, folder or Path(temporary)) for n in rows or [10_000_000]]
        every = pd.DataFrame([
            measured("speed.exposure", name, path) for path in paths for _ in range(runs) for name in PASSES
        ])  # fmt: skip
    keys = ["rows", "direction", "method"]
    tables = {f"Medians of {runs} runs": every.groupby(keys, sort=False).median().reset_index(), "Every run": every}
    publish(__file__, INTRO, tables, results)


def measured_pass(path: Path, direction: Any, method: Any) -> dict[str, Any]:
    """One pass over the transfers of a file, in this process: what it took and what it found."""
    ledger = Ledger.from_transfers(path)
    sources = drawn(ledger)
    begun = time.perf_counter()
    first = taint(
        ledger, sources, int(ledger.rows.time[0]), direction=direction, method=method
    )  # finds the order, passes nothing
    ordered, cpu = time.perf_counter(), time.process_time()
    found = taint(ledger, sources, direction=direction, method=method)
    took = {"seconds": time.perf_counter() - ordered, "cpu_seconds": time.process_time() - cpu}
    lost = (
        np.abs(found.entered + found.swapped - found.held.sum(axis=0) - found.absorbed - found.returned) / found.entered
    )
    return {
        "rows": ledger.transfers, "direction": direction, "method": method, "order": ordered - begun, **took,
        "peak_mb": peak_mb(), "pairs": len(first.wallet), "reached": float((found.tainted > 0).any(axis=1).mean()),
        "lost": float(lost.max()) if method != "poison" else float("nan"),
    }  # fmt: skip


in_haircut = partial(measured_pass, direction="in", method="haircut")
out_haircut = partial(measured_pass, direction="out", method="haircut")
in_fifo = partial(measured_pass, direction="in", method="fifo")
in_poison = partial(measured_pass, direction="in", method="poison")


def drawn(ledger: Ledger, seed: int = 7) -> TaintSources:
    """Sources of every column, half of them services, and hubs that are services."""
    rng, wallets = np.random.default_rng(seed), len(ledger.addresses)
    chosen = rng.choice(wallets, min(COLUMNS * SOURCES, wallets // 2), replace=False)
    absorbs = np.zeros(wallets, bool)
    absorbs[chosen[::2]] = True
    absorbs[np.argsort(-np.diff(ledger.offsets), kind="stable")[:HUBS]] = True
    return TaintSources(
        tuple(f"category {k + 1}" for k in range(COLUMNS)), chosen, np.arange(len(chosen)) % COLUMNS, absorbs
    )


if __name__ == "__main__":
    typer.run(main)
