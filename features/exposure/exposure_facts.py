"""Facts about exposure and labels beside a score, for analysts. Models read the features of family exposure instead.

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
    from ..ledger.attribution import AttributionIndex
    from ..ledger.ledger import Ledger
    from .snapshot_features import ExposureSnapshots
    from .taint_pass import TaintPass

MIN_FACT_SHARE = 1e-6
"""Smaller shares are dust: they are left out, or they would fill every row."""
LABEL = ("category", "actor", "case", "source", "known_from")
Facts = list[dict[str, Any]]


def facts(ledger: Ledger, wallet: np.ndarray, as_of: np.ndarray) -> tuple[list[Facts], list[Facts]]:
    """The exposure of snapshots, and the labels of their wallets, as of their dates.

    Args:
        ledger: one with labels (`with_attribution`).
        wallet: int64[snapshots], ids; −1: unknown.
        as_of: int64[snapshots], seconds since 1970 UTC.

    Returns:
        The exposure of each snapshot, and the labels of its wallet (category, actor, case, source, known_from). Exposure is a
        list of facts, the largest share first: category (a group of `GROUPS`), direction (in or out), distance (counterparty or
        indirect), share of what it received or sent of its leading asset, hops (their mean), asset, value (in units of it), usd
        (None unless all of it was priced), first and last (seconds since 1970 UTC).
    """
    index = ledger.attribution
    assert index is not None
    exposure: list[Facts] = [[] for _ in wallet]
    labels: list[Facts] = [[] for _ in wallet]
    snapshots = snapshots_with_leads(ledger, wallet, as_of)
    for epoch in group_positions(index.epochs(as_of)):
        standing = index.standing_at(int(as_of[epoch[0]]))
        sources = group_sources(index, standing, len(ledger.addresses))
        for direction in ("in", "out"):
            for rows, taint_pass in passes_at_dates(ledger, sources, snapshots, epoch, direction):
                _add_exposure(ledger, taint_pass, snapshots, rows, direction, exposure)
        _add_labels(index, standing, wallet, epoch, labels)
    for facts_of_snapshot in exposure:
        facts_of_snapshot.sort(key=lambda fact: (-fact["share"], fact["category"], fact["direction"], fact["distance"]))
    return exposure, labels


def _add_labels(
    index: AttributionIndex, standing: np.ndarray, wallet: np.ndarray, epoch: np.ndarray, labels: list[Facts]
) -> None:
    """Add the labels that stand to the snapshots of an epoch."""
    snapshots_of: dict[int, list[int]] = {}
    for row in epoch.tolist():
        snapshots_of.setdefault(int(wallet[row]), []).append(row)
    for number in np.flatnonzero(standing & np.isin(index.wallet, wallet[epoch])):
        for row in snapshots_of[int(index.wallet[number])]:
            label = index.table.iloc[number].to_dict()
            labels[row].append({name: None if bool(pd.isna(label.get(name))) else label[name] for name in LABEL})


def _add_exposure(
    ledger: Ledger, taint_pass: TaintPass, snapshots: ExposureSnapshots, rows: np.ndarray, direction: str, exposure: list[Facts]
) -> None:  # fmt: skip
    """Add what a pass found to its snapshots, which are those at `rows`."""
    pair, state = snapshots.pair[rows], taint_pass.state
    received, amounts, when = state.received[pair], state.amounts[pair], state.when[pair]
    wallet, size, lead = snapshots.wallet[rows], snapshots.size[rows], snapshots.lead[rows]
    worth = _worth(ledger.rows, ledger.offsets, ledger.entries, wallet, size, lead, direction == "in")
    for k, group in enumerate(GROUPS):
        direct, every, hops = (amounts[:, field, k] for field in (DIRECT, TAINTED, TAINTED_HOPS))
        for j in np.flatnonzero((every > MIN_FACT_SHARE * received) & (received > 0)):
            shared = {"category": group, "direction": direction, "asset": ledger.assets[int(lead[j])].as_py()}
            dates = {"first": int(when[j, 0, k]), "last": int(when[j, 1, k])}
            distances = (
                ("counterparty", direct[j], direct[j]), ("indirect", every[j] - direct[j], hops[j] - direct[j])
            )  # fmt: skip
            for distance, value, value_times_hops in distances:
                share = float(value / received[j])
                if share > MIN_FACT_SHARE:
                    usd = None if np.isnan(worth[j]) else share * float(worth[j])
                    fact = {
                        "distance": distance, "hops": float(value_times_hops / value), "share": share, "value": float(value),
                        "usd": usd,
                    }  # fmt: skip
                    exposure[rows[j]].append(shared | fact | dates)


@kernel
def _worth(rows, offsets, entries, wallet, size, lead, inward):
    """The worth in USD of what each snapshot's wallet received (or sent) of its leading asset; NaN unless all was priced."""
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
