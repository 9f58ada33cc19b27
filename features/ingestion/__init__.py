"""Reads transaction histories of any known format into one checked file of transfers, with bounded memory.

Not for what a transfer is (`transfers/`) nor for reading checked transfers (`ledger/`).
Front door: `ingest` (ingestion.py). A format is a file in `sources/`.
"""
