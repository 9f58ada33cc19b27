"""The transfers that wallets intend, season by season, from their habits: when, in which direction, how much, with whom.

Plans no transfer.

Shares are dealt, not drawn: if two fifths of the sums are round, exactly two of five are. Real habits are shares of few
transfers, and a draw would blur them a second time.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ....features.base.kernel_compiler import kernel
from ..engine.market import Floats, Ints
from ..engine.services import round_to
from .habits import LICIT, LITTLE, SILENT, Characters, fitted, season

SEASON = 90.0  # days
_SESSION = 0.25  # days of quiet after which the hour is drawn anew
_FIXED = 2  # sums that a wallet repeats in a season
_STEADY, _PUNCTUAL = 0.5, 0.6  # gaps are even below this spread, if `hours` is below the second
_RUN_SD = 1.5  # spread of ln gaps between outs in a row
_LONGEST = 16.0  # ln seconds
_PROMPT = 0.3  # if this share of outs sends everything on, the other outs too depend on what has just come in
_ABOUT = 0.02  # difference of logarithms within which sums are alike
_LEAST = 2e-5  # ETH
Mask = npt.NDArray[np.bool_]


@dataclass
class IntendedTransfers:
    """Transfers meant, in order of who and time.

    Attributes:
        who: position of the wallet; t: days; out: sent, not received; amount: ETH.
        other: number of the counterparty within the season's; once: it has no other transfer with it in the season.
        forward: an out that sends on what came just before.
    """

    who: Ints
    t: Floats
    out: Mask
    amount: Floats
    other: Ints
    once: Mask
    forward: Mask

    def __getitem__(self, rows: npt.NDArray) -> "IntendedTransfers":
        return IntendedTransfers(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class _Seasons:
    """Seasons with a transfer: position of the wallet, first and last day, number of transfers, habits by name."""

    who: Ints
    begin: Floats
    end: Floats
    count: Ints
    habits: dict[str, Floats]

    @property
    def row(self) -> Ints:
        """The season of each transfer."""
        return np.repeat(np.arange(len(self.count)), self.count)

    @property
    def first(self) -> Ints:
        """Where each season's transfers begin."""
        return np.cumsum(self.count) - self.count


def intended_transfers_of(
    rng: np.random.Generator, who: Characters, life: tuple[Floats, Floats], noon: Floats, pace: float
) -> IntendedTransfers:
    """Everything that wallets mean to do from the day `life[0]` to `life[1]`.

    Args:
        noon: hour (UTC) around which each is busy.
        pace: factor on numbers of transfers.
    """
    seasons = _seasons(rng, who, life, pace)
    t, out = _times(rng, seasons, noon)
    other, once = np.empty(len(t), dtype=np.int64), np.empty(len(t), dtype=np.bool_)
    for side, rows in (("in", np.flatnonzero(~out)), ("out", np.flatnonzero(out))):
        other[rows], once[rows] = _counterparties(rng, seasons, side, seasons.row[rows])
    forward = _forward(rng, seasons, out)
    return IntendedTransfers(
        seasons.who[seasons.row], t, out, _amounts(rng, seasons, out, forward), other, once, forward
    )


def _seasons(rng: np.random.Generator, who: Characters, life: tuple[Floats, Floats], pace: float) -> _Seasons:
    """Seasons of each life, cut at its ends; they begin on any day, not with the calendar's quarters."""
    start, end = life
    phase = rng.uniform(0, SEASON, len(start)) * (end - start > SEASON)
    count = np.maximum(np.ceil((end - start + phase) / SEASON), 1).astype(np.int64)
    row = np.repeat(np.arange(len(start)), count)
    begin = start[row] + SEASON * (np.arange(len(row)) - (np.cumsum(count) - count)[row]) - phase[row]
    state = np.empty(len(row), dtype=np.int64)
    _states(count, rng.random(len(row)), np.cumsum(fitted(LICIT).activity, axis=1), state)
    row, begin, state = row[state > SILENT], begin[state > SILENT], state[state > SILENT]
    habits = season(rng, LICIT, who, row)
    first, last = np.maximum(begin, start[row]), np.minimum(begin + SEASON, end[row])
    room = np.minimum(1.0, (last - first) / np.maximum(SEASON * habits["span"], 1e-6))
    n = np.exp(habits["log_n"]) * pace * np.sqrt(room)
    n = np.where(state == LITTLE, rng.integers(1, 3, len(row)), np.maximum(np.round(n), 1)).astype(np.int64)
    return _Seasons(row, first, last, n, habits)


@kernel
def _states(count, luck, chances, state):
    """Fill the states of successive seasons; a life begins busy."""
    k = 0
    for i in range(count.size):
        now = 2
        for nth in range(count[i]):
            if nth > 0:
                before, now = now, 0
                while now < 2 and luck[k] > chances[before, now]:
                    now += 1
            state[k] = now
            k += 1


def _times(rng: np.random.Generator, seasons: _Seasons, noon: Floats) -> tuple[Floats, Mask]:
    """When transfers happen, and whether they are outs, in order.

    One direction leads, with a rhythm of its own; the other follows: outs some time after an in, or, of those who mostly send,
    ins some time before an out.
    """
    count, n = seasons.count, len(seasons.count)
    outs = np.floor(seasons.habits["out_share"] * count + rng.random(n)).astype(np.int64)
    outs = np.minimum(outs, count)
    out_leads = outs > 2 * (count - outs)
    leading = np.where(out_leads, outs, count - outs)
    lead = _rhythm(rng, seasons, leading, out_leads, noon)
    follow = _followers(rng, seasons, (lead, leading), out_leads, noon)
    row = np.concatenate([np.repeat(np.arange(n), leading), np.repeat(np.arange(n), count - leading)])
    t = np.concatenate([lead, follow])
    out = np.concatenate([out_leads[row[: len(lead)]], ~out_leads[row[len(lead) :]]])
    order = np.lexsort((t, row))
    return np.maximum(t[order], 0.0), out[order]


def _rhythm(rng: np.random.Generator, seasons: _Seasons, count: Ints, out_leads: Mask, noon: Floats) -> Floats:
    """Days of the direction that leads: gaps stretched to the season's span, then whole sessions moved to the hours kept."""
    habits = {name: _of(seasons, out_leads, name) for name in ("gap_sd", "memory", "hours")}
    row = np.repeat(np.arange(len(count)), count)
    first = (np.cumsum(count) - count)[row]
    gap = np.empty(len(row))
    _gaps(count, habits["gap_sd"], habits["memory"], rng.normal(size=len(row)), gap)
    since = np.cumsum(gap)
    since -= since[first] if len(row) else 0.0
    whole = np.maximum(np.bincount(row, gap, len(count)), 1e-12)
    length = seasons.end - seasons.begin
    span = np.where(count > 1, np.minimum(SEASON * seasons.habits["span"], length), 0.0)
    t = (seasons.begin + rng.random(len(length)) * (length - span))[row] + (span / whole)[row] * since
    opens = np.diff(t, prepend=-np.inf) > _SESSION
    opens[np.unique(first)] = True
    head = np.flatnonzero(opens)
    # When payments come is for those who pay to say; their hours are anybody's.
    busy = np.where(out_leads, noon[seasons.who], noon[seasons.who] * 7.31 % 24)
    at = row[head]
    hour = _hours(rng, busy[at], habits["hours"][at])
    steady = (habits["gap_sd"][at] < _STEADY) & (habits["hours"][at] < _PUNCTUAL)
    moved = np.where(steady, 0.0, np.floor(t[head]) + hour / 24 - t[head])
    return t + moved[np.cumsum(opens) - 1]


def _of(seasons: _Seasons, out_leads: Mask, name: str) -> Floats:
    """A habit of the direction that leads, by season."""
    return np.where(out_leads, seasons.habits[f"out_{name}"], seasons.habits[f"in_{name}"])


@kernel
def _gaps(count, spread, memory, noise, gap):
    """Fill the gap before each transfer of a season (0 before its first): log-normal, each somewhat like the one before."""
    k = 0
    for i in range(count.size):
        level = 0.0
        for nth in range(count[i]):
            level = memory[i] * level + np.sqrt(1 - memory[i] ** 2) * noise[k]
            gap[k] = np.exp(spread[i] * level) if nth else 0.0
            k += 1


def _followers(
    rng: np.random.Generator, seasons: _Seasons, leaders: tuple[Floats, Ints], out_leads: Mask, noon: Floats
) -> Floats:
    """Days of the transfers that go with a leading one: outs in runs after some of the ins, or an in before some of the outs."""
    (lead, leading), habits = leaders, seasons.habits
    count = seasons.count - leading
    row = np.repeat(np.arange(len(count)), count)
    place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    runs = np.round((habits["switches"] * (seasons.count - 1) + 1) / 2)
    runs = np.maximum(runs, np.ceil(habits["forward"] * count))  # what is sent on at once goes alone
    runs = np.where(out_leads, count, np.clip(runs, 1, np.maximum(np.minimum(leading, count), 1))).astype(np.int64)
    run = np.where(place < runs[row], place, (runs[row] * rng.random(len(row)) ** 4).astype(np.int64))
    nth = ((run + rng.random(len(count))[row]) * leading[row] / runs[row]).astype(np.int64)
    led = (np.cumsum(leading) - leading)[row] + np.minimum(nth, np.maximum(leading[row] - 1, 0))
    t = lead[np.minimum(led, len(lead) - 1)] if len(lead) else np.zeros(len(row))
    sorted_by_run = np.lexsort((place, run, row))
    opens = np.diff(row[sorted_by_run] * (int(run.max(initial=0)) + 1) + run[sorted_by_run], prepend=-1) != 0
    spread = np.where(opens, habits["delay_sd"][row[sorted_by_run]], _RUN_SD)
    middle = np.where(opens, habits["delay"][row[sorted_by_run]], habits["run_gap"][row[sorted_by_run]])
    gap = np.exp(np.minimum(middle + spread * rng.normal(size=len(row)), _LONGEST)) / 86_400
    since = np.cumsum(gap)
    since -= (since - gap)[opens][np.cumsum(opens) - 1]
    wait = np.empty(len(row))
    wait[sorted_by_run] = since
    return _within(rng, seasons, (row, t, np.where(out_leads[row], -wait, wait)), noon)


def _within(rng: np.random.Generator, seasons: _Seasons, moves: tuple[Ints, Floats, Floats], noon: Floats) -> Floats:
    """`t` after the wait, at the owner's hours if that is long, and never outside the season."""
    row, t, wait = moves
    then = t + wait
    far = np.abs(wait) > _SESSION
    then = np.where(
        far, np.floor(then) + _hours(rng, noon[seasons.who[row]], seasons.habits["out_hours"][row]) / 24, then
    )
    then = np.where((wait > 0) & (then <= t), then + 1, then)
    edge = np.where(wait > 0, np.maximum(seasons.end[row], t), np.minimum(seasons.begin[row], t))
    outside = (then - edge) * np.sign(wait) > 0
    return np.where(outside, t + (edge - t) * rng.random(len(row)), then)


def _hours(rng: np.random.Generator, middle: Floats, concentration: Floats) -> Floats:
    """Hours of the day around a middle one."""
    return (middle + rng.vonmises(0.0, _concentration(concentration)) * 24 / (2 * np.pi)) % 24


def _concentration(length: Floats) -> Floats:
    """κ of the von Mises distribution whose mean direction has this length (Fisher 1993)."""
    low = 2 * length + length**3 + 5 * length**5 / 6
    middle = -0.4 + 1.39 * length + 0.43 / (1 - np.minimum(length, 0.99))
    return np.where(length < 0.53, low, middle)


def _amounts(rng: np.random.Generator, seasons: _Seasons, out: Mask, forward: Mask) -> Floats:
    """Sums, ETH: first what comes in, then what is sent on, then the other outs, so that all outs keep their ratio to the ins."""
    row, amount = seasons.row, np.zeros(len(out))
    rows = np.flatnonzero(~out)
    amount[rows] = _even(rng, seasons, "in", row[rows], _sums(rng, seasons, "in", row[rows]))
    stretch = np.cumsum(np.concatenate([[0], (out[:-1] | (np.diff(row) != 0)).astype(int)]))
    passed = np.flatnonzero(forward)
    less = rng.choice([1.0, 0.999, 0.99], len(passed), p=[0.8, 0.1, 0.1])
    amount[passed] = np.bincount(stretch, amount)[stretch[passed]] * less
    rows = np.flatnonzero(out & ~forward)
    sums = _sums(rng, seasons, "out", row[rows])
    run = np.cumsum(np.concatenate([[0], ((~out[1:] & out[:-1]) | (np.diff(row) != 0)).astype(int)]))
    group = np.where(seasons.habits["forward"][row] > _PROMPT, len(seasons.count) + run, row)
    factor = _factor(seasons, (out, forward, group), amount, (rows, sums))
    amount[rows] = _even(rng, seasons, "out", row[rows], sums * factor)
    return np.maximum(amount, _LEAST)


def _factor(seasons: _Seasons, where: tuple[Mask, Mask, Ints], amount: Floats, others: tuple[Ints, Floats]) -> Floats:
    """What to multiply other outs by, so that each group (a season; of those who send on at once, ins and the outs after them)
    keeps its season's ratio of outs to ins.
    """
    (out, forward, group), (rows, sums) = where, others
    n = int(group.max(initial=-1)) + 1
    came, gone = (np.bincount(group, np.where(side, amount, 0.0), n) for side in (~out, forward))
    meant = came[group[rows]] * np.exp(seasons.habits["ratio"][seasons.row[rows]])
    left, total = meant - gone[group[rows]], np.bincount(group[rows], sums, n)[group[rows]]
    fits = (meant > 0) & (left > 0.01 * meant)
    spare = np.where(meant > 0, 0.02 * meant / np.maximum(total, 1e-9), 1.0)
    return np.clip(np.where(fits, left / np.maximum(total, 1e-9), np.minimum(spare, 1.0)), 1e-4, 1e4)


def _sums(rng: np.random.Generator, seasons: _Seasons, side: str, row: Ints) -> Floats:
    """Sums of one direction by their median and spread, some of them again and again; `row` ascends."""
    habits = {name: seasons.habits[f"{side}_{name}"] for name in ("median", "sd", "again", "modal")}
    alike = _dealt(
        rng,
        row,
        np.where(habits["modal"] * np.bincount(row, minlength=len(habits["modal"])) > 1.5, habits["modal"], 0.0),
    )
    wide = habits["sd"] / np.sqrt(np.maximum(1 - habits["modal"], 0.1))
    noise = _standard(rng.normal(size=len(row)), row, len(wide)) * wide[row]
    noise = np.where(alike, _ABOUT * (rng.random(len(row)) - 0.5), noise)
    same, fixed = (
        _dealt(rng, row, habits["again"]),
        np.column_stack([np.zeros(len(wide)), wide * rng.normal(size=len(wide))]),
    )
    which = np.where(alike, 0, (_FIXED * rng.random(len(row)) ** 2).astype(int))
    return np.exp(habits["median"][row] + np.where(same, fixed[row, which], noise))


def _standard(noise: Floats, row: Ints, n: int) -> Floats:
    """Noise whose spread within each season of three or more is exactly 1."""
    count = np.maximum(np.bincount(row, minlength=n), 1)
    mean = np.bincount(row, noise, n) / count
    spread = np.sqrt(np.bincount(row, (noise - mean[row]) ** 2, n) / count)
    return np.where(count[row] > 2, (noise - mean[row]) / np.maximum(spread[row], 1e-6), noise)


def _even(rng: np.random.Generator, seasons: _Seasons, side: str, row: Ints, amount: Floats) -> Floats:
    """The amounts, some of them as a person types them: of two digits or fewer, or of four."""
    habits = {name: seasons.habits[f"{side}_{name}"] for name in ("round", "short")}
    even = _dealt(rng, row, habits["round"])
    typed = _dealt(rng, row, np.clip((habits["short"] - habits["round"]) / np.maximum(1 - habits["round"], 1e-6), 0, 1))
    few = 1 + (rng.random(len(row)) < 0.7).astype(np.int64)
    return np.where(even, round_to(amount, few), np.where(typed, round_to(amount, few + 2), amount))


def _counterparties(rng: np.random.Generator, seasons: _Seasons, side: str, row: Ints) -> tuple[Ints, Mask]:
    """Number of each transfer's counterparty within the season and direction (0 = the busiest), and whether it comes but once."""
    count = np.bincount(row, minlength=len(seasons.count))
    distinct = np.clip(np.round(seasons.habits[f"{side}_distinct"] * count), 1, np.maximum(count, 1)).astype(np.int64)
    most = np.round(seasons.habits[f"{side}_top"] * count)
    most = np.clip(most, np.ceil(count / distinct), count - distinct + 1).astype(np.int64)
    rank, top, several = _rank(rng, row), most[row], distinct[row] - 1
    any_other = 1 + (np.maximum(several, 1) * rng.random(len(row)) ** 1.5).astype(np.int64)
    other = np.where(rank < top, 0, np.where(rank < top + several, rank - top + 1, np.where(several > 0, any_other, 0)))
    _, which, uses = np.unique(row * (int(count.max(initial=0)) + 2) + other, return_inverse=True, return_counts=True)
    return other, uses[which] == 1


def _forward(rng: np.random.Generator, seasons: _Seasons, out: Mask) -> Mask:
    """Which outs send on what came just before."""
    row = seasons.row
    same = np.diff(row) == 0
    alone = np.append(~(out[1:] & same), True)[1:]
    after_in = np.flatnonzero(out[1:] & ~out[:-1] & same & alone) + 1
    outs, able = (np.bincount(row[rows], minlength=len(seasons.count)) for rows in (np.flatnonzero(out), after_in))
    share = np.minimum(1.0, seasons.habits["forward"] * outs / np.maximum(able, 1))
    forward = np.zeros(len(out), dtype=np.bool_)
    forward[after_in] = _dealt(rng, row[after_in], share)
    return forward


def _dealt(rng: np.random.Generator, row: Ints, share: Floats) -> Mask:
    """Marks a share of each season's transfers, to the nearest whole number either way; `row` ascends."""
    count = np.bincount(row, minlength=len(share))
    return _rank(rng, row) < np.floor(share * count + rng.random(len(share)))[row]


def _rank(rng: np.random.Generator, row: Ints) -> Ints:
    """A random place of each transfer among those of its season; `row` ascends."""
    order = np.lexsort((rng.random(len(row)), row))
    first = np.searchsorted(row, row)
    rank = np.empty(len(row), dtype=np.int64)
    rank[order] = np.arange(len(row))
    return rank - first
