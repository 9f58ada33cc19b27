"""The transfers that wallets mean to make. Whether each one happens, and how much it moves, is for `settle` to say.

A row names its amount in one of four ways, so that a population can say "pass on all there is" without knowing how much that is.
"""

import numpy as np
import numpy.typing as npt

from .market import ETH, Ints

EXACT = 0  # this much, or nothing
UP_TO = 1  # this much, or what there is if that is at least a fifth of it
SHARE = 2  # this share of what there is
REPLY = 3  # so many units for each unit that the row `after` moved

PLAIN, SWAP, DEPOSIT, WITHDRAW, BET = range(5)
METHODS = (None, "swap", "deposit", "withdraw", "bet")  # PLAIN is no call for the coin and "transfer" for a token
GAS = np.array([21_000, 150_000, 900_000, 350_000, 70_000])
TOKEN_GAS = 55_000

_COLUMNS = (("t", np.int64), ("sender", np.int64), ("receiver", np.int64), ("amount", np.float64), ("kind", np.int64),
            ("asset", np.int64), ("digits", np.int64), ("after", np.int64), ("method", np.int64))  # fmt: skip


class Plan:
    """Collects intended transfers; a row's number is what `after` of a later row refers to."""

    def __init__(self) -> None:
        self._blocks: list[tuple[npt.NDArray, ...]] = []
        self._rows: list[tuple[float, ...]] = []
        self._numbers: list[Ints] = []
        self._row_numbers: list[int] = []
        self._next = 0

    def add(self, t: npt.ArrayLike, sender: npt.ArrayLike, receiver: npt.ArrayLike, amount: npt.ArrayLike,
            kind: npt.ArrayLike = SHARE, *, asset: npt.ArrayLike = ETH, digits: npt.ArrayLike = 0, after: npt.ArrayLike = -1,
            method: npt.ArrayLike = PLAIN) -> Ints:  # fmt: skip
        """Plan rows (arguments broadcast): at unix second `t`; `digits` significant digits (0 = all); only if row `after` moved
        something (−1 = whatever happens). Returns the rows' numbers.
        """
        block = np.broadcast_arrays(t, sender, receiver, amount, kind, asset, digits, after, method)
        numbers = np.arange(self._next, self._next + block[0].size)
        self._blocks.append(
            tuple(column.reshape(-1).astype(dtype) for column, (_, dtype) in zip(block, _COLUMNS, strict=True))
        )
        self._numbers.append(numbers)
        self._next += numbers.size
        return numbers

    def one(self, t: float, sender: int, receiver: int, amount: float, kind: int = SHARE, *, asset: int = ETH, digits: int = 0,
            after: int = -1, method: int = PLAIN) -> int:  # fmt: skip
        """Plan one row, as `add` does, without the cost of arrays."""
        self._rows.append((t, sender, receiver, amount, kind, asset, digits, after, method))
        self._row_numbers.append(self._next)
        self._next += 1
        return self._next - 1

    def columns(self) -> dict[str, npt.NDArray]:
        """All rows by column, each at the position of its number."""
        order = np.argsort(np.concatenate([*self._numbers, np.array(self._row_numbers, dtype=np.int64)]))
        single = np.array(self._rows, dtype=np.float64).reshape(-1, len(_COLUMNS))
        return {
            name: np.concatenate([*(block[k] for block in self._blocks), single[:, k].astype(dtype)])[order]
            for k, (name, dtype) in enumerate(_COLUMNS)
        }
