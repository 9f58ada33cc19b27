"""Which wallets are positive or negative for a head, and since when that is known.

Knows no transfers and no dates of a split: the caller says by when a label must have been known. `features/labels` reads tables
of labels.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from ...features.labels.categories import IDS
from ...features.labels.known_actors import actor_id
from ...features.labels.table import Labels, read_labels
from ..config.sections import ACTOR, LabelsConfig

__all__ = ["CATEGORIES", "Labels", "Targets", "read_labels"]  # the front door of training takes them from here

CATEGORIES: tuple[str, ...] = IDS
DETAILS = ("category", "case", "source")


@dataclass(frozen=True)
class Targets:
    """The wallets that a head learns from.

    Attributes:
        labels: one row per positive or negative label: [address, y (0 or 1), known_from (UTC or NaT), category, case, source].
        counts: how many wallets are positive, negative, in conflict, ignored (by the config) and unlisted (in no list of it).
    """

    labels: pd.DataFrame
    counts: dict[str, int]

    @classmethod
    def from_labels(cls, labels: pd.DataFrame, config: LabelsConfig) -> Self:
        """Sort labels by a config's lists. An entry `actor:NAME` overrides the category of that actor's labels."""
        side = _side_of_rows(labels, config)
        counted = side.isin(["positive", "negative"])
        table = labels.loc[counted].reindex(columns=["address", "known_from", *DETAILS])
        table = table.assign(y=(side[counted] == "positive").astype(np.int8))
        table = table[["address", "y", "known_from", *DETAILS]].reset_index(drop=True)
        return cls(table, _wallet_counts(labels["address"], side))

    def known_by(self, cutoff: pd.Timestamp | None) -> pd.Series:
        """y by address, from the labels known before `cutoff` (None: from all labels); a wallet that is both is left out."""
        labels = self.labels
        if cutoff is not None:
            labels = labels[labels["known_from"].isna() | (labels["known_from"] < cutoff)]
        sides = labels.groupby("address", sort=True)["y"].agg(["min", "max"])
        return sides.loc[sides["min"] == sides["max"], "min"].rename("y")

    def details_of(self, addresses: pd.Series) -> pd.DataFrame:
        """Category, case and source of each address's label, whatever its date: [category, case, source], in the given order.

        Among several labels positive ones come first, then those with a case, then alphabetical order.
        """
        first = self.labels.sort_values(
            ["address", "y", "case", "category", "source"], ascending=[True, False, True, True, True]
        )
        details = first.drop_duplicates("address").set_index("address")[list(DETAILS)]
        return pd.DataFrame(details.reindex(addresses)).reset_index(drop=True)


def _wallet_counts(addresses: Any, side: Any) -> dict[str, int]:
    wallets = {name: set(addresses[side == name]) for name in ("positive", "negative", "ignored", "unlisted")}
    used = wallets["positive"] | wallets["negative"]
    return {
        "positive": len(wallets["positive"] - wallets["negative"]),
        "negative": len(wallets["negative"] - wallets["positive"]),
        "conflict": len(wallets["positive"] & wallets["negative"]),
        "ignored": len(wallets["ignored"] - used),
        "unlisted": len(wallets["unlisted"] - used - wallets["ignored"]),
    }


def _side_of_rows(labels: pd.DataFrame, config: LabelsConfig) -> pd.Series:
    lists = {"positive": config.positive, "negative": config.negative, "ignored": config.ignored}
    by_category = {entry: side for side, entries in lists.items() for entry in entries if not entry.startswith(ACTOR)}
    by_actor = {
        _actor_key(entry.removeprefix(ACTOR)): side
        for side, entries in lists.items()
        for entry in entries
        if entry.startswith(ACTOR)
    }
    by_name = {name: by_actor.get(_actor_key(name)) for name in labels["actor"].dropna().unique()}
    sides = [
        by_name.get(actor) or by_category.get(category, "unlisted")
        for actor, category in zip(labels["actor"].tolist(), labels["category"].tolist(), strict=True)
    ]
    return pd.Series(sides, index=labels.index, dtype="str")


def _actor_key(name: str) -> str:
    """The id of the actor with this name or alias; for an unknown actor the name in lower case."""
    return actor_id(name) or name.strip().casefold()
