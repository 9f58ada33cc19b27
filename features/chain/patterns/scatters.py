"""Scatter-gathers: money of one source that comes to one target over several wallets (definition: docs/guide.md).

Worst case of the catalogue's search, for each transfer: the entries of its receiver in the window, and of all that paid it:
HUB + HUB², as hubs are left out. Nearly all transfers end before: their sender received nothing in the window, or their
receiver nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.context import Scatters
from ...kernels.wallet_view import DAY
from .stretches import ENTRIES, FED, HUB, Flow, advance, flow_of, over_stretches, progress_at_start, slot_of, table_for

if TYPE_CHECKING:
    from ...ledger.ledger import Ledger

_UNBOUNDED = 2**31 - 1
_MIDDLES, _LAST = 2, 3


class ScatterBounds(NamedTuple):
    """What limits a search, and what it takes for a scatter-gather."""

    window: int  # seconds: all transfers are later than this before the completing one
    hub: int  # entries in the window above which a wallet is neither middle nor target
    work: int  # transfers looked at, after which a search ends
    ordered: bool  # whether a middle must receive strictly before it sends


class ScatterGathers(NamedTuple):
    """Scatter-gathers: of each transfer, and credits of their sources, in order of time."""

    size: np.ndarray  # int32[rows], most middles; 0: none
    cut: np.ndarray  # uint8[rows], whether a bound cut the search: sender or receiver are hubs, or its work
    counts: np.ndarray  # int32[rows, m − 1] if counted, those of 2, 3, … m middles; the last counts all with more, too
    wallet: np.ndarray  # int32[credits], the source
    row: np.ndarray  # int32[credits], the transfer that completes it
    middles: np.ndarray  # int32[credits]


class _Workspace(NamedTuple):
    """What a search remembers, in hash tables: (wallet, stamp, middles, the last one), (wallet, stamp)."""

    stamp: np.ndarray
    sources: np.ndarray
    payers: np.ndarray


def build_scatters(ledger: Ledger) -> Scatters:
    """The largest scatter-gather that each transfer completes, and those of which each wallet is the source."""
    gathers = scatters(flow_of(ledger), ScatterBounds(DAY, HUB, _UNBOUNDED, ordered=True))
    order = np.argsort(gathers.wallet, kind="stable")
    offsets = np.searchsorted(gathers.wallet[order], np.arange(len(ledger.offsets))).astype(np.int64)
    return Scatters(gathers.size, gathers.cut, offsets, ledger.rows.time[gathers.row[order]], gathers.middles[order])


def scatters(flow: Flow, bounds: ScatterBounds, *, counted: int = 0) -> ScatterGathers:
    """What scatter-gathers each transfer completes as the one to the target.

    Args:
        flow: the transfers.
        bounds: of the search.
        counted: up to how many middles to count them apart; 0: not at all.
    """
    n = len(flow.time)
    size, cut = np.zeros(n, np.int32), np.zeros(n, np.uint8)
    counts = np.zeros((n if counted else 0, max(1, counted - 1)), np.int32)
    credits = over_stretches(
        flow,
        bounds.window,
        lambda: _workspace(bounds, flow.wallets),
        lambda stretch, workspace: _complete(stretch, bounds, workspace, size, cut, counts),
    )
    wallet, row, middles = np.concatenate([np.empty((3, 0), np.int32), *credits], axis=1)
    return ScatterGathers(size, cut, counts, wallet, row, middles)


def _workspace(bounds: ScatterBounds, wallets: int) -> _Workspace:
    most = min(bounds.hub, bounds.work, wallets) + 1
    return _Workspace(np.zeros(1, np.int32), table_for(most, 4), table_for(most, 2))


@kernel
def _complete(graph, bounds, workspace, size, cut, counts):
    """What scatter-gathers the transfers of a stretch complete; returns the credits (wallet, row, middles)."""
    progress = progress_at_start(graph)
    credits, filled = np.empty((3, 1024), np.int32), 0
    added = removed = after = 0
    for i in range(graph.begin, graph.instant.size):
        while after < graph.instant.size and graph.instant[after] <= graph.instant[i]:
            after += 1
        if not graph.marks[i]:
            continue
        added, removed = advance(graph, progress, added, after, removed, graph.since[i])
        m, w = graph.sender[i], graph.receiver[i]
        if max(progress[m, ENTRIES], progress[w, ENTRIES]) > bounds.hub:
            cut[graph.low + i] = 1
        elif graph.marks[i] & FED and graph.ins[progress[w, 1] - 2, 1] >= graph.since[i]:
            sources, cut[graph.low + i] = _search(graph, bounds, i, workspace, progress)
            if sources:
                if filled + sources > credits.shape[1]:
                    credits = _grown(credits, filled + sources)
                filled = _credit(graph, i, workspace, progress, size, counts, credits, filled)
    return credits[:, :filled].copy()


@kernel
def _search(graph, bounds, i, workspace, progress):
    """Count the middles of each source of row i's sender; how many sources have two or more, and whether the work was cut."""
    m, w = graph.sender[i], graph.receiver[i]
    workspace.stamp[0] += 1
    looked = _sources(graph, bounds, i, workspace, progress)
    completed = 0
    k = progress[w, 1]
    while looked and graph.ins[k - 1, 1] >= graph.since[i] and looked < bounds.work:
        k -= 1  # downwards, so that a wallet is first met with its last transfer to the target
        looked += 1
        y = graph.ins[k, 0] >> 1
        if y == m or (bounds.ordered and graph.ins[k, 0] & 1 == 0) or progress[y, ENTRIES] > bounds.hub:
            continue
        slot = slot_of(workspace.payers, y, workspace.stamp[0])
        if workspace.payers[slot, 1] != workspace.stamp[0]:
            workspace.payers[slot, 0], workspace.payers[slot, 1] = y, workspace.stamp[0]
            more, looked = _paid_by(graph, bounds, i, y, graph.ins[k, 1], workspace, progress, looked)
            completed += more
    return (0, 1) if looked >= bounds.work else (completed, 0)


@kernel
def _sources(graph, bounds, i, workspace, progress):
    """Note the sources of row i's sender, each with one middle; how many transfers were looked at, 0 if there is no source."""
    m, w, stamp = graph.sender[i], graph.receiver[i], workspace.stamp[0]
    looked = sources = 0
    k = progress[m, 1]
    while graph.ins[k - 1, 1] >= graph.since[i] and looked < bounds.work:
        k -= 1
        looked += 1
        x = graph.ins[k, 0] >> 1
        if x == w or (bounds.ordered and graph.ins[k, 1] >= graph.instant[i]):
            continue
        slot = slot_of(workspace.sources, x, stamp)
        workspace.sources[slot, 0], workspace.sources[slot, 1] = x, stamp
        workspace.sources[slot, _MIDDLES], workspace.sources[slot, _LAST] = 1, m
        sources += 1
    return looked if sources else 0


@kernel
def _paid_by(graph, bounds, i, y, before, workspace, progress, looked):
    """Add y to the middles of the sources that paid it; how many sources have two by that, and the transfers looked at."""
    stamp, completed = workspace.stamp[0], 0
    k = progress[y, 1]
    while graph.ins[k - 1, 1] >= graph.since[i] and looked < bounds.work:
        k -= 1
        looked += 1
        if bounds.ordered and graph.ins[k, 1] >= before:
            continue
        x = graph.ins[k, 0] >> 1
        slot = slot_of(workspace.sources, x, stamp)
        if workspace.sources[slot, 1] == stamp and workspace.sources[slot, _LAST] != y:
            workspace.sources[slot, _MIDDLES] += 1
            workspace.sources[slot, _LAST] = y
            completed += workspace.sources[slot, _MIDDLES] == 2
    return completed, looked


@kernel
def _credit(graph, i, workspace, progress, size, counts, credits, filled):
    """Write what the search of row i found: the largest, how many, and who is to be credited; how many credits there are now."""
    m, row = graph.sender[i], graph.low + i
    k = progress[m, 1]
    while graph.ins[k - 1, 1] >= graph.since[i]:
        k -= 1
        slot = slot_of(workspace.sources, graph.ins[k, 0] >> 1, workspace.stamp[0])
        middles = workspace.sources[slot, _MIDDLES]
        if workspace.sources[slot, 1] != workspace.stamp[0] or middles < 2:
            continue
        workspace.sources[slot, _MIDDLES] = 0  # it may have paid the sender more than once
        size[row] = max(size[row], middles)
        if counts.shape[0]:
            counts[row, min(middles - 2, counts.shape[1] - 1)] += 1
        credits[0, filled], credits[1, filled], credits[2, filled] = (
            graph.wallet[workspace.sources[slot, 0]],
            row,
            middles,
        )
        filled += 1
    return filled


@kernel
def _grown(credits, needed):
    wider = np.empty((3, max(needed, 2 * credits.shape[1])), np.int32)
    wider[:, : credits.shape[1]] = credits
    return wider
