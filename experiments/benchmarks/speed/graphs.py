"""Makes the graphs that `against_gfp` reads: transfers of two days between numbered wallets, in order of time, as `.npz`.

One is as dense as the AML data sets of IBM and holds planted patterns, the other has hubs. They are no model of crime.
"""

from pathlib import Path

import numpy as np

START = 1_700_000_000
DAY = 86_400
_WALLETS_PER_EDGE, _PLANTED = 0.5, 0.06

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Senders, receivers, seconds."""


def dense(path: Path, edges: int, seed: int = 3) -> Path:
    """Write a graph with power-law degrees, two transfers per wallet; a sixteenth are planted cycles and scatter-gathers."""
    rng = np.random.default_rng(seed)
    wallets, planted = max(64, int(edges * _WALLETS_PER_EDGE)), int(edges * _PLANTED)
    plain = edges - planted
    sender, receiver = (rng.permutation(wallets)[_ranks(plain, wallets, rng)] for _ in range(2))
    parts = [(sender, receiver, rng.integers(0, 2 * DAY, plain)), _patterns(planted, wallets, rng)]
    return _write(path, parts, rng)


def hubs(path: Path, edges: int, neighbours: int, seed: int = 5) -> Path:
    """Write a graph of one day in which two hubs pay, and are paid by, this many wallets each; the rest is at random.

    Half of one hub's payees pay the other, so that there is a scatter-gather over them all; some wallets deal with both often.
    """
    rng = np.random.default_rng(seed)
    wallets = max(edges // 2, 4 * neighbours)
    parts = []
    for hub in range(2):
        others = 2 + np.arange(neighbours) + hub * (neighbours // 2)
        for ends in ((hub, others), (others, hub)):
            sender, receiver = np.broadcast_arrays(*ends)
            parts.append((sender, receiver, rng.integers(0, DAY, neighbours)))
    rest = max(0, edges - 4 * neighbours)
    parts.append((*rng.integers(2, wallets, (2, rest)), rng.integers(0, DAY, rest)))
    return _write(path, parts, rng)


def _ranks(edges: int, wallets: int, rng: np.random.Generator) -> np.ndarray:
    """Ranks of wallets with a frequency of (rank + 20) to the power of −0.6, by the inverse of its distribution."""
    low, high = 20**0.4, (wallets + 20) ** 0.4
    ranks = (rng.random(edges) * (high - low) + low) ** 2.5 - 20
    return np.minimum(ranks, wallets - 1).astype(np.int64)


def _patterns(edges: int, wallets: int, rng: np.random.Generator) -> Edges:
    """Cycles of two to eight transfers within a day, and scatter-gathers over two to eleven wallets within hours."""
    found: list[tuple[int, int, int]] = []
    while len(found) < edges:
        start = int(rng.integers(0, DAY))
        if rng.random() < 0.5:
            ring = rng.choice(wallets, rng.integers(2, 9), replace=False)
            times = start + np.sort(rng.integers(0, 80_000, len(ring)))
            found += zip(ring.tolist(), np.roll(ring, -1).tolist(), times.tolist(), strict=True)
        else:
            source, target, *middles = rng.choice(wallets, rng.integers(4, 14), replace=False).tolist()
            for middle in middles:
                first = start + int(rng.integers(0, 10_000))
                found += [(source, middle, first), (middle, target, first + int(rng.integers(1, 10_000)))]
    sender, receiver, time = np.array(found[:edges], np.int64).reshape(-1, 3).T
    return sender, receiver, time


def _write(path: Path, parts: list[Edges], rng: np.random.Generator) -> Path:
    """Without transfers of a wallet to itself, in order of time (those of one second in any)."""
    sender, receiver, time = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    order = order[sender[order] != receiver[order]]
    amount = np.round(np.exp(rng.normal(5, 2, len(order))), 2)
    np.savez(path, sender=sender[order], receiver=receiver[order], time=START + time[order], amount=amount)
    return path
