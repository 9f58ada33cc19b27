"""What a chain tells of its transfers and wallets, built once per ledger: one file per part of `kernels/context.py`.

For parts that all families share; not for features, nor for labels (`exposure`). Cohorts depend on the snapshots too, and are
built week by week. Front door: `context_of` (here), `cohorts_of` (cohorts.py).
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

_BUILDERS: dict[str, Any] = {
    "cycles": cycles.build_cycles,
    "scatters": scatters.build_scatters,
    "degrees": degrees.build_degrees,
    "funders": funders.build_funders,
    "relays": relays.build_relays,
    "peels": peels.build_peels,
    "paths": paths.build_paths,
    "ranks": ranks.build_ranks,
    "hours": hours.build_hours,
    "tokens": tokens.build_tokens,
    "transactions": transactions.build_transactions,
}
_AT_ONCE = 2  # some parts use one core only; more at once would take more memory
_BUILT_ELSEWHERE = ("tx", "chain", "cohorts", "labels")  # columns of the ledger's rows; for each call


def context_of(ledger: Ledger, needs: Iterable[str]) -> ChainContext:
    """The parts that are needed, built now unless the ledger has them; the others are empty."""
    assert set(needs) <= {*_BUILDERS, *_BUILT_ELSEWHERE}  # a kernel would read past the end of an empty part
    requested = [name for name in _BUILDERS if name in needs]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        parts = dict(
            zip(requested, pool.map(lambda name: ledger.chain_part(name, _BUILDERS[name]), requested), strict=True)
        )
    return ChainContext(rows=ledger.rows, offsets=ledger.offsets, entries=ledger.entries, **(EMPTY | parts))
