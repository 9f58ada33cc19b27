"""Who steals: groups of states and ordinary thieves, their hours, their patience, and which playbook they take up in which year.

Modelled on published cases by their shape, not by their figures.
"""

from dataclasses import dataclass, field

import numpy as np

from ..engine.market import DAY, ETH, Ints
from ..engine.services import Services, withdraw
from ..engine.world import ALWAYS, AWAKE, EVENING, OFFICE, START, World
from ..parties.party import Party, new_party
from ..scenarios.scenario import Evasion

Span = tuple[float, float, float, float]
"""Calendar years: a playbook appears, is in full use, is no longer, and is gone."""

DPRK: dict[str, Span] = {
    "peel": (2014.0, 2016.0, 2020.3, 2021.4),
    "fan": (2018.6, 2019.4, 2020.4, 2021.3),
    "rounds": (2020.2, 2020.6, 2021.3, 2022.0),
    "swap_mix": (2020.6, 2021.0, 2022.0, 2022.9),
    "tranches": (2021.8, 2022.1, 2022.8, 2023.4),
    "privacy": (2022.2, 2022.5, 2023.1, 2024.0),
    "session": (2022.8, 2023.3, 2023.9, 2024.7),
    "dormant": (2023.2, 2023.7, 2024.4, 2025.3),
    "flood": (2024.0, 2024.9, 2090.0, 2099.0),
}
RANSOM: dict[str, Span] = {"ransom": (2014.0, 2016.0, 2090.0, 2099.0), "accounts": (2014.0, 2018.0, 2090.0, 2099.0)}
CHAINS: dict[str, Span] = {
    "swap_chain": (2017.5, 2019.5, 2090.0, 2099.0), "nested": (2014.0, 2017.0, 2024.0, 2027.0),
    "peel": (2014.0, 2015.0, 2018.0, 2020.0),
}  # fmt: skip
PLAIN: dict[str, Span] = {
    "quick": (2010.0, 2010.0, 2095.0, 2099.0), "peel": (2013.0, 2015.0, 2021.0, 2023.0),
    "mixed": (2017.0, 2019.5, 2095.0, 2099.0), "over": (2020.0, 2022.0, 2095.0, 2099.0),
}  # fmt: skip
OUT_OF_FASHION = 0.04  # weight of an outdated playbook: habits die slowly
ACCOUNTS = 12  # places where a party sells, of which it uses some
GAS_TRANSFERS = (10, 30)  # transfers for which a wallet for tokens gets coin


@dataclass(frozen=True, eq=False)
class Actor:
    """A group, or a kind of thieves.

    Attributes:
        name: the name in labels and truth; empty for thieves whom nobody names.
        category: the category of its wallets.
        zones: hours ahead of UTC; hours: the share of operators in each profile of `world.HOURS`.
        playbooks: the playbooks, each with the years in which it is used.
        pace: least and greatest median wait at a hop, in seconds; session_wait: median seconds between two acts of one session.
        dormant_chance: the chance that part of the loot stays dormant for years.
    """

    name: str
    category: str
    population: str
    zones: tuple[int, ...]
    hours: dict[int, float]
    playbooks: dict[str, Span]
    pace: tuple[float, float]
    session_wait: float = 200.0
    dormant_chance: float = 0.0
    sum_style_chances: tuple[float, float, float] = (0.5, 0.2, 0.3)
    exits: dict[str, float] = field(default_factory=lambda: {"exchange": 0.7, "otc": 0.3})


ACTORS = {
    "A": Actor(
        "Simulated State Group", "state_linked", "state", (9,), {OFFICE: 0.75, AWAKE: 0.15, ALWAYS: 0.1}, DPRK, (1800, 2 * DAY),
        dormant_chance=1.0, sum_style_chances=(0.2, 0.1, 0.7), exits={"exchange": 0.55, "otc": 0.45},
    ),
    "B": Actor(
        "Simulated State Group B", "state_linked", "state", (4,), {OFFICE: 0.6, AWAKE: 0.3, EVENING: 0.1}, RANSOM,
        (3600, 4 * DAY), sum_style_chances=(0.7, 0.25, 0.05), exits={"exchange": 0.9, "otc": 0.1},
    ),
    "C": Actor(
        "Simulated State Group C", "state_linked", "state", (3,), {AWAKE: 0.55, OFFICE: 0.25, EVENING: 0.2}, CHAINS, (900, DAY),
        dormant_chance=0.3, sum_style_chances=(0.6, 0.2, 0.2), exits={"exchange": 0.3, "otc": 0.7},
    ),
}  # fmt: skip
"""By the letter that a scenario names. Group A keeps hours in Pyongyang, B in Tehran (to the hour), C in Moscow."""
THIEVES = Actor(
    "Simulated Thieves", "laundering", "thief", (-8, -5, 0, 1, 3, 8), {EVENING: 0.5, AWAKE: 0.3, ALWAYS: 0.2}, PLAIN,
    (120, 6 * 3600), session_wait=120.0, exits={"exchange": 0.9, "otc": 0.1},
)  # fmt: skip


class Group:
    """An actor on a chain: its keys, its mule who pays for gas, and the accounts where it sells. Makes a party for each case."""

    def __init__(self, world: World, services: Services, actor: Actor, evasion: Evasion | None) -> None:
        self.world, self.services, self.actor, self.evasion = world, services, actor, evasion
        self.letter = next((letter.lower() for letter, known in ACTORS.items() if known is actor), "x")
        self._owner = world.owner() if actor.category == "state_linked" else None  # thieves are others each time
        self._accounts = world.rng.choice(services.deposits, ACCOUNTS)
        self._mule = self._hired_mule()

    def _hired_mule(self) -> int:
        case = f"supply-{self.letter}"
        self.world.wallets.case_start[case], self.world.wallets.case_script[case] = START, "supply"
        mule = self.world.add(
            1, self.actor.category, "mule", hours=ALWAYS, actor=self.actor.name, case=case, owner=self._owner
        )
        return int(mule[0])

    def _exits(self) -> Ints:
        """Accounts at exchanges, half of them known from other cases, and desks over the counter."""
        rng, services = self.world.rng, self.services
        n = {exit_kind: round(ACCOUNTS * share) for exit_kind, share in self.actor.exits.items()}
        accounts = rng.choice(np.concatenate([self._accounts, rng.choice(services.deposits, ACCOUNTS)]), n["exchange"])
        return np.concatenate([accounts, rng.choice(services.desks, n["otc"])])

    def party(self, case: str, script: str, t: float, wallets: int) -> Party:
        """A party for a case that begins at t and takes about this many wallets; the mule buys coin for their fees."""
        world, actor = self.world, self.actor
        world.wallets.case_start[case], world.wallets.case_script[case] = int(t), script
        with world.plan.phase("fund"):
            receivers, amount = np.array([self._mule]), np.array([0.5 + 0.2 * wallets])
            withdraw(world, self.services, np.array([t - DAY * world.rng.uniform(0.5, 3)]), receivers, amount, ETH, 2)
        hours = np.repeat(list(actor.hours), [round(20 * share) for share in actor.hours.values()])
        party = new_party(
            world, self.services, self._exits(), category=actor.category, population=actor.population,
            zone=int(world.rng.choice(actor.zones)), hours=hours, case=case, actor=actor.name, owner=self._owner,
            pace=actor.pace, sum_style_chances=actor.sum_style_chances, evasion=self.evasion,
        )  # fmt: skip
        party.payer, party.hop_loss, party.gas_transfers = self._mule, 0.002, GAS_TRANSFERS
        party.session_wait = float(np.clip(actor.session_wait * party.rng.lognormal(0, 0.6), 40, 900))
        return party


def draw_playbook(rng: np.random.Generator, year: float, spans: dict[str, Span]) -> str:
    """Draw a playbook for a year: usually one in use, rarely an outdated one, never one that is not invented yet."""
    weights = np.array([_weight(year, span) for span in spans.values()])
    if not weights.any():
        weights = np.array([float(span[0] == min(other[0] for other in spans.values())) for span in spans.values()])
    return str(rng.choice(list(spans), p=weights / weights.sum()))


def _weight(year: float, span: Span) -> float:
    inside = float(np.interp(year, span, (0.0, 1.0, 1.0, 0.0)))
    return max(inside, OUT_OF_FASHION) if year > span[0] else 0.0
