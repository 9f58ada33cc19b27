"""Checks that no row, wallet or group of the test was met in training: equal rows, near-equal rows, groups on both sides."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors

from . import thresholds
from .audit_report import Check, NotRunError, percent, worst
from .audit_table import AuditTable, SplitGroup

NEIGHBOURS = 5
"""How many of the nearest rows are looked at: the very nearest may be the same wallet's."""
_GONE = -1.0  # a whole range of ranks away from every value: missing is a case of its own


def check_duplicates(table: AuditTable) -> Check:
    """Whether rows of the test are equal, or nearly so, to rows trained on; those of the same wallet are `group_overlap`'s."""
    table.need_rows()
    different = np.unique(table.content[table.both]).size / len(table.both)
    if different < thresholds.COARSE:
        raise NotRunError(f"only {percent(different)} of the rows differ from each other; equal rows say nothing here")
    exact, (near, looked) = _exact(table), _near(table)
    conflicting = _conflicting(table)
    verdict = worst(
        [
            _graded(exact, thresholds.EXACT_WARN, thresholds.EXACT_FAIL),
            _graded(near, thresholds.NEAR_WARN, thresholds.NEAR_FAIL),
        ]
    )
    found = (
        f"{percent(exact)} of the test rows equal a row trained on; {percent(near)} do so nearly ({looked}); "
        f"{conflicting:,} rows have an equal one with the other label"
    )
    todo = "drop repeated rows, or put all copies on one side; look at why they repeat" if verdict != "pass" else ""
    if conflicting and verdict != "pass":
        todo += "; settle the contradicting labels"
    return Check("duplicates", verdict, found, todo, {"exact": exact, "near": near, "conflicting": conflicting})


def check_overlap(table: AuditTable) -> Check:
    """Whether wallets or groups stand on both sides of the split."""
    if not table.groups:
        raise NotRunError("no address and no group is given; name their columns with --address and --group")
    shares = {group.name: _shared(group) for group in table.groups}
    verdicts = {group.name: _overlap_verdict(group, shares[group.name]) for group in table.groups}
    found = "; ".join(
        f"{name}: {percent(share)} of the test rows share one with training" for name, share in shares.items()
    )
    todo = "; ".join(f"{group.name}: {group.remedy}" for group in table.groups if verdicts[group.name] != "pass")
    return Check("group_overlap", worst(verdicts.values()), found, todo, shares)


def _overlap_verdict(group: SplitGroup, share: float) -> str:
    if group.tolerated:
        return "warn" if share >= thresholds.OVERLAP_AGAIN else "pass"
    return "fail" if share >= thresholds.OVERLAP_FAIL else "warn" if share > 0 else "pass"


def _shared(group: SplitGroup) -> float:
    if not len(group.test):
        return 0.0
    return float((np.isin(group.test, group.train) & (group.test >= 0)).mean())


def _graded(share: float, warn: float, fail: float) -> str:
    return "fail" if share >= fail else "warn" if share >= warn else "pass"


def _exact(table: AuditTable) -> float:
    """The share of the test rows that equal a training row of another wallet."""
    content, wallets = table.content, _wallets(table)
    train = pd.DataFrame({"row": content[table.train], "wallet": wallets[table.train]})
    test = pd.DataFrame({"row": content[table.test], "wallet": wallets[table.test]})
    copies = train.groupby("row").size()
    own = train.groupby(["row", "wallet"]).size()
    found = copies.reindex(test["row"]).fillna(0).to_numpy()
    same = own.reindex(pd.MultiIndex.from_frame(test)).fillna(0).to_numpy()
    return float((found > same).mean())


def _conflicting(table: AuditTable) -> int:
    """How many rows of both sides have an equal row with the other label."""
    rows = pd.DataFrame({"row": table.content[table.both], "y": table.y[table.both]})
    sides = rows.groupby("row")["y"].transform("nunique").to_numpy()
    return int(np.count_nonzero(sides > 1))


def _near(table: AuditTable) -> tuple[float, str]:
    """The share of test rows with a twin among the training rows, and how many rows were looked at.

    Rows are points of ranks (0–1, a missing value at −1); of the nearest training rows in Euclidean distance one must be within
    `_nearness` in every feature.
    """
    test, train = table.sample(table.test, thresholds.TWIN_TEST), table.sample(table.train, thresholds.TWIN_TRAIN)
    ranks = _ranks(table.X[table.varying].iloc[np.concatenate([train, test])])
    known, asked = ranks[: len(train)], ranks[len(train) :]
    count = min(NEIGHBOURS, len(train))
    nearest = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(known).kneighbors(asked, return_distance=False)
    apart = np.stack([np.abs(known[nearest[:, i]] - asked).max(axis=1) for i in range(count)], axis=1)
    wallets = _wallets(table)
    other = wallets[train][nearest] != wallets[test][:, None]
    near = _nearness(known)
    said = f"every feature within {percent(near)} of its ranks; {len(test):,} test rows against {len(train):,}"
    return float(((apart <= near) & other).any(axis=1).mean()), said


def _nearness(ranks: np.ndarray) -> float:
    """How near twins must be, at most `NEAR`: so near that by chance no more than `TWINS_BY_CHANCE` of the rows had one.

    By chance a row lies within ε of another in f independent features with probability (2ε)^f. How many are independent is the
    participation ratio of the ranks' covariance, (Σλ)² / Σλ² of its eigenvalues.
    """
    covariance = np.atleast_2d(np.cov(ranks, rowvar=False))
    free = np.trace(covariance) ** 2 / max(float(np.sum(covariance**2)), 1e-12)
    return min(thresholds.NEAR, 0.5 * (thresholds.TWINS_BY_CHANCE / len(ranks)) ** (1 / max(free, 1.0)))


def _ranks(X: pd.DataFrame) -> np.ndarray:
    """Each value's average rank among the values of its column, 0–1; of X's shape."""
    values = X.to_numpy(dtype=np.float64)
    present = np.maximum((~np.isnan(values)).sum(axis=0) - 1, 1)
    ranked = (rankdata(values, axis=0, nan_policy="omit") - 1) / present
    return np.where(np.isnan(values), _GONE, ranked)


def _wallets(table: AuditTable) -> np.ndarray:
    """Codes of the wallets; a row without an address is a wallet of its own."""
    alone = -2 - np.arange(len(table.y))
    return alone if table.wallets is None else np.where(table.wallets < 0, alone, table.wallets)
