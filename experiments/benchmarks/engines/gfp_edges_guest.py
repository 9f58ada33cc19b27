"""The columns of IBM's Graph Feature Preprocessor for each transfer, as a script for an interpreter without walletprint.

    python gfp_edges_guest.py GRAPH.npz SAVE.npy

All its patterns but untimed cycles, and statistics of vertices; windows of a day (scatter-gathers: six hours); batches of
128, as published.
"""

import sys

import numpy as np
from snapml import GraphFeaturePreprocessor  # pyright: ignore[reportMissingImports]

_DAY, _BATCH = 86_400, 128
_WINDOWS = {"fan": _DAY, "degree": _DAY, "scatter-gather": _DAY // 4, "temp-cycle": _DAY}


def main(path: str, save: str) -> None:
    """Read sender, receiver, time, amount; write a row a transfer: number, ends, time, amount and what the preprocessor adds."""
    graph = np.load(path)
    columns = [graph[name] for name in ("sender", "receiver", "time", "amount")]
    edges = np.column_stack([np.arange(len(columns[0])), *columns]).astype(np.float64)
    settings = {"num_threads": 2, "time_window": _DAY, "lc-cycle": False}  # which takes minutes a thousand here
    settings |= {"vertex_stats": True, "vertex_stats_tw": _DAY, "vertex_stats_cols": [3, 4]}
    settings |= {"vertex_stats_feats": [0, 1, 2, 3, 4, 8, 9, 10]}
    for pattern, window in _WINDOWS.items():
        settings |= {pattern: True, f"{pattern}_tw": window, f"{pattern}_bins": [2, 3, 5, 8]}
    made = GraphFeaturePreprocessor()
    made.set_params(settings)
    np.save(save, np.vstack([made.transform(edges[k : k + _BATCH]) for k in range(0, len(edges), _BATCH)]))


if __name__ == "__main__":
    main(*sys.argv[1:3])
