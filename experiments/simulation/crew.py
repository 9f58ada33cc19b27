"""How a party moves money about: splits it, passes it on, peels it, gathers it, mixes it, lets it rest, cashes it out.

The very same moves serve launderers and honest people (companies, movers, people who like privacy): what differs, by degrees, is
how often, how fast, at what hours and in which order. Whether a party is honest stands elsewhere.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .market import DAY, ETH, Ints
from .plan import DEPOSIT, EXACT, REPLY, SHARE, SWAP, WITHDRAW
from .services import DENOMINATIONS, RELAYER_FEE, Services, round_to, withdraw
from .world import World


class Holding(NamedTuple):
    """Money on its way: who has it, since when (unix s), and about how much (ETH, or dollars if the crew holds those)."""

    wallet: int
    t: float
    amount: float


@dataclass
class Crew:
    """A party with its wallets and its manner."""

    world: World
    services: Services
    spare: list[int]  # wallets not yet used
    pace: float  # median seconds that money stays at a hop
    beat: float  # median seconds between two acts of one session
    jitter: float  # spread of both, as the sigma of a log-normal
    digits: int
    tithe: float  # share left behind, or kept by a helper, at a hop
    exits: Ints
    asset: int = ETH
    sums: str = "share"  # how it sells: uneven shares, or equal sums (`even`, `below` a round number)
    used: list[int] = field(default_factory=list)

    @property
    def rng(self) -> np.random.Generator:
        """The generator of the population whose turn it is."""
        return self.world.rng

    def fresh(self, t: float) -> int:
        """A wallet not used before, or else the one that rested longest. Wallets for tokens get coin for fees first."""
        if not self.spare:
            self.used.append(self.used.pop(0))
            return self.used[-1]
        wallet = self.spare.pop()
        self.used.append(wallet)
        if self.asset != ETH:
            self.gas(wallet, t - self.rng.uniform(120, 4 * 3600), self.rng.uniform(0.02, 0.1))
        return wallet

    def funded(self, wallet: int, t: float, amount: float) -> Holding:
        """Money of its own, withdrawn from an exchange."""
        one = np.array([wallet])
        withdraw(self.world, self.services, np.array([t]), one, np.array([amount]), self.asset, self.digits)
        return Holding(wallet, t, amount)

    def gas(self, wallet: int, t: float, amount: float) -> None:
        """A little coin for fees, from an exchange."""
        self.world.plan.one(t, int(self.rng.choice(self.services.hot)), wallet, round(amount, 3), EXACT)

    def later(self, wallet: int, t: float, median: float | None = None) -> float:
        """When the next act comes: a log-normal wait, then the owner's working hours."""
        wait = self.rng.lognormal(math.log(median or self.pace), self.jitter)
        return self.world.awake(wallet, t + 15 + wait)

    def send(self, holding: Holding, receiver: int, share: float, t: float, digits: int = 0) -> Holding:
        """Send a share of what the wallet holds."""
        self.world.plan.one(t, holding.wallet, receiver, share, SHARE, asset=self.asset, digits=digits)
        return Holding(receiver, t, holding.amount * share)


def below_round(rng: np.random.Generator, amount: float, n: int) -> float:
    """A size a little below a round number, of which about n fit into the amount."""
    size = 0.98 * amount / n
    unit = 10.0 ** math.floor(math.log10(size))
    return math.floor(size / unit) * unit * (1 - rng.uniform(0.001, 0.018))


def split(crew: Crew, h: Holding, n: int, manner: str) -> list[Holding]:
    """Fan out to n wallets: `even`, `below` (equal, just below a round number) or `uneven`; the rest goes somewhere, or stays."""
    rng, t, parts = crew.rng, crew.later(h.wallet, h.t), []
    size = 0.0 if manner == "uneven" else _equal_size(rng, h.amount, n, manner)
    shares = rng.dirichlet(np.full(n, 2.0))
    for k in range(n):
        target = crew.fresh(t)
        last = k == n - 1
        if manner == "uneven":
            share = 1.0 if last else float(shares[k] / shares[k:].sum())
            crew.send(h, target, share, t, 0 if last else crew.digits)
            parts.append(Holding(target, t, h.amount * float(shares[k])))
        else:
            crew.world.plan.one(t, h.wallet, target, size, EXACT, asset=crew.asset)
            parts.append(Holding(target, t, size))
        t = crew.later(h.wallet, t, crew.beat)
    if manner != "uneven" and rng.random() < 0.6:
        crew.send(h, int(rng.choice(crew.exits)) if rng.random() < 0.5 else parts[-1].wallet, 1.0, t)
    return parts


def forward(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    """Each holding moves on to a new wallet, less what the helper keeps."""
    moved = []
    for h in holdings:
        t = crew.later(h.wallet, h.t)
        moved.append(crew.send(h, crew.fresh(t), 1.0 if crew.rng.random() < 0.5 else 1 - crew.tithe, t))
    return moved


def peel(crew: Crew, h: Holding, hops: int) -> Holding:
    """At each hop a small part is cashed out and the rest moves on to a new wallet."""
    for _ in range(hops):
        t = crew.later(h.wallet, h.t)
        part = float(crew.rng.uniform(0.02, 0.15))
        crew.send(h, int(crew.rng.choice(crew.exits)), part, t, crew.digits)
        t = crew.later(h.wallet, t, crew.beat)
        h = crew.send(h._replace(amount=h.amount * (1 - part)), crew.fresh(t), 1.0, t)
    return h


def gather(crew: Crew, holdings: list[Holding], n: int) -> list[Holding]:
    """Fan in: every holding goes whole to one of n wallets, which wait for the last."""
    first = min(h.t for h in holdings)
    targets = [crew.fresh(first) for _ in range(n)]
    arrived: dict[int, tuple[float, float]] = {}
    for k, h in enumerate(holdings):
        target = targets[k % n]
        if target == h.wallet:
            continue
        got = crew.send(h, target, 1.0, crew.later(h.wallet, h.t))
        t, amount = arrived.get(target, (0.0, 0.0))
        arrived[target] = (max(t, got.t), amount + h.amount)
    return [Holding(wallet, t, amount) for wallet, (t, amount) in arrived.items()]


def rest(holdings: list[Holding], rng: np.random.Generator, days: float) -> list[Holding]:
    """Nothing moves for some days."""
    return [h._replace(t=h.t + DAY * days * float(rng.uniform(0.7, 1.3))) for h in holdings]


def to_coin(crew: Crew, h: Holding) -> Holding:
    """Swap all that the wallet has of the crew's token for coin."""
    t, token = crew.later(h.wallet, h.t), crew.asset
    pool = int(crew.services.dex[token - 1])
    give = crew.world.plan.one(t, h.wallet, pool, 1.0, SHARE, asset=token, method=SWAP)
    rate = float(crew.world.market.rate(token, ETH, t))
    crew.world.plan.one(t, pool, h.wallet, rate * 0.996, REPLY, after=give, method=SWAP)
    return Holding(h.wallet, t, h.amount * rate)


def mix(crew: Crew, holdings: list[Holding], wait: float, out: int) -> list[Holding]:
    """Deposits of one fixed denomination each; withdrawals of the same, later, to `out` new wallets. What is left over stays."""
    tickets: list[tuple[float, int, int]] = []
    for h in holdings:
        pool = max(0, int(np.searchsorted(DENOMINATIONS, h.amount * 0.97, side="right")) - 1)
        if pool and h.amount / DENOMINATIONS[pool] < 3 and crew.rng.random() < 0.7:
            pool -= 1
        t = crew.later(h.wallet, h.t)
        for _ in range(min(20, max(1, int(h.amount * 0.99 / DENOMINATIONS[pool])))):
            row = crew.world.plan.one(
                t, h.wallet, int(crew.services.mixers[pool]), DENOMINATIONS[pool], EXACT, method=DEPOSIT
            )
            tickets.append((t, pool, row))
            t = crew.later(h.wallet, t, crew.beat)
    return take_out(crew, tickets, wait, out)


def take_out(crew: Crew, tickets: list[tuple[float, int, int]], wait: float, out: int) -> list[Holding]:
    """Take mixed money out again, through a relayer who keeps a fee of it, so that the new wallet needs no coin of its own.

    A ticket is a deposit: when, into which pool, and the number of its row. The money goes to at most `out` new wallets.
    """
    rng, s, got = crew.rng, crew.services, {}
    targets = [crew.fresh(tickets[0][0]) for _ in range(max(1, min(out, len(tickets))))]
    for k, (deposited, pool, row) in enumerate(sorted(tickets)):
        target = targets[k * len(targets) // len(tickets)]
        t = crew.later(target, deposited, wait)
        amount = float(DENOMINATIONS[pool])
        paid = crew.world.plan.one(
            t, int(s.mixers[pool]), target, amount * (1 - RELAYER_FEE), EXACT, after=row, method=WITHDRAW
        )
        crew.world.plan.one(
            t,
            int(s.mixers[pool]),
            int(rng.choice(s.relayers)),
            RELAYER_FEE / (1 - RELAYER_FEE),
            REPLY,
            after=paid,
            method=WITHDRAW,
        )
        last, total = got.get(target, (0.0, 0.0))
        got[target] = (max(last, t), total + amount)
    return [Holding(wallet, t, amount) for wallet, (t, amount) in got.items()]


def cash_out(crew: Crew, holdings: list[Holding], most: int = 4) -> None:
    """Sell at exchanges, over the counter or to people: all at once, or in several sums over a while."""
    for h in holdings:
        own = crew.rng.choice(crew.exits, 2)
        if crew.sums == "share" or h.amount <= 0:
            _sell_shares(crew, h, own, int(crew.rng.integers(1, most + 1)))
        else:
            _sell_equal(crew, h, own, int(crew.rng.integers(2, 2 * most + 1)))


def _sell_shares(crew: Crew, h: Holding, own: Ints, tranches: int) -> None:
    t = h.t
    for k in range(tranches):
        t = crew.later(h.wallet, t)
        last = k == tranches - 1
        share = 1.0 if last else min(1.0, float(crew.rng.uniform(0.8, 1.2)) / (tranches - k))
        crew.send(h, int(crew.rng.choice(own)), share, t, 0 if last else crew.digits)


def _sell_equal(crew: Crew, h: Holding, own: Ints, tranches: int) -> None:
    """Equal sums, each some time after the last was confirmed; then, as a rule, what is left."""
    t, size = crew.later(h.wallet, h.t), _equal_size(crew.rng, h.amount, tranches, crew.sums)
    for _ in range(tranches):
        crew.world.plan.one(t, h.wallet, int(crew.rng.choice(own)), size, EXACT, asset=crew.asset)
        t = crew.later(h.wallet, t, crew.beat)
    if crew.rng.random() < 0.6:
        crew.send(h, int(own[0]), 1.0, t)


def _equal_size(rng: np.random.Generator, amount: float, n: int, manner: str) -> float:
    """The size of n equal payments out of an amount: cut to three digits, or just below a round number."""
    if manner == "below":
        return round(below_round(rng, amount, n), 4)
    return float(round_to(np.array([amount * 0.97 / n]), np.array([3]))[0])
