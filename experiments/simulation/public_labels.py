"""What the public knows: labels that come late, cover a part of the wallets and are sometimes wrong, cases with the addresses
that first received what was stolen, and wallets to score that no one has labelled.

Reads the truth; decides only what of it is known, and from when.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from .engine.market import DAY, Floats, Ints
from .engine.services import DENOMINATIONS
from .engine.world import START, World
from .scenarios.scenario import Labels
from .states.playbooks import EXTORTED

COLUMNS = (
    "address", "network", "category", "actor", "case", "name", "confidence", "source", "programmes", "known_from", "known_until",
)  # fmt: skip
ORDER = ["address", "category", "source", "name"]
TAGS, COMMUNITY, ANALYSTS, SANCTIONS = (
    "simulated_tags",
    "simulated_community",
    "simulated_analysts",
    "simulated_sanctions",
)
REPORTS = "simulated_reports"
REPORTED = ("state", "thief")  # populations whose cases are reported: the large thefts
SERVICES = {
    "exchange": "exchange", "cold": "exchange", "btc_hot": "exchange", "btc_cold": "exchange", "mixer": "mixer",
    "relayer": "mixer", "dex": "dex", "launch_pool": "dex", "bridge": "bridge", "bridge_far": "bridge", "desk": "otc",
    "casino": "gambling", "vault": "defi", "victim": "defi", "staking": "defi", "mining_pool": "miner", "btc_pool": "miner",
    "nft_market": "nft", "nft": "nft",
}  # fmt: skip
"""Populations whose wallets are all known within weeks of their first transfer, and their category."""
OTHERS = {
    "exchange_deposit": ("exchange_deposit", 1.2), "btc_deposit": ("exchange_deposit", 1.2), "nested": ("exchange_deposit", 1.0),
    "merchant": ("merchant", 1.2), "btc_merchant": ("merchant", 1.2), "payroll": ("organisation", 0.8), "dealer": ("otc", 0.8),
    "spammer": ("abuse", 1.2), "duster": ("abuse", 1.2), "btc_duster": ("abuse", 1.2), "airdropper": ("token_sale", 1.0),
}  # fmt: skip
"""Other populations with a category of their own: the category, and how many times likelier than others they are labelled."""
SERVICE_KNOWN = (3.0, 45.0)  # days after its first transfer
SEED_KNOWN = (0.5, 12.0)  # days after a theft
NAMED_DELAY, LISTED_DELAY = (
    (60.0, 0.6),
    (400.0, 0.4),
)  # days until a state is named, and until it is listed: median, sigma
SANCTIONED = 0.3  # share of the states' thefts
MIXER_LISTED, MIXER_DELISTED = 2022.6, 2025.2  # calendar years
NEW_DAYS = 75  # a wallet is new if its first transfer is within this many days of the end
COLLECTED_AFTER_DAYS = 120  # the list was collected this many days after the last transfer


@dataclass(frozen=True)
class PublicKnowledge:
    """Tables: `labels` in the columns of the label table, `addresses` to score, `cases` with the first receivers of loot."""

    labels: pd.DataFrame
    addresses: pd.DataFrame
    cases: pd.DataFrame


def draw_public_knowledge(
    world: World, addresses: pa.Array, first: Ints, count: Ints, seeds: dict[int, int], habits: Labels, shift: int
) -> PublicKnowledge:
    """Draw what is known.

    Args:
        addresses: the address of each wallet; first, count: the second of each wallet's first transfer, and its transfers.
        seeds: wallets that received loot from victims, and when each first did (simulator's seconds).
        shift: turns the simulator's seconds into unix seconds.
    """
    seen = _active_wallets(world, first, count, seeds)
    new = _new_wallets(world, seen, round(habits.new_wallets * len(seen)))
    labellable = seen.drop(index=new)
    honest, criminal = labellable[labellable["case"] == ""], labellable[labellable["case"] != ""]
    cases = _case_news(world)
    partial = pd.concat([_others(world, honest, habits), _helpers(world, criminal, cases, habits)])
    label_rows = [
        _services(world, honest), _with_errors(world, partial, habits), _seeds(world, criminal, cases),
        _listed_mixers(world, honest),
    ]  # fmt: skip
    reported = seen["population"].isin(REPORTED) & ~_extorted(world, seen)
    marked = seen[seen["seed"] & reported].sort_values(["case", "t"])
    return PublicKnowledge(
        _finished(world, pd.concat(label_rows, ignore_index=True), addresses, shift),
        pd.DataFrame({"address": sorted(_of(addresses, new))}),
        _cases(marked, addresses, shift),
    )


def _active_wallets(world: World, first: Ints, count: Ints, seeds: dict[int, int]) -> Any:
    """Wallets with a transfer, by number: texts, first second, transfers, whether and when (t) they first received loot."""
    wallets, wallet = world.wallets, np.flatnonzero(count > 0)
    frame = pd.DataFrame(
        {name: wallets.text(name)[wallet] for name in ("category", "actor", "case", "population")}, index=wallet
    )
    frame["first"], frame["transfers"], frame["seed"] = first[wallet], count[wallet], np.isin(wallet, list(seeds))
    return frame.assign(t=pd.Series(seeds, dtype=np.float64).reindex(wallet))


def _extorted(world: World, wallets: Any) -> Any:
    """Whether they belong to cases in which victims paid ransoms."""
    return wallets["case"].map(world.wallets.case_script).isin(EXTORTED)


def _new_wallets(world: World, seen: Any, count: int) -> Ints:
    """Up to `count` new wallets: half of the state's and of other criminals' (a ninth in all at most), the rest honest."""
    rng = world.rng
    enough = (seen["transfers"] >= 3) | (rng.random(len(seen)) < 0.1)
    new = seen[
        enough
        & (seen["first"] >= world.end - NEW_DAYS * DAY)
        & ~seen["seed"]
        & ~seen["population"].isin(list(SERVICES))
    ]
    state, bad = new["category"] == "state_linked", new["case"] != ""
    groups = [rng.permutation(new.index[chosen]) for chosen in (state, bad & ~state, ~bad)]
    taken = [group[: min((len(group) + 1) // 2, count // 18)] for group in groups[:2]]
    left = min(count - sum(map(len, taken)), len(groups[2]) * 3 // 4)
    return np.concatenate([*taken, groups[2][:left]])


def _label_rows(frame: Any, **columns: Any) -> Any:
    """Labels of these wallets: their own texts, with other columns set by keyword; `known` is a second of simulator's time."""
    rows = frame[["category", "actor", "case"]].assign(wallet=frame.index, name="", programmes="", until=np.nan)
    return rows.assign(**columns)


def _services(world: World, honest: Any) -> Any:
    """Every service is known by its name within weeks."""
    theirs = honest[honest["population"].isin(list(SERVICES))]
    wait = DAY * world.rng.uniform(*SERVICE_KNOWN, len(theirs))
    names = _entities(theirs)
    return _label_rows(
        theirs, category=theirs["population"].map(SERVICES), actor=names, name=names, source=TAGS,
        known=np.maximum(theirs["first"], START) + wait, confidence=np.round(world.rng.uniform(0.7, 1.0, len(theirs)), 2),
    )  # fmt: skip


def _entities(theirs: Any) -> Any:
    """The names of the owners as a list would print them, numbered within each population."""
    service_of = {
        "cold": "exchange",
        "btc_hot": "exchange",
        "btc_cold": "exchange",
        "relayer": "mixer",
        "bridge_far": "bridge",
    }
    stem = theirs["population"].map(lambda name: str(service_of.get(name, name)).replace("_", " ").capitalize())
    nth = (theirs.groupby("population").cumcount() + 1).astype(str)
    return stem.where(stem == "Mixer", stem + " " + nth)


def _others(world: World, honest: Any, habits: Labels) -> Any:
    """A share of the others is known, weeks to a year after the first transfer."""
    rng, theirs = world.rng, honest[~honest["population"].isin(list(SERVICES))]
    likelier = theirs["population"].map({name: more for name, (_, more) in OTHERS.items()}).fillna(1.0)
    theirs = theirs[rng.random(len(theirs)) < habits.share * likelier]
    word = (
        theirs["population"].map({name: category for name, (category, _) in OTHERS.items()}).fillna(theirs["category"])
    )
    known = theirs["first"] + DAY * (1 + rng.exponential(25, len(theirs)))
    name = np.where(word == "exchange_deposit", _exchange(world, theirs.index.to_numpy()), "")
    return _label_rows(
        theirs,
        category=word,
        actor=name,
        name=name,
        source=COMMUNITY,
        known=known,
        confidence=_confidence(rng, len(theirs)),
    )


def _exchange(world: World, wallets: Ints) -> npt.NDArray[np.object_]:
    """The exchange that a deposit address is swept to."""
    hot = np.flatnonzero(world.wallets.is_("population", "exchange", "btc_hot"))
    position = np.searchsorted(hot, world.wallets.hot[wallets])
    return np.array([f"Exchange {1 + k}" for k in position], dtype=object)


def _confidence(rng: np.random.Generator, n: int) -> Floats:
    return np.round(rng.beta(8, 2, n), 2)


def _case_news(world: World) -> pd.DataFrame:
    """By case: when it became public, when a state was named and listed for it, and the share of its helpers that is found."""
    rng, names = world.rng, sorted(world.wallets.case_start)
    began = np.array([world.wallets.case_start[name] for name in names], dtype=np.float64)
    heard = began + DAY * rng.uniform(*SEED_KNOWN, len(names))
    named, listed = (
        heard + DAY * rng.lognormal(np.log(median), sigma, len(names)) for median, sigma in (NAMED_DELAY, LISTED_DELAY)
    )
    frame = pd.DataFrame({"heard": heard, "named": named, "listed": listed}, index=names)
    return frame.assign(found=rng.beta(2.0, 2.0, len(names)), sanctioned=rng.random(len(names)) < SANCTIONED)


def _helpers(world: World, criminal: Any, cases: Any, habits: Labels) -> Any:
    """Some helpers are found weeks after their case is public; a state's helpers only once the state is named."""
    rng, theirs = world.rng, criminal[~criminal["seed"] & (criminal["population"] != "mule")]
    if habits.seeds_only:
        theirs = theirs.iloc[:0]
    case = cases.reindex(theirs["case"])
    share = np.clip(habits.illicit * habits.helpers / 0.7 * 2 * case["found"].to_numpy(), 0, 0.98)
    heard = np.where(theirs["category"] == "state_linked", case["named"], case["heard"])
    known = np.maximum(heard, theirs["first"] + DAY) + rng.exponential(12 * DAY, len(theirs))
    labels = _label_rows(theirs, source=ANALYSTS, known=known, confidence=_confidence(rng, len(theirs)))
    return labels[rng.random(len(theirs)) < share]


def _with_errors(world: World, labels: Any, habits: Labels) -> Any:
    """A few labels are wrong: an honest wallet is taken for a launderer, a launderer for a user. Others have no date."""
    rng, honest = world.rng, labels["case"] == ""
    wrong = rng.random(len(labels)) < habits.wrong
    labels.loc[wrong & honest, ["category", "actor", "name"]] = ["laundering", "", ""]
    labels.loc[wrong & ~honest, ["category", "actor", "case"]] = ["user", "", ""]
    return labels.assign(undated=rng.random(len(labels)) < habits.undated)


def _seeds(world: World, criminal: Any, cases: Any) -> Any:
    """Seeds are labelled within days. A state's seeds are thieves first, the state's months later, and some are then listed."""
    seeds = criminal[criminal["seed"]]
    case = cases.reindex(seeds["case"]).set_index(seeds.index)
    state = seeds["category"] == "state_linked"
    began = seeds["case"].map(world.wallets.case_start)
    after = {name: seeds["t"] + case[name] - began for name in ("heard", "named", "listed")}
    kind = np.where(_extorted(world, seeds), "ransomware", "theft")
    first = _label_rows(seeds, category=seeds["category"].where(~state, kind), known=after["heard"], source=ANALYSTS,
                  name=seeds["case"] + " thief", confidence=0.95)  # fmt: skip
    later = _label_rows(seeds, known=after["named"], source=ANALYSTS, name=seeds["actor"], confidence=0.9)
    listed = _label_rows(seeds, category="sanctioned", known=after["listed"], source=SANCTIONS, name=seeds["actor"],
                   confidence=1.0, programmes="SIM1|SIM2")  # fmt: skip
    return pd.concat([first, later[state], listed[state & case["sanctioned"]]])


def _listed_mixers(world: World, honest: Any) -> Any:
    """A state puts the mixer's pools on its list, and takes them off again."""
    pools = honest[honest["population"] == "mixer"]
    known, until = (START + 365.25 * DAY * (year - world.start_year) for year in (MIXER_LISTED, MIXER_DELISTED))
    nth = np.searchsorted(np.flatnonzero(world.wallets.is_("population", "mixer")), pools.index)
    sizes = [f"Mixer {DENOMINATIONS[k]:g}" for k in nth]
    labels = _label_rows(pools, category="sanctioned", known=known, until=until, actor="Mixer", source=SANCTIONS, name=sizes,
                 confidence=1.0, programmes="SIM1")  # fmt: skip
    return labels[labels["known"] > START]


def _finished(world: World, labels: Any, addresses: pa.Array, shift: int) -> pd.DataFrame:
    """The label table: what was known when it was collected, sorted; texts as strings, times as UTC timestamps (µs)."""
    labels = labels[labels["known"] < world.end + COLLECTED_AFTER_DAYS * DAY]
    undated = labels["undated"].eq(other=True).to_numpy()
    frame = pd.DataFrame({"address": _of(addresses, labels["wallet"].to_numpy(dtype=np.int64)), "network": None})
    for name in ("category", "actor", "case", "name", "source", "programmes"):
        frame[name] = labels[name].where(labels[name] != "", None).to_numpy()
    frame["confidence"] = labels["confidence"].to_numpy(dtype=np.float64)
    for name, seconds in (("known_from", labels["known"].where(~undated)), ("known_until", labels["until"])):
        whole = np.floor(seconds.to_numpy(dtype=np.float64)) + shift
        frame[name] = pd.Series(pd.to_datetime(whole, unit="s", utc=True)).astype("datetime64[us, UTC]")
    texts = ["address", "network", "category", "actor", "case", "name", "source", "programmes"]
    frame[texts] = frame[texts].astype("str")
    return frame.loc[:, list(COLUMNS)].sort_values(ORDER, kind="stable", ignore_index=True)


def _of(addresses: pa.Array, wallets: Ints) -> list[str]:
    return addresses.take(pa.array(np.asarray(wallets, dtype=np.int64))).to_pylist()


def _cases(seeds: Any, addresses: pa.Array, shift: int) -> pd.DataFrame:
    """One row per seed address: what published reports of the cases name."""
    dates = pd.to_datetime(seeds["t"] + shift, unit="s", utc=True)
    frame = pd.DataFrame({"case": seeds["case"].to_numpy(), "address": _of(addresses, seeds.index.to_numpy())})
    frame["date"], frame["actor"] = dates.dt.strftime("%Y-%m-%d").to_numpy(), seeds["actor"].to_numpy()
    return frame.assign(source=REPORTS).sort_values(["case", "address"], ignore_index=True)
