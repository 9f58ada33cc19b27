"""Writes runs into MLflow, such as a training with its parameters, metrics, tables, pictures and data digests, and its model.

MLflow is imported late, because that takes seconds. Everything goes to the tracking store and nowhere else: MLflow's own usage
reports are switched off. What happens to a registered model afterwards is in `model_versions.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from ...features.base.errors import UsageError
from ...features.base.untrusted_text import csv_text
from ...serving.model import model_registry as registry
from ...serving.model.model_folder import ModelFolder
from ..config.train_config import TrainConfig

DEFAULT_URI = "sqlite:///mlflow.db"
CHALLENGER = "challenger"
HEAD_TAG, MODEL_TAG = "walletprint.head", "walletprint.model"
AUDIT_TAG = "walletprint.audit"
TRIAL_TAG, STATE_TAG = "walletprint.trial", "walletprint.state"
_PARENT_TAG = "mlflow.parentRunId"
_TRIAL_COLUMNS = ("trial", "state", "pr_auc", "began", "ended")


@dataclass(frozen=True)
class TrackingStore:
    """An MLflow store that answers, and the experiment in it that takes the runs."""

    uri: str
    experiment: str
    experiment_id: str


@dataclass(frozen=True)
class TrackedTraining:
    """Where a training is in MLflow. `model_uri` loads with `Scorer.load`; `version` is None if nothing was registered."""

    run_id: str
    model_uri: str
    version: str | None
    store: TrackingStore


@dataclass(frozen=True)
class TrackedRows:
    """Rows of a dataset: its name, what the rows were used for, the rows and a digest."""

    name: str
    context: str
    rows: pd.DataFrame
    digest: str


@dataclass(frozen=True)
class TrainingRecord:
    """Everything that is written about a training.

    Attributes:
        params, metrics: flat.
        tables: by name, written as CSV; texts: by file name; pictures: the folder that holds them.
        data: the rows of each slice; read once.
        trials: `TuningResult.trials`, each a nested run; None if nothing was tuned.
        tags: of the run, besides those of the head and the model.
    """

    config: TrainConfig
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tables: Mapping[str, pd.DataFrame]
    texts: Mapping[str, str]
    pictures: Path
    data: Iterable[TrackedRows]
    trials: pd.DataFrame | None
    tags: Mapping[str, str]


@contextmanager
def connected(uri: str | None) -> Iterator[tuple[Any, str]]:
    """MLflow and its store's URI, for as long as the context lasts. Afterwards MLflow has its earlier settings again.

    Args:
        uri: of the tracking store; None for the one MLflow is set to, or else `mlflow.db` in the working directory.

    Raises:
        UsageError: one line, if the store cannot be used.
    """
    mlflow = registry.import_mlflow()
    from sqlalchemy.exc import SQLAlchemyError

    chosen = uri or (mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else DEFAULT_URI)
    try:
        with registry.connected(mlflow, chosen):
            yield mlflow, chosen
    except (mlflow.exceptions.MlflowException, SQLAlchemyError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            f"tracking: the MLflow store {chosen} cannot be used ({reason:.300}); sqlite:///mlflow.db works"
        ) from None


def open_store(uri: str | None, config: TrainConfig) -> TrackingStore:
    """The store and experiment of a config's trainings. Raises UsageError as `open_experiment` does."""
    return open_experiment(uri, config.tracking.experiment or config.model_name)


def open_experiment(uri: str | None, name: str) -> TrackingStore:
    """Reach the store, and create the experiment if it is missing. So a wrong URI shows before the work, not after it.

    Args:
        uri: of the tracking store; None for the one MLflow is set to, or else `mlflow.db` in the working directory.
        name: of the experiment, such as `walletprint-laundering`.

    Raises:
        UsageError: one line, if the store cannot be used, or the experiment was deleted in it.
    """
    with connected(uri) as (mlflow, chosen):
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            return TrackingStore(
                chosen, name, client.create_experiment(name, artifact_location=_artifacts_beside(chosen))
            )
        if experiment.lifecycle_stage != "active":
            raise UsageError(
                f"tracking.experiment: {name} was deleted in {chosen}; restore it there, or give another name"
            )
        return TrackingStore(chosen, name, experiment.experiment_id)


def record_training(store: TrackingStore, record: TrainingRecord, model: ModelFolder, folder: Path) -> TrackedTraining:
    """Write a run, log the model folder as a pyfunc, register it and point the alias `challenger` at it.

    Args:
        store: from `open_store`.
        record: what to write.
        model: as saved in `folder`.
        folder: the model folder on disk.
    """
    name = record.config.tracking.run_name or f"{model.head}-{model.version[:8]}"
    with connected(store.uri) as (mlflow, _):
        standard = {HEAD_TAG: model.head, MODEL_TAG: model.version, "mlflow.note.content": model.card}
        tags = {**standard, **record.tags}
        with mlflow.start_run(experiment_id=store.experiment_id, run_name=name, nested=True, tags=tags) as run:
            _log_figures(mlflow, record.params, record.metrics)
            _log_files(mlflow, record)
            logged = _log_model(mlflow, folder)
        if record.trials is not None:
            _log_trials(mlflow.MlflowClient(), store, run.info.run_id, record.trials)
        version = (
            _register(mlflow, logged, run.info.run_id, record.config) if record.config.tracking.register_model else None
        )
    uri = f"models:/{record.config.model_name}@{CHALLENGER}" if version else logged.model_uri
    return TrackedTraining(run.info.run_id, uri, version, store)


def record_run(
    store: TrackingStore,
    name: str,
    tags: Mapping[str, str],
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    texts: Mapping[str, str],
) -> str:
    """Write a run that is not a training, such as a decision, beside the trainings; return its id."""
    with connected(store.uri) as (mlflow, _):
        with mlflow.start_run(experiment_id=store.experiment_id, run_name=name, nested=True, tags=dict(tags)) as run:
            _log_figures(mlflow, params, metrics)
            for file, text in texts.items():
                mlflow.log_text(text, file)
        return run.info.run_id


def _log_figures(mlflow: Any, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    mlflow.log_params({key: str(value)[:500] for key, value in params.items()})
    mlflow.log_metrics({key: value for key, value in metrics.items() if value == value})  # MLflow refuses NaN


def _log_files(mlflow: Any, record: TrainingRecord) -> None:
    for name, text in record.texts.items():
        mlflow.log_text(text, name)
    for name, table in record.tables.items():
        mlflow.log_text(csv_text(table), f"tables/{name}.csv")
    mlflow.log_artifacts(str(record.pictures), "plots")
    for data in record.data:
        rows = mlflow.data.from_pandas(data.rows, targets="y", name=data.name, digest=data.digest)
        mlflow.log_input(rows, context=data.context)


def _log_trials(client: Any, store: TrackingStore, parent: str, trials: pd.DataFrame) -> None:
    """Write each trial as a run below the training's, with its own times. Trials of an earlier, killed process are among them."""
    from mlflow.entities import Metric, Param

    for row in trials.to_dict("records"):
        began, ended = (int(row[name].timestamp() * 1000) for name in ("began", "ended"))
        tags = {_PARENT_TAG: parent, TRIAL_TAG: str(row["trial"]), STATE_TAG: row["state"]}
        run = client.create_run(
            store.experiment_id, start_time=began, tags=tags, run_name=f"trial {row['trial']}"
        ).info.run_id
        folds = [float(value) for name, value in row.items() if name.startswith("fold_") and value == value]
        metrics = [Metric("fold_pr_auc", value, ended, step) for step, value in enumerate(folds, 1)]
        metrics.append(Metric("pr_auc" if row["state"] == "complete" else "pr_auc_estimate", row["pr_auc"], ended, 0))
        searched = {
            name: value for name, value in row.items() if name not in _TRIAL_COLUMNS and not name.startswith("fold_")
        }
        client.log_batch(run, metrics, [Param(name, str(value)) for name, value in searched.items()])
        client.set_terminated(run, "FINISHED", ended)


def _log_model(mlflow: Any, folder: Path) -> Any:
    from ...serving import pyfunc

    return mlflow.pyfunc.log_model(name="model", **pyfunc.log_arguments(folder))


def _register(mlflow: Any, logged: Any, run_id: str, config: TrainConfig) -> str:
    """Register through the client, because the fluent functions print."""
    client, name = mlflow.MlflowClient(), config.model_name
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    version = client.create_model_version(name, source=logged.model_uri, run_id=run_id, model_id=logged.model_id)
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    return str(version.version)


def _artifacts_beside(uri: str) -> str | None:
    """The folder `mlartifacts` beside the file of a sqlite store. Other stores have a folder of their own: None."""
    if urlsplit(uri).scheme.split("+")[0] != "sqlite":
        return None
    database = uri.split("sqlite:///", 1)[-1]
    return (Path(database).resolve().parent / "mlartifacts").as_uri()
