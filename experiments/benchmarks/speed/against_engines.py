"""walletprint against DuckDB, Polars and pandas: the same 36 features of every wallet, in time, CPU and memory. Run with

    python -m walletprint.experiments.benchmarks.speed.against_engines

Every run is a process of its own. No time is shown before all engines were found to agree on every number.
"""

import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from ...protocols.report import environment
from ..harness.agreement import NEAR_ZERO, RELATIVE, differences
from ..harness.options import RESULTS, Folder, Results, Rows, Runs
from ..harness.processes import measured, transfers_of, use_few_cores
from ..harness.result_page import publish

INTRO = f"""\
Generated transfers (`generate.py`), features of every wallet as of 2024-10-01. `walletprint` computes the 36 features (and the
rest of their families, which it always does) and returns one frame as the others do, `walletprint-whole` computes the whole
catalogue, 200,000 wallets at a time, as a batch job takes and writes them; both read a file as `ingest` leaves it.
`walletprint-unchecked` reads one that it must validate and deduplicate first, as no other engine does. `duckdb-4gb` has a memory
limit of 4 GB. `floor` only reads the columns and numbers the addresses. Each run is a process of its own, kept to two cores,
after one that is not counted; times are without the start of Python, imports and compiling, and with reading the file.
`cpu_seconds` is user and system time, `peak_mb` the most memory the process held. Before any run was counted, all engines had
the same wallets, values missing in the same places and numbers equal to a relative {RELATIVE:g} (or {NEAR_ZERO:g} near zero)."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Where an engine's function stands, what must be installed for it, and whether it computes features at all."""

    module: str
    function: str = "run"
    package: str = ""
    computes: bool = True


REFERENCE, WHOLE = "walletprint", "walletprint-whole"
ENGINES = {
    "floor": Engine("engines.floor", computes=False),
    REFERENCE: Engine("engines.ours", "chosen"),
    WHOLE: Engine("engines.ours", "whole"),
    "walletprint-unchecked": Engine("engines.ours", "chosen_unchecked"),
    "duckdb": Engine("engines.duckdb_sql"),
    "duckdb-4gb": Engine("engines.duckdb_sql", "run_limited"),
    "polars": Engine("engines.polars_frames", package="polars"),
    "pandas": Engine("engines.pandas_frames"),
}
_GUESTS = ("duckdb", "duckdb-4gb", "polars", "pandas")


def main(
    rows: Rows = None,
    runs: Runs = 3,
    engines: Annotated[list[str] | None, typer.Option(help=f"Some of {', '.join(ENGINES)}.")] = None,
    folder: Folder = None,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    names = chosen_engines(engines or list(ENGINES))
    use_few_cores()
    with tempfile.TemporaryDirectory() as temporary:
        where = folder or Path(temporary)
        every = pd.concat([compare(transfers_of(n, where), n, names, runs) for n in rows or [1_000_000, 10_000_000]])
    medians = medians_of(every)
    tables = {f"Medians of {runs} runs": medians, "Ratios": ratios(medians), "Every run": every}
    publish(__file__, INTRO, tables, results, environment("polars"))


def chosen_engines(names: list[str]) -> list[str]:
    """The engines asked for that can run here, the reference among them; says which cannot."""
    unknown = sorted(set(names) - set(ENGINES))
    if unknown:
        raise typer.BadParameter(f"--engines: {', '.join(unknown)} not known; there are {', '.join(ENGINES)}")
    missing = [name for name in names if ENGINES[name].package and not find_spec(ENGINES[name].package)]
    for name in missing:
        typer.echo(f"{name} left out: {ENGINES[name].package} is not installed (pip install '.[benchmarks]')", err=True)
    return [name for name in ENGINES if name in {REFERENCE, *names} - set(missing)]


def compare(path: Path, rows: int, names: list[str], runs: int) -> pd.DataFrame:
    """What each counted run of each engine took on one file, once all of them agree.

    Raises:
        SystemExit: if they do not.
    """
    _require_agreement(path, names)
    every = []
    for _ in range(runs):  # in turns, so that a busy spell of the machine falls on all of them
        every += [{"rows": rows, "engine": name, **_run(name, path)} for name in names]
    return pd.DataFrame(every)


def medians_of(every: pd.DataFrame) -> pd.DataFrame:
    """The median over runs of each engine on each number of rows."""
    groups = every.groupby(["rows", "engine", "features", "wallets"], sort=False)
    return groups[["seconds", "cpu_seconds", "peak_mb"]].median().reset_index()


def ratios(medians: pd.DataFrame) -> pd.DataFrame:
    """Each engine against walletprint's 36 features, and walletprint's whole catalogue against the fastest other engine."""
    rows = []
    for n, group in medians.groupby("rows", sort=False):
        took = group.set_index("engine")[["seconds", "cpu_seconds", "peak_mb"]]
        pairs = [(name, REFERENCE) for name in took.index if name != REFERENCE]
        guests = took.loc[took.index.isin(_GUESTS), "seconds"]
        if len(guests) and WHOLE in took.index:
            pairs.append((WHOLE, str(guests.idxmin())))
        rows += [{"rows": n, "ratio": f"{a} ÷ {b}", **(took.loc[a] / took.loc[b]).to_dict()} for a, b in pairs]
    return pd.DataFrame(rows)


def _require_agreement(path: Path, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        saved = {name: Path(folder) / f"{name}.parquet" for name in names if ENGINES[name].computes}
        for name, where in saved.items():
            _run(name, path, where)
        found = {name: differences(saved[REFERENCE], where) for name, where in saved.items()}
    lines = [f"{path.name}: {name} and {REFERENCE}: {line}" for name, lines in found.items() for line in lines]
    if lines:
        sys.exit("\n".join(["the engines do not agree, so no time is shown:", *lines]))


def _run(name: str, path: Path, save: Path | None = None) -> dict[str, Any]:
    engine = ENGINES[name]
    return measured(engine.module, engine.function, path, save)


if __name__ == "__main__":
    typer.run(main)
