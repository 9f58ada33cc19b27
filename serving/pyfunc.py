"""A model folder as an MLflow model, logged as code: MLflow keeps this very file with it and runs it on loading.

Hence the absolute imports. It takes behavioural vectors; for transfers there is `Scorer.load("models:/…")`.
"""

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow.models
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, Object, Property

from walletprint.features.base.errors import UsageError  # pyright: ignore[reportMissingImports]
from walletprint.serving import ModelFolder, Scorer  # pyright: ignore[reportMissingImports]
from walletprint.serving.model.model_registry import ARTIFACT  # pyright: ignore[reportMissingImports]
from walletprint.serving.scoring.scorer import REASONS  # pyright: ignore[reportMissingImports]

DEFAULT = "flagged"

REASON = {
    "behaviour": DataType.string, "features": DataType.long, "feature": DataType.string, "value": DataType.double,
    "usual": Array(DataType.double), "contribution": DataType.double, "sentence": DataType.string,
}  # fmt: skip
OUTPUT = {
    "score": DataType.double, "percentile": DataType.double, "band": DataType.string, "flagged": DataType.boolean,
    "reasons": Array(Object([Property(name, kind) for name, kind in REASON.items()])),
}  # fmt: skip
"""Columns of the scored row, and their types in MLflow's words."""


class WalletprintModel(PythonModel):
    """Scores behavioural vectors: one row of score, percentile, band, flagged and reasons each."""

    def load_context(self, context: Any) -> None:
        """Load the model folder among the artifacts."""
        self.scorer = Scorer.load(context.artifacts[ARTIFACT])

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score a frame with a float64 column for each feature of the model, in any order.

        Args:
            context: MLflow's; not used here.
            model_input: the vectors, (rows, features of the model or more).
            params: `reasons`, which rows get them: `flagged` (if nothing is said), `all` or `none`.

        Raises:
            UsageError: `reasons` is another word.
        """
        return explained(self.scorer, model_input, (params or {}).get("reasons", DEFAULT)).loc[:, list(OUTPUT)]


def explained(scorer: Scorer, X: pd.DataFrame, reasons: str) -> pd.DataFrame:
    """What `Scorer.score_features` gives, with a column `reasons` as in the scored row: empty where none are asked for.

    Raises:
        DataError: as `score_features`. UsageError: `reasons` is no word of `REASONS`.
    """
    if reasons not in REASONS:
        raise UsageError(f"reasons: one of {', '.join(REASONS)} is allowed, not {reasons!r}")
    scored = scorer.score_features(X)
    which = scored["flagged"].to_numpy() if reasons == "flagged" else np.full(len(X), reasons == "all")
    found = iter(scorer.reasons_for(X, scored["margin"], which))
    lists = [next(found) if explain else [] for explain in which]
    scored["reasons"] = pd.Series(lists, index=X.index, dtype=object)
    return scored


def signature(model: ModelFolder) -> ModelSignature:
    """A double for each feature in; the columns of `OUTPUT` out; which rows get reasons as a parameter."""
    inputs = Schema([ColSpec(DataType.double, name) for name in model.features])
    outputs = Schema([ColSpec(kind, name) for name, kind in OUTPUT.items()])
    return ModelSignature(inputs, outputs, ParamSchema([ParamSpec("reasons", DataType.string, DEFAULT)]))


def log_arguments(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """What `mlflow.pyfunc.log_model` needs to log a saved model folder. Raises DataError as `ModelFolder.load` does."""
    model = ModelFolder.load(folder)
    return {
        "python_model": __file__,
        "artifacts": {ARTIFACT: str(Path(folder).resolve())},
        "signature": signature(model),
        "pip_requirements": [f"walletprint=={version('walletprint')}"],
        "metadata": {"walletprint": {"name": model.name, "head": model.head, "version": model.version}},
    }


mlflow.models.set_model(WalletprintModel())
