"""From a table of labels to a ledger's attribution index, and from that index to the sources of a pass."""

from copy import copy

import numpy as np
import pandas as pd

from ..labels.categories import SERVICES
from ..ledger.attribution import GROUPS, AttributionIndex
from ..ledger.ledger import Ledger
from .taint_pass import TaintSources

_GROUP_NUMBERS = {category: number for number, group in enumerate(GROUPS.values()) for category in group}
_NEVER = np.iinfo(np.int64).max


def with_attribution(ledger: Ledger, labels: pd.DataFrame) -> Ledger:
    """The same ledger with labels: extraction from it also gives the features of family exposure.

    Args:
        ledger: the transfers; it is not changed.
        labels: as `attribution_of` takes them.
    """
    labelled = copy(ledger)
    labelled.attribution = attribution_of(ledger, labels)
    return labelled


def attribution_of(ledger: Ledger, labels: pd.DataFrame) -> AttributionIndex:
    """The labels of a ledger's wallets that have a `known_from`: for the others nobody can say when they could be known.

    Args:
        ledger: the transfers.
        labels: a table as `features.labels.read_labels` gives it.
    """
    dated = labels[labels["known_from"].notna().to_numpy()]
    wallet = ledger.ids(pd.Series(dated["address"]))
    seen = wallet >= 0
    dated, wallet = dated.loc[seen], wallet[seen]
    category = dated["category"]
    named = dated["case"].where((category == "theft").to_numpy() & dated["case"].notna().to_numpy())
    cases, names = pd.factorize(named, sort=True)
    return AttributionIndex(
        wallet=wallet,
        group=category.map(_GROUP_NUMBERS).fillna(-1).to_numpy(np.int64),
        service=category.isin(SERVICES).to_numpy(),
        case=cases.astype(np.int64),
        known_from=_seconds(dated["known_from"]),
        known_until=np.where(dated["known_until"].notna(), _seconds(dated["known_until"].dt.ceil("s")), _NEVER),
        cases=tuple(map(str, names)),
        table=pd.DataFrame(dated).reset_index(drop=True),
    )


def group_sources(index: AttributionIndex, standing: np.ndarray, wallets: int) -> TaintSources:
    """The groups as sources of a pass, by the labels that stand."""
    used = standing & (index.group >= 0)
    return TaintSources(tuple(GROUPS), index.wallet[used], index.group[used], index.services(standing, wallets))


def theft_sources(index: AttributionIndex, standing: np.ndarray, wallets: int) -> TaintSources:
    """The thefts as sources of a pass, one column per case, by the labels that stand."""
    used = standing & (index.case >= 0)
    return TaintSources(index.cases, index.wallet[used], index.case[used], index.services(standing, wallets))


def _seconds(timestamps: pd.Series) -> np.ndarray:
    return timestamps.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[s]").astype(np.int64)
