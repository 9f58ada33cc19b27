"""How loot is measured: by its worth when stolen, or in units of its one asset where no price is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..ledger.ledger import Ledger
from .loot_kernel import (  # fmt: skip
    GIVEN,
    GIVEN_WORTH,
    HELD,
    HELD_WORTH,
    IN,
    IN_WORTH,
    STOLEN,
    STOLEN_PRICED,
    STOLEN_WORTH,
)
from .loot_pass import FollowedLoot
from .services import SERVICE_KINDS

USD = "stolen_usd"


@dataclass(frozen=True, slots=True)
class LootMeasure:
    """The loot of one case in one measure.

    Attributes:
        measure: USD, an asset's name, or None if there is no price and more than one asset: then all are NaN.
        stolen: in all.
        rests: float64[pairs], what of it lies there.
        kept: float64[pairs], received, without what came back to its sender by a swap.
        returned: float64[pairs], received, and came back to its sender by a swap.
    """

    measure: str | None
    stolen: float
    rests: np.ndarray
    kept: np.ndarray
    returned: np.ndarray


def measure_of(ledger: Ledger, loot: FollowedLoot, k: int) -> LootMeasure:
    """The measure of the k-th case of a pass, and its loot in it."""
    amounts = loot.amounts[:, :, k]
    if np.any(amounts[:, STOLEN_PRICED] > 0):
        return LootMeasure(
            USD,
            float(amounts[:, STOLEN_WORTH].sum()),
            amounts[:, HELD_WORTH],
            amounts[:, IN_WORTH],
            amounts[:, GIVEN_WORTH],
        )
    assets = np.unique(loot.asset[(amounts[:, IN] > 0) | (amounts[:, STOLEN] > 0)])
    if len(assets) == 1:
        name, stolen = ledger.assets[int(assets[0])].as_py(), float(amounts[:, STOLEN].sum())
        return LootMeasure(name, stolen, amounts[:, HELD], amounts[:, IN] - amounts[:, GIVEN], amounts[:, GIVEN])
    nothing = np.full(len(amounts), np.nan)
    return LootMeasure(None, np.nan, nothing, nothing, nothing)


def shares_by_service(measure: LootMeasure, kind: np.ndarray) -> dict[str, float]:
    """The share of the loot that went through each kind of service; swaps count, though what they brought is followed on.

    Args:
        measure: of the case.
        kind: int8[pairs], positions in SERVICE_KINDS; −1: no service.
    """
    through = measure.kept + measure.returned
    return {name: ratio(through[kind == n].sum(), measure.stolen) for n, name in enumerate(SERVICE_KINDS)}


def prices_at(ledger: Ledger, as_of: pd.Timestamp) -> np.ndarray:
    """USD per unit of each asset: the mean price over the last day with priced transfers; NaN if no transfer has a price.

    Args:
        ledger: its transfers before `as_of` count.
        as_of: the date.
    """
    rows, prices = ledger.rows, np.full(len(ledger.assets), np.nan)
    if not rows.usd.size:
        return prices
    n = int(np.searchsorted(rows.time, np.ceil(as_of.timestamp())))
    good = np.flatnonzero(np.isfinite(rows.usd[:n]) & (rows.amount[:n] > 0))
    day, asset = rows.time[good] // 86400, rows.asset[good]
    last = np.full(len(prices), -1)
    np.maximum.at(last, asset, day)
    good = good[day == last[asset]]
    usd, amount = (np.bincount(rows.asset[good], column[good], len(prices)) for column in (rows.usd, rows.amount))
    return np.divide(usd, amount, out=prices, where=amount > 0)


def ratio(part: float, whole: float) -> float:
    """part ÷ whole; NaN where there is no whole."""
    return float(part / whole) if whole > 0 else np.nan


def timestamps_of(seconds: np.ndarray) -> pd.Series:
    """Seconds since 1970 UTC as timestamps; NaT where negative."""
    given = pd.Series(seconds).astype("float64").where(np.asarray(seconds) >= 0)
    return pd.to_datetime(given.astype("Int64"), unit="s", utc=True).astype("datetime64[us, UTC]")
