"""Labels by wallet id, and which of them stood at a date: from a table of labels to the sources of a pass."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from ..categories import SERVICES
from .taint import Sources

if TYPE_CHECKING:
    from ..ledger import Ledger

GROUPS: dict[str, tuple[str, ...]] = {
    "sanctioned": ("sanctioned",),
    "theft": ("theft",),
    "mixer": ("mixer",),
    "fraud": ("scam", "phishing", "ponzi", "ransomware", "extortion", "darknet"),
    "exchange": ("exchange", "exchange_deposit"),
    "bridge": ("bridge",),
    "dex": ("dex",),
    "otc": ("otc",),
}
"""The categories that exposure tells apart, by group. Those of targets of training (laundering, state_linked) are in none."""
_OF = {category: number for number, group in enumerate(GROUPS.values()) for category in group}
_NEVER = np.iinfo(np.int64).max


class Book(NamedTuple):
    """The labels of a ledger's wallets that have a date, a row a label.

    Attributes:
        wallet: int64, ids.
        group: int64, places in GROUPS; −1: none of them.
        service: bool, whether taint stops there.
        case: int64, the number of the theft that it belongs to; −1: none.
        known_from, known_until: int64, seconds since 1970 UTC; it stands at T if known_from < T < known_until.
        cases: the names of the thefts, by number.
        table: the labels themselves.
    """

    wallet: np.ndarray
    group: np.ndarray
    service: np.ndarray
    case: np.ndarray
    known_from: np.ndarray
    known_until: np.ndarray
    cases: tuple[str, ...]
    table: pd.DataFrame

    def stand(self, as_of: int) -> np.ndarray:
        """Which labels stand at a date, bool."""
        return (self.known_from < as_of) & (self.known_until > as_of)

    def epochs(self, as_of: np.ndarray) -> np.ndarray:
        """The same number for dates at which the same labels stand, int64, upwards with the dates."""
        begun = np.searchsorted(np.sort(self.known_from), as_of)
        ended = np.searchsorted(np.sort(self.known_until), as_of, side="right")
        return begun + ended

    def sources(self, standing: np.ndarray, wallets: int) -> Sources:
        """The groups as sources of a pass, by the labels that stand."""
        some = standing & (self.group >= 0)
        return Sources(tuple(GROUPS), self.wallet[some], self.group[some], self._services(standing, wallets))

    def thefts(self, standing: np.ndarray, wallets: int) -> Sources:
        """The thefts as sources of a pass, a column a case, by the labels that stand."""
        some = standing & (self.case >= 0)
        return Sources(self.cases, self.wallet[some], self.case[some], self._services(standing, wallets))

    def groups(self, standing: np.ndarray, wallets: int) -> np.ndarray:
        """The groups of each wallet by the labels that stand, a bit a group, uint8[wallets]."""
        bits = np.zeros(wallets, np.uint8)
        some = standing & (self.group >= 0)
        np.bitwise_or.at(bits, self.wallet[some], (1 << self.group[some]).astype(np.uint8))
        return bits

    def _services(self, standing: np.ndarray, wallets: int) -> np.ndarray:
        absorbs = np.zeros(wallets, bool)
        absorbs[self.wallet[standing & self.service]] = True
        return absorbs


def labelled(ledger: Ledger, labels: pd.DataFrame) -> Ledger:
    """The same ledger, with labels: extraction from it gives the features of family exposure, too.

    Args:
        ledger: the transfers; itself stays as it is.
        labels: as `book_of` takes them.
    """
    found = copy(ledger)
    found.book = book_of(ledger, labels)
    return found


def book_of(ledger: Ledger, labels: pd.DataFrame) -> Book:
    """The labels of a ledger's wallets; those without `known_from` are left out, as nobody can say when they could be known.

    Args:
        ledger: the transfers.
        labels: a table as `features.labels.read_labels` gives it.
    """
    dated = labels[labels["known_from"].notna().to_numpy()]
    wallet = ledger.ids(pd.Series(dated["address"]))
    here = wallet >= 0
    dated, wallet = dated.loc[here], wallet[here]
    category = dated["category"]
    named = dated["case"].where((category == "theft").to_numpy() & dated["case"].notna().to_numpy())
    cases, names = pd.factorize(named, sort=True)
    return Book(
        wallet=wallet,
        group=category.map(_OF).fillna(-1).to_numpy(np.int64),
        service=category.isin(SERVICES).to_numpy(),
        case=cases.astype(np.int64),
        known_from=_seconds(dated["known_from"]),
        known_until=np.where(dated["known_until"].notna(), _seconds(dated["known_until"].dt.ceil("s")), _NEVER),
        cases=tuple(map(str, names)),
        table=pd.DataFrame(dated).reset_index(drop=True),
    )


def _seconds(moments: pd.Series) -> np.ndarray:
    return moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)
