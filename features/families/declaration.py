"""What a feature is: one small declared unit, from which documentation, reasons and tests are made.

Computes nothing; the kernels stand in `families/`, the list of all families in `catalogue.py`.
"""

import math
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

SHARE = "share"
SECONDS = "seconds"
DAYS = "days"
TRANSFERS = "transfers"
WALLETS = "wallets"
ASSET_UNITS = "units of the leading asset"
USD = "USD"
RATIO = "ratio"
FLAG = "flag"
HOPS = "hops"
TRANSACTIONS = "transactions"
ASSETS = "assets"
CHAINS = "chains"
THEFTS = "thefts"


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a wallet's transfers in one window.

    Attributes:
        name: `family__measure__parameter`; tells how the number was made.
        unit: one of the constants of this module.
        sentence: what the number is, as a noun phrase that reads on from "the wallet's …".
        formula: the exact definition, in the notation of `docs/guide.md`.
        source: where the idea comes from: a regulator, a published case or a paper.
        null: the value where the formula is not defined (`null_when`): NaN, or 0 for counts and totals.
        null_when: when that is; empty if never for a wallet with at least one transfer.
        era_safe: False if the number moves with the calendar (price level, fee level, absolute time).
        behaviour: the row of the catalogue of behaviours that it measures (`docs/features.md` lists them); None if none.
        needs: what it looks at besides the wallet's own transfers: parts of `chain/`, or columns that only some sources have.
    """

    name: str
    unit: str
    sentence: str
    formula: str
    source: str
    null: float = math.nan
    null_when: str = ""
    era_safe: bool = True
    behaviour: int | None = None
    needs: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The part of the name before the first double underscore."""
        return self.name.split("__", 1)[0]


def in_and_out(
    name: str, unit: str, sentence: str, formula: str, source: str, null_when: str, **options: Any
) -> tuple[Feature, Feature]:
    """The same feature for what came in and for what went out.

    In all texts `{side}` becomes in or out, `{x}` x_in or x_out, `{verb}` received or sent, `{who}` senders or receivers.
    """
    sides = (
        {"side": "in", "x": "x_in", "verb": "received", "who": "senders"},
        {"side": "out", "x": "x_out", "verb": "sent", "who": "receivers"},
    )

    def side_of(texts: dict[str, str]) -> Feature:
        named, said, defined, undefined = (text.format(**texts) for text in (name, sentence, formula, null_when))
        return Feature(named, unit, said, defined, source, null_when=undefined, **options)

    one, other = map(side_of, sides)
    return one, other


def positions(features: tuple[Feature, ...]) -> Any:
    """Where each feature of a family stands in its output: a named tuple, so that kernels write `out[AT.gap__median]`.

    Paired features (`in__…`, `out__…`) stand side by side: `out[AT.in__total + side]`.
    """
    names = [feature.name.split("__", 1)[1] for feature in features]
    return namedtuple("At", names)(*range(len(names)))
