"""What a feature is: one small declared unit, from which documentation, reasons and tests are made.

Computes nothing. The family files hold the kernels, and `registry.py` lists the families.
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
        sentence: what the number is, as a noun phrase that continues "the wallet's …".
        formula: the exact definition, in the notation of `docs/guide.md`.
        source: where the idea comes from: a regulator, a published case or a paper.
        null: the value where the formula is not defined (`null_when`): NaN, or 0 for counts and totals.
        null_when: when that is; empty if never for a wallet with at least one transfer.
        era_safe: False if the number moves with the calendar (price level, fee level, absolute time).
        behaviour: the row of the catalogue of behaviours (`behaviours.py`) that it measures; None if none.
        needs: what it looks at besides the wallet's own transfers: parts of `chain/`, or columns that only some sources have.
        wallet_rows_only: True if it reads parts of `chain/`, but only what they hold of the wallet's own transfers.
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
    wallet_rows_only: bool = False

    @property
    def family(self) -> str:
        """The part of the name before the first double underscore."""
        return self.name.split("__", 1)[0]

    @property
    def needs_labels(self) -> bool:
        """Whether it is defined only where wallets have labels. A model sees these only where its config names them."""
        return "labels" in self.needs

    @property
    def self_contained(self) -> bool:
        """Whether the wallet's own transfers are enough to compute it exactly, without the rest of the chain."""
        return self.wallet_rows_only or set(self.needs) <= {"tx", "chain"}


def in_and_out(
    name: str, unit: str, sentence: str, formula: str, source: str, null_when: str, **options: Any
) -> tuple[Feature, Feature]:
    """The same feature for incoming and for outgoing transfers.

    In all texts `{side}` becomes in or out, `{x}` x_in or x_out, `{verb}` received or sent, `{who}` senders or receivers.
    """
    sides = (
        {"side": "in", "x": "x_in", "verb": "received", "who": "senders"},
        {"side": "out", "x": "x_out", "verb": "sent", "who": "receivers"},
    )

    def feature_of(words: dict[str, str]) -> Feature:
        texts = [text.format(**words) for text in (name, sentence, formula, null_when)]
        return Feature(texts[0], unit, texts[1], texts[2], source, null_when=texts[3], **options)

    incoming, outgoing = map(feature_of, sides)
    return incoming, outgoing


def positions(features: tuple[Feature, ...]) -> Any:
    """The column of each feature in the output of its family, as a named tuple: kernels write `out[COLUMN.gap__median]`.

    Paired features (`in__…`, `out__…`) stand side by side: `out[COLUMN.in__total + side]`.
    """
    names = [feature.name.split("__", 1)[1] for feature in features]
    return namedtuple("Column", names)(*range(len(names)))
