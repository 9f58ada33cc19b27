"""Which wallets are services as of a date, and of which kind. Follows nothing."""

import numpy as np
import pandas as pd

from ..labels.categories import CATEGORIES, IDS, SERVICES
from ..labels.table import active
from ..ledger.ledger import Ledger

MIXER, BRIDGE, EXCHANGE, OTC, DEX, OTHER = "mixer", "bridge", "exchange", "otc", "dex", "other"
SERVICE_KINDS = (MIXER, BRIDGE, EXCHANGE, OTC, DEX, OTHER)
"""The kinds of service at which loot leaves what can be followed; a deposit address of an exchange counts as the exchange."""
KIND_NAMES = np.array([*SERVICE_KINDS, None], dtype=object)
"""The names of kinds by number, None for −1."""

_FIRST = ("mixer", "bridge", "exchange", "exchange_deposit", "otc", "dex")
_PRECEDENCE = [
    *_FIRST,
    *(c.id for c in CATEGORIES if c.service and c.id not in _FIRST),
    *(i for i in IDS if i not in SERVICES),
]


def wallet_categories(ledger: Ledger, labels: pd.DataFrame | None, as_of: pd.Timestamp) -> np.ndarray:
    """The category of each wallet by the labels that stand at a date; of several categories a service's comes first.

    Args:
        ledger: whose wallets.
        labels: as `read_labels` gives them; None: none.
        as_of: labels known before it count, and none without `known_from`.

    Returns:
        int16[wallets], positions in IDS; −1: no label.
    """
    categories = np.full(len(ledger.addresses), -1, np.int16)
    if labels is not None and len(labels):
        known = active(labels, as_of)
        wallets = ledger.ids(known["address"])
        ranks = {id: k for k, id in enumerate(_PRECEDENCE)}
        rank = np.array([ranks[id] for id in known["category"]], np.int16)
        order = np.argsort(-rank, kind="stable")  # the first of the ranks is written last
        order = order[wallets[order] >= 0]
        categories[wallets[order]] = np.array([IDS.index(id) for id in _PRECEDENCE], np.int16)[rank[order]]
    return categories


def are_services(categories: np.ndarray) -> np.ndarray:
    """Which wallets are services, by `wallet_categories`; bool[wallets]."""
    return np.array([*(id in SERVICES for id in IDS), False])[categories]


def service_kinds(categories: np.ndarray) -> np.ndarray:
    """The kind of service of each wallet, by `wallet_categories`; int8[wallets], positions in SERVICE_KINDS, −1: no service."""
    kinds = {"exchange_deposit": EXCHANGE} | {kind: kind for kind in SERVICE_KINDS}
    numbers = [SERVICE_KINDS.index(kinds.get(id, OTHER)) if id in SERVICES else -1 for id in IDS]
    return np.array([*numbers, -1], np.int8)[categories]
