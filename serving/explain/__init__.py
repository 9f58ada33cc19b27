"""Explains scores: what each feature adds to a margin, and the reasons in words.

Not for deciding which rows are explained: that is the scorer's choice.
Front door: `Explainer` (contributions.py), `reasons_of` (reasons.py) and `Predictor` (predictor.py), LightGBM's own prediction.
"""
