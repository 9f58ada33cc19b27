"""Which features tell criminals from others in more than one theft. Knows a table, outcomes, cases and dates; fits no model.

For every case, its wallets are ranked by each feature against the negatives of the same dates. A feature that tells one theft
apart and no other describes that theft (its amounts, its tools, its day), not laundering: it is dropped, by name.
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
"""Fewer cases than this say nothing about what holds across cases."""
STRONG = 0.2
"""|2 · AUC − 1| from which a feature tells a case apart (an AUC of 0.6, or 0.4)."""
SURE = 3.0
"""Standard errors by which it must do so, at as many wallets as the case has: many features are tried in many cases."""
OTHERS = 50_000
"""Negative snapshots that the cases are held against at most."""
ONE_SIDED = 2
"""How many times as many cases must point one way as the other."""


@dataclass(frozen=True)
class FeatureStability:
    """What holds across cases.

    Attributes:
        kept: the features to keep, in their order.
        table: a row a feature: [feature, kept, why, cases_up, cases_down, …and the strength in each case, 2 · AUC − 1, where the
            case's wallets rank 1 above all and −1 below all others]; empty if nothing was judged.
        said: in one line, what was done or why nothing was.
    """

    kept: tuple[str, ...]
    table: pd.DataFrame
    said: str


def select_cross_case_features(dataset: Dataset, slices: Slices) -> tuple[Dataset, FeatureStability]:
    """Judge the features on the training slice alone, and leave out of the dataset those that hold in one theft only.

    With fewer than three cases among its positives the dataset is returned as it is.

    Raises:
        DataError: if the disk has no room for the table that is left.
    """
    part = _judges(dataset, slices.train)
    shots = dataset.snapshots.iloc[part.rows]
    case = dataset.label_details["case"].iloc[part.rows]
    found = judge_stability(dataset.X.iloc[part.rows], part.y, case, shots["as_of"], shots["address"])
    if len(found.kept) == dataset.X.shape[1]:
        return dataset, found
    apart = dataset.unlabelled
    if apart is not None:
        apart = replace(apart, X=subtable(apart.X, columns=found.kept))
    return replace(dataset, X=subtable(dataset.X, columns=found.kept), unlabelled=apart), found


def _judges(dataset: Dataset, part: Slice) -> Slice:
    """The positives of cases, and at most `OTHERS` of the negatives, by hash."""
    own = dataset.label_details["case"].iloc[part.rows].notna().to_numpy() & (part.y == 1)
    others = Slice(part.rows[part.y == 0], part.y[part.y == 0])
    rows = np.sort(np.concatenate([part.rows[own], subsample(dataset, others, OTHERS).rows]))
    return Slice(rows, part.y[np.searchsorted(part.rows, rows)])


def judge_stability(
    X: pd.DataFrame, y: np.ndarray, case: pd.Series, as_of: pd.Series, wallet: pd.Series, least: int = CASES
) -> FeatureStability:
    """Judge each feature by how strongly, and to which side, it ranks each case's positives against negatives of their dates.

    A missing value ranks below all others. Within a date the strength is 2 · AUC − 1 (Mann & Whitney 1947), and the dates count
    by the case's snapshots. It tells the case apart if it is at least `STRONG`, and `SURE` standard errors of an AUC without
    association, √((m + n + 1) / 12mn) at m wallets of the case and n others.

    A feature is dropped if it tells one case apart, and neither another one nor all others together (their strengths weighted by
    1 / error²: small cases count for what they are); or if it tells some apart to one side and, compared with `ONE_SIDED`, too
    many to the other. One that tells no case apart is kept: it may still matter beside others, and cannot have learnt one theft.

    Args:
        X: (n, d) features.
        y: outcomes, 0 or 1, (n,).
        case: of each row, null for none, (n,); counts where y is 1.
        as_of: date of each row, (n,).
        wallet: of each row, (n,).
        least: cases that are needed.
    """
    names = tuple(str(name) for name in X.columns)
    cases = [one for one in _cases(y, case, as_of, wallet) if one.dates]
    if len(cases) < least:
        named = ", ".join(one.name for one in cases) or "none"
        needed = f"{least} cases with negatives of their dates are needed in training, not {len(cases)} ({named})"
        note = f"features.cross_case_features_only: {needed}; all features are kept"
        return FeatureStability(names, pd.DataFrame(), note)
    values = X.to_numpy(dtype=np.float64)
    strength = np.column_stack([one.strengths(values) for one in cases])
    table = pd.DataFrame([_judged(name, found, cases) for name, found in zip(names, strength, strict=True)])
    kept = tuple(table.loc[table["kept"], "feature"])
    dropped = len(names) - len(kept)
    return FeatureStability(
        kept, table, f"{dropped} of {len(names)} features hold in one of {len(cases)} cases only, or both ways"
    )


@dataclass(frozen=True)
class _Case:
    """A case: by date the rows of its positives and of the negatives beside them, and the wallets on either side."""

    name: str
    dates: list[tuple[np.ndarray, np.ndarray]]
    wallets: int
    others: int

    @property
    def error(self) -> float:
        """The standard error of 2 · AUC − 1 without association."""
        return 2 * float(np.sqrt((self.wallets + self.others + 1) / (12 * self.wallets * self.others)))

    def strengths(self, values: np.ndarray) -> np.ndarray:
        """Of each column, (d,)."""
        found = [_strengths(values[own], values[others]) for own, others in self.dates]
        return np.average(found, axis=0, weights=[len(own) for own, _ in self.dates])


def _cases(y: np.ndarray, case: pd.Series, as_of: pd.Series, wallet: pd.Series) -> Iterator[_Case]:
    names = case.where(np.asarray(y) == 1).to_numpy(dtype=object)
    date, who = pd.factorize(as_of)[0], wallet.to_numpy(dtype=object)
    negative = np.asarray(y) == 0
    beside = {day: np.flatnonzero(negative & (date == day)) for day in range(date.max(initial=-1) + 1)}
    for name in sorted({one for one in names if not pd.isna(one)}):
        own = np.flatnonzero(names == name)
        dates = [(own[date[own] == day], beside[day]) for day in np.unique(date[own]) if len(beside[day])]
        wallets, others = ({who[row] for pair in dates for row in pair[side]} for side in (0, 1))
        yield _Case(str(name), dates, len(wallets), len(others))


def _strengths(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """2 · AUC − 1 of each column, ties half, missing values lowest."""
    both = np.concatenate([own, others])
    ranks = rankdata(np.where(np.isnan(both), -np.inf, both), axis=0)
    m, n = len(own), len(others)
    return 2 * (ranks[:m].sum(axis=0) - m * (m + 1) / 2) / (m * n) - 1


def _judged(name: str, strength: np.ndarray, cases: list[_Case]) -> dict[str, object]:
    """The table's row of a feature."""
    error, names = np.array([one.error for one in cases]), [one.name for one in cases]
    sides = np.where(np.abs(strength) >= np.maximum(STRONG, SURE * error), np.sign(strength), 0)
    up, down = ([one for one, side in zip(names, sides, strict=True) if side == way] for way in (1, -1))
    kept, why = _verdict(up, down)
    if not kept and len(up) + len(down) == 1 and _holds_in_the_others(strength, error, sides):
        kept, why = True, f"{'high' if up else 'low'} in {(up or down)[0]}, and in the other cases together"
    row = {"feature": name, "kept": kept, "why": why, "cases_up": len(up), "cases_down": len(down)}
    return row | dict(zip(names, strength.tolist(), strict=True))


def _holds_in_the_others(strength: np.ndarray, error: np.ndarray, sides: np.ndarray) -> bool:
    """Whether the cases that are not told apart one by one are so together, to the side of the one that is."""
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
