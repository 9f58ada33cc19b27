"""The simulated chain as a whole: who takes part, in which order they plan, what becomes of it, and the four files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...features.errors import DataError, UsageError
from ...features.whole import write_parquet
from . import crime, honest, labels, people, services, state, trading
from .market import ASSETS, MINOR_UNITS, Ints, Market
from .output import random_hex, transfers, write_csv
from .settle import settle
from .world import START, World

MIN_WALLETS = 400
MIN_DAYS = 120
SHARES = {
    "user": 0.49, "deposit": 0.15, "merchant": 0.02, "trader": 0.06, "bot": 0.025, "miner": 0.03,
    "company": 0.035, "mover": 0.04, "private": 0.02, "dealer": 0.01, "crime": 0.08, "state": 0.04,
}  # fmt: skip
NONCES_BEFORE = 10_000  # transactions that wallets which held money before the first day had sent by then

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SimulatedChain:
    """Where the files of a simulated chain are, how many wallets have a transfer, and how many rows of transfers there are."""

    transfers: Path
    labels: Path
    addresses: Path
    truth: Path
    wallets: int
    rows: int


def simulate(
    out: str | Path, wallets: int = 3_000, days: int = 540, seed: int = 7, on_progress: Progress | None = None
) -> SimulatedChain:
    """Write a simulated chain into the folder `out`: transfers.parquet, labels.csv, addresses.csv and truth.csv.

    Args:
        out: a folder; made if missing. Files of these names in it are replaced.
        wallets: about how many wallets there are (≥ 400).
        days: how long the chain runs from 2021-01-01 (≥ 120).
        seed: the same seed gives the same files, byte for byte.
        on_progress: called with (steps done, steps in all).

    Raises:
        UsageError: too few wallets or days, a negative seed, or `out` is a file.
        DataError: the folder or a file in it cannot be written.
    """
    folder = _checked(out, wallets, days, seed)
    tell = on_progress or (lambda done, total: None)
    world = _stage(days, seed)
    plan_all(world, wallets)
    tell(1, 3)
    rows = carry_out(world)
    tell(2, 3)
    chain = _write(folder, world, rows, wallets)
    tell(3, 3)
    return chain


def _checked(out: str | Path, wallets: int, days: int, seed: int) -> Path:
    for name, value, least in (("wallets", wallets, MIN_WALLETS), ("days", days, MIN_DAYS), ("seed", seed, 0)):
        if value < least:
            raise UsageError(f"{name}: at least {least} is needed, {value} came")
    return made_folder(out)


def made_folder(out: str | Path) -> Path:
    """The folder, made if missing. Raises UsageError if it is a file, DataError if it cannot be made."""
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"out: a folder is needed, {folder} is a file")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror}); give another folder") from None
    return folder


def _stage(days: int, seed: int) -> World:
    market, rest = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    return World(days, Market(market, START, days), rest)


def plan_all(world: World, wallets: int) -> None:
    """Let every population plan its transfers, each with a generator of its own; those who answer others come last."""
    n = {name: max(2, round(share * wallets)) for name, share in SHARES.items()}
    streams = iter(world.rng.spawn(8))
    s, everyone, exits = plan_honest(world, n, streams)
    world.rng = next(streams)
    crime.crimes(world, s, everyone, n["crime"], exits)
    world.rng = next(streams)
    state.raids(world, s, n["state"], exits)
    world.rng = next(streams)
    services.takings(world, s)
    services.spam(world, s, wallets)
    services.sweeps(world, s)


def plan_honest(
    world: World, n: dict[str, int], streams: Iterator[np.random.Generator]
) -> tuple[services.Services, people.People, Ints]:
    """Let everyone who is honest plan, with n wallets of each kind (keys of SHARES) and the first four of the streams.

    Returns the services, the users, and where parties sell. What services answer (takings, spam, sweeps) is not planned yet.
    """
    s, everyone = _common(world, n, next(streams))
    world.rng = next(streams)
    dealers = honest.dealers(world, s, everyone, n["dealer"])
    exits = _exits(world, s, everyone, dealers)
    world.rng = next(streams)
    _professionals(world, s, n)
    world.rng = next(streams)
    honest.companies(world, s, n["company"], exits)
    honest.movers(world, s, n["mover"], exits)
    honest.private_people(world, s, n["private"], exits)
    return s, everyone, exits


def _common(world: World, n: dict[str, int], stream: np.random.Generator) -> tuple[services.Services, people.People]:
    """Services and ordinary users, some of whom have an employer."""
    world.rng = stream
    s = services.found(world, n["deposit"], n["merchant"])
    wallet = world.add(n["user"], "user", "user")
    start, end = people.lives(world.rng, world.days, n["user"])
    everyone = people.draw(world, s, wallet, start, end)
    people.live(world, s, everyone)
    paid = np.flatnonzero(everyone.habit == people.PAYEE)
    services.payroll(world, s, wallet[paid], start[paid], end[paid])
    return s, everyone


def _professionals(world: World, s: services.Services, n: dict[str, int]) -> None:
    """Traders, miners and bots."""
    for name, act in (("trader", trading.traders), ("miner", services.mining)):
        start, end = people.lives(world.rng, world.days, n[name])
        act(world, s, world.add(n[name], name, name), start, end)
    trading.bots(world, s, n["bot"])


def _exits(world: World, s: services.Services, everyone: people.People, dealers: Ints) -> Ints:
    """Where parties sell: mostly at exchanges, then over the counter, now and then to a person."""
    n = len(dealers)
    accounts, buyers = world.rng.choice(s.deposits, 12 * n), world.rng.choice(everyone.wallet, 2 * n)
    return np.concatenate([accounts, np.repeat(dealers, 3), buyers])


def carry_out(world: World) -> dict[str, npt.NDArray]:
    """Settle the plan and keep the rows that happened, in order of time: their plan, `minor`, `fee`, `gwei`, `transaction`."""
    rows = _with_failures(world, world.plan.columns())
    outside = (rows["t"] < START) | (rows["t"] >= world.end) | (rows["sender"] == rows["receiver"])
    rows["amount"] = np.where(outside, 0.0, rows["amount"])
    tip = np.asarray(world.wallets.tip)[rows["sender"]] * world.rng.lognormal(0, 0.12, len(outside))
    gwei = np.round(np.maximum(1.0, world.market.gwei(rows["t"]) * tip), 1).astype(np.float64)
    funds = np.zeros((len(world.wallets), len(ASSETS)), dtype=np.int64)
    for wallet, held in world.wallets.funds.items():
        funds[wallet] = np.round(np.array(held) * MINOR_UNITS)
    rows |= {"gwei": gwei} | settle(rows, gwei, ~np.asarray(world.wallets.contract), funds)
    done = np.flatnonzero(rows["minor"] > 0)
    done = done[np.argsort(rows["t"][done], kind="stable")]
    return {name: column[done] for name, column in rows.items()}


def _with_failures(world: World, rows: dict[str, npt.NDArray]) -> dict[str, npt.NDArray]:
    """About one transaction in a hundred is first tried in vain (a bot's more often): it costs its fee and moves nothing."""
    rng, bot = world.rng, np.asarray(world.wallets.population) == "bot"
    own = ~np.asarray(world.wallets.contract)[rows["sender"]]
    tried = np.flatnonzero(own & (rng.random(len(own)) < np.where(bot[rows["sender"]], 0.03, 0.01)))
    again = {name: column[tried] for name, column in rows.items()}
    again["t"] = again["t"] - rng.integers(15, 180, len(tried))
    failing = np.arange(len(own) + len(tried)) >= len(own)
    return {name: np.concatenate([column, again[name]]) for name, column in rows.items()} | {"failing": failing}


def _write(folder: Path, world: World, rows: dict[str, npt.NDArray], wallets: int) -> SimulatedChain:
    n = len(world.wallets)
    addresses = random_hex(world.rng, n, 20)
    nonces = np.zeros(n, dtype=np.int64)
    nonces[list(world.wallets.funds)] = NONCES_BEFORE
    table = transfers(world.rng, world.market, rows, addresses, nonces)
    true = labels.truth(world, addresses, rows)
    known, new = labels.known(world, true, wallets)
    names = ("transfers.parquet", "labels.csv", "addresses.csv", "truth.csv")
    chain = SimulatedChain(*(folder / name for name in names), wallets=len(true), rows=len(table))
    write_parquet(table, chain.transfers)
    write_csv(known, chain.labels)
    write_csv(new, chain.addresses)
    write_csv(true.loc[:, labels.TRUTH].sort_values(by="address"), chain.truth)
    return chain
