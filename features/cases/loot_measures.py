"""What loot is measured by: what it was worth when stolen, or, where no price is known, units of the one asset it consists of."""

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
        measure: USD, an asset's name, or None where neither a price nor one asset alone is there: then all are NaN.
        stolen: in all.
        rests: float64[pairs], what of it lies there.
        came: float64[pairs], what of it was received and did not come back to its sender by a swap.
        back: float64[pairs], what was received and did.
    """

    measure: str | None
    stolen: float
    rests: np.ndarray
    came: np.ndarray
    back: np.ndarray


def measure_of(ledger: Ledger, found: FollowedLoot, k: int) -> LootMeasure:
    """The measure of the k-th case of a pass, and its loot in it."""
    of = found.amounts[:, :, k]
    if np.any(of[:, STOLEN_PRICED] > 0):
        return LootMeasure(
            USD, float(of[:, STOLEN_WORTH].sum()), of[:, HELD_WORTH], of[:, IN_WORTH], of[:, GIVEN_WORTH]
        )
    assets = np.unique(found.asset[(of[:, IN] > 0) | (of[:, STOLEN] > 0)])
    if len(assets) == 1:
        name, stolen = ledger.assets[int(assets[0])].as_py(), float(of[:, STOLEN].sum())
        return LootMeasure(name, stolen, of[:, HELD], of[:, IN] - of[:, GIVEN], of[:, GIVEN])
    nothing = np.full(len(of), np.nan)
    return LootMeasure(None, np.nan, nothing, nothing, nothing)


def shares_by_service(weights: LootMeasure, way: np.ndarray) -> dict[str, float]:
    """The share of the loot that went through each of SERVICE_KINDS; swaps count, though what they brought is followed on.

    Args:
        weights: of the case.
        way: int8[pairs], places in SERVICE_KINDS; −1: no service.
    """
    through = weights.came + weights.back
    return {name: ratio(through[way == n].sum(), weights.stolen) for n, name in enumerate(SERVICE_KINDS)}


def prices_at(ledger: Ledger, moment: pd.Timestamp) -> np.ndarray:
    """USD for a unit of each asset: what the priced transfers of the last day that has any paid on average; NaN: none has.

    Args:
        ledger: its transfers before the moment count.
        moment: the as-of date.
    """
    rows, prices = ledger.rows, np.full(len(ledger.assets), np.nan)
    if not rows.usd.size:
        return prices
    n = int(np.searchsorted(rows.time, np.ceil(moment.timestamp())))
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
