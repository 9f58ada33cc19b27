"""One case followed: the wallets its loot reached, hop by hop and day by day, what it went through, and where it rests.

It follows nothing itself (`loot_pass.py` does) and draws nothing (`experiments/case_picture.py`). Definitions: docs/cases.md.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..base.atomic_write import write_atomically, write_parquet
from ..base.errors import UsageError
from ..base.untrusted_text import csv_text
from ..labels.categories import IDS
from ..ledger.ledger import Ledger
from .case_list import Case
from .loot_kernel import (  # fmt: skip
    ABSORBED,
    GAVE,
    GIVEN,
    GIVEN_WORTH,
    HELD,
    HELD_HOPS,
    HELD_WORTH,
    IN,
    IN_HOPS,
    IN_PRICED,
    IN_USD,
    IN_WORTH,
    MOVED,
    STOLE,
    STOLEN,
    STOLEN_PRICED,
    STOLEN_WORTH,
    UNSEEN,
)
from .loot_measures import USD, LootMeasure, measure_of, prices_at, ratio, shares_by_service, timestamps_of
from .loot_pass import FollowedLoot, as_of_timestamp, follow_loot
from .services import KIND_NAMES, SERVICE_KINDS, are_services, service_kinds, wallet_categories

KINDS = ("stolen", "moved", "absorbed", "returned", "swapped_out", "swapped_in", "unseen")
"""Flows into a seed, to a wallet, into a service, back to a seed, the legs of a swap, and from a seed not seen to get it."""

_ONWARD = (MOVED, ABSORBED, GAVE)  # flows that take loot one hop further


@dataclass(frozen=True, slots=True)
class Trace:
    """The fate of the loot of a case. All tables are sorted, amounts in units of their asset, times in UTC.

    `usd` is worth when sent, `stolen_usd` worth when stolen (which adds up); null where no price is known. See docs/cases.md.

    Attributes:
        case, as_of: the case, and the date before which transfers count.
        summary: one row: stolen, depth, speed, shares, unlaundered.
        wallets: one row per wallet and asset that loot reached, seeds included.
        hops: one row per number of hops and asset; days: one row per day and asset.
        through: one row per kind of service and asset.
        resting: one row per wallet and asset where loot rests, the most first.
        flows: one row per transfer that moved loot.
    """

    case: Case
    as_of: pd.Timestamp
    summary: pd.DataFrame
    wallets: pd.DataFrame
    hops: pd.DataFrame
    days: pd.DataFrame
    through: pd.DataFrame
    resting: pd.DataFrame
    flows: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        names = [field.name for field in fields(self)][2:]
        return {name: getattr(self, name) for name in names}

    def save(self, folder: Path, csv: bool = False) -> list[Path]:
        """Write all tables into a folder, as Parquet or CSV; returns the files. Raises DataError if that cannot be done."""
        written = []
        for name, table in self.tables().items():
            written.append(folder / f"{name}.{'csv' if csv else 'parquet'}")
            write_table(table, written[-1])
        return written


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV if the name says so, else as Parquet. Raises DataError as `write_atomically` does."""
    if path.suffix.lower() != ".csv":
        return write_parquet(table, path)
    return write_atomically(path, lambda file: file.write(csv_text(table).encode()))


def trace(
    ledger: Ledger, case: Case, labels: pd.DataFrame | None = None, as_of: str | pd.Timestamp | None = None,
    max_hops: int | None = None,
) -> Trace:  # fmt: skip
    """Follow the loot of a case by haircut, from its seeds on.

    Args:
        ledger: the transfers; only those before `as_of` count.
        case: what a seed receives from its date on is loot, and so is what it sends without having been seen to receive it.
        labels: as `read_labels` gives them; those that stand at `as_of` say which wallets are services, where following ends.
        as_of: a date; None for the end of the ledger.
        max_hops: loot that has come this many hops is followed no further; None: all is followed.

    Raises:
        UsageError: no seed has a transfer, `as_of` is no date, or `max_hops` is not positive.
    """
    if max_hops is not None and max_hops < 1:
        raise UsageError(f"max_hops: must be at least 1, got {max_hops}")
    end = as_of_timestamp(ledger, as_of)
    seeds = ledger.ids(list(case.seeds))
    if not (seeds >= 0).any():
        raise UsageError(
            f"case {case.id}: none of its {len(case.seeds)} seed addresses has a transfer; the first is {case.seeds[0]}"
        )
    categories = wallet_categories(ledger, labels, end)
    loot = follow_loot(ledger, [case], are_services(categories), end, max_hops=max_hops, flows=True)
    return _TraceTables(ledger, case, end, loot, categories, seeds[seeds >= 0]).trace()


class _TraceTables:
    """The tables of one trace, made from the loot that a pass followed."""

    def __init__(
        self,
        ledger: Ledger,
        case: Case,
        as_of: pd.Timestamp,
        loot: FollowedLoot,
        categories: np.ndarray,
        seeds: np.ndarray,
    ) -> None:
        self.ledger, self.case, self.as_of, self.loot = ledger, case, as_of, loot
        self.names = ledger.assets.to_pylist()
        self.category = np.array([*IDS, None], dtype=object)[categories]
        self.kind = service_kinds(categories)
        self.kind[seeds] = -1
        self.seeds = seeds
        self.weights: LootMeasure = measure_of(ledger, loot, 0)
        self.amounts = loot.amounts[:, :, 0]

    def trace(self) -> Trace:
        wallets, flows = self._wallets(), self._flows()
        through = self._through()
        return Trace(
            self.case, self.as_of, self._summary(wallets, flows, through), wallets, self._hops(wallets, flows),
            self._days(wallets, flows), through, self._resting(wallets), flows,
        )  # fmt: skip

    def _addresses(self, wallet: np.ndarray) -> np.ndarray:
        return np.asarray(self.ledger.addresses.take(wallet).to_pylist(), dtype=object)

    def _text(self, values: Any) -> pd.Series:
        return pd.Series(values, dtype="str")

    def _usd(self, values: np.ndarray) -> np.ndarray:
        """Values in USD when stolen; NaN where no price of what was stolen is known."""
        return values if self.weights.measure == USD else np.full(len(values), np.nan)

    def _share(self, loot: np.ndarray) -> np.ndarray:
        """Parts of the loot as shares of all that was stolen; NaN where nothing measures it."""
        return loot / self.weights.stolen if self.weights.stolen > 0 else np.full(len(loot), np.nan)

    def _wallets(self) -> pd.DataFrame:
        f, amounts = self.loot, self.amounts
        seed = np.isin(f.wallet, self.seeds)
        tainted = amounts[:, IN] + amounts[:, STOLEN]
        value = np.where(
            amounts[:, IN_PRICED] + amounts[:, STOLEN_PRICED] > 0, amounts[:, IN_USD] + amounts[:, STOLEN_WORTH], np.nan
        )
        held_usd = amounts[:, HELD] * prices_at(self.ledger, self.as_of)[f.asset]
        with np.errstate(all="ignore"):
            share = np.where(f.received > 0, np.minimum(tainted / f.received, 1.0), np.nan)
            hops = np.where(seed, 0.0, amounts[:, IN_HOPS] / amounts[:, IN])
        table: Any = pd.DataFrame({
            "address": self._text(self._addresses(f.wallet)), "asset": self._text([self.names[a] for a in f.asset]),
            "category": self._text(self.category[f.wallet]), "seed": seed,
            "service": self._text(KIND_NAMES[self.kind[f.wallet]]),
            "hop": f.hop[:, 0].astype(np.int64), "mean_hops": hops,
            "first": timestamps_of(f.when[:, 0, 0]), "last": timestamps_of(f.when[:, 1, 0]),
            "received": f.received, "tainted": tainted, "tainted_share": share, "usd": value,
            "stolen_usd": self._usd(amounts[:, IN_WORTH] + amounts[:, GIVEN_WORTH] + amounts[:, STOLEN_WORTH]),
            "held": amounts[:, HELD], "held_usd": np.where(amounts[:, HELD] > 0, held_usd, 0.0),
            "held_stolen_usd": self._usd(amounts[:, HELD_WORTH]), "loot_share": self._share(self.weights.rests),
        })  # fmt: skip
        return table.sort_values(["hop", "first", "address", "asset"], na_position="first", ignore_index=True)

    def _flows(self) -> pd.DataFrame:
        rows, f = self.ledger.rows, self.loot.flows
        row = f.row
        with np.errstate(all="ignore"):
            usd = rows.usd[row] * (f.tainted / rows.amount[row]) if rows.usd.size else np.full(len(row), np.nan)
        table: Any = pd.DataFrame({
            "timestamp": timestamps_of(rows.time[row]),
            "sender": self._text(self._addresses(rows.sender[row])), "receiver": self._text(self._addresses(rows.receiver[row])),
            "asset": self._text([self.names[a] for a in rows.asset[row]]), "amount": rows.amount[row],
            "tainted": f.tainted, "usd": usd, "stolen_usd": self._usd(f.worth), "kind": self._text([KINDS[k] for k in f.kind]),
            "hop": f.hop.astype(np.int64), "mean_hops": f.hops,
            "receiver_category": self._text(self.category[rows.receiver[row]]),
            "receiver_service": self._text(KIND_NAMES[self.kind[rows.receiver[row]]]),
        })  # fmt: skip
        loot = f.worth if self.weights.measure == USD else f.tainted
        return table.assign(loot_share=self._share(loot))

    def _moved(self, flows: Any, by: Any) -> pd.DataFrame:
        """The loot that moved, by the groups `by` and asset."""
        onward = flows["kind"].isin([KINDS[kind] for kind in _ONWARD])
        moved = flows[onward].assign(by=by[onward]).groupby(["by", "asset"])
        table: Any = moved[["tainted", "usd", "stolen_usd", "loot_share"]].sum(min_count=1)
        table.insert(0, "transfers", moved.size())
        return table

    def _reached(self, wallets: Any, by: str) -> pd.DataFrame:
        """Count the wallets that loot reached, each where and when it first did, and how many of them are services."""
        received = wallets[~wallets["seed"] & wallets["first"].notna()].sort_values(["first", "hop"], kind="stable")
        once = received.drop_duplicates("address")
        once = once.assign(by=once["first"].dt.floor("D") if by == "day" else once["hop"])
        counted = once.groupby(["by", "asset"])
        return pd.DataFrame({"wallets": counted.size(), "services": counted["service"].count()})

    def _table(self, reached: Any, moved: Any, by: str) -> pd.DataFrame:
        table = reached.join(moved, how="outer").reset_index().rename(columns={"by": by})
        for name in ("wallets", "services", "transfers"):
            table[name] = table[name].fillna(0).astype(np.int64)
        table["tainted"] = table["tainted"].fillna(0.0)
        return table.sort_values([by, "asset"], ignore_index=True)

    def _hops(self, wallets: Any, flows: Any) -> pd.DataFrame:
        return self._table(self._reached(wallets, "hop"), self._moved(flows, flows["hop"]), "hop")

    def _days(self, wallets: Any, flows: Any) -> pd.DataFrame:
        days = flows["timestamp"].dt.floor("D")
        return self._table(self._reached(wallets, "day"), self._moved(flows, days), "day")

    def _through(self) -> pd.DataFrame:
        f, amounts, kind = self.loot, self.amounts, self.kind[self.loot.wallet]
        stolen: Any = np.bincount(f.asset, amounts[:, STOLEN], len(self.names))
        into = (kind >= 0) & (amounts[:, IN] > 0)
        table: Any = pd.DataFrame({
            "service": KIND_NAMES[kind], "asset": f.asset, "wallets": f.wallet,
            "tainted": amounts[:, IN],
            "came_back": amounts[:, GIVEN], "usd": np.where(amounts[:, IN_PRICED] > 0, amounts[:, IN_USD], np.nan),
            "stolen_usd": self._usd(amounts[:, IN_WORTH] + amounts[:, GIVEN_WORTH]),
            "came_back_stolen_usd": self._usd(amounts[:, GIVEN_WORTH]),
            "loot_share": self._share(self.weights.kept + self.weights.returned),
        })[into]  # fmt: skip
        grouped: Any = table.groupby(["service", "asset"])
        made: Any = grouped.sum(min_count=1).assign(wallets=grouped["wallets"].nunique()).reset_index()
        made["asset_share"] = [ratio(x, stolen[k]) for x, k in zip(made["tainted"], made["asset"], strict=True)]
        made["rank"] = made["service"].map({name: k for k, name in enumerate(SERVICE_KINDS)})
        made["asset"], made["service"] = self._text([self.names[a] for a in made["asset"]]), self._text(made["service"])
        return made.sort_values(["rank", "asset"], ignore_index=True).drop(columns="rank")

    def _resting(self, wallets: Any) -> pd.DataFrame:
        lies = wallets[wallets["held"] > 0].copy()
        lies["still_days"] = (self.as_of - lies["last"]).dt.total_seconds() / 86400
        columns = [
            "address",
            "asset",
            "category",
            "seed",
            "hop",
            "held",
            "held_usd",
            "held_stolen_usd",
            "loot_share",
            "last",
            "still_days",
        ]
        order = ["loot_share", "held", "address", "asset"]
        return lies.sort_values(order, ascending=[False, False, True, True], ignore_index=True)[columns]

    def _summary(self, wallets: Any, flows: Any, through: Any) -> pd.DataFrame:
        w, f, amounts = self.weights, self.loot, self.amounts
        reached = wallets[~wallets["seed"] & wallets["first"].notna()]
        stole = flows[flows["kind"].isin([KINDS[STOLE], KINDS[UNSEEN]])]
        begin = stole["timestamp"].min() if len(stole) else pd.NaT
        between = self._intermediaries(wallets, flows)
        met = reached[reached["service"].notna()]
        row: dict[str, Any] = {
            "case": self.case.id, "actor": self.case.actor, "date": self.case.date, "as_of": self.as_of,
            "seeds": len(self.case.seeds), "seeds_seen": len(self.seeds), "first_stolen": begin,
            "stolen_usd": w.stolen if w.measure == USD else np.nan, "stolen_by_asset": self._by_asset(amounts[:, STOLEN]),
            "unpriced_thefts": int(f.unpriced[:, 0].sum()), "unseen_by_asset": self._unseen(flows), "measure": w.measure,
            "wallets_reached": reached["address"].nunique(), "services_reached": met["address"].nunique(),
            "furthest_hop": reached["hop"].max() if len(reached) else 0,
            "hops_to_a_service": met["hop"].min() if len(met) else pd.NA,
            "layering_depth": self._depth(flows), "intermediaries": len(between),
            "intermediaries_an_hour": _pace(between, begin),
            "intermediaries_first_day": int((between < begin + pd.Timedelta(days=1)).sum()),
            **{f"{name}_share": share for name, share in shares_by_service(w, self.kind[f.wallet]).items()},
            "unlaundered_share": ratio(w.rests.sum(), w.stolen),
            "unlaundered_stolen_usd": float(amounts[:, HELD_WORTH].sum()) if w.measure == USD else np.nan,
            "unlaundered_by_asset": self._by_asset(amounts[:, HELD]), "resting_wallets": int((wallets["held"] > 0).sum()),
        }  # fmt: skip
        table: Any = pd.DataFrame([row])
        for name in ("case", "actor", "measure", "stolen_by_asset", "unseen_by_asset", "unlaundered_by_asset"):
            table[name] = self._text(table[name].tolist())
        table["hops_to_a_service"] = table["hops_to_a_service"].astype("Int64")
        for name in ("date", "as_of", "first_stolen"):
            table[name] = pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]")
        return table

    def _intermediaries(self, wallets: Any, flows: Any) -> Any:
        """The first receipt of each wallet that is neither seed nor service and sent loot on."""
        senders = flows.loc[flows["kind"].isin([KINDS[kind] for kind in _ONWARD]), "sender"].unique()
        between = wallets[wallets["address"].isin(senders) & ~wallets["seed"] & wallets["service"].isna()]
        return between.groupby("address")["first"].min()

    def _depth(self, flows: Any) -> float:
        """Mean hops to where the loot was absorbed or rests, by its weight."""
        ended = flows[flows["kind"].eq(KINDS[ABSORBED])]
        with np.errstate(all="ignore"):
            hops = np.where(self.amounts[:, HELD] > 0, self.amounts[:, HELD_HOPS] / self.amounts[:, HELD], 0.0)
        rests = self._share(self.weights.rests)
        return ratio(
            (ended["loot_share"] * ended["mean_hops"]).sum() + (rests * hops).sum(),
            ended["loot_share"].sum() + rests.sum(),
        )

    def _by_asset(self, amounts: np.ndarray) -> str:
        return amounts_by_asset(self.names, self.loot.asset, amounts)

    def _unseen(self, flows: Any) -> str:
        unseen = flows[flows["kind"].eq(KINDS[UNSEEN])]
        asset = np.array([self.names.index(name) for name in unseen["asset"]], dtype=np.int64)
        return amounts_by_asset(self.names, asset, unseen["tainted"].to_numpy())


def amounts_by_asset(names: list[str], asset: np.ndarray, amounts: np.ndarray) -> str:
    """Sums by asset as JSON, the assets in alphabetical order; zeros are left out.

    >>> import numpy as np
    >>> amounts_by_asset(["ETH", "BTC"], np.array([0, 1, 0]), np.array([1.0, 2.5, 3.0]))
    '{"BTC": 2.5, "ETH": 4.0}'
    """
    sums = np.bincount(asset, amounts, len(names)) if len(asset) else np.zeros(len(names))
    return json.dumps(
        {name: float(f"{sums[k]:.12g}") for k, name in sorted(enumerate(names), key=lambda kn: kn[1]) if sums[k] > 0}
    )


def _pace(first: Any, begin: Any) -> float:
    """Wallets per hour from the beginning to the last of them."""
    if not len(first) or pd.isna(begin):
        return np.nan
    hours = (first.max() - begin).total_seconds() / 3600
    return ratio(len(first), hours)
