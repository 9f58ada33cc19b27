"""Patterns over several wallets: cycles, scatter-gathers, relays, peel steps, and paths from wallet to wallet.

For parts of the chain's context that a search finds; not for counts that one pass gives (`chain`).
Front door: `build_cycles` (cycles.py), `build_scatters` (scatters.py) and so on; `over_stretches` (stretches.py) runs searches.
"""
