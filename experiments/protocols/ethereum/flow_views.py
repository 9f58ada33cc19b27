"""Ordinary wallets seen as a traced theft is seen: a few large payments in, and what was spent of them, and nothing else.

Of some thefts only verified flows are public. A wallet that is shown without its other dealings looks like a launderer for
that alone; so what such wallets are told from is shown in the same way.
"""

from typing import Any

import pandas as pd

from ....features import Ledger

INFLOWS = 3
"""How many payments into each wallet are followed."""
NEAR = pd.Timedelta(days=90)
"""They lie within this of the largest one."""


def flow_views(transfers: Any, wallets: set[str]) -> Ledger:
    """The transfers of some wallets, reduced.

    Of each wallet: its largest inflow, the `INFLOWS` − 1 next of the 90 days after it, and its outflows since the first of these,
    until as much has left as they brought.

    Args:
        transfers: [timestamp, sender, receiver, amount].
        wallets: those to reduce. A transfer stays if one of its ends keeps it.
    """
    moved = transfers[transfers["sender"] != transfers["receiver"]].sort_values("timestamp", kind="stable")
    ins = moved[moved["receiver"].isin(wallets)]
    kept = _largest(ins)
    outs = moved[moved["sender"].isin(wallets)]
    spent = _spent(outs, kept)
    both = pd.concat([kept[moved.columns], spent[moved.columns]]).sort_index(kind="stable")
    return Ledger.from_transfers(both[~both.index.duplicated()].assign(asset="ETH"))


def _largest(ins: Any) -> Any:
    """Of each receiver the largest inflow (the first of equal ones), and the largest of those soon after it."""
    first = ins.loc[ins.groupby("receiver")["amount"].idxmax(), ["receiver", "timestamp"]].set_index("receiver")
    since = ins["receiver"].map(first["timestamp"])
    near = ins[(ins["timestamp"] >= since) & (ins["timestamp"] <= since + NEAR)]
    ordered = near.sort_values("amount", ascending=False, kind="stable")
    return ordered[ordered.groupby("receiver").cumcount() < INFLOWS].sort_values("timestamp", kind="stable")


def _spent(outs: Any, kept: Any) -> Any:
    """Outflows after the first inflow that is kept, as long as less has left than came in."""
    inflows = kept.groupby("receiver").agg(since=("timestamp", "min"), total=("amount", "sum"))
    known = outs[outs["sender"].isin(inflows.index)]
    later = known[known["timestamp"] >= known["sender"].map(inflows["since"])]
    before = later.groupby("sender")["amount"].cumsum() - later["amount"]
    return later[before < later["sender"].map(inflows["total"])]
