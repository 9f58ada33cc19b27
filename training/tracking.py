"""Writes a training into MLflow: parameters, metrics, tables, pictures, data digest and the model, registered as `challenger`.

The only place of training that touches MLflow, and it imports it late: that takes seconds. Nothing is sent anywhere but to
the tracking store; MLflow's own usage reports are switched off.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from ..features.errors import UsageError
from ..serving import registry
from ..serving.model_folder import ModelFolder
from .config import TrainConfig, as_yaml

DEFAULT_URI = "sqlite:///mlflow.db"
CHALLENGER = "challenger"
HEAD_TAG, MODEL_TAG = "walletprint.head", "walletprint.model"


@dataclass(frozen=True)
class Store:
    """An MLflow store that answers, and the experiment in it that runs go to."""

    uri: str
    experiment: str
    experiment_id: str


@dataclass(frozen=True)
class Tracked:
    """Where a training is in MLflow. `model_uri` loads with `Scorer.load`; `version` is None if nothing was registered."""

    run_id: str
    model_uri: str
    version: str | None
    store: Store


@dataclass(frozen=True)
class Record:
    """What is written of a training: flat parameters and metrics, tables by name, a folder of pictures, the training rows."""

    config: TrainConfig
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tables: Mapping[str, pd.DataFrame]
    pictures: Path
    rows: pd.DataFrame


@contextmanager
def connected(uri: str | None) -> Iterator[tuple[Any, str]]:
    """MLflow and its store's URI, for as long as the context lasts; afterwards MLflow is set as it was before.

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


def open_store(uri: str | None, config: TrainConfig) -> Store:
    """Reach the store and make the experiment if it is missing: so that a wrong URI shows before the work, not after it.

    Raises:
        UsageError: one line, if the store cannot be used.
    """
    with connected(uri) as (mlflow, chosen):
        client = mlflow.MlflowClient()
        name = config.tracking.experiment or config.model_name
        found = client.get_experiment_by_name(name)
        if found is None:
            return Store(chosen, name, client.create_experiment(name, artifact_location=_artifacts_beside(chosen)))
        if found.lifecycle_stage != "active":
            raise UsageError(
                f"tracking.experiment: {name} was deleted in {chosen}; restore it there, or give another name"
            )
        return Store(chosen, name, found.experiment_id)


def record_training(store: Store, record: Record, model: ModelFolder, folder: Path) -> Tracked:
    """Write a run, log the model folder as a pyfunc, register it and point the alias `challenger` at it.

    Args:
        store: from `open_store`.
        record: what is written.
        model: as saved in `folder`.
        folder: the model folder on disk.
    """
    name = record.config.tracking.run_name or f"{model.head}-{model.version[:8]}"
    with connected(store.uri) as (mlflow, _):
        tags = {HEAD_TAG: model.head, MODEL_TAG: model.version, "mlflow.note.content": model.card}
        with mlflow.start_run(experiment_id=store.experiment_id, run_name=name, nested=True, tags=tags) as run:
            mlflow.log_params({key: str(value)[:500] for key, value in record.params.items()})
            mlflow.log_metrics(
                {key: value for key, value in record.metrics.items() if value == value}
            )  # NaN is no metric
            _log_files(mlflow, record, model)
            logged = _log_model(mlflow, folder)
        version = (
            _register(mlflow, logged, run.info.run_id, record.config) if record.config.tracking.register_model else None
        )
    uri = f"models:/{record.config.model_name}@{CHALLENGER}" if version else logged.model_uri
    return Tracked(run.info.run_id, uri, version, store)


def _log_files(mlflow: Any, record: Record, model: ModelFolder) -> None:
    mlflow.log_text(as_yaml(record.config), "config.yaml")
    mlflow.log_text(model.card, "model_card.md")
    for name, table in record.tables.items():
        mlflow.log_text(table.to_csv(index=False), f"tables/{name}.csv")
    mlflow.log_artifacts(str(record.pictures), "plots")
    data = mlflow.data.from_pandas(record.rows, targets="y", name=f"{model.head}-train", digest=model.data_digest[:16])
    mlflow.log_input(data, context="training")


def _log_model(mlflow: Any, folder: Path) -> Any:
    from ..serving import pyfunc

    return mlflow.pyfunc.log_model(name="model", **pyfunc.log_arguments(folder))


def _register(mlflow: Any, logged: Any, run_id: str, config: TrainConfig) -> str:
    """Register by the client: the fluent functions print."""
    client, name = mlflow.MlflowClient(), config.model_name
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    version = client.create_model_version(name, source=logged.model_uri, run_id=run_id, model_id=logged.model_id)
    client.set_registered_model_alias(name, CHALLENGER, version.version)
    return str(version.version)


def _artifacts_beside(uri: str) -> str | None:
    """For a sqlite store the folder `mlartifacts` beside its file; other stores know their own place."""
    if urlsplit(uri).scheme.split("+")[0] != "sqlite":
        return None
    database = uri.split("sqlite:///", 1)[-1]
    return (Path(database).resolve().parent / "mlartifacts").as_uri()
