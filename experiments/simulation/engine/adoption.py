"""When habits had their time: how far each was spread, year by year, and who came when. Knows no wallet's doings."""

import numpy as np
import numpy.typing as npt

from .market import DAY, USDC, USDT, Floats, Ints
from .world import START, World

Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""Calendar years, and how far a habit was spread by then (1 = at its height); straight lines between them."""

DEX: Curve = ((2017.6, 2018.5, 2020.4, 2021.0), (0.0, 0.1, 0.4, 1.0))
LAUNCHES: Curve = ((2018.8, 2019.5, 2020.6, 2021.0), (0.0, 0.1, 0.7, 1.0))
AIRDROPS: Curve = ((2017.0, 2018.0, 2019.5, 2021.0), (0.0, 0.7, 0.3, 1.0))
NFTS: Curve = ((2020.4, 2021.1, 2021.6, 2022.4, 2023.0, 2024.5), (0.0, 0.6, 1.0, 0.9, 0.35, 0.12))
STAKING: Curve = ((2020.9, 2020.95, 2022.0, 2023.3), (0.0, 0.6, 0.7, 1.0))
LENDING: Curve = ((2018.5, 2019.5, 2020.6, 2021.0), (0.0, 0.2, 0.8, 1.0))
BRIDGES: Curve = ((2018.8, 2020.0, 2021.2), (0.0, 0.2, 1.0))
SPAM: Curve = ((2017.0, 2019.0, 2022.0), (0.1, 0.4, 1.0))
DOLLARS: Curve = (
    (2016.5, 2018.0, 2020.0, 2021.0, 2024.0),
    (0.0, 0.15, 0.35, 0.5, 0.7),
)  # share of sums that are in dollars
_USDC: Curve = ((2018.8, 2020.0, 2021.5), (0.0, 0.2, 0.5))  # its share of the dollars
END_OF_MINING = 2022.71  # of the coin of the account chain


def share(world: World, t: npt.ArrayLike, curve: Curve) -> Floats:
    """How far a habit is spread at each second."""
    return np.interp(world.year(t), *curve)


def arrivals(world: World, n: int, curve: Curve) -> Floats:
    """Days on which people take up a habit: n of them if it was at its height all the time, else proportionally fewer."""
    spread = share(world, START + DAY * np.arange(world.days), curve)
    count = round(n * float(spread.mean()))
    if not count:
        return np.empty(0)
    return np.searchsorted(np.cumsum(spread) / spread.sum(), world.rng.random(count)) + world.rng.random(count)


def stays(world: World, start: Floats, median: float, sigma: float) -> Floats:
    """Last days of those who came on the days `start`: log-normal stays of at least half a day."""
    return np.minimum(start + 0.5 + world.rng.lognormal(np.log(median), sigma, len(start)), world.days)


def stable(world: World, t: npt.ArrayLike, taste: Floats | None = None) -> Ints:
    """A dollar token for each second: USDT alone at first, then more and more USDC beside it.

    Args:
        taste: a number of 0 to 1 for each, the same for one who keeps to his choice; drawn if not given.
    """
    early = share(world, t, _USDC)
    return np.where((world.rng.random(early.shape) if taste is None else taste) < early, USDC, USDT)


def present(rng: np.random.Generator, start: Floats, end: Floats, day: Floats) -> Ints:
    """For each day someone who is there then, drawn at random: a position in `start` (at need someone who is not)."""
    found = rng.integers(0, len(start), len(day))
    for _ in range(30):
        absent = np.flatnonzero((start[found] > day) | (end[found] <= day))
        found[absent] = rng.integers(0, len(start), len(absent))
    return found


def repeated(times: Ints) -> tuple[Ints, Ints]:
    """(position, which time, from 0) of what happens this many times to each position."""
    who = np.repeat(np.arange(len(times)), times)
    return who, np.arange(len(who)) - np.repeat(np.cumsum(times) - times, times)


def visits(rng: np.random.Generator, start: Floats, end: Floats, rate: Floats, most: int) -> tuple[Ints, Floats]:
    """Who comes when: (position, day) of one visit of each at least, then about `rate` a day of his stay, at most `most`."""
    count = 1 + np.minimum(rng.poisson(rate * (end - start)), most - 1)
    who = np.repeat(np.arange(len(start)), count)
    return who, rng.uniform(start[who], end[who])
