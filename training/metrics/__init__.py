"""Metrics of rankings and probabilities, their bootstrap intervals, and the time to detection.

Not for models or configs: it knows arrays only. Front door: `evaluate` (classification_metrics.py), `interval` and
`paired_bootstrap` (bootstrap.py), `time_to_detection` (early_detection.py).
"""
