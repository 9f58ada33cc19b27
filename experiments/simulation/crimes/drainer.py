"""A drainer for rent: affiliates lure victims, whose coin, tokens and NFTs go to affiliate and operator in the very same moment,
about four to one; tokens become coin at once.
"""

from dataclasses import dataclass

import numpy as np

from ..engine.market import DAY, ETH, GOV, MEME, NFT, USDC, USDT
from ..engine.settlement import GAS
from ..engine.transfer_plan import BUY, EXACT, REPLY, SHARE, SWAP, UP_TO
from ..parties.holding import Holding
from ..parties.party import Party
from ..parties.service_moves import swap
from ..people.tokens import MARKET_FEE
from .case import WHOLE_BALANCE, CrimeCase, campaign
from .techniques import choose_techniques, launder

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


def run(case: CrimeCase) -> None:
    """Plan a case."""
    party, rng = case.party, case.rng
    cut = float(rng.choice([0.2, 0.25, 0.3, 0.15], p=[0.7, 0.1, 0.1, 0.1]))
    operator = party.fresh(case.t, category="phishing")
    contract, direct = party.fresh(case.t, category="phishing", contract=True), bool(rng.random() < 0.5)
    affiliates = [
        party.fresh(case.t, category="phishing") for _ in range(int(rng.integers(1, 2 + min(case.size // 6, 4))))
    ]
    for wallet in (operator, *affiliates):
        party.gas(wallet, case.t - party.clock.uniform(600, DAY), party.fees(case.t, 20 * float(GAS[SWAP])))
    days, n = float(np.clip(rng.lognormal(2.0, 1.0), 0.2, 60)), int(np.clip(rng.lognormal(2.1, 0.7), 4, 80))
    times, affiliate = campaign(rng, case.t, days, n), rng.choice(affiliates, n)
    takings: list[Holding] = []
    for t, who, victim in zip(times.tolist(), affiliate.tolist(), _victims(case, times).tolist(), strict=True):
        takings += _drain(case, t, victim, Drainer(who, operator, contract, direct, cut))
    _empty(case, takings)


def _victims(case: CrimeCase, times: np.ndarray) -> np.ndarray:
    """People, some of them collectors of NFTs."""
    found, collectors = case.victims(times), case.stage.collectors
    if not collectors.size:
        return found
    return np.where(case.rng.random(len(times)) < 0.4, case.rng.choice(collectors, len(times)), found)


def _drain(case: CrimeCase, t: float, victim: int, by: Drainer) -> list[Holding]:
    """All a victim has of some assets; returns what it is worth in coin, by taker."""
    party, rng, got = case.party, case.rng, []
    dollars = float(case.wealth(1)[0])
    for k, (asset, often) in enumerate([*HELD.items(), (MEME, 0.0)]):
        held, when, amount = bool(rng.random() < often), t + 13 * k, case.units(dollars, asset, t)
        if not held and rng.random() > TRIED:
            continue
        if held:
            case.bought(np.array([victim]), np.array([t]), np.array([amount]), asset)
        _take(party, when, victim, by, asset, amount)
        for wallet, part in ((by.affiliate, 1 - by.cut), (by.operator, by.cut)):
            holding = party.took(Holding(wallet, when, part * amount * held, asset))
            got.append(swap(party, holding, soon=SOON) if asset != ETH else holding)
    if victim in case.stage.collectors:
        _take_nft(case, t + 90, victim, by.affiliate)
    return got


def _take(party: Party, t: float, victim: int, by: Drainer, asset: int, amount: float) -> None:
    """Coin through the drainer's contract, tokens perhaps straight to both; always in one transaction."""
    plan = party.world.plan
    if by.direct and asset != ETH:
        with party.phase("collect"):
            row = plan.add_one(t, victim, by.affiliate, 1 - by.cut, SHARE, asset=asset)
            plan.add_one(t, victim, by.operator, by.cut / (1 - by.cut), REPLY, asset=asset, after=row)
        return
    with party.phase("collect"):
        row = plan.add_one(t, victim, by.contract, WHOLE_BALANCE * amount, UP_TO, asset=asset)
    with party.phase("split"):
        plan.add_one(t, by.contract, by.affiliate, 1 - by.cut, REPLY, asset=asset, after=row)
        plan.add_one(t, by.contract, by.operator, by.cut, REPLY, asset=asset, after=row)


def _take_nft(case: CrimeCase, t: float, victim: int, thief: int) -> None:
    """NFTs are taken, and sold cheaply to a collector soon after."""
    party, plan, market = case.party, case.stage.world.plan, case.stage.services.market
    buyer, price = int(case.rng.choice(case.stage.collectors)), float(case.rng.choice([0.02, 0.05, 0.08]))
    with party.phase("collect"):
        taken = plan.add_one(t, victim, thief, 1.0, SHARE, asset=NFT)
    with party.phase("cash_out"):
        t = party.later(thief, t, SOON)
        sold = plan.add_one(t, thief, buyer, 1.0, SHARE, asset=NFT, after=taken, method=BUY)
    paid = plan.add_one(t, buyer, market, price, EXACT, after=sold, method=BUY)
    plan.add_one(t, market, thief, 1 - MARKET_FEE, REPLY, after=paid, method=BUY)


def _empty(case: CrimeCase, takings: list[Holding]) -> None:
    """Every taker launders what came in, a few times in the course of the campaign, in ways of his own."""
    for wallet in dict.fromkeys(holding.wallet for holding in takings):
        mine = sorted((holding for holding in takings if holding.wallet == wallet), key=lambda holding: holding.t)
        steps = choose_techniques(case, ETH)
        for part in np.array_split(np.arange(len(mine)), int(case.rng.integers(1, 4))):
            total = sum(mine[k].amount for k in part)
            if total:
                launder(case, [Holding(wallet, mine[part[-1]].t, total)], steps)
