"""Reads lists of addresses: CSV, Parquet or text, of any length, row by row.

Not for scoring: a bad address is read like a good one, and becomes a row with an error when it is scored.
Front door: `read_addresses` (reader.py) for one list as a frame, `stream_rows` (reader.py) for lists of any length.
"""
