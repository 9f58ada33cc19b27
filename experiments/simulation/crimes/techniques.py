"""How ordinary criminals launder: one to five techniques in turn, as usual in the year, then sale. No two cases need be alike."""

from collections.abc import Callable

import numpy as np

from ..engine.adoption import Curve
from ..engine.market import BTC, DAY
from ..parties.holding import Holding
from ..parties.moves import cash_out, cycle, dormant, forward, gather, peel, rest, scatter_gather, split
from ..parties.service_moves import hop, mix, nest, swap_chain
from .case import CrimeCase

Step = Callable[[CrimeCase, list[Holding]], list[Holding]]
ALWAYS = (2010.0,)
USE: dict[str, Curve] = {
    "split": (ALWAYS, (0.2,)),
    "forward": (ALWAYS, (0.25,)),
    "peel": ((2018.0, 2022.0), (0.25, 0.12)),
    "gather": (ALWAYS, (0.13,)),
    "scatter_gather": (ALWAYS, (0.08,)),
    "cycle": (ALWAYS, (0.05,)),
    "rest": (ALWAYS, (0.14,)),
    "dormant": (ALWAYS, (0.03,)),
    "nest": ((2017.0, 2019.0), (0.0, 0.05)),
    "mix": ((2019.95, 2020.3, 2022.6, 2022.7, 2024.5), (0.0, 0.16, 0.18, 0.05, 0.09)),
    "swap_chain": ((2018.8, 2020.6, 2021.5), (0.0, 0.03, 0.06)),
    "hop": ((2018.8, 2021.0, 2022.6, 2025.0), (0.0, 0.04, 0.1, 0.16)),
}
"""How usual each technique is, by calendar year."""
ON_UTXO = ("split", "forward", "peel", "gather", "scatter_gather", "rest", "dormant", "hop")
FIRST_TECHNIQUES = ("split", "forward", "peel", "mix")  # ways to get the money away from where it came in
PLAIN_TECHNIQUES = ("split", "forward", "peel", "gather")
MAX_HOLDINGS = 24
LITTLE_USD = 1500.0


def choose_techniques(case: CrimeCase, asset: int) -> list[str]:
    """The techniques of a case, in order; the first moves the money away from where it came in."""
    usual = _usual(case, set(ON_UTXO) if asset == BTC else set(USE))
    first = _drawn(case.rng, {name: use for name, use in usual.items() if name in FIRST_TECHNIQUES}, 1)
    steps = first + [name for name in _drawn(case.rng, usual, int(case.rng.integers(0, 5))) if name not in first]
    if asset != BTC or "hop" not in steps:
        return steps
    return steps + _drawn(case.rng, _usual(case, set(USE) - set(ON_UTXO)), int(case.rng.integers(0, 3)))


def _usual(case: CrimeCase, names: set[str]) -> dict[str, float]:
    return {name: float(np.interp(case.year, *curve)) for name, curve in USE.items() if name in names}


def _drawn(rng: np.random.Generator, usual: dict[str, float], n: int) -> list[str]:
    names, chance = list(usual), np.array(list(usual.values()))
    n = min(n, int((chance > 0).sum()))
    return [] if not n else rng.choice(names, n, replace=False, p=chance / chance.sum()).tolist()


def launder(case: CrimeCase, holdings: list[Holding], steps: list[str]) -> None:
    """Take the steps in turn, then sell. Little money is not worth much trouble."""
    little = sum(holding.amount / case.units(1.0, holding.asset) for holding in holdings) < LITTLE_USD
    if little:
        steps = [name for name in steps if name in PLAIN_TECHNIQUES][:1]
    for name in steps:
        few = holdings if len(holdings) <= MAX_HOLDINGS else gather(case.party, holdings, MAX_HOLDINGS // 2)
        holdings = STEPS[name](case, few) if few else []
    cash_out(case.party, holdings, 1 if little else 4)


def _most(case: CrimeCase, holdings: list[Holding]) -> int:
    """How many wallets a holding may be spread over."""
    return int(np.clip(0.7 * case.size / len(holdings), 2, 12))


def _split(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    most = _most(case, holdings)
    manner = case.party.sum_style if case.rng.random() < 0.6 else str(case.rng.choice(["uneven", "even", "below"]))
    return [
        part for holding in holdings for part in split(case.party, holding, int(case.rng.integers(2, most + 1)), manner)
    ]


def _forward(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    for _ in range(int(case.rng.integers(1, 4))):
        holdings = forward(case.party, holdings)
    return holdings


def _peel(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    long = 3 + case.size // 3 if holdings[0].utxo else 7
    hops = case.rng.integers(2, max(4, min(long, 30) // len(holdings)) + 1, len(holdings))
    return [
        peel(case.party, holding, int(n)) if k < 3 else holding
        for k, (holding, n) in enumerate(zip(holdings, hops, strict=True))
    ]


def _gather(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    return gather(case.party, holdings, max(1, len(holdings) // 4)) if len(holdings) > 1 else holdings


def _scatter_gather(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    n = int(case.rng.integers(2, _most(case, holdings) + 1))
    return [scatter_gather(case.party, holding, n) if k < 2 else holding for k, holding in enumerate(holdings)]


def _cycle(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    hops, within = int(case.rng.integers(2, 6)), _even_by_magnitude(case, 2 * 3600, 7 * DAY)
    return [cycle(case.party, holding, hops, within) if k < 2 else holding for k, holding in enumerate(holdings)]


def _rest(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    return rest(case.party, holdings, float(case.rng.uniform(3, 60)))


def _dormant(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    return dormant(case.party, holdings, _even_by_magnitude(case, 90, 600))


def _mix(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    wait, whole = _even_by_magnitude(case, 1800, 10 * DAY), bool(case.rng.random() < 0.4)
    return mix(case.party, holdings, wait, max(1, case.size // 5), whole)


def _hop(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    return [hop(case.party, holding) if k < 6 else holding for k, holding in enumerate(holdings)]


def _swap_chain(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    steps = int(case.rng.integers(2, 6))
    return [swap_chain(case.party, holding, steps) if k < 4 else holding for k, holding in enumerate(holdings)]


def _nest(case: CrimeCase, holdings: list[Holding]) -> list[Holding]:
    return [nest(case.party, holding) if k < 4 else holding for k, holding in enumerate(holdings)]


def _even_by_magnitude(case: CrimeCase, low: float, high: float) -> float:
    return float(np.exp(case.rng.uniform(np.log(low), np.log(high))))


STEPS: dict[str, Step] = {
    "split": _split, "forward": _forward, "peel": _peel, "gather": _gather, "scatter_gather": _scatter_gather,
    "cycle": _cycle, "rest": _rest, "dormant": _dormant, "mix": _mix, "hop": _hop, "swap_chain": _swap_chain, "nest": _nest,
}  # fmt: skip
