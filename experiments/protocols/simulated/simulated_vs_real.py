"""The protocol `simulated-vs-real`: how far simulated wallets can be told from real ones.

Simulates a chain, and reads the folders `ethereum_wallets` and `ethereum_heist_wallets`.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...simulation import simulate
from ..input_files import Frame
from ..protocol import Progress, Protocol, Tables
from . import realism_judge as judging
from .realism_judge import distance
from .realism_measures import measured
from .realism_tables import JUDGE, LICIT, PHISHING, UPBIT, half, real_lists, simulated_lists, simulated_rows

WALLETS, DAYS = 6_000, 900
SCENARIO = "demo"
FIRST_DAY, LAST_DAY = "2018-01-01", "2022-12-31"
SINCE = 1_506_816_000  # 2017-10-01: the window of the first snapshot
GROWN = 180  # days
SHOWN_FEATURES = 15
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
INTRO = f"""\
Simulated: the scenario `{SCENARIO}` with {WALLETS:,} wallets and {DAYS} days. Real: of the public lists those wallets on which
nothing was fitted (the other half, by hash of the address, fitted `habits.yaml`); the launderers of Upbit were never fitted to.
Both as public lists show them: ether alone, no failed calls, nothing that contracts send. Quarterly snapshots of 90 days with
three transfers or more; era-safe features of a wallet's own transfers alone.

Real ordinary wallets are all first seen by 2017-06 and looked at from 2018 on, so of simulated users, too, only snapshots of
wallets first seen {GROWN} days before count. `auc`: of LightGBM in folds by wallet that tells real from simulated (0.5: it
cannot; 95 % interval by wallet). `median ks`: over all features, of the distance of its two distributions (0: the same,
1: disjoint).

Parameters come from the fitted half alone; which habits are measured, and how transfers are made of them, were settled while
looking at verdicts on the judging half, and collectors of phishing were set by hand to medians of that half: the figures are
flattered."""


@dataclass(frozen=True)
class Pair:
    """A real population and the simulated one that stands for it: by columns of truth.csv, and the age of its snapshots."""

    real: str
    column: str
    values: tuple[str, ...]
    age: int = 0


PAIRS = {
    "ordinary users": Pair(LICIT, "population", ("user",), GROWN),
    "phishing wallets": Pair(PHISHING, "category", ("phishing",)),
    "launderers of a theft": Pair(UPBIT, "category", ("state_linked",)),
}


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The protocol's tables. Raises DataError if a file is missing."""
    lists = real_lists(data)
    lists |= {name: of_judge(lists[name]) for name in (LICIT, PHISHING)}
    lists = {name: table[table["t"] >= SINCE] for name, table in lists.items()}
    with tempfile.TemporaryDirectory() as folder:
        chain = simulate(folder, SCENARIO, wallets=WALLETS, days=DAYS, seed=seed)
        truth: Any = pd.read_csv(chain.truth, keep_default_na=False)
        rows = simulated_rows(chain.transfers, truth)
    simulated = {
        name: simulated_lists(rows, truth, truth[pair.column].isin(pair.values)) for name, pair in PAIRS.items()
    }
    verdicts = {}
    for done, (name, pair) in enumerate(PAIRS.items()):
        on_progress("judge", done, len(PAIRS))
        seen = judging.snapshots(lists[pair.real], FIRST_DAY, LAST_DAY)
        verdicts[name] = judging.judge(seen, judging.snapshots(simulated[name], age=pair.age), seed)
    return tables(verdicts) | {
        f"{name}: lives and transfers, quantiles": _plain(lists[pair.real], simulated[name])
        for name, pair in PAIRS.items()
    }


PROTOCOL = Protocol(
    "simulated-vs-real",
    "how far simulated wallets can be told from real ones, feature by feature and by a classifier",
    ("ethereum_wallets/*", "ethereum_heist_wallets/*"),
    "several, see docs/simulated-and-real.md",
    INTRO,
    run,
)


def of_judge(table: Frame) -> Frame:
    """The wallets on which nothing was fitted."""
    return table[half(table["wallet"]) == JUDGE]


def tables(verdicts: dict[str, judging.Verdict]) -> Tables:
    """The verdicts: one row per population, and what gives it away."""
    rows = [
        {
            "population": name, "real": verdict.real, "simulated": verdict.simulated, "auc": verdict.auc.value,
            "auc 95 %": f"{verdict.auc.low:.3f}–{verdict.auc.high:.3f}", "median ks": float(verdict.table["ks"].median()),
        }
        for name, verdict in verdicts.items()
    ]  # fmt: skip
    tells_apart = {
        f"{name}: what tells them apart": verdict.table.head(SHOWN_FEATURES) for name, verdict in verdicts.items()
    }
    return {"Simulated against real": pd.DataFrame(rows), **tells_apart}


def _plain(real: Frame, simulated: Frame) -> pd.DataFrame:
    """Whole lists beside each other: quantiles of what anybody would look at first, and the distance of the two."""
    sides = {"real": _whole(real), "simulated": _whole(simulated)}
    rows = []
    for name in sides["real"].columns:
        both = [side[name].dropna() for side in sides.values()]
        ks = distance(*both)
        for side, values in zip(sides, both, strict=True):
            quantiles = {f"{q:.0%}": float(np.quantile(values, q)) for q in QUANTILES}
            rows.append({"of a wallet": name, "": side, **quantiles, "ks": ks})
    return pd.DataFrame(rows)


def _whole(table: Frame) -> Any:
    """Of each wallet over its whole list: transfers, days, counterparties, typical sums and gaps, share of outs, hours."""
    ordered = table.sort_values(["wallet", "t"], kind="stable").reset_index(drop=True)
    habits, group = measured(ordered, ["wallet"]), ordered.groupby("wallet", sort=False)
    gap = ordered["t"].diff().where(ordered["wallet"] == ordered["wallet"].shift())
    return pd.DataFrame({
        "transfers": np.exp(habits["log_n"]), "days from first to last": (group["t"].max() - group["t"].min()) / 86_400,
        "counterparties": group["other"].nunique(), "median ETH received": np.exp(habits["in_median"]),
        "median ETH sent": np.exp(habits["out_median"]),
        "median hours between transfers": gap.groupby(ordered["wallet"], sort=False).median() / 3600,
        "share sent": habits["out_share"], "how concentrated the hours of outs are": habits["out_hours"],
    })  # fmt: skip
