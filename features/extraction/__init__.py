"""Extraction: snapshots in, behavioural vectors out, in memory or as a Parquet file.

For running the kernels of families over a ledger; declares no feature and knows no model.
Front door: `extract`, `coverage`, `snapshots_of` (extractor.py), `write_vectors` (vector_files.py).
"""
