"""Ransomware for rent: few large payments in bitcoin, each shared at once by affiliate and core, then peel chains and hops."""

import numpy as np

from ..engine.market import BTC, DAY
from ..engine.services import LATEST_BATCH, withdraw
from ..engine.transfer_plan import EXACT
from ..parties.holding import Holding
from ..parties.moves import share_out
from ..parties.party import drawing
from .case import CrimeCase
from .techniques import choose_techniques, launder

MEDIAN_USD, SPREAD = 120_000.0, 1.1


def run(case: CrimeCase) -> None:
    """Plan a case: a core and its affiliate, for as many victims as there are wallets for."""
    rng, n = case.rng, int(np.clip(case.size // 10, 1, 8))
    cut = float(rng.choice([0.2, 0.25, 0.3]))
    steps = (choose_techniques(case, BTC), choose_techniques(case, BTC))
    for t in (case.t + DAY * np.sort(np.append(0.0, rng.uniform(0, 120, n - 1)))).tolist():
        ransom = _ransom(case, t)
        with case.party.phase("split"):
            parts = share_out(case.party, ransom, [1 - cut, cut])
        for holding, way in zip(parts, steps, strict=True):
            launder(case, [holding], way)


def _ransom(case: CrimeCase, t: float) -> Holding:
    """A victim buys bitcoin and pays to an address made for him."""
    party, world, dollars = case.party, case.stage.world, MEDIAN_USD * float(case.rng.lognormal(0, SPREAD))
    amount = round(case.units(dollars, BTC, t), 4)
    with drawing(world, case.rng):
        payer = world.add(1, "user", "ransom_payer", utxo=True)
        bought = np.array([t - LATEST_BATCH - DAY * case.rng.uniform(0.1, 3)])
        withdraw(world, case.stage.services, bought, payer, np.array([amount * case.rng.uniform(1.01, 1.1)]), BTC, 0)
    address = party.fresh(t, BTC, "ransomware")
    with party.phase("collect"):
        world.plan.add_one(t, int(payer[0]), address, amount, EXACT, asset=BTC)
    return party.took(Holding(address, t, amount, BTC))
