"""Everything that tries walletprint out: simulated chains, test protocols, benchmarks, and side-by-side MLflow runs.

Nothing that scoring or training needs. Only `runs` and `case_picture` are in the base wheel; `simulation` and `protocols` are the
distribution `walletprint-experiments`; the other folders run from a checkout.
Front door: `simulation.simulate`, `protocols.run_protocol`, `runs.compare_runs`, `case_picture.draw_case`.
"""
