"""The process that a benchmark starts: runs one function on a file and reports its time, CPU time and peak memory.

    python -m walletprint.experiments.benchmarks.harness.worker MODULE FUNCTION TRANSFERS SMALL [SAVE]

The function runs on a small file before, so that neither imports nor compiling count. Imports nothing that an engine does not
need, as its memory would count as the engine's.
"""

import json
import resource
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any


def main(module: str, function: str, path: str, warm: str, save: str = "") -> None:
    """Run, and write one line of JSON; `save` is where the table goes that came back, after the clock stopped."""
    run = getattr(import_module(f"walletprint.experiments.benchmarks.{module}"), function)
    taken(run(Path(warm)), keep=False)
    held = Held()
    wall, cpu = time.perf_counter(), cpu_seconds()
    found = taken(run(Path(path)), keep=bool(save))
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": cpu_seconds() - cpu}
    took |= {"peak_mb": peak_mb(), "held_mb": held.stop()}
    if save:
        write_table(found, Path(save))
    sys.stdout.write(json.dumps(took | _sizes(found)) + "\n")


class Held(threading.Thread):
    """Watches how much memory this process holds that is no mapped file: pages of files are taken back when memory is short."""

    _EVERY = 0.02  # seconds

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._most, self._done = 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        """Look again and again."""
        while not self._done.wait(self._EVERY):
            self._most = max(self._most, _status_mb("RssAnon") or 0.0)

    def stop(self) -> float:
        """The most it was; where the system does not tell, the most memory of all."""
        self._done.set()
        self.join()
        return self._most or peak_mb()


def peak_mb() -> float:
    """The most memory this process has held, mapped pages of files among it.

    Not `ru_maxrss`, which a child inherits from the process that started it.
    """
    return _status_mb("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _status_mb(name: str) -> float | None:
    """A figure that Linux tells of this process; None elsewhere."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def cpu_seconds() -> float:
    """User and system time of this process and of its children that have ended."""
    took = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in took)


def taken(found: Any, keep: bool) -> Any:
    """What an engine returned; of one that gives frame after frame all in one, or their sizes if they are not to be kept."""
    if not isinstance(found, Iterator):
        return found
    if keep:
        import pandas as pd

        return pd.concat(found)
    sizes = {"wallets": 0, "features": 0}
    for piece in found:
        sizes = _sizes(piece) | {"wallets": sizes["wallets"] + len(piece)}
    return sizes


def write_table(found: Any, path: Path) -> None:
    """Write what an engine returned (an Arrow table, a Polars or pandas frame) as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ....features.base.arrow import table_of

    if not isinstance(found, pa.Table):
        found = found.to_arrow() if hasattr(found, "to_arrow") else table_of(found)
    pq.write_table(found, path)


def _sizes(found: Any) -> dict[str, Any]:
    """Wallets and features of what came back; a function that measures itself returns its own figures, which win."""
    if isinstance(found, dict):
        return found
    if found is None or isinstance(found, int):
        return {"wallets": found or 0, "features": 0}
    names = found.column_names if hasattr(found, "column_names") else list(found.columns)
    return {"wallets": len(found), "features": len({*names} - {"address", "as_of"})}


if __name__ == "__main__":
    main(*sys.argv[1:])
