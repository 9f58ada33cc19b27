"""A model folder logged to MLflow: fetched from the registry by alias or version."""

import mlflow
import pandas as pd
import pytest

from walletprint.features.base.errors import UsageError
from walletprint.serving import Scorer
from walletprint.serving.pyfunc import log_arguments

# MLflow asks for an input example, which the signature makes needless; its other talk is about the model that is not ours.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")


@pytest.fixture(scope="module")
def store(model, tmp_path_factory):
    """An MLflow store with one model of ours under the alias challenger, and one that is not ours."""
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.create_experiment("test", artifact_location=(folder / "artifacts").as_uri())
    with mlflow.start_run(experiment_id=experiment):
        arguments = log_arguments(model.save(folder / "model"))
        mlflow.pyfunc.log_model(name="model", registered_model_name="ours", **arguments)
        mlflow.pyfunc.log_model(
            name="other", python_model=Foreign(), registered_model_name="theirs", pip_requirements=[]
        )
    mlflow.MlflowClient().set_registered_model_alias("ours", "challenger", "1")
    mlflow.set_tracking_uri(before)  # so that the tests see whether the store asked for is the one looked into
    return uri


class Foreign(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str], params=None) -> list[str]:
        return model_input


@pytest.mark.parametrize("name", ["models:/ours@challenger", "models:/ours/1"])
def test_a_registered_model_scores_as_its_folder(store, scorer, ledger, name):
    addresses = [f"0x{number:040x}" for number in range(5)]
    loaded = Scorer.load(name, tracking_uri=store)
    assert loaded.model == scorer.model
    expected = scorer.score(addresses, ledger, "2021-04-01")
    pd.testing.assert_frame_equal(loaded.score(addresses, ledger, "2021-04-01"), expected)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("models:/ours@champion", "is not in the MLflow store"),
        ("models:/ours/7", "is not in the MLflow store"),
        ("models:/nothing@challenger", "is not in the MLflow store"),
        ("models:/theirs/1", "was not made by walletprint"),
        ("models:/ours", "models:/NAME@ALIAS, models:/NAME/VERSION or a folder is allowed"),
        ("models:/ours/1/../../x", "is allowed"),
        ("models:/", "is allowed"),
    ],
)
def test_what_is_not_there_is_one_clear_line(store, name, words):
    with pytest.raises(UsageError) as caught:
        Scorer.load(name, tracking_uri=store)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
