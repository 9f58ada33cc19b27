"""The catalogue of behaviours: what launderers are known to do on-chain. Declarations refer to them by number.

They come from regulators' red flags, published cases and published feature sets. Computes nothing: features measure them.
"""

from typing import NamedTuple

NEEDS = {
    "T": "transfers",
    "M": "nonces and gas prices",
    "X": "a second chain",
    "L": "labels",
}
"""The data without which a behaviour cannot be seen."""


class Behaviour(NamedTuple):
    """One row of the catalogue.

    Attributes:
        number: of the row; declarations refer to it.
        name: what is done, in a few words.
        needs: keys of `NEEDS`, for the data without which it cannot be seen.
    """

    number: int
    name: str
    needs: str

    @property
    def needs_labels(self) -> bool:
        """Whether only labels ("this is a mixer") can show all of it; transfers alone may still show a part."""
        return "L" in self.needs


_ROWS = (
    (1, "money passed on fast", "T"),
    (2, "how long money stays", "T"),
    (3, "money kept", "T"),
    (4, "old money left to lie", "T"),
    (5, "silence, then a burst", "T"),
    (6, "new wallet, large sum", "T"),
    (7, "used once, then dropped", "T"),
    (8, "payments of one size", "T"),
    (9, "just below a round number", "T"),
    (10, "just below a reporting threshold", "T"),
    (11, "round amounts", "T"),
    (12, "waits between equal payments", "T"),
    (13, "fan-out and fan-in", "T"),
    (14, "even splits", "T"),
    (15, "gathered, then sent on whole", "T"),
    (16, "gather-scatter, scatter-gather", "T"),
    (17, "peel chains", "T"),
    (18, "money in circles", "T"),
    (19, "depth and speed of layers", "L"),
    (20, "stolen share of a balance", "L"),
    (21, "one sum handed on", "T"),
    (22, "use of mixers", "L"),
    (23, "batches into a mixer", "L"),
    (24, "spread right after a mixer", "L"),
    (25, "two ends of a mixer tied", "LM"),
    (26, "use of bridges", "L"),
    (27, "hops between chains", "X"),
    (28, "tokens turned into a native coin", "L"),
    (29, "flight from freezable assets", "L"),
    (30, "losses accepted", "L"),
    (31, "shared deposit addresses", "T"),
    (32, "several thefts meet", "L"),
    (33, "cash-out over OTC and P2P", "L"),
    (34, "near a sanctioned wallet", "L"),
    (35, "hours of work", "T"),
    (36, "bursts", "T"),
    (37, "run by a program", "TM"),
    (38, "siblings of one gas funder", "T"),
    (39, "receivers never paid before", "T"),
    (40, "high values, one after another", "T"),
    (41, "large first sum, soon gone", "T"),
    (42, "counterfeit tokens and loops", "L"),
    (43, "privacy assets", "L"),
    (44, "first digits", "T"),
)

BEHAVIOURS: dict[int, Behaviour] = {row[0]: Behaviour(*row) for row in _ROWS}
"""All of them, by number."""
