"""Worked examples: a small history of a wallet `w` for a feature, and the number that its kernel makes of it.

`histories.py` holds the histories, `workings.py` one line of arithmetic where it helps. Only `walletprint features --show`
and tests use them. A feature may have no example.
"""

import math
from dataclasses import dataclass
from functools import cache

import pandas as pd

from ..exposure import with_attribution
from ..extraction.extractor import extract, snapshots_of
from ..families.registry import feature
from ..ledger.ledger import Ledger
from .histories import EXAMPLES, Example, parse
from .workings import WORKINGS

__all__ = ["Worked", "example_of", "worked"]


@dataclass(frozen=True, slots=True)
class Worked:
    """A feature's example.

    Attributes:
        example: the history it is computed from.
        value: what the kernels compute from it.
        working: the same by hand; empty where the history makes it plain.
    """

    example: Example
    value: float
    working: str


def example_of(name: str) -> Example | None:
    """The example of a feature: the one whose key is the longest beginning of its name; None if no key is.

    Raises:
        UsageError: if there is no such feature.
    """
    declared = feature(name)
    begins = [begin for begin in EXAMPLES if declared.name.startswith(begin)]
    return EXAMPLES[max(begins, key=len)] if begins else None


def worked(name: str) -> Worked | None:
    """A feature's example, computed; None if it has none, or one in which nothing happens (the feature is 0 or not defined).

    Raises:
        UsageError: if there is no such feature.
    """
    if (example := example_of(name)) is None:
        return None
    value = float(extract(_ledger(example), snapshots_of(["w"], example.as_of), features=[name])[name].iloc[0])
    return Worked(example, value, WORKINGS.get(name, "")) if math.isfinite(value) and value != 0 else None


@cache
def _ledger(example: Example) -> Ledger:
    lines = [*example.lines, *(line for batch in example.batches for line in batch.lines)]
    frame = pd.DataFrame([{"tx_id": f"row {i}"} | parse(line) for i, line in enumerate(lines)])
    times = pd.to_datetime(frame["timestamp"], utc=True, format="ISO8601")
    ledger = Ledger.from_transfers(frame.assign(timestamp=times))
    return with_attribution(ledger, _labels(example)) if example.labels else ledger


def _labels(example: Example) -> pd.DataFrame:
    frame = pd.DataFrame(list(example.labels), columns=["address", "category"])
    case = ["heist" if category == "theft" else None for _, category in example.labels]
    known = pd.DatetimeIndex(["2020-01-01"] * len(frame), tz="UTC")
    return frame.assign(case=case, known_from=known, known_until=pd.DatetimeIndex([pd.NaT] * len(frame), tz="UTC"))
