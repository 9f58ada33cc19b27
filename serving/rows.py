"""The parts of a scored row that come from no model: facts, coverage, what the caller gave, test addresses. Scores nothing."""

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from ..features.exposure import facts
from ..features.ledger import Ledger
from .calibration import BANDS, UNSCORED
from .model_folder import ModelFolder

TEST_ADDRESSES = {f"0x7e57{number:036x}": band for number, band in enumerate((*BANDS, UNSCORED))}
"""Addresses that nobody owns, and the band that each is answered with, for those who integrate the scorer."""

LIST_END = 10_000
"""Where Etherscan's lists end: a wallet with just so many transfers has, most likely, more of them."""

_OVERRIDES = ("sanctioned",)
_SEEN = ("transfers", "first", "last", "truncated", "priced_share")


def unscored(n: int) -> pd.DataFrame:
    """Rows of the scored columns' types, none of them scored."""
    return pd.DataFrame(
        {
            "score": np.full(n, np.nan),
            "percentile": np.full(n, np.nan),
            "band": pd.array([UNSCORED] * n, dtype="str"),
            "flagged": np.zeros(n, dtype=bool),
            "reasons": objects([] for _ in range(n)),
        }
    )


def objects(values: Iterator[Any] | list[Any]) -> pd.Series:
    """A column of lists and records."""
    return pd.Series(list(values), dtype=object)


def facts_of(ledger: Ledger, seen: pd.DataFrame) -> dict[str, pd.Series]:
    """`exposure`, `labels` and `override` of each snapshot, and of a last one for what has none; None without labels."""
    if ledger.book is None:
        return dict.fromkeys(("exposure", "labels", "override"), objects([None] * (len(seen) + 1)))
    date = (seen["as_of"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy().astype(np.int64)
    exposure, labels = facts(ledger, ledger.ids(seen["address"]), date)
    for fact in itertools.chain.from_iterable(exposure):
        fact["first"], fact["last"] = (pd.Timestamp(fact[name], unit="s", tz="UTC") for name in ("first", "last"))
    return {
        "exposure": objects([*exposure, []]),
        "labels": objects([*labels, []]),
        "override": objects([*map(_override, labels), None]),
    }


def _override(labels: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The label that counts whatever the score is; a fact beside it."""
    return next((dict(label) for label in labels if label["category"] in _OVERRIDES), None)


def coverages(ledger: Ledger, seen: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The coverage of each snapshot, None where nothing was seen; and of a last one for what has none."""
    ids = ledger.ids(seen["address"])
    held = np.where(ids >= 0, ledger.offsets[ids + 1] - ledger.offsets[ids], 0)
    columns = seen.assign(truncated=held == LIST_END)
    for row in zip(*(columns[name].tolist() for name in _SEEN), strict=True):
        yield {
            name: None if value is pd.NaT or value != value else value for name, value in zip(_SEEN, row, strict=True)
        }
    yield dict(zip(_SEEN, (0, None, None, False, None), strict=True))


def moment_of(scored_at: datetime | None) -> pd.Timestamp:
    """The moment that rows carry, in UTC; now if none is given."""
    given = scored_at or datetime.now(UTC)
    aware = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    return pd.Timestamp(aware).as_unit("us")  # pyright: ignore[reportReturnType]


def echoed(addresses: Any) -> pd.Series | None:
    """The caller's own columns of each row, as texts; None if there are none."""
    names = [name for name in addresses.columns if name not in ("address", "as_of")] if _is_frame(addresses) else []
    if not names:
        return None
    columns = [[None if _missing(value) else str(value) for value in addresses[name]] for name in names]
    rows = zip(*columns, strict=True)
    return objects([{"column": str(n), "value": v} for n, v in zip(names, row, strict=True)] for row in rows)


def _is_frame(value: Any) -> bool:
    return isinstance(value, pd.DataFrame)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def fill_tests(frame: pd.DataFrame, bands: pd.Series, model: ModelFolder) -> pd.DataFrame:
    """Answer the rows that asked for test addresses; `bands` holds the band of each, and none for all others."""
    if not len(places := np.flatnonzero(bands.notna().to_numpy())):
        return frame
    answers = pd.DataFrame([_answer(band, model) for band in bands.iloc[places]], index=places)
    for name in answers.columns:
        frame.loc[places, name] = answers[name]
    return frame


def _answer(band: str, model: ModelFolder) -> Mapping[str, Any]:
    if band == UNSCORED:
        error = "test address: never scored"
        return {"score": np.nan, "percentile": np.nan, "band": band, "flagged": False, "error": error, "test": True}
    starts = [0.0, *(getattr(model.bands, name) for name in BANDS[1:]), 1.0]
    score = (starts[BANDS.index(band)] + starts[BANDS.index(band) + 1]) / 2
    flagged = bool(score >= model.threshold)
    return {"score": score, "percentile": 100 * score, "band": band, "flagged": flagged, "error": None, "test": True}
