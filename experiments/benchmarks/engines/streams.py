"""Ours against the guest of `gfp_guest`: counts the patterns of a stream of transfers in a process of its own.

    python -m walletprint.experiments.benchmarks.engines.streams GRAPH.npz EDGES HUB WORK [SAVE.npy]

Writes one line of JSON as the guest does, and how many transfers the bounds cut.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from ...protocols.published.stream_patterns import counted
from ..harness.worker import cpu_seconds, peak_mb


def main(path: str, edges: int, hub: int, work: int, save: str = "") -> None:
    """Count twice, a few transfers to warm up and then all, and say what the second took."""
    graph = np.load(Path(path))
    sender, receiver, seconds = (graph[name][:edges].copy() for name in ("sender", "receiver", "time"))
    counted(sender[:500], receiver[:500], seconds[:500], hub, work)
    wall, cpu = time.perf_counter(), cpu_seconds()
    found, cut = counted(sender, receiver, seconds, hub, work)
    took = {"edges": len(found), "seconds": time.perf_counter() - wall, "cpu_seconds": cpu_seconds() - cpu}
    if save:
        np.save(save, found)
    sys.stdout.write(json.dumps({**took, "peak_mb": peak_mb(), "finished": True, "cut": cut}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), "".join(sys.argv[5:]))
