"""How fast chains are simulated, and in how much memory: the scenario `scale` at several sizes, truth and labels included.

Run with `python -m walletprint.experiments.benchmarks.speed.simulation_speed`.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ...simulation import load_scenario, simulate
from ..harness.options import RESULTS, Results, Runs
from ..harness.processes import measured, use_few_cores
from ..harness.result_page import publish

SIZES = (18_000, 140_000)
RUNS = 3
INTRO = """\
The scenario `scale` (docs/simulation.md): both chains, all populations, crimes and large thefts, the loot followed to the unit,
labels, and all files written. Each run is a process of its own, kept to two cores, after a small chain that is not counted.
`rows` are transfers in the file, `growth` is the time a million rows takes against the smallest size, `mb_per_wallet` what
memory grows by: it holds 30 days of transfers and what is known of each wallet. IBM's published AMLSim example has 1,323,234
transactions, and the smallest size here about as many. No simulator of laundering in Python that can be installed was found to
time beside it."""


def run(path: Path) -> dict[str, int]:
    """Simulate the scenario of a file into a folder beside it, but for the small file to begin with, a tiny chain."""
    config = path.with_suffix(".txt")
    wallets = int(config.read_text()) if config.is_file() else 600
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        scenario = load_scenario("scale", wallets=wallets, days=None if config.is_file() else 90)
        made = simulate(folder, scenario)
    return {"wallets": made.wallets, "rows": made.rows}


def main(
    wallets: Annotated[
        list[int] | None, typer.Option(help="Sizes; may be given again. 18,000 and 140,000 by default.")
    ] = None,
    runs: Runs = RUNS,
    results: Results = RESULTS,
) -> None:
    """Time the simulator and write its tables."""
    use_few_cores()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in sorted(wallets or SIZES):
            path = Path(folder) / f"scale-{size}"
            path.with_suffix(".txt").write_text(str(size))
            rows += [{"asked": size, **measured("speed.simulation_speed", "run", path)} for _ in range(runs)]
    every = pd.DataFrame(rows)
    tables = {f"Medians of {runs} runs": summary(every), "Every run": every}
    publish(__file__, INTRO, tables, results)


def summary(every: pd.DataFrame) -> pd.DataFrame:
    """One row per size, with rates."""
    found = every.groupby("asked").median().reset_index()
    each = found["seconds"] / found["rows"]
    return found.assign(
        million_rows_a_minute=found["rows"] / found["seconds"] * 60 / 1e6,
        growth=each / each.iloc[0],
        mb_per_wallet=(found["peak_mb"] - found["peak_mb"].iloc[0]) / (found["wallets"] - found["wallets"].iloc[0]),
    )


if __name__ == "__main__":
    typer.run(main)
