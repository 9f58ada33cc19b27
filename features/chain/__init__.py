"""Finds, once a ledger, what the chain tells of transfers and wallets: a file a part of `context.py`, each with `find(ledger)`.

Cohorts hang on the snapshots, too, and are found a week at a time (`cohorts.py`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ..kernels.context import EMPTY, ChainContext
from . import degrees, funders, hours, ranks, tokens, transactions
from .patterns import cycles, paths, peels, relays, scatters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..ledger.ledger import Ledger

_FINDERS: dict[str, Any] = {
    "cycles": cycles.find,
    "scatters": scatters.find,
    "degrees": degrees.find,
    "funders": funders.find,
    "relays": relays.find,
    "peels": peels.find,
    "paths": paths.find,
    "ranks": ranks.find,
    "hours": hours.find,
    "tokens": tokens.find,
    "transactions": transactions.find,
}
_AT_ONCE = 2  # some go through the rows on one core; more at once would take more memory
_FOUND_ELSEWHERE = ("tx", "chain", "cohorts", "labels")  # columns of the ledger's rows; for each call


def context_of(ledger: Ledger, needs: Iterable[str]) -> ChainContext:
    """The parts that are needed (found now, or taken from the ledger if found before), the others empty."""
    assert set(needs) <= {*_FINDERS, *_FOUND_ELSEWHERE}  # a kernel would read past the end of an empty part
    wanted = [name for name in _FINDERS if name in needs]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = dict(zip(wanted, pool.map(lambda name: ledger.part(name, _FINDERS[name]), wanted), strict=True))
    return ChainContext(rows=ledger.rows, offsets=ledger.offsets, entries=ledger.entries, **(EMPTY | found))
