"""A model folder as an MLflow model, logged as code: MLflow keeps this very file with it and runs it on loading.

Hence the absolute imports. It takes behavioural vectors; for transfers and reasons there is `Scorer.load("models:/…")`.
"""

import os
from pathlib import Path
from typing import Any

import mlflow.models
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc.model import PythonModel
from mlflow.types import ColSpec, DataType, Schema

import walletprint
from walletprint.serving import ModelFolder, Scorer  # pyright: ignore[reportMissingImports]
from walletprint.serving.registry import ARTIFACT  # pyright: ignore[reportMissingImports]

OUTPUT = {"score": DataType.double, "percentile": DataType.double, "band": DataType.string, "flagged": DataType.boolean}


class WalletprintModel(PythonModel):
    """Scores behavioural vectors: one row of score, percentile, band and flagged each."""

    def load_context(self, context: Any) -> None:
        """Load the model folder among the artifacts."""
        self.scorer = Scorer.load(context.artifacts[ARTIFACT])

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Score a frame with a float64 column for each feature of the model, in any order."""
        return self.scorer.score_features(model_input)[list(OUTPUT)]


def signature(model: ModelFolder) -> ModelSignature:
    """A double for each feature in; score, percentile, band and flagged out."""
    inputs = Schema([ColSpec(DataType.double, name) for name in model.features])
    return ModelSignature(inputs, Schema([ColSpec(kind, name) for name, kind in OUTPUT.items()]))


def log_arguments(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """What `mlflow.pyfunc.log_model` needs to log a saved model folder. Raises DataError as `ModelFolder.load` does."""
    model = ModelFolder.load(folder)
    return {
        "python_model": __file__,
        "artifacts": {ARTIFACT: str(Path(folder).resolve())},
        "signature": signature(model),
        "pip_requirements": [f"walletprint=={walletprint.__version__}"],
        "metadata": {"walletprint": {"name": model.name, "head": model.head, "version": model.version}},
    }


mlflow.models.set_model(WalletprintModel())
