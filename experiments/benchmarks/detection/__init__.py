"""Benchmarks of what models detect on simulated chains, one script per question.

Nothing on real data: those are `protocols/`.
Front door: `python -m walletprint.experiments.benchmarks.detection.NAME`; names in ../README.md.
"""
