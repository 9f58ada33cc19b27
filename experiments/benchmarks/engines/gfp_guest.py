"""IBM's Graph Feature Preprocessor on a graph, as a script: it may run in an interpreter without walletprint, so it imports none.

    python gfp_guest.py GRAPH.npz EDGES BATCH THREADS SECONDS [SAVE.npy]

Stops after that many seconds, if they are not 0. Writes one line of JSON: edges, seconds, cpu_seconds, peak_mb, finished,
versions.
"""

import json
import resource
import sys
import time
from importlib.metadata import version

import numpy as np
from snapml import GraphFeaturePreprocessor  # pyright: ignore[reportMissingImports]

PATTERNS = {"fan": 86_400, "degree": 86_400, "scatter-gather": 21_600, "temp-cycle": 86_400}
"""What is counted and in which window: the settings of IBM's AMLworld study, without statistics of vertices."""


def preprocessor(threads: int) -> GraphFeaturePreprocessor:
    """One that counts patterns of two, and of three or more."""
    settings = {"num_threads": threads, "time_window": 86_400, "vertex_stats": False, "lc-cycle": False}
    for pattern, window in PATTERNS.items():
        settings |= {pattern: True, f"{pattern}_tw": window, f"{pattern}_bins": [2, 3]}
    made = GraphFeaturePreprocessor()
    made.set_params(settings)
    return made


def counted(edges: np.ndarray, batch: int, threads: int, limit: float) -> np.ndarray:
    """The counts of each edge, as far as it came in time."""
    made, found, began = preprocessor(threads), [], time.perf_counter()
    for start in range(0, len(edges), batch):
        found.append(made.transform(edges[start : start + batch])[:, edges.shape[1] :])
        if limit and time.perf_counter() - began > limit:
            break
    return np.vstack(found).astype(np.int32)


def peak_mb() -> float:
    """The most memory this process has held (Linux). Not `ru_maxrss`, which a child inherits from the process that started it."""
    with open("/proc/self/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def main(path: str, edges: int, batch: int, threads: int, limit: float, save: str = "") -> None:
    """Count twice, a few edges to warm up and then all, and say what the second took."""
    graph = np.load(path)
    columns = [graph[name][:edges] for name in ("sender", "receiver", "time", "amount")]
    table = np.column_stack([np.arange(len(columns[0])), *columns]).astype(np.float64)
    counted(table[:500], batch, threads, 0)
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    found = counted(table, batch, threads, limit)
    seconds, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    took = {"edges": len(found), "seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_mb()}
    if save:
        np.save(save, found)
    versions = {name: version(name) for name in ("snapml", "numpy")}
    sys.stdout.write(json.dumps({**took, "finished": len(found) == len(table), "versions": versions}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(word) for word in sys.argv[2:6]), save="".join(sys.argv[6:]))
