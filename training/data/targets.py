"""Labels as training uses them: which wallets are positive or negative for a head, and since when.

Knows no transfers and no dates of a split; it is told by when a label must have been known. What a table of labels is, and
its reading, is `features/labels`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...features.labels.actors import actor_id
from ...features.labels.categories import IDS
from ...features.labels.table import COLUMNS, Labels, read_labels
from ..config.sections import ACTOR, LabelsConfig

__all__ = ["ACTOR", "CATEGORIES", "COLUMNS", "Labels", "Targets", "read_labels", "targets"]

CATEGORIES: tuple[str, ...] = IDS
SAID = ("category", "case", "source")


@dataclass(frozen=True)
class Targets:
    """Which wallets a head learns from.

    Attributes:
        marks: a row a label that counts: [address, y (0 or 1), known_from (UTC or NaT), category, case, source].
        counts: how many wallets are positive, negative, in conflict, ignored (by the config) and unlisted (in no list of it).
    """

    marks: pd.DataFrame
    counts: dict[str, int]

    def known_by(self, moment: pd.Timestamp | None) -> pd.Series:
        """y by address, from the labels known before `moment` (None: from all); a wallet that is both is left out."""
        marks = self.marks
        if moment is not None:
            marks = marks[marks["known_from"].isna() | (marks["known_from"] < moment)]
        sides = marks.groupby("address", sort=True)["y"].agg(["min", "max"])
        return sides.loc[sides["min"] == sides["max"], "min"].rename("y")

    def about(self, addresses: pd.Series) -> pd.DataFrame:
        """What the labels say of each address, whatever their date: [category, case, source], in the order of `addresses`.

        Of several labels the positive ones go first, then those with a case, then by text.
        """
        first = self.marks.sort_values(
            ["address", "y", "case", "category", "source"], ascending=[True, False, True, True, True]
        )
        said = first.drop_duplicates("address").set_index("address")[list(SAID)]
        return pd.DataFrame(said.reindex(addresses)).reset_index(drop=True)


def targets(labels: pd.DataFrame, config: LabelsConfig) -> Targets:
    """Mark the labels that are positive (1) or negative (0) under a config's lists; `actor:NAME` goes before a category."""
    side = _side_of_rows(labels, config)
    counted = side.isin(["positive", "negative"])
    told = labels.loc[counted].reindex(columns=["address", "known_from", *SAID])
    marks = told.assign(y=(side[counted] == "positive").astype(np.int8))
    wallets = {name: set(labels["address"][side == name]) for name in ("positive", "negative", "ignored", "unlisted")}
    used = wallets["positive"] | wallets["negative"]
    counts = {
        "positive": len(wallets["positive"] - wallets["negative"]),
        "negative": len(wallets["negative"] - wallets["positive"]),
        "conflict": len(wallets["positive"] & wallets["negative"]),
        "ignored": len(wallets["ignored"] - used),
        "unlisted": len(wallets["unlisted"] - used - wallets["ignored"]),
    }
    return Targets(marks[["address", "y", "known_from", *SAID]].reset_index(drop=True), counts)


def _side_of_rows(labels: pd.DataFrame, config: LabelsConfig) -> pd.Series:
    lists = {"positive": config.positive, "negative": config.negative, "ignored": config.ignored}
    by_category = {entry: side for side, entries in lists.items() for entry in entries if not entry.startswith(ACTOR)}
    by_actor = {
        _one_name(entry.removeprefix(ACTOR)): side
        for side, entries in lists.items()
        for entry in entries
        if entry.startswith(ACTOR)
    }
    by_name = {name: by_actor.get(_one_name(name)) for name in labels["actor"].dropna().unique()}
    sides = [
        by_name.get(actor) or by_category.get(category, "unlisted")
        for actor, category in zip(labels["actor"].tolist(), labels["category"].tolist(), strict=True)
    ]
    return pd.Series(sides, index=labels.index, dtype="str")


def _one_name(actor: str) -> str:
    """The id of an actor that is known by this name or alias, or the name itself without regard to case."""
    return actor_id(actor) or actor.strip().casefold()
