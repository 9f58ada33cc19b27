"""What thieves of a decade do with loot: share it out, swap it, mix it in batches, carry it over bridges, peel it, fan it out.

The moves of `crew` serve where they leave little behind; here are those that make what was planned happen to the coin. A gang
only ever sends to wallets of its own, pools of the mixer, the DEX, bridges, exchanges and desks.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .crew import Crew, Holding, below_round, forward, gather, peel, take_out, to_coin
from .decade import Stage, coin_for_fees
from .market import DAY, ETH, Ints
from .plan import DEPOSIT, EXACT
from .services import DENOMINATIONS, round_to
from .world import ALWAYS, AWAKE, EVENING, OFFICE, START

POPULATION = "thief"
MULE = "mule"
PYONGYANG = 9  # hours ahead of UTC
LEAST = 3.0  # coins; a smaller pot takes no special way
_BLOCK = 40  # wallets made at a time; those never used appear in no file


@dataclass(frozen=True)
class Group:
    """Who steals: a state's group, patient and at its desks by day, or criminals in a hurry; with a mule that pays for gas."""

    actor: str
    state: bool
    mule: int


@dataclass
class Gang(Crew):
    """A crew of a group at work on one theft (or on the leavings of several), which makes as many wallets as it needs."""

    group: Group = Group("", False, -1)
    case: str = ""
    zone: int = 0
    hours: int = ALWAYS

    def fresh(self, t: float) -> int:
        """A wallet not used before, with gas from the mule if it is to hold tokens."""
        if not self.spare:
            category = "state_linked" if self.group.state else "laundering"
            new = self.world.add(
                _BLOCK, category, POPULATION, zone=self.zone, hours=self.hours, actor=self.group.actor, case=self.case
            )
            self.spare = new[::-1].tolist()
        return super().fresh(t)

    def gas(self, wallet: int, t: float, amount: float) -> None:
        """A little coin for fees, from the mule, who has it from an exchange."""
        self.world.plan.one(t, self.group.mule, wallet, round(amount, 3), EXACT)


def mules(stage: Stage, actors: tuple[str, ...]) -> list[int]:
    """A mule for each group; each buys coin every month."""
    wallets = stage.world.add(len(actors), "laundering", MULE, hours=ALWAYS).tolist()
    for wallet, actor in zip(wallets, actors, strict=True):
        stage.world.wallets.actor[wallet] = actor
        for t in np.arange(stage.world.days // 30) * 30.0 * DAY:
            coin_for_fees(stage, wallet, float(START + t), 3.0)
    return wallets


def hire(stage: Stage, group: Group, case: str, exits: Ints) -> Gang:
    """A gang with a manner of its own."""
    rng = stage.world.rng
    pace = (1800, DAY) if group.state else (120, 6 * 3600)
    return Gang(
        stage.world, stage.services, [], pace=float(np.exp(rng.uniform(*np.log(pace)))),
        beat=float(np.clip(rng.lognormal(4.8, 0.8), 40, 600)), jitter=float(rng.uniform(0.3, 0.9)),
        digits=int(rng.choice([0, 0, 2, 3])), tithe=0.002, exits=exits, sums=str(rng.choice(["uneven", "even", "below"])),
        group=group, case=case, zone=PYONGYANG if group.state else int(rng.choice([-5, 0, 1, 3])),
        hours=int(rng.choice([OFFICE if group.state else EVENING, AWAKE, ALWAYS], p=[0.7, 0.15, 0.15])),
    )  # fmt: skip


def share_out(gang: Gang, h: Holding, weights: list[float]) -> list[Holding]:
    """Everything goes to as many new wallets as there are weights, in proportion."""
    t, parts, left = gang.later(h.wallet, h.t), [], sum(weights)
    for k, weight in enumerate(weights):
        share = 1.0 if k == len(weights) - 1 else weight / left
        sent = gang.send(h, gang.fresh(t), share, t)
        parts.append(sent)
        h, left = h._replace(amount=h.amount - sent.amount), left - weight
        t = gang.later(h.wallet, t, gang.beat)
    return parts


def in_parts(gang: Gang, h: Holding, n: int, manner: str, to: Callable[[float], int]) -> list[Holding]:
    """Everything goes to `to` in about n payments: `uneven`, `even`, or just `below` a round number; the last takes the rest."""
    rng, t = gang.rng, gang.later(h.wallet, h.t)
    if manner == "uneven" or n < 2:
        sizes = h.amount * rng.dirichlet(np.full(n, 2.0))
    else:
        size = below_round(rng, h.amount, n) if manner == "below" else 0.97 * h.amount / n
        size = round(size, 4) if manner == "below" else float(round_to(np.array([size]), np.array([3]))[0])
        sizes = np.full(max(1, min(int(0.99 * h.amount / size), 3 * n)) + 1, size)
        sizes[-1] = h.amount - sizes[:-1].sum()
    parts = []
    for k, size in enumerate(sizes.tolist()):
        target = to(t)
        if k == len(sizes) - 1:
            gang.send(h, target, 1.0, t)
        else:
            gang.world.plan.one(t, h.wallet, target, size, EXACT, asset=gang.asset)
        parts.append(Holding(target, t, size))
        t = gang.later(h.wallet, t, gang.beat)
    return parts


def fan(gang: Gang, h: Holding, n: int) -> list[Holding]:
    """Fan out to about n new wallets, in the gang's manner."""
    return in_parts(gang, h, n, gang.sums, gang.fresh) if n > 1 else [h]


def sell(gang: Gang, holdings: list[Holding]) -> None:
    """Sell everything at the gang's exits."""
    for h in holdings:
        in_parts(gang, h, int(gang.rng.integers(1, 5)), gang.sums, lambda t: int(gang.rng.choice(gang.exits)))


def swap(gang: Gang, h: Holding) -> list[Holding]:
    """Tokens to coin, from one to three wallets."""
    return [to_coin(gang, part) for part in fan(gang, h, int(gang.rng.integers(1, 4)))]


def launder(gang: Gang, pot: Holding, way: str, stage: Stage) -> list[Holding]:
    """Send a pot its way: `exchange`, `otc`, `mixer`, `bridge` or `crossing`. Returns what comes out of mixers, to be sold."""
    if way == "mixer":
        return _mixed(gang, pot)
    if way in ("bridge", "crossing"):
        _carry(
            gang,
            pot,
            stage.crossing if way == "crossing" else stage.bridge,
            float(stage.world.market.price(ETH, pot.t)),
        )
    else:
        _sold(replace(gang, exits=stage.desks) if way == "otc" else gang, pot)
    return []


def _sold(gang: Gang, pot: Holding) -> None:
    """A peel chain, a fan, or a fan that is gathered again, and sale."""
    rng = gang.rng
    how = str(rng.choice(["peel", "fan", "gather"])) if pot.amount > LEAST else "fan"
    if how == "peel":
        sell(gang, [peel(gang, h, int(rng.integers(4, 26))) for h in fan(gang, pot, int(rng.integers(1, 4)))])
    elif how == "fan":
        parts = fan(gang, pot, int(rng.integers(2, 16)) if pot.amount > LEAST else 1)
        sell(gang, forward(gang, parts) if rng.random() < 0.6 else parts)
    else:
        parts = forward(gang, fan(gang, pot, int(rng.integers(4, 16))))
        sell(gang, gather(gang, parts, max(1, len(parts) // 5)))


def _mixed(gang: Gang, pot: Holding) -> list[Holding]:
    """Batches of deposits from several wallets; withdrawals days later to others, mostly gathered there."""
    rng, batches = gang.rng, int(np.clip(pot.amount / 6000, 1, 40))
    tickets = [ticket for h in fan(gang, pot, batches) for ticket in _deposits(gang, h)]
    if not tickets:
        return []
    wait = float(rng.uniform(2, 20)) * DAY if gang.group.state else float(rng.uniform(0.1, 2)) * DAY
    out = take_out(gang, tickets, wait, int(np.clip(len(tickets) // 8, 1, 40)))
    return gather(gang, out, max(1, len(out) // 6)) if rng.random() < 0.6 else out


def _deposits(gang: Gang, h: Holding) -> list[tuple[float, int, int]]:
    """As many of the largest denomination as there is money for, then the next, down to crumbs: sold, or left behind."""
    tickets, t, left = [], gang.later(h.wallet, h.t), 0.995 * h.amount
    for pool in range(len(DENOMINATIONS) - 1, -1, -1):
        size = float(DENOMINATIONS[pool])
        if size < 0.008 * h.amount:
            break
        for _ in range(int(left / size)):
            to = int(gang.services.mixers[pool])
            tickets.append((t, pool, gang.world.plan.one(t, h.wallet, to, size, EXACT, method=DEPOSIT)))
            t = gang.later(h.wallet, t, gang.beat)
        left %= size
    if gang.rng.random() < 0.6:
        gang.send(h, int(gang.rng.choice(gang.exits)), 1.0, t)
    return tickets


def _carry(gang: Gang, pot: Holding, bridge: int, price: float) -> None:
    """Everything goes over a bridge, from one wallet for each million dollars or so."""
    for h in fan(gang, pot, int(np.clip(pot.amount * price / 1e6, 1, 24))):
        t = gang.later(h.wallet, h.t)
        gang.world.plan.one(t, h.wallet, bridge, 1.0, method=DEPOSIT)
