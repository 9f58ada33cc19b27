"""The snapshots of a training: a grid of as-of dates, and the wallets that have enough history on each date.

Nothing is random. Snapshots are chosen by a hash of address and date, so the order and number of other wallets change nothing.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...features.base.periods import parse_window
from ...features.extraction.extractor import coverage, snapshots_of
from ...features.ledger.ledger import Ledger
from ..config.sections import SnapshotsConfig

_CALENDAR = {"month": "MS", "quarter": "QS"}
_EPOCH = pd.Timestamp("1970-01-01", tz="UTC")
_DAY = 86_400


def unit_hash(texts: Iterable[str], purpose: str) -> np.ndarray:
    """A hash of each text as a number in [0, 1), shape (n,): the same in every process, and independent between purposes."""
    key = purpose.encode()[:64]
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts)
    return (np.frombuffer(digests, "<u8") >> np.uint64(11)) / 2.0**53


def as_of_grid(first: pd.Timestamp, last: pd.Timestamp, every: str) -> pd.DatetimeIndex:
    """The as-of dates from `first` to `last`, both included.

    `month` and `quarter` give the first days of calendar months and quarters (UTC). A length such as `30d` counts from
    1970-01-01, so that more data never move a date.
    """
    if every in _CALENDAR:
        return pd.date_range(first.ceil("D"), last, freq=_CALENDAR[every])
    step = parse_window(every) or 0
    start = -(-math.ceil(first.timestamp()) // step) * step
    return pd.date_range(pd.Timestamp(start, unit="s", tz="UTC"), last, freq=f"{step}s")


def as_of_dates(ledger: Ledger, config: SnapshotsConfig) -> pd.DatetimeIndex:
    """The as-of dates of a ledger: those whose whole window lies in its data, unless the config sets first and last."""
    if ledger.first is None or ledger.last is None:
        return pd.DatetimeIndex([], tz="UTC")
    first = _timestamp(ledger.first + (parse_window(config.window) or 0)) if config.first is None else config.first
    last = _timestamp(ledger.last + _DAY) if config.last is None else config.last
    return as_of_grid(first, last, config.every)


def _timestamp(seconds: int) -> Any:
    return pd.Timestamp(seconds, unit="s", tz="UTC")


def sample_snapshots(ledger: Ledger, addresses: Sequence[str], config: SnapshotsConfig) -> pd.DataFrame:
    """The snapshots of `addresses` with at least `min_transfers` transfers in their window.

    Returns:
        `coverage`'s columns [address, as_of, transfers, first, last, priced_share], sorted by as_of and address.
    """
    ordered = sorted(set(addresses))
    seen = [
        coverage(ledger, snapshots_of(ordered, as_of), window=config.window) for as_of in as_of_dates(ledger, config)
    ]
    if not seen:
        return coverage(ledger, snapshots_of([], _EPOCH), window=config.window)
    enough = [frame.loc[frame["transfers"] >= config.min_transfers] for frame in seen]
    return _limit_per_wallet(pd.concat(enough, ignore_index=True), config.max_per_wallet)


def _limit_per_wallet(snapshots: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """At most `limit` snapshots per wallet: those with the lowest hash of address and date."""
    if limit is None or snapshots.empty:
        return snapshots
    seconds = snapshots["as_of"].astype("int64").astype("str")
    hash_fraction = pd.Series(unit_hash(snapshots["address"] + "|" + seconds, "max_per_wallet"), index=snapshots.index)
    return snapshots.loc[hash_fraction.groupby(snapshots["address"]).rank(method="first") <= limit].reset_index(
        drop=True
    )
