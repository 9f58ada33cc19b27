"""A patient state actor: a few big thefts, money split into equal sums just below a round number, weeks of rest, mixer batches,
consolidation, sale over the counter. Its operators keep office hours in Pyongyang, most of the time.

Modelled on published cases (KuCoin 2020, Ronin 2022, HTX/HECO 2023, Bybit 2025), by their shape, not by their figures.
"""

import numpy as np

from .crew import Crew, Holding, cash_out, forward, gather, mix, peel, rest, split, to_coin
from .honest import hire
from .market import DAY, ETH, USDC, Ints
from .plan import EXACT
from .services import Services
from .world import ALWAYS, AWAKE, OFFICE, START, World

ACTOR = "Simulated State Group"
PYONGYANG = 9  # hours ahead of UTC
PLAYBOOKS = ("patient", "peel", "flood")


def raids(world: World, s: Services, n: int, exits: Ints) -> None:
    """Thefts with n wallets in all, spread over the period so that money of one or another is always on the move."""
    rng, count = world.rng, int(np.clip(n // 7, 3, 24))
    starts = (np.arange(count) + rng.random(count)) / count * 0.9 * world.days
    for k, wallets in enumerate(np.array_split(np.arange(n), count)):
        _raid(world, s, f"state-{k + 1:02d}", len(wallets), float(starts[k]), exits)


def _raid(world: World, s: Services, case: str, n: int, day: float, exits: Ints) -> None:
    rng = world.rng
    hours = rng.choice([OFFICE, AWAKE, ALWAYS], n, p=[0.75, 0.15, 0.1])
    wallets = world.add(n, "state_linked", "state", zone=PYONGYANG, hours=hours, actor=ACTOR, case=case)
    world.wallets.case_start[case] = int(START + day * DAY)
    asset = int(rng.choice([ETH, USDC], p=[0.7, 0.3]))
    crew = hire(world, s, wallets, exits, asset, pace=(1800, 2 * DAY), sums=(0.2, 0.1, 0.7))
    playbook = str(rng.choice(PLAYBOOKS, p=[0.55, 0.25, 0.2]))
    loot = _theft(crew, n, day)
    if crew.asset == USDC and (playbook == "patient" or rng.random() < 0.5):
        loot, crew.asset = to_coin(crew, loot), ETH
    {"patient": _patient, "peel": _peeled, "flood": _flood}[playbook](crew, loot, n)


def _theft(crew: Crew, n: int, day: float) -> Holding:
    """The theft itself, from a vault or an exchange, in one to three grabs minutes apart."""
    rng, s = crew.rng, crew.services
    t, victim = START + day * DAY, int(rng.choice(np.concatenate([s.vaults, s.hot])))
    thief, grabs = crew.fresh(t), int(rng.integers(1, 4))
    amount = n * float(rng.lognormal(2.0, 1.2)) * (1 if crew.asset == ETH else 1500)
    for k in range(grabs):
        crew.world.plan.one(t + 200 * k, victim, thief, amount / grabs, EXACT, asset=crew.asset)
    return Holding(thief, t + 200 * grabs, amount)


def _patient(crew: Crew, loot: Holding, n: int) -> None:
    """Split just below round, rest, mix in batches, consolidate, sell."""
    rng = crew.rng
    parts = split(crew, loot, max(2, int(0.5 * n)), "below")
    parts = rest(parts, rng, float(rng.uniform(14, 50)))
    mixed = mix(crew, parts, float(rng.uniform(0.3, 6)) * DAY, max(1, int(0.3 * n)))
    if rng.random() < 0.7:
        mixed = gather(crew, mixed, max(1, n // 10))
    cash_out(crew, mixed, 6)


def _peeled(crew: Crew, loot: Holding, n: int) -> None:
    """A few large parts, a rest, a peel chain each."""
    parts = split(crew, loot, max(2, n // 6), str(crew.rng.choice(["below", "uneven"])))
    parts = rest(parts, crew.rng, float(crew.rng.uniform(5, 40)))
    cash_out(crew, [peel(crew, h, max(1, (n - 1) // len(parts) - 1)) for h in parts], 6)


def _flood(crew: Crew, loot: Holding, n: int) -> None:
    """Many parts within hours, a hop each, gathered and sold."""
    crew.pace = float(crew.rng.uniform(600, 6 * 3600))
    parts = split(crew, loot, max(2, int(0.55 * n)), str(crew.rng.choice(["even", "below", "uneven"])))
    parts = forward(crew, parts[: max(1, int(0.3 * n))]) + parts[max(1, int(0.3 * n)) :]
    cash_out(crew, gather(crew, parts, max(1, n // 10)), 6)
