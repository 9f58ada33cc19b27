"""A fraud ring: mules turn swindled money into coin at exchanges, pass it round, bring it to a boss and back, and sell it."""

import numpy as np

from ..engine.market import DAY
from ..engine.services import withdraw
from ..parties.holding import Holding
from ..parties.moves import cycle, scatter_gather, share_out
from ..parties.party import drawing
from .case import CrimeCase

JUST_BELOW_USD = (3_000.0, 9_900.0)  # sums that banks do not report
MULES = 30


def run(case: CrimeCase) -> None:
    """Plan a case: every week some mules are paid, and the money goes round."""
    party, rng, asset = case.party, case.rng, case.currency()
    boss = party.fresh(case.t, asset, "scam")
    for _ in range(int(np.clip(case.size - 1, 3, MULES))):
        with drawing(case.stage.world, rng):
            party.owner = case.stage.world.owner()
        party.fresh(case.t, asset)
    party.max_helpers = len(party.idle)
    accounts = dict(zip(party.idle, rng.choice(case.stage.services.deposits, party.max_helpers).tolist(), strict=True))
    for week in range(int(np.clip(rng.lognormal(1.5, 0.6), 2, 20))):
        _round(case, boss, accounts, case.t + 7 * DAY * week, asset)


def _round(case: CrimeCase, boss: int, accounts: dict[int, int], begin: float, asset: int) -> None:
    """On-ramps, circles among mules, fan-in to the boss, fan-out, off-ramps."""
    party, rng = case.party, case.rng
    paid = rng.choice(list(accounts), max(2, int(len(accounts) * rng.uniform(0.3, 0.7))), replace=False)
    holdings = [_on_ramp(case, int(mule), begin + DAY * float(rng.uniform(0, 3)), asset) for mule in paid]
    holdings = [_round_about(case, holding) for holding in holdings]
    with party.phase("gather"):
        fed = [
            party.send(holding, boss, 1.0 - party.hop_loss, party.depart(holding))
            for holding in holdings
            if holding.wallet != boss
        ]
    pot = Holding(boss, max(holding.t for holding in fed), sum(holding.amount for holding in fed), asset)
    with party.phase("split"):
        out = share_out(party, pot, rng.dirichlet(np.full(max(2, len(paid) // 2), 3.0)).tolist(), digits=party.digits)
    with party.phase("cash_out"):
        for holding in out:
            party.send(holding, accounts[holding.wallet], float(rng.choice([1.0, 0.9])), party.depart(holding))


def _round_about(case: CrimeCase, holding: Holding) -> Holding:
    """Straight on, in a circle, or side by side and together again."""
    way, hops = float(case.rng.random()), int(case.rng.integers(2, 5))
    if way < 0.4:
        return holding
    return cycle(case.party, holding, hops, 2 * DAY) if way < 0.75 else scatter_gather(case.party, holding, 3)


def _on_ramp(case: CrimeCase, mule: int, t: float, asset: int) -> Holding:
    """Swindled dollars become coin: an exchange pays the mule."""
    world, amount = case.stage.world, case.units(float(case.rng.uniform(*JUST_BELOW_USD)), asset, t)
    with drawing(world, case.rng), case.party.phase("collect"):
        withdraw(
            world, case.stage.services, np.array([t]), np.array([mule]), np.array([amount]), asset, case.party.digits
        )
    return case.party.took(Holding(mule, t, amount, asset))
