"""Stretches of time of a ledger as small graphs, for searches in time windows. Searches nothing itself.

A search visits wallets all over memory, and memory is slow: a stretch holds the transfers of a few windows with its wallets
numbered afresh, so that nearly all that a search touches lies in the processor's cache. Costs a transfer the same few steps
wherever it stands; a graph whose window holds most of the ledger becomes a few stretches of about that size.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...base.kernel_compiler import kernel
from ...base.processor_cores import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...ledger.ledger import Ledger

HUB = 100
"""Wallets with more entries than this in a window are hubs, by the catalogue."""
_ROWS = 50_000
ENTRIES = 2
"""The column of `progress_at_start` with the entries in the window."""
MOVES, FED, SPENT, ONWARD = 1, 2, 4, 8
"""Bits of `Stretch.marks`: it moves value to another wallet; its sender had received value, its receiver had sent some, in the
window before it; its receiver sends some in the window after it. Transfers of the same time may count for them, too."""


class Flow(NamedTuple):
    """Transfers in order of time, as searches read them."""

    time: np.ndarray  # int64[rows], upwards
    instant: np.ndarray  # int32[rows], the first row that counts as of the same time
    sender: np.ndarray  # int32[rows]
    receiver: np.ndarray  # int32[rows]
    moves: np.ndarray  # bool[rows], whether it moves value to another wallet
    wallets: int


class Stretch(NamedTuple):
    """Transfers of a stretch of time: the rows from `low` on, of which those before `begin` are only looked back at.

    Rows and wallets are numbered from 0. Edges are sorted by wallet, then by time. An edge is a pair: the wallet at the other
    end, times two, plus one if the path can go on from there (FED, ONWARD); and its instant, which is a row, so that borders of
    windows are compared as rows. A sentinel edge with instant −1 precedes each wallet's edges, so that backward walks stop there.
    """

    low: int
    begin: int
    instant: np.ndarray  # int32[rows]
    since: np.ndarray  # int32[rows], the first row in its window
    sender: np.ndarray  # int32[rows]
    receiver: np.ndarray  # int32[rows]
    marks: np.ndarray  # uint8[rows]
    wallet: np.ndarray  # int32[wallets], its id in the ledger
    ins_at: np.ndarray  # int32[wallets + 1]
    ins: np.ndarray  # int32[edges, 2]
    outs_at: np.ndarray  # int32[wallets + 1]
    outs: np.ndarray  # int32[edges, 2]


class _WalletNumbers(NamedTuple):
    """The numbers that a thread's stretches gave to wallets; those below `base[0]` are of earlier ones."""

    number: np.ndarray  # int32[wallets]
    base: np.ndarray  # int64[1]


def flow_of(ledger: Ledger) -> Flow:
    """The transfers of a ledger."""
    rows = ledger.rows
    moves = (rows.amount > 0) & (rows.sender != rows.receiver)
    return Flow(rows.time, first_row_of_instant(rows.time), rows.sender, rows.receiver, moves, len(ledger.offsets) - 1)


@kernel
def first_row_of_instant(time):
    """The first row of each row's time."""
    first = np.empty(time.size, np.int32)
    for i in range(time.size):
        first[i] = first[i - 1] if i > 0 and time[i] == time[i - 1] else i
    return first


def over_stretches(
    flow: Flow, window: int, make_workspace: Callable[[], Any], work: Callable[[Stretch, Any], Any]
) -> list[Any]:
    """Call `work(stretch, workspace)` for stretches that cover all rows once, on all cores. Returns its results in order of time.

    Args:
        flow: the transfers.
        window: seconds; each row's window lies in its stretch whole.
        make_workspace: allocates the memory that a search works in; called once per thread.
        work: must release Python's lock, or threads gain nothing. Its result for a row may depend only on the rows in its window.
    """
    threads = usable_cores()
    workspaces: SimpleQueue[tuple[_WalletNumbers, Any]] = SimpleQueue()
    for _ in range(threads):
        workspaces.put((_WalletNumbers(np.full(flow.wallets, -1, np.int32), np.zeros(1, np.int64)), make_workspace()))

    def search(share: tuple[int, int, int]) -> Any:
        numbers, workspace = workspaces.get()
        try:
            return work(_stretch(flow, window, *share, numbers), workspace)
        finally:
            workspaces.put((numbers, workspace))

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(search, _shares(flow.time, window, threads)))


def _shares(time: np.ndarray, window: int, threads: int) -> list[tuple[int, int, int]]:
    """(low, begin, last) of stretches, between times: several times as long as what they look back at, enough for all threads."""
    shares, begin = [], 0
    while begin < len(time):
        low = int(np.searchsorted(time, time[begin] - window, side="right"))
        in_window = int(np.searchsorted(time, time[begin] + window)) - begin
        rows = max(_ROWS, min(2 * in_window, len(time) // (2 * threads)))
        last = int(np.searchsorted(time, time[min(begin + rows, len(time)) - 1], side="right"))
        shares.append((low, begin, last))
        begin = last
    return shares


@kernel
def _stretch(flow, window, low, begin, last, numbers):
    """Rows [low, last), of which those from `begin` on have their windows in it."""
    n = last - low
    sender, receiver, wallet = _numbered(flow, low, n, numbers)
    wallets = wallet.size
    instant, since = np.empty(n, np.int32), np.empty(n, np.int32)
    start = 0
    for k in range(n):
        while flow.time[low + start] <= flow.time[low + k] - window:
            start += 1
        since[k], instant[k] = start, flow.instant[low + k] - low
    marks = np.zeros(n, np.uint8)
    _mark(flow.moves[low:last], flow.time[low:last], window, since, sender, receiver, wallets, marks)
    ins_at, ins = _edges(receiver, sender, marks, FED, instant, wallets)
    outs_at, outs = _edges(sender, receiver, marks, ONWARD, instant, wallets)
    return Stretch(low, begin - low, instant, since, sender, receiver, marks, wallet, ins_at, ins, outs_at, outs)


@kernel
def _numbered(flow, low, n, numbers):
    """Numbers of senders and receivers by first appearance, and which wallet has each number.

    Without a branch: whether a wallet is new cannot be foreseen, and a wrong guess would wait for the slow memory.
    """
    if numbers.base[0] > 2**30:
        numbers.number[:] = -1
        numbers.base[0] = 0
    number, base = numbers.number, numbers.base[0]
    sender, receiver, wallet = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(2 * n + 1, np.int32)
    wallets = 0
    for k in range(n):
        for j in range(2):
            w = flow.sender[low + k] if j == 0 else flow.receiver[low + k]
            known = number[w] - base
            new = known < 0
            known = wallets if new else known
            wallets += new
            number[w], wallet[known] = base + known, w
            if j == 0:
                sender[k] = known
            else:
                receiver[k] = known
    numbers.base[0] += wallets
    return sender, receiver, wallet[:wallets].copy()


@kernel
def _mark(moves, time, window, since, sender, receiver, wallets, marks):
    """Set `marks`, in two passes: what came before, and what comes after."""
    seen = np.full((wallets, 2), -1, np.int32)
    for i in range(sender.size):
        if moves[i]:
            u, v = sender[i], receiver[i]
            marks[i] = MOVES + FED * (seen[u, 1] >= since[i]) + SPENT * (seen[v, 0] >= since[i])
            seen[u, 0] = seen[v, 1] = i
    seen[:, 0] = sender.size
    until = sender.size
    for i in range(sender.size - 1, -1, -1):
        if moves[i]:
            while time[until - 1] >= time[i] + window:
                until -= 1
            marks[i] += ONWARD * (seen[receiver[i], 0] < until)
            seen[sender[i], 0] = i


@kernel
def _edges(wallet, mate, marks, alive, instant, wallets):
    """The transfers of value by `wallet`: where each wallet's begin, and (2 · mate + whether alive, instant)."""
    starts = np.ones(wallets + 1, np.int32)
    starts[0] = 0
    for i in range(wallet.size):
        starts[wallet[i] + 1] += marks[i] & MOVES
    for w in range(wallets):
        starts[w + 1] += starts[w]
    fill = starts[:-1] + 1
    edges = np.full((starts[-1], 2), -1, np.int32)
    for i in range(wallet.size):
        if marks[i] & MOVES:
            k = fill[wallet[i]]
            edges[k, 0] = 2 * mate[i] + ((marks[i] & alive) != 0)
            edges[k, 1] = instant[i]
            fill[wallet[i]] += 1
    return starts, edges


@kernel
def progress_at_start(graph):
    """What `advance` keeps of each wallet: the ends of its outs and of its ins so far, and its entries in the window."""
    progress = np.zeros((graph.wallet.size, 4), np.int32)
    progress[:, 0] = graph.outs_at[:-1] + 1
    progress[:, 1] = graph.ins_at[:-1] + 1
    return progress


@kernel
def advance(graph, progress, added, until, removed, since):
    """Bring what each wallet had so far up to row `until`: its outs and ins, and its entries from row `since` on.

    Returns the new `added` and `removed`. Entries count with and without value.
    """
    for k in range(added, until):
        u, v, moves = graph.sender[k], graph.receiver[k], graph.marks[k] & MOVES
        progress[u, 0] += moves
        progress[v, 1] += moves
        progress[u, ENTRIES] += 1
        progress[v, ENTRIES] += u != v
    for k in range(removed, since):
        progress[graph.sender[k], ENTRIES] -= 1
        progress[graph.receiver[k], ENTRIES] -= graph.sender[k] != graph.receiver[k]
    return max(added, until), max(removed, since)


@kernel
def slot_of(table, x, stamp):
    """Where wallet x stands, or would, in a hash table whose rows begin with wallet and stamp; rows of other stamps are free."""
    mask = np.uint32(table.shape[0] - 1)
    slot = (np.uint32(x) * np.uint32(0x9E3779B1) >> np.uint32(7)) & mask
    while table[slot, 1] == stamp and table[slot, 0] != x:
        slot = (slot + np.uint32(1)) & mask
    return np.int64(slot)


def table_for(wallets: int, columns: int) -> np.ndarray:
    """A hash table for `slot_of` with room for this many wallets."""
    return np.zeros((1 << (wallets + wallets // 2 + 1).bit_length(), columns), np.int32)
