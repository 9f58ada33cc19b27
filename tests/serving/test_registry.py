"""A model folder logged to MLflow: scored as pyfunc, and fetched from the registry by alias or version."""

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from walletprint.features.errors import UsageError
from walletprint.serving import Scorer
from walletprint.serving.pyfunc import OUTPUT, log_arguments
from walletprint.serving.registry import connected

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


def load_pyfunc(store, name):
    with connected(mlflow, store):
        return mlflow.pyfunc.load_model(name)


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


def test_the_pyfunc_gives_the_same_scores_whatever_the_order_of_columns(store, scorer, X, model):
    pyfunc = load_pyfunc(store, "models:/ours@challenger")
    scored = pyfunc.predict(X[list(model.features)[::-1]])
    pd.testing.assert_frame_equal(scored, scorer.score_features(X)[list(OUTPUT)])


def test_the_signature_asks_for_doubles_and_refuses_missing_columns(store, X, model):
    pyfunc = load_pyfunc(store, "models:/ours/1")
    signature = pyfunc.metadata.signature
    assert signature.inputs.input_names() == list(model.features)
    assert {str(kind) for kind in signature.inputs.input_types()} == {"DataType.double"}
    assert signature.outputs.input_names() == list(OUTPUT)
    with pytest.raises(MlflowException, match="missing"):
        pyfunc.predict(X[list(model.features)[1:]])


def test_the_pyfunc_takes_nulls(store, X, model):
    pyfunc = load_pyfunc(store, "models:/ours/1")
    empty = pd.DataFrame({name: [np.nan] for name in model.features})
    assert pyfunc.predict(empty)["band"].tolist() != ["unscored"]


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
