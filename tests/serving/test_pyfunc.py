"""The model as MLflow serves it: the bits of score and the words of reasons that `Scorer.score` gives, and what it refuses."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from samples.registered import CHAMPION, registered
from samples.spark_chain import AS_OF, address, chain

from walletprint.features import Ledger, UsageError, extract, snapshots_of
from walletprint.serving import ModelFolder, Scorer
from walletprint.serving.model.model_registry import connected
from walletprint.serving.pyfunc import OUTPUT

# MLflow asks for an input example, which the signature makes needless.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:mlflow")
ASKED = [address(number) for number in range(300)]


@pytest.fixture(scope="module")
def reference() -> Scorer:
    """A model of real size, which flags some of the chain's wallets."""
    values = Scorer.load("reference").model.model_dump()
    return Scorer.from_model(ModelFolder(**values | {"threshold": 0.5, "version": ""}))


@pytest.fixture(scope="module")
def pyfunc(reference, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    with connected(mlflow, registered(reference.model.save(folder / "model"), folder)):
        return mlflow.pyfunc.load_model(CHAMPION)


@pytest.fixture(scope="module")
def history() -> Ledger:
    return Ledger.from_transfers(chain(rows=3_000, wallets=300))


@pytest.fixture(scope="module")
def scores(reference, history) -> pd.DataFrame:
    """The rows of `Scorer.score` that have a score."""
    rows = reference.score(ASKED, history, AS_OF, reasons="all")
    return pd.DataFrame(rows[rows["score"].notna()]).reset_index(drop=True)


@pytest.fixture(scope="module")
def vectors(reference, history, scores) -> pd.DataFrame:
    model = reference.model
    return extract(history, snapshots_of(scores["address"], AS_OF), window=model.window, features=model.features)


def test_a_served_model_gives_the_bits_of_the_scorer(pyfunc, vectors, scores):
    assert len(scores) > 250
    assert vectors.isna().to_numpy().any()
    assert set(scores["flagged"]) == {True, False}
    served = pyfunc.predict(vectors, params={"reasons": "all"})
    pd.testing.assert_frame_equal(served, scores[list(OUTPUT)], check_exact=True)


def test_the_order_of_columns_and_the_rows_beside_change_nothing(pyfunc, vectors, scores):
    turned = vectors[list(vectors)[::-1]]
    served = pd.concat([pyfunc.predict(turned.iloc[at : at + 100]) for at in range(0, len(turned), 100)])
    names = ["score", "percentile", "band", "flagged"]
    pd.testing.assert_frame_equal(served[names], scores[names], check_exact=True)


@pytest.mark.parametrize(
    "calibration",
    [
        {"method": "isotonic", "x": [-1.2, -0.4, 0.4, 1.2], "y": [0.02, 0.3, 0.6, 0.97]},
        {"method": "sigmoid", "x": [1.7], "y": [-0.3]},
        {"method": "none", "x": [], "y": []},
        {"method": "venn_abers", "x": [-0.5, 0.5], "y": [0.1, 0.4, 0.8]},
    ],
    ids=lambda calibration: calibration["method"],
)
def test_a_row_scores_the_same_in_whatever_batch(model_values, X, calibration):
    """What makes Spark's batches, a served request and a table equal."""
    one = Scorer.from_model(ModelFolder(**model_values | {"calibration": calibration}))
    X = X.iloc[:70]
    whole = one.score_features(X)
    for size in (1, 7, 64):
        parts = pd.concat([one.score_features(X.iloc[at : at + size]) for at in range(0, len(X), size)])
        pd.testing.assert_frame_equal(parts, whole, check_exact=True)


def test_reasons_come_for_flagged_rows_unless_more_or_none_are_asked_for(pyfunc, vectors, scores):
    flagged = pyfunc.predict(vectors)
    expected = [row if told else [] for row, told in zip(scores["reasons"], scores["flagged"], strict=True)]
    assert flagged["reasons"].tolist() == expected
    assert not any(pyfunc.predict(vectors, params={"reasons": "none"})["reasons"])
    json.dumps(flagged.to_dict("records"), allow_nan=False)  # what a server answers


def test_no_rows_give_none_of_the_same_types(pyfunc, vectors):
    found, none = pyfunc.predict(vectors), pyfunc.predict(vectors.iloc[:0])
    assert len(none) == 0
    assert none.dtypes.to_dict() == found.dtypes.to_dict()


def test_the_index_stays_and_other_columns_do_not_matter(pyfunc, vectors):
    some = vectors.iloc[:3].assign(more="x").set_axis(["a", "b", "c"])
    assert pyfunc.predict(some).index.tolist() == ["a", "b", "c"]


def test_another_word_is_refused_in_one_line(pyfunc, vectors):
    with pytest.raises(UsageError, match=r"^reasons: one of flagged, all, none is allowed, not 'some'$"):
        pyfunc.predict(vectors, params={"reasons": "some"})


def test_the_signature_asks_for_doubles_and_tells_of_the_columns_that_come(pyfunc, vectors, reference):
    signature = pyfunc.metadata.signature
    assert signature.inputs.input_names() == list(reference.model.features)
    assert {str(kind) for kind in signature.inputs.input_types()} == {"DataType.double"}
    assert signature.outputs.input_names() == list(OUTPUT)
    assert [(one.name, one.default) for one in signature.params] == [("reasons", "flagged")]
    with pytest.raises(MlflowException, match=rf"Model is missing inputs \['{reference.model.features[0]}'\]"):
        pyfunc.predict(vectors.drop(columns=reference.model.features[0]))


def test_a_vector_of_nulls_has_a_score(pyfunc, reference):
    empty = pd.DataFrame({name: [np.nan] for name in reference.model.features})
    assert pyfunc.predict(empty)["band"].tolist() != ["unscored"]
