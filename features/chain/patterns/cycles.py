"""Temporal cycles: money that comes back to where it set out from, over other wallets, in increasing time.

What is meant stands in docs/guide.md. Worst case of the catalogue's search: `WORK` transfers looked at for each one, and room for
as many wallets a thread. Nearly all transfers end before a search: their sender received nothing, or their receiver sent
nothing, in the window. To count cycles looks at `work` transfers once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...base.kernel_compiler import kernel
from ...kernels.context import Cycles
from ...kernels.wallet_view import DAY
from .stretches import (
    ENTRIES,
    FED,
    HUB,
    SPENT,
    Flow,
    advance,
    flow_of,
    over_stretches,
    progress_at_start,
    slot_of,
    table_for,
)

if TYPE_CHECKING:
    from ...ledger.ledger import Ledger

WORK = 10_000
_LONGEST = 6
_FAR = 2**31 - 1
_LABEL, _QUEUED = 2, 4
_SEARCHED = FED | SPENT


class CycleBounds(NamedTuple):
    """What limits a search."""

    window: int  # seconds: the first transfer is later than this before the closing one
    longest: int  # transfers of a cycle
    hub: int  # entries in the window above which a wallet is not passed through
    work: int  # transfers looked at, after which a search ends


class _Workspace(NamedTuple):
    """What a search remembers: a hash table of wallets with labels for both sides, and both sides' frontiers."""

    stamp: np.ndarray  # int32[1], of the last search
    table: np.ndarray  # int32[slots, 6]
    front: np.ndarray  # int32[2, 2, wallets], slots: side, this level's or the next one's
    label: np.ndarray  # int32[wallets], labels as they were when the level began
    stack: np.ndarray  # int32[transfers, 2], for counting: wallets, and the instants before which they are reached
    path: np.ndarray  # int32[hops + 1, 3], for counting: wallet, and which part of the stack its payers are


def build_cycles(ledger: Ledger) -> Cycles:
    """The fewest hops of the temporal cycles that each transfer closes."""
    hops, cut, _ = cycles(flow_of(ledger), CycleBounds(DAY, _LONGEST, HUB, WORK))
    return Cycles(hops, cut)


def cycles(flow: Flow, bounds: CycleBounds, *, counted: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What cycles each transfer closes.

    Args:
        flow: the transfers.
        bounds: of the search.
        counted: up to how many transfers to count them apart; 0: not at all. Cycles over the same wallets in the same order
            are one.

    Returns:
        The fewest hops of one (uint8, 0: none), whether a bound cut the search at the sender or for its work (uint8), and if
        counted, how many cycles of 2, 3, … `counted` transfers there are (int32 of shape (rows, counted − 1); the last column
        has the longer ones, too); all with one row per transfer.
    """
    n = len(flow.time)
    hops, cut = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    counts = np.zeros((n if counted else 0, max(1, counted - 1)), np.int32)
    over_stretches(
        flow,
        bounds.window,
        lambda: _workspace(bounds, flow.wallets, counted > 0),
        lambda stretch, workspace: _close(stretch, bounds, workspace, hops, cut, counts),
    )
    return hops, cut, counts


def _workspace(bounds: CycleBounds, wallets: int, counted: bool) -> _Workspace:
    most = min(bounds.work, wallets) + 2
    return _Workspace(
        stamp=np.zeros(1, np.int32),
        table=table_for(most, 6),
        front=np.empty((2, 2, most), np.int32),
        label=np.empty(most, np.int32),
        stack=np.empty((bounds.work + 2 if counted else 0, 2), np.int32),
        path=np.empty((bounds.longest + 1, 3), np.int32),
    )


@kernel
def _close(graph, bounds, workspace, hops, cut, counts):
    """What cycles the transfers of a stretch close."""
    progress = progress_at_start(graph)
    added = removed = 0
    for i in range(graph.begin, graph.instant.size):
        if not graph.marks[i]:
            continue
        added, removed = advance(graph, progress, added, graph.instant[i], removed, graph.since[i])
        row = graph.low + i
        if progress[graph.sender[i], ENTRIES] > bounds.hub:
            cut[row] = 1
        elif graph.marks[i] & _SEARCHED == _SEARCHED:
            hops[row], cut[row] = _fewest(graph, bounds, i, workspace, progress)
            if hops[row] and counts.shape[0]:
                cut[row] = _count(graph, bounds, i, workspace, progress, counts[row])


@kernel
def _first_edge_from(edges, low, high, instant):
    """The first position in [low, high) of edges at or after an instant."""
    while low < high:
        middle = (low + high) // 2
        if edges[middle, 1] < instant:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _slot(table, x, stamp):
    """The slot of wallet x in this search, a new one if it was not met yet."""
    slot = slot_of(table, x, stamp)
    if table[slot, 1] != stamp:
        table[slot, 0], table[slot, 1] = x, stamp
        table[slot, _LABEL] = table[slot, _LABEL + 1] = _FAR
        table[slot, _QUEUED] = table[slot, _QUEUED + 1] = 0
    return slot


@kernel
def _begin(x, side, label, workspace):
    slot = _slot(workspace.table, x, workspace.stamp[0])
    workspace.table[slot, _LABEL + side] = label
    workspace.front[side, 0, 0] = slot
    return 1


@kernel
def _fewest(graph, bounds, i, workspace, progress):
    """The fewest hops of a cycle that row i closes (0: none), and whether the work bound cut the search.

    From both ends at once, a level at a time, the narrower side first: on from the receiver (side 0), to the earliest instant at
    which each wallet can be reached, and back from the sender (side 1), to the latest from which it still can be left. They meet
    where the first is before the second. No way found by levels passes a wallet twice: the shorter way would be found before.
    Labels of side 1 have a minus, so that less is better on both sides.
    """
    u, v, until = graph.sender[i], graph.receiver[i], graph.instant[i]
    workspace.stamp[0] += 1
    size0, size1 = _begin(v, 0, -1, workspace), _begin(u, 1, -until, workspace)
    barred = progress[v, ENTRIES] > bounds.hub
    looked = level0 = level1 = 0
    while level0 + level1 < bounds.longest - 1:
        ahead = not barred and size0 <= size1
        if (size0 if ahead else size1) == 0:
            return 0, 0
        if ahead:
            level0 += 1
            meets, size0, looked = _widen(graph, bounds, i, 0, level0, size0, level1 > 0, workspace, progress, looked)
        else:
            level1 += 1
            meets, size1, looked = _widen(graph, bounds, i, 1, level1, size1, level0 > 0, workspace, progress, looked)
        if looked >= bounds.work:
            return 0, 1
        if meets:
            return level0 + level1 + 1, 0
    return 0, 0


@kernel
def _widen(graph, bounds, i, side, level, size, met, workspace, progress, looked):
    """Take one side a transfer further: whether the sides met, the size of its next frontier, and the transfers looked at.

    `met`: the other side began, and knows the wallets next to its end, so that dead ends need not be compared with that end.
    """
    table, stamp, since = workspace.table, workspace.stamp[0], graph.since[i]
    frontier, next_frontier = workspace.front[side, (level - 1) % 2], workspace.front[side, level % 2]
    starts, edges = (graph.outs_at, graph.outs) if side == 0 else (graph.ins_at, graph.ins)
    goal = -1 if met else graph.sender[i] if side == 0 else graph.receiver[i]
    for q in range(size):  # labels as they are now: what this level improves is a transfer further
        workspace.label[q] = table[frontier[q], _LABEL + side]
    grown = 0
    for q in range(size):
        x, label = table[frontier[q], 0], np.int64(workspace.label[q])
        if level > 1 and progress[x, ENTRIES] > bounds.hub:
            continue
        k = progress[x, side]
        if side == 1 and level > 1:
            k = _first_edge_from(edges, starts[x] + 1, k, -label)
        low = max(since, label + 1) if side == 0 else since
        while edges[k - 1, 1] >= low:
            k -= 1
            looked += 1
            if looked >= bounds.work:
                return False, grown, looked
            y = edges[k, 0] >> 1
            if edges[k, 0] & 1 == 0 and y != goal:
                continue
            reached = np.int64(edges[k, 1]) if side == 0 else -np.int64(edges[k, 1])
            slot = _slot(table, y, stamp)
            if reached >= table[slot, _LABEL + side]:
                continue
            table[slot, _LABEL + side] = reached
            other = np.int64(table[slot, _LABEL + 1 - side])
            if other != _FAR and reached + other < 0 and _may_meet(graph, bounds, progress, y, i):
                return True, grown, looked
            if table[slot, _QUEUED + side] != level:
                table[slot, _QUEUED + side] = level
                next_frontier[grown] = slot
                grown += 1
    return False, grown, looked


@kernel
def _may_meet(graph, bounds, progress, y, i):
    """Whether a way may pass through y: it is no hub, or an end of row i."""
    return y == graph.sender[i] or y == graph.receiver[i] or progress[y, ENTRIES] <= bounds.hub


@kernel
def _count(graph, bounds, i, workspace, progress, counts):
    """Add the cycles that row i closes to `counts`, by their transfers; whether the work bound cut the search.

    Back from the sender, depth first, over wallets that can be reached from the receiver early enough.
    """
    u, v, until = graph.sender[i], graph.receiver[i], graph.instant[i]
    workspace.stamp[0] += 1
    looked, size = 0, _begin(v, 0, -1, workspace)
    barred = progress[v, ENTRIES] > bounds.hub
    for level in range(1, 1 if barred else bounds.longest - 1):
        _, size, looked = _widen(graph, bounds, i, 0, level, size, False, workspace, progress, looked)
    stack, path = workspace.stack, workspace.path
    path[0, 0], path[0, 1] = u, 0
    path[0, 2], looked = _payers(graph, bounds, i, u, until, barred, workspace, progress, 0, looked, -1)
    frames, depth = 1, 0
    while depth >= 0 and looked < bounds.work:
        if path[depth, 1] == path[depth, 2]:
            depth -= 1
            continue
        x, before, top = stack[path[depth, 1], 0], stack[path[depth, 1], 1], path[depth, 2]
        path[depth, 1] += 1
        if x == v:
            counts[min(depth, counts.size - 1)] += 1
        elif depth + 3 <= bounds.longest and not _on_path(path, depth, x) and _may_meet(graph, bounds, progress, x, i):
            frames, depth = frames + 1, depth + 1
            path[depth, 0], path[depth, 1] = x, top
            path[depth, 2], looked = _payers(
                graph, bounds, i, x, before, barred, workspace, progress, top, looked, -frames
            )
    return 1 if looked >= bounds.work else 0


@kernel
def _on_path(path, depth, x):
    for d in range(depth + 1):  # noqa: SIM110 (a kernel knows no generators)
        if path[d, 0] == x:
            return True
    return False


@kernel
def _payers(graph, bounds, i, x, before, barred, workspace, progress, top, looked, frame):
    """Push each wallet that paid x before an instant once, with its last such transfer, if the receiver can reach it before.

    The last one leaves the most time for the way to it, so all others are the same cycle or none.
    """
    table, stack = workspace.table, workspace.stack
    k = _first_edge_from(graph.ins, graph.ins_at[x] + 1, progress[x, 1], before)
    while graph.ins[k - 1, 1] >= graph.since[i] and looked < bounds.work:
        k -= 1
        looked += 1
        y, instant = graph.ins[k, 0] >> 1, graph.ins[k, 1]
        slot = _slot(table, y, workspace.stamp[0])
        if table[slot, _QUEUED + 1] == frame or (not barred and table[slot, _LABEL] >= instant):
            continue
        table[slot, _QUEUED + 1] = frame
        stack[top, 0], stack[top, 1] = y, instant
        top += 1
    return top, looked
