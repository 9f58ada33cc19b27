"""Trainings in MLflow: writing them, registering their models, and the gate that promotes a challenger to champion.

Not for training (`trainer`), nor for loading a registered model to score with (`serving.model`).
Front door: `record_training` (tracking.py), `promote` and `rollback` (promotion.py), `recorded_training` (model_versions.py).
"""
