"""From a training to the table that its audit checks: the training slice against `test_time`."""

import numpy as np
import pandas as pd

from ..data.dataset import Dataset
from ..data.large_matrix import subtable
from ..splits.time_split import Slice, Slices
from .audit_table import AuditTable, SplitGroup, codes_of
from .column_kinds import DAY, in_days


def training_table(dataset: Dataset, slices: Slices, rows: np.ndarray, trained: int) -> AuditTable:
    """The rows of a training that its audit reads.

    Args:
        dataset: as it was split; slices: its split.
        rows: positions in the dataset.
        trained: how many of them, from the first on, are training rows.
    """
    snapshots, details = dataset.snapshots.iloc[rows], dataset.label_details.iloc[rows]
    y = np.concatenate([_outcome(slices.train, rows[:trained]), _outcome(slices.test_time, rows[trained:])])
    train, test = np.arange(trained), np.arange(trained, len(rows))
    dates = dataset.dates.iloc[rows].reset_index(drop=True)
    in_part = len(rows) < len(slices.train.rows) + len(slices.test_time.rows)
    return AuditTable(
        X=subtable(dataset.X, rows),
        y=y,
        train=train,
        test=test,
        clocks=dates,
        split=f"split in time: trained up to {slices.train_until:%Y-%m-%d}, tested on test_time",
        as_of=dates["as_of"].to_numpy(),
        known_from=_known_from(dataset, snapshots.loc[:, "address"], y) + slices.label_delay.total_seconds() / DAY,
        cutoff=slices.train_until.timestamp() / DAY,
        source=details.loc[:, "source"].reset_index(drop=True),
        category=details.loc[:, "category"].reset_index(drop=True),
        wallets=codes_of(snapshots.loc[:, "address"]),
        groups=_groups_of(dataset, slices),
        notes=(f"{len(rows):,} rows were read, evenly from first to last",) if in_part else (),
    )


def _outcome(part: Slice, rows: np.ndarray) -> np.ndarray:
    return part.y[np.searchsorted(part.rows, rows)].astype(np.int64)


def _known_from(dataset: Dataset, addresses: pd.Series, y: np.ndarray) -> np.ndarray:
    """When the label of each row became known, in days: the earliest date among the wallet's labels of the same class.

    NaN if one of those labels has no date.
    """
    labels = dataset.targets.labels
    days = in_days(labels.loc[:, "known_from"])
    dated = pd.DataFrame({"address": labels["address"], "y": labels["y"].astype(np.int64), "day": days})
    first = dated.groupby(["address", "y"])["day"].agg(lambda day: np.nan if day.isna().any() else day.min())
    rows = pd.MultiIndex.from_arrays([addresses, y], names=["address", "y"])
    return first.reindex(rows).to_numpy(dtype=np.float64)


def _groups_of(dataset: Dataset, slices: Slices) -> tuple[SplitGroup, ...]:
    """Wallets and cases on both sides of the split. Wallets come again in `test_time` by design; `test_new` must have none."""
    wallets, cases = codes_of(dataset.snapshots.loc[:, "address"]), codes_of(dataset.label_details.loc[:, "case"])
    train, later, new = slices.train.rows, slices.test_time.rows, slices.test_new.rows
    if len(new):
        remedy = "a split in which no wallet is on both sides"
        by_wallet = SplitGroup("address in test_new", wallets[train], wallets[new], False, remedy)
    else:
        by_wallet = SplitGroup("address", wallets[train], wallets[later], True, "set split.held_out_addresses above 0")
    leave_out = "compare with leave-one-case-out: a case known from training is easier than a new one"
    return by_wallet, SplitGroup("case", cases[train], cases[later], True, leave_out)
