"""The features of family exposure, for all snapshots at once, by the labels as of each date.

An epoch is a set of snapshots at whose dates the same labels stand. Its snapshots share a pass from sources, which stops at each
of the dates. Towards destinations each date has a pass of its own, which must not see what comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..base.kernel_compiler import kernel
from ..families.exposure import FEATURES, MIN_SHARE, SERVICES
from ..kernels.intrinsics import part
from ..kernels.wallet_view import IN, OUT, ROUNDING, SELF, leading_asset, number
from ..ledger.attribution import GROUPS, AttributionIndex
from .attribution import group_sources, theft_sources
from .mixer_and_bridge_use import mixer_and_bridge_features
from .pairs import pairs_in
from .taint_kernel import DIRECT, HELD, TAINTED, TAINTED_HOPS
from .taint_pass import Direction, TaintPass, TaintSources

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_COLUMN = {feature.name.split("__", 1)[1]: k for k, feature in enumerate(FEATURES)}
_MIXER_AND_BRIDGE_USE = (
    "mixer_out__pools", "mixer_out__recency", "mixer_out__mode_share", "mixer_out__1h", "mixer_in__fan_1d",
    "bridge_out__bridges", "bridge_out__lag",
)  # fmt: skip
_THEFTS_PER_PASS = 8
_NO_DUST = MIN_SHARE * (1 - ROUNDING)


@dataclass(frozen=True, slots=True)
class ExposureSnapshots:
    """Snapshots: wallet, number of its entries before the date, the date, its leading asset and the pair of both (−1: none)."""

    wallet: np.ndarray
    size: np.ndarray
    as_of: np.ndarray
    lead: np.ndarray
    pair: np.ndarray


def exposure_features(
    ledger: Ledger, index: AttributionIndex, wallet: np.ndarray, as_of: np.ndarray, want: np.ndarray
) -> np.ndarray:
    """The features of family exposure.

    Args:
        ledger: the transfers.
        index: the labels of its wallets.
        wallet: int64[snapshots], ids; −1: unknown.
        as_of: int64[snapshots], seconds since 1970 UTC.
        want: bool[features], which features to compute; others may be left null.

    Returns:
        float64[snapshots, features], in the order of FEATURES.
    """
    out = np.tile([feature.null for feature in FEATURES], (len(wallet), 1))
    snapshots = snapshots_with_leads(ledger, wallet, as_of)
    wanted = {name for name, column in _COLUMN.items() if want[column]}
    for epoch in group_positions(index.epochs(as_of)):
        standing = index.standing_at(int(as_of[epoch[0]]))
        _shares(ledger, index, standing, snapshots, epoch, wanted, out)
        if wanted & {*_MIXER_AND_BRIDGE_USE}:
            _mixer_and_bridge_use(ledger, index, standing, snapshots, epoch, out)
        if "theft_in__cases" in wanted:
            _cases(ledger, index, standing, snapshots, epoch, out)
    return out


def _shares(
    ledger: Ledger,
    index: AttributionIndex,
    standing: np.ndarray,
    snapshots: ExposureSnapshots,
    epoch: np.ndarray,
    wanted: set[str],
    out: np.ndarray,
) -> None:
    sources = group_sources(index, standing, len(ledger.addresses))
    for direction in ("in", "out"):
        if any(f"_{direction}__" in name for name in wanted - {*_MIXER_AND_BRIDGE_USE, "theft_in__cases"}):
            for rows, taint_pass in passes_at_dates(ledger, sources, snapshots, epoch, direction):
                _write_shares(taint_pass, snapshots, rows, direction, out)


def passes_at_dates(
    ledger: Ledger, sources: TaintSources, snapshots: ExposureSnapshots, epoch: np.ndarray, direction: Direction
) -> Iterator[tuple[np.ndarray, TaintPass]]:
    """Yield the snapshots of each date that have a leading asset, and the pass as it stands at that date."""
    taint_pass = None
    for rows in group_positions(snapshots.as_of[epoch]):
        rows, date = epoch[rows], int(snapshots.as_of[epoch[rows[0]]])
        if taint_pass is None or direction == "out":
            taint_pass = TaintPass(ledger, sources, direction=direction, method="haircut", swaps=True, as_of=date)
        taint_pass.advance(date)
        yield rows[snapshots.pair[rows] >= 0], taint_pass


def _write_shares(
    taint_pass: TaintPass, snapshots: ExposureSnapshots, rows: np.ndarray, direction: Direction, out: np.ndarray
) -> None:
    pair, state = snapshots.pair[rows], taint_pass.state
    received, balance, amounts = state.received[pair], state.balance[pair], state.amounts[pair]
    for k, group in enumerate(GROUPS):
        begin = f"{group}_{direction}__"
        out[rows, _COLUMN[begin + "direct_share"]] = _ratio(amounts[:, DIRECT, k], received)
        if group in SERVICES:
            continue
        share = _ratio(amounts[:, TAINTED, k], received)
        hops = _ratio(amounts[:, TAINTED_HOPS, k], amounts[:, TAINTED, k])
        out[rows, _COLUMN[begin + "share"]] = share
        out[rows, _COLUMN[begin + "hops"]] = np.where(share >= _NO_DUST, hops, np.nan)
        if direction == "in":
            holds = balance >= _NO_DUST * received
            out[rows, _COLUMN[begin + "held_share"]] = np.where(holds, _ratio(amounts[:, HELD, k], balance), np.nan)


def _mixer_and_bridge_use(
    ledger: Ledger,
    index: AttributionIndex,
    standing: np.ndarray,
    snapshots: ExposureSnapshots,
    epoch: np.ndarray,
    out: np.ndarray,
) -> None:
    groups = index.groups(standing, len(ledger.addresses))
    mixer, bridge = (np.uint8(1 << list(GROUPS).index(name)) for name in ("mixer", "bridge"))
    columns = np.array([_COLUMN[name] for name in _MIXER_AND_BRIDGE_USE])
    values = out[epoch[:, None], columns]
    wallet, size, date, lead = (x[epoch] for x in (snapshots.wallet, snapshots.size, snapshots.as_of, snapshots.lead))
    received = _received(ledger.rows, ledger.offsets, ledger.entries, wallet, size, lead)
    chain = (ledger.rows, ledger.offsets, ledger.entries, groups, mixer, bridge)
    mixer_and_bridge_features(*chain, wallet, size, date, received, lead, _NO_DUST, values)
    out[epoch[:, None], columns] = values


def _cases(
    ledger: Ledger,
    index: AttributionIndex,
    standing: np.ndarray,
    snapshots: ExposureSnapshots,
    epoch: np.ndarray,
    out: np.ndarray,
) -> None:
    """Count the thefts that each make up more than dust of what a wallet received."""
    thefts, counts = theft_sources(index, standing, len(ledger.addresses)), np.zeros(len(out))
    numbers = np.unique(thefts.column)
    for first in range(0, len(numbers), _THEFTS_PER_PASS):
        batch = numbers[first : first + _THEFTS_PER_PASS]
        chosen = np.isin(thefts.column, batch)
        names = tuple(thefts.names[k] for k in batch)
        sources = TaintSources(
            names, thefts.wallet[chosen], np.searchsorted(batch, thefts.column[chosen]), thefts.absorbs
        )
        for rows, taint_pass in passes_at_dates(ledger, sources, snapshots, epoch, "in"):
            pair = snapshots.pair[rows]
            share = _ratio(taint_pass.state.amounts[pair, TAINTED].T, taint_pass.state.received[pair])
            counts[rows] += (share >= _NO_DUST).sum(axis=0)
    out[epoch, _COLUMN["theft_in__cases"]] = counts[epoch]


def snapshots_with_leads(ledger: Ledger, wallet: np.ndarray, as_of: np.ndarray) -> ExposureSnapshots:
    """The snapshots with the sizes of their histories and their leading assets."""
    low, high = ledger.entry_ranges(wallet, np.full(len(wallet), np.iinfo(np.int64).min), as_of)
    size = high - low
    lead = np.full(len(wallet), -1, np.int64)
    _leads(ledger.rows, ledger.entries, wallet, low, size, lead)
    pairs = pairs_in(ledger)
    pair = np.full(len(wallet), -1, np.int64)
    known = lead >= 0
    pair[known] = pairs.find(wallet[known], lead[known])
    return ExposureSnapshots(wallet, size, as_of, lead, pair)


def group_positions(numbers: np.ndarray) -> list[np.ndarray]:
    """The positions of each number, in ascending order of the numbers."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a ÷ b, NaN where b is zero."""
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0)


@kernel
def _leads(rows, entries, wallet, low, size, lead):
    """Write the asset that each snapshot's wallet sent most often, as `leading_asset` defines it; −1: no value at all."""
    _, sender, receiver, amount, asset, _, _, _ = rows
    longest = 1
    for k in range(wallet.size):
        longest = max(longest, size[k])
    direction, value = np.empty(longest, np.int8), np.empty(longest)
    kind, table_id = np.empty(longest, np.int32), np.empty(4 * longest + 8, np.int32)
    table, sent, received = (
        np.empty(4 * longest + 8, np.int32),
        np.empty(longest, np.int64),
        np.empty(longest, np.int64),
    )
    for k in range(wallet.size):
        n = size[k] if wallet[k] >= 0 else 0
        for j in range(n):
            i = entries[low[k] + j]
            sends, receives = sender[i] == wallet[k], receiver[i] == wallet[k]
            direction[j] = SELF if sends and receives else (OUT if sends else IN)
            value[j], kind[j] = amount[i], asset[i]
        assets = number(part(kind, 0, n), n, table, table_id)
        best = leading_asset(direction, value, kind, n, assets, sent, received) if n else -1
        for j in range(n):
            if best >= 0 and kind[j] == best:
                lead[k] = asset[entries[low[k] + j]]
                break


@kernel
def _received(rows, offsets, entries, wallet, size, lead):
    """What each snapshot's wallet received of its leading asset."""
    _, sender, _, amount, asset, _, _, _ = rows
    total = np.zeros(wallet.size)
    for k in range(wallet.size):
        if wallet[k] >= 0:
            for e in range(offsets[wallet[k]], offsets[wallet[k]] + size[k]):
                i = entries[e]
                total[k] += amount[i] if sender[i] != wallet[k] and asset[i] == lead[k] else 0.0
    return total
