"""Makes the transfers that the speed benchmarks read: as many as asked for, with the shapes that decide how fast an engine is.

Degrees follow a power law and the largest hubs both send and receive, a fifth of the rows send on what came in, amounts repeat
and are round, hours are diurnal. It is no model of crime: that is `simulation/`. Amounts are whole units of one asset, so that
sums are exact in any order and engines can be compared to the last digits.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ....features import parse_as_of
from ....features.base.arrow import pc
from ....features.transfers.schema import SCHEMA

START = int(parse_as_of("2023-01-01").timestamp())
SPAN = 2 * 365 * 86_400
LARGEST = 999_999
_FORWARDED, _SELF, _SHARED_HUBS = 0.2, 0.015, 200
_BLOCK = 1_000_000
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)


class Drawn(NamedTuple):
    """Transfers as numbers: wallets by id, seconds since `START`, whole units."""

    sender: np.ndarray
    receiver: np.ndarray
    time: np.ndarray
    amount: np.ndarray


def generate(path: Path, rows: int, seed: int = 7) -> Path:
    """Write `rows` transfers as Parquet, as `ingest` would leave them; the same for the same seed.

    Args:
        path: of the file. What is written comes to stand there when it is complete.
        rows: needs about 120 bytes of memory each.
        seed: of all chance.
    """
    drawn = _sorted(_drawn(rows, np.random.default_rng(seed)))
    partial = path.with_suffix(".tmp")
    with pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer:
        for block in _blocks(drawn):
            writer.write_table(block, row_group_size=_BLOCK)
    return partial.replace(path)


def _drawn(rows: int, rng: np.random.Generator) -> Drawn:
    """The transfers in no order: those of their own, then those that send on what one of them brought."""
    wallets = max(1000, rows // 5)
    places = rng.permutation(wallets).astype(np.int32), rng.permutation(wallets).astype(np.int32)
    first = rows - int(rows * _FORWARDED)
    own = _own(first, wallets, places, rng)
    onward = _onward(own, rows - first, wallets, places[1], rng)
    return Drawn(*(np.concatenate(columns) for columns in zip(own, onward, strict=True)))


def _own(rows: int, wallets: int, places: tuple[np.ndarray, np.ndarray], rng: np.random.Generator) -> Drawn:
    sender = _scattered(_ranks(rows, wallets, 0.85, rng), places[0])
    receiver = _scattered(_ranks(rows, wallets, 0.95, rng), places[1])
    receiver = np.where(rng.random(rows) < _SELF, sender, receiver)
    return Drawn(sender, receiver, _times(rows, rng), _amounts(rows, rng))


def _onward(own: Drawn, rows: int, wallets: int, places: np.ndarray, rng: np.random.Generator) -> Drawn:
    """Receivers send on 85 to 100 % of what they received, most within hours."""
    source = rng.integers(0, len(own.time), rows)
    receiver = _scattered(_ranks(rows, wallets, 0.95, rng), places)
    time = own.time[source] + 1 + rng.exponential(6 * 3600, rows).astype(np.int32)
    amount = np.maximum(1, (own.amount[source] * rng.uniform(0.85, 1.0, rows)).astype(np.int32))
    return Drawn(own.receiver[source], receiver, np.minimum(time, SPAN - 1).astype(np.int32), amount)


def _ranks(rows: int, wallets: int, steepness: float, rng: np.random.Generator) -> np.ndarray:
    """Ranks of wallets with a frequency of (rank + 2) to the power of −steepness, by the inverse of its distribution."""
    power = 1 - steepness
    low, high = 2.0**power, (wallets + 2.0) ** power
    ranks = (rng.random(rows) * (high - low) + low) ** (1 / power) - 2
    return np.minimum(ranks, wallets - 1).astype(np.int32)


def _scattered(ranks: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Wallets of ranks: the first hubs are the same among senders and receivers, the rest are not."""
    return np.where(ranks < _SHARED_HUBS, ranks, places[ranks])


def _times(rows: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds: more of them later, and three fifths of them around the afternoon."""
    time = (rng.random(rows) ** 0.7 * SPAN).astype(np.int32)
    afternoon = (rng.normal(15, 4, rows) % 24 * 3600).astype(np.int32) % 86_400
    return np.where(rng.random(rows) < 0.6, time // 86_400 * 86_400 + afternoon, time)


def _amounts(rows: int, rng: np.random.Generator) -> np.ndarray:
    """Whole units around a median of 150; an eighth of them full tens, a twelfth just 100."""
    size = np.exp(rng.normal(5, 2.2, rows))
    kind = rng.random(rows)
    size = np.where(kind < 0.12, np.round(size, -1) + 10, np.where(kind < 0.2, 100, size))
    return np.clip(np.rint(size), 1, LARGEST).astype(np.int32)


def _sorted(drawn: Drawn) -> Drawn:
    """By time, then amount. Both fit into one number, which sorts faster than two."""
    order = np.argsort(drawn.time.astype(np.int64) * (LARGEST + 1) + drawn.amount, kind="stable")
    return Drawn(*(column[order] for column in drawn))


def _blocks(drawn: Drawn) -> Iterator[pa.Table]:
    """The rows in `SCHEMA`, some at a time: strings are many times as large as the numbers they are made of."""
    for start in range(0, len(drawn.time), _BLOCK):
        yield _block(Drawn(*(column[start : start + _BLOCK] for column in drawn)), start)


def _block(part: Drawn, start: int) -> pa.Table:
    numbers = pa.array(np.arange(start, start + len(part.time))).cast(pa.string())
    known = {
        "timestamp": pa.array((part.time + np.int64(START)) * 1_000_000).cast(pa.timestamp("us", "UTC")),
        "sender": _addresses(part.sender),
        "receiver": _addresses(part.receiver),
        "amount": pa.array(part.amount.astype(np.float64)),
        "asset": pa.repeat("ETH", len(part.time)),
        "tx_id": pc.binary_join_element_wise("t", numbers, ""),
        "self_transfer": pa.array(part.sender == part.receiver),
    }
    absent = {field.name: pa.nulls(len(part.time), field.type) for field in SCHEMA if field.name not in known}
    return pa.table(known | absent).select(SCHEMA.names).cast(SCHEMA)


def _addresses(ids: np.ndarray) -> pa.Array:
    """An address of 42 characters for each id: 0x and the hex digits of a hash that no two ids share."""
    words = np.stack([_hash(ids, salt) for salt in range(3)], axis=1)
    raw = words.view(np.uint8)[:, :20]
    text = np.empty((len(ids), 42), np.uint8)
    text[:, 0], text[:, 1] = ord("0"), ord("x")
    text[:, 2::2], text[:, 3::2] = _DIGITS[raw >> 4], _DIGITS[raw & 15]
    ends = np.arange(0, 42 * len(ids) + 1, 42, dtype=np.int32)
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(ends), pa.py_buffer(text))


def _hash(ids: np.ndarray, salt: int) -> np.ndarray:
    """SplitMix64: a bijection of 64 bits, so that different ids have different hashes."""
    z = ids.astype(np.uint64) + np.uint64((salt + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)
