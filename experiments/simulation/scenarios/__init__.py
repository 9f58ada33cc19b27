"""What a chain is to be like: the typed scenario, and those that walletprint brings along, as YAML.

Simulates nothing.
Front door: `load_scenario`, `scenarios`, `Scenario` (scenario.py).
"""
