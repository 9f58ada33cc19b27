"""A drainer for rent: affiliates lure victims, whose coin, tokens and NFTs go to affiliate and operator in the very same moment,
about four to one; tokens become coin at once.
"""

from dataclasses import dataclass

import numpy as np

from ..engine.market import DAY, ETH, GOV, MEME, NFT, USDC, USDT
from ..engine.settlement import GAS
from ..engine.transfer_plan import BUY, EXACT, REPLY, SHARE, SWAP, UP_TO
from ..parties.holding import Holding
from ..parties.party import Crew
from ..parties.service_moves import swap
from ..people.tokens import MARKET_FEE
from .case import ALL, Case, campaign
from .techniques import launder, plot

HELD = {ETH: 0.6, USDC: 0.35, USDT: 0.35, GOV: 0.1}  # how often a victim has something worth while of each
TRIED = 0.1  # of the others the drainer tries anyway
SOON = 240.0  # median seconds until tokens are swapped


@dataclass(frozen=True)
class Drainer:
    """Who gets what: wallets of both takers, the contract, whether tokens go past it, and the operator's share."""

    affiliate: int
    operator: int
    contract: int
    direct: bool
    cut: float


def run(case: Case) -> None:
    """Plan a case."""
    crew, rng = case.crew, case.rng
    cut = float(rng.choice([0.2, 0.25, 0.3, 0.15], p=[0.7, 0.1, 0.1, 0.1]))
    operator = crew.fresh(case.t, category="phishing")
    contract, direct = crew.fresh(case.t, category="phishing", contract=True), bool(rng.random() < 0.5)
    affiliates = [
        crew.fresh(case.t, category="phishing") for _ in range(int(rng.integers(1, 2 + min(case.size // 6, 4))))
    ]
    for wallet in (operator, *affiliates):
        crew.gas(wallet, case.t - crew.clock.uniform(600, DAY), crew.fees(case.t, 20 * float(GAS[SWAP])))
    days, n = float(np.clip(rng.lognormal(2.0, 1.0), 0.2, 60)), int(np.clip(rng.lognormal(2.1, 0.7), 4, 80))
    times, affiliate = campaign(rng, case.t, days, n), rng.choice(affiliates, n)
    takings: list[Holding] = []
    for t, who, victim in zip(times.tolist(), affiliate.tolist(), _victims(case, times).tolist(), strict=True):
        takings += _drain(case, t, victim, Drainer(who, operator, contract, direct, cut))
    _empty(case, takings)


def _victims(case: Case, times: np.ndarray) -> np.ndarray:
    """People, some of them collectors of NFTs."""
    found, collectors = case.victims(times), case.stage.collectors
    if not collectors.size:
        return found
    return np.where(case.rng.random(len(times)) < 0.4, case.rng.choice(collectors, len(times)), found)


def _drain(case: Case, t: float, victim: int, by: Drainer) -> list[Holding]:
    """All a victim has of some assets; returns what it is worth in coin, by taker."""
    crew, rng, got = case.crew, case.rng, []
    dollars = float(case.wealth(1)[0])
    for k, (asset, often) in enumerate([*HELD.items(), (MEME, 0.0)]):
        held, when, amount = bool(rng.random() < often), t + 13 * k, case.units(dollars, asset, t)
        if not held and rng.random() > TRIED:
            continue
        if held:
            case.bought(np.array([victim]), np.array([t]), np.array([amount]), asset)
        _take(crew, when, victim, by, asset, amount)
        for wallet, part in ((by.affiliate, 1 - by.cut), (by.operator, by.cut)):
            h = crew.took(Holding(wallet, when, part * amount * held, asset))
            got.append(swap(crew, h, soon=SOON) if asset != ETH else h)
    if victim in case.stage.collectors:
        _take_nft(case, t + 90, victim, by.affiliate)
    return got


def _take(crew: Crew, t: float, victim: int, by: Drainer, asset: int, amount: float) -> None:
    """Coin through the drainer's contract, tokens perhaps straight to both; always in one transaction."""
    plan = crew.world.plan
    if by.direct and asset != ETH:
        with crew.phase("collect"):
            row = plan.one(t, victim, by.affiliate, 1 - by.cut, SHARE, asset=asset)
            plan.one(t, victim, by.operator, by.cut / (1 - by.cut), REPLY, asset=asset, after=row)
        return
    with crew.phase("collect"):
        row = plan.one(t, victim, by.contract, ALL * amount, UP_TO, asset=asset)
    with crew.phase("split"):
        plan.one(t, by.contract, by.affiliate, 1 - by.cut, REPLY, asset=asset, after=row)
        plan.one(t, by.contract, by.operator, by.cut, REPLY, asset=asset, after=row)


def _take_nft(case: Case, t: float, victim: int, thief: int) -> None:
    """NFTs are taken, and sold cheaply to a collector soon after."""
    crew, plan, market = case.crew, case.stage.world.plan, case.stage.services.market
    buyer, price = int(case.rng.choice(case.stage.collectors)), float(case.rng.choice([0.02, 0.05, 0.08]))
    with crew.phase("collect"):
        taken = plan.one(t, victim, thief, 1.0, SHARE, asset=NFT)
    with crew.phase("cash_out"):
        t = crew.later(thief, t, SOON)
        sold = plan.one(t, thief, buyer, 1.0, SHARE, asset=NFT, after=taken, method=BUY)
    paid = plan.one(t, buyer, market, price, EXACT, after=sold, method=BUY)
    plan.one(t, market, thief, 1 - MARKET_FEE, REPLY, after=paid, method=BUY)


def _empty(case: Case, takings: list[Holding]) -> None:
    """Every taker launders what came in, a few times in the course of the campaign, in ways of his own."""
    for wallet in dict.fromkeys(h.wallet for h in takings):
        mine = sorted((h for h in takings if h.wallet == wallet), key=lambda h: h.t)
        steps = plot(case, ETH)
        for part in np.array_split(np.arange(len(mine)), int(case.rng.integers(1, 4))):
            total = sum(mine[k].amount for k in part)
            if total:
                launder(case, [Holding(wallet, mine[part[-1]].t, total)], steps)
