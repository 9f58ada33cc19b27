"""What launderers do to hide, and what they may spend on it. It returns payments to plan; `party` plans them.

`strength`, 0 to 1, is the budget:

- `dust`: at every hop up to 20·strength crumbs (a thousandth of the holding each) go out and as many come in.
- `split`: every payment is cut into 1 + 9·strength parts, a session's pause apart.
- `wait`: every wait at a hop is longer by up to 30·strength days, bar those of cycles and of swaps made at once.
- `pad`: at every hop payments that look ordinary, to shops, people and exchanges; in all at most `strength` of the loot.
- `mimic`: the share `strength` of the wallets keep the hours and zones of ordinary people.

All draws come from a generator of its own, so that the same crimes happen with it and without.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..engine.market import BTC, DAY, ETH, Ints, Market
from ..engine.services import Services
from ..engine.transfer_plan import EXACT, UP_TO
from ..engine.world import AWAKE, ZONE_SHARES, ZONES
from .holding import Holding

MOST_CRUMBS, CRUMB = 20, 0.001
CRUMB_IN_USD = 3.0
MOST_PARTS = 10
MOST_DAYS = 30.0
PAD_HOPS = 8  # a hop may spend this part of the budget


class Payment(NamedTuple):
    """One payment to plan: when (s), who pays whom, how much, of which kind (`transfer_plan.py`) and of what."""

    t: float
    sender: int
    receiver: int
    amount: float
    kind: int
    asset: int
    digits: int = 0


class OrdinaryCounterparties(NamedTuple):
    """Where a party can pay and be paid without standing out: prices, services, and its exits on both chains."""

    market: Market
    services: Services
    exits: Ints
    far_exits: Ints


@dataclass
class Disguise:
    """One party's way of hiding.

    Attributes:
        strategy: `none`, or one of those above; strength: its budget.
        loot: dollars that came in so far; spent: dollars that padding took of them.
    """

    strategy: str
    strength: float
    rng: np.random.Generator
    loot: float = 0.0
    spent: float = 0.0

    def delay(self) -> float:
        """Seconds by which a wait at a hop is longer."""
        return DAY * MOST_DAYS * self.strength * self.rng.random() if self.strategy == "wait" else 0.0

    @property
    def cuts(self) -> int:
        """How many parts a payment has."""
        return 1 + round((MOST_PARTS - 1) * self.strength) if self.strategy == "split" else 1

    def parts(self) -> list[float]:
        """Into which shares a payment is cut."""
        return self.rng.dirichlet(np.full(self.cuts, 3.0)).tolist() if self.cuts > 1 else [1.0]

    def gap(self, session_wait: float) -> float:
        """Seconds between two parts of a payment."""
        return 15 + self.rng.exponential(session_wait)

    def habits(self, zone: int, hours: int) -> tuple[int, int]:
        """Zone and hours of a new wallet whose party would keep these."""
        if self.strategy == "mimic" and self.rng.random() < self.strength:
            return int(self.rng.choice(ZONES, p=ZONE_SHARES)), AWAKE
        return zone, hours

    def side_payments(self, holding: Holding, until: float, counterparties: OrdinaryCounterparties) -> list[Payment]:
        """What a wallet pays and gets while money lies there, so that the rest is harder to see."""
        if self.strategy not in ("dust", "pad") or holding.amount <= 0 or until - holding.t < 2:
            return []
        return (
            self._dust(holding, until, counterparties)
            if self.strategy == "dust"
            else self._pad(holding, until, counterparties)
        )

    def _dust(self, holding: Holding, until: float, counterparties: OrdinaryCounterparties) -> list[Payment]:
        n = round(MOST_CRUMBS * self.strength)
        services, coin = counterparties.services, _coin(holding.asset)
        source = services.btc_hot if holding.asset == BTC else services.hot
        crumb = CRUMB_IN_USD / float(counterparties.market.price(coin, holding.t))
        planned = []
        for out, back in self.rng.uniform(holding.t + 1, until, (n, 2)).tolist():
            planned.append(
                Payment(
                    out,
                    holding.wallet,
                    self._ordinary(holding.asset, counterparties),
                    CRUMB * holding.amount,
                    EXACT,
                    holding.asset,
                )
            )
            size = float(crumb * self.rng.lognormal(0, 0.7))
            planned.append(Payment(back, int(self.rng.choice(source)), holding.wallet, size, EXACT, coin))
        return planned

    def _pad(self, holding: Holding, until: float, counterparties: OrdinaryCounterparties) -> list[Payment]:
        price = float(counterparties.market.price(holding.asset, holding.t))
        room = self.strength * self.loot - self.spent
        total = min(
            self.strength / PAD_HOPS * holding.amount * self.rng.uniform(0.5, 1), room / price if price else 0.0
        )
        if total <= 0:
            return []
        sizes = total * self.rng.dirichlet(np.full(int(self.rng.integers(1, 4)), 2.0))
        planned = []
        for t, size in zip(self.rng.uniform(holding.t + 1, until, len(sizes)).tolist(), sizes.tolist(), strict=True):
            planned.append(
                Payment(
                    t,
                    holding.wallet,
                    self._ordinary(holding.asset, counterparties),
                    size,
                    UP_TO,
                    holding.asset,
                    digits=2,
                )
            )
            self.spent += size * price
        return planned

    def _ordinary(self, asset: int, counterparties: OrdinaryCounterparties) -> int:
        """A shop, a person or an exchange."""
        if asset == BTC:
            return int(self.rng.choice(counterparties.far_exits))
        return int(
            self.rng.choice(counterparties.services.merchants if self.rng.random() < 0.5 else counterparties.exits)
        )


def _coin(asset: int) -> int:
    return BTC if asset == BTC else ETH
