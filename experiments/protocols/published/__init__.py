"""Protocols on data sets that others published with figures: one file per protocol.

Nothing that walletprint's own collections of Ethereum thefts need: that is `ethereum/`.
Front door: the `PROTOCOL` of each file.
"""
