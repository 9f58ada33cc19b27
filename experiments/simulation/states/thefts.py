"""What is stolen: when, how much, by whom and of what; how the loot reaches the first wallets of a case; and who is robbed."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..engine.market import BTC, DAY, ETH, GOV, USDC, USDT, Floats
from ..engine.services import Services, withdraw
from ..engine.transfer_plan import DEPOSIT, EXACT, SHARE, WITHDRAW
from ..engine.world import ALWAYS, START, World
from ..parties.holding import Holding
from ..parties.moves import share_out, split
from ..parties.party import Party, drawing
from ..people.users import Users, people_at
from ..scenarios.scenario import Evasion, Thefts
from . import campaigns, playbooks
from .actors import ACTORS, DPRK, PLAIN, THIEVES, Actor, Group, draw_playbook

SMALLEST_USD = 3e4
FIRST_THEFT, LAST_THEFT = (
    0.08,
    0.93,
)  # of the period: services get known before the first theft, and the last one has an aftermath
GRABS_USD, GRABS_WALLETS = 1e6, 15  # smaller thefts take everything at once
# An exchange or a vault can lose this share of what it held at first. A larger theft gets a victim of its own.
HOT_SHARE = 0.02
DEPOSITORS = 24  # customers of such a victim
TOKENS_FROM = 2019.0  # calendar year from which tokens are worth stealing
RANSOM_USD = 2e7  # the most that ransomware earns
NEVER_TOUCHED = 0.35  # chance that dormant tokens are never touched again


@dataclass(frozen=True)
class Theft:
    """One theft as planned.

    Attributes:
        script: the name of the playbook.
        t: the second at which it begins (simulator's time); usd: the value of the loot at that second.
        wallets: about how many wallets the thieves use.
        dormant_share: the share of the loot that stays dormant.
    """

    case: str
    actor: Actor
    script: str
    t: float
    usd: float
    asset: int
    wallets: int
    dormant_share: float


def plan(
    world: World, services: Services, people: Users, wallets: int, habits: Thefts, evasion: Evasion | None = None
) -> None:
    """Plan all large thefts, and what happens to the loot.

    Args:
        services: the services, with the deposit addresses of a district; people: its users, who are customers of the victims.
        wallets: about how many wallets all thefts together may use.
        evasion: the way in which the thieves hide.
    """
    thefts = draw(world, wallets, habits)
    groups = {
        actor.name: Group(world, services, actor, evasion) for actor in dict.fromkeys(theft.actor for theft in thefts)
    }
    dormant: dict[str, list[Holding]] = defaultdict(list)
    for theft in thefts:
        group = groups[theft.actor.name]
        party = group.party(theft.case, theft.script, theft.t, theft.wallets)
        taken = _take(party, people, theft)
        for loot in taken:
            left, aside = _put_aside(party, party.took(loot), theft.dormant_share)
            playbooks.play(party, theft.script, left, theft.wallets // len(taken))
            dormant[theft.actor.name] += aside
    for name, holdings in dormant.items():
        campaigns.plan_campaigns(groups[name], holdings)


def draw(world: World, wallets: int, habits: Thefts) -> list[Theft]:
    """All thefts in order of time; sizes are spread over the whole distribution, so that every draw has small and huge ones."""
    rng, n = world.rng, habits.count
    if not n:
        return []
    usd = np.clip(
        habits.median_usd * np.exp(habits.spread * _normal_quantiles(rng, n)), SMALLEST_USD, habits.largest_usd
    )
    day = (FIRST_THEFT + (np.arange(n) + rng.random(n)) / n * (LAST_THEFT - FIRST_THEFT)) * world.days
    state = rng.random(n) < habits.state * (0.5 + usd.argsort().argsort() / n)
    weight = usd**0.3 * rng.lognormal(0, 0.4, n)
    budget = np.maximum(5, np.round(wallets * weight / weight.sum()))
    columns = (column.tolist() for column in (state, START + day * DAY, usd, budget.astype(np.int64)))
    return [_theft(world, f"theft-{k + 1:03d}", habits, *each) for k, each in enumerate(zip(*columns, strict=True))]


def _normal_quantiles(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    """n draws, one from each n-th of a normal distribution, shuffled; read off a large sorted sample."""
    sample = np.sort(rng.normal(size=1000 * n)).reshape(n, 1000)
    return rng.permutation(sample[np.arange(n), rng.integers(0, 1000, n)])


def _theft(world: World, case: str, habits: Thefts, state: bool, t: float, usd: float, wallets: int) -> Theft:
    rng, actor = world.rng, THIEVES
    if state:
        chances = np.array(list(habits.actors.values()))
        actor = ACTORS[str(rng.choice(list(habits.actors), p=chances / chances.sum()))]
    borrowed = rng.random() < habits.shared * (0.5 if state else 1.0)
    script = draw_playbook(rng, float(world.year(t)), (PLAIN if state else DPRK) if borrowed else actor.playbooks)
    tokens = 0.0 if world.year(t) < TOKENS_FROM else 0.7 if script in playbooks.TOKENS_FIRST else 0.4
    asset = int(rng.choice([USDC, USDT, GOV])) if rng.random() < tokens else ETH
    if script in playbooks.EXTORTED:
        usd, asset = min(usd, RANSOM_USD), int(rng.choice([BTC, ETH], p=[0.7, 0.3]))
    dormant_share = float(rng.uniform(0.2, 0.8)) if rng.random() < habits.patience * actor.dormant_chance else 0.0
    return Theft(case, actor, script, t, usd, asset, wallets, dormant_share)


def _take(party: Party, people: Users, theft: Theft) -> list[Holding]:
    """The grabs, one to three, each to a wallet of its own; or ransoms."""
    if theft.script in playbooks.EXTORTED:
        return _extort(party, people, theft)
    amount, rng = theft.usd / float(party.world.market.price(theft.asset, theft.t)), party.rng
    victim, taken = _victim(party, people, theft, amount), []
    grabs = int(rng.integers(1, 4)) if theft.usd > GRABS_USD and theft.wallets >= GRABS_WALLETS else 1
    for k, share in enumerate(rng.dirichlet(np.full(grabs, 4.0)).tolist()):
        t = theft.t + 300 * k
        seed = _seed(party, t, theft.asset)
        with party.phase("theft"):
            party.world.plan.add_one(t, victim, seed, share * amount, EXACT, asset=theft.asset)
        taken.append(Holding(seed, t + 60, share * amount, theft.asset))
    return taken


def _seed(party: Party, t: float, asset: int) -> int:
    """A wallet that receives loot first."""
    return party.fresh(t, asset, category="" if party.category == "state_linked" else "theft")


def _victim(party: Party, people: Users, theft: Theft, amount: float) -> int:
    """An exchange or a vault that is robbed of a little of what it has, or else a protocol that held what is stolen."""
    world, services = party.world, party.services
    known = np.concatenate([services.hot, services.vaults]).tolist()
    rich = [k for k in known if world.wallets.funds.get(k, {}).get(theft.asset, 0.0) * HOT_SHARE > amount]
    if rich and party.rng.random() < 0.5:
        return int(party.rng.choice(rich))
    with drawing(world, party.rng):
        funds = {ETH: 1.0, theft.asset: 1.01 * amount + 1.0}
        victim = int(world.add(1, "service", "victim", hours=ALWAYS, contract=True, funds=funds)[0])
    _customers(party, people, victim, theft.t)
    return victim


def _customers(party: Party, people: Users, victim: int, until: float) -> None:
    """Some people bring coin to a victim before it is robbed, and a few take some out again."""
    world, rng = party.world, party.rng
    t = until - rng.uniform(0.5, 120, DEPOSITORS) * DAY
    who = people_at(rng, people, t, world.days)
    put = world.plan.add(t, who, victim, rng.uniform(0.05, 0.5, DEPOSITORS), SHARE, digits=2, method=DEPOSIT)
    back = rng.random(DEPOSITORS) < 0.3
    later = np.minimum(t[back] + rng.exponential(10 * DAY, back.sum()), until - 600)
    world.plan.add(later, victim, who[back], 0.001, EXACT, after=put[back], method=WITHDRAW)


def _extort(party: Party, people: Users, theft: Theft) -> list[Holding]:
    """Ransoms over weeks, each bought at an exchange by its victim and paid to a wallet of its own."""
    rng, world, n = party.rng, party.world, max(2, theft.wallets // 5)
    times: Floats = np.minimum(theft.t + np.sort(rng.exponential(20 * DAY, n)), world.end - 2 * DAY)
    sums = theft.usd * rng.dirichlet(np.full(n, 2.0)) / world.market.price(theft.asset, times)
    payers = people_at(rng, people, times, world.days)
    with drawing(world, rng):
        if theft.asset == BTC:
            payers = world.add(n, "user", "ransom_payer", utxo=True)
        withdraw(world, party.services, times - DAY / 3, payers, 1.05 * sums + 0.01, theft.asset, 0)
    paid = []
    for t, payer, amount in zip(times.tolist(), payers.tolist(), sums.tolist(), strict=True):
        seed = _seed(party, t, theft.asset)
        with party.phase("collect"):
            world.plan.add_one(t, payer, seed, amount, EXACT, asset=theft.asset)
        paid.append(Holding(seed, t + 60, amount, theft.asset))
    return paid


def _put_aside(party: Party, loot: Holding, dormant_share: float) -> tuple[Holding, list[Holding]]:
    """Split loot into the part that moves on and the dormant part, in one to six wallets until a campaign.

    Dormant loot of several thefts is laundered together. Some dormant tokens are never touched again.
    """
    if not dormant_share:
        return loot, []
    with party.phase("split"):
        aside, left = share_out(party, loot, [dormant_share, 1 - dormant_share])
    parts = split(party, aside, int(party.rng.integers(1, 7)))
    asleep = loot.asset != ETH and party.rng.random() < NEVER_TOUCHED
    return left, [] if asleep else parts
