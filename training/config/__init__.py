"""The config of a training: plain typed data, its checks, and the heads that come with the package.

Not for work on data: it imports nothing else of training. Front door: `load_config` and `TrainConfig` (train_config.py); its
sections and the checks of single keys are in sections.py, those of several keys in cross_checks.py, unknown keys in
validation_errors.py.
"""
