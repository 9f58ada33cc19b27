"""Fetches a model folder from an MLflow registry. Imports MLflow, but only when called."""

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..features.errors import UsageError

PREFIX = "models:/"
ARTIFACT = "model_folder"
"""Under which name the pyfunc of `pyfunc.py` holds the model folder."""

_URI = re.compile(r"models:/(m-[0-9a-f]{32}|[^/@]+@[^/@]+|[^/@]+/[1-9]\d*)")


def import_mlflow() -> Any:
    """MLflow, without its usage reports: nothing is sent anywhere but to the store. Raises ImportError if it is missing."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    import mlflow

    return mlflow


@contextmanager
def fetched(uri: str, tracking_uri: str | None = None) -> Iterator[Path]:
    """The model folder of `models:/name@alias` or `models:/name/3`, for as long as the context lasts.

    Args:
        uri: of a registered model, or of a logged one (`models:/m-…`).
        tracking_uri: of the MLflow store; None for the one that MLflow is set to.

    Raises:
        UsageError: if MLflow is not installed, the URI is not of this form, or there is no such model, version or alias
            of walletprint's.
    """
    if not _URI.fullmatch(uri):
        raise UsageError(f"model: models:/NAME@ALIAS, models:/NAME/VERSION or a folder is allowed, not {uri!r}")
    try:
        mlflow = import_mlflow()
        import sqlalchemy  # noqa: F401  (MLflow's small install comes without)
    except ImportError:
        remedy = "pip install 'walletprint[training]', or give the model's folder"
        raise UsageError(f"model: {uri} needs MLflow; {remedy}") from None
    store = tracking_uri or mlflow.get_tracking_uri()
    with tempfile.TemporaryDirectory(prefix="walletprint-") as temporary:
        yield _folder_in(_downloaded(uri, store, temporary), uri)


def _downloaded(uri: str, store: str, folder: str) -> Path:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _quiet():
            return Path(download_artifacts(artifact_uri=uri, dst_path=folder, tracking_uri=store, registry_uri=store))
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"model: {uri} is not in the MLflow store {store} ({reason:.300})") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow, and the migrations of a database that it makes, log each step."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _folder_in(path: Path, uri: str) -> Path:
    from mlflow.models import Model

    flavor = Model.load(str(path)).flavors.get("python_function", {})
    artifact = flavor.get("artifacts", {}).get(ARTIFACT)
    if artifact is None:
        raise UsageError(
            f"model: {uri} was not made by walletprint; `walletprint train` registers models that it can score with"
        )
    return path / artifact["path"]
