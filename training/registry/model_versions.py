"""Registered models in MLflow: their versions, aliases and trainings, and moving an alias. Compares no models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from ...features.base.errors import UsageError
from ..config.train_config import TrainConfig, load_config
from .tracking import CHALLENGER, TrackingStore, connected

CHAMPION = "champion"
MISSING = "RESOURCE_DOES_NOT_EXIST"
PREVIOUS_TAG = "walletprint.previous_champion"
DECISION_TAG, DECISION_RUN_TAG = "walletprint.decision", "walletprint.decision_run"


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model: its number, and the run, experiment and config of its training.

    Attributes:
        train_until: the end of its training slice, as configured or derived. Labels known from then on were not used.
    """

    name: str
    number: str
    run_id: str
    experiment_id: str
    config: TrainConfig
    train_until: pd.Timestamp
    tags: Mapping[str, str]

    @property
    def uri(self) -> str:
        """What `Scorer.load` takes."""
        return f"models:/{self.name}/{self.number}"


@dataclass(frozen=True)
class RecordedTraining:
    """What MLflow holds of a training: its config, the digest of its data, and the version of its model."""

    run_id: str
    config: TrainConfig
    data_digest: str
    model: str
    trials: int | None


def challenger_and_champion(name: str, uri: str | None) -> tuple[ModelVersion, ModelVersion | None]:
    """The challenger, and the champion if there is one.

    Raises:
        UsageError: if the store cannot be used, has no such model or no challenger of it, or a version was not made by
            `walletprint train`.
    """
    with connected(uri) as (mlflow, store):
        aliases = _aliases(mlflow, name, store)
        if CHALLENGER not in aliases:
            raise UsageError(
                f"promote: {name} has no version with the alias {CHALLENGER} in {store}; `walletprint train` sets it"
            )
        champion = _version(mlflow, name, aliases[CHAMPION]) if CHAMPION in aliases else None
        return _version(mlflow, name, aliases[CHALLENGER]), champion


def recorded_training(run_id: str, uri: str | None) -> RecordedTraining:
    """A training as MLflow holds it.

    Raises:
        UsageError: if the store cannot be used, or the run is not a training of walletprint.
    """
    with connected(uri) as (mlflow, store):
        try:
            run = mlflow.MlflowClient().get_run(run_id)
        except mlflow.exceptions.MlflowException as error:
            if error.error_code != MISSING:
                raise
            raise UsageError(f"run: {run_id!r} is not in {store}; `walletprint runs` lists them") from None
        config = _config(mlflow, run)
        params, tags = run.data.params, run.data.tags
        trials = params.get("tuning.done")
        return RecordedTraining(
            run_id,
            config,
            params["data_digest"],
            tags["walletprint.model"],
            int(trials) if trials is not None else None,
        )


def move_champion(store: TrackingStore, to: ModelVersion, before: ModelVersion | None, tags: Mapping[str, str]) -> None:
    """Point the alias `champion` at a version, and write in its tags which version had it before."""
    with connected(store.uri) as (mlflow, _):
        client = mlflow.MlflowClient()
        _tag(client, to, {**tags, **({PREVIOUS_TAG: before.number} if before else {})})
        client.set_registered_model_alias(to.name, CHAMPION, to.number)


def tag_version(store: TrackingStore, version: ModelVersion, tags: Mapping[str, str]) -> None:
    """Write tags on a version."""
    with connected(store.uri) as (mlflow, _):
        _tag(mlflow.MlflowClient(), version, tags)


def rollback_target(name: str, uri: str | None) -> tuple[ModelVersion, ModelVersion]:
    """The champion, and the version that was champion before it.

    Raises:
        UsageError: if there is no champion, or no version before it, or that version is gone.
    """
    with connected(uri) as (mlflow, store):
        aliases = _aliases(mlflow, name, store)
        if CHAMPION not in aliases:
            raise UsageError(f"rollback: {name} has no champion in {store}; `walletprint promote {name}` makes one")
        champion = _version(mlflow, name, aliases[CHAMPION])
        before = champion.tags.get(PREVIOUS_TAG)
        if before is None:
            raise UsageError(
                f"rollback: version {champion.number} of {name} is its first champion; nothing was before it"
            )
        return champion, _version(mlflow, name, before)


def store_of(version: ModelVersion, uri: str | None) -> TrackingStore:
    """The store and experiment of a version's training."""
    with connected(uri) as (mlflow, chosen):
        experiment = mlflow.MlflowClient().get_experiment(version.experiment_id)
        return TrackingStore(chosen, experiment.name, version.experiment_id)


def _aliases(mlflow: Any, name: str, store: str) -> dict[str, str]:
    try:
        model = mlflow.MlflowClient().get_registered_model(name)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != MISSING:
            raise
        raise UsageError(
            f"name: no registered model {name!r} in {store}; `walletprint train` registers models, `walletprint runs` lists them"
        ) from None
    return {alias: str(number) for alias, number in model.aliases.items()}


def _version(mlflow: Any, name: str, number: str) -> ModelVersion:
    client = mlflow.MlflowClient()
    try:
        version = client.get_model_version(name, number)
        run = client.get_run(version.run_id)
    except mlflow.exceptions.MlflowException as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"name: version {number} of {name} cannot be read ({reason:.200})") from None
    config = _config(mlflow, run)
    until: Any = config.split.train_until or pd.Timestamp(run.data.params["train_until"], tz="UTC")
    info = run.info
    return ModelVersion(name, str(number), info.run_id, info.experiment_id, config, until, dict(version.tags))


def _config(mlflow: Any, run: Any) -> TrainConfig:
    """The config that a training logged."""
    try:
        text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/config.yaml")
    except (mlflow.exceptions.MlflowException, OSError):
        raise UsageError(
            f"run: {run.info.run_id} has no config.yaml: it is not a training of walletprint; `walletprint runs` lists them"
        ) from None
    return load_config(yaml.safe_load(text))


def _tag(client: Any, version: ModelVersion, tags: Mapping[str, str]) -> None:
    for key, value in tags.items():
        client.set_model_version_tag(version.name, version.number, key, value)
