"""Labels by wallet id, and which of them stand at a date. Arrays only: `exposure/attribution.py` makes them."""

from typing import NamedTuple

import numpy as np
import pandas as pd

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
"""The categories that exposure distinguishes, by group. The targets of training (laundering, state_linked) are in none."""


class AttributionIndex(NamedTuple):
    """The labels of a ledger's wallets that have a date, one entry per label.

    Attributes:
        wallet: int64, ids.
        group: int64, positions in GROUPS; −1: none of them.
        service: bool, whether taint stops there.
        case: int64, the number of the theft that it belongs to; −1: none.
        known_from, known_until: int64, seconds since 1970 UTC; a label stands at T if known_from < T < known_until.
        cases: the names of the thefts, by number.
        table: the labels as a table.
    """

    wallet: np.ndarray
    group: np.ndarray
    service: np.ndarray
    case: np.ndarray
    known_from: np.ndarray
    known_until: np.ndarray
    cases: tuple[str, ...]
    table: pd.DataFrame

    def standing_at(self, as_of: int) -> np.ndarray:
        """Which labels stand at a date, bool."""
        return (self.known_from < as_of) & (self.known_until > as_of)

    def epochs(self, as_of: np.ndarray) -> np.ndarray:
        """The same number for dates at which the same labels stand, int64, upwards with the dates."""
        begun = np.searchsorted(np.sort(self.known_from), as_of)
        ended = np.searchsorted(np.sort(self.known_until), as_of, side="right")
        return begun + ended

    def groups(self, standing: np.ndarray, wallets: int) -> np.ndarray:
        """The groups of each wallet by the labels that stand, one bit per group, uint8[wallets]."""
        bits = np.zeros(wallets, np.uint8)
        some = standing & (self.group >= 0)
        np.bitwise_or.at(bits, self.wallet[some], (1 << self.group[some]).astype(np.uint8))
        return bits

    def services(self, standing: np.ndarray, wallets: int) -> np.ndarray:
        """The wallets that are services by the labels that stand, bool[wallets]."""
        absorbs = np.zeros(wallets, bool)
        absorbs[self.wallet[standing & self.service]] = True
        return absorbs
