"""walletprint against tsfresh, which computes features of any time series: wallets a second. Run with

    python -m walletprint.experiments.benchmarks.speed.against_tsfresh

The two compute different things, so nothing is compared but speed. tsfresh may live in an interpreter of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from ....features import Ledger, extract, snapshots_of
from ....features.transfers.schema import REQUIRED
from ...protocols.report import RESULTS, environment, write_report
from ..engines.columns import AS_OF
from ..harness.processes import measured, transfers_of, use_few_cores
from ..harness.threads import THREADS

LEAST = 10
SAMPLE = "sample.parquet"
_SCRIPT = Path(__file__).parent.parent / "engines" / "tsfresh_guest.py"
INTRO = f"""\
Wallets with {LEAST} transfers or more of generated transfers (`generate.py`), as of 2024-10-01. tsfresh computes
`EfficientFCParameters` on two series a wallet, its amounts and the gaps between its transfers, with as many processes as
walletprint has threads (2), from a frame in memory that is ready for it. walletprint computes its whole catalogue, from the file:
on the same wallets (a file of their transfers alone) and on all wallets. The two do not compute the same features. Each run is a
process of its own after one that is not counted; times are without the start of Python, imports and compiling."""


def run_ours(path: Path) -> pd.DataFrame:
    """Every feature of the wallets that are listed beside the file, or of all if there is no list."""
    ledger, listed = Ledger.from_transfers(path), path.with_suffix(".csv")
    wallets = pd.read_csv(listed)["address"] if listed.is_file() else ledger.addresses
    return extract(ledger, snapshots_of(wallets.tolist(), AS_OF))


def main(
    guest_python: Annotated[Path, typer.Option(help="The interpreter that has tsfresh.")] = Path(sys.executable),
    rows: Annotated[int, typer.Option(help="Transfers to generate.")] = 1_000_000,
    wallets: Annotated[int, typer.Option(help="How many of their wallets tsfresh gets.")] = 200,
    runs: Annotated[int, typer.Option(min=1, help="Counted runs of each.")] = 3,
    folder: Annotated[Path | None, typer.Option(help="Keeps generated files; those already there are used.")] = None,
    results: Annotated[Path, typer.Option(help="Where the tables go.")] = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    if not has_tsfresh(guest_python):
        typer.echo(
            f"skipped: {guest_python} cannot import tsfresh; install it there, or name one that can: --guest-python"
        )
        return
    use_few_cores()
    with tempfile.TemporaryDirectory() as temporary:
        everything = transfers_of(rows, folder or Path(temporary))
        every, versions = compare(everything, Path(temporary), guest_python, wallets, runs)
    where = environment()
    where["versions"] |= {f"{name} of the guest": found for name, found in versions.items()}
    tables = {f"Medians of {runs} runs": medians_of(every), "Every run": every}
    command = "python -m walletprint.experiments.benchmarks.speed.against_tsfresh"
    typer.echo(write_report("against-tsfresh", command, INTRO, tables, results, where).read_text())


def has_tsfresh(python: Path) -> bool:
    """Whether an interpreter is there and can import the guest."""
    try:
        return not subprocess.run([python, "-c", "import tsfresh"], capture_output=True).returncode
    except OSError:
        return False


def compare(
    everything: Path, folder: Path, python: Path, wallets: int, runs: int
) -> tuple[pd.DataFrame, dict[str, str]]:
    """A row for each counted run, and the guest's versions."""
    sample, series = make_sample(everything, folder, wallets)
    every, versions = [], {}
    for i in range(runs + 1):
        found = {
            "tsfresh": _guest(python, series),
            "walletprint, same wallets": measured("speed.against_tsfresh", "run_ours", sample),
            "walletprint, all wallets": measured("speed.against_tsfresh", "run_ours", everything),
        }
        versions = found["tsfresh"].pop("versions")
        every += [{"engine": name, **took} for name, took in found.items() if i]
    return pd.DataFrame(every), versions


def medians_of(every: pd.DataFrame) -> pd.DataFrame:
    """The median over runs of each engine, with wallets a second and how that compares with tsfresh."""
    groups = every.groupby(["engine", "features", "wallets"], sort=False)
    table = groups[["seconds", "cpu_seconds", "peak_mb"]].median().reset_index()
    table["wallets_per_second"] = table["wallets"] / table["seconds"]
    return table.assign(against_tsfresh=table["wallets_per_second"] / table["wallets_per_second"].iloc[0])


def make_sample(everything: Path, folder: Path, wallets: int) -> tuple[Path, Path]:
    """Write what the two read of some wallets: their transfers with a list of them beside, and their series."""
    table = pq.read_table(everything)
    frame: Any = table.select(list(REQUIRED)).to_pandas()
    events: Any = _events(frame[frame["timestamp"] < AS_OF])
    chosen = _sampled(events["address"], wallets)
    sample, series = folder / SAMPLE, folder / "series.parquet"
    theirs = (frame["sender"].isin(chosen) | frame["receiver"].isin(chosen)).to_numpy()
    pq.write_table(table.filter(pa.array(theirs)), sample)
    pd.DataFrame({"address": chosen}).to_csv(sample.with_suffix(".csv"), index=False)
    _series(events[events["address"].isin(chosen)]).to_parquet(series, index=False)
    return sample, series


def _events(transfers: Any) -> pd.DataFrame:
    """Each transfer once for each wallet it concerns, in order of time."""
    outs = transfers.rename(columns={"sender": "address"})
    ins = transfers[transfers["sender"] != transfers["receiver"]].rename(columns={"receiver": "address"})
    both = pd.concat([outs, ins]).loc[:, ["address", "timestamp", "amount"]]
    return both.sort_values(["address", "timestamp", "amount"], ignore_index=True)


def _sampled(addresses: Any, wallets: int) -> list[str]:
    counts = addresses.value_counts()
    enough = sorted(counts.index[counts >= LEAST])
    return list(np.random.default_rng(7).choice(enough, min(wallets, len(enough)), replace=False))


def _series(events: Any) -> pd.DataFrame:
    """The amounts and the gaps of each wallet as tsfresh likes them: a row a value."""
    by_wallet = events.groupby("address", sort=False)
    position = by_wallet.cumcount()
    gaps = by_wallet["timestamp"].diff().dt.total_seconds()
    common = {"id": events["address"], "position": position}
    values = {"amount": events["amount"], "gap": gaps}
    return pd.concat([pd.DataFrame({**common, "kind": kind, "value": x}) for kind, x in values.items()]).dropna()


def _guest(python: Path, series: Path) -> dict[str, Any]:
    words = [python, _SCRIPT, series, str(THREADS)]
    alone = os.environ | dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
    )  # as tsfresh advises
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=alone)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    typer.run(main)
