"""Fits the habits of simulated wallets to real ones: makes `simulation/people/habits.yaml`.

Judges nothing: how near simulated wallets come to real ones is the protocol `simulated-vs-real`. In no wheel.
Front door: `python -m walletprint.experiments.realism fit --data DIR`.
"""
