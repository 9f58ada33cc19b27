"""A trained model as files: reads, checks, signs and saves a model folder, and applies its calibration and bands.

Not for training, and not for predicting (`explain/predictor.py`).
Front door: `ModelFolder` (model_folder.py), `checked_trees` (trees.py), `calibrate` (calibration.py); a folder is found by
`bundled_folder` (bundled_models.py) or `fetched` (model_registry.py).
"""
