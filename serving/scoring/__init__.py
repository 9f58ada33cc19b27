"""Scores wallets with a model folder: one explained row per address.

Not for lists in files of any length (`batch`), and not for Spark (`spark.py`).
Front door: `Scorer` (scorer.py) and `write_scores` (output.py); `SCORES_SCHEMA` (output.py) is the scored row.
"""
