"""Dormant loot of several thefts is laundered together every year or so, by the playbook of that year."""

from collections import defaultdict

import numpy as np

from ..engine.market import DAY
from ..engine.world import START
from ..parties.holding import Holding
from ..parties.moves import gather
from . import playbooks
from .actors import Group, draw_playbook
from .theft_moves import swap_to_coin

CAMPAIGN_DAYS = 560  # days between two campaigns
MAX_PERIOD_SHARE = 0.8  # of the period in two campaigns; on a short chain campaigns follow sooner
MIN_WAIT = 0.45  # of the time between two campaigns; loot that waited less is left for the next one
LAST_DAYS = 20  # no campaign begins this close to the end


def plan_campaigns(group: Group, holdings: list[Holding]) -> None:
    """Assign each holding to a campaign, and plan the campaigns within the period. Other holdings stay dormant to the end."""
    world = group.world
    every = min(CAMPAIGN_DAYS, MAX_PERIOD_SHARE * world.days / 2)
    rounds: dict[int, list[Holding]] = defaultdict(list)
    for holding in holdings:
        day = (holding.t - START) / DAY + MIN_WAIT * every
        rounds[int(day // every) + int(world.rng.geometric(0.6))].append(holding)
    for number, waiting in sorted(rounds.items()):
        if number * every < world.days - LAST_DAYS:
            _campaign(group, number, number * every, waiting)


def _campaign(group: Group, number: int, day: float, waiting: list[Holding]) -> None:
    """Plan a campaign: all loot is swapped for coin, gathered in a few wallets, and follows a playbook of that year."""
    world, t = group.world, START + DAY * day
    script = draw_playbook(world.rng, float(world.year(t)), group.actor.playbooks)
    party = group.party(f"campaign-{group.letter}-{number:02d}", script, t, 4 * len(waiting))
    party.rng.shuffle(waiting)
    woken = [
        swap_to_coin(party, holding._replace(t=max(holding.t, t + DAY * float(party.rng.uniform(0, 12)))))
        for holding in waiting
    ]
    together = [party.took(holding) for holding in gather(party, woken, 1 + len(woken) // 8)]
    for holding in together:
        playbooks.play(party, script, holding, int(np.clip(3 * len(waiting) // len(together), 6, 300)))
