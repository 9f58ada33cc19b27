"""Benchmarks of time and memory, one script per question.

Nothing about how well wallets are detected: that is `detection/`.
Front door: `python -m walletprint.experiments.benchmarks.speed.NAME`; names in ../README.md.
"""
