"""Metrics of rankings and probabilities, their bootstrap intervals, and the time to detection.

Not for models or configs: it takes arrays, and for the time to detection a ledger and a scoring function.
Front door: `evaluate` (classification_metrics.py), `interval` and `paired_bootstrap` (bootstrap.py), `time_to_detection`
(early_detection.py).
"""
