"""Splits of snapshots: by time, by wallet and by theft.

Not for fitting or judging. Front door: `split` and `Slices` (time_split.py) for a training, the scikit-learn splitters
(splitters.py) for experiments.
"""
