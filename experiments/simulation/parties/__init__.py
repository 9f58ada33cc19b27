"""A party that moves money through wallets of its own, honest or not: its manner, its moves, and how it hides.

Who steals and why is not here: that is `crimes/` and `states/`. One-wallet users are `people/`.
Front door: `Party`, `new_party` (party.py), the moves in moves.py and service_moves.py.
"""
