"""Simulated chains of which the truth is known: the data that walletprint brings along. See `docs/simulation.md`."""

from .chain import SimulatedChain, simulate
from .scenarios.scenario import MIN_DAYS, MIN_WALLETS, Scenario, load_scenario, scenarios

__all__ = ["MIN_DAYS", "MIN_WALLETS", "Scenario", "SimulatedChain", "load_scenario", "scenarios", "simulate"]
