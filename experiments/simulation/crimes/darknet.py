"""A vendor on a darknet market: many small payments in bitcoin that the market holds until the goods arrive; weekly cash-outs."""

import numpy as np

from ..engine.market import BTC, DAY, Floats, Ints
from ..engine.services import LATEST_BATCH, withdraw
from ..engine.transfer_plan import REPLY, UP_TO
from ..parties.holding import Holding
from ..parties.moves import gather
from ..parties.party import drawing
from .case import CrimeCase
from .techniques import choose_techniques, launder

MARKET_FEE = 0.05
ORDER_USD = (30.0, 60.0, 100.0, 180.0, 400.0)


def run(case: CrimeCase) -> None:
    """Plan a case: orders over weeks or months; each week's money goes to an address of its own."""
    party, rng = case.party, case.rng
    weeks = int(np.clip(rng.lognormal(1.9, 0.6), 2, max(3, case.size // 3)))
    steps = choose_techniques(case, BTC)[: int(rng.integers(0, 2))]
    for week in range(weeks):
        begin = case.t + 7 * DAY * week
        orders = np.sort(rng.uniform(begin, begin + 7 * DAY, int(rng.integers(3, 16))))
        address = party.fresh(begin, BTC, "darknet")
        last, amount = _sales(case, orders, address)
        holding = party.took(Holding(address, last, amount, BTC))
        launder(case, gather(party, [holding]) if rng.random() < 0.3 else [holding], steps)


def _sales(case: CrimeCase, orders: Floats, address: int) -> tuple[float, float]:
    """Customers pay the market, which pays the vendor days later. Returns when the last did, and about how much came in."""
    rng, plan, market = case.rng, case.stage.world.plan, case.stage.market
    sums = (
        case.units(1.0, BTC, float(orders[0])) * rng.choice(ORDER_USD, len(orders)) * rng.uniform(0.9, 1.1, len(orders))
    )
    paid = _pay(case, orders, market, np.round(sums, 6))
    released = orders + DAY * rng.uniform(2, 10, len(orders))
    with case.party.phase("collect"):
        plan.add(released, market, address, 1 - MARKET_FEE, REPLY, asset=BTC, after=paid)
    return float(released.max()), 0.8 * float(sums.sum())


def _pay(case: CrimeCase, t: Floats, market: int, sums: Floats) -> Ints:
    """Some pay from a wallet of theirs if there is enough in it, most straight from an exchange."""
    rng, stage, rows = case.rng, case.stage, np.empty(len(t), dtype=np.int64)
    own = (rng.random(len(t)) < 0.4) & (stage.buyers.size > 0)
    if own.any():
        buyers = rng.choice(stage.buyers, int(own.sum()))
        rows[own] = stage.world.plan.add(t[own], buyers, market, sums[own], UP_TO, asset=BTC)
    with drawing(stage.world, rng):
        to = np.full(int((~own).sum()), market)
        rows[~own] = withdraw(stage.world, stage.services, t[~own] - LATEST_BATCH, to, sums[~own], BTC, 0)
    return rows
