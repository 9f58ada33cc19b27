"""Oracle of the family flow: a first-in-first-out purse that is walked once, and the formulas over what it recorded."""

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise

from ..history import DAY, Entry, History, mean, median, ratio, share
from ..registry import feature, variants

DUST = Fraction(1, 10**6)
ROUNDING = Fraction(1, 10**9)
NUDGE = 1 + ROUNDING
PERIODS = {"10min": 600, "1h": 3_600, "1d": 86_400, "7d": 604_800}
QUANTILES = {"median": Fraction(1, 2), "p90": Fraction(9, 10)}


@dataclass
class Lot:
    """One x_in and what of it is not yet spent."""

    entry: Entry
    left: Fraction


@dataclass
class Match:
    """A part of an x_out that spends a part of an x_in."""

    lot: Lot
    amount: Fraction
    dwell: int


@dataclass
class Purse:
    """What the walk records: matches, lots, and the balance around each valued transfer."""

    balance: Fraction = Fraction(0)
    matches: list[Match] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    queue: deque[Lot] = field(default_factory=deque)
    after_in: list[Fraction] = field(default_factory=list)
    before_out: list[tuple[Entry, Fraction]] = field(default_factory=list)

    @property
    def matched(self) -> Fraction:
        return sum((match.amount for match in self.matches), Fraction(0))

    def matched_within(self, seconds: int) -> Fraction:
        return sum((match.amount for match in self.matches if match.dwell <= seconds), Fraction(0))

    def receive(self, entry: Entry) -> None:
        self.lots.append(Lot(entry, entry.amount))
        self.queue.append(self.lots[-1])
        self.balance += entry.amount
        self.after_in.append(self.balance)

    def spend(self, entry: Entry) -> None:
        self.before_out.append((entry, self.balance))
        wanted = entry.amount
        while self.queue and wanted > DUST * entry.amount:
            lot = self.queue[0]
            take = min(lot.left, wanted)
            self.matches.append(Match(lot, take, entry.t - lot.entry.t))
            wanted -= take
            self._leave(lot, lot.left - take)

    def _leave(self, lot: Lot, left: Fraction) -> None:
        kept = left if left > DUST * lot.entry.amount else Fraction(0)
        self.balance -= lot.left - kept
        lot.left = kept
        if not kept:
            self.queue.popleft()


@lru_cache(maxsize=1)
def purse(history: History) -> Purse:
    """The purse after all valued transfers, walked once a history."""
    walked = Purse()
    for entry in history.valued:
        (walked.receive if entry.direction == "in" else walked.spend)(entry)
    return walked


def _received(history: History) -> Fraction | int:
    return sum(history.sizes("in"))


@variants("flow__pass_through__{}", *PERIODS)
def pass_through(history: History, label: str):
    return ratio(purse(history).matched_within(PERIODS[label]), _received(history))


@feature("flow__dwell__mean")
def dwell_mean(history: History):
    walked = purse(history)
    return ratio(sum(match.amount * match.dwell for match in walked.matches), walked.matched)


@variants("flow__dwell__{}", *QUANTILES)
def dwell_quantile(history: History, label: str):
    walked = purse(history)
    enough = QUANTILES[label] * (1 - Fraction(1, 10**12)) * walked.matched
    by_dwell = sorted(walked.matches, key=lambda match: match.dwell)
    so_far = accumulate(match.amount for match in by_dwell)
    return next((match.dwell for match, total in zip(by_dwell, so_far, strict=True) if total >= enough), None)


@feature("flow__retention__share")
def retention(history: History):
    return ratio(_received(history) - purse(history).matched, _received(history))


@feature("flow__uncovered__share")
def uncovered(history: History):
    sent = sum(history.sizes("out"))
    return ratio(sent - purse(history).matched, sent)


@feature("flow__patience__days")
def patience(history: History):
    walked = purse(history)
    ages = sum(lot.left * (history.as_of - lot.entry.t) for lot in walked.lots)
    return ratio(ages, walked.balance * DAY)


def _drains(found: tuple[Entry, Fraction]) -> bool:
    entry, balance = found
    return balance > 0 and entry.amount >= Fraction(9, 10) * balance * (1 - ROUNDING)


@feature("flow__drain__share")
def drain(history: History):
    return share(purse(history).before_out, _drains)


@feature("flow__drain__value_share")
def drain_value(history: History):
    found = purse(history).before_out
    return ratio(
        sum(out.amount for out, balance in found if _drains((out, balance))), sum(out.amount for out, _ in found)
    )


@feature("flow__consolidation__senders_1d")
def consolidation(history: History):
    draining = [entry for entry, balance in purse(history).before_out if _drains((entry, balance))]
    return max((len(_senders_just_before(history, out)) for out in draining), default=None)


def _senders_just_before(history: History, out: Entry) -> set[str]:
    return {e.other for e in history.x("in") if e.place < out.place and e.t > out.t - DAY}


@feature("flow__peak__share")
def peak(history: History):
    return ratio(max(purse(history).after_in, default=0), _received(history))


@feature("flow__exit__2d")
def exit_of_first_inflow(history: History):
    walked = purse(history)
    if not walked.lots:
        return None
    first = walked.lots[0]
    gone = sum(match.amount for match in walked.matches if match.lot is first and match.dwell <= 2 * DAY)
    return gone / first.entry.amount


@feature("flow__first_out__delay")
def delay_to_first_out(history: History):
    first = next((entry for entry in history.valued if entry.direction == "in"), None)
    if first is None:
        return None
    return next((e.t - first.t for e in history.x("out") if e.place > first.place), None)


@feature("flow__reaction__median")
def reaction(history: History):
    delays, latest = [], None
    for entry in history.valued:
        if entry.direction == "in":
            latest = entry.t
        elif latest is not None:
            delays.append(entry.t - latest)
    return median(delays)


@feature("flow__last_out__flag")
def last_is_out(history: History):
    return history.valued[-1].direction == "out" if history.valued else None


@feature("flow__forward__1d")
def forward(history: History):
    return share(history.x("in"), lambda entry: _sent_on(history, entry))


def _sent_on(history: History, inflow: Entry) -> bool:
    sent = sum(e.amount for e in history.x("out") if inflow.t <= e.t <= inflow.t + DAY)
    return sent >= Fraction(9, 10) * inflow.amount * (1 - ROUNDING)


@feature("flow__peel_step__share")
def peel_step(history: History):
    outs = len(history.x("out"))
    steps = [p for p in pairwise(history.valued) if p[0].direction == p[1].direction == "out" and _is_peel(p)]
    return ratio(len(steps), outs - 1) if outs >= 2 else None


def _is_peel(pair: tuple[Entry, Entry]) -> bool:
    small, large = sorted(entry.amount for entry in pair)
    return small < Fraction(1, 10) * (1 - ROUNDING) * large


@feature("flow__switch__share")
def switch(history: History):
    return share(list(pairwise(history.valued)), lambda pair: pair[0].direction != pair[1].direction)


@feature("flow__day_kept__mean")
def day_kept(history: History):
    days = sorted({entry.t // DAY for entry in history.x("in")})
    return mean([_kept(history, day) for day in days])


def _kept(history: History, day: int) -> Fraction:
    received, sent = (sum(e.amount for e in history.x(side) if e.t // DAY == day) for side in ("in", "out"))
    return min(Fraction(1), abs(sent - received) / received)


@feature("flow__large_in__age_days")
def age_at_first_large_inflow(history: History):
    sizes = sorted(history.sizes("in"))
    if not sizes:
        return None
    large = sizes[-(-len(sizes) * 19 // 20) - 1]
    first = next(entry for entry in history.x("in") if entry.amount >= large)
    return Fraction(first.t - history.times[0], DAY)


@feature("flow__burner__flag")
def burner(history: History):
    received, outs = _received(history), len(history.x("out"))
    if not received:
        return None
    return history.span < DAY and 1 <= outs <= 2 and purse(history).balance <= received / 100 * NUDGE
