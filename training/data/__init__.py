"""From transfers and labels to the table that a head learns from: snapshots, features and targets.

Not for splitting or fitting. Front door: `build_dataset` and `Dataset` (dataset.py), `Targets` (targets.py); large tables are in
large_matrix.py.
"""
