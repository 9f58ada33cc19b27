"""One training from transfers and labels to a model folder and an MLflow run. Each step is a function of its own.

dataset → split → tune → fit, with baselines and shortcuts → calibrate → assess and audit → model folder → track
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from ..features.base.errors import UsageError
from ..features.families.registry import features_hash
from ..features.labels.table import read_labels
from ..features.ledger.ledger import Ledger
from ..serving.model.calibration import reference_margins, reference_quartiles
from ..serving.model.model_folder import LARGEST, Bands, ModelFolder
from ..serving.model.profile import profile_of
from .assessment.fitted_models import FittedModels, fit_all
from .assessment.model_assessment import ModelAssessment, assess
from .audit import AuditReport
from .config.train_config import Source, TrainConfig, load_config
from .data.dataset import Progress
from .models.calibration import flag_threshold
from .registry.tracking import TrackedTraining, TrackingStore, open_store, record_training
from .report.model_card import model_card
from .report.plots import draw_all
from .splits.time_split import Slices
from .training_record import build_training_record

DIGITS = 6  # of metrics in the model folder: more would depend on the machine's linear algebra


@dataclass(frozen=True)
class TrainResult:
    """The result of a training.

    Attributes:
        model_dir: the model folder; model: what is in it.
        assessment: every figure about it: tables of metrics, intervals, cases, drift, and the leakage audit.
        params: LightGBM's parameters as used, those that tuning chose if there was any.
        config: as given, with every default; slices: the split with its dates; counts: labelled wallets by side.
        tracked: where it is in MLflow, None if tracking is off.
        bad_labels: the rows of the labels that were left out, as `Labels.bad` holds them.
    """

    model_dir: Path
    model: ModelFolder
    assessment: ModelAssessment
    params: dict[str, Any]
    config: TrainConfig
    slices: Slices
    counts: dict[str, int]
    tracked: TrackedTraining | None
    bad_labels: pd.DataFrame

    @property
    def metrics(self) -> pd.DataFrame:
        """One row per contender and test slice; the model's own come first."""
        return self.assessment.metrics

    @property
    def periods(self) -> pd.DataFrame:
        """The model's metrics by quarter."""
        return self.assessment.periods

    @property
    def audit(self) -> AuditReport:
        """The leakage audit of this training. A verdict of fail is reported; it stops nothing."""
        return self.assessment.audit

    @property
    def run_id(self) -> str | None:
        """Of the MLflow run."""
        return self.tracked.run_id if self.tracked else None

    @property
    def model_uri(self) -> str:
        """What `Scorer.load` takes: the registered model if there is one, else the folder."""
        return self.tracked.model_uri if self.tracked else str(self.model_dir)


def train(
    transfers: Any,
    labels: str | os.PathLike[str] | pd.DataFrame,
    config: Source = None,
    out: str | os.PathLike[str] = "model",
    tracking_uri: str | None = None,
    on_progress: Progress | None = None,
    *,
    head: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> TrainResult:
    """Train, evaluate and track one model.

    Args:
        transfers: a Ledger, or anything `Ledger.from_transfers` takes.
        labels: anything `read_labels` takes.
        config: anything `load_config` takes. Missing keys take the head's default.
        out: the model folder to write; an older model folder there is replaced. A search for parameters is kept beside it, in
            `<out>.tuning.db`, so that an interrupted one resumes.
        tracking_uri: of the MLflow store; None for the one MLflow is set to, or else `mlflow.db` in the working directory.
        on_progress: called with a step's name ("read", "extract", "tune", "fit", "judge", "record"), how much of it is done,
            and its total.
        head: `laundering` or `state_linked`, if `config` names none.
        tags: of the MLflow run, besides its own.

    Raises:
        UsageError: if the config, `out` or the tracking store cannot be used. This shows before any work.
        DataError: if the data cannot be read, or are too few for a slice.
    """
    checked = load_config(config, head)
    folder = _free(Path(out))
    store = open_store(tracking_uri, checked) if checked.tracking.enabled else None
    report = on_progress or (lambda step, done, total: None)
    report("read", 0, 1)
    known = read_labels(labels)
    ledger = transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers)
    report("read", 1, 1)
    fitted = fit_all(ledger, known.good, checked, tuning_store(folder), report)
    report("judge", 0, 1)
    assessment = assess(fitted)
    model = _model_of(fitted, assessment)
    model.save(folder)
    report("judge", 1, 1)
    report("record", 0, 1)
    tracked = _track(store, fitted, assessment, model, folder, tags or {}) if store else None
    report("record", 1, 1)
    params, counts = fitted.used.model.lightgbm.model_dump(), fitted.dataset.counts
    return TrainResult(folder, model, assessment, params, checked, fitted.slices, counts, tracked, known.bad)


def tuning_store(folder: Path) -> Path:
    """Where the search for the parameters of a model folder is kept."""
    return folder.with_name(f"{folder.name}.tuning.db")


def _free(folder: Path) -> Path:
    """The folder, if a model may be written there. Checked before the work, not after it."""
    if folder.is_dir() and not {entry.name for entry in folder.iterdir()} <= set(LARGEST):
        raise UsageError(f"out: {folder} holds other files than a model; give a new folder, or one with an older model")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"out: {folder} is a file; give a folder")
    return folder


def _model_of(fitted: FittedModels, assessment: ModelAssessment) -> ModelFolder:
    """Everything a model folder holds.

    Its reference population is the negative snapshots of the calibration slice. They are later than the training, and closer to
    the wallets that a user scores than a mixture with every labelled illicit wallet.
    """
    config, dataset, later = fitted.config, fitted.dataset, fitted.slices.calibrate
    best = fitted.contenders[0]
    ordinary = later.rows[later.y == 0]
    until = dataset.snapshots["as_of"].iloc[fitted.slices.train.rows].max()
    model = ModelFolder(
        name=config.model_name,
        head=config.head,
        features=tuple(dataset.X.columns),
        features_hash=features_hash(dataset.X.columns),
        window=config.snapshots.window,
        min_transfers=config.snapshots.min_transfers,
        calibration=best.calibration,
        bands=Bands(**config.bands.model_dump()),
        threshold=flag_threshold(best.score[later.rows], config.review.flag_budget),
        threshold_policy=_policy(config),
        reference_margins=reference_margins(best.margin[ordinary]),
        reference_quartiles=reference_quartiles(dataset.X.iloc[ordinary]),
        profile=profile_of(dataset.X.iloc[ordinary]),
        trained_until=until.date().isoformat(),
        labels={
            **{side: list(names) for side, names in config.labels.model_dump().items()},
            "wallets": dict(dataset.counts),
        },
        metrics=_nested(assessment.metrics),
        data_digest=dataset.digest,
        seed=config.seed,
        versions={name: version(name) for name in ("walletprint", "lightgbm", "numpy")},
        trees=fitted.booster.model_to_string(),
        card="-",
    )
    return model.model_copy(
        update={"card": model_card(model, fitted, assessment)}
    )  # the card names the version, so the version is a digest of everything else


def _policy(config: TrainConfig) -> str:
    share = f"{100 * config.review.flag_budget:.4g} %"
    return f"the score that at most {share} of the labelled snapshots of the calibration slice reach"


def _nested(metrics: pd.DataFrame) -> dict[str, Any]:
    """{contender: {slice: {metric: value}}}."""
    nested: dict[str, Any] = {}
    for row in metrics.drop(columns="kind").to_dict("records"):
        name, part, note = row.pop("model"), row.pop("slice"), row.pop("note")
        values = {key: round(value, DIGITS) for key, value in row.items()}
        nested.setdefault(name, {"note": note} if note else {})[part] = values
    return nested


def _track(
    store: TrackingStore,
    fitted: FittedModels,
    assessment: ModelAssessment,
    model: ModelFolder,
    folder: Path,
    tags: Mapping[str, str],
) -> TrackedTraining:
    with tempfile.TemporaryDirectory(prefix="walletprint-") as pictures:
        draw_all(Path(pictures), fitted, assessment, model)
        return record_training(
            store, build_training_record(fitted, assessment, model, Path(pictures), tags), model, folder
        )
