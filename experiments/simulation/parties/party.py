"""A party: a person, a company or a criminal crew, with its manner of moving money and the wallets that it makes.

A party is honest if it has no case. What it does with money is in `moves` and `service_moves`.
"""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..engine.market import BTC, DAY, ETH, Ints
from ..engine.services import LATEST_BATCH, Services, withdraw
from ..engine.settlement import TOKEN_GAS
from ..engine.transfer_plan import EXACT, SHARE, UP_TO
from ..engine.world import ALWAYS, AWAKE, EVENING, OFFICE, ZONE_SHARES, ZONES, World
from ..scenarios.scenario import Evasion
from .disguise import Disguise, OrdinaryCounterparties
from .holding import Holding

CONFIRMED = {False: 15, True: 900}  # seconds until coin can be sent on: on the account chain, on the UTXO chain
GAS_MULTIPLE = 4.0  # a wallet gets this many times what its gas costs now
MIN_SESSION_PAYMENTS = 4  # a session of this many token payments gets extra coin for fees
REFILL_CHANCE = 0.2  # chance that a token wallet gets more coin for fees when it is used again


@contextmanager
def drawing(world: World, rng: np.random.Generator) -> Iterator[None]:
    """Inside, the world draws from this generator."""
    saved_rng, world.rng = world.rng, rng
    try:
        yield
    finally:
        world.rng = saved_rng


@dataclass
class Party:
    """A party and its manner. `new_party` draws one. It makes wallets as it needs them.

    Attributes:
        exits: the wallets at which it sells on the account chain; far_exits: those on the UTXO chain.
        hours: rows of HOURS, one of which each wallet keeps.
        case: "" = an honest party, whose rows carry no phase.
        pace: median seconds that money stays at a hop; session_wait: median seconds between two acts of one session;
            jitter: the spread of both, as sigma of a log-normal.
        digits: significant digits of its sums (0 = all); hop_loss: the share lost at each hop, left behind
            or taken by a helper.
        sum_style: how it splits and sells by default: `uneven`, `even`, or `below` a round number.
        rng: the generator for what it does; clock: the generator for when.
        payer: the wallet that pays for its gas; −1 = an exchange.
        max_helpers: the number of helpers on the account chain. Beyond it the longest idle one is reused. 0 = no limit.
        gas_transfers: a token wallet gets coin for this many transfers, from and to.
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
    session_wait: float
    jitter: float
    digits: int
    hop_loss: float
    sum_style: str
    rng: np.random.Generator
    clock: np.random.Generator
    disguise: Disguise
    payer: int = -1
    max_helpers: int = 0
    gas_transfers: tuple[float, float] = (3, 10)
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
        again = bool(
            self.max_helpers and len(self.idle) >= self.max_helpers and not (category or contract or asset == BTC)
        )
        wallet = self.idle.pop(0) if again else self._new(asset, category, contract)
        if not (category or contract or asset == BTC):
            self.idle.append(wallet)
        if asset not in (ETH, BTC) and not contract and (not again or self.rng.random() < REFILL_CHANCE):
            self.gas(
                wallet,
                t - self.clock.uniform(120, 4 * 3600),
                self.fees(t, TOKEN_GAS * self.rng.uniform(*self.gas_transfers)),
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
            self.world.plan.add_one(t, hot if self.payer < 0 else self.payer, wallet, round(amount, 3), EXACT)

    def fees(self, t: float, gas: float) -> float:
        """Coin for this much gas on the account chain, even when gas gets expensive."""
        return 1e-9 * GAS_MULTIPLE * gas * float(self.world.market.gas(ETH, t))

    def funded(self, wallet: int, t: float, amount: float, asset: int = ETH) -> Holding:
        """Money of its own, withdrawn from an exchange."""
        with drawing(self.world, self.rng), self.phase("fund"):
            receivers = np.array([wallet])
            withdraw(self.world, self.services, np.array([t]), receivers, np.array([amount]), asset, self.digits)
        return Holding(wallet, t + (LATEST_BATCH if asset == BTC else 0), amount, asset)

    def provide(self, holding: Holding, payments: int, t: float) -> None:
        """Coin for a session of many payments of tokens, shortly before it begins at t."""
        if holding.asset not in (ETH, BTC) and payments >= MIN_SESSION_PAYMENTS:
            gas = TOKEN_GAS * self.disguise.cuts * payments
            self.gas(holding.wallet, t - self.clock.uniform(60, 900), self.fees(t, gas))

    def took(self, holding: Holding) -> Holding:
        """Note loot that came in, of which hiding may spend a part. Returns it."""
        self.disguise.loot += holding.amount * float(self.world.market.price(holding.asset, holding.t))
        return holding

    def exit(self, asset: int) -> int:
        """A place where it sells."""
        return int(self.rng.choice(self.far_exits if asset == BTC else self.exits))

    def later(self, wallet: int, t: float, median: float | None = None) -> float:
        """When the next act comes: a log-normal wait (`median`: of a hop, if not given), then the owner's working hours."""
        wait = self.clock.lognormal(math.log(median or self.pace), self.jitter)
        wait += CONFIRMED[bool(self.world.wallets.utxo[wallet])] + (self.disguise.delay() if median is None else 0)
        with drawing(self.world, self.clock):
            return self.world.awake(wallet, t + wait)

    def depart(self, holding: Holding, median: float | None = None) -> float:
        """When money moves on from a hop. What serves to hide it happens in between."""
        t = self.later(holding.wallet, holding.t, median)
        counterparties = OrdinaryCounterparties(self.world.market, self.services, self.exits, self.far_exits)
        with self.phase("evade"):
            for payment in self.disguise.side_payments(holding, t, counterparties):
                self.world.plan.add_one(*payment[:5], asset=payment.asset, digits=payment.digits)
        return t

    def then(self, holding: Holding, t: float, median: float | None = None) -> float:
        """When the next payment of a session follows one at t; on the UTXO chain they are one transaction."""
        return t if holding.utxo else self.later(holding.wallet, t, median or self.session_wait)

    def send(self, holding: Holding, receiver: int, share: float, t: float, digits: int = 0) -> Holding:
        """Send a share of what the wallet holds."""
        done = 0.0
        for k, part in enumerate(parts := self.disguise.parts()):
            t += self.disguise.gap(self.session_wait) if k else 0
            last = share == 1.0 and k == len(parts) - 1
            now = 1.0 if last else min(1.0, share * part / (1 - done))
            self.world.plan.add_one(t, holding.wallet, receiver, now, SHARE, asset=holding.asset, digits=digits)
            done += share * part
        return Holding(receiver, t, holding.amount * share, holding.asset)

    def pay(self, holding: Holding, receiver: int, amount: float, t: float) -> Holding:
        """Send a sum, or what there is if the wallet holds less."""
        for k, part in enumerate(self.disguise.parts()):
            t += self.disguise.gap(self.session_wait) if k else 0
            self.world.plan.add_one(t, holding.wallet, receiver, amount * part, UP_TO, asset=holding.asset)
        return Holding(receiver, t, min(amount, holding.amount), holding.asset)

    def pay_off(self, holding: Holding, receiver: int, share: float, t: float, digits: int = 0) -> Holding:
        """Send a share on, and the rest to a new wallet: as change, or a while later. Returns the rest."""
        rest = holding._replace(amount=holding.amount * (1 - share))
        if not holding.utxo:
            sent = self.send(holding, receiver, share, t, digits)
            t = self.then(holding, sent.t)
            return self.send(rest, self.fresh(t, holding.asset), 1.0, t)
        paid = self.world.plan.add_one(t, holding.wallet, receiver, share, SHARE, asset=holding.asset, digits=digits)
        change = self.fresh(t, holding.asset)
        self.world.plan.add_one(t, holding.wallet, change, 1.0, SHARE, asset=holding.asset, after=paid)
        return Holding(change, t, rest.amount, holding.asset)


def new_party(world: World, services: Services, exits: Ints, *, category: str, population: str, zone: int, hours: npt.ArrayLike,
         case: str = "", actor: str = "", owner: int | None = None, pace: tuple[float, float] = (600, 5 * DAY),
         sum_style_chances: tuple[float, float, float] = (0.75, 0.18, 0.07), evasion: Evasion | None = None
) -> Party:  # fmt: skip
    """A party with a manner drawn at random, and generators of its own.

    Args:
        exits: the wallets on the account chain at which it may sell; it uses some of them.
        hours: a row of HOURS, or several, one of which each wallet keeps.
        case: the case of a criminal party; owner: who holds its keys (someone new if not given).
        pace: least and greatest median wait at a hop, seconds (drawn evenly by order of magnitude).
        sum_style_chances: the chances of uneven shares, equal sums, and equal sums just below a round number.
        evasion: the way in which it hides.
    """
    rng, clock, tricks = world.rng.spawn(3)
    evasion = evasion or Evasion()
    return Party(
        world, services, rng.choice(exits, int(rng.integers(2, 6))), rng.choice(services.btc_deposits, int(rng.integers(1, 4))),
        category, population, zone, hours, case, actor, world.owner() if owner is None else owner,
        pace=float(np.exp(rng.uniform(*np.log(pace)))), session_wait=float(rng.lognormal(5.5, 1.3)),
        jitter=float(rng.uniform(0.3, 1.3)), digits=int(rng.choice([0, 0, 1, 2, 3])),
        hop_loss=float(rng.uniform(0.005, 0.06)), sum_style=str(rng.choice(["uneven", "even", "below"], p=sum_style_chances)),
        rng=rng, clock=clock, disguise=Disguise(evasion.strategy, evasion.strength, tricks),
    )  # fmt: skip


def zone_and_hours(rng: np.random.Generator) -> tuple[int, int]:
    """Where and when a party works: a zone, and office hours, a free day, evenings or a script around the clock."""
    hours = rng.choice([AWAKE, OFFICE, EVENING, ALWAYS], p=[0.4, 0.3, 0.1, 0.2])
    return int(rng.choice(ZONES, p=ZONE_SHARES)), int(hours)
