"""Fetches a model folder from an MLflow registry. Imports MLflow only when it is called."""

import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...features.base.errors import UsageError

PREFIX = "models:/"
ARTIFACT = "model_folder"
"""The name under which the pyfunc of `pyfunc.py` holds the model folder."""

_URI = re.compile(r"models:/(m-[0-9a-f]{32}|[^/@]+@[^/@]+|[^/@]+/[1-9]\d*)")


def import_mlflow() -> Any:
    """MLflow without its usage reports: it sends data only to the store. Raises ImportError if it is missing."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # it would print beside ours
    import mlflow

    return mlflow


@contextmanager
def fetched(uri: str, tracking_uri: str | None = None) -> Iterator[Path]:
    """The model folder of `models:/name@alias` or `models:/name/3`, while the context lasts.

    Args:
        uri: of a registered model, or of a logged one (`models:/m-…`).
        tracking_uri: of the MLflow store; None: the one that MLflow is set to.

    Raises:
        UsageError: MLflow is not installed, the URI is not of this form, or walletprint has no such model, version or
            alias there.
    """
    if not _URI.fullmatch(uri):
        raise UsageError(f"model: models:/NAME@ALIAS, models:/NAME/VERSION or a folder is allowed, not {uri!r}")
    try:
        mlflow = import_mlflow()
        import sqlalchemy  # noqa: F401  (MLflow's small install lacks it)
    except ImportError:
        remedy = "pip install 'walletprint[training]', or give the model's folder"
        raise UsageError(f"model: {uri} needs MLflow; {remedy}") from None
    with tempfile.TemporaryDirectory(prefix="walletprint-") as temporary:
        yield _folder_in(_downloaded(mlflow, uri, tracking_uri, temporary), uri)


@contextmanager
def connected(mlflow: Any, uri: str | None) -> Iterator[str]:
    """Set MLflow to a store, quietly, while the context lasts; gives its URI. Raises what MLflow raises.

    Arguments of its functions are not enough: MLflow looks registered models up in the store that it is set to.
    """
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    with _quiet():
        try:
            mlflow.set_tracking_uri(uri or mlflow.get_tracking_uri())
            yield mlflow.get_tracking_uri()
        finally:
            mlflow.set_tracking_uri(before)


def _downloaded(mlflow: Any, uri: str, tracking_uri: str | None, folder: str) -> Path:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    store = tracking_uri or mlflow.get_tracking_uri()
    try:
        with connected(mlflow, store):
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"model: {uri} is not in the MLflow store {store} ({reason:.300})") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence MLflow: it and its database migrations log each step. It also warns about its own type hints, and asks for an input
    example, which a signature makes unnecessary."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            for message in (".*input example", ".*Any type hint"):
                warnings.filterwarnings("ignore", message=message, category=UserWarning)
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
