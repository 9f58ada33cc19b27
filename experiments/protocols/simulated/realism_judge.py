"""Judges how far simulated wallets look like real ones: snapshot by snapshot, feature by feature, and by a classifier.

Both sides are wallets' own lists in one form (realism_tables.py), with a snapshot per quarter of the features of the 90 days
before it. Only features that are era-safe and see a wallet's own transfers alone are used.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp
from sklearn.model_selection import StratifiedGroupKFold

from ....features import Ledger, coverage, extract, snapshots_of
from ....training.data.snapshots import as_of_grid, unit_hash
from ....training.metrics.bootstrap import Interval, interval
from ....training.models.estimators import fit_lightgbm, margins
from ..ethereum.case_data import comparable_features
from ..input_files import Frame
from ..judge import SETTINGS, numbered

WINDOW_DAYS, MIN_TRANSFERS = 90, 3
WINDOW = f"{WINDOW_DAYS}d"
MAX_SNAPSHOTS = 3000  # per side
FOLDS = 5


@dataclass(frozen=True)
class Verdict:
    """How well a classifier tells real snapshots from simulated ones, and by what.

    Attributes:
        auc: ROC-AUC out of fold over wallets, with its interval.
        table: one row per feature: `ks` (largest distance of the two distributions), `gain` (share of the classifier's), medians.
        real, simulated: the number of snapshots per side.
    """

    auc: Interval
    table: Any
    real: int
    simulated: int


def snapshots(table: Frame, first: str | None = None, last: str | None = None, age: int = 0) -> Frame:
    """Quarterly snapshots of a table's wallets with MIN_TRANSFERS transfers or more in the window, at most MAX_SNAPSHOTS.

    Args:
        table: wallets' lists.
        first, last: the dates of the first and the last snapshot; by default all whose window lies in the lists.
        age: a snapshot counts only if its wallet was first seen this many days before it.

    Returns:
        address, as_of, features.
    """
    ledger = ledger_of(table)
    start: Any = pd.Timestamp(first, tz="UTC") if first else _moment(ledger.first) + pd.Timedelta(days=WINDOW_DAYS)
    end: Any = pd.Timestamp(last, tz="UTC") if last else _moment(ledger.last)
    dates = as_of_grid(start, end, "quarter")
    wallets = sorted(set(table["wallet"]))
    seen = [coverage(ledger, snapshots_of(wallets, date), window=WINDOW) for date in dates]
    chosen: Any = pd.concat([frame[frame["transfers"] >= MIN_TRANSFERS] for frame in seen], ignore_index=True)
    seen_first = pd.to_datetime(table.groupby("wallet")["t"].min(), unit="s", utc=True)
    old = chosen["as_of"] - chosen["address"].map(seen_first) >= pd.Timedelta(days=age)
    chosen = chosen[old].reset_index(drop=True)
    hash_fraction = unit_hash(chosen["address"] + chosen["as_of"].astype("str"), "realism_judge")
    chosen = chosen.iloc[np.sort(np.argsort(hash_fraction, kind="stable")[:MAX_SNAPSHOTS])][
        ["address", "as_of"]
    ].reset_index(drop=True)
    return extract(ledger, chosen, window=WINDOW, features=comparable_features())


def ledger_of(table: Frame) -> Ledger:
    """The transfers of a table, those between two of its wallets once."""
    out = table["out"].to_numpy()
    ends = {
        "sender": table["wallet"].where(out, table["other"]),
        "receiver": table["other"].where(out, table["wallet"]),
    }
    rows = pd.DataFrame(
        {"timestamp": pd.to_datetime(table["t"], unit="s", utc=True), **ends, "amount": table["amount"]}
    )
    same = ["timestamp", "sender", "receiver", "amount"]
    # Of a transfer between two of the wallets both lists hold a row, one as an out and one as an in.
    nth = rows.assign(out=out).groupby([*same, "out"], sort=False).cumcount()
    rows = rows.assign(nth=nth).drop_duplicates([*same, "nth"]).drop(columns="nth")
    return Ledger.from_transfers(rows.assign(asset="ETH", tx_id=None))


def _moment(seconds: int | None) -> Any:
    return pd.Timestamp(seconds or 0, unit="s", tz="UTC")


def judge(real: Frame, simulated: Frame, seed: int) -> Verdict:
    """Tell real from simulated.

    Args:
        real, simulated: snapshots, as `snapshots` returns them.
        seed: the seed of folds, models and the interval.
    """
    both = pd.concat([real, simulated], ignore_index=True)
    y = np.repeat([1, 0], [len(real), len(simulated)])
    names = comparable_features()
    X, used = both[names].astype(float), np.zeros(len(names))
    ranking = np.empty(len(y))
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(X, y, both["address"]):
        booster = fit_lightgbm(numbered(X.iloc[train]), y[train], SETTINGS, seed)
        ranking[test] = margins(booster, numbered(X.iloc[test]))
        used += booster.feature_importance("gain")
    table = _by_feature(X[y == 1], X[y == 0]).assign(gain=used / used.sum())
    auc = interval(y, ranking, both["address"], "roc_auc", seed=seed)
    return Verdict(auc, table.sort_values("gain", ascending=False), len(real), len(simulated))


def distance(a: Any, b: Any) -> float:
    """The largest distance of two samples' distribution functions (Kolmogorov and Smirnov); NaN if either is empty."""
    found: Any = ks_2samp(a, b) if len(a) and len(b) else None
    return float(found.statistic) if found else np.nan


def _by_feature(real: Frame, simulated: Frame) -> Frame:
    rows = []
    for name in real.columns:
        a, b = real[name].dropna(), simulated[name].dropna()
        rows.append({
            "feature": name, "ks": distance(a, b),
            "real": a.median(), "simulated": b.median(),
            "known real": len(a) / len(real), "known simulated": len(b) / len(simulated),
        })  # fmt: skip
    return pd.DataFrame(rows)
