"""Fits `simulation/people/habits.yaml`: a Gaussian mixture copula of wallets' habits, how they last, and how long lives are.

Each habit's distribution is kept as its value at 41 normal scores, so a draw is a normal vector and an interpolation. Only
aggregates are kept: no end of a scale is nearer than half a percent of the wallets to the extremes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy.stats import norm, rankdata
from sklearn.mixture import GaussianMixture

from ..protocols.input_files import Frame
from ..protocols.simulated.realism_measures import HABITS, SEASON, seasons
from ..protocols.simulated.realism_tables import FIT, LICIT, PHISHING, half, real_lists

SCORES = np.round(np.linspace(-2.6, 2.6, 41), 2)
PROFILES = {LICIT: 16, PHISHING: 8}
SINCE = 1_514_764_800  # 2018-01-01: the years in which the protocols look at wallets
SOURCE = "eltontay/Ethereum-Fraud-Detection (MIT): native transfers of one half of its wallets, by hash; 2018 to 2022"
_MOST_KEPT = 0.95
_FEWEST = 0.02  # variance of a mixture's part, so that ties do not make it collapse


def fit(data: Path, seed: int) -> dict[str, Any]:
    """What the generator needs of each population.

    Args:
        data: the folder with the public lists.
        seed: of ties and of the mixture's first guess.

    Raises:
        DataError: if a file or column is missing.
    """
    lists = real_lists(data)
    fitted = {name: _population(lists[name], PROFILES[name], seed) for name in (LICIT, PHISHING)}
    return {"source": SOURCE, "scores": SCORES.tolist(), "habits": list(HABITS), **fitted}


def write(fitted: dict[str, Any], path: Path) -> None:
    """Write it as YAML, lists of numbers on lines of their own."""
    text = yaml.safe_dump(fitted, sort_keys=False, width=130, default_flow_style=None)
    head = (
        "# Written by `python -m walletprint.experiments.realism fit`: distributions of habits, never a wallet's row.\n"
    )
    path.write_text(head + text, encoding="utf-8")


def _population(table: Frame, profiles: int, seed: int) -> dict[str, Any]:
    mine = table[half(table["wallet"]) == FIT]
    found = seasons(mine[mine["t"] >= SINCE])
    rng = np.random.default_rng(seed)
    knots = {name: _rounded(np.nanquantile(found[name], norm.cdf(SCORES))) for name in HABITS}
    scores = np.column_stack([_normal(found[name].to_numpy(), rng) for name in HABITS])
    mixture: Any = GaussianMixture(profiles, reg_covar=_FEWEST, random_state=seed).fit(scores)
    order = np.argsort(-mixture.weights_, kind="stable")
    return {
        "knots": knots,
        "weights": _rounded(mixture.weights_[order]),
        "means": [_rounded(row) for row in mixture.means_[order]],
        "factors": [_rounded(_lower(mixture.covariances_[k])) for k in order],
        "persistence": _persistence(found, scores, mixture),
        "activity": _activity(mine),
        "life_days": _rounded(_lives(mine[mine["t"] >= SINCE])),
        "seasons": len(found),
        "wallets": int(found.index.get_level_values("wallet").nunique()),
    }


def _normal(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normal scores; ties in random order, and anything where a habit could not be seen."""
    known = np.isfinite(values)
    scores = rng.normal(size=len(values))
    order = rng.permutation(int(known.sum()))
    rank = np.empty(len(order))
    rank[order] = rankdata(values[known][order], method="ordinal")
    scores[known] = norm.ppf(rank / (len(rank) + 1))
    return np.clip(scores, SCORES[0], SCORES[-1])


def _lower(covariance: np.ndarray) -> np.ndarray:
    """The Cholesky factor's rows, one after the other, up to the diagonal."""
    return np.linalg.cholesky(covariance)[np.tril_indices(len(covariance))]


def _persistence(found: Frame, scores: np.ndarray, mixture: Any) -> list[float]:
    """How much of each habit, as it is within its profile, stays from one season of a wallet to the next: correlations."""
    profile = mixture.predict(scores)
    off: Any = pd.DataFrame(scores - mixture.means_[profile], index=found.index, columns=list(HABITS)).where(
        found.notna()
    )
    before = off.rename(index=lambda season: season + 1, level="season")
    both = off.join(before, rsuffix=" before", how="inner")
    kept = [both[name].corr(both[f"{name} before"]) for name in HABITS]
    return _rounded(np.clip(np.nan_to_num(kept), 0.0, _MOST_KEPT))


def _activity(table: Frame) -> list[list[float]]:
    """Chances of the next season's state (silent, one or two transfers, more), by this season's, within wallets' lives."""
    n = table[table["t"] >= SINCE].assign(season=table["t"] // SEASON).groupby(["wallet", "season"]).size()
    grid = n.unstack(fill_value=0)
    state = np.digitize(grid.to_numpy(), [1, 3])
    lasts = (np.cumsum(state[:, ::-1], axis=1) > 0)[:, ::-1] & (np.cumsum(state, axis=1) > 0)
    pairs = lasts[:, :-1] & lasts[:, 1:]
    counts = np.zeros((3, 3))
    np.add.at(counts, (state[:, :-1][pairs], state[:, 1:][pairs]), 1)
    return [_rounded(row / row.sum()) for row in counts]


def _lives(table: Frame) -> np.ndarray:
    """Days from the first transfer in these years to the last, at the normal scores SCORES."""
    life = table.groupby("wallet")["t"].agg(lambda t: (t.max() - t.min()) / 86_400)
    return np.quantile(life, norm.cdf(SCORES))


def _rounded(values: np.ndarray) -> list[float]:
    """Three significant digits are more than the samples say."""
    return [float(f"{value:.3g}") for value in values]
