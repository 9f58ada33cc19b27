"""What the public would know of a decade of thefts: labels with their dates, and the cases with their seed addresses.

Thieves are known by their seeds alone: what is behind those is for others to find.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .decade import Stage
from .market import DAY
from .services import DENOMINATIONS
from .thefts import ACTORS
from .world import START

COLUMNS = (
    "address", "category", "actor", "case", "name", "known_from", "known_until", "network", "confidence", "source", "programmes",
)  # fmt: skip
ORDER = ["address", "category", "source", "name"]
TAGS, ANALYSTS, SANCTIONS = "simulated_tags", "simulated_analysts", "simulated_sanctions"
CASES = "simulated_reports"
FROM_THE_START = {
    "exchange": "exchange", "mixer": "mixer", "relayer": "mixer", "dex": "dex", "bridge": "bridge", "desk": "otc",
    "casino": "gambling", "vault": "defi", "victim": "defi", "mining_pool": "miner",
}  # fmt: skip
"""Populations of which every wallet is known within weeks of the chain's beginning, and their category."""
LATER = {
    "exchange_deposit": ("exchange_deposit", 0.7), "merchant": ("merchant", 0.7), "payroll": ("organisation", 0.5),
    "dealer": ("otc", 0.5), "bot": ("bot", 0.4), "company": ("organisation", 0.3), "trader": ("trader", 0.1),
    "user": ("user", 0.1),
}  # fmt: skip
"""Populations of which a share is known, some weeks to a year after their first transfer."""
MIXER_LISTED, MIXER_DELISTED = 0.55, 0.8  # of the period: when a state sanctions the mixer, and when it takes that back


@dataclass(frozen=True)
class Seed:
    """An address that received what was stolen: of which case, when (simulator's seconds), by whom."""

    address: str
    case: str
    t: int
    state: bool


def labels(rng: np.random.Generator, stage: Stage, addresses: list[str], rows: dict[str, npt.NDArray]) -> list[dict]:
    """Labels of the services and of some others on one chain; nobody labels a wallet without a transfer."""
    s = stage.services
    exchange = {
        account: hot - int(s.hot[0]) for account, hot in zip(s.deposits.tolist(), s.deposit_hot.tolist(), strict=True)
    }
    first = np.full(len(addresses), np.iinfo(np.int64).max)
    for side in ("sender", "receiver"):
        np.minimum.at(first, rows[side], rows["t"])
    found = []
    count = dict.fromkeys([*FROM_THE_START, *LATER], 0)
    for wallet, population in enumerate(stage.world.wallets.population):
        if population not in count:
            continue
        count[population] += 1
        if first[wallet] == np.iinfo(np.int64).max:
            continue
        found += _label(
            rng, addresses[wallet], population, count[population], int(first[wallet]), exchange.get(wallet, -1)
        )
    return found + _listed(stage, addresses)


def _label(rng: np.random.Generator, address: str, population: str, nth: int, first: int, exchange: int) -> list[dict]:
    if population in FROM_THE_START:
        known, category, share = START + DAY * float(rng.uniform(3, 45)), FROM_THE_START[population], 1.0
    else:
        category, share = LATER[population]
        known = first + DAY * float(rng.lognormal(np.log(60), 0.8))
    if rng.random() >= share:
        return []
    actor = _entity(population, nth, exchange)
    name = f"{actor}: deposit" if population == "exchange_deposit" else actor
    return [
        _row(address, category, TAGS, name, known, actor=actor, confidence=float(np.round(rng.uniform(0.7, 1.0), 2)))
    ]


def _entity(population: str, nth: int, exchange: int) -> str:
    """Whose wallet it is, as a list would put it."""
    if population in ("exchange", "exchange_deposit"):
        return f"Exchange {(nth if exchange < 0 else exchange + 1)}"
    if population in ("mixer", "relayer"):
        return "Mixer"
    return f"{population.replace('_', ' ').capitalize()} {nth}"


def _listed(stage: Stage, addresses: list[str]) -> list[dict]:
    """The mixer's pools are sanctioned for some years."""
    known, until = (START + DAY * stage.world.days * part for part in (MIXER_LISTED, MIXER_DELISTED))
    return [
        _row(
            addresses[pool], "sanctioned", SANCTIONS, f"Mixer {DENOMINATIONS[k]:g}", known, until=until, actor="Mixer",
            programmes="SIM1",
        )
        for k, pool in enumerate(stage.services.mixers.tolist())
    ]  # fmt: skip


def seed_labels(rng: np.random.Generator, seeds: list[Seed]) -> list[dict]:
    """Seeds are known as thefts within days; the state's as its own months later, and some are sanctioned after a year or so."""
    found = []
    for case in dict.fromkeys(seed.case for seed in seeds):
        mine = [seed for seed in seeds if seed.case == case]
        heard = DAY * float(rng.uniform(0.5, 12))
        named, listed = heard + DAY * rng.lognormal(np.log(90), 0.6), heard + DAY * rng.lognormal(np.log(400), 0.4)
        sanctioned = rng.random() < 0.3
        for seed in mine:
            actor, tell = ACTORS[0 if seed.state else 1], (seed.address, case)
            found.append(_seed(*tell, "theft", ANALYSTS, f"{case} thief", seed.t + heard, actor, 0.95))
            if seed.state:
                found.append(_seed(*tell, "state_linked", ANALYSTS, actor, seed.t + named, actor, 0.9))
            if seed.state and sanctioned:
                found.append(_seed(*tell, "sanctioned", SANCTIONS, actor, seed.t + listed, actor, 1.0, "SIM1|SIM2"))
    return found


def _seed(address: str, case: str, category: str, source: str, name: str, known: float, actor: str, confidence: float,
          programmes: str | None = None) -> dict:  # fmt: skip
    return _row(
        address, category, source, name, known, actor=actor, case=case, confidence=confidence, programmes=programmes
    )


def _row(address: str, category: str, source: str, name: str, known: float, *, until: float | None = None, actor: str,
         case: str | None = None, confidence: float = 1.0, programmes: str | None = None) -> dict:  # fmt: skip
    return {
        "address": address, "category": category, "actor": actor, "case": case, "name": name, "known_from": int(known),
        "known_until": None if until is None else int(until), "network": None, "confidence": confidence, "source": source,
        "programmes": programmes,
    }  # fmt: skip


def table(found: list[dict], shift: int) -> pd.DataFrame:
    """The label table: sorted, texts as strings, times as UTC timestamps (µs); `shift` turns simulator's into unix seconds."""
    frame = pd.DataFrame(found, columns=list(COLUMNS)).sort_values(ORDER, kind="stable", ignore_index=True)
    texts = [name for name in COLUMNS if name not in ("known_from", "known_until", "confidence")]
    frame[texts] = frame[texts].astype("str")
    for name in ("known_from", "known_until"):
        seconds = [None if pd.isna(t) else int(t) + shift for t in frame[name].tolist()]
        frame[name] = pd.Series(pd.to_datetime(seconds, unit="s", utc=True)).astype("datetime64[us, UTC]")
    return frame


def cases(seeds: list[Seed], shift: int) -> pd.DataFrame:
    """A row a seed address."""
    rows = [
        (
            s.case,
            s.address,
            pd.Timestamp(s.t + shift, unit="s").strftime("%Y-%m-%d"),
            ACTORS[0 if s.state else 1],
            CASES,
        )
        for s in seeds
    ]
    return pd.DataFrame(rows, columns=["case", "address", "date", "actor", "source"]).sort_values(["case", "address"])
