"""Money on its way through a party's hands. Data alone."""

from typing import NamedTuple

from ..engine.market import BTC, ETH


class Holding(NamedTuple):
    """Money on its way: who has it, since when (s), about how much (whole units), and of what."""

    wallet: int
    t: float
    amount: float
    asset: int = ETH

    @property
    def utxo(self) -> bool:
        """Whether it is on the UTXO chain."""
        return self.asset == BTC
