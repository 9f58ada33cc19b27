"""Honest wallets: users with fitted habits, traders, companies, services at work, owners on the UTXO chain.

No criminals: those are `crimes/` and `states/`.
Front door: the functions that plan a population, such as `draw_users` (users.py), and `plan_replies` (service_replies.py).
"""
