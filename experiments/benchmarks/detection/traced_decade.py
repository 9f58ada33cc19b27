"""The case ledger on a simulated decade of thefts, beside what is true there. Part of `traced_thefts`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....features import Ledger
from ....features.cases import case_ledger
from ....features.cases.read import Cases, read_cases
from ....features.labels import read_labels
from ...simulation import simulate

SECOND = "second_chain"
FIGURES = {
    "mixer": ("mixed",),
    "bridge": ("crossed",),
    "exchange": ("cashed", "nested"),
    "otc": ("otc",),
    "unlaundered": ("resting",),
}
"""Figures of the ledger, and the kinds of the truth that they are."""


def decade(folder: Path) -> dict[str, pd.DataFrame]:
    """Make the decade unless it is there, follow its cases, and compare: sums, single cases, and the ends of years."""
    if not (folder / "truth_cases.csv").is_file():
        simulate(folder, "decade")
    ledger = Ledger.from_transfers(folder / "transfers.parquet")
    labels, cases = read_labels(folder / "labels.csv").good, read_cases(folder / "cases.csv")
    truth = true_cases(pd.read_csv(folder / "truth_cases.csv"), cases)
    traced, _ = case_ledger(ledger, cases.cases, labels)
    both = compared(traced, truth)
    return {
        "Simulated decade: all thefts, and those that no mixer hides": pd.concat([sums(both, False), sums(both, True)]),
        "Simulated decade: single thefts, points of what was stolen": single(both),
        "Simulated decade: unlaundered at the end of each year": ends_of_years(ledger, cases, labels, folder),
    }


def true_cases(truth: Any, cases: Cases) -> pd.DataFrame:
    """By reported case, worth when stolen on the first chain: `stolen` and each of FIGURES."""
    truth = truth[truth["case"].isin([case.id for case in cases.cases])]
    table: Any = pd.DataFrame({"case": truth["case"], "stolen": truth["stolen_usd"]})
    for name, kinds in FIGURES.items():
        table[name] = sum(truth[f"{kind}_stolen_usd"] - _there(truth, kind) for kind in kinds)
    return table.set_index("case")


def _there(truth: Any, kind: str) -> Any:
    """What of it happened on the second chain."""
    column = f"{SECOND}_{kind}_stolen_usd"
    return truth[column] if column in truth else pd.Series(0.0, truth.index)


def compared(traced: Any, truth: Any) -> pd.DataFrame:
    """Traced and true figures by case, the latter as `true_…`, and `plain`: no loot of it saw a mixer."""
    ours = traced.set_index("case")
    names = {name: f"{name}_stolen_usd" for name in FIGURES}
    table = pd.DataFrame({"stolen": ours["stolen_usd"], **{name: ours[column] for name, column in names.items()}})
    return table.join(truth.add_prefix("true_")).assign(plain=truth["mixer"] == 0)


def sums(both: Any, plain: bool) -> pd.DataFrame:
    """Traced and true sums in million USD, and how far they are off."""
    part = both[both["plain"]] if plain else both
    stolen = part["true_stolen"].sum()
    rows = [
        {
            "thefts": f"{len(part)} {'that no mixer hides' if plain else 'in all'}", "figure": name,
            "traced, M USD": part[name].sum() / 1e6, "true, M USD": part[f"true_{name}"].sum() / 1e6,
            "off, %": 100 * (part[name].sum() / part[f"true_{name}"].sum() - 1) if part[f"true_{name}"].sum() > 0 else np.nan,
            "off, points of stolen": 100 * (part[name].sum() - part[f"true_{name}"].sum()) / stolen,
        }
        for name in ("stolen", *FIGURES)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def single(both: Any) -> pd.DataFrame:
    """How far single thefts are off, in points of what was stolen: the median and the worst."""
    rows = []
    for name, part in (("all", both), ("that no mixer hides", both[both["plain"]])):
        for figure in ("stolen", *FIGURES):
            off = 100 * (part[figure] - part[f"true_{figure}"]) / part["true_stolen"]
            rows.append({"thefts": name, "figure": figure, "median off": off.abs().median(),
                         "worst off": off.abs().max(), "worst": off.abs().idxmax(),
                         "within 2 points": f"{int((off.abs() <= 2).sum())} of {len(off)}"})  # fmt: skip
    return pd.DataFrame(rows)


def ends_of_years(ledger: Ledger, cases: Cases, labels: Any, folder: Path) -> pd.DataFrame:
    """At each year's end: what of the loot rests unlaundered, at its worth when stolen and now, and its mean age.

    A mixer hides what came out of it: the truth lies between what is traced and that and all that went into mixers together.
    """
    truth = pd.read_csv(folder / "truth_years.csv")
    truth = truth[truth["case"].isin([case.id for case in cases.cases])]
    rows = []
    for end, true in truth.groupby("year_end"):
        moment: Any = pd.Timestamp(str(end), tz="UTC") + pd.Timedelta(days=1)
        by_case, by_year = case_ledger(ledger, cases.cases, labels, moment)
        total = by_year[by_year["year"] == "all"].iloc[0]
        there = true.assign(first=true["unlaundered_usd"] - true.get("unlaundered_second_chain_usd", 0.0))
        told = there["first"].sum()
        age = (by_case["unlaundered_stolen_usd"] * by_case["age_days"].fillna(0)).sum() / by_case[
            "unlaundered_stolen_usd"
        ].sum()
        rows.append({
            "year": str(end)[:4], "attacks": len(by_case), "traced, M USD": total["unlaundered_stolen_usd"] / 1e6,
            "true, M USD": told / 1e6, "off, %": 100 * (total["unlaundered_stolen_usd"] / told - 1),
            **_now(by_case, there),
            "age traced, days": age, "age true, days": (there["first"] * there["mean_age_days"].fillna(0)).sum() / told,
            "at most (with mixers), M USD": (total["unlaundered_stolen_usd"] + total["mixer_stolen_usd"]) / 1e6,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _now(by_case: Any, there: Any) -> dict[str, float]:
    """Worth at the year's end, traced and true, of the thefts of which nothing rests on the second chain (there it is BTC)."""
    only = there[~there["unlaundered_by_asset"].map(lambda text: "BTC" in json.loads(text))]
    traced = by_case.loc[by_case["case"].isin(only["case"]), "unlaundered_usd"].sum()
    true = only["unlaundered_usd_at_year_end"].sum()
    return {"now, without BTC: traced, M USD": traced / 1e6, "true, M USD ": true / 1e6}
