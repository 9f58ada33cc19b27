"""A simulated chain as a whole: who takes part, in which order they plan, what becomes of it, and the files."""

import datetime as dt
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow.parquet as pq

from ...features.base.atomic_write import write_atomically
from ...features.base.errors import DataError, UsageError
from ...features.transfers.schema import SCHEMA
from . import crimes, public_labels, states
from .engine import output, truth_tables
from .engine.chain_run import ChainRun, open_account_books
from .engine.loot_follower import LootFollower
from .engine.market import DAY, Ints, Market
from .engine.services import Services, district_services, shared_services
from .engine.transfer_plan import TransferPlan
from .engine.world import START, World
from .people import business, economy, honest_parties, service_replies, tokens, trading, users, utxo
from .scenarios.scenario import Scenario, load_scenario

SHARES = {
    "user": 0.46, "deposit": 0.13, "merchant": 0.015, "trader": 0.05, "bot": 0.02, "miner": 0.025, "company": 0.03,
    "mover": 0.035, "private": 0.02, "dealer": 0.008, "launch": 0.008, "collector": 0.02, "staker": 0.01, "lender": 0.01,
    "lost": 0.02, "bridger": 0.015, "nested": 0.006,
}  # fmt: skip
"""Of the wallets; the UTXO chain, crimes and thefts have theirs in the scenario."""
AIRDROPS, VISITS = 0.15, 0.05  # receipts of airdrops, and visits to desks over the counter, per user
DISTRICT = 20_000  # wallets that plan together: people know people of their own district
FILES = (
    "transfers.parquet", "labels.csv", "addresses.csv", "cases.csv", "truth.csv", "truth_cases.csv", "truth_years.csv",
    "truth_balance.csv", "truth_flows.parquet",
)  # fmt: skip

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SimulatedChain:
    """Where the files of a simulated chain are, how many wallets have a transfer, and how many rows of transfers there are."""

    transfers: Path
    labels: Path
    addresses: Path
    cases: Path
    truth: Path
    truth_cases: Path
    truth_years: Path
    truth_balance: Path
    truth_flows: Path
    wallets: int
    rows: int


def simulate(
    out: str | Path,
    scenario: str | Path | Scenario = "demo",
    *,
    wallets: int | None = None,
    days: int | None = None,
    seed: int | None = None,
    on_progress: Progress | None = None,
) -> SimulatedChain:
    """Write a simulated chain into the folder `out`; docs/simulation.md describes the files.

    Args:
        out: a folder, created if it is missing. Files of these names in it are replaced.
        scenario: one that walletprint brings along, by name; a YAML file; or one in Python.
        wallets, days, seed: instead of the scenario's. The same seed gives the same files, byte for byte.
        on_progress: called with (steps done, steps in all).

    Raises:
        UsageError: no such scenario, a key of it that is unknown or out of its range, or `out` is a file.
        DataError: the folder or a file in it cannot be written.
    """
    config = (
        scenario if isinstance(scenario, Scenario) else load_scenario(scenario, wallets=wallets, days=days, seed=seed)
    )
    folder = _made(out)
    with tempfile.TemporaryDirectory(prefix=".plan-", dir=folder) as spool:
        return _Simulation(config, folder, Path(spool), on_progress or (lambda done, total: None)).run()


def _made(out: str | Path) -> Path:
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"out: a folder is needed, {folder} is a file")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror}); give another folder") from None
    return folder


class _Simulation:
    """One run: plan, carry out, write what is known and what is true."""

    def __init__(self, config: Scenario, folder: Path, spool: Path, tell: Progress) -> None:
        self._config, self._folder, self._spool = config, folder, spool
        begin = int(dt.datetime(config.start.year, config.start.month, config.start.day, tzinfo=dt.UTC).timestamp())
        self._shift = (begin - START) // (7 * DAY) * 7 * DAY  # whole weeks: weekends stay weekends
        days = config.days + (begin - self._shift - START) // DAY
        prices, self._plans, self._runs = np.random.SeedSequence(config.seed).spawn(3)
        first = dt.datetime.fromtimestamp(START + self._shift, dt.UTC)
        self._world = World(
            days,
            Market(np.random.default_rng(prices), START, days, config.prices, config.unpriced),
            np.random.default_rng(prices),  # until the first population has its own
            TransferPlan(spool, START, days),
            start_year=first.year + (first.timetuple().tm_yday - 1) / 365.25,
        )
        self._districts = max(1, round(config.wallets / DISTRICT))
        self._tell, self._done, self._steps = tell, 0, self._districts + 1 + self._world.plan.buckets + 1

    def run(self) -> SimulatedChain:
        """Everything, in order."""
        shared = self._plan()
        names, order, marks = (np.random.default_rng(seed) for seed in self._runs.spawn(3))
        known, books = output.names(names, self._world.wallets), open_account_books(self._world, self._spool)
        follower = LootFollower(self._world, self._spool, self._year_ends(), self._shift)
        run = ChainRun(
            self._world,
            known,
            books,
            lambda rows: service_replies.plan_replies(self._world, shared, rows),
            follower,
            self._shift,
            order,
        )
        write_atomically(self._folder / FILES[0], lambda file: self._write(file, run))
        follower.finish(self._folder)
        self._world.rng = marks
        public = public_labels.draw_public_knowledge(
            self._world, known.addresses, books.first, books.count, follower.seeds, self._config.labels, self._shift
        )
        paths = [self._folder / name for name in FILES]
        for frame, path in zip((public.labels, public.addresses, public.cases), paths[1:4], strict=True):
            output.write_csv(frame, path)
        truth_tables.write_wallets(self._world, known.addresses, books.count, paths[4])
        self._step()
        return SimulatedChain(*paths, wallets=int((books.count > 0).sum()), rows=run.rows)

    def _step(self) -> None:
        self._done += 1
        self._tell(self._done, self._steps)

    def _write(self, file: BinaryIO, run: ChainRun) -> None:
        with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for table in run.tables():
                writer.write_table(table)
                self._step()

    def _year_ends(self) -> list[int]:
        """The first second after each calendar year, and after the chain, in the simulator's seconds."""
        first = dt.datetime.fromtimestamp(START + self._shift, dt.UTC).year
        last = dt.datetime.fromtimestamp(self._world.end + self._shift - 1, dt.UTC).year
        news = [
            int(dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC).timestamp()) - self._shift for year in range(first, last)
        ]
        return [*(t for t in news if t > START), self._world.end]

    def _plan(self) -> Services:
        """Let everyone plan; returns the services that all share."""
        world, config = self._world, self._config
        streams = (np.random.default_rng(seed) for seed in self._plans.spawn(2 + 5 * self._districts))
        world.rng = next(streams)
        shared = shared_services(world, config.wallets)
        business.housekeeping(world, shared)
        towns = (self._town(shared, streams) for _ in range(self._districts))
        services, everyone, _ = deque(towns, maxlen=1).pop()  # the others planned, and are not needed any more
        world.rng = next(streams)
        states.plan(
            world, services, everyone, round(config.thefts.share * config.wallets), config.thefts, config.evasion
        )
        self._step()
        return shared

    def _town(self, shared: Services, streams: Iterator[np.random.Generator]) -> "Town":
        """A district, and the crimes in it."""
        world, config = self._world, self._config
        n = {name: max(2, round(share * config.wallets / self._districts)) for name, share in SHARES.items()}
        n["utxo"] = round(config.utxo * config.wallets / self._districts)
        services, everyone, exits = town = _district(world, shared, n, config.growth, streams)
        world.rng = next(streams)
        wallets = round(config.crimes.share * config.wallets / self._districts)
        crimes.plan(world, services, everyone, wallets, config.crimes.kinds, exits, config.evasion)
        self._step()
        return town


Town = tuple[Services, users.Users, Ints]
"""A district's services, its users, and where parties sell."""


def _district(
    world: World, shared: Services, n: dict[str, int], growth: float, streams: Iterator[np.random.Generator]
) -> Town:
    """Let all the honest wallets of a district plan, n of each kind."""
    world.rng = next(streams)
    services = district_services(world, shared, n["deposit"], n["merchant"])
    everyone = _users(world, services, n["user"], growth)
    world.rng = next(streams)
    dealers = honest_parties.dealers(world, services, everyone, n["dealer"])
    exits = _exits(world, services, everyone, dealers)
    trading.traders(world, services, n["trader"])
    trading.bots(world, services, n["bot"])
    business.mining(world, services, n["miner"])
    world.rng = next(streams)
    honest_parties.companies(world, services, n["company"], exits)
    honest_parties.movers(world, services, n["mover"], exits)
    honest_parties.private_people(world, services, n["private"], exits)
    world.rng = next(streams)
    _newer(world, services, everyone, n)
    return services, everyone, exits


def _users(world: World, services: Services, n: int, growth: float) -> users.Users:
    """Ordinary users, some of whom have an employer."""
    wallet = world.add(n, "user", "user")
    start, end = users.lifetimes(world.rng, world.days, n, growth)
    everyone = users.draw_users(world, services, wallet, start, end)
    users.plan_lives(world, services, everyone)
    paid = np.flatnonzero(everyone.habit == users.PAYEE)
    business.payroll(world, services, wallet[paid], start[paid], end[paid])
    business.takings(world, services)
    return everyone


def _newer(world: World, services: Services, everyone: users.Users, n: dict[str, int]) -> None:
    """What chains have besides payments."""
    tokens.launches(world, services, everyone, n["launch"])
    tokens.collectors(world, services, everyone, n["collector"])
    tokens.airdrops(world, services, everyone, round(AIRDROPS * n["user"]))
    economy.stakers(world, services, n["staker"])
    economy.lenders(world, services, n["lender"])
    economy.lost(world, services, n["lost"])
    economy.bridgers(world, services, n["bridger"])
    economy.nested_customers(world, services, n["nested"])
    economy.visitors(world, services, everyone, round(VISITS * n["user"]))
    if n["utxo"]:
        utxo.people(world, services, n["utxo"])


def _exits(world: World, services: Services, everyone: users.Users, dealers: Ints) -> Ints:
    """Where parties sell: mostly at exchanges, then over the counter, now and then to a person."""
    n = len(dealers)
    accounts, buyers = world.rng.choice(services.deposits, 12 * n), world.rng.choice(everyone.wallet, 2 * n)
    return np.concatenate([accounts, np.repeat(dealers, 3), np.repeat(services.desks, 2), buyers])
