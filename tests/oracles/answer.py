"""All features of one snapshot by the oracle. Gathers the families; holds no formula."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

import pandas as pd

from walletprint.features import catalogue

from . import families
from .chain import Chain
from .history import History
from .registry import ORACLES

for file in pkgutil.iter_modules(families.__path__, f"{families.__name__}."):
    import_module(file.name)  # each fills ORACLES

WITHOUT_LABELS = tuple(declared for declared in catalogue() if "labels" not in declared.needs)
"""The features of a ledger without labels. Those of labels have an oracle of their own (`exposure.py`)."""


def oracle(
    transfers: Iterable[dict] | pd.DataFrame | Chain, wallet: str, as_of: pd.Timestamp, window_seconds: int | None
) -> dict[str, float]:
    """Every declared feature of one wallet as of one date; a formula that is not defined takes the declared null.

    For several snapshots of one table make one `Chain`, which finds what it knows of other wallets once.
    """
    chain = transfers if isinstance(transfers, Chain) else Chain(transfers)
    history = History(chain, wallet, int(as_of.timestamp()), window_seconds)
    return {declared.name: _answer(declared, history) for declared in WITHOUT_LABELS}


def _answer(declared, history: History) -> float:
    answer = ORACLES[declared.name](history) if history.entries else None
    return declared.null if answer is None else float(answer)
