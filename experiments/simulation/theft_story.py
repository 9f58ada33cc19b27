"""One theft on a simulated chain as its models see it: what happened, day by day, and on which day a wallet of it is flagged.

For the demo, and for a first look at a model. How early a model is over many wallets: training/metrics/early_detection.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...features.ledger.ledger import Ledger
from ...serving import Scorer
from . import SimulatedChain

DAY = pd.Timedelta(days=1)
KIND_SENTENCES = {
    "moved": "moved on to other wallets of theirs", "swapped": "swapped", "crossed": "sent over a bridge",
    "mixed": "put into a mixer", "withdrawn": "taken out of it again", "nested": "sent through a nested service",
    "cashed": "sold at exchanges", "otc": "sold over the counter", "sold": "paid to others",
}  # fmt: skip
"""What happens to loot, by the kinds of truth_flows.parquet."""
OUT = ("crossed", "mixed", "nested", "cashed", "otc", "sold")
"""Kinds by which it leaves the wallets of a case."""


@dataclass(frozen=True)
class Story:
    """A theft, and what the models saw of it.

    Attributes:
        case, actor: the case, and the actor behind it; began: when the theft began; usd: value of the loot when stolen;
            followed: the number of days that were followed.
        days: one row per day on which loot moved: day (0 = the theft's), kind, after_mixer (tracers cannot see it), usd
            (value when stolen), transfers.
        wallets: how many wallets of the case were used in these days.
        sightings: scored rows of its wallets that were flagged, the first of each wallet and head, with day and head.
        watched: how many wallets had enough history to be scored by any head.
        before_out: of the loot that left for exchanges, mixers, bridges or others, the share sent by wallets flagged before
            that day.
    """

    case: str
    actor: str
    began: Any
    usd: float
    followed: int
    days: Any
    wallets: int
    sightings: Any
    watched: int
    before_out: float


def tell(
    chain: SimulatedChain,
    ledger: Ledger,
    scorers: Mapping[str, Scorer],
    since: Any,
    days: int = 90,
    on_progress: Callable[[int, int], None] | None = None,
) -> Story | None:
    """The largest state-linked theft that began at `since` or later, followed for `days` days; None if there is none.

    Args:
        ledger: all transfers of the chain.
        scorers: a scorer per head; none may know anything of `since` or later.
    """
    flows = _flows(chain)
    case = _largest(chain, flows, since, ledger.end - 7 * DAY)
    if case is None:
        return None
    mine = flows[flows["case"] == case]
    began = mine.loc[mine["kind"] == "stolen", "timestamp"].min()
    mine = mine.assign(day=((mine["timestamp"] - began) // DAY).astype(int)).query(f"day <= {days}")
    truth: Any = pd.read_csv(chain.truth, keep_default_na=False)
    wallets = truth.loc[truth["case"] == case, ["address", "actor"]]
    rows = _watch(ledger, scorers, _wallets(ledger, wallets["address"], began, days), began, on_progress)
    flagged = rows[rows["flagged"]].sort_values(["day", "score"], ascending=[True, False])
    moved = mine[mine["kind"].isin(KIND_SENTENCES)].groupby(["day", "after_mixer", "kind"], as_index=False)
    return Story(
        case=case, actor=wallets["actor"].iloc[0], began=began,
        usd=float(mine.loc[mine["kind"] == "stolen", "usd"].sum()), followed=min(days, int((ledger.end - began) // DAY)),
        days=moved.agg(usd=("stolen_usd", "sum"), transfers=("row", "nunique")), wallets=int(rows["address"].nunique()),
        sightings=flagged.drop_duplicates(["address", "head"]).reset_index(drop=True),
        watched=int(rows.loc[rows["band"] != "unscored", "address"].nunique()), before_out=_before_out(mine, flagged),
    )  # fmt: skip


def _flows(chain: SimulatedChain) -> Any:
    """The truth about loot, with the sender of each transfer."""
    flows = pd.read_parquet(chain.truth_flows)
    senders = pd.read_parquet(chain.transfers, columns=["sender"])["sender"]
    return flows.assign(sender=senders.to_numpy()[flows["row"]])


def _largest(chain: SimulatedChain, flows: Any, since: Any, until: Any) -> str | None:
    truth: Any = pd.read_csv(chain.truth, keep_default_na=False)
    state = set(truth.loc[truth["category"] == "state_linked", "case"])
    stolen = flows[(flows["kind"] == "stolen") & flows["case"].isin(state)]
    found = stolen.groupby("case").agg(began=("timestamp", "min"), usd=("usd", "sum"))
    found = found[(found["began"] >= since) & (found["began"] < until)]
    return str(found["usd"].idxmax()) if len(found) else None


def _wallets(ledger: Ledger, addresses: Any, began: Any, days: int) -> pd.DataFrame:
    """Snapshots of the case's wallets: each day from the one on which a wallet is first seen, as of the day's end."""
    ids = ledger.ids(addresses)
    known = np.flatnonzero(ids >= 0)
    first = ledger.rows.time[ledger.entries[ledger.offsets[ids[known]]]]
    seen: Any = (pd.to_datetime(first, unit="s", utc=True) - began) // DAY
    last = min(days, int((ledger.end - began) // DAY) - 1)
    names = addresses.to_numpy()[known]
    rows = [(name, day) for name, start in zip(names, seen, strict=True) for day in range(max(int(start), 0), last + 1)]
    return pd.DataFrame(rows, columns=["address", "day"])


def _watch(
    ledger: Ledger,
    scorers: Mapping[str, Scorer],
    looks: pd.DataFrame,
    began: Any,
    on_progress: Callable[[int, int], None] | None,
) -> Any:
    """Every snapshot of every wallet, scored by every head, with its `day` and `head`."""
    snapshots = looks.assign(as_of=began + (looks["day"] + 1) * DAY)
    scored = []
    for done, (head, scorer) in enumerate(scorers.items()):
        scored.append(
            scorer.score(snapshots[["address", "as_of"]], ledger).assign(head=head, day=looks["day"].to_numpy())
        )
        if on_progress is not None:
            on_progress(done + 1, len(scorers))
    return pd.concat(scored, ignore_index=True)


def _before_out(mine: Any, flagged: Any) -> float:
    """Of the loot that left the case's wallets (each time it left), the share sent by wallets flagged before that day."""
    out = mine[mine["kind"].isin(OUT)]
    first = flagged.groupby("address")["day"].min()
    known = out["sender"].map(first) < out["day"]
    total = float(out["stolen_usd"].sum())
    return float(out.loc[known, "stolen_usd"].sum()) / total if total else float("nan")
