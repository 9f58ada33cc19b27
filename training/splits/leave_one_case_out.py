"""Leave one theft out: trained on all other cases, tested on one whole theft among matched background. Fits nothing.

What a model that learnt from some thefts is worth at the next one: a random split of one theft's wallets does not say, as its
wallets are run by one hand.
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
        wanted: how many background rows the ratio asks for. Fewer are in the test where no more match.
    """

    case: str
    train: np.ndarray
    test: np.ndarray
    role: np.ndarray
    wanted: int


class LeaveOneCaseOut(GroupedSplitter):
    """One fold a theft that has positives, in order of their names.

    Test of the fold of case C:

    - **case**: all snapshots of all wallets of C, whatever their outcome;
    - **hard** negatives: wallets of cases in which nobody is positive (for `state_linked`: thefts by others). Half of these
      cases are dealt to the test, whole, in order of the hash of their name and in turn from fold to fold, so that each is on
      either side in every other fold; where there is but one such case, half of its wallets are, by hash of the address. At
      most `ratio` rows for each positive one;
    - **background**: wallets of no case and never positive, from the share `held_out` by hash of the address, with dates
      between the first and the last of C's positives. For each of C's positive rows `ratio` of the same calendar quarter and
      the same bin of `transfers`, the first by hash of the address; all there are where they are fewer. None is taken from
      another quarter instead: dates would tell it from the case.

    Training: all other rows, but those of wallets in the test, of all wallets of hard cases dealt to the test, and of C's
    siblings (which are in neither). Other cases with positives stay in the training whole, as do background wallets that the
    test did not draw.

    Nothing is random, and time does not order the sides: the training may know later thefts. Take the rows before C for that.

    Args:
        siblings: addresses close to each case's wallets (`siblings_by_case`), {case: addresses}; None for none.
        ratio: background rows, and at most as many hard ones, for each positive row of the case; above 0.
        held_out: share of the background's wallets from which tests are drawn, 0–1; the others train in every fold.
        hard_negatives: deal them by whole `case`, by `address` (half of each case's wallets), or have `none` in the tests.
        bins: where bins of `transfers` begin, ascending; empty for no match on activity.
        cases: those to leave out, one a fold; None for all that have positives.
        min_wallets: cases with fewer positive wallets get no fold (they train in all).

    Columns of `groups`: address, as_of, case; transfers where there are `bins`. `y` is needed.
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
        """The number of folds, which hangs on `y` and `groups`."""
        return len(self._chosen(self._table(X, y, groups)))

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of the training and of the test rows of each fold (see `GroupedSplitter.split`)."""
        for fold in self.folds(y, groups, X):
            yield fold.train, fold.test

    def folds(self, y: Any, groups: Any, X: Any = None) -> Iterator[CaseFold]:
        """The folds with their names, and what each test row is there for. Raises UsageError as `split` does."""
        table = self._table(X, y, groups)
        for turn, case in enumerate(self._chosen(table)):
            yield self._fold(table, case, turn)

    def _table(self, X: Any, y: Any, groups: Any) -> "_Table":
        if self.hard_negatives not in ("case", "address", "none"):
            raise self._refuse(f"hard_negatives must be case, address or none, not {self.hard_negatives!r}")
        if not (self.ratio > 0 and 0 < self.held_out <= 1):
            raise self._refuse(
                f"ratio must be above 0 and held_out in (0, 1], not {self.ratio!r} and {self.held_out!r}"
            )
        told = self._told(X, groups, ["address", "as_of", "case"] + ["transfers"] * (len(self.bins) > 0))
        return _Table(told, checked_outcomes(y, len(told.wallet), type(self).__name__), self.bins)

    def _chosen(self, table: "_Table") -> list[int]:
        """The numbers of the cases to leave out."""
        positives = {name: int(n) for name, n in zip(table.told.cases, table.positive_wallets(), strict=True)}
        if self.cases is None:
            names = [name for name, n in positives.items() if n >= max(1, self.min_wallets)]
        else:
            names = sorted(set(self.cases))
        if unusable := [name for name in names if not positives.get(name)]:
            raise self._refuse(f"case {unusable[0]!r} has no positive row; it cannot be left out")
        if not names:
            raise self._refuse(f"no case has {max(1, self.min_wallets)} positive wallets (cases: {len(positives)})")
        return [table.told.cases.index(name) for name in names]

    def _fold(self, table: "_Table", case: int, turn: int) -> CaseFold:
        near = table.marked(normal_spelling(self._siblings().get(table.told.cases[case], ())))
        own, dealt = table.of_cases([case]), self._dealt(table, case, turn)
        wanted = np.flatnonzero((table.told.case == case) & (table.y == 1))
        near &= ~own
        hard = table.drawn(dealt & ~own & ~near)[: round(self.ratio * len(wanted))]
        quotas, background = table.matched(wanted, ~near & (table.luck < self.held_out), self.ratio)
        role = np.full(len(table.y), "", dtype=object)
        for name, rows in ((BACKGROUND, background), (HARD, hard), (CASE, own[table.told.wallet])):
            role[rows] = name
        kept_out = own | near | dealt | table.marked_rows(background)
        test, train = np.flatnonzero(role != ""), np.flatnonzero(~kept_out[table.told.wallet])
        self._check_fold(table, case, train, test)
        return CaseFold(table.told.cases[case], train, test, role[test], quotas)

    def _siblings(self) -> Mapping[str, Iterable[str]]:
        if self.siblings is None:
            return {}
        if not isinstance(self.siblings, Mapping) or any(isinstance(v, str) for v in self.siblings.values()):
            raise self._refuse("siblings must be a dict of case: addresses (siblings_by_case makes it)")
        return self.siblings

    def _dealt(self, table: "_Table", case: int, turn: int) -> np.ndarray:
        """The wallets of hard cases that must not train in this fold, as a mask by wallet."""
        hard = [c for c in table.hard_cases() if c != case]
        if self.hard_negatives == "none" or not hard:
            return np.zeros(len(table.luck), bool)
        if self.hard_negatives == "address" or len(hard) == 1:
            return table.of_cases(hard) & (table.luck < 0.5)
        luck = unit_hash([table.told.cases[c] for c in hard], _PURPOSE)
        return table.of_cases([hard[i] for place, i in enumerate(np.argsort(luck)) if (place + turn) % 2 == 0])

    def _check_fold(self, table: "_Table", case: int, train: np.ndarray, test: np.ndarray) -> None:
        name = table.told.cases[case]
        for side, rows in (("train on", train), ("test with", test)):
            for y, what in ((1, "positive"), (0, "negative")):
                if not (table.y[rows] == y).any():
                    raise self._refuse(
                        f"with case {name!r} left out no {what} row is left to {side}; add cases or background, "
                        "or name others in cases"
                    )


class _Table:
    """The rows, and what is known of each wallet; masks are by wallet, positions by row."""

    def __init__(self, told: SnapshotGroups, y: np.ndarray, bins: Sequence[float]) -> None:
        self.told, self.y = told, y
        wallets = len(told.addresses)
        self.luck = unit_hash(told.addresses, _PURPOSE)
        self.positive = np.bincount(told.wallet, weights=y, minlength=wallets) > 0
        self.plain = ~self.positive & (np.bincount(told.wallet, weights=told.case != NO_CASE, minlength=wallets) == 0)
        activity = np.searchsorted(np.asarray(bins, np.float64), told.transfers, side="right") if len(bins) else 0
        quarter = told.as_of.astype("datetime64[M]").astype(np.int64) // 3
        self.stratum = quarter * (len(bins) + 1) + activity
        self._order = np.lexsort((told.as_of, self.luck[told.wallet]))

    def positive_wallets(self) -> np.ndarray:
        """How many wallets with a positive row each case has."""
        rows = (self.told.case != NO_CASE) & (self.y == 1)
        pairs = np.unique(np.column_stack([self.told.case[rows], self.told.wallet[rows]]), axis=0)
        return np.bincount(pairs[:, 0], minlength=len(self.told.cases))

    def hard_cases(self) -> list[int]:
        """The cases of which no wallet is positive."""
        rows = self.told.case != NO_CASE
        positive = np.bincount(self.told.case[rows], weights=self.positive[self.told.wallet[rows]])
        return np.flatnonzero(positive == 0).tolist()

    def of_cases(self, cases: Iterable[int]) -> np.ndarray:
        return self.marked_rows(np.isin(self.told.case, list(cases)))

    def marked_rows(self, rows: np.ndarray) -> np.ndarray:
        """The wallets of some rows."""
        mask = np.zeros(len(self.told.addresses), bool)
        mask[self.told.wallet[rows]] = True
        return mask

    def marked(self, addresses: Iterable[str]) -> np.ndarray:
        known = set(addresses)
        return np.array([address in known for address in self.told.addresses], dtype=bool)

    def drawn(self, wallets: np.ndarray) -> np.ndarray:
        """The rows of some wallets in the order in which they are drawn: by hash of the address, then by date."""
        return self._order[wallets[self.told.wallet[self._order]]]

    def matched(self, wanted: np.ndarray, wallets: np.ndarray, ratio: float) -> tuple[int, np.ndarray]:
        """How many background rows `wanted` asks for, and those of some wallets that match: in each stratum the first drawn."""
        free = self.drawn(wallets & self.plain)
        free = free[np.isin(self.stratum[free], self.stratum[wanted]) & self._between(free, wanted)]
        quota: Any = np.ceil(pd.Series(self.stratum[wanted]).value_counts() * ratio - 1e-9)  # 0.1 · 30 is 3
        stratum = pd.Series(self.stratum[free])
        first = stratum.groupby(stratum).cumcount() < stratum.map(quota)
        return int(quota.sum()), free[first.to_numpy(dtype=bool)]

    def _between(self, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Which rows have a date between the first and the last of `wanted`."""
        as_of, span = self.told.as_of[rows], self.told.as_of[wanted]
        return (as_of >= span.min()) & (as_of <= span.max())
