"""Makes the reference models that the base wheel holds (`serving/reference`), from public histories.

Their measured worth is in the protocols' results. In no wheel.
Front door: `python -m walletprint.experiments.reference_models --data DIR`.
"""
