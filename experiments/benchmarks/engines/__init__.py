"""What speed benchmarks compare: one file per engine, each with a function from a file of transfers to features.

No measuring and no options: those are `harness/` and `speed/`. An engine imports nothing of another engine.
Front door: `columns.COLUMNS`, the features that every engine computes.
"""
