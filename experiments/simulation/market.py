"""What moves with the calendar: asset prices, the gas price, and how they turn into dollars and fees. Knows no wallet."""

import numpy as np
import numpy.typing as npt

ETH, USDC, GOV = 0, 1, 2
ASSETS = ("ETH", "USDC", "GOV")
MINOR_UNITS = np.array([1e9, 1e6, 1e6])  # whole minor units make balances exact
DAY = 86_400
GOV_PRICED_FROM_DAY = 60  # no vendor quotes a token before it has traded for a while

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def _walk(rng: np.random.Generator, days: int, first: float, drift: float, swing: float) -> Floats:
    """A geometric random walk, one value a day."""
    steps = rng.normal(drift, swing, days + 2)
    return first * np.exp(np.concatenate([[0.0], np.cumsum(steps[1:])]))


class Market:
    """Daily series, linear between days; times are unix seconds."""

    def __init__(self, rng: np.random.Generator, start: int, days: int) -> None:
        self._days = start + DAY * np.arange(days + 2)
        self._ether = _walk(rng, days, 900.0, 0.0015, 0.04)
        self._gov = _walk(rng, days, 6.0, 0.0, 0.06)
        level = np.cumsum(rng.normal(0, 0.12, days + 2))
        self._gwei = 40.0 * np.exp(level - np.linspace(0, level[-1], days + 2))
        self._gov_from = start + GOV_PRICED_FROM_DAY * DAY

    def price(self, asset: npt.ArrayLike, t: npt.ArrayLike) -> Floats:
        """Dollars per whole unit (of GOV also before anyone publishes it)."""
        asset, t = np.asarray(asset), np.asarray(t, dtype=float)
        ether, gov = np.interp(t, self._days, self._ether), np.interp(t, self._days, self._gov)
        return np.choose(asset, [ether, np.ones_like(ether), gov])

    def rate(self, sold: npt.ArrayLike, bought: npt.ArrayLike, t: npt.ArrayLike) -> Floats:
        """Whole units of `bought` for one of `sold`, before any fee."""
        return self.price(sold, t) / self.price(bought, t)

    def dollars(self, rng: np.random.Generator, asset: Ints, t: Ints, amount: Floats) -> Floats:
        """What a transfer was worth; NaN where no price is known: young tokens, and one in fifty at random."""
        worth = np.round(amount * self.price(asset, t), 2)
        unknown = (rng.random(len(amount)) < 0.02) | ((asset == GOV) & (t < self._gov_from))
        return np.where(unknown, np.nan, worth)

    def gwei(self, t: npt.ArrayLike) -> Floats:
        """The going gas price; higher in the afternoon (UTC)."""
        t = np.asarray(t, dtype=float)
        return np.interp(t, self._days, self._gwei) * (1 + 0.25 * np.sin(2 * np.pi * (t / DAY - 0.4)))
