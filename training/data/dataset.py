"""From transfers and labels to the table a head learns from: snapshots with features, dates and sizes. Fits nothing."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from ...features.base.errors import DataError
from ...features.extraction.extractor import coverage, extract
from ...features.ledger.ledger import Ledger
from ..config.model_features import feature_names
from ..config.train_config import TrainConfig
from . import large_matrix as matrix
from .large_matrix import batch_slices, fill_table, subtable
from .snapshots import sample_snapshots, unit_hash
from .targets import Targets

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much it is in all."""

_EPOCH, _DAY = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timedelta(days=1)
TRIED = 4
"""Wallets that are tried at once for each unlabelled one that is wanted: most have no snapshot."""
SIZE = (
    "activity__transfers__total",
    "activity__transfers__in",
    "activity__transfers__out",
    "value__in__total",
    "value__out__total",
)


@dataclass(frozen=True)
class UnlabelledWallets:
    """Snapshots of wallets that no label names, a row each, in the same order in both frames: kept apart from all others."""

    snapshots: pd.DataFrame
    X: pd.DataFrame


@dataclass(frozen=True)
class Dataset:
    """Snapshots of labelled wallets, a row each, in the same order in all frames.

    Attributes:
        snapshots: address, as_of, transfers, first, last, priced_share (of the window, as `coverage` gives them).
        X: the features the model may see, float64. A large table (`matrix.IN_MEMORY`) lies on disk; take few of its rows at once.
        size: how much the wallet moves: what the size-only shortcut sees, float64.
        dates: as_of, the wallet's first transfer ever, its first and last in the window, in days since 1970: what the date-only
            shortcut sees.
        label_details: category, case and source of the wallet's label, whatever its date; null where the label says none.
        targets: which wallets are positive and negative, and since when that is known.
        counts: labelled wallets by side, and how many of the positive and negative ones have a snapshot.
        digest: sha256 of transfers and labels, whatever the order or format of their files.
        unlabelled: snapshots of wallets without any label, with the columns of `X`; None if the config asks for none.
    """

    snapshots: pd.DataFrame
    X: pd.DataFrame
    size: pd.DataFrame
    dates: pd.DataFrame
    label_details: pd.DataFrame
    targets: Targets
    counts: dict[str, int]
    digest: str
    unlabelled: UnlabelledWallets | None = None

    def subset(self, keep: np.ndarray) -> "Dataset":
        """The snapshots for which `keep`, a mask of shape (rows,), is true; counts, digest and unlabelled wallets stay."""
        small = ("snapshots", "size", "dates", "label_details")
        frames = {name: getattr(self, name).loc[keep].reset_index(drop=True) for name in small}
        return replace(self, X=subtable(self.X, rows=np.flatnonzero(keep)), **frames)


def build_dataset(
    ledger: Ledger, labels: pd.DataFrame, config: TrainConfig, on_progress: Progress | None = None
) -> Dataset:
    """Sample snapshots of the labelled wallets and compute their features.

    Args:
        ledger: the transfers.
        labels: the good ones of `read_labels`.
        config: its `labels`, `snapshots`, `features` and `model.pu_learning`.
        on_progress: called with ("extract", transfers done, transfers in all).

    Raises:
        DataError: if no positive or no negative wallet has a snapshot, or the disk has no room for the features.
    """
    marked = Targets.from_labels(labels, config.labels)
    snapshots = sample_snapshots(ledger, marked.labels["address"].tolist(), config.snapshots)
    counts = {**marked.counts, **_matched(marked, snapshots)}
    _check(counts, config)
    apart = _unlabelled_snapshots(ledger, labels, config)
    names = feature_names(config.features)
    report = _over_all([snapshots, apart], on_progress)
    X, size = _features(ledger, snapshots, names, config.snapshots.window, report)
    return Dataset(
        snapshots=snapshots,
        X=X,
        size=size,
        dates=_days(snapshots, coverage(ledger, snapshots, window=None).loc[:, "first"]),
        label_details=marked.details_of(pd.Series(snapshots["address"])),
        targets=marked,
        counts=counts,
        digest=data_digest(ledger, labels),
        unlabelled=UnlabelledWallets(apart, _features(ledger, apart, names, config.snapshots.window, report)[0])
        if config.model.pu_learning.wallets
        else None,
    )


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


def _features(
    ledger: Ledger, snapshots: pd.DataFrame, names: list[str], window: str, report: Callable[[int, int], None] | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features that the model may see, and the sizes; in batches, if they are many."""
    wanted = list(dict.fromkeys([*names, *SIZE]))
    where, pieces = [wanted.index(name) for name in names], []

    def batches() -> Iterator[tuple[slice, np.ndarray]]:
        for part in batch_slices(len(snapshots)) if len(snapshots) * len(wanted) > matrix.IN_MEMORY else [slice(None)]:
            values = extract(ledger, snapshots.iloc[part], window=window, features=wanted, on_progress=report)
            pieces.append(values.loc[:, list(SIZE)])
            yield part, values.loc[:, wanted].to_numpy()[:, where]

    X = fill_table(batches(), len(snapshots), names)
    return X, pd.concat(pieces, ignore_index=True)


def _over_all(frames: list[pd.DataFrame], on_progress: Progress | None) -> Callable[[int, int], None] | None:
    """Progress over several extractions as one: the transfers that all their snapshots see."""
    if on_progress is None:
        return None
    total, before = sum(int(frame["transfers"].to_numpy().sum()) for frame in frames), 0

    def report(done: int, all_of_one: int) -> None:
        nonlocal before
        on_progress("extract", before + done, total)
        before += done if done == all_of_one else 0

    return report


def _unlabelled_snapshots(ledger: Ledger, labels: pd.DataFrame, config: TrainConfig) -> pd.DataFrame:
    """The snapshots of wallets of which no label says anything, not even one that the head ignores: those of the lowest hash of
    the address that have one."""
    wanted, step, chosen = config.model.pu_learning.wallets, TRIED * config.model.pu_learning.wallets, []
    order = _nameless(ledger, labels, config.snapshots.min_transfers) if wanted else []
    for start in range(0, len(order), step or 1):
        asked = order[start : start + step]
        shots = sample_snapshots(ledger, asked, config.snapshots)
        seen = set(shots["address"])
        first = [address for address in asked if address in seen][:wanted]
        chosen.append(shots.loc[shots["address"].isin(first)])
        wanted -= len(first)
        if not wanted:
            break
    if not chosen:
        return sample_snapshots(ledger, [], config.snapshots)
    return pd.concat(chosen).sort_values(["as_of", "address"], ignore_index=True)


def _nameless(ledger: Ledger, labels: pd.DataFrame, least: int) -> list[str]:
    """The addresses of wallets with enough transfers that stand in no label, nor in the ledger's book, by hash."""
    free = np.diff(ledger.offsets) >= least
    known = ledger.ids(labels["address"])
    free[known[known >= 0]] = False
    if ledger.attribution is not None:
        free[ledger.attribution.wallet] = False
    addresses = ledger.addresses.take(pa.array(np.flatnonzero(free))).to_pylist()
    lot = unit_hash(addresses, "unlabelled")
    return [addresses[at] for at in np.argsort(lot, kind="stable")]


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


def _check(counts: dict[str, int], config: TrainConfig) -> None:
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
