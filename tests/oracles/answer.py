"""All features of one snapshot by the oracle. Gathers the families; holds no formula."""

from collections.abc import Iterable

import pandas as pd

from walletprint.features import catalogue

from .chain import Chain
from .families import activity, amounts, assets, cohort, counterparties, fees, flow, funding, structure, timing, value  # noqa: F401  each fills ORACLES
from .history import History
from .registry import ORACLES

WITHOUT_LABELS = tuple(declared for declared in catalogue() if "labels" not in declared.needs)
"""The features of a ledger without labels. Those of labels have an oracle of their own (`exposure.py`)."""


def oracle(
    transfers: Iterable[dict] | pd.DataFrame | Chain, wallet: str, as_of: pd.Timestamp, window_seconds: int | None
) -> dict[str, float]:
    """Every declared feature of one wallet as of one moment; a formula that is not defined takes the declared null.

    Of several snapshots of one table make one `Chain`: what it tells of other wallets is then found once.
    """
    chain = transfers if isinstance(transfers, Chain) else Chain(transfers)
    history = History(chain, wallet, int(as_of.timestamp()), window_seconds)
    return {declared.name: _answer(declared, history) for declared in WITHOUT_LABELS}


def _answer(declared, history: History) -> float:
    answer = ORACLES[declared.name](history) if history.entries else None
    return declared.null if answer is None else float(answer)
