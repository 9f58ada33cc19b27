"""The reference of features: the Markdown page, and a small worked example per feature.

Not for computing or declaring features (`families`). Only `walletprint features` and tests use it.
Front door: `reference` (page.py), `worked` (examples.py).
"""
