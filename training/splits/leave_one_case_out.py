"""Leave one theft out: train on all other cases, test on one whole theft among matched background wallets. Fits nothing.

It measures what a model that learnt from some thefts is worth for the next one. A random split of one theft's wallets cannot
measure that, because one actor runs them all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ..data.snapshots import unit_hash
from .split_groups import NO_CASE, GroupedSplitter, SnapshotGroups, checked_outcomes, normal_spelling

BINS = (3, 10, 30, 100, 300, 1000, 3000)
CASE, HARD, BACKGROUND = "case", "hard", "background"
_PURPOSE = "leave_one_case_out"


class CaseFold(NamedTuple):
    """One theft left out.

    Attributes:
        case: its name.
        train, test: positions of rows, int64, ascending.
        role: of each test row: `case`, `hard` (of another theft that is negative) or `background`; shape (len(test),).
        wanted: how many background rows the ratio asks for. The test has fewer if too few match.
    """

    case: str
    train: np.ndarray
    test: np.ndarray
    role: np.ndarray
    wanted: int


class LeaveOneCaseOut(GroupedSplitter):
    """One fold per theft with positives, in the order of their names.

    Test of the fold of case C:

    - **case**: all snapshots of all wallets of C, whatever their outcome;
    - **hard** negatives: wallets of cases without a positive wallet (for `state_linked`: thefts by others). Half of these cases
      are assigned to the test, whole, in the order of the hash of their name and alternating from fold to fold, so that each case
      is on either side in every other fold. If there is only one such case, half of its wallets are, by hash of the address. At
      most `ratio` rows per positive row;
    - **background**: wallets of no case and never positive, from the share `held_out` by hash of the address, with dates
      between the first and the last of C's positives. Each of C's positive rows gets `ratio` rows of the same calendar quarter
      and the same bin of `transfers`, the first by hash of the address, or all there are. No row of another quarter replaces a
      missing one: its date would give it away.

    Training: all other rows, except the wallets in the test, all wallets of hard cases assigned to the test, and C's siblings
    (which are on neither side). Other cases with positives stay in the training whole, and so do background wallets that the test
    did not select.

    Nothing is random, and time does not order the sides: the training may know later thefts. To avoid that, pass only the rows
    before C.

    Args:
        siblings: addresses close to each case's wallets (`siblings_by_case`), {case: addresses}; None for none.
        ratio: background rows per positive row of the case, and the maximum of hard ones; above 0.
        held_out: share of the background wallets that tests may select, 0–1; the others train in every fold.
        hard_negatives: assign them by whole `case`, by `address` (half of each case's wallets), or `none` to the tests.
        bins: lower bounds of the bins of `transfers`, ascending; empty for no match on activity.
        cases: the cases to leave out, one per fold; None for all with positives.
        min_wallets: cases with fewer positive wallets get no fold (they are in every training).

    Columns of `groups`: address, as_of, case; transfers if there are `bins`. `y` is needed.
    """

    def __init__(
        self,
        siblings: Mapping[str, Iterable[str]] | None = None,
        ratio: float = 10.0,
        held_out: float = 0.5,
        hard_negatives: Literal["case", "address", "none"] = "case",
        bins: Sequence[float] = BINS,
        cases: Sequence[str] | None = None,
        min_wallets: int = 1,
    ) -> None:
        self.siblings = siblings
        self.ratio = ratio
        self.held_out = held_out
        self.hard_negatives = hard_negatives
        self.bins = bins
        self.cases = cases
        self.min_wallets = min_wallets

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """The number of folds, which depends on `y` and `groups`."""
        return len(self._chosen(self._table(X, y, groups)))

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of the training and of the test rows of each fold (see `GroupedSplitter.split`)."""
        for fold in self.folds(y, groups, X):
            yield fold.train, fold.test

    def folds(self, y: Any, groups: Any, X: Any = None) -> Iterator[CaseFold]:
        """The folds with the name of their case and the role of each test row. Raises UsageError as `split` does."""
        table = self._table(X, y, groups)
        for turn, case in enumerate(self._chosen(table)):
            yield self._fold(table, case, turn)

    def _table(self, X: Any, y: Any, groups: Any) -> "_CaseTable":
        if self.hard_negatives not in ("case", "address", "none"):
            raise self._refuse(f"hard_negatives must be case, address or none, not {self.hard_negatives!r}")
        if not (self.ratio > 0 and 0 < self.held_out <= 1):
            raise self._refuse(
                f"ratio must be above 0 and held_out in (0, 1], not {self.ratio!r} and {self.held_out!r}"
            )
        snapshots = self._read(X, groups, ["address", "as_of", "case"] + ["transfers"] * (len(self.bins) > 0))
        return _CaseTable(snapshots, checked_outcomes(y, len(snapshots.wallet), type(self).__name__), self.bins)

    def _chosen(self, table: "_CaseTable") -> list[int]:
        """The numbers of the cases to leave out."""
        positives = {name: int(n) for name, n in zip(table.snapshots.cases, table.positive_wallets(), strict=True)}
        if self.cases is None:
            names = [name for name, n in positives.items() if n >= max(1, self.min_wallets)]
        else:
            names = sorted(set(self.cases))
        if unusable := [name for name in names if not positives.get(name)]:
            raise self._refuse(f"case {unusable[0]!r} has no positive row; it cannot be left out")
        if not names:
            raise self._refuse(f"no case has {max(1, self.min_wallets)} positive wallets (cases: {len(positives)})")
        return [table.snapshots.cases.index(name) for name in names]

    def _fold(self, table: "_CaseTable", case: int, turn: int) -> CaseFold:
        near = table.marked(normal_spelling(self._siblings().get(table.snapshots.cases[case], ())))
        own, dealt = table.of_cases([case]), self._dealt(table, case, turn)
        wanted = np.flatnonzero((table.snapshots.case == case) & (table.y == 1))
        near &= ~own
        hard = table.in_sampling_order(dealt & ~own & ~near)[: round(self.ratio * len(wanted))]
        quotas, background = table.matched(wanted, ~near & (table.hash_fraction < self.held_out), self.ratio)
        role = np.full(len(table.y), "", dtype=object)
        for name, rows in ((BACKGROUND, background), (HARD, hard), (CASE, own[table.snapshots.wallet])):
            role[rows] = name
        kept_out = own | near | dealt | table.marked_rows(background)
        test, train = np.flatnonzero(role != ""), np.flatnonzero(~kept_out[table.snapshots.wallet])
        self._check_fold(table, case, train, test)
        return CaseFold(table.snapshots.cases[case], train, test, role[test], quotas)

    def _siblings(self) -> Mapping[str, Iterable[str]]:
        if self.siblings is None:
            return {}
        if not isinstance(self.siblings, Mapping) or any(isinstance(v, str) for v in self.siblings.values()):
            raise self._refuse("siblings must be a dict of case: addresses (siblings_by_case makes it)")
        return self.siblings

    def _dealt(self, table: "_CaseTable", case: int, turn: int) -> np.ndarray:
        """The wallets of hard cases that must not train in this fold, as a mask by wallet."""
        hard = [c for c in table.hard_cases() if c != case]
        if self.hard_negatives == "none" or not hard:
            return np.zeros(len(table.hash_fraction), bool)
        if self.hard_negatives == "address" or len(hard) == 1:
            return table.of_cases(hard) & (table.hash_fraction < 0.5)
        hash_fraction = unit_hash([table.snapshots.cases[c] for c in hard], _PURPOSE)
        return table.of_cases([hard[i] for place, i in enumerate(np.argsort(hash_fraction)) if (place + turn) % 2 == 0])

    def _check_fold(self, table: "_CaseTable", case: int, train: np.ndarray, test: np.ndarray) -> None:
        name = table.snapshots.cases[case]
        for side, rows in (("train on", train), ("test with", test)):
            for y, what in ((1, "positive"), (0, "negative")):
                if not (table.y[rows] == y).any():
                    raise self._refuse(
                        f"with case {name!r} left out no {what} row is left to {side}; add cases or background, "
                        "or name others in cases"
                    )


class _CaseTable:
    """The rows, with facts about each wallet; masks are by wallet, positions by row."""

    def __init__(self, snapshots: SnapshotGroups, y: np.ndarray, bins: Sequence[float]) -> None:
        self.snapshots, self.y = snapshots, y
        wallets = len(snapshots.addresses)
        self.hash_fraction = unit_hash(snapshots.addresses, _PURPOSE)
        self.positive = np.bincount(snapshots.wallet, weights=y, minlength=wallets) > 0
        self.plain = ~self.positive & (
            np.bincount(snapshots.wallet, weights=snapshots.case != NO_CASE, minlength=wallets) == 0
        )
        activity = np.searchsorted(np.asarray(bins, np.float64), snapshots.transfers, side="right") if len(bins) else 0
        quarter = snapshots.as_of.astype("datetime64[M]").astype(np.int64) // 3
        self.stratum = quarter * (len(bins) + 1) + activity
        self._order = np.lexsort((snapshots.as_of, self.hash_fraction[snapshots.wallet]))

    def positive_wallets(self) -> np.ndarray:
        """The number of wallets with a positive row in each case."""
        rows = (self.snapshots.case != NO_CASE) & (self.y == 1)
        pairs = np.unique(np.column_stack([self.snapshots.case[rows], self.snapshots.wallet[rows]]), axis=0)
        return np.bincount(pairs[:, 0], minlength=len(self.snapshots.cases))

    def hard_cases(self) -> list[int]:
        """The cases without a positive wallet."""
        rows = self.snapshots.case != NO_CASE
        positive = np.bincount(self.snapshots.case[rows], weights=self.positive[self.snapshots.wallet[rows]])
        return np.flatnonzero(positive == 0).tolist()

    def of_cases(self, cases: Iterable[int]) -> np.ndarray:
        return self.marked_rows(np.isin(self.snapshots.case, list(cases)))

    def marked_rows(self, rows: np.ndarray) -> np.ndarray:
        """The wallets of some rows."""
        mask = np.zeros(len(self.snapshots.addresses), bool)
        mask[self.snapshots.wallet[rows]] = True
        return mask

    def marked(self, addresses: Iterable[str]) -> np.ndarray:
        known = set(addresses)
        return np.array([address in known for address in self.snapshots.addresses], dtype=bool)

    def in_sampling_order(self, wallets: np.ndarray) -> np.ndarray:
        """The rows of some wallets in sampling order: by hash of the address, then by date."""
        return self._order[wallets[self.snapshots.wallet[self._order]]]

    def matched(self, wanted: np.ndarray, wallets: np.ndarray, ratio: float) -> tuple[int, np.ndarray]:
        """How many background rows `wanted` needs, and the matching rows of some wallets: the first ones in each stratum."""
        free = self.in_sampling_order(wallets & self.plain)
        free = free[np.isin(self.stratum[free], self.stratum[wanted]) & self._between(free, wanted)]
        quota: Any = np.ceil(pd.Series(self.stratum[wanted]).value_counts() * ratio - 1e-9)  # 0.1 · 30 is 3
        stratum = pd.Series(self.stratum[free])
        first = stratum.groupby(stratum).cumcount() < stratum.map(quota)
        return int(quota.sum()), free[first.to_numpy(dtype=bool)]

    def _between(self, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Which rows have a date between the first and the last date of `wanted`."""
        as_of, span = self.snapshots.as_of[rows], self.snapshots.as_of[wanted]
        return (as_of >= span.min()) & (as_of <= span.max())
