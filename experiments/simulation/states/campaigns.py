"""What was let lie of several thefts is laundered together, every year or so, as is usual by then: patience, not panic."""

from collections import defaultdict

import numpy as np

from ..engine.market import DAY
from ..engine.world import START
from ..parties.holding import Holding
from ..parties.moves import gather
from . import playbooks
from .actors import Group, playbook
from .theft_moves import coin

EVERY = 560  # days between two campaigns
LONGEST = 0.8  # of the period; on a short chain campaigns follow sooner
WAITS = 0.45  # of the time between two campaigns: what has waited less is left for the next
LAST_DAYS = 20  # none begins so close to the end


def launder(group: Group, holdings: list[Holding]) -> None:
    """Assign each holding to a campaign, and plan those that still fall into the period; the others lie to the end."""
    world = group.world
    every = min(EVERY, LONGEST * world.days / 2)
    rounds: dict[int, list[Holding]] = defaultdict(list)
    for holding in holdings:
        day = (holding.t - START) / DAY + WAITS * every
        rounds[int(day // every) + int(world.rng.geometric(0.6))].append(holding)
    for number, waiting in sorted(rounds.items()):
        if number * every < world.days - LAST_DAYS:
            _campaign(group, number, number * every, waiting)


def _campaign(group: Group, number: int, day: float, waiting: list[Holding]) -> None:
    """All is swapped for coin, gathered in a few wallets, and goes the way that is usual in that year."""
    world, t = group.world, START + DAY * day
    script = playbook(world.rng, float(world.year(t)), group.actor.playbooks)
    party = group.party(f"campaign-{group.letter}-{number:02d}", script, t, 4 * len(waiting))
    party.rng.shuffle(waiting)
    woken = [
        coin(party, holding._replace(t=max(holding.t, t + DAY * float(party.rng.uniform(0, 12)))))
        for holding in waiting
    ]
    together = [party.took(holding) for holding in gather(party, woken, 1 + len(woken) // 8)]
    for holding in together:
        playbooks.play(party, script, holding, int(np.clip(3 * len(waiting) // len(together), 6, 300)))
