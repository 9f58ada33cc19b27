"""People on the UTXO chain: owners of many addresses, who pay with change, are paid at fresh addresses, and join their coins.

Every act of an owner fills a fresh address of his, or spends what some of his addresses hold, whole, or both: a payment and its
change are outputs of one transaction, the addresses spent its inputs. So addresses follow from the order of an owner's acts.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..engine import adoption
from ..engine.market import BTC, DAY, Floats, Ints
from ..engine.services import LATEST_BATCH, Services, withdraw
from ..engine.transfer_plan import EXACT, SHARE
from ..engine.world import START, World
from . import users

BUY, MINE, RECEIVE, SHOP, PAY, SELL, JOIN = range(7)  # acts
KINDS = ("btc_person", "btc_hodler", "btc_merchant", "btc_miner")
_PERSON, _HODLER, _MERCHANT, _MINER = range(4)
_SHARES = (0.66, 0.2, 0.05, 0.09)
_HABITS = np.array([  # by kind: how often an owner does each act by himself
    (0.26, 0.0, 0.0, 0.34, 0.24, 0.10, 0.06),
    (0.84, 0.0, 0.0, 0.0, 0.02, 0.04, 0.10),
    (0.0, 0.0, 0.0, 0.0, 0.2, 0.7, 0.1),
    (0.0, 0.72, 0.0, 0.02, 0.04, 0.2, 0.02),
])  # fmt: skip
_FIRST = np.array([BUY, BUY, SELL, MINE])  # how a life begins, by kind
_ACTS = np.array([9.0, 3.0, 30.0, 25.0])  # mean number in a life, by kind
_ADDRESSES = 10  # that an owner has in the mean, about
_REUSERS = 0.12  # share of owners who use one address for everything
_PAYS_EVERY, _PAYOUT = 5 * DAY, 2 * 3600 + 1777  # when pools pay miners: every so often, at this second of the day


@dataclass
class Owners:
    """Owners by position: kind, days of their life, first address, typical sum (BTC), do they use one address for everything."""

    kind: Ints
    start: Floats
    end: Floats
    first: Ints
    wealth: Floats
    reuses: npt.NDArray[np.bool_]


@dataclass
class OwnerActions:
    """What owners do, in order of owner and time: whose act, what, when, and which payment a RECEIVE belongs to (−1 = none)."""

    owner: Ints
    action: Ints
    t: Floats
    payment: Ints

    def sorted(self) -> "OwnerActions":
        """In order of owner and time; `payment` then says the new positions."""
        order = np.lexsort((self.t, self.owner))
        place = np.empty(len(order) + 1, dtype=np.int64)
        place[order], place[-1] = np.arange(len(order)), -1
        return OwnerActions(self.owner[order], self.action[order], self.t[order], place[self.payment[order]])


def people(world: World, services: Services, n: int) -> None:
    """People, hodlers, merchants and miners who together have about n addresses on the UTXO chain."""
    owners = _owners(world, max(12, n // _ADDRESSES))
    actions = _with_receipts(world, owners, _own_acts(world, owners))
    address = _addresses(world, owners, actions)
    _income(world, services, owners, actions, address)
    _spend(world, owners, actions, address, _target(services, actions, address))


def _owners(world: World, n: int) -> Owners:
    rng = world.rng
    kind = np.sort(rng.choice(len(KINDS), n, p=_SHARES))
    kind[-len(KINDS) :] = np.arange(len(KINDS))  # at least one of each
    kind = np.sort(kind)
    start, end = users.lifetimes(rng, world.days, n)
    long = (kind == _MERCHANT) | (kind == _MINER)
    start, end = np.where(long, start * 0.5, start), np.where(long, np.maximum(end, 0.9 * world.days), end)
    first = np.concatenate(
        [world.add(int((kind == k).sum()), _category(k), name, utxo=True) for k, name in enumerate(KINDS)]
    )
    return Owners(kind, start, end, first, rng.lognormal(-3.0, 1.5, n), rng.random(n) < _REUSERS)


def _category(kind: int) -> str:
    return {_MERCHANT: "merchant", _MINER: "miner"}.get(kind, "user")


def _own_acts(world: World, owners: Owners) -> OwnerActions:
    """What owners do of their own accord; a life begins with coins, bought or mined."""
    rng = world.rng
    count = 2 + np.minimum(rng.poisson(rng.lognormal(-0.3, 0.8, len(owners.kind)) * _ACTS[owners.kind]), 300)
    who = np.repeat(np.arange(len(owners.kind)), count)
    t = world.moments(owners.first[who], rng.uniform(owners.start[who], owners.end[who]))
    table = np.cumsum(_HABITS, axis=1)[owners.kind[who]]
    action = np.minimum((rng.random(len(who))[:, None] > table).sum(1), JOIN)
    actions = OwnerActions(who, action, t, np.full(len(who), -1)).sorted()
    head = np.flatnonzero(np.diff(actions.owner, prepend=-1))
    actions.action[head] = _FIRST[owners.kind[actions.owner[head]]]
    mined = actions.action == MINE
    actions.t[mined] = START + np.ceil((actions.t[mined] - START) / _PAYS_EVERY) * _PAYS_EVERY + _PAYOUT
    return actions.sorted()


def _with_receipts(world: World, owners: Owners, own: OwnerActions) -> OwnerActions:
    """Add what others receive of the payments: a merchant of each purchase, anybody of the others."""
    shops = np.flatnonzero(owners.kind == _MERCHANT)
    payments, payees = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for action, among in ((SHOP, shops), (PAY, np.arange(len(owners.kind)))):
        rows = np.flatnonzero(own.action == action)
        found = among[adoption.present(world.rng, owners.start[among], owners.end[among], (own.t[rows] - START) / DAY)]
        other = found != own.owner[rows]
        payments.append(rows[other])
        payees.append(found[other])
    rows, who = np.concatenate(payments), np.concatenate(payees)
    none = np.full(len(own.t), -1)
    return OwnerActions(
        np.concatenate([own.owner, who]), np.concatenate([own.action, np.full(len(who), RECEIVE)]),
        np.concatenate([own.t, own.t[rows]]), np.concatenate([none, rows]),
    ).sorted()  # fmt: skip


def _addresses(world: World, owners: Owners, actions: OwnerActions) -> Ints:
    """The address that each act fills: a fresh one of the owner's, with what he is paid or with change (−1: none is left)."""
    fills = actions.action != SELL
    nth = np.cumsum(fills) - fills
    begins = np.searchsorted(actions.owner, np.arange(len(owners.kind)))
    nth = np.where(owners.reuses[actions.owner], 0, nth - nth[np.minimum(begins, len(nth) - 1)][actions.owner])
    fresh, address = fills & (nth > 0), np.where(fills, owners.first[actions.owner], -1)
    for kind, name in enumerate(KINDS):
        rows = np.flatnonzero(fresh & (owners.kind[actions.owner] == kind))
        first, wallets = owners.first[actions.owner[rows]], world.wallets
        owner, zone, hours = wallets.owner[first], wallets.zone[first], wallets.hours[first]
        address[rows] = world.add(rows.size, _category(kind), name, utxo=True, owner=owner, zone=zone, hours=hours)
    return address


def _income(world: World, services: Services, owners: Owners, actions: OwnerActions, address: Ints) -> None:
    """Coins from an exchange, and from a pool that pays all its miners in one transaction."""
    rng = world.rng
    rows = np.flatnonzero(actions.action == BUY)
    sums = owners.wealth[actions.owner[rows]] * rng.lognormal(0, 0.5, rows.size) + 0.0005
    withdraw(
        world,
        services,
        actions.t[rows] - LATEST_BATCH,
        address[rows],
        sums,
        BTC,
        rng.choice([0, 0, 1, 2, 3], rows.size),
    )
    rows = np.flatnonzero(actions.action == MINE)
    pool = services.btc_pools[actions.owner[rows] % len(services.btc_pools)]
    paid = 0.3 * owners.wealth[actions.owner[rows]] * rng.uniform(0.7, 1.3, rows.size)
    world.plan.add(actions.t[rows], pool, address[rows], np.maximum(paid, 0.0005), EXACT, asset=BTC)


def _target(services: Services, actions: OwnerActions, address: Ints) -> Ints:
    """The address that each act pays: the payee's, a deposit address at an exchange, a fresh one of his own (−1 = nobody's)."""
    target = np.full(len(actions.t), -1)
    receipts = np.flatnonzero(actions.action == RECEIVE)
    target[actions.payment[receipts]] = address[receipts]
    sales = np.flatnonzero(actions.action == SELL)
    target[sales] = services.btc_deposits[actions.owner[sales] % len(services.btc_deposits)]
    joins = actions.action == JOIN
    target[joins] = address[joins]
    return target


def _inputs(rng: np.random.Generator, owners: Owners, actions: OwnerActions) -> tuple[Ints, Ints]:
    """(spending act, act whose address it spends): what came in is spent at the next chance, now and then at the one after it."""
    spends = actions.action >= SHOP
    nth = np.cumsum(spends)  # of all spending acts up to here; the next has this number, counted from 0
    places = np.append(np.flatnonzero(spends), -1)
    filled = np.flatnonzero((actions.action != SELL) & ~owners.reuses[actions.owner])
    waits = (actions.action[filled] <= RECEIVE) & (rng.random(filled.size) < 0.25)
    found = places[np.minimum(nth[filled] + waits, len(places) - 1)]
    mine = (found >= 0) & (actions.owner[found] == actions.owner[filled])
    return found[mine], filled[mine]


def _spend(world: World, owners: Owners, actions: OwnerActions, address: Ints, target: Ints) -> None:
    """Plan every spending act: the last coin that came in pays, its change and the other inputs go to a fresh address; sales and
    joins send all inputs whole.
    """
    rng = world.rng
    action, came = _inputs(rng, owners, actions)
    order = np.lexsort((came, action))
    action, source = action[order], address[came[order]]
    again = np.flatnonzero(
        (actions.action >= SHOP) & owners.reuses[actions.owner]
    )  # those with one address spend from it
    action, source = np.concatenate([action, again]), np.concatenate([source, owners.first[actions.owner[again]]])
    last = np.append(action[1:] != action[:-1], True)[: len(action)]
    known = target[action] >= 0
    whole = np.isin(actions.action[action], (SELL, JOIN))
    pays = known & last & ~whole
    part = rng.beta(1.0, 2.5, pays.sum()) * 0.98 + 0.01
    digits = rng.choice([0, 0, 0, 2, 3], pays.sum())
    t = actions.t[action]
    rows = world.plan.add(t[pays], source[pays], target[action[pays]], part, SHARE, asset=BTC, digits=digits)
    world.plan.add(t[pays], source[pays], address[action[pays]], 1.0, SHARE, asset=BTC, after=rows)
    joins = known & (whole | ~last)
    to = np.where(whole, target[action], address[action])[joins]
    world.plan.add(t[joins], source[joins], to, 1.0, SHARE, asset=BTC)
