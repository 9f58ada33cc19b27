"""Carries a plan out bucket by bucket, so that a chain of any length needs the memory of one: services answer, the gas price
follows the load, rows are settled, the truth is followed, and a row group is written.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .market import ASSETS, BTC, DAY, ETH, MINOR_UNITS, NATIVE, Floats, Ints
from .output import Columns, WalletAddresses, in_order, transfers
from .settlement import AccountBooks
from .transfer_plan import BUCKET_DAYS, ROW, Rows
from .world import START, World

NONCES_BEFORE = 10_000  # transactions that services which held money before the first day had sent by then
FAILS, BOT_FAILS = 0.01, 0.03  # of transactions are first tried in vain
LOAD_POWER = 0.5  # by which the gas price follows the load: twice as many transfers an hour, 1.4 times the price
LOAD_HOURS = 3
SURGE = (0.4, 8.0)  # what load does to the gas price at the least, and at the most


class Observer(Protocol):
    """Sees what happened, bucket by bucket, in the order in which it did."""

    def observe(self, rows: Columns, positions: Ints) -> None:
        """`rows`: columns of what happened; `positions`: where each stands in the transfers file."""


@dataclass
class ChainRun:
    """A chain that is being carried out.

    Attributes:
        plan_replies: lets services plan their replies to the rows of a bucket.
        watch: sees what happened.
        shift: turns the simulator's seconds into unix seconds.
    """

    world: World
    names: WalletAddresses
    books: AccountBooks
    plan_replies: Callable[[Rows], None]
    watch: Observer
    shift: int
    rng: np.random.Generator
    rows: int = 0

    def tables(self) -> Iterator[pa.Table]:
        """The canonical transfers, one table per bucket; each step carries one out."""
        for bucket in range(self.world.plan.buckets):
            done = self._carry_out(bucket)
            ordered, positions = in_order(self.rng, done, self.names)
            self.watch.observe(done, positions + self.rows)
            self.rows += len(positions)
            yield transfers(self.rng, self.world.market, ordered, self.names, self.shift)

    def _carry_out(self, bucket: int) -> Columns:
        """What happened in a bucket, in order of time."""
        plan = self.world.plan
        rows = plan.take(bucket)
        self.plan_replies(rows)
        rows = np.concatenate([rows, plan.take(bucket)])
        rows, failing = self._with_failures(rows, START + bucket * BUCKET_DAYS * DAY)
        order = np.lexsort((~failing, rows["number"], rows["t"]))
        rows, failing = rows[order], failing[order]
        price = self._prices(rows)
        settled = self.books.settle(rows, price, failing, len(plan))
        kept = settled["minor"] > 0
        done = {name: rows[name][kept] for name in ROW.names or ()}
        done |= {"failing": failing[kept], "price": price[kept]} | {
            name: column[kept] for name, column in settled.items()
        }
        return done | {"nonce": self.books.note(done)}

    def _with_failures(self, rows: Rows, begin: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """About one transaction in a hundred is first tried in vain (a bot's more often): it costs its fee and moves nothing."""
        wallets, sender = self.world.wallets, rows["sender"]
        chance = np.where(wallets.is_("population", "bot")[sender], BOT_FAILS, FAILS)
        able = ~wallets.contract[sender] & ~wallets.utxo[sender]
        tried = np.flatnonzero(able & (self.rng.random(len(rows)) < chance))
        vain = rows[tried]
        vain["t"] = np.maximum(vain["t"] - self.rng.integers(15, 180, len(tried)), begin)
        return np.concatenate([rows, vain]), np.arange(len(rows) + len(tried)) >= len(rows)

    def _prices(self, rows: Rows) -> Floats:
        """What each row offers for gas: the going price, more when there is much to do, and the sender's tip."""
        native = NATIVE[rows["asset"]]
        tip = self.world.wallets.tip[rows["sender"]] * self.rng.lognormal(0, 0.12, len(rows))
        price = self.world.market.gas(native, rows["t"]) * tip
        for coin in (ETH, BTC):
            price[native == coin] *= _surge(rows["t"][native == coin])
        return np.round(np.maximum(1.0, price), 1).astype(np.float64)


def _surge(t: Ints) -> Floats:
    """The factor that load puts on the price at each of the (sorted) seconds: rows in the hours around against the mean."""
    if not len(t):
        return np.ones(0)
    hour = (t - t[0]) // 3600
    count = np.bincount(hour).astype(np.float64)
    around = np.convolve(count, np.ones(LOAD_HOURS) / LOAD_HOURS, mode="same")
    return np.clip(((around + 1) / (count.mean() + 1)) ** LOAD_POWER, *SURGE)[hour]


def open_account_books(world: World, folder: Path) -> AccountBooks:
    """Books before the first second: what wallets held before the chain's first day."""
    wallets = world.wallets
    balance = np.zeros((len(wallets), len(ASSETS)), dtype=np.int64)
    sent = np.zeros(len(wallets), dtype=np.int64)
    ordinary = wallets.is_("category", "user")
    for wallet, held in wallets.funds.items():
        sent[wallet] = 0 if ordinary[wallet] else NONCES_BEFORE
        for asset, amount in held.items():
            balance[wallet, asset] = round(amount * MINOR_UNITS[asset])
    return AccountBooks(
        balance, ~wallets.contract, np.where(wallets.utxo, wallets.owner, -1).astype(np.int32), sent, folder
    )
