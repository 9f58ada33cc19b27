"""What moves with the calendar: asset prices, the gas price, and how they turn into dollars and fees. Knows no wallet."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

ETH, USDC, GOV, USDT, MEME, NFT, JUNK, BTC = range(8)
ASSETS = ("ETH", "USDC", "GOV", "USDT", "MEME", "NFT", "JUNK", "BTC")
MINOR_UNITS = np.array([1e9, 1e6, 1e6, 1e6, 1e6, 1.0, 1e6, 1e8])  # whole minor units make balances exact
MIN_TRANSFER = np.array([10_000, 10_000, 10_000, 10_000, 10_000, 1, 10_000, 600])  # minor units, by asset
NATIVE = np.where(np.arange(len(ASSETS)) == BTC, BTC, ETH)
"""What the fee of a transfer is paid in, by its asset; BTC lives on the UTXO chain, everything else on the account chain."""
DAY = 86_400
GOV_PRICED_FROM_DAY = 60  # no vendor quotes a token before it has traded for a while

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Market:
    """Daily series, linear between days; times are the simulator's seconds.

    Args:
        prices: the dollar price of each asset (ETH, BTC) on the first and the last day; between them it swings around a trend.
        unpriced: the share of transfers whose value no vendor knows.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        start: int,
        days: int,
        prices: Mapping[str, tuple[float, float]],
        unpriced: float,
    ) -> None:
        self._days = start + DAY * np.arange(days + 2)
        ones = np.ones(days + 2)
        ether, bitcoin = (np.geomspace(*prices[name], days + 2) * _swing(rng, days, 0.035) for name in ("ETH", "BTC"))
        gov, meme = 6.0 * _swing(rng, days, 0.05), 0.02 * _swing(rng, days, 0.09)
        nothing = np.zeros(days + 2)  # no vendor quotes single tokens, or those that nobody asked for
        self._prices = (ether, ones, gov, ones, meme, nothing, nothing, bitcoin)
        self._gas = {ETH: 30.0 * _swing(rng, days, 0.1), BTC: 12.0 * _swing(rng, days, 0.08)}
        self._gov_from, self._unpriced = start + GOV_PRICED_FROM_DAY * DAY, unpriced

    def price(self, asset: npt.ArrayLike, t: npt.ArrayLike) -> Floats:
        """Dollars per whole unit (of GOV also before anyone publishes it); 0 for NFT and JUNK, which have no price."""
        asset, t = np.broadcast_arrays(asset, np.asarray(t, dtype=np.float64))
        found = np.empty(asset.shape)
        for asset_number in np.unique(asset):
            found[asset == asset_number] = np.interp(t[asset == asset_number], self._days, self._prices[asset_number])
        return found

    def rate(self, sold: npt.ArrayLike, bought: npt.ArrayLike, t: npt.ArrayLike) -> Floats:
        """Whole units of `bought` for one of `sold`, before any fee; only of assets that have a price."""
        return self.price(sold, t) / self.price(bought, t)

    def dollars(self, rng: np.random.Generator, asset: Ints, t: Ints, amount: Floats) -> Floats:
        """What a transfer was worth; NaN where no price is known: young tokens, unpriced ones, and some at random."""
        price = self.price(asset, t)
        unknown = (rng.random(len(amount)) < self._unpriced) | (
            (asset == GOV) & (t < self._gov_from) & (self._unpriced > 0)
        )
        return np.where(unknown | (price == 0), np.nan, np.round(amount * price, 2))

    def gas(self, native: npt.ArrayLike, t: npt.ArrayLike) -> Floats:
        """The going price of gas where ETH is native (in 1e-9 ETH), of a byte where BTC is (in 1e-8 BTC); dearer in the afternoon
        (UTC). The load factor is added in chain_run.py.
        """
        native, t = np.broadcast_arrays(native, np.asarray(t, dtype=np.float64))
        level = np.where(
            native == BTC, np.interp(t, self._days, self._gas[BTC]), np.interp(t, self._days, self._gas[ETH])
        )
        return level * (1 + 0.25 * np.sin(2 * np.pi * (t / DAY - 0.4)))


def _swing(rng: np.random.Generator, days: int, size: float) -> Floats:
    """One factor per day that wanders about 1 and always comes back."""
    level, path = 0.0, []
    for step in rng.normal(0, size, days + 2).tolist():
        level = 0.994 * level + step
        path.append(level)
    return np.exp(np.array(path))
