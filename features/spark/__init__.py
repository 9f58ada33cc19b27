"""Extraction on Spark: the same kernels and the same numbers, for what needs no other wallet's transfers.

For moving rows to the workers and back; not for computing features in SQL. Imports nothing of Spark.
Front door: `extract_spark`, `rejected_spark` (driver.py).
"""
