"""Simulated chains whose truth is known: whose each wallet is, what each transfer was for, where every stolen coin went.

No features and no models; only `theft_story` scores anything. Described in docs/simulation.md.
Front door: `simulate` (chain.py), `load_scenario` and `scenarios` (scenarios/scenario.py).
"""

from .chain import SimulatedChain, simulate
from .scenarios.scenario import MIN_DAYS, MIN_WALLETS, Scenario, load_scenario, scenarios

__all__ = ["MIN_DAYS", "MIN_WALLETS", "Scenario", "SimulatedChain", "load_scenario", "scenarios", "simulate"]
