"""How a party moves money about: splits it, passes it on, peels it, gathers it, sends it in circles, lets it rest, cashes it out.

The very same moves serve launderers and honest people (companies, movers, people who like privacy): what differs, by degrees, is
how often, how fast, at what hours and in which order. Whether a party is honest stands elsewhere; moves through services (DEX,
mixer, bridge, nested services) are in `passages`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..engine.market import BTC, DAY, ETH, Ints
from ..engine.plan import EXACT, SHARE, UP_TO
from ..engine.services import LATEST_BATCH, Services, round_to, withdraw
from ..engine.settle import TOKEN_GAS
from ..engine.world import ALWAYS, AWAKE, EVENING, OFFICE, ZONE_SHARES, ZONES, World
from ..scenarios.scenario import Evasion
from .evasion import Disguise, Places
from .holding import Holding

CONFIRMED = {False: 15, True: 900}  # seconds until coin can be sent on: on the account chain, on the UTXO chain
DEARER = 4.0  # times as much as gas costs at the moment is put by for it
MANY = 4  # payments for which a wallet gets coin of their own
AGAIN = 0.2  # how often a wallet for tokens gets more coin when it is used again


@contextmanager
def drawing(world: World, rng: np.random.Generator) -> Iterator[None]:
    """Inside, the world draws from this generator."""
    kept, world.rng = world.rng, rng
    try:
        yield
    finally:
        world.rng = kept


@dataclass
class Crew:
    """A party and its manner; `hire` makes one. It makes wallets as it needs them.

    Attributes:
        exits: where it sells on the account chain; far_exits: on the UTXO chain.
        hours: rows of HOURS, one of which each wallet keeps.
        case: "" = an honest party, whose rows carry no phase.
        pace: median seconds that money stays at a hop; beat: between two acts of one session; jitter: the spread of both, as
            sigma of a log-normal.
        digits: significant digits of its sums (0 = all); tithe: share that is left behind, or kept by a helper, at a hop.
        sums: how it splits and sells unless told: `uneven`, `even`, or `below` a round number.
        rng: for what it does; clock: for when.
        payer: the wallet that pays for its gas; −1 = an exchange.
        most: with so many helpers on the account chain the one that rested longest is used again; 0 = always new ones.
        trips: for so many transfers, from and to, a wallet for tokens gets coin.
        used: its wallets, in the order in which they were made; idle: of these the helpers, the one used last at the end.
    """

    world: World
    services: Services
    exits: Ints
    far_exits: Ints
    category: str
    population: str
    zone: int
    hours: npt.ArrayLike
    case: str
    actor: str
    owner: int
    pace: float
    beat: float
    jitter: float
    digits: int
    tithe: float
    sums: str
    rng: np.random.Generator
    clock: np.random.Generator
    disguise: Disguise
    payer: int = -1
    most: int = 0
    trips: tuple[float, float] = (3, 10)
    used: list[int] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)

    def phase(self, name: str) -> AbstractContextManager[None]:
        """Rows planned inside carry this phase, unless the party is honest."""
        return self.world.plan.phase(name if self.case else "")

    def fresh(self, t: float, asset: int = ETH, category: str = "", contract: bool = False) -> int:
        """A wallet for an asset from second t on, as a rule a new one; one for tokens gets coin for fees just before.

        Args:
            category: what it is, if not what the party's helpers are.
        """
        again = bool(self.most and len(self.idle) >= self.most and not (category or contract or asset == BTC))
        wallet = self.idle.pop(0) if again else self._new(asset, category, contract)
        if not (category or contract or asset == BTC):
            self.idle.append(wallet)
        if asset not in (ETH, BTC) and not contract and (not again or self.rng.random() < AGAIN):
            self.gas(
                wallet, t - self.clock.uniform(120, 4 * 3600), self.fees(t, TOKEN_GAS * self.rng.uniform(*self.trips))
            )
        return wallet

    def _new(self, asset: int, category: str, contract: bool) -> int:
        zone, hours = self.disguise.habits(self.zone, int(self.rng.choice(np.atleast_1d(self.hours))))
        with drawing(self.world, self.rng):
            new = self.world.add(1, category or self.category, self.population, zone=zone, hours=hours, actor=self.actor,
                                 case=self.case, contract=contract, utxo=asset == BTC, owner=self.owner)  # fmt: skip
        self.used.append(int(new[0]))
        return self.used[-1]

    def gas(self, wallet: int, t: float, amount: float) -> None:
        """A little coin for fees."""
        hot = int(self.rng.choice(self.services.hot))
        with self.phase("fund"):
            self.world.plan.one(t, hot if self.payer < 0 else self.payer, wallet, round(amount, 3), EXACT)

    def fees(self, t: float, gas: float) -> float:
        """Coin for so much gas on the account chain, even when gas gets dear."""
        return 1e-9 * DEARER * gas * float(self.world.market.gas(ETH, t))

    def funded(self, wallet: int, t: float, amount: float, asset: int = ETH) -> Holding:
        """Money of its own, withdrawn from an exchange."""
        with drawing(self.world, self.rng), self.phase("fund"):
            one = np.array([wallet])
            withdraw(self.world, self.services, np.array([t]), one, np.array([amount]), asset, self.digits)
        return Holding(wallet, t + (LATEST_BATCH if asset == BTC else 0), amount, asset)

    def provide(self, h: Holding, payments: int, t: float) -> None:
        """Coin for a session of many payments of tokens, shortly before it begins at t."""
        if h.asset not in (ETH, BTC) and payments >= MANY:
            gas = TOKEN_GAS * self.disguise.cuts * payments
            self.gas(h.wallet, t - self.clock.uniform(60, 900), self.fees(t, gas))

    def took(self, h: Holding) -> Holding:
        """Note loot that came in, of which hiding may spend a part. Returns it."""
        self.disguise.loot += h.amount * float(self.world.market.price(h.asset, h.t))
        return h

    def exit(self, asset: int) -> int:
        """A place where it sells."""
        return int(self.rng.choice(self.far_exits if asset == BTC else self.exits))

    def later(self, wallet: int, t: float, median: float | None = None) -> float:
        """When the next act comes: a log-normal wait (`median`: of a hop, if not given), then the owner's working hours."""
        wait = self.clock.lognormal(math.log(median or self.pace), self.jitter)
        wait += CONFIRMED[bool(self.world.wallets.utxo[wallet])] + (self.disguise.delay() if median is None else 0)
        with drawing(self.world, self.clock):
            return self.world.awake(wallet, t + wait)

    def depart(self, h: Holding, median: float | None = None) -> float:
        """When money moves on from a hop. What serves to hide it happens in between."""
        t = self.later(h.wallet, h.t, median)
        places = Places(self.world.market, self.services, self.exits, self.far_exits)
        with self.phase("evade"):
            for payment in self.disguise.side_payments(h, t, places):
                self.world.plan.one(*payment[:5], asset=payment.asset, digits=payment.digits)
        return t

    def then(self, h: Holding, t: float, median: float | None = None) -> float:
        """When the next payment of a session follows one at t; on the UTXO chain they are one transaction."""
        return t if h.utxo else self.later(h.wallet, t, median or self.beat)

    def send(self, h: Holding, receiver: int, share: float, t: float, digits: int = 0) -> Holding:
        """Send a share of what the wallet holds."""
        done = 0.0
        for k, part in enumerate(parts := self.disguise.parts()):
            t += self.disguise.gap(self.beat) if k else 0
            last = share == 1.0 and k == len(parts) - 1
            now = 1.0 if last else min(1.0, share * part / (1 - done))
            self.world.plan.one(t, h.wallet, receiver, now, SHARE, asset=h.asset, digits=digits)
            done += share * part
        return Holding(receiver, t, h.amount * share, h.asset)

    def pay(self, h: Holding, receiver: int, amount: float, t: float) -> Holding:
        """Send a sum, or what there is if the wallet holds less."""
        for k, part in enumerate(self.disguise.parts()):
            t += self.disguise.gap(self.beat) if k else 0
            self.world.plan.one(t, h.wallet, receiver, amount * part, UP_TO, asset=h.asset)
        return Holding(receiver, t, min(amount, h.amount), h.asset)

    def pay_off(self, h: Holding, receiver: int, share: float, t: float, digits: int = 0) -> Holding:
        """Send a share on, and the rest to a new wallet: as change, or a while later. Returns the rest."""
        rest = h._replace(amount=h.amount * (1 - share))
        if not h.utxo:
            sent = self.send(h, receiver, share, t, digits)
            t = self.then(h, sent.t)
            return self.send(rest, self.fresh(t, h.asset), 1.0, t)
        paid = self.world.plan.one(t, h.wallet, receiver, share, SHARE, asset=h.asset, digits=digits)
        change = self.fresh(t, h.asset)
        self.world.plan.one(t, h.wallet, change, 1.0, SHARE, asset=h.asset, after=paid)
        return Holding(change, t, rest.amount, h.asset)


def hire(world: World, s: Services, exits: Ints, *, category: str, population: str, zone: int, hours: npt.ArrayLike,
         case: str = "", actor: str = "", owner: int | None = None, pace: tuple[float, float] = (600, 5 * DAY),
         sums: tuple[float, float, float] = (0.75, 0.18, 0.07), evasion: Evasion | None = None) -> Crew:  # fmt: skip
    """A crew with a manner drawn at random, and generators of its own.

    Args:
        exits: places on the account chain of which it uses some.
        hours: a row of HOURS, or several, one of which each wallet keeps.
        case: of a criminal party; owner: who holds its keys (someone new if not given).
        pace: least and greatest median wait at a hop, seconds (drawn evenly by order of magnitude).
        sums: chances that it sells in uneven shares, in equal sums, in equal sums just below a round number.
        evasion: what it does so as not to be seen.
    """
    rng, clock, tricks = world.rng.spawn(3)
    evasion = evasion or Evasion()
    return Crew(
        world, s, rng.choice(exits, int(rng.integers(2, 6))), rng.choice(s.btc_deposits, int(rng.integers(1, 4))),
        category, population, zone, hours, case, actor, world.owner() if owner is None else owner,
        pace=float(np.exp(rng.uniform(*np.log(pace)))), beat=float(rng.lognormal(5.5, 1.3)),
        jitter=float(rng.uniform(0.3, 1.3)), digits=int(rng.choice([0, 0, 1, 2, 3])),
        tithe=float(rng.uniform(0.005, 0.06)), sums=str(rng.choice(["uneven", "even", "below"], p=sums)),
        rng=rng, clock=clock, disguise=Disguise(evasion.strategy, evasion.strength, tricks),
    )  # fmt: skip


def place(rng: np.random.Generator) -> tuple[int, int]:
    """Where and when a party works: a zone, and office hours, a free day, evenings or a script around the clock."""
    hours = rng.choice([AWAKE, OFFICE, EVENING, ALWAYS], p=[0.4, 0.3, 0.1, 0.2])
    return int(rng.choice(ZONES, p=ZONE_SHARES)), int(hours)


def below_round(rng: np.random.Generator, amount: float, n: int) -> float:
    """A size a little below a round number, of which n or more fit into the amount."""
    size = 0.98 * amount / n
    unit = 10.0 ** math.floor(math.log10(size))
    return math.floor(size / unit) * unit * (1 - rng.uniform(0.001, 0.018))


def share_out(
    crew: Crew, h: Holding, weights: Sequence[float], to: Callable[[float], int] | None = None, *, digits: int = 0,
    every: float | None = None,
) -> list[Holding]:  # fmt: skip
    """Everything goes, in proportion to the weights, to new wallets or to whom `to` names at a second; `every`: median seconds
    between the payments.
    """
    t, left, parts = crew.depart(h), float(sum(weights)), []
    crew.provide(h, len(weights), t)
    for k, weight in enumerate(weights):
        last = k == len(weights) - 1
        target = to(t) if to else crew.fresh(t, h.asset)
        parts.append(crew.send(h, target, 1.0 if last else weight / left, t, 0 if last else digits))
        h, left = h._replace(amount=h.amount - parts[-1].amount), left - weight
        t = crew.then(h, parts[-1].t, every)
    return parts


def in_parts(
    crew: Crew, h: Holding, n: int, manner: str, to: Callable[[float], int], every: float | None = None
) -> list[Holding]:
    """Everything goes to whom `to` names, in about n payments: `uneven`, `even`, or just `below` a round number."""
    if manner == "uneven" or n < 2 or h.amount <= 0:
        return share_out(crew, h, crew.rng.dirichlet(np.full(n, 2.0)).tolist(), to, digits=crew.digits, every=every)
    t, parts = crew.depart(h), []
    size = _equal_size(crew.rng, h.amount, n, manner)
    count = max(1, min(int(0.99 * h.amount / size), 3 * n))
    crew.provide(h, count + 1, t)
    for _ in range(count):
        parts.append(crew.pay(h, to(t), size, t))
        t = crew.then(h, parts[-1].t, every)
    left = h.amount - count * size
    if left > 0.05 * size:
        parts.append(crew.send(h._replace(amount=left), to(t), 1.0, t))
    elif crew.rng.random() < 0.6:  # crumbs are sent after the rest, or left behind
        crew.send(h._replace(amount=left), parts[-1].wallet, 1.0, t)
    return parts


def _equal_size(rng: np.random.Generator, amount: float, n: int, manner: str) -> float:
    """The size of n equal payments out of an amount: cut to three digits, or just below a round number."""
    if manner == "below":
        return below_round(rng, amount, n)
    return float(round_to(np.array([amount * 0.97 / n]), np.array([3]))[0])


def split(crew: Crew, h: Holding, n: int, manner: str | None = None) -> list[Holding]:
    """Fan out to about n new wallets, in a manner or the crew's own; the UTXO chain does it in one transaction."""
    with crew.phase("split"):
        return in_parts(crew, h, n, manner or crew.sums, lambda t: crew.fresh(t, h.asset))


def forward(crew: Crew, holdings: list[Holding]) -> list[Holding]:
    """Each holding moves on to a new wallet, less what the helper keeps."""
    moved = []
    with crew.phase("forward"):
        for h in holdings:
            t = crew.depart(h)
            share = 1.0 if h.utxo or crew.rng.random() < 0.5 else 1 - crew.tithe
            moved.append(crew.send(h, crew.fresh(t, h.asset), share, t))
    return moved


def peel(crew: Crew, h: Holding, hops: int) -> Holding:
    """At each hop a small part is cashed out and the rest moves on to a new wallet."""
    with crew.phase("peel"):
        for _ in range(hops):
            part = float(crew.rng.uniform(0.02, 0.15))
            h = crew.pay_off(h, crew.exit(h.asset), part, crew.depart(h), crew.digits)
    return h


def gather(crew: Crew, holdings: list[Holding], n: int = 1) -> list[Holding]:
    """Fan in: every holding goes whole to one of n new wallets for each asset, which wait for the last."""
    with crew.phase("gather"):
        return [
            got
            for asset in dict.fromkeys(h.asset for h in holdings)
            for got in _gathered(crew, [h for h in holdings if h.asset == asset], n)
        ]


def _gathered(crew: Crew, holdings: list[Holding], n: int) -> list[Holding]:
    """On the UTXO chain all inputs of a target are one transaction."""
    first, asset, gathered = min(h.t for h in holdings), holdings[0].asset, []
    for k in range(min(n, len(holdings))):
        mine, target = holdings[k::n], crew.fresh(first, asset)
        leave = [crew.depart(h) for h in mine]
        leave = [max(leave)] * len(mine) if asset == BTC else leave
        got = [crew.send(h, target, 1.0, t) for h, t in zip(mine, leave, strict=True)]
        gathered.append(Holding(target, max(h.t for h in got), sum(h.amount for h in got), asset))
    return gathered


def scatter_gather(crew: Crew, h: Holding, n: int) -> Holding:
    """Through about n wallets side by side, each used once, to one new wallet."""
    return gather(crew, split(crew, h, n))[0]


def cycle(crew: Crew, h: Holding, hops: int, within: float = 5 * DAY) -> Holding:
    """The money comes back to its wallet in so many hops (≥ 2), about `within` so many seconds."""
    home = h.wallet
    with crew.phase("cycle"):
        for k in range(hops):
            t = crew.depart(h, within / (2 * hops))
            share = 1.0 if h.utxo or k == 0 else 1 - crew.tithe
            h = crew.send(h, home if k == hops - 1 else crew.fresh(t, h.asset), share, t)
    return h


def rest(crew: Crew, holdings: list[Holding], days: float) -> list[Holding]:
    """Nothing moves for about so many days."""
    return [h._replace(t=h.t + DAY * days * float(crew.clock.uniform(0.7, 1.3))) for h in holdings]


def dormant(crew: Crew, holdings: list[Holding], days: float) -> list[Holding]:
    """Nothing moves for very long; then, mostly, a small payment tries whether everything still works."""
    woken = rest(crew, holdings, days)
    with crew.phase("rest"):
        for k, h in enumerate(woken):
            if crew.rng.random() < 0.7:
                tried = crew.send(h, crew.exit(h.asset), float(crew.rng.uniform(0.0005, 0.003)), h.t)
                woken[k] = h._replace(t=tried.t)
    return woken


def cash_out(crew: Crew, holdings: list[Holding], most: int = 4) -> None:
    """Sell at exchanges, over the counter or to people: all at once, or in several sums over a while."""
    with crew.phase("cash_out"):
        for h in holdings:
            own = [crew.exit(h.asset), crew.exit(h.asset)]
            n = int(crew.rng.integers(1, most + 1) if crew.sums == "uneven" else crew.rng.integers(2, 2 * most + 1))
            if h.utxo:
                _sell_with_change(crew, h, own, (n + 1) // 2)
            else:
                every = crew.pace if crew.sums == "uneven" else None
                in_parts(crew, h, n, crew.sums, lambda t, own=own: int(crew.rng.choice(own)), every)


def _sell_with_change(crew: Crew, h: Holding, own: list[int], n: int) -> None:
    for k in range(n - 1):
        share = float(crew.rng.uniform(0.8, 1.2)) / (n - k + 0.3)
        h = crew.pay_off(h, int(crew.rng.choice(own)), share, crew.depart(h), crew.digits)
    crew.send(h, own[0], 1.0, crew.depart(h))
