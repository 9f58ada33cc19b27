"""Transactions as their senders signed them: nonce, gas price, method, and whether they failed.

Moves no value, computes no feature.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from .ordering import mix, order_by_key
from .string_encoder import StringEncoder


class SignedTransactions(NamedTuple):
    """Transactions with a known nonce, a column each, in order of time; rows of one may repeat."""

    sender: np.ndarray  # int32, ids
    time: np.ndarray  # int64, seconds since 1970 UTC
    nonce: np.ndarray  # int64
    price: np.ndarray  # float64, wei; NaN = unknown
    failed: np.ndarray  # bool
    method: np.ndarray  # int32, ids of methods; -1 = a plain transfer


SIGNED_DTYPES = {
    "sender": np.int32,
    "time": np.int64,
    "nonce": np.int64,
    "price": np.float64,
    "failed": np.bool_,
    "method": np.int32,
}
NONE_SIGNED = SignedTransactions(**{name: np.empty(0, dtype) for name, dtype in SIGNED_DTYPES.items()})
_MICROS = pa.timestamp("us", "UTC")
_PLAIN = pa.array(["", "0x"])


def signed_transactions_of(
    batch: pa.Table, moved: np.ndarray, addresses: StringEncoder, strangers: StringEncoder, methods: StringEncoder
) -> SignedTransactions:
    """The transactions among transfers: those with a nonce, signed by their sender.

    The sender of a failed transaction may be in no transfer that moved anything, or only in a later one. It gets an id among
    `strangers`: number i of them is −1 − i here (`with_all_ids`).

    Args:
        batch: `timestamp`, `sender`, `nonce`, `gas_price` and `method` of `SCHEMA`.
        moved: which rows did not fail.
        addresses: has ids for the senders of those that did not fail.
        strangers, methods: give ids to new names.
    """
    known = np.flatnonzero(batch["nonce"].is_valid().to_numpy(zero_copy_only=False))
    if not len(known):
        return NONE_SIGNED
    rows, moved = (
        batch.select(["timestamp", "sender", "nonce", "gas_price", "method"]).take(pa.array(known)),
        moved[known],
    )
    senders = one_array(rows["sender"])
    sender = addresses.look_up(senders)
    sender[~moved] = -1 - strangers.encode(senders.filter(pa.array(~moved)))
    return SignedTransactions(
        sender=sender,
        time=seconds_of(rows["timestamp"]),
        nonce=rows["nonce"].to_numpy(),
        price=pc.fill_null(rows["gas_price"], np.nan).to_numpy(),
        failed=~moved,
        method=_method_of(one_array(rows["method"]), methods),
    )


def with_all_ids(signed: SignedTransactions, addresses: StringEncoder, strangers: StringEncoder) -> SignedTransactions:
    """The same with ids for all senders. Senders in no transfer have ids after those of the addresses.

    They are kept, as a later transfer may name them: that must not change the chain's transactions before it.
    """
    if not len(strangers):
        return signed
    ids = addresses.look_up(strangers.strings())
    unnamed = np.flatnonzero(ids < 0)
    ids[unnamed] = len(addresses) + np.arange(len(unnamed), dtype=ids.dtype)
    sender = signed.sender.copy()
    strange = sender < 0
    sender[strange] = ids[-1 - sender[strange]]
    return signed._replace(sender=sender)


def order_of_signed(
    signed: SignedTransactions, addresses: StringEncoder, strangers: StringEncoder, methods: StringEncoder
) -> np.ndarray:
    """Positions in an order by time that depends neither on ids nor on the files that rows came in."""
    names = np.concatenate([strangers.hashes[::-1], addresses.hashes])[signed.sender + len(strangers)]
    method = np.append(methods.hashes, np.uint64(0))[signed.method]
    numbers = signed.nonce.view(np.uint64), signed.price.view(np.uint64), signed.failed.astype(np.uint64)
    return order_by_key(signed.time, mix(names, method, *numbers))


def seconds_of(timestamps: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Seconds since 1970 (int64)."""
    micros = one_array(timestamps if timestamps.type == _MICROS else timestamps.cast(_MICROS))
    return micros.view(pa.int64()).to_numpy(zero_copy_only=False) // 1_000_000


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _method_of(method: pa.Array, methods: StringEncoder) -> np.ndarray:
    """Ids of methods, −1 where nothing was called."""
    if pa.types.is_dictionary(method.type):
        method = method.dictionary_decode()
    called = np.flatnonzero(~pc.or_(pc.is_null(method), pc.is_in(method, _PLAIN)).to_numpy(zero_copy_only=False))
    ids = np.full(len(method), -1, np.int32)
    ids[called] = methods.encode(method.take(pa.array(called)))
    return ids
