"""From transfers and labels to the table a head learns from: snapshots with features, dates and sizes. Fits nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from ..features.catalogue import FAMILIES, catalogue
from ..features.errors import DataError
from ..features.extract import coverage, extract
from ..features.ledger import Ledger
from .labels import Targets, targets
from .sampling import sample_snapshots
from .splits import Slices, split_snapshots

if TYPE_CHECKING:
    from .config import FeaturesConfig, TrainConfig

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much it is in all."""

_EPOCH, _DAY = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timedelta(days=1)
SIZE = (
    "activity__transfers__total",
    "activity__transfers__in",
    "activity__transfers__out",
    "value__in__total",
    "value__out__total",
)


@dataclass(frozen=True)
class Dataset:
    """Snapshots of labelled wallets, a row each, in the same order in all frames.

    Attributes:
        snapshots: address, as_of, transfers, first, last, priced_share (of the window, as `coverage` gives them).
        X: the features the model may see, float64.
        size: how much the wallet moves: what the size-only shortcut sees, float64.
        dates: as_of, the wallet's first transfer ever, its first and last in the window, in days since 1970: what the date-only
            shortcut sees.
        targets: which wallets are positive and negative, and since when that is known.
        counts: labelled wallets by side, and how many of the positive and negative ones have a snapshot.
        digest: sha256 of transfers and labels, whatever the order or format of their files.
    """

    snapshots: pd.DataFrame
    X: pd.DataFrame
    size: pd.DataFrame
    dates: pd.DataFrame
    targets: Targets
    counts: dict[str, int]
    digest: str

    def where(self, keep: np.ndarray) -> "Dataset":
        """The snapshots for which `keep`, a mask of shape (rows,), is true; counts and digest stay those of the whole."""
        frames = {
            name: getattr(self, name).loc[keep].reset_index(drop=True) for name in ("snapshots", "X", "size", "dates")
        }
        return replace(self, **frames)


def build_dataset(
    ledger: Ledger, labels: pd.DataFrame, config: "TrainConfig", on_progress: Progress | None = None
) -> Dataset:
    """Sample snapshots of the labelled wallets and compute their features.

    Args:
        ledger: the transfers.
        labels: the good ones of `read_labels`.
        config: its `labels`, `snapshots` and `features`.
        on_progress: called with ("extract", transfers done, transfers in all).

    Raises:
        DataError: if no positive or no negative wallet has a snapshot.
    """
    marked = targets(labels, config.labels)
    snapshots = sample_snapshots(ledger, marked.marks["address"].tolist(), config.snapshots)
    counts = {**marked.counts, **_matched(marked, snapshots)}
    _check(counts, config)
    names = feature_names(config.features)
    report = (lambda done, total: on_progress("extract", done, total)) if on_progress else None
    wanted = list(dict.fromkeys([*names, *SIZE]))
    values = extract(ledger, snapshots, window=config.snapshots.window, features=wanted, on_progress=report)
    dates = _days(snapshots, coverage(ledger, snapshots, window=None).loc[:, "first"])
    return Dataset(
        snapshots, values.loc[:, names], values.loc[:, list(SIZE)], dates, marked, counts, data_digest(ledger, labels)
    )


def split(dataset: Dataset, config: "TrainConfig") -> Slices:
    """Split a dataset in time with an embargo, and by address (`splits.split_snapshots`)."""
    return split_snapshots(dataset.snapshots, dataset.targets, config)


def feature_names(config: "FeaturesConfig") -> list[str]:
    """The names of the features that a config lets the model see, in the catalogue's order; exposure only where it is named."""
    families = set(config.families or FAMILIES[:-1])
    return [
        feature.name
        for feature in catalogue()
        if (feature.name in config.names if config.names else feature.family in families)
        and (feature.era_safe or not config.era_safe_only)
    ]


def data_digest(ledger: Ledger, labels: pd.DataFrame) -> str:
    """sha256 (hex) of all transfers and labels: the same for the same rows in any order, file format or spelling."""
    digest = hashlib.sha256()
    wallets = len(ledger.addresses)
    ordered = pa.table({"address": ledger.addresses, "id": np.arange(wallets)}).sort_by("address")
    rank = np.empty(wallets, np.int64)
    rank[ordered["id"].to_numpy()] = np.arange(wallets)
    digest.update("\n".join(ordered["address"].to_pylist()).encode())
    rows = ledger.rows
    assets = pd.factorize(rows.asset)[0]  # asset names are not kept: numbered as they first come in the total order
    for column in (rows.time, rank[rows.sender], rank[rows.receiver], rows.amount, rows.usd, assets):
        digest.update(np.ascontiguousarray(column).tobytes())
    table = labels.sort_values(list(labels.columns), ignore_index=True)
    digest.update(table.to_csv(index=False).encode())
    return digest.hexdigest()


def _days(snapshots: pd.DataFrame, first_ever: pd.Series) -> pd.DataFrame:
    moments = {
        "as_of": snapshots["as_of"],
        "first_ever": first_ever,
        "first": snapshots["first"],
        "last": snapshots["last"],
    }
    return pd.DataFrame({name: (column - _EPOCH) / _DAY for name, column in moments.items()})


def _matched(marked: Targets, snapshots: pd.DataFrame) -> dict[str, int]:
    truth = marked.known_by(None)
    seen = truth[truth.index.isin(snapshots["address"].tolist())]
    return {"positive_with_snapshot": int((seen == 1).sum()), "negative_with_snapshot": int((seen == 0).sum())}


def _check(counts: dict[str, int], config: "TrainConfig") -> None:
    for side in ("positive", "negative"):
        if not counts[side]:
            listed = ", ".join(getattr(config.labels, side))
            raise DataError(
                f"labels: no wallet is {side} for head {config.head} ({listed}); add labels or change labels.{side}"
            )
        if not counts[f"{side}_with_snapshot"]:
            shots = f"{config.snapshots.min_transfers} transfers in any {config.snapshots.window} window"
            raise DataError(
                f"labels: none of the {counts[side]} {side} wallets has {shots}; "
                "check that both are of the same chain, or lower snapshots.min_transfers"
            )
