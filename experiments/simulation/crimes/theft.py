"""An ordinary theft: an exchange or a vault is robbed at once; the loot moves on whole, or in parts over the next days."""

import numpy as np

from ..engine.market import BTC, DAY, ETH, GOV, USDC
from ..parties.holding import Holding
from ..parties.moves import share_out
from .case import CrimeCase
from .techniques import choose_techniques, launder

MEDIAN_USD, SPREAD = 90_000.0, 1.3
MOST_USD = 5e6


def run(case: CrimeCase) -> None:
    """Plan a case."""
    rng, asset = case.rng, _asset(case)
    amount = case.units(min(MOST_USD, MEDIAN_USD * float(rng.lognormal(0, SPREAD))), asset)
    victim, heads, steps = _victim(case, asset), 1 if rng.random() < 0.7 else 2, choose_techniques(case, asset)
    for k in range(heads):
        loot = _grabs(case, victim, case.t + 700 * k, amount / heads, asset)
        for part in _parts(case, loot, int(rng.choice([1, 1, 2, 3, 4]))):
            launder(case, [part], steps)


def _grabs(case: CrimeCase, victim: int, t: float, amount: float, asset: int) -> Holding:
    """One to three payments to a wallet, minutes apart."""
    thief, n = case.party.fresh(t, asset, "theft"), int(case.rng.integers(1, 4))
    for k in range(n):
        case.grab(t + 200 * k, victim, thief, amount / n, asset)
    return Holding(thief, t + 200 * n, amount, asset)


def _parts(case: CrimeCase, loot: Holding, n: int) -> list[Holding]:
    """The loot whole, or in parts that leave day by day."""
    if n == 1:
        return [loot]
    with case.party.phase("split"):
        return share_out(case.party, loot, case.rng.dirichlet(np.full(n, 2.0)).tolist(), every=2 * DAY)


def _asset(case: CrimeCase) -> int:
    """Dollars or GOV only once there is a DEX to get rid of them."""
    young = case.year < 2019
    return int(case.rng.choice([ETH, USDC, GOV, BTC], p=[0.8, 0, 0, 0.2] if young else [0.55, 0.2, 0.1, 0.15]))


def _victim(case: CrimeCase, asset: int) -> int:
    services, rng = case.stage.services, case.rng
    if asset == BTC:
        return int(rng.choice(services.btc_hot))
    vault = asset in (ETH, USDC) and rng.random() < 0.6
    return int(rng.choice(services.vaults if vault else services.hot))
