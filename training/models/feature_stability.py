"""Which features separate criminals from others in more than one theft. Fits no model.

For each case, each feature ranks the case's wallets against the negatives of the same dates. A feature that separates a single
theft describes that theft (its amounts, its tools, its day) and not laundering. It is dropped, by name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..data.dataset import Dataset
from ..data.large_matrix import subtable
from ..splits.time_split import Slice, Slices, subsample

CASES = 3
"""Minimum number of cases: fewer say nothing about what holds across cases."""
STRONG = 0.2
"""Minimum |2 · AUC − 1| of a feature that separates a case (an AUC of 0.6, or 0.4)."""
SURE = 3.0
"""Minimum strength in standard errors of the case. It is high because many features are tried in many cases."""
OTHERS = 50_000
"""Maximum number of negative snapshots that the cases are compared with."""
ONE_SIDED = 2
"""Minimum ratio of the cases on one side to the cases on the other side."""


@dataclass(frozen=True)
class FeatureStability:
    """The features that hold across cases.

    Attributes:
        kept: the features to keep, in their order.
        table: one row per feature: [feature, kept, why, cases_up, cases_down, …and the strength in each case, 2 · AUC − 1: 1 if
            the case's wallets rank above all others, −1 if below]; empty if nothing was judged.
        note: in one line, what was done, or why nothing was.
    """

    kept: tuple[str, ...]
    table: pd.DataFrame
    note: str


def select_cross_case_features(dataset: Dataset, slices: Slices) -> tuple[Dataset, FeatureStability]:
    """Judge the features on the training slice alone, and drop those that hold in one theft only.

    With fewer than three cases among the positives the dataset is returned unchanged.

    Raises:
        DataError: if the disk has no room for the smaller table.
    """
    part = _comparison_rows(dataset, slices.train)
    shots = dataset.snapshots.iloc[part.rows]
    case = dataset.label_details["case"].iloc[part.rows]
    stability = judge_stability(dataset.X.iloc[part.rows], part.y, case, shots["as_of"], shots["address"])
    if len(stability.kept) == dataset.X.shape[1]:
        return dataset, stability
    unlabelled = dataset.unlabelled
    if unlabelled is not None:
        unlabelled = replace(unlabelled, X=subtable(unlabelled.X, columns=stability.kept))
    return replace(dataset, X=subtable(dataset.X, columns=stability.kept), unlabelled=unlabelled), stability


def _comparison_rows(dataset: Dataset, part: Slice) -> Slice:
    """The positives of cases, and at most `OTHERS` of the negatives, by hash."""
    own = dataset.label_details["case"].iloc[part.rows].notna().to_numpy() & (part.y == 1)
    others = Slice(part.rows[part.y == 0], part.y[part.y == 0])
    rows = np.sort(np.concatenate([part.rows[own], subsample(dataset, others, OTHERS).rows]))
    return Slice(rows, part.y[np.searchsorted(part.rows, rows)])


def judge_stability(
    X: pd.DataFrame, y: np.ndarray, case: pd.Series, as_of: pd.Series, wallet: pd.Series, least: int = CASES
) -> FeatureStability:
    """Judge each feature by how strongly, and to which side, it ranks each case's positives against negatives of their dates.

    A missing value ranks below all others. Within a date the strength is 2 · AUC − 1 (Mann & Whitney 1947); dates are weighted by
    the case's snapshots. A feature separates a case if its strength is at least `STRONG`, and at least `SURE` standard errors of
    an AUC without association: √((m + n + 1) / 12mn), where m is the number of the case's wallets and n that of the others.

    A feature is dropped if it separates one case only, and does not separate all other cases together either (their strengths
    weighted by 1 / error², so that small cases count less). It is also dropped if it ranks some cases high and some low, and the
    larger side has fewer than `ONE_SIDED` times the cases of the smaller. A feature that separates no case is kept: it may help
    together with others, and cannot have learnt a single theft.

    Args:
        X: (n, d) features.
        y: outcomes, 0 or 1, (n,).
        case: the case of each row, null for none, (n,); used where y is 1.
        as_of: the date of each row, (n,).
        wallet: the wallet of each row, (n,).
        least: the minimum number of cases.
    """
    names = tuple(str(name) for name in X.columns)
    cases = [case_rows for case_rows in _cases(y, case, as_of, wallet) if case_rows.dates]
    if len(cases) < least:
        named = ", ".join(case_rows.name for case_rows in cases) or "none"
        needed = f"{least} cases with negatives of their dates are needed in training, not {len(cases)} ({named})"
        note = f"features.cross_case_features_only: {needed}; all features are kept"
        return FeatureStability(names, pd.DataFrame(), note)
    values = X.to_numpy(dtype=np.float64)
    strength = np.column_stack([case_rows.strengths(values) for case_rows in cases])
    table = pd.DataFrame([_judged(name, strengths, cases) for name, strengths in zip(names, strength, strict=True)])
    kept = tuple(table.loc[table["kept"], "feature"])
    dropped = len(names) - len(kept)
    return FeatureStability(
        kept, table, f"{dropped} of {len(names)} features hold in one of {len(cases)} cases only, or both ways"
    )


@dataclass(frozen=True)
class _CaseRows:
    """A case: per date the rows of its positives and of the negatives to compare with, and the wallets on either side."""

    name: str
    dates: list[tuple[np.ndarray, np.ndarray]]
    wallets: int
    others: int

    @property
    def error(self) -> float:
        """The standard error of 2 · AUC − 1 without association."""
        return 2 * float(np.sqrt((self.wallets + self.others + 1) / (12 * self.wallets * self.others)))

    def strengths(self, values: np.ndarray) -> np.ndarray:
        """The strength of each column, (d,)."""
        strengths = [_strengths(values[inside], values[others]) for inside, others in self.dates]
        return np.average(strengths, axis=0, weights=[len(inside) for inside, _ in self.dates])


def _cases(y: np.ndarray, case: pd.Series, as_of: pd.Series, wallet: pd.Series) -> Iterator[_CaseRows]:
    names = case.where(np.asarray(y) == 1).to_numpy(dtype=object)
    date, who = pd.factorize(as_of)[0], wallet.to_numpy(dtype=object)
    negative = np.asarray(y) == 0
    negatives = {day: np.flatnonzero(negative & (date == day)) for day in range(date.max(initial=-1) + 1)}
    for name in sorted({name for name in names if not pd.isna(name)}):
        rows = np.flatnonzero(names == name)
        dates = [(rows[date[rows] == day], negatives[day]) for day in np.unique(date[rows]) if len(negatives[day])]
        wallets, others = ({who[row] for pair in dates for row in pair[side]} for side in (0, 1))
        yield _CaseRows(str(name), dates, len(wallets), len(others))


def _strengths(inside: np.ndarray, others: np.ndarray) -> np.ndarray:
    """2 · AUC − 1 of each column, ties half, missing values lowest."""
    both = np.concatenate([inside, others])
    ranks = rankdata(np.where(np.isnan(both), -np.inf, both), axis=0)
    m, n = len(inside), len(others)
    return 2 * (ranks[:m].sum(axis=0) - m * (m + 1) / 2) / (m * n) - 1


def _judged(name: str, strength: np.ndarray, cases: list[_CaseRows]) -> dict[str, object]:
    """The row of a feature in the table."""
    error, names = np.array([case.error for case in cases]), [case.name for case in cases]
    sides = np.where(np.abs(strength) >= np.maximum(STRONG, SURE * error), np.sign(strength), 0)
    up, down = ([name for name, side in zip(names, sides, strict=True) if side == way] for way in (1, -1))
    kept, why = _verdict(up, down)
    if not kept and len(up) + len(down) == 1 and _holds_in_the_others(strength, error, sides):
        kept, why = True, f"{'high' if up else 'low'} in {(up or down)[0]}, and in the other cases together"
    row = {"feature": name, "kept": kept, "why": why, "cases_up": len(up), "cases_down": len(down)}
    return row | dict(zip(names, strength.tolist(), strict=True))


def _holds_in_the_others(strength: np.ndarray, error: np.ndarray, sides: np.ndarray) -> bool:
    """Whether the feature separates the other cases together, in the direction of the one that it separates alone."""
    weight = (sides == 0) / error**2
    together = sides.sum() * (weight @ strength) / weight.sum()
    return bool(together >= max(STRONG, SURE / np.sqrt(weight.sum())))


def _verdict(up: list[str], down: list[str]) -> tuple[bool, str]:
    fewer, more = sorted((up, down), key=len)
    if not more:
        return True, "tells no case apart by itself"
    if not fewer and len(more) == 1:
        return False, f"holds in {more[0]} only"
    if len(more) < ONE_SIDED * len(fewer):
        return False, f"high in {', '.join(up)} and low in {', '.join(down)}"
    side = "high" if more is up else "low"
    return True, f"{side} in {len(more)} cases" + (f", the other way in {', '.join(fewer)}" if fewer else "")
