"""From what happened on the chain to files: canonical transfers in total order and tables as CSV, written whole or not at all."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from base58_bech32 import bech32

from ....features.base.arrow import pc
from ....features.base.atomic_write import write_atomically
from ....features.transfers.schema import SCHEMA
from .market import ASSETS, BTC, ETH, MINOR_UNITS, NATIVE, Ints, Market
from .transfer_plan import METHODS, PLAIN
from .world import Wallets

CHAINS = ("simulated", "simulated_bitcoin")  # the account chain, the UTXO chain
_ASSET_RANK = np.argsort(np.argsort(ASSETS))

Columns = dict[str, npt.NDArray]


@dataclass(frozen=True)
class WalletAddresses:
    """The wallets' addresses, and where each stands in their alphabetical order."""

    addresses: pa.Array
    rank: Ints


def names(rng: np.random.Generator, wallets: Wallets) -> WalletAddresses:
    """A made-up address for each wallet, as its chain writes them."""
    n, utxo = len(wallets), np.flatnonzero(wallets.utxo)
    account = random_hex(rng, n - len(utxo), 20)
    at = np.empty(n, dtype=np.int64)
    at[np.flatnonzero(~wallets.utxo)] = np.arange(n - len(utxo))
    at[utxo] = n - len(utxo) + np.arange(len(utxo))
    addresses = pa.concat_arrays([account, random_bech32(rng, len(utxo))]).take(pa.array(at))
    order = pc.sort_indices(addresses).to_numpy()
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    return WalletAddresses(addresses, rank)


def random_bech32(rng: np.random.Generator, n: int) -> pa.Array:
    """n random Bitcoin addresses of version 0 (BIP 173)."""
    programs = rng.integers(0, 32, (n, 32)).tolist()
    return pa.array([bech32.bech32_encode("bc", [0, *program], m=1).decode() for program in programs], pa.string())


def random_hex(rng: np.random.Generator, n: int, size: int) -> pa.Array:
    """n random strings: 0x and two hex digits for each of `size` bytes."""
    return as_hex(rng.integers(0, 256, (n, size), dtype=np.uint8))


def as_hex(raw: npt.NDArray[np.uint8]) -> pa.Array:
    """Each row of bytes as a string: 0x and two hex digits per byte."""
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    n, size = raw.shape
    text = np.empty((n, 2 + 2 * size), dtype=np.uint8)
    text[:, :2] = np.frombuffer(b"0x", dtype=np.uint8)
    text[:, 2::2], text[:, 3::2] = digits[raw >> 4], digits[raw & 15]
    offsets = np.arange(n + 1, dtype=np.int32) * (2 + 2 * size)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text))


def in_order(rng: np.random.Generator, rows: Columns, known: WalletAddresses) -> tuple[Columns, Ints]:
    """Rows in the total order of a transfers file, with their `tx`, a random number per transaction; and where each row went.

    Args:
        rows: what happened, in order of time; `transaction` numbers them.
    """
    distinct, which = np.unique(rows["transaction"], return_inverse=True)
    rows = rows | {"tx": rng.integers(0, 2**64, len(distinct), dtype=np.uint64)[which]}
    amount = rows["minor"] / MINOR_UNITS[rows["asset"]]
    ends = known.rank[rows["receiver"]], known.rank[rows["sender"]]
    order = np.lexsort((amount, _ASSET_RANK[rows["asset"]], *ends, rows["tx"], rows["t"]))
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    return {name: column[order] for name, column in rows.items()}, position


def transfers(rng: np.random.Generator, market: Market, rows: Columns, known: WalletAddresses, shift: int) -> pa.Table:
    """The canonical table of rows that happened, in the order they come in.

    Args:
        rows: columns of the plan and of `AccountBooks.settle` (settlement.py), and `price` (of gas), `nonce` (−1 = none), `tx`.
        shift: turns the simulator's seconds into unix seconds.
    """
    asset, n = rows["asset"], len(rows["t"])
    amount, own = rows["minor"] / MINOR_UNITS[asset], rows["fee"] > 0
    account = asset != BTC
    named = np.where(rows["method"] == PLAIN, np.where(asset == ETH, 0, len(METHODS)), rows["method"])
    named = np.where(account, named, 0)
    data = {
        "timestamp": pa.array((rows["t"] + shift) * 1_000_000, pa.timestamp("us", "UTC")),
        "sender": known.addresses.take(pa.array(rows["sender"])),
        "receiver": known.addresses.take(pa.array(rows["receiver"])),
        "amount": amount,
        "asset": pa.array(ASSETS).take(pa.array(asset)),
        "tx_id": as_hex(rows["tx"].astype(">u8").view(np.uint8).reshape(n, 8)),
        "usd": pa.array(market.dollars(rng, asset, rows["t"], amount), from_pandas=True),
        "chain": pa.array(CHAINS).take(pa.array((~account).astype(np.int8))),
        "fee": pa.array(rows["fee"] / MINOR_UNITS[NATIVE[asset]], mask=~own),
        "gas_price": pa.array(np.round(rows["price"] * 1e9), mask=~(own & account)),
        "nonce": pa.array(rows["nonce"], mask=rows["nonce"] < 0),
        "failed": rows["failing"],
        "method": pa.array([*METHODS, "transfer"], pa.string()).take(pa.array(named)),
        "self_transfer": np.zeros(n, dtype=bool),
    }
    return pa.table(data).cast(SCHEMA.remove_metadata()).cast(SCHEMA)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, whole or not at all."""
    write_atomically(path, lambda file: frame.to_csv(file, index=False, lineterminator="\n"))
