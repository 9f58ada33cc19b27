"""Protocols on public collections of Ethereum wallets and thefts: one file per protocol.

No published figures to reproduce: those are `published/`.
Front door: the `PROTOCOL` of each file; `load_cases` (case_data.py) reads the collections.
"""
