"""Oracle of the family structure: each function is one formula in plain Python."""

from collections.abc import Callable, Iterable

from ..chain import DAY, WEEK, Entry
from ..history import History, mean, median, ratio, share
from ..patterns import LAST, cycles, peel_steps, relays, scatter_credits, scatters
from ..registry import both, feature, variants

PERIODS = {"1h": 3_600, "7d": WEEK}
HUB = 100


@variants("structure__fan_in__{}", *PERIODS)
def fan_in(history: History, label: str):
    return _most_others(history.side("in"), PERIODS[label])


@variants("structure__fan_out__{}", *PERIODS)
def fan_out(history: History, label: str):
    return _most_others(history.side("out"), PERIODS[label])


def _most_others(entries: list[Entry], period: int) -> int | None:
    """The most distinct others of entries in a period that starts with one of them."""
    return max((len({e.other for e in entries if t <= e.t < t + period}) for t in {e.t for e in entries}), default=None)


@feature("structure__gather_scatter__1d")
def gather_scatter(history: History):
    ins, outs = history.side("in"), history.side("out")
    gathered = {t: len({e.other for e in ins if t - DAY < e.t <= t}) for t in set(history.times)}
    scattered = {t: len({e.other for e in outs if t <= e.t < t + DAY}) for t in set(history.times)}
    return max(min(gathered[t], scattered[t]) for t in history.times) if ins or outs else None


def _first_money(history: History, entries: Iterable[Entry]) -> list[Entry]:
    """Transfers at first(x) of their receivers x, with value."""
    return [e for e in entries if e.amount > 0 and e.t == history.chain.first(e.other)]


@feature("structure__new_receivers__share")
def new_receivers(history: History):
    outs = history.side("out")
    return ratio(len({e.other for e in _first_money(history, outs)}), len({e.other for e in outs}))


@feature("structure__new_receivers__value_share")
def new_receivers_value(history: History):
    outs = history.x("out")
    return ratio(sum(e.amount for e in _first_money(history, outs)), sum(e.amount for e in outs))


@feature("structure__new_receivers__1d")
def new_receivers_in_a_day(history: History):
    return _most_others(_first_money(history, history.side("out")), DAY)


def _receiver_fans(history: History) -> list[int]:
    return [len(history.chain.senders_before(out.other, out.t)) for out in history.side("out")]


def _sender_fans(history: History) -> list[int]:
    return [len(history.chain.receivers_before(inflow.other, inflow.t)) for inflow in history.side("in")]


@feature("structure__receiver_fan__median")
def receiver_fan(history: History):
    return median(_receiver_fans(history))


@feature("structure__receiver_fan__hub_share")
def receiver_hubs(history: History):
    return share(_receiver_fans(history), lambda fan: fan >= HUB)


@feature("structure__sender_fan__median")
def sender_fan(history: History):
    return median(_sender_fans(history))


@feature("structure__sender_fan__hub_share")
def sender_hubs(history: History):
    return share(_sender_fans(history), lambda fan: fan >= HUB)


def _is_deposit(history: History) -> Callable[[Entry], bool]:
    return lambda out: history.chain.is_deposit(out.other, out.t)


@feature("structure__deposit__share")
def deposits(history: History):
    return share(history.side("out"), _is_deposit(history))


@feature("structure__deposit__shared_share")
def shared_deposits(history: History):
    is_deposit, senders = _is_deposit(history), history.chain.senders_before
    return share(history.side("out"), lambda out: is_deposit(out) and senders(out.other, out.t) - {history.wallet})


@feature("structure__deposit__senders")
def senders_of_deposits(history: History):
    paid = filter(_is_deposit(history), history.side("out"))
    return mean([len(history.chain.senders_before(out.other, out.t)) for out in paid])


def _onward(history: History, out: Entry) -> list[Entry]:
    """The receiver's transfers within a week of the payment."""
    return history.chain.entries(out.other, out.t, min(out.t + WEEK, history.as_of))


def _backward(history: History, inflow: Entry) -> list[Entry]:
    """The sender's transfers within a week before the inflow."""
    return history.chain.entries(inflow.other, inflow.t - WEEK + 1, inflow.t + 1)


@feature("structure__two_hop_out__reach")
def two_hop_out(history: History):
    seen = [e for out in history.side("out")[-LAST:] for e in _onward(history, out)[:LAST]]
    return len({e.other for e in seen if e.direction == "out"} - {history.wallet})


@feature("structure__two_hop_in__reach")
def two_hop_in(history: History):
    seen = [e for inflow in history.side("in")[-LAST:] for e in _backward(history, inflow)[-LAST:]]
    return len({e.other for e in seen if e.direction == "in"} - {history.wallet})


@feature("structure__two_hop__truncated_share")
def two_hop_capped(history: History):
    ins, outs = history.side("in"), history.side("out")
    left_out = sum(max(0, len(entries) - LAST) for entries in (ins, outs))
    cut = sum(len(_onward(history, out)) > LAST for out in outs[-LAST:])
    cut += sum(len(_backward(history, inflow)) > LAST for inflow in ins[-LAST:])
    return ratio(left_out + cut, len(ins) + len(outs))


@both("structure__relay__longest_{}")
def longest_relay(history: History, side: str):
    return max((relays(history.chain)[e.transfer] for e in history.with_value(side)), default=None)


@feature("structure__relay__truncated_share")
def relay_capped(history: History):
    entries = history.chain.entries
    return share(history.with_value("out"), lambda e: len(entries(history.wallet, e.t - DAY + 1, e.t)) > LAST)


def _peels(history: History) -> list[int]:
    steps = peel_steps(history.chain).get(history.wallet, [])
    return [peel for t, peel in steps if history.since <= t < history.as_of]


@feature("structure__peel_chain__longest")
def longest_peel_chain(history: History):
    return max(_peels(history), default=None)


@feature("structure__peel_chain__share")
def peel_chain_share(history: History):
    steps = ratio(2 * len(_peels(history)), len(history.with_value("out")))
    return None if steps is None else min(1, steps)


def _closes(history: History) -> Callable[[Entry], bool]:
    return lambda entry: cycles(history.chain)[entry.transfer][0] > 0


@feature("structure__cycle__returned_share")
def returned_share(history: History):
    return share(history.with_value("in"), _closes(history))


@feature("structure__cycle__closed_share")
def closed_share(history: History):
    return share(history.with_value("out"), _closes(history))


@feature("structure__cycle__shortest")
def shortest_cycle(history: History):
    closing = filter(_closes(history), history.with_value())
    return min((cycles(history.chain)[entry.transfer][0] for entry in closing), default=None)


@feature("structure__cycle__truncated_share")
def cycle_capped(history: History):
    return share(history.with_value(), lambda entry: cycles(history.chain)[entry.transfer][1])


@feature("structure__scatter_gather__target")
def scatter_target(history: History):
    return max((scatters(history.chain)[e.transfer].size for e in history.with_value("in")), default=None)


@feature("structure__scatter_gather__source")
def scatter_source(history: History):
    sizes = scatter_credits(history.chain).get(history.wallet, [])
    return max((size for t, size in sizes if history.since <= t < history.as_of), default=None)


@feature("structure__scatter_gather__middle_share")
def scatter_middle(history: History):
    return share(history.with_value("out"), lambda entry: scatters(history.chain)[entry.transfer].size >= 2)


@feature("structure__scatter_gather__truncated_share")
def scatter_capped(history: History):
    return share(history.with_value(), lambda entry: scatters(history.chain)[entry.transfer].cut)
