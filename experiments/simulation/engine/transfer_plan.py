"""The transfers that wallets intend to make. `AccountBooks.settle` (settlement.py) decides which happen, and how much each moves.

A row names its amount in one of four ways, so that a population can say "pass on all there is" without knowing how much that is.
Rows wait on disk, in buckets of BUCKET_DAYS, so that a chain of any length needs the memory of one bucket.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .market import DAY, ETH, Ints

EXACT = 0  # this much, or nothing
UP_TO = 1  # this much, or what there is if that is at least a fifth of it
SHARE = 2  # this share of what there is
REPLY = 3  # this many units per unit that the row `after` moved

PLAIN, SWAP, DEPOSIT, WITHDRAW, BET, MINT, CLAIM, BUY = range(8)
METHODS = (None, "swap", "deposit", "withdraw", "bet", "mint", "claim", "buy")
"""PLAIN is no call for the coin, and "transfer" for a token."""

PHASES = (
    "", "theft", "collect", "fund", "split", "forward", "peel", "gather", "rest", "swap", "mix", "withdraw", "bridge", "cycle",
    "nest", "cash_out", "payout", "evade",
)  # fmt: skip
"""What a party does by a row; honest rows have none. By `theft` and `collect` loot reaches a case; `fund` is coin for fees."""

BUCKET_DAYS = 30
_MOST_WAITING = 2_000_000  # rows in memory

ROW = np.dtype([
    ("number", np.int64), ("t", np.int64), ("sender", np.int32), ("receiver", np.int32), ("amount", np.float64),
    ("after", np.int64), ("kind", np.int8), ("asset", np.int8), ("digits", np.int8), ("method", np.int8), ("phase", np.int8),
])  # fmt: skip

Rows = npt.NDArray[np.void]


class TransferPlan:
    """Collects intended transfers; a row's number is what `after` of a later row refers to.

    Rows before the first second or after the last, and rows from a wallet to itself, get a number and are dropped: they never
    happen, nor does what depends on them.
    """

    def __init__(self, folder: Path, start: int, days: int) -> None:
        """A plan that spools to `folder`, which must exist, for `days` days from the second `start` on."""
        self.buckets = -(-days // BUCKET_DAYS)
        self._folder, self._start, self._end = folder, start, start + days * DAY
        self._blocks: list[Rows] = []
        self._single: list[tuple[float, ...]] = []
        self._waiting, self._next, self._phase = 0, 0, 0

    def __len__(self) -> int:
        return self._next

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Rows planned inside carry this phase."""
        before, self._phase = self._phase, PHASES.index(name)
        try:
            yield
        finally:
            self._phase = before

    def add(self, t: npt.ArrayLike, sender: npt.ArrayLike, receiver: npt.ArrayLike, amount: npt.ArrayLike,
            kind: npt.ArrayLike = SHARE, *, asset: npt.ArrayLike = ETH, digits: npt.ArrayLike = 0, after: npt.ArrayLike = -1,
            method: npt.ArrayLike = PLAIN) -> Ints:  # fmt: skip
        """Plan rows (arguments broadcast): at second `t`; `digits` significant digits (0 = all); only if row `after` moved
        something (−1 = whatever happens). Returns the rows' numbers.
        """
        given = {
            "t": t, "sender": sender, "receiver": receiver, "amount": amount, "kind": kind, "asset": asset, "digits": digits,
            "after": after, "method": method,
        }  # fmt: skip
        shape = np.broadcast_shapes(*(np.shape(values) for values in given.values()))
        block = np.empty(int(np.prod(shape)), dtype=ROW)
        block["number"] = numbers = np.arange(self._next, self._next + block.size)
        block["phase"] = self._phase
        for name, values in given.items():
            block[name] = np.broadcast_to(values, shape).reshape(-1)
        self._blocks.append(block)
        self._count(block.size)
        return numbers

    def add_one(self, t: float, sender: int, receiver: int, amount: float, kind: int = SHARE, *, asset: int = ETH,
                digits: int = 0, after: int = -1, method: int = PLAIN) -> int:  # fmt: skip
        """Plan one row, as `add` does, without the cost of arrays."""
        number = self._next
        self._single.append((number, t, sender, receiver, amount, after, kind, asset, digits, method, self._phase))
        self._count(1)
        return number

    def _count(self, rows: int) -> None:
        self._next += rows
        self._waiting += rows
        if self._waiting > _MOST_WAITING:
            self._spool()

    def take(self, bucket: int) -> Rows:
        """The rows of a bucket that were planned so far and not taken yet, in the order of their numbers."""
        self._spool()
        path = self._path(bucket)
        if not path.exists():
            return np.empty(0, dtype=ROW)
        rows = np.fromfile(path, dtype=ROW)
        path.unlink()
        return rows[np.argsort(rows["number"], kind="stable")]

    def _path(self, bucket: int) -> Path:
        return self._folder / f"plan-{bucket:05d}"

    def _spool(self) -> None:
        """Append what waits to the files of its buckets."""
        rows = np.concatenate([*self._blocks, np.array([_whole(row) for row in self._single], dtype=ROW)])
        self._blocks, self._single, self._waiting = [], [], 0
        kept = (rows["t"] >= self._start) & (rows["t"] < self._end) & (rows["sender"] != rows["receiver"])
        rows = rows[kept]
        bucket = (rows["t"] - self._start) // (BUCKET_DAYS * DAY)
        rows = rows[np.argsort(bucket, kind="stable")]
        ends = np.searchsorted(np.sort(bucket), np.arange(self.buckets + 1))
        for k in np.flatnonzero(np.diff(ends)):
            with self._path(int(k)).open("ab") as file:
                rows[ends[k] : ends[k + 1]].tofile(file)


def _whole(row: tuple[float, ...]) -> tuple[float, ...]:
    """A row with whole seconds, cut as arrays are."""
    number, t, *rest = row
    return (number, int(t), *rest)
