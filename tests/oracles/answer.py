"""All features of one snapshot by the oracle. Gathers the families; holds no formula."""

from collections.abc import Iterable

import pandas as pd

from walletprint.features import catalogue

from . import activity, amounts, counterparties, flow, timing, value  # noqa: F401  each fills ORACLES
from .history import History
from .registry import ORACLES


def oracle(
    transfers: Iterable[dict] | pd.DataFrame, wallet: str, as_of: pd.Timestamp, window_seconds: int | None
) -> dict[str, float]:
    """Every declared feature of one wallet as of one moment; a formula that is not defined takes the declared null."""
    rows = transfers.to_dict("records") if isinstance(transfers, pd.DataFrame) else transfers
    history = History(rows, wallet, int(as_of.timestamp()), window_seconds)
    return {declared.name: _answer(declared, history) for declared in catalogue()}


def _answer(declared, history: History) -> float:
    answer = ORACLES[declared.name](history) if history.entries else None
    return declared.null if answer is None else float(answer)
