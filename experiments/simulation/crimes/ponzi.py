"""A Ponzi scheme: deposits from more and more people, payouts to earlier ones out of later money, then the founder's exit."""

from dataclasses import dataclass

import numpy as np

from ..engine.market import DAY, ETH, Floats, Ints
from ..engine.settlement import TOKEN_GAS
from ..engine.transfer_plan import REPLY, UP_TO
from ..parties.holding import Holding
from ..parties.moves import forward
from .case import CrimeCase
from .techniques import choose_techniques, launder

SUMS_USD, SUM_SHARES = (100.0, 250.0, 500.0, 1000.0, 2500.0), (0.3, 0.25, 0.2, 0.15, 0.1)
PAID = 0.85  # of the sums meant to be paid in, about so much is
MOST_PAYOUTS = 8  # to one depositor
REFILLS = 6  # of coin for fees


@dataclass(frozen=True)
class Pot:
    """The wallet or contract that all pay into, and who does: depositors, when, and the rows of their deposits."""

    wallet: int
    asset: int
    end: float
    depositor: Ints
    times: Floats
    rows: Ints
    total: float


def run(case: CrimeCase) -> None:
    """Plan a case."""
    pot = _open(case)
    kept = 1 - _pay_out(case, pot)
    steps = choose_techniques(case, pot.asset)
    for t, share in _skims(case, pot):
        got = PAID * pot.total * float(np.mean(pot.times <= t)) * kept * share
        with case.party.phase("forward"):
            target = case.party.fresh(t, pot.asset)
            skimmed = case.party.send(Holding(pot.wallet, t, got / share, pot.asset), target, share, t)
        launder(case, [skimmed], steps)
        kept *= 1 - share
    left = Holding(pot.wallet, pot.end, PAID * pot.total * kept, pot.asset)
    launder(case, forward(case.party, [left]), steps)


def _open(case: CrimeCase) -> Pot:
    """Deposits of set sums, by people who come to hear of it."""
    party, rng, asset = case.party, case.rng, case.currency()
    wallet = party.fresh(case.t, asset, "ponzi", contract=bool(rng.random() < 0.45))
    days, n = float(np.clip(rng.lognormal(3.4, 0.7), 5, 200)), int(np.clip(rng.lognormal(3.3, 0.6), 10, 200))
    times = growing(rng, case.t, days, n)
    depositor, sums = case.victims(times), case.units(1.0, asset) * rng.choice(SUMS_USD, n, p=SUM_SHARES)
    case.bought(depositor, times, sums * rng.uniform(1.0, 2.0, n), asset)
    with party.phase("collect"):
        rows = case.stage.world.plan.add(times, depositor, wallet, sums, UP_TO, asset=asset, digits=2)
    party.took(Holding(wallet, case.t, PAID * float(sums.sum()), asset))
    return Pot(wallet, asset, case.t + days * DAY, depositor, times, rows, float(sums.sum()))


def growing(rng: np.random.Generator, t: float, days: float, n: int) -> Floats:
    """n seconds of this many days in their order, more and more of them as time goes on."""
    growth = rng.uniform(1.0, 4.0)
    return t + DAY * days * np.sort(np.log1p(rng.random(n) * np.expm1(growth)) / growth)


def _pay_out(case: CrimeCase, pot: Pot) -> float:
    """What was promised to each, every so often until the end. Returns about which share of what came in that is."""
    rate, every = float(case.rng.uniform(0.02, 0.12)), DAY * float(case.rng.choice([1, 2, 7]))
    count = np.clip((pot.end - pot.times) // every, 0, MOST_PAYOUTS).astype(np.int64)
    who = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(who)) - np.repeat(np.cumsum(count) - count, count) + 1
    if not case.stage.world.wallets.contract[pot.wallet] and pot.asset != ETH:
        for t in np.linspace(case.t, pot.end, REFILLS).tolist():
            case.party.gas(pot.wallet, t, case.party.fees(t, TOKEN_GAS * (10 + len(who) / REFILLS)))
    with case.party.phase("payout"):
        case.stage.world.plan.add(
            pot.times[who] + nth * every, pot.wallet, pot.depositor[who], rate, REPLY, asset=pot.asset, after=pot.rows[who]
        )  # fmt: skip
    return min(0.9, rate * len(who) / len(count))


def _skims(case: CrimeCase, pot: Pot) -> list[tuple[float, float]]:
    """When the founder helps himself, and to which share of the pot."""
    n = int(case.rng.integers(0, 4))
    times = np.sort(case.rng.uniform(case.t + 0.3 * (pot.end - case.t), pot.end, n))
    return [(float(t), float(case.rng.uniform(0.05, 0.3))) for t in times]
