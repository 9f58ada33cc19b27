"""Oracle of the family funding: each function is one formula in plain Python. All history before as_of."""

from ..chain import DAY, WEEK, Chain, Entry
from ..history import History, ratio, share
from ..population import rank
from ..registry import feature


def _first(history: History) -> int | None:
    """first(w), if it was before as_of."""
    first = history.chain.first(history.wallet)
    return first if first is not None and first < history.as_of else None


def _funder(history: History) -> str | None:
    return history.chain.funder(history.wallet) if _first(history) is not None else None


def _largest_first(history: History) -> Entry | None:
    """The largest in at first(w); of several of one amount the first in the ledger's order."""
    inflows = history.chain.first_inflows(history.wallet) if _first(history) is not None else []
    return max(inflows, key=lambda entry: entry.amount, default=None)


def _before(history: History, wallet: str, end: int | None = None) -> list[Entry]:
    return history.chain.entries(wallet, end=history.as_of if end is None else end)


@feature("funding__first_in__rank")
def first_in_rank(history: History):
    first = _largest_first(history)
    return rank(history.chain, first.transfer) if first else None


@feature("funding__first_in__share")
def first_in_share(history: History):
    first = _largest_first(history)
    if first is None:
        return None
    same = [e for e in _before(history, history.wallet) if e.direction == "in" and e.asset == first.asset]
    return first.amount / sum(entry.amount for entry in same)


@feature("funding__next__other_asset_flag")
def next_is_another_asset(history: History):
    first = _largest_first(history)
    if first is None:
        return None
    later = [
        e for e in _before(history, history.wallet) if e.direction == "in" and e.amount > 0 and e.transfer.t > first.t
    ]
    return later[0].asset != first.asset if later else None


@feature("funding__siblings__1d")
def siblings(history: History):
    funder, first = _funder(history), _first(history)
    if funder is None:
        return None
    others = [x for x in history.chain.funded_by(funder) if x != history.wallet]
    times = [history.chain.first(x) for x in others]
    return sum(abs(t - first) <= DAY and t < history.as_of for t in times)


@feature("funding__funder__new_share")
def funded_by_funder(history: History):
    funder = _funder(history)
    if funder is None:
        return None
    funded = sum(history.chain.first(x) < history.as_of for x in history.chain.funded_by(funder))
    return ratio(funded, sum(e.direction == "out" for e in _before(history, funder)))


@feature("funding__funder__receivers")
def receivers_of_funder(history: History):
    funder = _funder(history)
    return len(history.chain.receivers_before(funder, _first(history))) if funder is not None else None


@feature("funding__funder__young_flag")
def funder_is_young(history: History):
    funder = _funder(history)
    return _before(history, funder)[0].t > _first(history) - WEEK if funder is not None else None


@feature("funding__depth__hops")
def depth(history: History):
    return _depth(history.chain, history.wallet) if _first(history) is not None else None


def _depth(chain: Chain, wallet: str) -> int:
    funder, hops = chain.funder(wallet), 0
    while funder is not None:
        hops += 1
        is_fresh = chain.first(funder) is not None and 0 < chain.first(wallet) - chain.first(funder) <= WEEK
        wallet, funder = funder, chain.funder(funder) if is_fresh else None
    return hops


@feature("funding__return__share")
def returned_to_funder(history: History):
    funder = _funder(history)
    if funder is None:
        return None
    returned = sum(entry.amount for entry in history.x("out") if entry.other == funder)
    return ratio(returned, sum(history.sizes("out")))


@feature("funding__from__share")
def from_funder(history: History):
    funder = _funder(history)
    return share(history.side("in"), lambda entry: entry.other == funder) if funder is not None else None


@feature("funding__first_out__delay")
def delay_to_first_out(history: History):
    first = _first(history)
    if first is None:
        return None
    sent = (e.t for e in history.chain.entries(history.wallet, first, history.as_of) if e.direction == "out")
    return next((t - first for t in sent), None)


@feature("funding__payees__share")
def payees_of_same_funder(history: History):
    funder, chain = _funder(history), history.chain
    if funder is None:
        return None
    receivers = {entry.other for entry in history.side("out")}
    return share(list(receivers), lambda x: chain.funder(x) == funder and chain.first(x) < history.as_of)
