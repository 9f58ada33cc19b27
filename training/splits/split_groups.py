"""The groups of snapshots that a splitter needs: a frame with one row per snapshot, read and checked. Splits nothing.

Columns: `address`; `as_of` (UTC); `known_from`, since when the row's label is known (UTC, empty = always); `case`, the theft that
the wallet belongs to (empty = none); `transfers`, the number of transfers that the snapshot sees.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.model_selection import BaseCrossValidator

from ...features.base.errors import UsageError
from ...features.base.periods import parse_window
from ...features.transfers.addresses import normalise_addresses
from ..data.dataset import Dataset

NO_CASE = -1
_Splitter: Any = BaseCrossValidator  # which declares that it returns nothing


@dataclass(frozen=True)
class SnapshotGroups:
    """The columns of the frame as arrays, one number per row. Columns that were not requested or do not exist are empty.

    Attributes:
        wallet: the number of the row's address, int64.
        addresses: the addresses by number, in their normal spelling.
        as_of, known_from: datetime64[us], UTC; `known_from` is NaT if the label was always known.
        case: the number of the row's case, int64; −1 if there is none.
        cases: the names of the cases by number, in alphabetical order.
        transfers: float64.
    """

    wallet: np.ndarray
    addresses: list[str]
    as_of: np.ndarray
    known_from: np.ndarray
    case: np.ndarray
    cases: list[str]
    transfers: np.ndarray


class GroupedSplitter(_Splitter):
    """A scikit-learn splitter that depends on `groups`, a frame with one row per snapshot."""

    __metadata_request__split: ClassVar = {"groups": True}  # as scikit-learn's own splitters of groups say

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of the training and of the test rows of each fold, int64, ascending.

        Args:
            X: anything with one row per snapshot; only its length is checked. None for no check.
            y: 0 and 1; only `LeaveOneCaseOut` uses it.
            groups: the frame; each splitter lists the columns that it needs.

        Raises:
            UsageError: if the frame cannot be used, or a fold would have an empty side.
        """
        raise NotImplementedError

    def _read(self, X: Any, groups: Any, needs: Iterable[str], wants: Iterable[str] = ()) -> SnapshotGroups:
        return read_groups(groups, X, type(self).__name__, tuple(needs), tuple(wants))

    def _refuse(self, what: str) -> UsageError:
        return UsageError(f"{type(self).__name__}: {what}")


def groups_of(dataset: Dataset) -> pd.DataFrame:
    """The groups of a dataset: [address, as_of, transfers, case, known_from], one row per snapshot, in the same order.

    `known_from` is the earliest date of the wallet's labels; NaT if one of them has no date.
    """
    labels = dataset.targets.labels
    undated = labels["known_from"].isna().groupby(labels["address"]).any()
    since: Any = labels.groupby("address")["known_from"].min()
    snapshots: Any = dataset.snapshots.loc[:, ["address", "as_of", "transfers"]].reset_index(drop=True)
    case = dataset.label_details["case"].reset_index(drop=True)
    return snapshots.assign(case=case, known_from=snapshots["address"].map(since.where(~undated)))


def parse_length(text: str | None, key: str, who: str) -> np.timedelta64:
    """A length such as `90d` as timedelta64[us]; zero for None. Raises UsageError if it is not a length."""
    if text is None:
        return np.timedelta64(0, "us")
    try:
        seconds = parse_window(text)
    except (UsageError, TypeError):
        seconds = None
    if seconds is None:
        raise UsageError(f"{who}: {key} must be a length such as 90d, or None, not {text!r}")
    return np.timedelta64(seconds, "s").astype("timedelta64[us]")


def read_groups(groups: Any, X: Any, who: str, needs: tuple[str, ...], wants: tuple[str, ...] = ()) -> SnapshotGroups:
    """Check the frame and convert its columns to arrays.

    Args:
        groups: the frame.
        X: must have as many rows; None for no check.
        who: the name of the splitter, for error texts.
        needs: columns that must exist.
        wants: columns that are read if they exist.

    Raises:
        UsageError: if `groups` is not a frame, lacks a column or a value, or has a column of the wrong type.
    """
    if not isinstance(groups, pd.DataFrame):
        got = "None" if groups is None else type(groups).__name__
        raise UsageError(f"{who}: groups must be a frame with one row per snapshot and {', '.join(needs)}, not {got}")
    if missing := [name for name in needs if name not in groups.columns]:
        columns = ", ".join(map(str, groups.columns)) or "none"
        raise UsageError(f"{who}: groups lack the column {missing[0]!r}; the columns are: {columns}")
    if X is not None and (rows := np.shape(X)[0] if np.shape(X) else len(X)) != len(groups):
        raise UsageError(f"{who}: groups have {len(groups)} rows and X has {rows}; give one row of groups per row of X")
    if not len(groups):
        raise UsageError(f"{who}: groups have no row; there is nothing to split")
    requested = {*needs, *wants} & set(groups.columns)
    empty = np.empty(0, np.int64)
    arrays: dict[str, Any] = {"wallet": empty, "addresses": [], "case": empty, "cases": []}
    arrays |= {"as_of": empty, "known_from": empty, "transfers": empty}
    for name in requested:
        arrays |= _READERS[name](groups.loc[:, name].reset_index(drop=True), who)
    return SnapshotGroups(**arrays)


def checked_outcomes(y: Any, rows: int, who: str) -> np.ndarray:
    """y as int8 of shape (rows,), checked to be 0 and 1."""
    if y is None:
        raise UsageError(f"{who}: y is needed, with 1 for a positive and 0 for a negative")
    values = np.asarray(y)
    if values.shape != (rows,):
        raise UsageError(f"{who}: y has the shape {values.shape}, and groups have {rows} rows; give one value per row")
    if not np.isin(values, (0, 1)).all():
        raise UsageError(f"{who}: y must be 0 or 1, not {values[~np.isin(values, (0, 1))][0]!r}")
    return values.astype(np.int8)


def normal_spelling(addresses: Iterable[str]) -> list[str]:
    """Addresses in their normal spelling."""
    return normalise_addresses(pa.array(list(addresses), pa.string())).to_pylist()


def _addresses(column: pd.Series, who: str) -> dict[str, Any]:
    codes, names = _texts(column, "address", who)
    if (codes < 0).any():
        raise UsageError(f"{who}: groups.address is missing in row {np.flatnonzero(codes < 0)[0] + 1}")
    wallet, spellings = pd.factorize(np.array(normal_spelling(names), dtype=object))
    return {"wallet": wallet[codes].astype(np.int64), "addresses": list(spellings)}


def _cases(column: pd.Series, who: str) -> dict[str, Any]:
    codes, names = _texts(column, "case", who)
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    number = np.empty(len(names) + 1, np.int64)
    number[order], number[-1] = np.arange(len(names)), NO_CASE
    return {"case": number[codes], "cases": [names[i] for i in order]}


def _texts(column: pd.Series, name: str, who: str) -> tuple[np.ndarray, list[str]]:
    codes, names = pd.factorize(column)
    for value in names:
        if not isinstance(value, str):
            raise UsageError(f"{who}: groups.{name} must be text, not {type(value).__name__} {value!r}")
    return codes, list(names)


def _timestamps(name: str, missing_allowed: bool) -> Callable[[pd.Series, str], dict[str, Any]]:
    def read(column: pd.Series, who: str) -> dict[str, Any]:
        missing = column.isna().to_numpy()
        if missing.any() and not missing_allowed:
            raise UsageError(f"{who}: groups.{name} is missing in row {np.flatnonzero(missing)[0] + 1}")
        if missing.all():
            return {name: np.full(len(column), np.datetime64("NaT"), "datetime64[us]")}
        if not isinstance(column.dtype, pd.DatetimeTZDtype):
            raise UsageError(
                f"{who}: groups.{name} must be dates with a time zone, not {column.dtype}; use dt.tz_localize('UTC')"
            )
        return {name: column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]")}

    return read


def _transfers(column: pd.Series, who: str) -> dict[str, Any]:
    numbers: Any = pd.to_numeric(column, errors="coerce")
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if wrong := np.flatnonzero(~(values >= 0)).tolist():
        raise UsageError(
            f"{who}: groups.transfers must be numbers from 0 on; row {wrong[0] + 1} has {column.tolist()[wrong[0]]!r}"
        )
    return {"transfers": values}


_READERS: dict[str, Callable[[pd.Series, str], dict[str, Any]]] = {
    "address": _addresses,
    "as_of": _timestamps("as_of", missing_allowed=False),
    "known_from": _timestamps("known_from", missing_allowed=True),
    "case": _cases,
    "transfers": _transfers,
}
