"""Phishing, and giveaways that give nothing: many victims pay a few collectors in hours to weeks; consolidators empty them.

How many pay, how much, how roundly and how long follows seasons of labelled phishing wallets (`habits.yaml` names the source).
"""

import numpy as np

from ..engine.market import Floats, Ints
from ..engine.transfer_plan import UP_TO
from ..parties.holding import Holding
from .case import WHOLE_BALANCE, CrimeCase, campaign
from .techniques import choose_techniques, launder

MOST_VICTIMS, MOST_ROUNDS, MOST_DAYS = 300, 20, 800.0


def run(case: CrimeCase) -> None:
    """Plan a case."""
    party, rng, asset = case.party, case.rng, case.currency()
    scam, heads = bool(rng.random() < 0.25), min(int(rng.geometric(0.7)), 1 + case.size // 6)
    collectors = [party.fresh(case.t, asset, "scam" if scam else "phishing") for _ in range(heads)]
    n = int(np.clip(rng.lognormal(1.6, 1.6, heads).sum(), 2, MOST_VICTIMS))
    times, which = campaign(rng, case.t, min(MOST_DAYS, rng.lognormal(2.7, 2.0)), n), rng.integers(0, heads, n)
    taken = (_swindle if scam else _phish)(case, times, np.array(collectors)[which], asset)
    steps, consolidated = choose_techniques(case, asset), bool(rng.random() < 0.7)
    for part in np.array_split(np.arange(n), _rounds(rng, n)):
        got = np.bincount(which[part], taken[part], heads)
        holdings = [
            party.took(Holding(collectors[k], float(times[part[-1]]), float(got[k]), asset))
            for k in np.flatnonzero(got)
        ]
        launder(case, [_consolidated(case, holdings)] if consolidated else holdings, steps)


def _rounds(rng: np.random.Generator, n: int) -> int:
    """How often collectors are emptied: about once for two or three payments, some only in the end."""
    return int(np.clip(round(n * rng.beta(1.2, 1.3)), 1, MOST_ROUNDS))


def _consolidated(case: CrimeCase, holdings: list[Holding]) -> Holding:
    """Collectors send most or all of what they have, often a round sum, to a new wallet."""
    party, rng, asset = case.party, case.rng, holdings[0].asset
    target, got = party.fresh(holdings[0].t, asset), []
    with party.phase("gather"):
        for holding in holdings:
            whole = bool(rng.random() < 0.4)
            share = 1.0 if whole else float(rng.uniform(0.5, 0.99))
            got.append(party.send(holding, target, share, party.depart(holding), 0 if whole else party.digits))
    return Holding(target, max(holding.t for holding in got), sum(holding.amount for holding in got), asset)


def _digits(case: CrimeCase, n: int) -> Ints:
    """Every other victim sends a round sum."""
    return case.rng.choice([0, 1, 2], n, p=[0.5, 0.25, 0.25])


def _phish(case: CrimeCase, times: Floats, collector: Ints, asset: int) -> Floats:
    """Whoever gets hold of keys or an approval takes most of what there is. Returns about how much each loses."""
    victims, has = case.victims(times), case.wealth(len(times)) * case.units(1.0, asset)
    share = case.rng.choice([WHOLE_BALANCE, 0.9, 0.5], len(times), p=[0.6, 0.2, 0.2])
    case.bought(victims, times, has, asset)
    with case.party.phase("collect"):
        case.stage.world.plan.add(
            times, victims, collector, has * share, UP_TO, asset=asset, digits=_digits(case, len(times))
        )
    return has * np.minimum(share, 1.0)


def _swindle(case: CrimeCase, times: Floats, collector: Ints, asset: int) -> Floats:
    """Victims of a giveaway send a set sum by themselves. Returns how much each means to send."""
    victims, sums = case.victims(times), case.units(1000.0, asset) * case.rng.choice([0.1, 0.25, 0.5, 1.0], len(times))
    case.bought(victims, times, sums * case.rng.uniform(1.0, 1.6, len(times)), asset)
    with case.party.phase("collect"):
        case.stage.world.plan.add(times, victims, collector, sums, UP_TO, asset=asset, digits=2)
    return sums
