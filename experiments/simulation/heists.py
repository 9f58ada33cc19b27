"""A decade of thefts whose truth is known: two chains, ordinary traffic, thieves, what the public knows, and what is true.

Puts the parts together and writes the files; what happens stands in `decade`, `thefts`, `gang`, `follow`, `truths`, `public`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...features.errors import UsageError
from ...features.whole import write_parquet
from . import bech32, heist_files, public, thefts, truths
from .chain import carry_out, made_folder
from .decade import CROSSING_FEE, Stage, main_chain, second_chain
from .follow import Follower
from .gang import POPULATION, Group
from .heist_files import Done
from .market import DAY, ETH, MINOR_UNITS, Ints
from .output import random_hex, write_csv
from .services import sweeps
from .world import START

LEAST = {"cases": 1, "years": 1, "wallets": 400, "seed": 0}
YEARS = (2010, 2099)  # in which a decade may lie
FILES = (
    "transfers.parquet", "labels.parquet", "cases.csv", "truth_cases.csv", "truth_years.csv", "truth_balance.csv",
    "truth_flows.parquet",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SimulatedHeists:
    """Where the files of a decade of thefts are, how many rows of transfers there are, and how many thefts."""

    transfers: Path
    labels: Path
    cases: Path
    truth_cases: Path
    truth_years: Path
    truth_balance: Path
    truth_flows: Path
    rows: int
    thefts: int


@dataclass(frozen=True)
class _Calendar:
    """The years asked for, in the simulator's days and seconds.

    Attributes:
        days: how long the chains run; shift: turns the simulator's seconds into unix seconds.
        ends: the first second after each year; names: the last day of each year.
    """

    days: int
    shift: int
    ends: list[int]
    names: list[str]


def simulate_heists(
    out: str | Path, cases: int = 49, first_year: int = 2017, years: int = 10, wallets: int = 2_000, seed: int = 7
) -> SimulatedHeists:
    """Write thefts over some years, and everything around them, into the folder `out`; docs/simulation.md tells the files.

    Args:
        out: a folder; made if missing. Files of these names in it are replaced.
        cases: how many thefts (≥ 1).
        first_year: the thefts begin in this year (2010 or later); ordinary traffic begins up to six days before it, on a Friday.
        years: how many years the chains run (≥ 1; none after 2099).
        wallets: about how many wallets of honest people and services there are on the first chain (≥ 400).
        seed: the same seed gives the same files, byte for byte.

    Raises:
        UsageError: an argument is out of its range, or `out` is a file.
        DataError: the folder or a file in it cannot be written.
    """
    folder = _checked(out, first_year, cases=cases, years=years, wallets=wallets, seed=seed)
    when = _calendar(first_year, years)
    draws, first, second, known = np.random.SeedSequence(seed).spawn(4)
    plan = thefts.draw(np.random.default_rng(draws), cases, when.days)
    one, groups = _first(plan, wallets, when, first)
    near = Follower(one.stage, one.rows, when.ends).run()
    two, far = _second(one, near, groups, wallets, when, second)
    return _write(folder, (one, two), truths.gather((near, far)), plan, when, np.random.default_rng(known))


def _checked(out: str | Path, first_year: int, **counts: int) -> Path:
    for name, value in counts.items():
        if value < LEAST[name]:
            raise UsageError(f"{name}: at least {LEAST[name]} is needed, {value} came")
    if first_year < YEARS[0] or first_year + counts["years"] - 1 > YEARS[1]:
        raise UsageError(
            f"first_year: the years must lie in {YEARS[0]} to {YEARS[1]}, {counts['years']} from {first_year} on came"
        )
    return made_folder(out)


def _calendar(first_year: int, years: int) -> _Calendar:
    begins = [int(datetime(first_year + k, 1, 1, tzinfo=UTC).timestamp()) for k in range(years + 1)]
    shift = (begins[0] - START) // (7 * DAY) * 7 * DAY  # whole weeks: weekends stay weekends
    ends = [begin - shift for begin in begins[1:]]
    return _Calendar((ends[-1] - START) // DAY, shift, ends, [f"{first_year + k}-12-31" for k in range(years)])


def _first(
    plan: list[thefts.Theft], wallets: int, when: _Calendar, seed: np.random.SeedSequence
) -> tuple[Done, tuple[Group, Group]]:
    """The first chain, carried out."""
    honest, rest = seed.spawn(2)
    stage = main_chain(when.days, wallets, honest)
    world = stage.world
    world.rng = np.random.default_rng(rest)
    groups = thefts.found_groups(stage)
    thefts.play(stage, plan, groups)
    sweeps(world, stage.services)
    rows = carry_out(world)
    return heist_files.done(stage, rows, random_hex(world.rng, len(world.wallets), 20), when.shift), groups


def _second(
    one: Done, near: Follower, groups: tuple[Group, Group], wallets: int, when: _Calendar, seed: np.random.SeedSequence
) -> tuple[Done, Follower]:
    """The second chain, carried out: the bridge pays out what came in on the first, and thieves go on from there."""
    honest, rest = seed.spawn(2)
    stage, users = second_chain(when.days, wallets, honest)
    world = stage.world
    world.rng = np.random.default_rng(rest)
    sent = np.flatnonzero((one.rows["receiver"] == one.stage.crossing) & ~one.rows["failing"])
    paid = thefts.arrive(stage, users, groups, _arrivals(one, stage, sent))
    sweeps(world, stage.services)
    rows = carry_out(world)
    answered = dict(zip(paid, one.rows["transaction"][sent].tolist(), strict=True))
    arrived = {row: near.crossed[k] for row, k in answered.items() if k in near.crossed}
    far = Follower(stage, rows, when.ends, arrived).run()
    done = heist_files.done(stage, rows, pa.array(bech32.random_addresses(world.rng, len(world.wallets))), when.shift)
    return heist_files.as_bitcoin(done, dict(zip(paid, heist_files.tx_ids(one, sent), strict=True))), far


def _arrivals(one: Done, far: Stage, sent: Ints) -> list[thefts.Arrival]:
    """What the bridge owes on the second chain for each deposit on the first, some minutes later, less its fee."""
    t = one.rows["t"][sent] + far.world.rng.integers(400, 4000, len(sent))
    rate = one.stage.world.market.price(np.full(len(sent), ETH), t) / far.world.market.price(np.full(len(sent), ETH), t)
    amount = np.round(one.rows["minor"][sent] / MINOR_UNITS[ETH] * rate * (1 - CROSSING_FEE), 8)
    w, senders = one.stage.world.wallets, one.rows["sender"][sent].tolist()
    party = [w.case[k] if w.population[k] == POPULATION else "" for k in senders]
    state = [w.category[k] == "state_linked" for k in senders]
    return [thefts.Arrival(*each) for each in zip(t.astype(float).tolist(), amount.tolist(), party, state, strict=True)]


def _write(
    folder: Path, chains: tuple[Done, Done], truth: truths.Truth, plan: list[thefts.Theft], when: _Calendar,
    rng: np.random.Generator,
) -> SimulatedHeists:  # fmt: skip
    table, shift = heist_files.joined(chains), when.shift
    seeds = _seeds(chains[0], truth, plan)
    labels = [
        label for done in chains for label in public.labels(rng, done.stage, done.addresses.to_pylist(), done.rows)
    ] + public.seed_labels(rng, seeds)
    made = SimulatedHeists(*(folder / name for name in FILES), rows=len(table), thefts=len(plan))
    write_parquet(table, made.transfers)
    write_parquet(public.table(labels, shift), made.labels)
    write_csv(public.cases(seeds, shift), made.cases)
    write_csv(truths.cases(truth, plan, shift), made.truth_cases)
    write_csv(truths.years(truth, plan, when.ends, when.names), made.truth_years)
    write_csv(truths.balance(truth), made.truth_balance)
    write_parquet(heist_files.flows(table, chains, truth), made.truth_flows)
    return made


def _seeds(one: Done, truth: truths.Truth, plan: list[thefts.Theft]) -> list[public.Seed]:
    """The wallets that received what was stolen."""
    state = {theft.case: theft.state for theft in plan}
    taken = truth.records[truth.records["kind"] == "stolen"]
    receivers: npt.NDArray = one.rows["receiver"][taken["row"]]
    who = one.addresses.take(pa.array(receivers)).to_pylist()
    moments = zip(who, taken["case"], taken["moment"].tolist(), strict=True)
    return [public.Seed(address, case, t, state[case]) for address, case, t in moments]
