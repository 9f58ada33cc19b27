"""Compares scored batches: with the population that a model was calibrated on, and with an earlier batch.

Not for judging a model: drift knows no labels.
Front door: `BatchDrift` (monitor.py), `diff_scores` (score_diff.py) and `tell_apart` (adversarial_validation.py).
"""
