"""Taint: how much of what wallets hold, received or sent comes from some sources, or ends at them. The door to `taint_kernel.py`.

Definitions: docs/exposure.md. It knows wallets by id and no labels: the caller says which are sources (`TaintSources`).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..base.errors import UsageError
from ..ledger.ledger import Ledger
from .pairs import Pairs, flow_order, pairs_in
from .swap_purses import purses_for, reversed_transfers, transfers_of_ledger
from .swaps import NO_SWAPS, swaps_in
from .taint_kernel import (
    ABSORBED,
    DIRECT,
    ENTERED,
    FIFO,
    HAIRCUT,
    HELD,
    POISON,
    RETURNED,
    SWAPPED,
    TAINTED,
    TAINTED_HOPS,
    FifoLots,
    SourceRoles,
    TaintState,
    carry_taint,
)

Direction = Literal["in", "out"]
Method = Literal["haircut", "fifo", "poison"]
METHODS: dict[str, int] = {"haircut": HAIRCUT, "fifo": FIFO, "poison": POISON}


@dataclass(frozen=True, slots=True)
class TaintSources:
    """Whose money is followed, and where it stops.

    Attributes:
        names: of the columns, such as categories or cases.
        wallet, column: int64 of the same length: this wallet is a source of this column.
        absorbs: bool[wallets], services: what they receive is not followed on.
    """

    names: tuple[str, ...]
    wallet: np.ndarray
    column: np.ndarray
    absorbs: np.ndarray

    def roles(self, wallets: int) -> SourceRoles:
        """The roles of wallets, numbered.

        Raises:
            UsageError: a wallet or column is out of range.
        """
        for name, values, end in (("wallet", self.wallet, wallets), ("column", self.column, len(self.names))):
            if len(values) and (values.min() < 0 or values.max() >= end):
                raise UsageError(f"sources: {name} must be from 0 to {end - 1}, got {values.min()} to {values.max()}")
        if len(self.absorbs) != wallets:
            raise UsageError(f"sources: absorbs must have one number per wallet, {wallets}; got {len(self.absorbs)}")
        some = np.zeros(wallets, bool)
        some[self.wallet] = True
        some |= self.absorbs
        acting = np.flatnonzero(some)
        role_of_wallet = np.full(wallets, -1, np.int32)
        role_of_wallet[acting] = np.arange(len(acting))
        emits = np.zeros((len(acting), len(self.names)), np.uint8)
        emits[role_of_wallet[self.wallet], self.column] = 1
        return SourceRoles(role_of_wallet, emits, self.absorbs[acting].astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Taint:
    """The taint that a pass found, by pair (wallet, asset) in order, and by column. Amounts are in units of the pair's asset.

    For direction "out", what is called received is what was sent, and the columns say where it ends.

    Attributes:
        names: of the columns.
        wallet, asset: int64[pairs], ids in the ledger.
        balance: float64[pairs], what was received and not sent on.
        held: float64[pairs, columns], how much of it is tainted.
        received: float64[pairs], in all.
        tainted: float64[pairs, columns], how much of what was received is tainted.
        direct: float64[pairs, columns], how much was received from a source itself.
        hop_moment: float64[pairs, columns], tainted amounts times their hops from the source: ÷ tainted, the mean.
        first, last: int64[pairs, columns], seconds since 1970 UTC of the first and last tainted receipt; −1: none.
        entered: float64[columns], what sources sent.
        absorbed: float64[columns], how much of that services received.
        returned: float64[columns], how much of that sources of the same column received.
        swapped: float64[columns], what swaps added. entered + swapped = held + absorbed + returned, except by poison.
    """

    names: tuple[str, ...]
    wallet: np.ndarray
    asset: np.ndarray
    balance: np.ndarray
    held: np.ndarray
    received: np.ndarray
    tainted: np.ndarray
    direct: np.ndarray
    hop_moment: np.ndarray
    first: np.ndarray
    last: np.ndarray
    entered: np.ndarray
    absorbed: np.ndarray
    returned: np.ndarray
    swapped: np.ndarray


def taint(
    ledger: Ledger,
    sources: TaintSources,
    as_of: int | None = None,
    *,
    direction: Direction = "in",
    method: Method = "haircut",
    swaps: bool = True,
) -> Taint:
    """Follow the money of some sources over all transfers before `as_of`, in one pass.

    Args:
        ledger: the transfers.
        sources: whose money; for direction "out", where it ends.
        as_of: seconds since 1970 UTC; None for all transfers.
        direction: "in": the sources of what a wallet received. "out": the ends of what it sent, by the same pass over the
            transfers reversed.
        method: "haircut" (what is sent on is as tainted as what is held), "fifo" (first in, first out) or "poison" (a wallet
            that ever received anything tainted sends only tainted value).
        swaps: whether taint is carried from what a wallet gives to what it gets for it in one transaction.

    Raises:
        UsageError: `sources` does not fit the ledger, or an argument is unknown.
    """
    taint_pass = TaintPass(ledger, sources, direction=direction, method=method, swaps=swaps, as_of=as_of)
    taint_pass.advance(as_of)
    return taint_pass.taint()


class TaintPass:
    """One pass, which can be stopped at a date and go on from there (direction "in" only)."""

    def __init__(
        self,
        ledger: Ledger,
        sources: TaintSources,
        *,
        direction: Direction,
        method: Method,
        swaps: bool,
        as_of: int | None,
    ) -> None:
        """Prepare the pass; with direction "out" it begins at `as_of` and goes back."""
        if direction not in ("in", "out"):
            raise UsageError(f"direction: must be in or out, got {direction!r}")
        if method not in METHODS:
            raise UsageError(f"method: must be {', '.join(METHODS)}, got {method!r}")
        self.names, self._method = sources.names, METHODS[method]
        self.pairs: Pairs = pairs_in(ledger)
        swaps_found = swaps_in(ledger) if swaps else NO_SWAPS
        self._transfers = transfers_of_ledger(ledger, self.pairs, swaps_found)
        self._order, self._roles = flow_order(ledger), sources.roles(len(ledger.addresses))
        self._forward, self._done = direction == "in", 0
        if not self._forward:
            self._order = np.ascontiguousarray(self._order[: self._transfers_before(as_of)][::-1])
            self._transfers = reversed_transfers(self._transfers)
        pairs, columns = len(self.pairs.wallet), len(sources.names)
        self.state = _empty_state(pairs, columns)
        self._lots = _lots(pairs, ledger.transfers, columns, self._method == FIFO)
        self._purses = purses_for(swaps_found, np.zeros((2, columns)))

    def advance(self, as_of: int | None) -> None:
        """Carry taint on to a date."""
        stop = self._transfers_before(as_of) if self._forward else len(self._order)
        rows = self._order[self._done : stop]
        self._done = max(stop, self._done)
        carry_taint(rows, self._transfers, self._roles, self._method, self.state, self._lots, self._purses)

    def taint(self) -> Taint:
        """The taint found so far."""
        s = self.state
        return Taint(
            names=self.names, wallet=self.pairs.wallet.astype(np.int64), asset=self.pairs.asset.astype(np.int64),
            balance=s.balance, held=s.amounts[:, HELD], received=s.received, tainted=s.amounts[:, TAINTED],
            direct=s.amounts[:, DIRECT], hop_moment=s.amounts[:, TAINTED_HOPS], first=s.when[:, 0], last=s.when[:, 1],
            entered=s.totals[ENTERED], absorbed=s.totals[ABSORBED], returned=s.totals[RETURNED], swapped=s.totals[SWAPPED],
        )  # fmt: skip

    def _transfers_before(self, as_of: int | None) -> int:
        """The number of transfers of the flow order before a date."""
        return len(self._order) if as_of is None else int(np.searchsorted(self._transfers.time[self._order], as_of))


def _empty_state(pairs: int, columns: int) -> TaintState:
    return TaintState(
        balance=np.zeros(pairs), received=np.zeros(pairs), amounts=np.zeros((pairs, 5, columns)),
        when=np.full((pairs, 2, columns), -1, np.int64), totals=np.zeros((4, columns)), tainted=np.zeros(pairs, np.uint8),
    )  # fmt: skip


def _lots(pairs: int, rows: int, columns: int, fifo: bool) -> FifoLots:
    """Room for lots; none where the method needs none."""
    n, m = (pairs, rows) if fifo else (0, 0)
    return FifoLots(
        head=np.full(n, -1, np.int32), tail=np.full(n, -1, np.int32), after=np.full(m, -1, np.int32),
        left=np.zeros(m), share=np.zeros((m, 2, columns)),
    )  # fmt: skip
