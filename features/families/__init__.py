"""The features of a wallet: one file or folder per family, each with its declarations (`FEATURES`) and its kernel.

Not for reading transfers (`ledger`), nor for what is known of other wallets (`chain`), nor for running kernels (`extraction`).
Front door: `catalogue`, `feature` and `FAMILIES` (registry.py), `Feature` (declaration.py).
"""
