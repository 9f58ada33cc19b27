"""Plans the crimes of a district: which scripts, when, and how large each case is."""

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

from ....features.base.errors import UsageError
from ..engine.market import DAY, Ints
from ..engine.services import Services
from ..engine.world import ALWAYS, START, World
from ..parties.party import drawing, new_party, zone_and_hours
from ..people.users import Users
from ..scenarios.scenario import Evasion
from . import darknet, drainer, phishing, ponzi, ransomware, ring, theft
from .case import CrimeCase, Stage, begin, cover

CRIME_SCRIPTS: dict[str, tuple[Callable[[CrimeCase], None], float]] = {
    "phishing": (phishing.run, 2.1), "drainer": (drainer.run, 3.0), "ponzi": (ponzi.run, 2.1), "theft": (theft.run, 2.8),
    "ransomware": (ransomware.run, 6.8), "darknet": (darknet.run, 2.3), "ring": (ring.run, 1.9),
}  # fmt: skip
"""By name: the function that plans a case, and a factor c. A case planned for n wallets uses c·n^0.7 on average (measured)."""
POWER = 0.7
DRAINERS_FROM = 2021.0  # before, drainers are phishers
GOLDEN = 0.618034  # steps of this part of a period fill it evenly, for any number of steps
MIN_CASE_WALLETS, MAX_CASE_WALLETS = 5, 120  # about


def plan(
    world: World, services: Services, people: Users, wallets: int, kinds: Mapping[str, float], exits: Ints,
    evasion: Evasion | None = None,
) -> None:  # fmt: skip
    """Plan cases with about this many wallets in all, spread over the whole period; fills `wallets.case_start` and `case_script`.

    Args:
        kinds: the share of each of CRIME_SCRIPTS among the cases.
        exits: the wallets at which parties sell.
        evasion: the way in which they hide. The same cases happen with it and without.

    Raises:
        UsageError: `kinds` names a script that is not in CRIME_SCRIPTS.
    """
    unknown = sorted(set(kinds) - set(CRIME_SCRIPTS))
    if unknown:
        raise UsageError(f"crimes.kinds: got {', '.join(unknown)}; known are {', '.join(CRIME_SCRIPTS)}")
    rng, first, used, planned = world.rng, float(world.rng.random()), 0.0, Counter[str]()
    stage = _stage(world, services, people) if wallets and any(kinds.values()) else None
    while stage and used < wallets:
        script = _due(rng, kinds, planned)
        day = (first + GOLDEN * planned.total()) % 1 * 0.95 * world.days
        planned[script] += 1
        size = int(
            np.clip(rng.lognormal(2.0, 0.65), MIN_CASE_WALLETS, min(MAX_CASE_WALLETS, max(8, 1.3 * (wallets - used))))
        )
        with drawing(world, rng.spawn(1)[0]):
            _case(stage, script, START + day * DAY, size, exits, evasion)
        used += (
            CRIME_SCRIPTS[script][1] * size**POWER
        )  # the expected number, not the real one, so that evasion changes nothing


def _stage(world: World, services: Services, people: Users) -> Stage:
    """What the cases share. Buyers on the UTXO chain and collectors may be of any district."""
    collectors, buyers = (np.flatnonzero(world.wallets.is_("population", name)) for name in ("collector", "btc_person"))
    market = world.add(1, "darknet", "darknet_market", hours=ALWAYS, utxo=True)
    return Stage(world, services, people, collectors, buyers, int(market[0]))


def _due(rng: np.random.Generator, kinds: Mapping[str, float], planned: Counter[str]) -> str:
    """The script furthest behind its share, with some randomness."""
    total = sum(kinds.values())
    lag = {name: share / total * (planned.total() + 1 + rng.random()) - planned[name] for name, share in kinds.items()}
    return max(lag, key=lambda name: lag[name])


def _case(stage: Stage, script: str, t: float, size: int, exits: Ints, evasion: Evasion | None) -> None:
    """Plan one case."""
    world = stage.world
    if script == "drainer" and float(world.year(t)) < DRAINERS_FROM:
        script = "phishing"
    name = f"case-{len(world.wallets.case_start) + 1:05d}"
    world.wallets.case_start[name], world.wallets.case_script[name] = int(t), script
    zone, hours = zone_and_hours(world.rng)
    party = new_party(world, stage.services, exits, category="laundering", population=script, zone=zone, hours=hours, case=name,
                pace=(90, DAY / 2), sum_style_chances=(0.65, 0.2, 0.15), evasion=evasion)  # fmt: skip
    party.max_helpers = size
    case = begin(stage, party, t, size)
    CRIME_SCRIPTS[script][0](case)
    cover(case)
