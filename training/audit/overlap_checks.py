"""The checks of overlap: whether test rows, their wallets or their groups are in the training rows too."""

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors

from . import thresholds
from .audit_report import Check, NotRunError, percent, worst
from .audit_table import AuditTable, SplitGroup

NEIGHBOURS = 5
"""How many of the nearest rows are compared: the very nearest may belong to the same wallet."""
_MISSING_RANK = -1.0  # far from every rank (0–1): missing is a case of its own


def check_duplicates(table: AuditTable) -> Check:
    """Whether test rows equal training rows, or nearly so. Rows of the same wallet are left to `check_overlap`."""
    table.need_rows()
    distinct_share = np.unique(table.content[table.both]).size / len(table.both)
    if distinct_share < thresholds.COARSE:
        raise NotRunError(
            f"only {percent(distinct_share)} of the rows differ from each other; equal rows say nothing here"
        )
    exact, (near, scope) = _equal_share(table), _near_equal_share(table)
    conflicting = _conflicting_rows(table)
    verdict = worst(
        [
            _graded(exact, thresholds.EXACT_WARN, thresholds.EXACT_FAIL),
            _graded(near, thresholds.NEAR_WARN, thresholds.NEAR_FAIL),
        ]
    )
    found = (
        f"{percent(exact)} of the test rows equal a row trained on; {percent(near)} do so nearly ({scope}); "
        f"{conflicting:,} rows have an equal one with the other label"
    )
    todo = "drop repeated rows, or put all copies on one side; look at why they repeat" if verdict != "pass" else ""
    if conflicting and verdict != "pass":
        todo += "; settle the contradicting labels"
    return Check("duplicates", verdict, found, todo, {"exact": exact, "near": near, "conflicting": conflicting})


def check_overlap(table: AuditTable) -> Check:
    """Whether wallets or groups are on both sides of the split."""
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


def _equal_share(table: AuditTable) -> float:
    """The share of the test rows that equal a training row of another wallet."""
    content, wallets = table.content, _wallet_codes(table)
    train = pd.DataFrame({"row": content[table.train], "wallet": wallets[table.train]})
    test = pd.DataFrame({"row": content[table.test], "wallet": wallets[table.test]})
    copies_trained = train.groupby("row").size()
    copies_of_wallet = train.groupby(["row", "wallet"]).size()
    all_copies = copies_trained.reindex(test["row"]).fillna(0).to_numpy()
    copies_here = copies_of_wallet.reindex(pd.MultiIndex.from_frame(test)).fillna(0).to_numpy()
    return float((all_copies > copies_here).mean())


def _conflicting_rows(table: AuditTable) -> int:
    """How many rows of both sides have an equal row with the other label."""
    rows = pd.DataFrame({"row": table.content[table.both], "y": table.y[table.both]})
    sides = rows.groupby("row")["y"].transform("nunique").to_numpy()
    return int(np.count_nonzero(sides > 1))


def _near_equal_share(table: AuditTable) -> tuple[float, str]:
    """The share of test rows with a twin among the training rows, and how many rows were compared.

    A row is a point of ranks (0–1, a missing value at −1). A twin is one of the nearest training rows in Euclidean distance
    that is within `_nearness` in every feature.
    """
    test, train = table.sample(table.test, thresholds.TWIN_TEST), table.sample(table.train, thresholds.TWIN_TRAIN)
    ranks = _ranks(table.X[table.varying].iloc[np.concatenate([train, test])])
    train_ranks, test_ranks = ranks[: len(train)], ranks[len(train) :]
    neighbours = min(NEIGHBOURS, len(train))
    nearest = (
        NearestNeighbors(n_neighbors=neighbours, algorithm="brute")
        .fit(train_ranks)
        .kneighbors(test_ranks, return_distance=False)
    )
    distance = np.stack(
        [np.abs(train_ranks[nearest[:, i]] - test_ranks).max(axis=1) for i in range(neighbours)], axis=1
    )
    wallets = _wallet_codes(table)
    other_wallet = wallets[train][nearest] != wallets[test][:, None]
    nearness = _nearness(train_ranks)
    scope = f"every feature within {percent(nearness)} of its ranks; {len(test):,} test rows against {len(train):,}"
    return float(((distance <= nearness) & other_wallet).any(axis=1).mean()), scope


def _nearness(ranks: np.ndarray) -> float:
    """How near twins must be: at most `NEAR`, and so near that at most `TWINS_BY_CHANCE` of the rows have one by chance.

    By chance a row lies within ε of another in f independent features with probability (2ε)^f. The number of independent
    features is the participation ratio of the ranks' covariance, (Σλ)² / Σλ² of its eigenvalues.
    """
    covariance = np.atleast_2d(np.cov(ranks, rowvar=False))
    free = np.trace(covariance) ** 2 / max(float(np.sum(covariance**2)), 1e-12)
    return min(thresholds.NEAR, 0.5 * (thresholds.TWINS_BY_CHANCE / len(ranks)) ** (1 / max(free, 1.0)))


def _ranks(X: pd.DataFrame) -> np.ndarray:
    """Each value's average rank among the values of its column, 0–1; of X's shape."""
    values = X.to_numpy(dtype=np.float64)
    present = np.maximum((~np.isnan(values)).sum(axis=0) - 1, 1)
    ranked = (rankdata(values, axis=0, nan_policy="omit") - 1) / present
    return np.where(np.isnan(values), _MISSING_RANK, ranked)


def _wallet_codes(table: AuditTable) -> np.ndarray:
    """Codes of the wallets. Each row without an address counts as a wallet of its own."""
    alone = -2 - np.arange(len(table.y))
    return alone if table.wallets is None else np.where(table.wallets < 0, alone, table.wallets)
