"""Transfers that belong together, each part chosen from a pool by whoever asks (hypothesis, or a seeded generator). No formulas.

The largest amounts are no round numbers: sums with them and without what is a billionth of them stand on no border of a rank.
No two assets share an amount, so that no two transfers of different assets stand at one place of the order: which of
two such assets leads is left open by the formulas. What one transaction holds differs, so that all of it counts.
"""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

Choose = Callable[[list], Any]

HOUR, DAY = 3_600, 86_400
SMALL = [0.1, 0.2, 0.3, 0.099, 0.98, 0.99, 1e-18]
AMOUNTS = {
    "ETH": [0.0, *SMALL, 1.0, 1.01, 4.9, 9.99, 10.0, 49.0, 99.0, 100.0, 1.2347e9, 1.234, 1.2345678],
    "USDT": [0.0, 500.0, 495.0, 499.99, 30.0, 3.0, 5e-7, 2.0003e9, 123.45],
    "DUST": [0.0, 3e-18, 0.6, 0.07],
}
SECONDS = [0, 0, 1, 59, 60, 599, 600, 601, HOUR - 1, HOUR, HOUR + 1]
STEPS = [*SECONDS, 9 * HOUR - 1, 9 * HOUR, DAY - 1, DAY, DAY + 1, 2 * DAY, 2 * DAY + 1, 7 * DAY, 40 * DAY]
LARGE = [1.0, 10.0, 49.0, 100.0]
SOON = [0, 1, 60, 600, HOUR, DAY // 6]
USD = [
    None,
    None,
    0.0,
    0.1,
    0.2,
    899.999999,
    900.0,
    950.0,
    999.999999,
    1e3,
    2_700.0,
    2_999.0,
    3e3,
    9e3,
    9_999.99,
    1e4,
    1e6,
]
CHAINS = [None, "ethereum", "ethereum", "bsc"]
SKIPS = [None, 1, 1, 1, 1, 2, 5]
GAS_PRICES = [None, 1e9, 1e9, 2e9, 2.5e9, 12_345_678_901.0, 0.0]
METHODS = [None, "", "0x", "0xa9059cbb", "0xa9059cbb", "swap"]
FAILED = [None, None, None, False, False, False, True]
POOLS = {"usd": USD, "failed": FAILED, "chain": CHAINS, "skip": SKIPS, "gas_price": GAS_PRICES, "method": METHODS}
DETAILS = [{name: random.Random(f"{name} {i}").choice(pool) for name, pool in POOLS.items()} for i in range(400)]
"""Of each detail one, so that hypothesis has one thing to choose and not six."""


def any_shape(choose: Choose, wallets: list[str]) -> list[dict]:
    """Some transfers that belong together, or just one."""
    return choose(SHAPES)(choose, wallets)


def shape_of_several(choose: Choose, wallets: list[str]) -> list[dict]:
    """Some transfers that belong together."""
    return choose(SEVERAL)(choose, wallets)


def transfer(choose: Choose, wallets: list[str]) -> dict:
    """One transfer, each part chosen from a pool; every other one of a chain's ends is its first wallet."""
    asset = choose(["ETH", "ETH", "ETH", "ETH", "USDT", "DUST"])
    often = [*wallets[:1] * len(wallets), *wallets]
    return _row(choose, choose(STEPS), choose(often), choose(often), choose(AMOUNTS[asset]), asset)


def _row(
    choose: Choose, step: int, sender: str, receiver: str, amount: float, asset: str = "ETH", **known: Any
) -> dict:
    return {
        "step": step,
        "sender": sender,
        "receiver": receiver,
        "amount": amount,
        "asset": asset,
        **choose(DETAILS),
        **known,
    }


def _alone(choose: Choose, wallets: list[str]) -> list[dict]:
    return [transfer(choose, wallets)]


def _relay(choose: Choose, wallets: list[str]) -> list[dict]:
    """Each sends on most of what it got, to the next: in a line, or round to the first."""
    kept, amount = choose([1.0, 0.95, 0.9, 0.89]), choose(LARGE)
    ends = [*wallets[choose([0, 1, 2]) :], *wallets[: choose([0, 1])]]
    return [_row(choose, choose(SOON), a, b, amount * kept**i, failed=None) for i, (a, b) in enumerate(pairwise(ends))]


def _peel(choose: Choose, wallets: list[str]) -> list[dict]:
    """Each pays a little to the last wallet and passes on the rest, before or after."""
    amount, rows = choose(LARGE), []
    for a, b in pairwise(wallets[:-1]):
        small, amount = amount * 0.04, amount * 0.95
        pair = [(wallets[-1], small), (b, amount)][:: choose([1, -1])]
        rows += [_row(choose, choose([1, 60, 600]), a, to, size, failed=None) for to, size in pair]
    return rows


def _scatter(choose: Choose, wallets: list[str]) -> list[dict]:
    """The first pays some, all of whom pay the last: a source, its middles, a target."""
    amount, middles = choose(LARGE), wallets[1 : choose([2, 3, len(wallets)])]
    pays = [_row(choose, choose(SOON), wallets[0], y, amount, failed=None) for y in middles]
    return pays + [
        _row(choose, choose(SOON), y, wallets[-1], amount * 0.99, failed=None) for y in middles if y != wallets[-1]
    ]


def _deposits(choose: Choose, wallets: list[str]) -> list[dict]:
    """Two pay a third wallet, which passes all it gets on to a fourth."""
    *payers, deposit, hub = [*wallets, *wallets][choose([0, 1, 2]) :][:4]
    pays = [_row(choose, choose(SOON), a, deposit, choose(LARGE), failed=None) for a in payers]
    return [one for pay in pays for one in (pay, _row(choose, choose(SOON), deposit, hub, pay["amount"], failed=None))]


def _swap(choose: Choose, wallets: list[str]) -> list[dict]:
    """A wallet swaps one asset for another in one transaction, and often back in a later one."""
    me, pool = wallets[choose([0, 0, 1])], wallets[-1]
    token, price = choose([("USDT", 300.5), ("DUST", 0.055)])
    one, back = choose(LARGE), choose([1.0, 0.97])
    there = _one_transaction(choose, (me, pool, one, "ETH"), (pool, me, one * price, token))
    again = _one_transaction(choose, (me, pool, one * price, token), (pool, me, one * back, "ETH"))
    return choose([there, again, there + again, again[:2] + there])


def _one_transaction(choose: Choose, *moves: tuple[str, str, float, str]) -> list[dict]:
    first, *rest = (_row(choose, 0, *move, failed=None) for move in moves)
    return [first | {"step": choose(SOON)}, *(row | {"same": True} for row in rest)]


def _hop(choose: Choose, wallets: list[str]) -> list[dict]:
    """A wallet sends to another on one chain and gets the same, less a fee, on another soon after."""
    amount, later = choose(LARGE), choose([0, 59, 3_599, 3_600])
    out = _row(choose, choose(SOON), wallets[0], wallets[-1], amount, chain="ethereum", failed=None)
    return [
        out,
        _row(choose, later, wallets[-1], wallets[0], amount * choose([1.0, 0.995, 0.99]), chain="bsc", failed=None),
    ]


def _burst(choose: Choose, wallets: list[str]) -> list[dict]:
    """One wallet signs three transactions within minutes."""
    signed = {"failed": choose([None, True]), "gas_price": choose([1e9, 5e9]), "method": choose(METHODS)}
    return [
        _row(choose, choose([0, 59, 60, 299, 300]), wallets[0], choose(wallets), 1.5, skip=1, **signed)
        for _ in range(3)
    ]


SEVERAL = [_relay, _peel, _scatter, _deposits, _swap, _hop, _burst]
SHAPES = [*[_alone] * len(SEVERAL), *SEVERAL]
