"""The snapshots on which registered models are compared: later than all trainings, of wallets in none. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...features.base.errors import DataError
from ...features.base.periods import parse_window
from ...features.extraction.extractor import coverage, extract
from ...features.ledger.ledger import Ledger
from ...serving.scoring.scorer import Scorer
from ..config.train_config import TrainConfig
from ..data.dataset import Progress
from ..data.large_matrix import batch_slices
from ..data.snapshots import sample_snapshots, unit_hash
from ..data.targets import Targets
from ..metrics.bootstrap import resampling_groups
from .model_versions import ModelVersion


@dataclass(frozen=True)
class HeldOutRows:
    """The snapshots on which models are compared.

    Attributes:
        snapshots: address and as_of, later than the training of both models; y: their outcomes, (rows,).
        groups: what is resampled as a whole: the case, or the wallet if it has none; by: `case` or `wallet`.
        case: of each row, null for none.
        since: the first date that qualifies.
    """

    snapshots: pd.DataFrame
    y: np.ndarray
    groups: np.ndarray
    by: str
    case: pd.Series
    since: pd.Timestamp


def held_out_rows(
    ledger: Ledger, labels: pd.DataFrame, versions: Sequence[ModelVersion], scorers: Sequence[Scorer]
) -> HeldOutRows:
    """The snapshots that none of these models was fitted on, later than all their trainings.

    The config of the first model decides which categories are positive.

    Args:
        ledger, labels: the data.
        versions: the models, the challenger first; scorers: the same, loaded.

    Raises:
        DataError: if there are none of both classes.
    """
    configs = [version.config for version in versions]
    trained = max(version.train_until for version in versions)
    since = trained + max(_embargo(config) for config in configs)
    marked = Targets.from_labels(labels, configs[0].labels)
    truth: Any = marked.known_by(None)
    truth = truth[_unseen(truth.index, marked, trained, min(config.split.held_out_addresses for config in configs))]
    least = max(scorer.model.min_transfers for scorer in scorers)
    wanted = {"first": since, "last": None, "min_transfers": least}
    shots: Any = sample_snapshots(ledger, truth.index.tolist(), configs[0].snapshots.model_copy(update=wanted))
    shots = _long_enough(ledger, shots[shots["as_of"] > trained], scorers)
    y = shots["address"].map(truth).to_numpy(dtype=np.int8)
    _check_classes(y, since)
    case: Any = marked.details_of(shots["address"])["case"]
    by, groups = resampling_groups(y, case, shots["address"])
    return HeldOutRows(shots[["address", "as_of"]], y, groups, by, case, since)


def _embargo(config: TrainConfig) -> Any:
    text = config.snapshots.window if config.split.embargo is None else config.split.embargo
    return pd.Timedelta(parse_window(text) or 0, unit="s")


def _unseen(addresses: pd.Index, marked: Targets, trained: pd.Timestamp, share: float) -> np.ndarray:
    """Which wallets trained no model: held out by hash under every config, or without a label when the last model was trained."""
    held_out = unit_hash(addresses.tolist(), "held_out_addresses") < share
    marks = marked.labels
    early = marks.loc[marks["known_from"].isna() | (marks["known_from"] < trained), "address"]
    return held_out | ~addresses.isin(early)


def _long_enough(ledger: Ledger, shots: Any, scorers: Sequence[Scorer]) -> pd.DataFrame:
    """The snapshots that every model can score, each in its own window."""
    for scorer in scorers:
        transfers = coverage(ledger, shots[["address", "as_of"]], window=scorer.model.window)["transfers"].to_numpy()
        shots = shots[transfers >= scorer.model.min_transfers]
    return shots.reset_index(drop=True)


def _check_classes(y: np.ndarray, since: pd.Timestamp) -> None:
    positives = int(y.sum())
    if not 0 < positives < len(y):
        raise DataError(
            f"promote: from {since.date()} on there are {positives} positive and {len(y) - positives} negative snapshots of "
            "wallets that trained neither model; give later transfers, or labels that became known after the trainings"
        )


def margins_of(scorer: Scorer, ledger: Ledger, snapshots: pd.DataFrame, report: Progress) -> np.ndarray:
    """A model's margins of snapshots, (rows,), computed in batches. `report` is called with ("compare", done, total)."""
    margins = np.empty(len(snapshots))
    for part in batch_slices(len(snapshots)):
        X = extract(ledger, snapshots.iloc[part], window=scorer.model.window, features=scorer.model.features)
        margins[part] = scorer.score_features(X)["margin"]
        report("compare", part.stop, len(snapshots))
    return margins
