"""From transfers and labels to the table that a head learns from: snapshots with features, dates and sizes. Fits nothing."""

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
"""A function that is called with the name of a step, how much of it is done, and how much there is in all."""

_EPOCH, _DAY = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timedelta(days=1)
CANDIDATES = 4
"""How many unlabelled wallets are tried for each one needed: most have no snapshot."""
SIZE_FEATURES = (
    "activity__transfers__total",
    "activity__transfers__in",
    "activity__transfers__out",
    "value__in__total",
    "value__out__total",
)


@dataclass(frozen=True)
class UnlabelledWallets:
    """Snapshots of wallets without any label, one row per snapshot, in the same order in both frames."""

    snapshots: pd.DataFrame
    X: pd.DataFrame


@dataclass(frozen=True)
class Dataset:
    """Snapshots of labelled wallets, one row per snapshot, in the same order in all frames.

    Attributes:
        snapshots: address, as_of, transfers, first, last, priced_share (of the window, as from `coverage`).
        X: the features that the model sees, float64. A large table (`large_matrix.IN_MEMORY`) is on disk: read few rows at once.
        size: how much the wallet moves, float64; for the size-only shortcut.
        dates: as_of, the wallet's first transfer ever, its first and last transfer in the window, in days since 1970; for the
            date-only shortcut.
        label_details: category, case and source of the wallet's label, whatever its date; null if the label has none.
        targets: which wallets are positive and negative, and since when that is known.
        counts: labelled wallets by side, and how many positive and negative wallets have a snapshot.
        digest: sha256 of transfers and labels, independent of the order and format of their files.
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
        """The snapshots where the mask `keep`, shape (rows,), is true. Counts, digest and unlabelled wallets stay."""
        small = ("snapshots", "size", "dates", "label_details")
        frames = {name: getattr(self, name).loc[keep].reset_index(drop=True) for name in small}
        return replace(self, X=subtable(self.X, rows=np.flatnonzero(keep)), **frames)


def build_dataset(
    ledger: Ledger, labels: pd.DataFrame, config: TrainConfig, on_progress: Progress | None = None
) -> Dataset:
    """Sample snapshots of the labelled wallets and compute their features.

    Args:
        ledger: the transfers.
        labels: the valid labels, `read_labels(…).good`.
        config: its `labels`, `snapshots`, `features` and `model.pu_learning`.
        on_progress: called with ("extract", transfers done, transfers in all).

    Raises:
        DataError: if no positive or no negative wallet has a snapshot, or the disk has no room for the features.
    """
    targets = Targets.from_labels(labels, config.labels)
    snapshots = sample_snapshots(ledger, targets.labels["address"].tolist(), config.snapshots)
    counts = {**targets.counts, **_wallets_with_snapshots(targets, snapshots)}
    _check(counts, config)
    unlabelled = _unlabelled_snapshots(ledger, labels, config)
    names = feature_names(config.features)
    report = _joint_progress([snapshots, unlabelled], on_progress)
    X, size = _features(ledger, snapshots, names, config.snapshots.window, report)
    return Dataset(
        snapshots=snapshots,
        X=X,
        size=size,
        dates=_in_days(snapshots, coverage(ledger, snapshots, window=None).loc[:, "first"]),
        label_details=targets.details_of(pd.Series(snapshots["address"])),
        targets=targets,
        counts=counts,
        digest=data_digest(ledger, labels),
        unlabelled=UnlabelledWallets(
            unlabelled, _features(ledger, unlabelled, names, config.snapshots.window, report)[0]
        )
        if config.model.pu_learning.wallets
        else None,
    )


def data_digest(ledger: Ledger, labels: pd.DataFrame) -> str:
    """sha256 (hex) of all transfers and labels. The same rows give the same digest in any order, file format or spelling."""
    digest = hashlib.sha256()
    wallets = len(ledger.addresses)
    ordered = pa.table({"address": ledger.addresses, "id": np.arange(wallets)}).sort_by("address")
    rank = np.empty(wallets, np.int64)
    rank[ordered["id"].to_numpy()] = np.arange(wallets)
    digest.update("\n".join(ordered["address"].to_pylist()).encode())
    rows = ledger.rows
    assets = pd.factorize(rows.asset)[
        0
    ]  # a ledger keeps no asset names: they are numbered by first appearance in the total order
    for column in (rows.time, rank[rows.sender], rank[rows.receiver], rows.amount, rows.usd, assets):
        digest.update(np.ascontiguousarray(column).tobytes())
    table = labels.sort_values(list(labels.columns), ignore_index=True)
    digest.update(table.to_csv(index=False).encode())
    return digest.hexdigest()


def _features(
    ledger: Ledger, snapshots: pd.DataFrame, names: list[str], window: str, report: Callable[[int, int], None] | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features that the model sees, and the sizes; a large table is computed in batches."""
    extracted = list(dict.fromkeys([*names, *SIZE_FEATURES]))
    columns, sizes = [extracted.index(name) for name in names], []

    def batches() -> Iterator[tuple[slice, np.ndarray]]:
        for batch in (
            batch_slices(len(snapshots)) if len(snapshots) * len(extracted) > matrix.IN_MEMORY else [slice(None)]
        ):
            values = extract(ledger, snapshots.iloc[batch], window=window, features=extracted, on_progress=report)
            sizes.append(values.loc[:, list(SIZE_FEATURES)])
            yield batch, values.loc[:, extracted].to_numpy()[:, columns]

    X = fill_table(batches(), len(snapshots), names)
    return X, pd.concat(sizes, ignore_index=True)


def _joint_progress(frames: list[pd.DataFrame], on_progress: Progress | None) -> Callable[[int, int], None] | None:
    """The progress of several extractions as one, in transfers that their snapshots see."""
    if on_progress is None:
        return None
    total, before = sum(int(frame["transfers"].to_numpy().sum()) for frame in frames), 0

    def report(done: int, extraction_total: int) -> None:
        nonlocal before
        on_progress("extract", before + done, total)
        before += done if done == extraction_total else 0

    return report


def _unlabelled_snapshots(ledger: Ledger, labels: pd.DataFrame, config: TrainConfig) -> pd.DataFrame:
    """Snapshots of wallets with no label at all (ignored categories count as labels), sampled by address hash."""
    missing, step, chosen = config.model.pu_learning.wallets, CANDIDATES * config.model.pu_learning.wallets, []
    candidates = _unlabelled_addresses(ledger, labels, config.snapshots.min_transfers) if missing else []
    for start in range(0, len(candidates), step or 1):
        addresses = candidates[start : start + step]
        shots = sample_snapshots(ledger, addresses, config.snapshots)
        seen = set(shots["address"])
        first = [address for address in addresses if address in seen][:missing]
        chosen.append(shots.loc[shots["address"].isin(first)])
        missing -= len(first)
        if not missing:
            break
    if not chosen:
        return sample_snapshots(ledger, [], config.snapshots)
    return pd.concat(chosen).sort_values(["as_of", "address"], ignore_index=True)


def _unlabelled_addresses(ledger: Ledger, labels: pd.DataFrame, least: int) -> list[str]:
    """Wallets with enough transfers that have no label, here or in the ledger's attribution, in the order of their hash."""
    free = np.diff(ledger.offsets) >= least
    known = ledger.ids(labels["address"])
    free[known[known >= 0]] = False
    if ledger.attribution is not None:
        free[ledger.attribution.wallet] = False
    addresses = ledger.addresses.take(pa.array(np.flatnonzero(free))).to_pylist()
    return [addresses[row] for row in np.argsort(unit_hash(addresses, "unlabelled"), kind="stable")]


def _in_days(snapshots: pd.DataFrame, first_ever: pd.Series) -> pd.DataFrame:
    dates = {"as_of": snapshots["as_of"], "first_ever": first_ever} | {key: snapshots[key] for key in ("first", "last")}
    return pd.DataFrame({name: (column - _EPOCH) / _DAY for name, column in dates.items()})


def _wallets_with_snapshots(targets: Targets, snapshots: pd.DataFrame) -> dict[str, int]:
    truth = targets.known_by(None)
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
