"""Oracle of the family exposure: each feature from its declaration, one wallet as of one date, over the oracle of the pass.

What depends on a date alone (the labels that stand, the passes over all transfers) is found once per date. A number that is
not defined is None here; `exposures` puts the declared null. Labels for tests, drawn and made up, follow below.
"""

import random
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial

import pandas as pd

from walletprint.features import Feature, catalogue
from walletprint.features.labels.categories import SERVICES
from walletprint.features.ledger.attribution import GROUPS

from ..chain import DAY, Chain, Entry
from ..exposure import Exposure, Groups, Label, Pair, active, exposure
from ..history import SIDES, History, median, most_within, ratio

DECLARED = catalogue("exposure")
LEAST = Fraction(1, 100) * (1 - Fraction(1, 10**9))  # a hundredth, but for rounding
ENTRIES = 1_000  # of those after an inflow from a mixer, which are looked at
HOUR = 3_600
FOLLOWED = ("sanctioned", "theft", "mixer", "fraud")
COLUMNS = ["address", "category", "case", "known_from", "known_until"]


@dataclass(frozen=True)
class Tag(Label):
    """A label that may name the theft it belongs to."""

    case: str | None = None


class Standing:
    """A chain as of a date, with the labels that stood then."""

    def __init__(self, chain: Chain, tags: Iterable[Tag], as_of: int):
        self.chain = chain
        self.as_of = as_of
        self.tags: list[Tag] = [tag for tag in active(tags, as_of) if isinstance(tag, Tag)]

    def of(self, group: str) -> set[str]:
        """The wallets of a group."""
        return {tag.wallet for tag in self.tags if tag.category in GROUPS[group]}

    @cached_property
    def services(self) -> set[str]:
        return {tag.wallet for tag in self.tags if tag.category in SERVICES}

    @cached_property
    def thefts(self) -> dict[str, set[str]]:
        """The wallets of each theft that has a name."""
        found = defaultdict(set)
        for tag in self.tags:
            if tag.category == "theft" and tag.case is not None:
                found[tag.case].add(tag.wallet)
        return dict(found)

    @cached_property
    def passes(self) -> dict[str, Exposure]:
        """What the pass finds of each direction, by group."""
        return {side: self._passed({group: self.of(group) for group in GROUPS}, side) for side in SIDES}

    @cached_property
    def by_theft(self) -> Exposure:
        """What the pass finds of sources, by theft."""
        return self._passed(self.thefts, "in")

    def _passed(self, sources: Groups, side: str) -> Exposure:
        return exposure(self.chain, sources, self.services, self.as_of, side, "haircut", swaps=True)


class Seen:
    """One wallet in it: all its history before the date, and its leading asset's pair in each pass."""

    def __init__(self, standing: Standing, wallet: str):
        self.standing = standing
        self.wallet = wallet
        self.as_of = standing.as_of
        self.history = History(standing.chain, wallet, standing.as_of, None)

    def pair(self, side: str) -> Pair:
        return self._of(self.standing.passes[side])

    @property
    def pair_by_theft(self) -> Pair:
        return self._of(self.standing.by_theft)

    def _of(self, passed: Exposure) -> Pair:
        leading = self.history.leading
        return Pair() if leading is None else passed.pairs.get((self.wallet, leading), Pair())

    def paid(self, group: str) -> list[Entry]:
        """What it sent to wallets of a group, of any asset, in order; calls that move nothing pay nobody."""
        return [entry for entry in self.history.with_value("out") if entry.other in self.standing.of(group)]


# A function a feature. They take what is seen of a wallet, and before it the group and side if the name has these.

Oracle = Callable[[Seen], Fraction | int | None]
ORACLES: dict[str, Oracle] = {}


def feature(name: str, *groups: str) -> Callable:
    """Registers a function under a name; with groups, once per group and side, which replace `{}` in the name."""

    def register(function: Callable) -> Callable:
        if not groups:
            ORACLES[name] = function
        for group in groups:
            ORACLES.update({name.format(group, side): partial(function, group, side) for side in SIDES})
        return function

    return register


@feature("exposure__{}_{}__share", *FOLLOWED)
def share_over_any_distance(group: str, side: str, seen: Seen):
    pair = seen.pair(side)
    return ratio(pair.tainted[group], pair.received)


@feature("exposure__{}_{}__direct_share", *GROUPS)
def direct_share(group: str, side: str, seen: Seen):
    """From the transfers themselves, so that the pass's tally is held against them."""
    moved = seen.history.x(side)
    direct = [entry.amount for entry in moved if entry.other in seen.standing.of(group)]
    return ratio(sum(direct, Fraction(0)), sum(entry.amount for entry in moved))


@feature("exposure__{}_{}__hops", *FOLLOWED)
def hops(group: str, side: str, seen: Seen):
    pair = seen.pair(side)
    if pair.tainted[group] < LEAST * pair.received:
        return None
    return ratio(pair.hop_moment[group], pair.tainted[group])


def held_share(group: str, seen: Seen):
    pair = seen.pair("in")
    return None if pair.balance < LEAST * pair.received else ratio(pair.held[group], pair.balance)


ORACLES.update({f"exposure__{group}_in__held_share": partial(held_share, group) for group in FOLLOWED})


@feature("exposure__theft_in__cases")
def cases(seen: Seen):
    pair = seen.pair_by_theft
    return sum(pair.tainted[case] >= LEAST * pair.received for case in seen.standing.thefts) if pair.received else None


@feature("exposure__mixer_out__pools")
def mixers_paid(seen: Seen):
    return len({entry.other for entry in seen.paid("mixer")}) or None


@feature("exposure__bridge_out__bridges")
def bridges_paid(seen: Seen):
    return len({entry.other for entry in seen.paid("bridge")}) or None


@feature("exposure__mixer_out__recency")
def days_since_a_mixer(seen: Seen):
    times = [entry.t for entry in seen.paid("mixer")]
    return Fraction(seen.as_of - max(times), DAY) if times else None


@feature("exposure__mixer_out__mode_share")
def share_of_one_amount(seen: Seen):
    amounts = Counter(entry.amount for entry in seen.paid("mixer"))
    return ratio(max(amounts.values(), default=0), amounts.total())


@feature("exposure__mixer_out__1h")
def most_within_an_hour(seen: Seen):
    times = [entry.t for entry in seen.paid("mixer")]
    return most_within(times, HOUR) if times else None


@feature("exposure__mixer_in__fan_1d")
def fan_after_a_mixer(seen: Seen):
    received = seen.history.x("in")
    least = LEAST * sum(entry.amount for entry in received)
    mixers = seen.standing.of("mixer")
    return max((_fan(seen, e.t) for e in received if e.other in mixers and e.amount >= least), default=None)


def _fan(seen: Seen, t: int) -> int:
    later = [entry for entry in seen.history.entries if entry.t >= t][:ENTRIES]
    return len({entry.other for entry in later if entry.direction == "out" and entry.amount > 0 and entry.t < t + DAY})


@feature("exposure__bridge_out__lag")
def lag_of_a_bridge(seen: Seen):
    times = [entry.t for entry in seen.history.with_value("in")]
    before = [(entry.t, bisect_right(times, entry.t)) for entry in seen.paid("bridge")]
    return median([t - times[some - 1] for t, some in before if some])


# The answer.


def exposures(chain: Chain, labels: pd.DataFrame, snapshots: pd.DataFrame) -> pd.DataFrame:
    """Every feature of the family of every snapshot; where a formula is not defined stands the declared null."""
    tags, rows = tags_of(labels), []
    standing = {as_of: Standing(chain, tags, int(as_of.timestamp())) for as_of in snapshots["as_of"].unique()}
    for wallet, as_of in zip(snapshots["address"], snapshots["as_of"], strict=True):
        seen = Seen(standing[as_of], wallet)
        rows.append({declared.name: _answer(declared, seen) for declared in DECLARED})
    return pd.DataFrame(rows, columns=[declared.name for declared in DECLARED])


def _answer(declared: Feature, seen: Seen) -> float:
    answer = ORACLES[declared.name](seen)
    return declared.null if answer is None else float(answer)


def tags_of(labels: pd.DataFrame) -> list[Tag]:
    """The rows of a table of labels."""
    rows = labels.to_dict("records")
    return [
        Tag(
            row["address"], row["category"], _second(row["known_from"]), _second(row["known_until"]), _text(row["case"])
        )
        for row in rows
    ]


def _second(date: pd.Timestamp) -> int | None:
    return None if pd.isna(date) else int(date.timestamp())


def _text(value: str | None) -> str | None:
    return None if pd.isna(value) else value


# Labels to ask with.


def table_of_labels(rows: Iterable[tuple]) -> pd.DataFrame:
    """Labels of (address, category, case, known_from, known_until), the dates in unix seconds or None."""
    table = pd.DataFrame(list(rows), columns=COLUMNS).astype({"address": "str", "category": "str", "case": "str"})
    for name in ("known_from", "known_until"):
        seconds = [None if pd.isna(t) else pd.Timestamp(t, unit="s", tz="UTC") for t in table[name]]
        table[name] = pd.Series(seconds, table.index, "datetime64[us, UTC]")
    return table


MADE_UP = (*GROUPS, *GROUPS, "theft", "theft", "mixer", "bridge", "exchange_deposit", "miner", "user")
CATEGORIES = [category for group in MADE_UP for category in GROUPS.get(group, (group,))]


def labels_among(wallets: list[str], start: int, end: int, seed: int = 2, among: float = 0.25) -> pd.DataFrame:
    """Labels of some wallets, one or two each, all groups among them; some come between the dates, some are withdrawn there.

    One in ten has no date. Thefts are of two cases, or of none that is named.
    """
    rng, rows = random.Random(seed), []
    for i, wallet in enumerate(rng.sample(wallets, round(len(wallets) * among))):
        for category in dict.fromkeys(
            (CATEGORIES[i % len(CATEGORIES)], rng.choice([*CATEGORIES, *["user"] * len(CATEGORIES)]))
        ):
            case = rng.choice(["heist-1", "heist-2", None]) if category == "theft" else None
            known = rng.choice([start - DAY] * 6 + [rng.randrange(start, end)] * 3 + [None])
            until = None if known is None else rng.choice([None, None, None, rng.randrange(max(known, start), end) + 1])
            rows.append((wallet, category, case, known, until))
    return table_of_labels(rows)
