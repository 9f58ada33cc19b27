"""What IBM's Graph Feature Preprocessor says of accounts: its columns of transfers, averaged and maximised over their own."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from ..engines.gfp import missing

_SCRIPT = Path(__file__).parent.parent / "engines" / "gfp_edges_guest.py"


def available(python: Path | None) -> bool:
    """Whether that interpreter (this one if None) has snapml."""
    return not missing(python or Path(sys.executable))


def vectors(transfers: pd.DataFrame, python: Path | None) -> pd.DataFrame:
    """A row an account: number of transfers sent and received, mean and maximum of the preprocessor's columns over either.

    Args:
        transfers: timestamp, sender, receiver, amount, in order of time.
        python: an interpreter with snapml; None for this one.
    """
    accounts = pd.Index(pd.unique(transfers[["sender", "receiver"]].to_numpy().ravel()))
    with tempfile.TemporaryDirectory() as folder:
        graph, save = Path(folder) / "graph.npz", Path(folder) / "columns.npy"
        sender, receiver = (accounts.get_indexer(pd.Index(transfers[end])) for end in ("sender", "receiver"))
        seconds = transfers["timestamp"].astype("datetime64[s, UTC]").astype("int64")
        np.savez(graph, time=seconds, amount=transfers["amount"], sender=sender, receiver=receiver)
        subprocess.run([python or sys.executable, _SCRIPT, graph, save], check=True, capture_output=True)
        columns = pd.DataFrame(np.load(save)[:, 4:]).add_prefix("gfp_")  # the amount first
    parts = []
    for end in ("sender", "receiver"):
        grouped = columns.assign(transfers=1).groupby(transfers[end].to_numpy())
        mean, most, total = (pd.DataFrame(grouped.agg(how)) for how in ("mean", "max", "sum"))
        parts += [mean.add_prefix(f"{end}_mean_"), most.add_prefix(f"{end}_max_")]
        parts.append(total.filter(items=["transfers"]).add_prefix(f"{end}_"))
    return pd.concat(parts, axis=1)
