"""The thefts of a decade: how many, when, how large, by whom, of what, and which way the loot goes, on both chains.

Two groups steal. The state's lets a part of some loot lie for years and launders the leavings of several thefts together; the
criminals are quick. The share that goes through mixers rises over the years, and so does that over bridges.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .crew import Holding, gather, to_coin
from .decade import Stage
from .gang import Gang, Group, fan, hire, launder, mules, sell, share_out, swap
from .market import DAY, ETH, GOV, USDC
from .people import People, people_at
from .plan import EXACT, WITHDRAW
from .state import ACTOR
from .world import ALWAYS, START

VICTIM = "victim"
ACTORS = (ACTOR, "Simulated Thieves")
MEDIAN_USD, SPREAD = 3e6, 2.0  # of a log-normal
SMALLEST_USD, LARGEST_USD = 3e4, 6e8
MIXED = (0.20, 0.70)  # share of what the state launders that goes through mixers, at the beginning and at the end
MIXED_BY_CRIMINALS = 0.6  # of that share
BRIDGED = (0.0, 0.5)  # share of what goes through no mixer
LITTLE_USD = 20_000.0  # smaller pots are not worth a way of their own
FIRST_DAY = 60  # no theft before: exchanges and mixers get known first
LARGE_USD = 1e7
CAMPAIGN_EVERY = 420  # days between two rounds in which the state launders what it had let lie
WAYS = ("exchange", "otc", "mixer", "bridge", "crossing")


@dataclass(frozen=True)
class Theft:
    """One theft as it is meant.

    Attributes:
        t: when it begins, seconds as in the simulator.
        usd: what it is worth then.
        rests: share of the loot that is let lie; `asleep`: it stays so, as the tokens it was.
        ways: share of the remainder by way (WAYS).
    """

    case: str
    state: bool
    t: float
    usd: float
    asset: int
    rests: float
    asleep: bool
    ways: dict[str, float]


def draw(rng: np.random.Generator, cases: int, days: int) -> list[Theft]:
    """All thefts in order of time; sizes are spread over the whole distribution, so that every draw has small and huge ones."""
    size = np.exp(np.log(MEDIAN_USD) + SPREAD * _normal_quantiles(rng, cases))
    day = FIRST_DAY + (np.arange(cases) + rng.random(cases)) / cases * max(days - FIRST_DAY - 45, 1)
    rank = size.argsort().argsort() / cases
    state = rng.random(cases) < 0.25 + 0.5 * rank
    return [
        _theft(
            rng, f"theft-{k + 1:03d}", bool(state[k]), START + float(day[k]) * DAY, float(day[k] / days), float(size[k])
        )
        for k in range(cases)
    ]


def _normal_quantiles(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    """n draws, one from each n-th of a normal distribution, shuffled; read off a large sorted sample."""
    sample = np.sort(rng.normal(size=1000 * n)).reshape(n, 1000)
    return rng.permutation(sample[np.arange(n), rng.integers(0, 1000, n)])


def _theft(rng: np.random.Generator, case: str, state: bool, t: float, age: float, usd: float) -> Theft:
    asset = int(rng.choice([ETH, USDC, GOV], p=[0.65, 0.15, 0.2]))
    rests = float(rng.uniform(0.2, 0.8)) if state and rng.random() < 0.6 else 0.0
    asleep = rests > 0 and asset != ETH and rng.random() < 0.35
    usd = float(np.clip(usd, SMALLEST_USD, LARGEST_USD))
    return Theft(case, state, t, usd, asset, rests, asleep, ways(rng, state, age, usd * (1 - rests)))


def ways(rng: np.random.Generator, state: bool, age: float, usd: float) -> dict[str, float]:
    """Shares by way at a time (`age`: 0 = beginning, 1 = end). Half of the small sums see no mixer; all others do."""
    usual = float(np.interp(age, (0, 1), MIXED)) * (1.0 if state else MIXED_BY_CRIMINALS)
    mixed = usual * float(rng.uniform(0.9, 1.1)) * (usd > LARGE_USD or rng.random() < 0.5)
    bridged = (1 - mixed) * float(np.interp(age, (0, 1), BRIDGED)) * rng.uniform(0.5, 1.5)
    crossing = bridged * rng.uniform(0.3, 0.8)
    otc = (1 - mixed - bridged) * (0.3 if state else 0.1)
    shares = {"otc": otc, "mixer": mixed, "bridge": bridged - crossing, "crossing": crossing}
    kept = {way: share for way, share in shares.items() if share * usd >= LITTLE_USD}
    return {"exchange": 1 - sum(kept.values()), **kept}


def play(stage: Stage, thefts: list[Theft], groups: tuple[Group, Group]) -> None:
    """Plan all thefts and what becomes of the loot on the first chain."""
    lying: dict[int, list[Holding]] = defaultdict(list)
    for theft in thefts:
        for h in _plan(stage, theft, groups[0 if theft.state else 1]):
            round_ = int((h.t - START) / DAY + 200) // CAMPAIGN_EVERY + int(stage.world.rng.geometric(0.6))
            lying[round_].append(h)
    for round_, holdings in sorted(lying.items()):
        _campaign(stage, round_, holdings, groups[0])


def found_groups(stage: Stage) -> tuple[Group, Group]:
    """The state's group and the criminals, each with its mule on this chain."""
    first, second = mules(stage, ACTORS)
    return Group(ACTORS[0], True, first), Group(ACTORS[1], False, second)


def _plan(stage: Stage, theft: Theft, group: Group) -> list[Holding]:
    """One theft; returns what is let lie for the state's next round, as coin."""
    gang = hire(stage, group, theft.case, stage.world.rng.choice(stage.services.deposits, 6))
    gang.asset, lying = theft.asset, []
    for loot in _steal(stage, theft, gang):
        if theft.rests:
            resting, loot = share_out(gang, loot, [theft.rests, 1 - theft.rests])
            lying += fan(gang, resting, int(gang.rng.integers(1, 7)))
        for h in swap(gang, loot) if theft.asset != ETH else [loot]:
            _launder(stage, replace(gang, asset=ETH), h, theft.ways)
    if theft.asleep:
        return []
    if theft.asset == ETH:
        return lying
    return [to_coin(gang, h._replace(t=h.t + DAY * float(gang.rng.uniform(5, 200)))) for h in lying]


def _steal(stage: Stage, theft: Theft, gang: Gang) -> list[Holding]:
    """The grabs, one to three, each to a seed wallet; the victim is a vault that has no other business."""
    rng, price = gang.rng, float(stage.world.market.price(theft.asset, theft.t))
    amount, seeds = theft.usd / price, int(rng.integers(1, 4)) if theft.usd > 1e6 else 1
    held = [1.01 * amount + 1 if asset == theft.asset else 0.0 for asset in (ETH, USDC, GOV)]
    victim = _victim(stage, (held[0], held[1], held[2]), theft.case)
    taken = []
    for k, share in enumerate(rng.dirichlet(np.full(seeds, 4.0)).tolist()):
        t = theft.t + 300 * k
        seed = gang.fresh(t)
        stage.world.plan.one(t, victim, seed, share * amount, EXACT, asset=theft.asset)
        taken.append(Holding(seed, t + 60, share * amount))
    return taken


def _victim(stage: Stage, held: tuple[float, float, float], case: str) -> int:
    return int(stage.world.add(1, "service", VICTIM, hours=ALWAYS, contract=True, funds=held, case=case)[0])


def _launder(stage: Stage, gang: Gang, h: Holding, shares: dict[str, float]) -> None:
    """Share a holding out by way, send each pot its way, and sell what comes out of mixers."""
    for way, pot in zip(shares, share_out(gang, h, list(shares.values())), strict=True):
        sell(gang, launder(gang, pot, way, stage))


def _campaign(stage: Stage, number: int, holdings: list[Holding], group: Group) -> None:
    """What was let lie of several thefts is gathered in a few wallets and laundered as is usual by then."""
    rng, day = stage.world.rng, CAMPAIGN_EVERY * number
    gang = hire(stage, group, f"campaign-{number:02d}", rng.choice(stage.services.deposits, 6))
    woken = [h._replace(t=START + DAY * (day + float(rng.uniform(0, 20)))) for h in holdings]
    for h in gather(gang, woken, 1 + len(woken) // 8):
        usd = h.amount * float(stage.world.market.price(ETH, h.t))
        _launder(stage, gang, h, ways(rng, True, min(day / stage.world.days, 1.0), usd))


class Arrival(NamedTuple):
    """Coin that comes out on the second chain: when, how much, and whose theft or campaign it is of ("" = an honest user's)."""

    t: float
    amount: float
    party: str
    state: bool


def arrive(stage: Stage, users: People, groups: tuple[Group, Group], arrivals: list[Arrival]) -> list[int]:
    """Plan what the bridge pays out on the second chain, and what thieves do with it there; returns the rows of the payments."""
    rng, gangs, rows = stage.world.rng, {}, []
    homes = people_at(rng, users, np.array([a.t for a in arrivals]), stage.world.days).tolist()
    for arrival, home in zip(arrivals, homes, strict=True):
        wallet = home
        if arrival.party:
            gang = gangs.get(arrival.party)
            if gang is None:
                group = groups[0 if arrival.state else 1]
                gang = gangs[arrival.party] = hire(stage, group, arrival.party, rng.choice(stage.services.deposits, 4))
            wallet = gang.fresh(arrival.t)
            _launder_there(stage, gang, Holding(wallet, arrival.t, arrival.amount))
        rows.append(stage.world.plan.one(arrival.t, stage.crossing, wallet, arrival.amount, EXACT, method=WITHDRAW))
    return rows


def _launder_there(stage: Stage, gang: Gang, h: Holding) -> None:
    rng, state = gang.rng, gang.group.state
    if state and rng.random() < 0.35:
        h = h._replace(t=h.t + DAY * float(rng.uniform(200, 1500)))
    mixed = (0.4 if state else 0.2) * (rng.random() < 0.6)
    otc = (1 - mixed) * (0.3 if state else 0.1)
    shares = {"exchange": 1 - mixed - otc, "otc": otc, "mixer": mixed}
    usd = h.amount * float(stage.world.market.price(ETH, h.t))
    kept = {way: share for way, share in shares.items() if way == "exchange" or share * usd >= LITTLE_USD}
    _launder(stage, gang, h, kept)
