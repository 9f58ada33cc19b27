"""Facts about exposure and labels beside a score: what an analyst reads, where models read the features of family exposure.

The passes are those of `snapshot_features.py`. A fact has one category, direction and distance, with dates and, where prices are
known, USD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..base.kernel_compiler import kernel
from ..ledger.attribution import GROUPS
from .attribution import group_sources
from .snapshot_features import group_positions, passes_at_dates, snapshots_with_leads
from .taint_kernel import DIRECT, TAINTED, TAINTED_HOPS

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger
    from .snapshot_features import ExposureSnapshots
    from .taint_pass import TaintPass

LEAST = 1e-6
"""Shares below this are left out: they are dust, and would fill every row."""
LABEL = ("category", "actor", "case", "source", "known_from")
Facts = list[dict[str, Any]]


def facts(ledger: Ledger, wallet: np.ndarray, as_of: np.ndarray) -> tuple[list[Facts], list[Facts]]:
    """The exposure of snapshots, and the labels of their wallets, as of their dates.

    Args:
        ledger: one with labels (`with_attribution`).
        wallet: int64[snapshots], ids; −1: unknown.
        as_of: int64[snapshots], seconds since 1970 UTC.

    Returns:
        For each snapshot its exposure, the largest share first: category (a group of `GROUPS`), direction (in or out), distance
        (counterparty or indirect), share of what it received or sent of its leading asset, hops (their mean), asset, value (in
        units of it), usd (None unless all of it was priced), first and last (seconds since 1970 UTC); and the labels of its
        wallet: category, actor, case, source, known_from.
    """
    index = ledger.attribution
    assert index is not None
    found: list[Facts] = [[] for _ in wallet]
    named: list[Facts] = [[] for _ in wallet]
    snapshots = snapshots_with_leads(ledger, wallet, as_of)
    for epoch in group_positions(index.epochs(as_of)):
        standing = index.standing_at(int(as_of[epoch[0]]))
        sources = group_sources(index, standing, len(ledger.addresses))
        for direction in ("in", "out"):
            for which, taint_pass in passes_at_dates(ledger, sources, snapshots, epoch, direction):
                _add(ledger, taint_pass, snapshots, which, direction, found)
        places: dict[int, list[int]] = {}
        for place in epoch.tolist():
            places.setdefault(int(wallet[place]), []).append(place)
        for row in np.flatnonzero(standing & np.isin(index.wallet, wallet[epoch])):
            for place in places[int(index.wallet[row])]:
                named[place].append(_said(index.table.iloc[row].to_dict()))
    for rows in found:
        rows.sort(key=lambda fact: (-fact["share"], fact["category"], fact["direction"], fact["distance"]))
    return found, named


def _add(
    ledger: Ledger, taint_pass: TaintPass, snapshots: ExposureSnapshots, which: np.ndarray, direction: str, found: list[Facts]
) -> None:  # fmt: skip
    pair = snapshots.pair[which]
    received, amounts, when = (
        taint_pass.state.received[pair],
        taint_pass.state.amounts[pair],
        taint_pass.state.when[pair],
    )
    worth = _worth(
        ledger.rows,
        ledger.offsets,
        ledger.entries,
        snapshots.wallet[which],
        snapshots.size[which],
        snapshots.lead[which],
        direction == "in",
    )
    for k, group in enumerate(GROUPS):
        direct, every, hops = (amounts[:, part, k] for part in (DIRECT, TAINTED, TAINTED_HOPS))
        for j in np.flatnonzero((every > LEAST * received) & (received > 0)):
            said = {
                "category": group,
                "direction": direction,
                "asset": ledger.assets[int(snapshots.lead[which[j]])].as_py(),
            }
            dates = {"first": int(when[j, 0, k]), "last": int(when[j, 1, k])}
            parts = (("counterparty", direct[j], direct[j]), ("indirect", every[j] - direct[j], hops[j] - direct[j]))
            for distance, value, moment in parts:
                share = float(value / received[j])
                if share > LEAST:
                    usd = None if np.isnan(worth[j]) else share * float(worth[j])
                    fact = {
                        "distance": distance,
                        "hops": float(moment / value),
                        "share": share,
                        "value": float(value),
                        "usd": usd,
                    }
                    found[which[j]].append(said | fact | dates)


def _said(label: dict[str, Any]) -> dict[str, Any]:
    return {name: None if bool(pd.isna(label.get(name))) else label[name] for name in LABEL}


@kernel
def _worth(rows, offsets, entries, wallet, size, lead, inward):
    """What each snapshot's wallet received (or sent) of its leading asset was worth in USD; NaN unless all of it was priced."""
    _, sender, receiver, amount, asset, usd, _, _ = rows
    total = np.zeros(wallet.size)
    for k in range(wallet.size):
        for e in range(offsets[wallet[k]], offsets[wallet[k]] + size[k]):
            i = entries[e]
            if (
                amount[i] > 0
                and asset[i] == lead[k]
                and sender[i] != receiver[i]
                and (receiver[i] == wallet[k]) == inward
            ):
                total[k] += usd[i] if usd.size else np.nan
    return total
