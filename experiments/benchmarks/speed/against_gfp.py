"""walletprint against IBM's Graph Feature Preprocessor (snapml): the same counts on the same stream of transfers. Run with

    python -m walletprint.experiments.benchmarks.speed.against_gfp --guest-python PATH

snapml is proprietary: a guest in an interpreter of its own, never a dependency. Where it cannot be imported, nothing is measured.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from ...protocols.published import stream_patterns as streams
from ...protocols.report import environment
from ..engines import streams as runner
from ..harness.options import RESULTS, Results, Runs
from ..harness.processes import use_few_cores
from ..harness.result_page import publish
from ..harness.threads import THREADS
from .graphs import START, dense, hubs

_SCRIPT = Path(__file__).parent.parent / "engines" / "gfp_guest.py"
COLUMNS = ("fan in", "fan out", "degree in", "degree out", "scatter-gather", "temporal cycle")
HUB, WORK = 100, 10_000
"""The catalogue's bounds."""
_EXACT = (streams.UNBOUNDED, WORK)
"""No bound on hubs, as GFP has none; that on work must cut no transfer, or the counts differ."""
INTRO = f"""\
IBM's Graph Feature Preprocessor (GFP) and walletprint count the same patterns of each transfer of one stream: fans, degrees and
temporal cycles within a day, scatter-gathers within six hours (the settings of IBM's AMLworld study, without statistics of
vertices), in bins of two and of three or more. The stream is as dense as AMLworld: two days, two transfers per wallet, planted
patterns (`graphs.py`). Each run is a process of its own that first counts 500 transfers; both have {THREADS} cores, and GFP is
shown with as many threads and with one. Times are from arrays in memory to counts in memory. walletprint reads the whole stream
at once, where GFP takes it in batches and keeps its graph for the next. Only batches of one are correct in time: with larger ones
a transfer is credited with patterns that later transfers of its batch complete."""
DIFFERENCES = pd.DataFrame(
    [
        ("hops of a scatter-gather", "any order, either completes it", "in order, the second completes it; as GFP here"),
        ("window of cycles, scatter-gathers", "its first second counts", "later than that; widened by a second here"),
        ("window of fans, degrees", "later than its first second", "the same"),
        ("times of a cycle", "strictly increasing", "the same"),
        ("parallel transfers", "over the same wallets it is one pattern", "the same"),
        ("length of cycles", "any", "up to six; up to 32 here"),
        ("hubs and work", "no bound", f"hubs of {HUB}, {WORK} transfers looked at; none here but in the table of hubs"),
        ("transfers of a wallet to itself", "count as edges of scatter-gathers", "do not; there are none here"),
        ("a transfer at time 0", "hides some cycles", "is like any other; there is none here"),
    ],
    columns=["what", "GFP", "walletprint"],
)  # fmt: skip
_EXAMPLE = ([0, 0, 1, 2, 3], [1, 2, 3, 3, 0], [1, 2, 3, 4, 5])


def main(
    guest_python: Annotated[Path, typer.Option(help="The interpreter that has snapml.")] = Path(sys.executable),
    edges: Annotated[int, typer.Option(help="Transfers of the stream.")] = 1_000_000,
    one_by_one: Annotated[
        int, typer.Option(help="This many of the first transfers are compared, and counted in batches of one.")
    ] = 300_000,
    neighbours: Annotated[int, typer.Option(help="Of each hub, and as many again that pay it.")] = 100_000,
    limit: Annotated[int, typer.Option(help="Seconds after which the guest is stopped at the hubs.")] = 300,
    runs: Runs = 3,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    if reason := missing(guest_python):
        typer.echo(f"skipped: {reason}")
        return
    use_few_cores()
    one_by_one = min(one_by_one, edges)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        graph = dense(folder / "dense.npz", edges)
        equality, unequal = compared(graph, one_by_one, guest_python, folder)
        if unequal:
            typer.echo(f"the counts differ, so no times are shown:\n{equality.to_string(index=False)}", err=True)
            raise typer.Exit(1)
        tables = {"Equal at batches of one": equality, "Differences of definition": DIFFERENCES}
        tables |= {"A batch sees what comes later: five transfers": example(guest_python, folder)}
        every = throughput(graph, edges, one_by_one, guest_python, runs)
        tables |= {f"Medians of {runs} runs": medians_of(every)}
        tables |= {"Hubs": at_hubs(hubs(folder / "hubs.npz", 5 * neighbours, neighbours), guest_python, limit)}
    where = environment()
    where["versions"] |= {f"{name} of the guest": found for name, found in every.attrs["versions"].items()}
    tables |= {"Every run": every}
    publish(__file__, INTRO, tables, results, where, arguments="--guest-python PATH")


def missing(python: Path) -> str:
    """Why the guest cannot run there; empty if it can."""
    try:
        fails = subprocess.run([python, "-c", "import snapml"], capture_output=True).returncode
    except OSError:
        fails = True
    return f"{python} cannot import snapml; install it there, or name one that can: --guest-python" if fails else ""


def ours(graph: Path, edges: int, hub: int, work: int, save: Path | None = None) -> dict[str, Any]:
    """The cost of counting with walletprint: edges, seconds, cpu_seconds, peak_mb, finished, cut."""
    return _reported([sys.executable, "-m", runner.__name__, graph, edges, hub, work], save)


def guest(
    python: Path, graph: Path, edges: int, batch: int, threads: int = 1, limit: int = 0, save: Path | None = None
) -> dict[str, Any]:
    """The cost of counting with the guest: edges, seconds, cpu_seconds, peak_mb, finished, versions."""
    return _reported([python, _SCRIPT, graph, edges, batch, threads, limit], save)


def _reported(words: list[Any], save: Path | None) -> dict[str, Any]:
    done = subprocess.run([str(word) for word in (*words, *([save] if save else []))], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"{words[0]} ended with {done.returncode}: {(done.stderr.strip() or 'no word').splitlines()[-1]}"
        )
    return json.loads(done.stdout.splitlines()[-1])


def compared(graph: Path, edges: int, python: Path, folder: Path) -> tuple[pd.DataFrame, int]:
    """By pattern: transfers with some, by both and at batches of 128, and where they differ; and how many differ in all."""
    paths = [folder / f"{name}.npy" for name in ("ours", "one", "many")]
    ours(graph, edges, *_EXACT, paths[0])
    guest(python, graph, edges, 1, save=paths[1])
    guest(python, graph, edges, 128, save=paths[2])
    mine, one, many = (np.load(path).reshape(edges_of(path), -1, 2) for path in paths)
    rows = []
    for j, name in enumerate(COLUMNS):
        differ = int((mine[:, j] != one[:, j]).any(axis=1).sum())
        future = int((many[:, j] > one[:, j]).any(axis=1).sum())
        found = [int(counts[:, j].any(axis=1).sum()) for counts in (mine, one)]
        rows.append((name, len(mine), *found, differ, int(one[:, j].sum()), int(many[:, j].sum()), future))
    columns = ["pattern", "transfers", "with some, ours", "with some, GFP", "unequal", "counted at 1", "at 128"]
    unequal = int((mine != one).any(axis=(1, 2)).sum())
    return pd.DataFrame(rows, columns=[*columns, "credited with later ones at 128"]), unequal


def edges_of(path: Path) -> int:
    """The number of transfers that a file of counts covers."""
    return len(np.load(path, mmap_mode="r"))


def example(python: Path, folder: Path) -> pd.DataFrame:
    """A scatter-gather over two wallets that ends in cycles, one transfer per row: counts in batches of one, and in one batch."""
    path = folder / "example.npz"
    sender, receiver, seconds = (np.array(column, np.int64) for column in _EXAMPLE)
    np.savez(path, sender=sender, receiver=receiver, time=START + seconds, amount=np.ones(len(seconds)))
    columns: dict[str, list[Any]] = {"transfer": [f"{s} → {r}" for s, r in zip(sender, receiver, strict=True)]}
    columns["second"] = seconds.tolist()
    for batch in (1, len(seconds)):
        guest(python, path, len(seconds), batch, save=path.with_suffix(".npy"))
        counts = np.load(path.with_suffix(".npy"))
        columns[f"scatter-gathers, batch of {batch}"] = counts[:, 8:10].sum(axis=1).tolist()
        columns[f"cycles, batch of {batch}"] = counts[:, 10:12].sum(axis=1).tolist()
    return pd.DataFrame(columns)


def throughput(graph: Path, edges: int, one_by_one: int, python: Path, runs: int) -> pd.DataFrame:
    """One row per counted run; the guest's versions in `attrs`."""
    every, versions = [], {}
    for _ in range(runs):
        every.append({"engine": "walletprint", "batch": "–", "threads": THREADS, **ours(graph, edges, *_EXACT)})
        for batch, size in ((128, edges), (1, one_by_one)):
            for threads in dict.fromkeys((THREADS, 1)):
                took = guest(python, graph, size, batch, threads)
                versions = took.pop("versions")
                every.append({"engine": "GFP", "batch": batch, "threads": threads, **took})
    frame = pd.DataFrame(every).drop(columns=["finished", "cut"])
    frame = frame.assign(transfers_per_second=frame["edges"] / frame["seconds"])
    frame.attrs["versions"] = versions
    return frame


def medians_of(every: pd.DataFrame) -> pd.DataFrame:
    """The median over runs of each engine, and how many times its throughput walletprint has, by the clock and by CPU."""
    groups = every.groupby(["engine", "batch", "threads", "edges"], sort=False)
    table = groups[["seconds", "cpu_seconds", "peak_mb", "transfers_per_second"]].median().reset_index()
    by_cpu = table["edges"] / table["cpu_seconds"]
    table["walletprint_is_faster"] = table["transfers_per_second"].iloc[0] / table["transfers_per_second"]
    return table.assign(by_cpu=by_cpu.iloc[0] / by_cpu)


def at_hubs(graph: Path, python: Path, limit: int) -> pd.DataFrame:
    """Each engine once on a graph with hubs: ours with the catalogue's bounds, and with one on work alone; GFP with a limit."""
    edges = len(np.load(graph)["time"])
    rows = []
    catalogue, alone = f"hubs of {HUB}, {WORK} transfers looked at", f"{WORK // 10} transfers looked at"
    for name, hub, work in ((catalogue, HUB, WORK), (alone, streams.UNBOUNDED, WORK // 10)):
        rows.append({"engine": "walletprint", "bounds": name, **ours(graph, edges, hub, work)})
    took = guest(python, graph, edges, 128, THREADS, limit)
    rows.append({"engine": "GFP, batches of 128", "bounds": f"none; stopped after {limit} seconds", **took})
    frame = pd.DataFrame(rows).drop(columns="versions").rename(columns={"edges": "counted", "cut": "transfers_cut"})
    frame["transfers_cut"] = frame["transfers_cut"].astype("Int64")
    frame.insert(2, "transfers", edges)
    return frame


if __name__ == "__main__":
    typer.run(main)
