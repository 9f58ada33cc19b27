"""What features compare a wallet with: sizes of the weeks before, hours of the chain, gas prices of the hour before, cohorts.

Each is found once a chain, a week or an hour from plain lists, by docs/guide.md.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .chain import WEEK, Chain, Transfer, failed, fnv1a, kept, seconds, value_of
from .history import History, median

HOUR = 3_600
MOST = 4_096
SAMPLE = 16_384
FEWEST = 30
ROUNDING = Fraction(1, 10**9)


def place_among(value, others: Sequence, rounding: Fraction = Fraction(0)) -> Fraction:
    """(below it + half of those equal to it) ÷ all; `others` ascends."""
    below = bisect_left(others, value * (1 - rounding))
    return Fraction(below + bisect_right(others, value * (1 + rounding)), 2 * len(others))


def rank(chain: Chain, one: Transfer) -> Fraction | None:
    """rank(i): of its size among those of its asset in the four weeks before its own; None if not defined."""
    if not one.moves_value:
        return None
    key = one.asset, one.t // WEEK
    sizes = kept(
        chain, "rank", key, lambda: sorted(a for ago in (1, 2, 3, 4) for a in _sampled(chain, key[0], key[1] - ago))
    )
    return place_among(one.amount, sizes) if len(sizes) >= FEWEST else None


def _sampled(chain: Chain, asset: str, week: int) -> list[Fraction]:
    """The amounts of one asset and week, every n-th of them if there are too many."""
    sizes = kept(chain, "weeks", None, lambda: _by_week(chain))[asset, week]
    return sizes[:: -(-len(sizes) // MOST)] if sizes else []


def _by_week(chain: Chain) -> dict[tuple[str, int], list[Fraction]]:
    found = defaultdict(list)
    for one in chain.transfers:
        if one.moves_value:
            found[one.asset, one.t // WEEK].append(one.amount)
    return found


def hours_before(chain: Chain, as_of: int) -> Counter:
    """The chain's transfers by UTC hour in the 12 weeks before the week of as_of."""
    weeks = kept(chain, "hours", None, lambda: Counter((i.t // WEEK, i.t // HOUR % 24) for i in chain.transfers))
    end = as_of // WEEK
    return Counter({hour: sum(weeks[week, hour] for week in range(end - 12, end)) for hour in range(24)})


@dataclass(frozen=True)
class Transaction:
    """What one wallet signed, once however many transfers it made."""

    t: int
    nonce: int
    price: Fraction | None
    failed: bool
    method: str | None


def transactions(chain: Chain, wallet: str) -> list[Transaction]:
    """All transactions that it signed with a known nonce, in order of time and nonce."""
    return kept(chain, "signed", None, lambda: _signed(chain.rows)).get(wallet, [])


def _signed(rows: Iterable[dict]) -> dict[str, list[Transaction]]:
    found = defaultdict(dict)
    for row in rows:
        if value_of(row, "nonce") is not None:
            one = _transaction(row)
            found[row["sender"]].setdefault((one.t, one.nonce), one)
    return {wallet: [ones[key] for key in sorted(ones)] for wallet, ones in found.items()}


def _transaction(row: dict) -> Transaction:
    price, method = value_of(row, "gas_price"), value_of(row, "method")
    return Transaction(
        t=seconds(row),
        nonce=int(row["nonce"]),
        price=None if price is None else Fraction(price),
        failed=failed(row),
        method=None if method in (None, "", "0x") else method,
    )


def relative_price(chain: Chain, one: Transaction) -> Fraction | None:
    """Gas price against the median of the last hour that has any, of the 24 before its own."""
    hours = kept(chain, "prices", None, lambda: _prices_by_hour(chain))
    own = one.t // HOUR
    last = next((own - ago for ago in range(1, 25) if own - ago in hours), None)
    if one.price is None or last is None:
        return None
    usual = kept(chain, "usual price", last, lambda: median(hours[last]))
    return one.price / usual if usual else None


def _prices_by_hour(chain: Chain) -> dict[int, list[Fraction]]:
    found = defaultdict(list)
    for wallet in {row["sender"] for row in chain.rows}:
        for one in transactions(chain, wallet):
            if one.price is not None:
                found[one.t // HOUR].append(one.price)
    return dict(found)


def measures(history: History) -> dict[str, Fraction]:
    """The numbers of a wallet that cohorts rank, those that are defined."""
    found = {"transfers": Fraction(len(history.valued))} if history.valued else {}
    for side in ("in", "out"):
        if sizes := history.sizes(side):
            found |= {f"{side} total": sum(sizes), f"{side} mean": sum(sizes) / len(sizes), f"{side} max": max(sizes)}
    return found


def cohort_rank(history: History, measure: str) -> Fraction | None:
    """The rank of the wallet's number among those of its cohort with the same leading asset."""
    chain, end = history.chain, history.as_of // WEEK * WEEK
    cohort = kept(chain, "cohort", (end, history.window), lambda: _cohort(chain, end, history.window))
    others = cohort.get((history.leading, measure), [])
    own = measures(history).get(measure)
    return place_among(own, others, ROUNDING) if own is not None and len(others) >= FEWEST else None


def _cohort(chain: Chain, end: int, window: int | None) -> dict[tuple[str | None, str], list[Fraction]]:
    """By leading asset and measure, the numbers of the wallets of the period, upwards."""
    start = float("-inf") if window is None else end - window
    m = sum(start <= one.t < end for one in chain.transfers)
    found = defaultdict(list)
    for wallet in chain.wallets:
        if m and Fraction(fnv1a(wallet), 2**64) < min(Fraction(1), Fraction(SAMPLE, m)):
            history = History(chain, wallet, end, window)
            for measure, value in measures(history).items():
                found[history.leading, measure].append(value)
    return {key: sorted(values) for key, values in found.items()}
