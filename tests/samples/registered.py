"""A model in an MLflow store of its own, as training leaves one there. No tests."""

from pathlib import Path

from walletprint.serving.model.model_registry import connected, import_mlflow
from walletprint.serving.pyfunc import log_arguments

CHAMPION = "models:/ours@champion"


def registered(model: Path, place: Path) -> str:
    """The URI of a store in `place`, in which a saved model folder is the champion of the name `ours`."""
    mlflow = import_mlflow()
    uri = f"sqlite:///{place / 'mlflow.db'}"
    with connected(mlflow, uri):
        experiment = mlflow.create_experiment("test", artifact_location=(place / "artifacts").as_uri())
        with mlflow.start_run(experiment_id=experiment):
            mlflow.pyfunc.log_model(name="model", registered_model_name="ours", **log_arguments(model))
        mlflow.MlflowClient().set_registered_model_alias("ours", "champion", "1")
    return uri
