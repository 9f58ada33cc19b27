"""Habits drawn from what was fitted to real wallets (`habits.yaml`): who does how much, how evenly, with whom, of what size.

A wallet belongs to a profile of the fitted mixture; what it does in a season (90 days) is a normal vector around that profile, a
part of which stays with the wallet, turned into habits by the fitted distributions. `realism_measures.py` (protocols)
defines each habit.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import yaml

from ..engine.market import Floats, Ints

_AS_BEFORE = (
    0.6  # of the seasons that are as the wallet's season before; that persistence is lower is few transfers' doing
)
LICIT, PHISHING = "licit", "phishing"
SILENT, LITTLE, BUSY = range(3)
"""States of a season: no transfer, one or two, more."""


@dataclass(frozen=True)
class Fitted:
    """The fit to one population.

    Attributes:
        names: the names of the habits; scores: the normal scores of `knots` (habits, scores) and of `life` (days).
        weights, means, factors: those of the profiles, (k,), (k, habits), (k, habits, habits) lower triangles.
        persistence: the part of each habit that stays with a wallet, correlations; activity: (3, 3) chances of the next state.
    """

    names: tuple[str, ...]
    scores: Floats
    knots: Floats
    weights: Floats
    means: Floats
    factors: Floats
    persistence: Floats
    activity: Floats
    life: Floats


@dataclass(frozen=True)
class Characters:
    """The lasting part of wallets' habits: the profile of each, (n,), and a normal vector, (n, habits)."""

    profile: Ints
    lasting: Floats


@cache
def fitted(population: str) -> Fitted:
    """The fit to LICIT or PHISHING wallets."""
    text = resources.files(str(__package__)).joinpath("habits.yaml").read_text(encoding="utf-8")
    whole = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    fit, names = whole[population], tuple(whole["habits"])
    weights = np.array(fit["weights"])
    factors = np.zeros((len(weights), len(names), len(names)))
    factors[:, *np.tril_indices(len(names))] = fit["factors"]
    return Fitted(
        names, np.array(whole["scores"]), np.array([fit["knots"][name] for name in names]), weights / weights.sum(),
        np.array(fit["means"]), factors, np.array(fit["persistence"]), np.array(fit["activity"]), np.array(fit["life_days"]),
    )  # fmt: skip


def characters(rng: np.random.Generator, population: str, n: int) -> Characters:
    """n wallets' characters."""
    fit = fitted(population)
    return Characters(rng.choice(len(fit.weights), n, p=fit.weights), rng.normal(size=(n, len(fit.names))))


def season(rng: np.random.Generator, population: str, who: Characters, row: Ints) -> dict[str, npt.NDArray[np.float64]]:
    """Habits of successive seasons, `row` their positions in `who` (ascending): by name, (rows,)."""
    fit = fitted(population)
    fresh = (np.diff(row, prepend=-1) != 0) | (rng.random(len(row)) > _AS_BEFORE)
    lasting, passing = who.lasting[row], rng.normal(size=(len(row), len(fit.names)))
    passing = passing[np.maximum.accumulate(np.where(fresh, np.arange(len(row)), 0))]
    stays, goes = np.sqrt(fit.persistence), np.sqrt(1 - fit.persistence)
    scores = np.empty_like(passing)
    for k in range(len(fit.weights)):
        at = np.flatnonzero(who.profile[row] == k)
        scores[at] = fit.means[k] + stays * (lasting[at] @ fit.factors[k].T) + goes * (passing[at] @ fit.factors[k].T)
    return {name: np.interp(scores[:, k], fit.scores, fit.knots[k]) for k, name in enumerate(fit.names)}


def life_days(rng: np.random.Generator, population: str, n: int) -> Floats:
    """Days from the first transfer of a wallet to its last."""
    fit = fitted(population)
    return np.interp(rng.normal(size=n), fit.scores, fit.life)
