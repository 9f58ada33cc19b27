"""The places money comes from and goes to: exchanges, merchants, mixers, DEX pools, bridges, desks, casinos, vaults, spammers.

Who they are, and what their customers ask of them at the moment. What they do by themselves is in people/service_replies.py
(sweeps, spam) and people/business.py (by the calendar). None of them launders.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .market import ASSETS, BTC, ETH, GOV, JUNK, MEME, USDC, USDT, Floats, Ints
from .transfer_plan import DEPOSIT, EXACT, REPLY, SHARE, WITHDRAW
from .world import ALWAYS, OFFICE, World

DENOMINATIONS = np.array([0.1, 1.0, 10.0, 100.0])  # of the mixer's pools, in ETH
RELAYER_FEE = 0.004
BRIDGE_FEE = 0.003
NESTED_FEE = 0.015
EXCHANGE_SHARES = (0.4, 0.25, 0.15, 0.12, 0.08)
BATCH = np.array([600, 900, 1200, 720, 600])  # seconds between two batches of BTC withdrawals, by exchange
LATEST_BATCH = 1_400  # seconds after which a withdrawal asked for has surely left
_HOT = 0.08  # share of an exchange's money that is in its hot wallet at first
_HUB = {ETH: 2e6, USDC: 5e8, USDT: 5e8, GOV: 5e7}
_POOL = {ETH: 5e7, USDC: 5e9, USDT: 5e9, GOV: 5e9, MEME: 1e11}
_VAULT = {ETH: 3e5, USDC: 3e8, USDT: 3e8}
_TRADED = (USDC, GOV, USDT, MEME)
_FEE_IN = np.array([1.0, 800.0, 100.0, 800.0, 0.0, 0.0, 0.0, 0.05])  # a withdrawal fee of one ETH, by asset
_PEOPLE = 20_000  # for this many wallets services are as big as written here; for more they grow


@dataclass
class Services:
    """Numbers of the wallets of each service.

    Attributes:
        hot, cold, btc_hot, btc_cold: the wallets of each exchange; hot_fee: the ETH it keeps back from a withdrawal.
        deposits, btc_deposits, nested: deposit addresses at exchanges (`wallets.hot` says at which), the last of nested services.
        dex: the pool of each asset against ETH (−1 = none); every pool holds all assets that are traded.
        bridge, bridge_far: its ends on the account chain and on the UTXO chain.
    """

    hot: Ints
    hot_fee: Floats
    cold: Ints
    btc_hot: Ints
    btc_cold: Ints
    deposits: Ints
    btc_deposits: Ints
    nested: Ints
    merchants: Ints
    dex: Ints
    mixers: Ints
    relayers: Ints
    casinos: Ints
    vaults: Ints
    desks: Ints
    pools: Ints  # of miners
    btc_pools: Ints
    coinbase: int
    staking: int
    market: int  # place where NFTs are traded
    bridge: int
    bridge_far: int
    spammer: int
    duster: int
    btc_duster: int


def shared_services(world: World, wallets: int) -> Services:
    """Set up what all districts share; the big ones hold money from before the first day, the more the more wallets there are."""
    size = max(1.0, wallets / _PEOPLE)
    hot, cold, btc_hot, btc_cold = _exchanges(world, size)
    dex = np.full(len(ASSETS), -1)
    dex[list(_TRADED)] = world.add(len(_TRADED), "service", "dex", hours=ALWAYS, contract=True, funds=_POOL)
    return Services(
        hot=hot, hot_fee=np.array([0.005, 0.0, 0.002, 0.01, 0.0]), cold=cold, btc_hot=btc_hot, btc_cold=btc_cold,
        deposits=accounts(world, hot, 24), btc_deposits=accounts(world, btc_hot, 8), dex=dex,
        nested=_nested(world, hot, 9 + int(3 * size)), merchants=np.empty(0, np.int64),
        mixers=world.add(4, "mixer", "mixer", hours=ALWAYS, contract=True, funds={ETH: 2_000.0 * size}),
        relayers=world.add(2, "service", "relayer", hours=ALWAYS),
        casinos=world.add(2, "service", "casino", hours=ALWAYS, contract=True, funds={ETH: 2e4 * size}),
        vaults=world.add(4, "service", "vault", hours=ALWAYS, contract=True, funds=_VAULT),
        desks=world.add(6, "otc", "desk", hours=OFFICE, funds={ETH: 300 * size, USDT: 3e5 * size}),
        pools=world.add(2, "miner", "mining_pool", hours=ALWAYS, funds={ETH: 2e5 * size}),
        btc_pools=world.add(2, "miner", "btc_pool", hours=ALWAYS, utxo=True, funds={BTC: 1e4 * size}),
        coinbase=_one(world, "service", "coinbase", {BTC: 1e7}, utxo=True),
        staking=_one(world, "service", "staking", {ETH: 1e5 * size}, contract=True),
        market=_one(world, "service", "nft_market", {}, contract=True),
        bridge=_one(world, "bridge", "bridge", {ETH: 4e6 * size, USDC: 1e9}, contract=True),
        bridge_far=_one(world, "bridge", "bridge_far", {BTC: 3e5 * size}, utxo=True),
        spammer=_one(world, "service", "spammer", {ETH: 1e4 * size, JUNK: 1e12}),
        duster=_one(world, "service", "duster", {ETH: 1e3 * size}),
        btc_duster=_one(world, "service", "btc_duster", {BTC: 1e2 * size}, utxo=True),
    )  # fmt: skip


def _one(
    world: World, category: str, population: str, funds: dict[int, float], *, contract: bool = False, utxo: bool = False
) -> int:
    new = world.add(1, category, population, hours=ALWAYS, contract=contract, utxo=utxo, funds=funds)
    return int(new[0])


def _exchanges(world: World, size: float) -> tuple[Ints, Ints, Ints, Ints]:
    """Hot and cold wallets of five exchanges, which work around the clock, on both chains."""
    n = len(EXCHANGE_SHARES)
    owners = np.array([world.owner() for _ in range(n)])
    zone = world.rng.choice([-5, 0, 8, 9], n)
    made = []
    for utxo, total in ((False, _HUB), (True, {BTC: 1e5})):
        for name, part, hours in (("hot", _HOT, ALWAYS), ("cold", 1 - _HOT, OFFICE)):
            population = {"hot": "btc_hot" if utxo else "exchange", "cold": "btc_cold" if utxo else "cold"}[name]
            funds = {asset: part * size * held for asset, held in total.items()}
            made.append(
                world.add(n, "exchange", population, zone=zone, hours=hours, utxo=utxo, owner=owners, funds=funds)
            )
    hot, cold, btc_hot, btc_cold = made
    return hot, cold, btc_hot, btc_cold


def accounts(world: World, hot: Ints, n: int) -> Ints:
    """n deposit addresses at exchanges, on the chain of their hot wallets; large exchanges have more."""
    at = hot[world.rng.choice(len(hot), n, p=EXCHANGE_SHARES)]
    utxo = bool(world.wallets.utxo[hot[0]])
    population = "btc_deposit" if utxo else "exchange_deposit"
    new = world.add(n, "exchange_deposit", population, hours=ALWAYS, utxo=utxo, owner=world.wallets.owner[at])
    world.wallets.hot[new] = at
    return new


def _nested(world: World, hot: Ints, n: int) -> Ints:
    """Small services without wallets of their own: customers pay to a deposit address of theirs at a large exchange."""
    new = world.add(n, "exchange_deposit", "nested", hours=ALWAYS, owner=int(world.wallets.owner[hot[0]]))
    world.wallets.hot[new] = hot[0]
    return new


def district_services(world: World, services: Services, deposits: int, merchants: int) -> Services:
    """The services as one district knows them: its people have deposit addresses and merchants of their own."""
    return replace(
        services, deposits=accounts(world, services.hot, deposits),
        btc_deposits=accounts(world, services.btc_hot, max(4, deposits // 5)),
        merchants=world.add(merchants, "merchant", "merchant"),
    )  # fmt: skip


def withdraw(
    world: World,
    services: Services,
    t: Floats,
    receiver: Ints,
    amount: Floats,
    asset: npt.ArrayLike,
    digits: npt.ArrayLike,
) -> Ints:
    """Exchange withdrawals: people ask for round amounts, and some exchanges keep their fee back from them. Returns the rows.

    BTC waits for the exchange's next batch, one transaction for all (after LATEST_BATCH seconds it has left).
    """
    asset = np.broadcast_to(asset, len(t))
    pick = world.rng.choice(len(EXCHANGE_SHARES), len(t), p=EXCHANGE_SHARES)
    fee = services.hot_fee[pick] * _FEE_IN[asset]
    asked = round_to(amount, np.broadcast_to(digits, len(t)))
    sender = np.where(asset == BTC, services.btc_hot[pick], services.hot[pick])
    left = np.where(asset == BTC, next_batch(t, BATCH[pick]), t)
    return world.plan.add(left, sender, receiver, np.where(asked > 2 * fee, asked - fee, asked), EXACT, asset=asset)


def next_batch(t: Floats, every: Ints | int) -> Floats:
    """When the next batch leaves, some seconds off the full period: the same second for all that wait for it."""
    number = np.ceil(t / every).astype(np.int64)
    return (number * every + (number * 7919) % 97).astype(np.float64)


def round_to(amount: Floats, digits: Ints) -> Floats:
    """Amounts > 0 rounded to this many significant digits each (0 = six)."""
    scale = 10.0 ** (np.where(digits == 0, 6, digits) - 1 - np.floor(np.log10(amount)))
    return np.round(amount * scale) / scale


def cross(
    world: World,
    services: Services,
    t: Floats,
    sender: Ints,
    receiver: Ints,
    share: npt.ArrayLike,
    *,
    back: bool = False,
) -> tuple[Ints, Ints]:
    """Over the bridge: a share of what the sender has goes in; minutes later its worth, less a fee, comes out on the other side.

    Args:
        sender, receiver: wallets on the account chain and on the UTXO chain, or the other way round if `back`.

    Returns:
        The rows of what goes in and of what comes out, which answers it.
    """
    sold, bought = (BTC, ETH) if back else (ETH, BTC)
    near, far = (services.bridge_far, services.bridge) if back else (services.bridge, services.bridge_far)
    into = world.plan.add(t, sender, near, share, SHARE, asset=sold, method=DEPOSIT)
    later = t + world.rng.integers(400, 4000, len(t))
    rate = world.market.rate(sold, bought, later) * (1 - BRIDGE_FEE)
    return into, world.plan.add(later, far, receiver, rate, REPLY, asset=bought, after=into, method=WITHDRAW)


def through_nested(
    world: World, services: Services, t: Floats, sender: Ints, receiver: Ints, share: npt.ArrayLike, sold: npt.ArrayLike,
    bought: npt.ArrayLike, delay: Floats,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Through a nested service: a share of what the sender has of `sold` goes to its deposit address at a large exchange, and
    `delay` seconds later the exchange's hot wallet pays the receiver in `bought`, less the service's fee. Returns the rows.
    """
    address = world.rng.choice(services.nested, len(t))
    into = world.plan.add(t, sender, address, share, SHARE, asset=sold)
    rate = world.market.rate(sold, bought, t + delay) * (1 - NESTED_FEE)
    out = world.plan.add(t + delay, world.wallets.hot[address], receiver, rate, REPLY, asset=bought, after=into)
    return into, out
