"""walletprint: behavioural fingerprints of cryptocurrency wallets.

The five parts are `walletprint.features`, `walletprint.serving`, `walletprint.training`, `walletprint.experiments` and
`walletprint.cli`; their sources lie in the folders of those names beside this one. Nothing is imported here, so that
`import walletprint.serving` stays light.
"""

__version__ = "0.1.0"
