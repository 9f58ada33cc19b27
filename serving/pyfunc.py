"""A model folder as an MLflow model, logged as code: MLflow keeps this very file with it and runs it on loading.

Therefore its imports are absolute. It takes vectors; for transfers use `Scorer.load("models:/…")`.
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

from walletprint.serving import ModelFolder, Scorer  # pyright: ignore[reportMissingImports]
from walletprint.serving.model.model_registry import ARTIFACT  # pyright: ignore[reportMissingImports]
from walletprint.serving.scoring.scorer import check_reasons  # pyright: ignore[reportMissingImports]

DEFAULT = "flagged"

REASON = {
    "behaviour": DataType.string, "features": DataType.long, "feature": DataType.string, "value": DataType.double,
    "reference_quartiles": Array(DataType.double), "contribution": DataType.double, "sentence": DataType.string,
}  # fmt: skip
OUTPUT = {
    "score": DataType.double, "percentile": DataType.double, "band": DataType.string, "flagged": DataType.boolean,
    "reasons": Array(Object([Property(name, kind) for name, kind in REASON.items()])),
}  # fmt: skip
"""Columns of the scored row, and their types in MLflow."""


class WalletprintModel(PythonModel):
    """Scores vectors: one row of score, percentile, band, flagged and reasons per vector."""

    def load_context(self, context: Any) -> None:
        """Load the model folder from the artifacts."""
        self.scorer = Scorer.load(context.artifacts[ARTIFACT])

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score a frame with one float64 column per feature of the model, in any order.

        Args:
            context: MLflow's, unused.
            model_input: the vectors, (rows, features of the model or more).
            params: `reasons`, which rows get them: `flagged` (the default), `all` or `none`.

        Raises:
            UsageError: `reasons` is another word.
        """
        return explained(self.scorer, model_input, (params or {}).get("reasons", DEFAULT)).loc[:, list(OUTPUT)]


def explained(scorer: Scorer, X: pd.DataFrame, reasons: str) -> pd.DataFrame:
    """The columns of `Scorer.score_features`, and `reasons` as in the scored row: empty for rows that are not explained.

    Raises:
        DataError: as `score_features` does.
        UsageError: `reasons` is another word.
    """
    check_reasons(reasons)
    scored = scorer.score_features(X)
    which = scored["flagged"].to_numpy() if reasons == "flagged" else np.full(len(X), reasons == "all")
    explanations = iter(scorer.reasons_for(X, scored["margin"], which))
    lists = [next(explanations) if explain else [] for explain in which]
    scored["reasons"] = pd.Series(lists, index=X.index, dtype=object)
    return scored


def signature(model: ModelFolder) -> ModelSignature:
    """Inputs: one double per feature. Outputs: the columns of `OUTPUT`. Parameter: which rows get reasons."""
    inputs = Schema([ColSpec(DataType.double, name) for name in model.features])
    outputs = Schema([ColSpec(kind, name) for name, kind in OUTPUT.items()])
    return ModelSignature(inputs, outputs, ParamSchema([ParamSpec("reasons", DataType.string, DEFAULT)]))


def log_arguments(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The arguments of `mlflow.pyfunc.log_model` for a saved model folder. Raises DataError as `ModelFolder.load` does."""
    model = ModelFolder.load(folder)
    return {
        "python_model": __file__,
        "artifacts": {ARTIFACT: str(Path(folder).resolve())},
        "signature": signature(model),
        "pip_requirements": [f"walletprint=={version('walletprint')}"],
        "metadata": {"walletprint": {"name": model.name, "head": model.head, "version": model.version}},
    }


mlflow.models.set_model(WalletprintModel())
