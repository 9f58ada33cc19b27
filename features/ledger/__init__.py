"""The ledger: transfers as integers, in one order, with every wallet's transfers as one slice, in memory or in a folder.

For holding and finding transfers; not for what a chain tells (`chain`), nor for features (`families`, `extraction`).
Front door: `Ledger` (ledger.py), `ledger_digest` (digest.py), `AttributionIndex` (attribution.py).
"""
