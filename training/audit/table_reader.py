"""From any table of features and labels to the audit's table: the role of each column, and the split into training and test."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ...features.base.errors import DataError, UsageError, WalletprintError
from ...features.base.periods import parse_as_of
from ...features.base.read_table import read_small_table
from . import column_kinds
from .audit_report import named
from .audit_table import AuditTable, SplitGroup, codes_of
from .thresholds import NAMED

TEST_SHARE = 0.3
DEFAULT_COLUMNS = {"address": "address", "time": "as_of", "known_from": "known_from", "source": "source"}
"""Columns that have a role by their names, in upper or lower case, unless an option names another column."""
TRAIN, TEST = ("train", "training"), ("test", "testing")


@dataclass(frozen=True)
class ColumnRoles:
    """The column of each role; None or empty where a role has none."""

    label: str
    address: str | None = None
    time: str | None = None
    first: str | None = None
    last: str | None = None
    known_from: str | None = None
    source: str | None = None
    split: str | None = None
    split_at: str | None = None
    groups: Sequence[str] = ()
    ignore: Sequence[str] = ()
    seed: int = 7

    @property
    def taken(self) -> set[str]:
        """All columns that have a role; they are no features."""
        single = (self.label, self.address, self.time, self.first, self.last, self.known_from, self.source, self.split)
        return {name for name in single if name} | set(self.groups) | set(self.ignore)


@dataclass
class _PlainColumns:
    """The columns without a role, by what they hold."""

    features: dict[str, np.ndarray] = field(default_factory=dict)
    row_names: dict[str, np.ndarray] = field(default_factory=dict)
    date_like: list[str] = field(default_factory=list)
    size_like: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


def read_audit_table(source: str | os.PathLike[str] | pd.DataFrame, roles: ColumnRoles) -> AuditTable:
    """Read a table, and split it.

    Raises:
        UsageError: a named column is missing, or has two roles, or the split cannot be made.
        DataError: the file cannot be read, the label does not have two values, or a column of dates holds something else.
    """
    source_name, frame = read_small_table(source, "a table of features")
    frame = frame.rename(columns=str).reset_index(drop=True)
    _check_columns(source_name, frame, roles)
    roles = _with_default_roles(frame, roles)
    notes: list[str] = []
    label = _labels(source_name, frame, roles.label, notes)
    frame = frame.loc[label.notna()].reset_index(drop=True)
    y = label.dropna().to_numpy(dtype=np.int64)
    columns = _by_content(frame, roles)
    if not columns.features:
        raise DataError(
            f"{source_name}: no column is left as a feature; name fewer of them, or give a table with features"
        )
    clocks = {name: _clock(source_name, frame, name) for name in (roles.time, roles.first, roles.last) if name}
    as_of = clocks[roles.time] if roles.time else None
    train, test, split_text, cutoff = _split(source_name, frame, y, as_of, roles, notes)
    wallets = codes_of(column_kinds.texts(frame.loc[:, roles.address]).str.casefold()) if roles.address else None
    return AuditTable(
        X=pd.DataFrame(columns.features),
        y=y,
        train=train,
        test=test,
        clocks=pd.DataFrame(clocks, index=frame.index),
        split=split_text,
        as_of=as_of,
        known_from=_clock(source_name, frame, roles.known_from) if roles.known_from else None,
        cutoff=cutoff,
        source=column_kinds.texts(frame.loc[:, roles.source]) if roles.source else None,
        wallets=wallets,
        groups=_groups(frame, roles, wallets, train, test, as_of),
        date_like=tuple(columns.date_like),
        size_like=tuple(columns.size_like),
        row_names=columns.row_names,
        notes=(*notes, *_notes(columns, roles)),
    )


def _check_columns(source_name: str, frame: pd.DataFrame, roles: ColumnRoles) -> None:
    if frame.columns.has_duplicates:
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{source_name}: two columns are named {repeated}; give each a name of its own")
    for name in [roles.label, *sorted(roles.taken - {roles.label})]:
        if name not in frame:
            listed = named(frame.columns, 12)
            raise UsageError(f"{source_name}: there is no column {name!r}; its columns are {listed}")
    single_roles = [
        roles.label,
        roles.address,
        roles.time,
        roles.first,
        roles.last,
        roles.known_from,
        roles.split,
        *roles.ignore,
    ]
    named_columns = [name for name in single_roles if name]
    if repeated := sorted({name for name in named_columns if named_columns.count(name) > 1}):
        raise UsageError(f"column {repeated[0]!r} is named for two things; name it for one")
    if roles.split and roles.split_at:
        raise UsageError("split and split_at: give one of them")


def _with_default_roles(frame: pd.DataFrame, roles: ColumnRoles) -> ColumnRoles:
    """The roles, with columns added whose names walletprint itself uses for a role."""
    folded = {name.casefold(): name for name in reversed(frame.columns)}
    found_by_name = {
        role: folded[usual]
        for role, usual in DEFAULT_COLUMNS.items()
        if getattr(roles, role) is None and usual in folded and folded[usual] not in roles.taken
    }
    return replace(roles, **found_by_name)


def _labels(source_name: str, frame: pd.DataFrame, name: str, notes: list[str]) -> pd.Series:
    """1 for positive and 0 for negative, null where the label is empty. Positive is the higher number, or the rarer word."""
    text = column_kinds.texts(frame.loc[:, name])
    values = sorted(text.dropna().unique())
    if len(values) > 2 or not values:
        shown = f"has {len(values)} values ({named(values, NAMED)})" if values else "is empty"
        raise DataError(f"{source_name}: label {name!r} {shown}; a column with two values is needed, such as 0 and 1")
    if empty := int(text.isna().sum()):
        notes.append(f"{empty:,} rows without a label were left out")
    positive = _positive(column_kinds.column_of(frame.loc[:, name]), text, values)
    notes.append(f"positive are the rows whose {name} is {positive}")
    return pd.Series(np.where(text.isna(), np.nan, text == positive), index=text.index)


def _positive(column: column_kinds.Column, text: pd.Series, values: list[str]) -> str:
    if column.kind == column_kinds.NUMBER:
        high = values[-1] if len(values) == 1 else text.loc[np.nanargmax(column.values)]
        return str(high) if len(values) == 2 or float(np.nanmax(column.values)) > 0 else "1"
    counts = text.value_counts()
    return min(values, key=lambda value: (counts[value], value))


def _by_content(frame: pd.DataFrame, roles: ColumnRoles) -> _PlainColumns:
    parts = _PlainColumns()
    for name in frame.columns.difference(list(roles.taken), sort=False):
        column = column_kinds.column_of(frame.loc[:, name])
        if column.kind == column_kinds.OTHER:
            parts.other.append(name)
        elif column.names_row:
            parts.row_names[name] = column.values
        else:
            parts.features[name] = column.values
            parts.date_like += [name] if column_kinds.is_date_like(name, column) else []
            parts.size_like += [name] if column_kinds.is_size_like(name, column) else []
            parts.text += [name] if column.kind == column_kinds.TEXT else []
    return parts


def _notes(parts: _PlainColumns, roles: ColumnRoles) -> list[str]:
    groups_of_columns = {
        "speak of time, by their values or names, and are features": parts.date_like,
        "hold text, and stand for how frequent it is": parts.text,
        "number or name the rows, and are no features": list(parts.row_names),
        "hold lists or records, and were left out": parts.other,
    }
    defaults = [f"{role} is read from {getattr(roles, role)}" for role in DEFAULT_COLUMNS if getattr(roles, role)]
    return defaults + [f"{content}: {', '.join(names)}" for content, names in groups_of_columns.items() if names]


def _clock(source_name: str, frame: pd.DataFrame, name: str) -> np.ndarray:
    column = column_kinds.column_of(frame.loc[:, name])
    if column.kind in (column_kinds.TEXT, column_kinds.OTHER):
        text = column_kinds.texts(frame.loc[:, name])
        bad = text.notna() & pd.to_datetime(text, utc=True, errors="coerce", format="ISO8601").isna()
        row = int(bad.to_numpy().argmax())
        raise DataError(
            f"{source_name}, row {row + 1}: {name} must be a date (2021-04-01) or a number, not {frame.loc[:, name].iloc[row]!r}"
        )
    return column_kinds.clock(column)


def _split(
    source_name: str, frame: pd.DataFrame, y: np.ndarray, as_of: np.ndarray | None, roles: ColumnRoles, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, str, float | None]:
    """Positions of the training rows and of the test rows, the split in words, and the last date that training knows."""
    cutoff = None
    if roles.split_at is not None:
        if as_of is None:
            raise UsageError("split_at: the rows' dates are needed too; name their column with time")
        cutoff = _cutoff(roles.split_at)
        train, test = np.flatnonzero(as_of <= cutoff), np.flatnonzero(as_of > cutoff)
        split_text = f"split in time: trained on rows up to {roles.split_at}"
    elif roles.split is not None:
        train, test = _split_by_column(source_name, frame, roles.split)
        split_text = f"split as column {roles.split} says"
    else:
        train, test = _random_split(y, roles.seed)
        split_text = f"random split, {1 - TEST_SHARE:.0%} to train"
    if left_out := len(y) - len(train) - len(test):
        notes.append(f"{left_out:,} rows are on neither side of the split")
    if cutoff is None and as_of is not None and len(train) and not np.isnan(as_of[train]).all():
        cutoff = float(np.nanmax(as_of[train]))
    return train, test, split_text, cutoff


def _cutoff(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse_as_of(text).timestamp() / column_kinds.DAY
    except WalletprintError as error:
        raise UsageError(f"split_at: {str(error).removeprefix('as_of: ')}") from None


def _split_by_column(source_name: str, frame: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    side = column_kinds.texts(frame.loc[:, name]).str.casefold()
    sides = tuple(np.flatnonzero(side.isin(values).to_numpy()) for values in (TRAIN, TEST))
    if not all(map(len, sides)):
        values = named(sorted(side.dropna().unique()), NAMED) or "nothing"
        raise UsageError(f"{source_name}: split column {name!r} must hold train and test, not {values}")
    return sides[0], sides[1]


def _random_split(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A random split, with the same share of positives on both sides where each class has at least two rows."""
    if len(y) < 2:
        raise DataError(f"the table has {len(y)} row with a label; a training and a test row are needed at least")
    stratify = y if min(np.bincount(y, minlength=2)) >= 2 and len(y) >= 10 else None
    train, test = train_test_split(np.arange(len(y)), test_size=TEST_SHARE, random_state=seed, stratify=stratify)
    return np.sort(train), np.sort(test)


def _groups(
    frame: pd.DataFrame,
    roles: ColumnRoles,
    wallets: np.ndarray | None,
    train: np.ndarray,
    test: np.ndarray,
    as_of: np.ndarray | None,
) -> tuple[SplitGroup, ...]:
    groups = [(name, codes_of(column_kinds.texts(frame.loc[:, name]))) for name in roles.groups]
    made = [SplitGroup(name, codes[train], codes[test]) for name, codes in groups]
    if wallets is None or roles.address is None:
        return tuple(made)
    in_time = as_of is not None and len(train) > 0 and len(test) > 0 and bool(as_of[train].max() < as_of[test].min())
    remedy = "measure wallets that were never trained on by themselves, too" if in_time else "split by address"
    return (SplitGroup(roles.address, wallets[train], wallets[test], in_time, remedy), *made)
