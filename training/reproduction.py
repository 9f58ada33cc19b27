"""Repeats a training that MLflow recorded, and checks whether data and model are the same. `trainer.py` does the training."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..features.ledger.ledger import Ledger
from .config.train_config import TrainConfig
from .data.dataset import Progress, data_digest
from .data.targets import read_labels
from .registry.model_versions import RecordedTraining, recorded_training
from .trainer import TrainResult, train

REPEATS_TAG = "walletprint.repeats"


@dataclass(frozen=True)
class RepeatedTraining:
    """A training that was repeated: its new result, and whether the data and the model are those of the recorded run."""

    result: TrainResult
    recorded: RecordedTraining
    same_data: bool

    @property
    def same_model(self) -> bool:
        """Whether the model has the same version, which is a digest of everything but its card."""
        return self.result.model.version == self.recorded.model


def repeat(
    run_id: str,
    transfers: Any,
    labels: str | os.PathLike[str] | pd.DataFrame,
    out: str | os.PathLike[str] = "model",
    tracking_uri: str | None = None,
    on_progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
) -> RepeatedTraining:
    """Train again as a recorded run did.

    Args:
        run_id: of a training in MLflow.
        transfers, labels, out, tracking_uri, on_progress: as for `train`.
        on_note: called with a sentence, before the work, if the data are not those of the run.

    Raises:
        UsageError, DataError: as `train`, or if the run is not a training of walletprint.
    """
    recorded = recorded_training(run_id, tracking_uri)
    ledger = transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers)
    digest = data_digest(ledger, read_labels(labels).good)
    if digest != recorded.data_digest and on_note:
        on_note(
            f"transfers or labels are not those of run {run_id} (sha256 {digest[:16]}…, then {recorded.data_digest[:16]}…): "
            "the model will not be the same"
        )
    result = train(ledger, labels, _as_done(recorded), out, tracking_uri, on_progress, tags={REPEATS_TAG: run_id})
    return RepeatedTraining(result, recorded, digest == recorded.data_digest)


def _as_done(recorded: RecordedTraining) -> TrainConfig:
    """The config of the run. If minutes limited its search, the number of trials that it finished replaces them."""
    config = recorded.config
    if config.tuning.minutes is None or not recorded.trials:
        return config
    tuning = config.tuning.model_copy(update={"trials": recorded.trials, "minutes": None})
    return config.model_copy(update={"tuning": tuning})
