"""Honest parties that look like launderers: companies, people who change wallets or like privacy, dealers over the counter."""

from collections.abc import Callable

import numpy as np

from .crew import Crew, Holding, cash_out, forward, gather, mix, peel, rest, split
from .market import DAY, ETH, USDC, Ints
from .people import People, draw, live, people_at
from .plan import EXACT, SHARE
from .services import Services
from .world import ALWAYS, AWAKE, EVENING, OFFICE, START, ZONE_SHARES, ZONES, World


def hire(world: World, s: Services, wallets: Ints, exits: Ints, asset: int = ETH, *, pace: tuple[float, float] = (600, 5 * DAY),
         sums: tuple[float, float, float] = (0.75, 0.18, 0.07)) -> Crew:  # fmt: skip
    """A crew with a manner drawn at random.

    Args:
        pace: least and greatest median wait at a hop, seconds (drawn evenly by order of magnitude).
        sums: chances that it sells in uneven shares, in equal sums, in equal sums just below a round number.
    """
    rng = world.rng
    return Crew(
        world, s, wallets[::-1].tolist(), pace=float(np.exp(rng.uniform(*np.log(pace)))),
        beat=float(rng.lognormal(5.5, 1.3)), jitter=float(rng.uniform(0.3, 1.3)), digits=int(rng.choice([0, 0, 1, 2, 3])),
        tithe=float(rng.uniform(0.005, 0.06)), exits=rng.choice(exits, int(rng.integers(2, 6))), asset=asset,
        sums=str(rng.choice(["share", "even", "below"], p=sums)),
    )  # fmt: skip


def place(rng: np.random.Generator) -> tuple[int, int]:
    """Where and when a party works: a zone, and office hours, a free day, evenings or a script around the clock."""
    hours = rng.choice([AWAKE, OFFICE, EVENING, ALWAYS], p=[0.4, 0.3, 0.1, 0.2])
    return int(rng.choice(ZONES, p=ZONE_SHARES)), int(hours)


def sizes(n: int, low: int, draw: Callable[[], int]) -> list[int]:
    """Sizes, drawn one by one, of parties that together have n ≥ `low` wallets; none has fewer than `low`."""
    parties: list[int] = []
    left = n
    while left > 0:
        size = max(low, draw())
        parties.append(left if left - size < low else size)
        left -= parties[-1]
    return parties


def companies(world: World, s: Services, n: int, exits: Ints) -> None:
    """A fund, a foundation, a firm: buys, shares out among wallets of its own, lets it lie, gathers or sells it.

    Some do so every month.
    """
    rng = world.rng
    for size in sizes(n, 4, lambda: int(rng.integers(4, 17))):
        zone, hours = place(rng)
        wallets = world.add(size, "licit", "company", zone=zone, hours=hours)
        asset = int(rng.choice([ETH, USDC], p=[0.7, 0.3]))
        crew = hire(world, s, wallets, exits, asset, pace=(1800, 7 * DAY))
        day, rounds = rng.uniform(0, world.days - 5), int(rng.choice([1, 2, 4]))
        head = crew.fresh(START + day * 86_400)
        for k in range(rounds):
            _company_round(crew, head, day + 30 * k + rng.uniform(0, 4), size, float(rng.lognormal(2.8, 1.2)))


def _company_round(crew: Crew, head: int, day: float, size: int, each: float) -> None:
    rng, world = crew.rng, crew.world
    t = float(world.moments(np.array([head]), np.array([day]))[0])
    h = crew.funded(head, t, each * size * (1 if crew.asset == ETH else 1500))
    manner = str(rng.choice(["even", "below", "uneven"], p=[0.45, 0.12, 0.43]))
    parts = split(crew, h, max(2, int(0.6 * size)), manner)
    if rng.random() < 0.6:
        parts = rest(parts, rng, float(rng.uniform(1, 50)))
    if rng.random() < 0.5:
        parts = gather(crew, parts, max(1, size // 8))
    cash_out(crew, parts)


def movers(world: World, s: Services, n: int, exits: Ints) -> None:
    """People who buy, and move what they bought from wallet to wallet: new devices, cold storage, a payment on the way."""
    rng = world.rng
    for size in sizes(n, 2, lambda: int(rng.integers(2, 8))):
        zone, hours = place(rng)
        wallets = world.add(size, "user", "mover", zone=zone, hours=hours)
        crew = hire(world, s, wallets, exits, int(rng.choice([ETH, USDC], p=[0.75, 0.25])), pace=(1800, 10 * DAY))
        t = START + rng.uniform(0, world.days - 2) * 86_400
        first = crew.fresh(t)
        h = Holding(first, t, float(rng.lognormal(1.0, 1.6)) * (1 if crew.asset == ETH else 1500))
        for k in range(int(rng.choice([1, 2, 3]))):
            crew.funded(first, t + k * rng.uniform(60, 86_400), h.amount)
        _move(crew, h._replace(t=t + 86_400 * (rng.random() < 0.5)), size)
        _settle_in(world, s, wallets[rng.random(size) < 0.35], (t - START) / DAY)


def _move(crew: Crew, h: Holding, size: int) -> None:
    rng = crew.rng
    if rng.random() < 0.4:
        holdings = [peel(crew, h, max(1, size - 1))]
    else:
        holdings = split(crew, h, 2, "uneven") if size > 3 and rng.random() < 0.4 else [h]
        for _ in range(max(1, (size - 1) // len(holdings))):
            holdings = forward(crew, holdings)
    if rng.random() < 0.4:
        holdings = rest(holdings, rng, float(rng.uniform(1, 60)))
    if rng.random() < 0.7:
        cash_out(crew, holdings)


def _settle_in(world: World, s: Services, wallets: Ints, day: float) -> None:
    """Some of the wallets are lived from afterwards."""
    end = np.minimum(day + 1 + world.rng.exponential(60, len(wallets)), world.days)
    live(world, s, draw(world, s, wallets, np.minimum(day, end - 0.5), end), paid=False)


def private_people(world: World, s: Services, n: int, exits: Ints) -> None:
    """Honest users of the mixer: salary or savings go in, and come out at a new wallet from which they live."""
    rng = world.rng
    for size in sizes(n, 2, lambda: int(rng.integers(2, 6))):
        zone, hours = place(rng)
        wallets = world.add(size, "user", "private", zone=zone, hours=hours)
        crew = hire(world, s, wallets, exits, pace=(1200, 7 * DAY))
        day, first = float(rng.uniform(0, world.days - 2)), crew.fresh(0.0)
        t = float(world.moments(np.array([first]), np.array([day]))[0])
        h = crew.funded(first, t, float(rng.choice([0.5, 1.2, 3.5, 11.0, 25.0, 40.0, 210.0])))
        if size > 3:
            h = forward(crew, [h])[0]
        wait = float(np.exp(rng.uniform(np.log(3600), np.log(20 * 86_400))))
        holdings = mix(crew, [h], wait, size - 1)
        if rng.random() < 0.3:
            holdings = rest(holdings, rng, float(rng.uniform(2, 30)))
        cash_out(crew, holdings)
        _settle_in(world, s, wallets[rng.random(size) < 0.35], day)


def dealers(world: World, s: Services, people: People, n: int) -> Ints:
    """Dealers who buy coin from people for cash and sell it on to others or to an exchange, within minutes to hours."""
    rng = world.rng
    wallet = world.add(n, "trader", "dealer")
    start = rng.uniform(0, 0.8 * world.days, n)
    deals = 5 + np.minimum(rng.poisson(rng.lognormal(-1.0, 0.8, n) * (world.days - start)), 300)
    who = np.repeat(np.arange(n), deals)
    t = world.moments(wallet[who], rng.uniform(start[who], world.days))
    payer, payee = (people_at(rng, people, t, world.days) for _ in range(2))
    world.plan.add(t, payer, wallet[who], rng.uniform(0.1, 1.0, len(t)), SHARE, digits=rng.choice([0, 1, 2], len(t)))
    delay = rng.lognormal(np.log(np.exp(rng.uniform(np.log(400), np.log(40_000), n)))[who], 0.8)
    target = np.where(rng.random(len(t)) < 0.5, payee, rng.choice(s.deposits, n)[who])
    for asset in (ETH, USDC):
        world.plan.add(t + delay + 200 * asset, wallet[who], target, rng.choice([1.0, 0.97, 0.8], len(t)), SHARE, asset=asset,
                       digits=rng.choice([0, 0, 2], len(t)))  # fmt: skip
    some = slice(None, None, max(1, len(t) // (3 * n)))
    world.plan.add(t[some], rng.choice(s.hot), wallet[who[some]], 0.05, EXACT)  # coin for fees
    return wallet
