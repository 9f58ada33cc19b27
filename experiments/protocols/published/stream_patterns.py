"""Ours against the guest of `gfp_guest`: the same counts of each transfer of a stream, which sees only those before it.

Cycles and scatter-gathers are those of `features/chain`, with other bounds; fans and degrees are counted here, as the catalogue
has others.
"""

import numpy as np
import pandas as pd

from ....features.base.kernel_compiler import kernel
from ....features.chain.patterns import cycles, scatters
from ....features.chain.patterns.stretches import Flow, first_row_of_instant, over_stretches

UNBOUNDED = 2**31 - 1
_FANS, _CYCLES, _SCATTERS = 86_400, 86_401, 21_601
"""Windows: ours begin later than so long before; the guest's cycles and scatter-gathers count that second, too."""
_LONGEST = 32


def counted(
    sender: np.ndarray, receiver: np.ndarray, seconds: np.ndarray, hub: int, work: int
) -> tuple[np.ndarray, int]:
    """Counts of patterns of two, and of three or more.

    Args:
        sender: any numbers, one a wallet.
        receiver: the same.
        seconds: upwards.
        hub: entries in a window above which cycles and scatter-gathers do not pass a wallet.
        work: transfers looked at, after which a search ends.

    Returns:
        int32 of shape (transfers, 12), in the guest's order: fan in, fan out, degree in, degree out, scatter-gathers, temporal
        cycles, two columns each; and of how many transfers a bound cut a search.
    """
    flow = _flow(sender, receiver, seconds)
    stream = flow._replace(instant=np.arange(len(seconds), dtype=np.int32))
    out = np.zeros((len(seconds), 12), np.int32)
    over_stretches(stream, _FANS, lambda: None, lambda stretch, _: _fans(stretch, out))
    cut = np.zeros(len(seconds), np.uint8)
    bounds = scatters.ScatterBounds(_SCATTERS, hub, work, ordered=False)
    for way in (stream, stream._replace(sender=stream.receiver, receiver=stream.sender)):  # as second hop, and as first
        found = scatters.scatters(way, bounds, counted=3)
        out[:, 8:10] += found.counts
        cut |= found.cut
    _, stopped, out[:, 10:] = cycles.cycles(flow, cycles.CycleBounds(_CYCLES, _LONGEST, hub, work), counted=3)
    return out, int((cut | stopped).sum())


def _flow(sender: np.ndarray, receiver: np.ndarray, seconds: np.ndarray) -> Flow:
    ids, names = pd.factorize(np.concatenate([sender, receiver]))
    first, second = np.split(ids.astype(np.int32), 2)
    return Flow(seconds, first_row_of_instant(seconds), first, second, first != second, len(names))


@kernel
def _fans(graph, out):
    """Distinct senders to the receiver and receivers of the sender in the window, and transfers in and out, as one of two bins.

    A pair counts from its first transfer in the window until its last one has left it.
    """
    n = graph.instant.size
    before = _same_pair_before(graph)
    after = np.full(n, -1, np.int32)
    fan, degree = np.zeros((graph.wallet.size, 2), np.int32), np.zeros((graph.wallet.size, 2), np.int32)
    gone = 0
    for i in range(n):
        while gone < graph.since[i]:
            _leave(graph, gone, after, fan, degree)
            gone += 1
        s, r = graph.sender[i], graph.receiver[i]
        if before[i] >= 0:
            after[before[i]] = i
        if before[i] < gone:
            fan[r, 0] += 1
            fan[s, 1] += 1
        degree[r, 0] += 1
        degree[s, 1] += 1
        if i >= graph.begin:
            row = graph.low + i
            for j, count in enumerate((fan[r, 0], fan[s, 1], degree[r, 0], degree[s, 1])):
                if count > 1:
                    out[row, 2 * j + min(count - 2, 1)] = 1


@kernel
def _leave(graph, k, after, fan, degree):
    s, r = graph.sender[k], graph.receiver[k]
    degree[r, 0] -= 1
    degree[s, 1] -= 1
    if after[k] < 0:
        fan[r, 0] -= 1
        fan[s, 1] -= 1


@kernel
def _same_pair_before(graph):
    """The last row before each with the same sender and receiver, −1 if there is none; by a hash table of the last rows."""
    n = graph.instant.size
    size = 4
    while size < 2 * n:
        size *= 2
    table = np.full(size, -1, np.int32)
    before = np.full(n, -1, np.int32)
    for i in range(n):
        s, r = graph.sender[i], graph.receiver[i]
        at = ((np.uint64(s) << np.uint64(32) | np.uint64(r)) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(30)
        at &= np.uint64(size - 1)
        while table[at] >= 0 and (graph.sender[table[at]] != s or graph.receiver[table[at]] != r):
            at = (at + np.uint64(1)) & np.uint64(size - 1)
        before[i] = table[at]
        table[at] = i
    return before
