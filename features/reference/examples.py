"""Worked examples: for every feature a small history of a wallet `w`, and the number that its kernel makes of it.

`histories.py` holds the histories, `workings.py` a line of arithmetic where one helps. Only `walletprint features --show`
and tests use them.
"""

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
        example: the history it is computed of.
        value: what the kernels make of it.
        working: how one gets there by hand; empty where the history says it.
    """

    example: Example
    value: float
    working: str


def example_of(name: str) -> Example:
    """The example that shows a feature: the one with the longest beginning of its name.

    Raises:
        UsageError: if there is no such feature.
    """
    declared = feature(name)
    return EXAMPLES[max((begin for begin in EXAMPLES if declared.name.startswith(begin)), key=len)]


def worked(name: str) -> Worked:
    """The example that shows a feature, computed.

    Raises:
        UsageError: if there is no such feature.
    """
    example = example_of(name)
    value = extract(_ledger(example), snapshots_of(["w"], example.as_of), features=[name])[name].iloc[0]
    return Worked(example, float(value), WORKINGS.get(name, ""))


@cache
def _ledger(example: Example) -> Ledger:
    lines = [*example.lines, *(line for lot in example.lots for line in lot.lines)]
    frame = pd.DataFrame([{"tx_id": f"row {i}"} | parse(line) for i, line in enumerate(lines)])
    times = pd.to_datetime(frame["timestamp"], utc=True, format="ISO8601")
    ledger = Ledger.from_transfers(frame.assign(timestamp=times))
    return with_attribution(ledger, _labels(example)) if example.labels else ledger


def _labels(example: Example) -> pd.DataFrame:
    frame = pd.DataFrame(list(example.labels), columns=["address", "category"])
    case = ["heist" if category == "theft" else None for _, category in example.labels]
    known = pd.DatetimeIndex(["2020-01-01"] * len(frame), tz="UTC")
    return frame.assign(case=case, known_from=known, known_until=pd.DatetimeIndex([pd.NaT] * len(frame), tz="UTC"))
