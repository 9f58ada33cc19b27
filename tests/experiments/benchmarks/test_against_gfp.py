"""The benchmark against IBM's Graph Feature Preprocessor: our counts are what they say, and the guest may be missing."""

import random
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from walletprint.experiments.benchmarks.speed import against_gfp, graphs
from walletprint.experiments.protocols.published import stream_patterns as streams
from walletprint.features.chain.patterns import stretches

DAY, SIX_HOURS = 86_400, 21_600
NAMES = ("fan in", "fan out", "degree in", "degree out")


def stream(seed: int, transfers: int = 60) -> list[tuple[int, int, int]]:
    """Senders, receivers and seconds of few wallets, with ties and times on the windows' borders."""
    rng = random.Random(seed)
    wallets = rng.choice([5, 7, 12])
    steps = [0, 0, 1, 900, SIX_HOURS // 4, DAY // 8]
    time, found = graphs.START, []
    for _ in range(transfers):
        time += rng.choice(steps)
        found.append((*rng.sample(range(100, 100 + wallets), 2), time))
    return found


def binned(counts: dict[int, int]) -> list[int]:
    return [counts.get(2, 0), sum(n for size, n in counts.items() if size > 2)]


def fans_and_degrees(edges: list[tuple[int, int, int]]) -> list[int]:
    sender, receiver, now = edges[-1]
    near = [(s, r) for s, r, t in edges if t > now - DAY]
    senders, receivers = [s for s, r in near if r == receiver], [r for s, r in near if s == sender]
    sizes = [len(set(senders)), len(set(receivers)), len(senders), len(receivers)]
    return [n for size in sizes for n in binned({size: 1})]


def scatter_gathers(edges: list[tuple[int, int, int]]) -> list[int]:
    """Pairs of a source and a target with two middles or more, one of which the last transfer concerns."""
    u, v, now = edges[-1]
    pairs = {(s, r) for s, r, t in edges if t >= now - SIX_HOURS}
    wallets = {wallet for pair in pairs for wallet in pair}
    found: Counter[int] = Counter()
    for source, target in product(wallets, wallets):
        middles = {m for m in wallets - {source, target} if (source, m) in pairs and (m, target) in pairs}
        if source != target and len(middles) > 1 and ((v == target and u in middles) or (u == source and v in middles)):
            found[len(middles)] += 1
    return binned(found)


def cycles(edges: list[tuple[int, int, int]]) -> list[int]:
    """Ways over wallets, each once, from the last transfer's receiver to its sender at strictly increasing times before it."""
    u, v, now = edges[-1]
    ways = set()

    def go(way: tuple[int, ...], after: int) -> None:
        for s, r, t in edges:
            if s == way[-1] and after < t < now and r not in way:
                ways.add((*way, r)) if r == u else go((*way, r), t)

    go((v,), now - DAY - 1)
    return binned(Counter(len(way) for way in ways))


def counts_of(edges: list[tuple[int, int, int]]) -> np.ndarray:
    sender, receiver, seconds = (np.array(column, np.int64) for column in zip(*edges, strict=True))
    found, cut = streams.counted(sender, receiver, seconds, streams.UNBOUNDED, 100_000)
    assert cut == 0
    return found


@pytest.mark.parametrize("rows", [7, 50_000])
def test_our_counts_of_a_stream_are_those_of_a_slow_search(rows, monkeypatch):
    monkeypatch.setattr(stretches, "_ROWS", rows)  # the stream in many stretches, and in one
    total = np.zeros(12, np.int64)
    for seed in range(6):
        edges = stream(seed)
        found = counts_of(edges)
        for i in range(len(edges)):
            seen = edges[: i + 1]
            assert found[i].tolist() == fans_and_degrees(seen) + scatter_gathers(seen) + cycles(seen), (seed, i)
        total += found.sum(axis=0)
    assert (total > 0).all()


def test_a_transfer_hangs_on_none_after_it():
    edges = stream(3)
    whole = counts_of(edges)
    for n in (1, 20, 41):
        assert (counts_of(edges[:n]) == whole[:n]).all()


def test_bounds_cut_and_say_so():
    ring = [(0, 1, 1), (1, 2, 2), (2, 0, 3)]
    sender, receiver, seconds = (np.array(column, np.int64) for column in zip(*ring, strict=True))
    for hub, work, cycles_found in ((2, 100, 1), (0, 100, 0), (2, 1, 0)):
        found, cut = streams.counted(sender, receiver, seconds, hub, work)
        assert (found[2, 11], cut > 0) == (cycles_found, not cycles_found)


def test_the_graphs_are_streams_with_the_shapes_they_promise(tmp_path):
    for path in (graphs.dense(tmp_path / "dense.npz", 5_000), graphs.hubs(tmp_path / "hubs.npz", 5_000, 1_000)):
        graph = np.load(path)
        assert (np.diff(graph["time"]) >= 0).all()
        assert (graph["sender"] != graph["receiver"]).all()
    assert len(np.unique(graph["receiver"][graph["sender"] == 0])) >= 999


def test_without_the_guest_nothing_is_measured_and_one_line_says_why(tmp_path):
    app = typer.Typer()
    app.command()(against_gfp.main)
    done = CliRunner().invoke(app, ["--guest-python", str(tmp_path / "python"), "--results", str(tmp_path)])
    assert done.exit_code == 0
    assert done.output.startswith("skipped: ")
    assert "cannot import snapml" in done.output
    assert not list(Path(tmp_path).glob("*.md"))
