"""Protocols that set simulated wallets beside real ones: one file per protocol.

Nothing that makes simulated wallets: that is `simulation/`.
Front door: the `PROTOCOL` of each file.
"""
