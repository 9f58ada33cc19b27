"""What services do in answer to what reaches wallets, bucket by bucket: sweep deposits, sell what they bought, spam, dust.

Knows the rows of one bucket, as planned (whether they happen is not known yet), and plans rows of this bucket or later ones.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..engine import adoption
from ..engine.market import BTC, DAY, ETH, JUNK, NFT, Floats, Ints
from ..engine.services import Services, next_batch
from ..engine.transfer_plan import EXACT, SHARE, Rows
from ..engine.world import World

JUNK_SHARE = 0.02  # of the rows of a bucket, when spam is at its height
DUST_SHARE = 0.004
BTC_DUST_SHARE = 0.01
SWEEP_EVERY = 14_400  # seconds between two sweeps of BTC by an exchange
_PATIENCE = np.array([300.0, 900.0, 3600.0, 14_400.0, 40_000.0])  # mean seconds until a deposit is swept, by exchange
_AT_ONCE = 40  # receivers of one transaction of spam or dust

Columns = Mapping[str, npt.NDArray] | Rows


def plan_replies(world: World, services: Services, rows: Columns) -> None:
    """Plan what services do about the rows of a bucket.

    Args:
        rows: `number`, `t`, `sender`, `receiver` and `asset` of each, as planned.
    """
    bitcoin = world.wallets.utxo[rows["receiver"]]
    _sweeps(world, services, rows, _deposits(world, services, rows))
    _sales(world, services, rows)
    _spam(world, rows, np.flatnonzero(~bitcoin), (JUNK_SHARE, services.spammer, JUNK))
    _spam(world, rows, np.flatnonzero(~bitcoin), (DUST_SHARE, services.duster, ETH))
    _spam(world, rows, np.flatnonzero(bitcoin), (BTC_DUST_SHARE, services.btc_duster, BTC))


def _deposits(world: World, services: Services, rows: Columns) -> Ints:
    """Positions of the rows that an exchange credits: not crumbs, and not what it sent to the address itself, for its fees."""
    hot = world.wallets.hot[rows["receiver"]]
    crumbs = np.isin(rows["sender"], (services.spammer, services.duster, services.btc_duster)) | np.isin(
        rows["asset"], (JUNK, NFT)
    )
    return np.flatnonzero((hot >= 0) & (rows["sender"] != hot) & ~crumbs)


def _sweeps(world: World, services: Services, rows: Columns, found: Ints) -> None:
    """To the hot wallet within minutes to hours; a token's sweep first needs coin for its fee. BTC is swept in batches, all the
    addresses of an exchange in one transaction.
    """
    rng, asset, address = world.rng, rows["asset"][found], rows["receiver"][found]
    number, hot = rows["number"][found], world.wallets.hot[address].astype(np.int64)
    bitcoin, coin = asset == BTC, asset == ETH
    patience = _PATIENCE[np.where(bitcoin, 0, np.searchsorted(services.hot, hot))]
    t = rows["t"][found] + 60 + rng.exponential(patience)
    world.plan.add(t[coin], address[coin], hot[coin], 1.0, SHARE, after=number[coin])
    token = ~bitcoin & ~coin
    gas = world.plan.add(t[token], hot[token], address[token], 0.015, EXACT, after=number[token])
    later = t[token] + rng.integers(60, 400, token.sum())
    world.plan.add(later, address[token], hot[token], 1.0, SHARE, asset=asset[token], after=gas)
    later = next_batch(t[bitcoin] + 1200 * (hot[bitcoin] % 5), SWEEP_EVERY)
    world.plan.add(later, address[bitcoin], hot[bitcoin], 1.0, SHARE, asset=BTC, after=number[bitcoin])


def _sales(world: World, services: Services, rows: Columns) -> None:
    """Desks sell what they bought at an exchange, some days later and often several purchases together."""
    rng = world.rng
    bought = np.isin(rows["receiver"], services.desks) & ~np.isin(
        rows["sender"], (*services.hot, services.spammer, services.duster)
    )
    some = np.flatnonzero(bought & (rng.random(len(bought)) < 0.5))
    desk, t = rows["receiver"][some].astype(np.int64), rows["t"][some] + rng.uniform(0.2, 5.0, some.size) * DAY
    target = services.deposits[desk % len(services.deposits)]
    world.plan.add(t, desk, target, rng.uniform(0.4, 1.0, some.size), SHARE, asset=rows["asset"][some],
                   digits=rng.choice([0, 3], some.size), after=rows["number"][some])  # fmt: skip


def _spam(world: World, rows: Columns, among: Ints, what: tuple[float, int, int]) -> None:
    """Crumbs that nobody asked for, to wallets big and small soon after they received something, many in one transaction.

    Args:
        among: positions of the rows to whose receivers it goes, and to whose number it is in proportion.
        what: its share of these rows at its height, its sender, its asset.
    """
    rng, (part, sender, asset) = world.rng, what
    if not among.size:
        return
    n = rng.binomial(among.size, part * float(adoption.share(world, rows["t"][among].mean(), adoption.SPAM)))
    wallets, zone_and_hours = np.unique(rows["receiver"][among], return_index=True)
    picked = rng.permutation(len(wallets))[:n]
    seen = rows["t"][among[zone_and_hours[picked]]] + rng.exponential(2 * DAY, picked.size)
    order = np.argsort(seen, kind="stable")
    picked, seen = picked[order], seen[order]
    crowd = np.arange(picked.size) // _AT_ONCE
    first = crowd * _AT_ONCE
    last = np.minimum(first + _AT_ONCE, picked.size) - 1
    _to_many(world, (sender, asset), wallets[picked], seen[last] if picked.size else seen, first)


def _to_many(world: World, what: tuple[int, int], receivers: Ints, t: Floats, first: Ints) -> None:
    """One transaction for all receivers of the same `first` position: the others' rows follow its row."""
    (sender, asset), rng = what, world.rng
    sums = {JUNK: (1.0, 5.0, 12.5, 100.0), ETH: (1e-5, 2e-5, 1e-4), BTC: (6e-6, 1e-5)}[asset]
    amount = rng.choice(sums, len(receivers))
    head = first == np.arange(len(receivers))
    heads = world.plan.add(t[head], sender, receivers[head], amount[head], EXACT, asset=asset)
    after = heads[np.searchsorted(np.flatnonzero(head), first[~head])] if len(receivers) else first
    world.plan.add(t[~head], sender, receivers[~head], amount[~head], EXACT, asset=asset, after=after)
