"""Runs a function on a file of transfers in a process of its own. Knows no engine.

What runs there, and measures, is `worker`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import worker
from .generate import generate
from .threads import THREADS

_WARM_ROWS = 20_000


def transfers_of(rows: int, folder: Path) -> Path:
    """The generated transfers of that many rows in `folder`, made if they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"transfers-{rows}.parquet"
    return path if path.is_file() else generate(path, rows)


def use_few_cores() -> None:
    """Keep this process and those it starts to as many cores as every engine is allowed threads (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def measured(module: str, function: str, path: Path, save: Path | None = None) -> dict[str, Any]:
    """What `module.function(path)` took: `wallets`, `features`, `seconds`, `cpu_seconds`, `peak_mb`.

    Args:
        module: under `experiments.benchmarks`, such as `engines.ours`.
        function: takes a path; returns a table, a number of wallets, or nothing.
        path: of the transfers. A small file to begin with is put beside it.
        save: where to write the table that came back, after the clock stopped.

    Raises:
        RuntimeError: if the process failed.
    """
    warm = transfers_of(_WARM_ROWS, path.parent)
    words = [sys.executable, "-m", worker.__name__, module, function, str(path), str(warm)]
    done = subprocess.run(words + ([str(save)] if save else []), capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing; was memory short?"]
        raise RuntimeError(f"{module}.{function} on {path} ended with {done.returncode}: {last[0]}")
    return json.loads(done.stdout.splitlines()[-1])
