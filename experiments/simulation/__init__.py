"""A simulated chain of which the truth is known: the data that walletprint brings along. See `docs/simulation.md`."""

from .chain import MIN_DAYS, MIN_WALLETS, SimulatedChain, simulate

__all__ = ["MIN_DAYS", "MIN_WALLETS", "SimulatedChain", "simulate"]
