"""From what happened on the chain to files: canonical transfers in total order and tables as CSV, written whole or not at all."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ...features.transfers import SCHEMA
from ...features.whole import write_whole
from .market import ASSETS, ETH, MINOR_UNITS, Ints, Market
from .plan import METHODS, PLAIN

CHAIN = "simulated"
_ORDER = ("timestamp", "tx_id", "sender", "receiver", "asset", "amount")

Columns = dict[str, npt.NDArray]


def random_hex(rng: np.random.Generator, n: int, size: int) -> pa.Array:
    """n random strings: 0x and two hex digits for each of `size` bytes."""
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    raw = rng.integers(0, 256, (n, size), dtype=np.uint8)
    text = np.empty((n, 2 + 2 * size), dtype=np.uint8)
    text[:, :2] = np.frombuffer(b"0x", dtype=np.uint8)
    text[:, 2::2], text[:, 3::2] = digits[raw >> 4], digits[raw & 15]
    offsets = np.arange(n + 1, dtype=np.int32) * (2 + 2 * size)
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text))


def transfers(
    rng: np.random.Generator, market: Market, rows: Columns, addresses: pa.Array, nonces_before: Ints
) -> pa.Table:
    """The canonical table of the rows that happened, in total order.

    Args:
        rows: columns of the plan and of `settle`, only rows that happened, in order of time; `transaction` numbers them.
        addresses: by wallet; nonces_before: how many transactions each wallet had sent before the first row.
    """
    sender, asset, n = rows["sender"], rows["asset"], len(rows["t"])
    amount, own = rows["minor"] / MINOR_UNITS[asset], rows["fee"] > 0
    named = np.where(rows["method"] == PLAIN, np.where(asset == ETH, 0, len(METHODS)), rows["method"])
    data = {
        "timestamp": pa.array(rows["t"], pa.timestamp("s", "UTC")),
        "sender": addresses.take(pa.array(sender)),
        "receiver": addresses.take(pa.array(rows["receiver"])),
        "amount": amount,
        "asset": pa.array(ASSETS).take(pa.array(asset)),
        "tx_id": _ids(rng, rows["transaction"]),
        "usd": pa.array(market.dollars(rng, asset, rows["t"], amount), from_pandas=True),
        "chain": pa.array([CHAIN]).take(pa.array(np.zeros(n, np.int8))),
        "fee": pa.array(rows["fee"] / 1e9, mask=~own),
        "gas_price": pa.array(np.round(rows["gwei"] * 1e9), mask=~own),
        "nonce": pa.array(_nonces(sender, own, nonces_before), mask=~own),
        "failed": rows["failing"],
        "method": pa.array([*METHODS, "transfer"], pa.string()).take(pa.array(named)),
        "self_transfer": np.zeros(n, dtype=bool),
    }
    table = pa.table(data).cast(SCHEMA.remove_metadata())
    return table.sort_by([(name, "ascending") for name in _ORDER]).cast(SCHEMA)


def _ids(rng: np.random.Generator, transaction: Ints) -> pa.Array:
    """A random id for each transaction, the same for all of its rows."""
    distinct, which = np.unique(transaction, return_inverse=True)
    return random_hex(rng, len(distinct), 8).take(pa.array(which))


def _nonces(sender: Ints, own: npt.NDArray[np.bool_], before: Ints) -> Ints:
    """Running number of each sender's own transactions, on from what it had before; −1 for other rows. Rows in order of time."""
    rows = np.flatnonzero(own)
    grouped = rows[np.argsort(sender[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(sender[grouped], prepend=-1))
    count = np.arange(len(grouped)) - np.repeat(starts, np.diff(np.append(starts, len(grouped))))
    nonce = np.full(len(sender), -1, dtype=np.int64)
    nonce[grouped] = count + before[sender[grouped]]
    return nonce


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV, whole or not at all."""
    write_whole(path, lambda file: frame.to_csv(file, index=False, lineterminator="\n"))
