"""How walletprint grows with the number of transfers: the whole catalogue at several sizes, in time, CPU and memory. Run with

    python -m walletprint.experiments.benchmarks.speed.growth

What other engines take is not here, but in `against_engines`.
"""

import tempfile
from pathlib import Path

import pandas as pd
import typer

from ....features import Ledger
from ..engines.ours import in_pieces
from ..harness.options import RESULTS, Folder, Results, Rows, Runs
from ..harness.processes import measured, transfers_of, use_few_cores
from ..harness.result_page import publish

SIZES = (1_000_000, 10_000_000, 50_000_000)
MEMORY = 4_000_000_000
INTRO = """\
The whole catalogue of every wallet of generated transfers (`generate.py`), as of 2024-10-01, from a file as `ingest` leaves it,
within a memory budget of 4 GB; vectors come 200,000 wallets at a time and are not kept. `floor` is reading the columns and
numbering the addresses, without a feature. Each run is a process of its own, kept to two cores, and computes a small file before
the clock starts. `held_mb` is the most memory it held that was no mapped page of a file, which the system takes back when it
needs it; `peak_mb` counts these too. `seconds_per_million` is per million transfers, `growth` that against the smallest size (1:
time grows as the transfers do), `over_floor` the time against the floor's."""


def run_ours(path: Path) -> int:
    """Every feature of every wallet within the budget, some wallets after others; returns how many wallets."""
    return sum(map(len, in_pieces(Ledger.from_transfers(path, memory=MEMORY))))


def main(
    rows: Rows = None,
    runs: Runs = 3,
    folder: Folder = None,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    use_few_cores()
    with tempfile.TemporaryDirectory() as temporary:
        sizes = sorted(rows or SIZES)
        every = pd.concat([sized(transfers_of(n, folder or Path(temporary)), n, runs) for n in sizes])
    tables = {f"Medians of {runs} runs": growth_of(every), "Every run": every}
    publish(__file__, INTRO, tables, results)


def sized(path: Path, rows: int, runs: int) -> pd.DataFrame:
    """What each counted run took on one file, ours and the floor's."""
    every = []
    for _ in range(runs):
        found = {
            "walletprint": measured("speed.growth", "run_ours", path),
            "floor": measured("engines.floor", "run", path),
        }
        every += [{"rows": rows, "engine": name, **took} for name, took in found.items()]
    return pd.DataFrame(every).drop(columns="features")


def growth_of(every: pd.DataFrame) -> pd.DataFrame:
    """One row per size: the medians of ours, per million transfers, against the smallest size, and against the floor."""
    medians = every.groupby(["engine", "rows"])[["wallets", "seconds", "cpu_seconds", "peak_mb", "held_mb"]].median()
    ours, floor = medians.loc["walletprint"].reset_index(), medians.loc["floor"].reset_index()
    each = ours["seconds"] / ours["rows"] * 1e6
    return ours.astype({"wallets": int}).assign(
        seconds_per_million=each,
        growth=each / each.iloc[0],
        mb_per_million=ours["peak_mb"] / ours["rows"] * 1e6,
        floor_seconds=floor["seconds"],
        over_floor=ours["seconds"] / floor["seconds"],
        floor_mb=floor["peak_mb"],
    )


if __name__ == "__main__":
    typer.run(main)
