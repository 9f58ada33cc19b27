"""Ordinary crime: phishing, scams and thefts, each a case that feeds a laundering chain of its own.

Every case draws its techniques, its pace (minutes to days) and its hours anew; some are as patient as a state.
"""

import numpy as np

from .crew import Crew, Holding, cash_out, forward, gather, mix, peel, rest, split, to_coin
from .honest import hire, place, sizes
from .market import DAY, ETH, USDC, Floats, Ints
from .people import People, draw, live
from .plan import EXACT, SHARE, UP_TO
from .services import Services
from .world import START, World


def crimes(world: World, s: Services, people: People, n: int, exits: Ints) -> None:
    """Cases with about n wallets in all, spread evenly over the whole period."""
    rng = world.rng
    parties = sizes(n, 3, lambda: int(min(25, rng.lognormal(1.7, 0.45))))
    starts = rng.permutation((np.arange(len(parties)) + rng.random(len(parties))) / len(parties)) * 0.95 * world.days
    for k, (size, day) in enumerate(zip(parties, starts, strict=True)):
        _case(world, s, people, f"case-{k + 1:04d}", size, float(day), exits)


def _case(world: World, s: Services, people: People, case: str, size: int, day: float, exits: Ints) -> None:
    rng = world.rng
    crime = str(rng.choice(["phishing", "scam", "theft"], p=[0.45, 0.3, 0.25]))
    heads = 2 if size > 8 and rng.random() < 0.5 else 1
    zone, hours = place(rng)
    collectors = world.add(heads, crime, crime, case=case, zone=zone, hours=hours)
    helpers = world.add(size - heads, "laundering", "launderer", case=case, zone=zone, hours=hours)
    world.wallets.case_start[case] = int(START + day * DAY)
    recruits = helpers[rng.random(len(helpers)) < 0.25]
    if recruits.size:
        _cover(world, s, recruits, day)
    asset = int(rng.choice([ETH, USDC], p=[0.7, 0.3]))
    crew = hire(world, s, helpers, exits, asset, pace=(90, DAY / 2), sums=(0.65, 0.2, 0.15))
    steps = plot(rng)
    for collector in collectors:
        for h in _collect(crew, people, int(collector), crime, day):
            launder(crew, [h], steps)


def _cover(world: World, s: Services, recruits: Ints, day: float) -> None:
    """Some helpers are people with a life of their own around the case."""
    rng, n = world.rng, len(recruits)
    start = np.maximum(0.0, day - rng.exponential(40, n))
    end = np.minimum(world.days, day + rng.exponential(60, n) + 1)
    live(world, s, draw(world, s, recruits, np.minimum(start, end - 0.5), end, pace=0.5))


def plot(rng: np.random.Generator) -> list[str]:
    """One to four steps; the first moves the money away from where it was collected."""
    later = rng.choice(
        list(_STEPS), int(rng.integers(0, 4)), replace=False, p=[0.18, 0.25, 0.17, 0.14, 0.16, 0.1]
    ).tolist()
    first = str(rng.choice(["split", "forward", "peel", "mix"], p=[0.4, 0.3, 0.2, 0.1]))
    return [first, *(step for step in later if step != first)]


def launder(crew: Crew, holdings: list[Holding], steps: list[str]) -> None:
    """Take the steps in turn, then cash out."""
    if "mix" in steps and crew.asset == USDC:
        holdings = [to_coin(crew, h) for h in holdings]
        crew.asset = ETH
    for step in steps:
        if holdings:
            holdings = _STEPS[step](crew, holdings)
    cash_out(crew, holdings)


def _split(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    rng, most = crew.rng, min(max(2, len(crew.spare)), 10)
    manner = str(rng.choice(["uneven", "even", "below"], p=[0.55, 0.25, 0.2]))
    return [part for h in holdings for part in split(crew, h, int(rng.integers(2, most + 1)), manner)]


def _forward(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    for _ in range(int(crew.rng.integers(1, 4))):
        holdings = forward(crew, holdings)
    return holdings


def _peel(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    return [peel(crew, h, int(crew.rng.integers(2, 7))) if k < 2 else h for k, h in enumerate(holdings)]


def _rest(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    return rest(holdings, crew.rng, float(crew.rng.uniform(3, 60)))


def _mix(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    wait = float(np.exp(crew.rng.uniform(np.log(1800), np.log(10 * DAY))))
    return mix(crew, holdings, wait, int(crew.rng.integers(1, 5)))


def _gather(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    return gather(crew, holdings, 1 + (len(holdings) > 5))


_STEPS = {"split": _split, "forward": _forward, "peel": _peel, "rest": _rest, "mix": _mix, "gather": _gather}


def _collect(crew: Crew, people: People, collector: int, crime: str, day: float) -> list[Holding]:
    """What the crime brings in, as two to eight holdings as time goes on."""
    rng = crew.rng
    if crime == "theft":
        return _steal(crew, collector, day)
    n, duration = int(rng.integers(6, 45)), float(rng.lognormal(2.0, 1.0))
    alive = people.wallet[(people.start < day + duration) & (people.end > day)]
    victims = rng.choice(alive if alive.size else people.wallet, n)
    times = START + (day + np.sort(rng.uniform(0, duration, n))) * DAY
    each = _take(crew, crime, victims, collector, times)
    if crew.asset != ETH:
        crew.gas(collector, times[0] - 3600, 0.1)
    parts = np.array_split(times, int(rng.integers(2, 9)))
    return [Holding(collector, float(part[-1]), each * len(part)) for part in parts if part.size]


def _take(crew: Crew, crime: str, victims: Ints, collector: int, times: Floats) -> float:
    """Victims pay: most of what they have to a phisher, a set sum to a scammer. Returns about how much each."""
    rng, plan = crew.rng, crew.world.plan
    scale = 1.0 if crew.asset == ETH else 1500.0
    if crime == "phishing":
        plan.add(times, victims, collector, rng.choice([1.0, 0.9, 0.5], len(times)), SHARE, asset=crew.asset)
        return 0.35 * scale
    sums = rng.choice([0.1, 0.25, 0.5, 1.0], len(times)) * scale
    plan.add(times, victims, collector, sums, UP_TO, asset=crew.asset)
    return float(sums.mean()) * 0.5


def _steal(crew: Crew, collector: int, day: float) -> list[Holding]:
    """One big grab from an exchange or a vault, moved on in one to six parts over the next days."""
    rng, s = crew.rng, crew.services
    t, victim = START + day * DAY, int(rng.choice(np.concatenate([s.hot, s.vaults])))
    amount = float(rng.lognormal(4.0, 1.2)) * (1 if crew.asset == ETH else 1500)
    crew.world.plan.one(t, victim, collector, amount, EXACT, asset=crew.asset)
    if crew.asset != ETH:
        crew.gas(collector, t - 3600, 0.1)
    parts = int(rng.integers(1, 7))
    times = t + np.sort(rng.exponential(6 * DAY, parts))
    return [Holding(collector, float(moment), amount / parts) for moment in times]
