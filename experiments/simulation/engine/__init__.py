"""The machine under every population: wallets, prices, the plan of transfers, their settlement, and the truth about loot.

Knows services, but no person and no criminal: those are `people/`, `crimes/` and `states/`.
Front door: `World` (world.py), `TransferPlan` (transfer_plan.py), `Services` (services.py), `ChainRun` (chain_run.py).
"""
