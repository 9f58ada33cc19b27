"""Ordinary crime: each case plays a script with parameters drawn anew, and launders what it brings.

Large thefts are not here: those are `states/`. How money is moved is `parties/`.
Front door: `plan`, which plans the crimes of a district; SCRIPTS, one file per script; techniques.py, how cases launder.
"""

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

SCRIPTS: dict[str, tuple[Callable[[CrimeCase], None], float]] = {
    "phishing": (phishing.run, 2.1), "drainer": (drainer.run, 3.0), "ponzi": (ponzi.run, 2.1), "theft": (theft.run, 2.8),
    "ransomware": (ransomware.run, 6.8), "darknet": (darknet.run, 2.3), "ring": (ring.run, 1.9),
}  # fmt: skip
"""What is played, and c, where a case that is meant to have n wallets has c·n^0.7 in the mean (as measured)."""
POWER = 0.7
DRAINERS_FROM = 2021.0  # before, drainers are phishers
GOLDEN = 0.618034  # steps of it fill a period evenly, however many there are
SMALLEST, LARGEST = 5, 120  # wallets of a case, about


def plan(
    world: World, services: Services, people: Users, wallets: int, kinds: Mapping[str, float], exits: Ints,
    evasion: Evasion | None = None,
) -> None:  # fmt: skip
    """Plan cases with about this many wallets in all, spread over the whole period; fills `wallets.case_start` and `case_script`.

    Args:
        kinds: the share of each of SCRIPTS among the cases.
        exits: where parties sell.
        evasion: what they do to hide. The same cases happen with it and without.

    Raises:
        UsageError: `kinds` names something that is none of SCRIPTS.
    """
    unknown = sorted(set(kinds) - set(SCRIPTS))
    if unknown:
        raise UsageError(f"crimes.kinds: got {', '.join(unknown)}; known are {', '.join(SCRIPTS)}")
    rng, first, used, done = world.rng, float(world.rng.random()), 0.0, Counter[str]()
    stage = _stage(world, services, people) if wallets and any(kinds.values()) else None
    while stage and used < wallets:
        script = _due(rng, kinds, done)
        day = (first + GOLDEN * done.total()) % 1 * 0.95 * world.days
        done[script] += 1
        size = int(np.clip(rng.lognormal(2.0, 0.65), SMALLEST, min(LARGEST, max(8, 1.3 * (wallets - used)))))
        with drawing(world, rng.spawn(1)[0]):
            _case(stage, script, START + day * DAY, size, exits, evasion)
        used += SCRIPTS[script][1] * size**POWER  # not what it has, so that evasion changes nothing


def _stage(world: World, services: Services, people: Users) -> Stage:
    """Buyers on the UTXO chain and collectors may be of any district."""
    collectors, buyers = (np.flatnonzero(world.wallets.is_("population", name)) for name in ("collector", "btc_person"))
    market = world.add(1, "darknet", "darknet_market", hours=ALWAYS, utxo=True)
    return Stage(world, services, people, collectors, buyers, int(market[0]))


def _due(rng: np.random.Generator, kinds: Mapping[str, float], done: Counter[str]) -> str:
    """The script that lags behind its share most, with some chance in it."""
    total = sum(kinds.values())
    lag = {name: share / total * (done.total() + 1 + rng.random()) - done[name] for name, share in kinds.items()}
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
                pace=(90, DAY / 2), sums=(0.65, 0.2, 0.15), evasion=evasion)  # fmt: skip
    party.most = size
    case = begin(stage, party, t, size)
    SCRIPTS[script][0](case)
    cover(case)
