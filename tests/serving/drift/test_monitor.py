"""The drift of a batch: against the plain index, whatever its parts and their order, and with what is not there said."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features import extract, snapshots_of
from walletprint.features.base.arrow import table_of
from walletprint.features.base.errors import DataError, UsageError
from walletprint.serving import ModelFolder, Scorer, write_scores
from walletprint.serving.drift.monitor import BatchDrift, batch_drift, drift_of_files
from walletprint.serving.model.calibration import reference_margins
from walletprint.serving.model.population_stability import bins_of, bins_of_all, edges_of, psi
from walletprint.serving.model.profile import Profile, profile_of


@pytest.fixture(scope="module")
def population(model):
    random = np.random.default_rng(3)
    X = pd.DataFrame({name: random.normal(size=1_000) for name in model.features})
    X.iloc[::7, 1] = np.nan
    X.iloc[:, 2] = np.round(X.iloc[:, 2])
    return keyed(X)


def keyed(X: pd.DataFrame) -> pd.DataFrame:
    """Vectors with an address and a date each, as `extract` gives them."""
    return X.assign(
        address=[f"0x{number:040x}" for number in range(len(X))], as_of=pd.Timestamp("2021-04-01", tz="UTC")
    )


@pytest.fixture(scope="module")
def profiled(model_values, population) -> ModelFolder:
    margin = np.linspace(-3, 3, 2_001)
    return ModelFolder(
        **model_values
        | {
            "profile": profile_of(population[list(model_values["features"])]),
            "reference_margins": reference_margins(margin),
        }
    )


def later(population, moved: float, n: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    X = population.sample(n, replace=True, random_state=5).reset_index(drop=True)
    X.iloc[:, 0] += moved
    return keyed(X), np.random.default_rng(8).uniform(0, 100, n)


def test_indices_are_those_of_the_plain_formula(profiled, population):
    X, percentile = later(population, 0.7)
    report = batch_drift(profiled, X, percentile)
    for name in profiled.features:  # the sample is the whole population here
        assert report["features"][name]["psi"] == pytest.approx(
            psi(population[name].to_numpy(), X[name].to_numpy()), abs=1e-6
        )
    # Percentiles of the reference are even, so even ones are calm.
    assert report["score"]["psi"] == pytest.approx(psi(np.linspace(0, 100, 1_001), percentile), abs=0.01)
    assert report["score"]["verdict"] == "calm"


def test_what_moved_is_named_and_what_did_not_is_calm(profiled, population):
    calm, moved = (batch_drift(profiled, *later(population, by)) for by in (0.0, 2.0))
    assert (calm["verdict"], calm["moved"], calm["adversarial"]["verdict"]) == ("calm", [], "calm")
    assert calm["adversarial"]["roc_auc"] < 0.6
    assert (moved["verdict"], moved["moved"]) == ("watch", [profiled.features[0]])  # the score did not move
    assert moved["adversarial"]["roc_auc"] > 0.85
    assert moved["adversarial"]["by"][0] == profiled.features[0]
    high = batch_drift(profiled, None, np.full(200, 99.9))
    assert (high["verdict"], high["score"]["verdict"], high["adversarial"]) == ("drifted", "drifted", None)


def test_parts_in_any_order_give_the_same_report(profiled, population):
    X, percentile = later(population, 0.4, 2_000)
    percentile[::9] = np.nan  # unscored
    whole = batch_drift(profiled, X, percentile)
    assert whole["rows"] == np.isfinite(percentile).sum()
    pieces = []
    for places in np.array_split(np.random.default_rng(1).permutation(2_000), 7):
        part = BatchDrift(profiled)
        part.add(X.iloc[places], percentile[places])
        pieces.append(json.loads(json.dumps(part.counts())))
    for order in (pieces, pieces[::-1]):
        merged = BatchDrift(profiled)
        for piece in order:
            merged.merge(piece)
        assert merged.report() == whole
    json.dumps(whole, allow_nan=False)


def test_too_few_rows_have_no_verdict(profiled, population):
    report = batch_drift(profiled, *later(population, 0.0, 99))
    assert (report["verdict"], report["score"]["psi"], report["adversarial"]) == ("too few rows", None, None)
    empty = batch_drift(profiled, population.iloc[:0], [])
    assert empty["rows"] == 0


def test_a_model_without_a_profile_compares_scores_and_says_so(model, population):
    report = batch_drift(model, population, np.linspace(0, 100, len(population)))
    assert report["features"] is None
    assert "no profile" in report["note"]
    assert report["score"]["psi"] is not None


def test_equal_rows_do_not_crowd_the_sample(profiled, population):
    """A third of all wallets have one vector, here as in the reference: the sample holds some of them, never all or none."""
    few = population.iloc[:333].assign(**dict.fromkeys(profiled.features, 0.0))
    one = keyed(pd.concat([few, population.iloc[333:]], ignore_index=True))
    reference = profile_of(one[list(profiled.features)])
    for start in range(5):
        batch = one.assign(address=[f"0x{start}{number:039x}" for number in range(1_000)])
        report = batch_drift(profiled.model_copy(update={"profile": reference}), batch, np.full(1_000, 40.0 + start))
        assert report["adversarial"]["roc_auc"] < 0.62


@pytest.mark.parametrize("value", [1.0, np.nan, np.inf])
def test_features_that_never_change_are_calm(profiled, population, value):
    same = population.assign(**dict.fromkeys(profiled.features, value))
    profile = profile_of(same[list(profiled.features)])
    report = batch_drift(profiled.model_copy(update={"profile": profile}), same, np.linspace(0, 100, len(same)))
    assert {found["verdict"] for found in report["features"].values()} == {"calm"}
    assert report["adversarial"] == {"roc_auc": 0.5, "verdict": "calm", "by": []}


def test_a_feature_that_is_missing_all_at_once_is_named(profiled, population):
    name = profiled.features[3]
    report = batch_drift(profiled, population.assign(**{name: np.nan}), np.linspace(0, 100, len(population)))
    assert (report["moved"], report["verdict"]) == ([name], "watch")


def test_what_does_not_fit_is_refused(profiled, model, population):
    with pytest.raises(DataError, match="is missing among the vectors"):
        batch_drift(profiled, population.drop(columns=profiled.features[0]), np.zeros(len(population)))
    with pytest.raises(DataError, match="one each"):
        batch_drift(profiled, population, [1.0])
    with pytest.raises(DataError, match="the column address is missing"):
        batch_drift(profiled, population.drop(columns="address"), np.zeros(len(population)))
    with pytest.raises(DataError, match=f"the column {profiled.features[0]} occurs twice"):
        batch_drift(profiled, pd.concat([population, population[[profiled.features[0]]]], axis=1), np.zeros(1_000))
    with pytest.raises(DataError, match="all columns must hold numbers"):
        batch_drift(profiled, population.assign(**{profiled.features[0]: "much"}), np.zeros(len(population)))
    with pytest.raises(DataError, match="another model"):
        BatchDrift(model).merge(BatchDrift(profiled).counts())
    for nonsense in ({}, {"bins": 3, "sample": []}, {"bins": {"": ["x"]}, "sample": []}, {"bins": {}, "sample": [1]}):
        with pytest.raises(DataError):
            BatchDrift(profiled).merge(nonsense)
    counts = BatchDrift(profiled).counts()
    for sample in ([[1, "0"]], [[1, "x" * len(profiled.features)]]):
        with pytest.raises(DataError, match="not counts of a batch"):
            BatchDrift(profiled).merge(counts | {"sample": sample})
    with pytest.raises(DataError, match="not counts of a batch"):
        BatchDrift(profiled).merge(
            counts | {"bins": {name: [-n - 1 for n in one] for name, one in counts["bins"].items()}}
        )


@pytest.fixture
def files(profiled, scorer, ledger, tmp_path):
    """Scored rows and vectors of the same addresses, one of which has too little history."""
    one, asked = Scorer.from_model(profiled), [f"0x{number:040x}" for number in range(61)]
    scores = one.score(asked, ledger, "2021-04-01")
    X = extract(ledger, snapshots_of(asked, "2021-04-01"), window="90d", features=profiled.features)
    places = [tmp_path / f"{name}{suffix}" for name in ("scores", "vectors") for suffix in (".parquet", ".csv")]
    for place in places[:2]:
        write_scores(scores, place)
    pq.write_table(table_of(X), places[2])
    X.iloc[::-1].to_csv(places[3], index=False)
    return one, places


def test_only_vectors_of_what_was_scored_count_whatever_the_format(files):
    scorer, (parquet, csv, vectors, text) = files
    report = drift_of_files(scorer, parquet, vectors)
    assert report["rows"] == 60
    assert drift_of_files(scorer, csv, text) == report
    assert drift_of_files(scorer, csv)["score"] == report["score"]


def test_files_that_do_not_belong_together_are_refused(files, scorer):
    profiled, (parquet, csv, _, vectors) = files
    pd.read_csv(vectors).iloc[10:].to_csv(vectors, index=False)
    with pytest.raises(
        DataError, match=r"vectors\.csv: 9 of 60 scored rows have no vector there; extract the addresses"
    ):
        drift_of_files(profiled, parquet, vectors)
    for place in (parquet, csv):
        with pytest.raises(UsageError, match=rf"scored by version {profiled.model.version} .*give the model that"):
            drift_of_files(scorer, place)


def test_a_profile_is_saved_with_the_model_and_older_models_keep_their_version(profiled, model, tmp_path):
    assert ModelFolder.load(profiled.save(tmp_path / "new")) == profiled
    assert "profile" not in json.loads((model.save(tmp_path / "old") / "model.json").read_text())


def test_a_profile_holds_codes_and_no_more_than_a_thousand_rows():
    X = pd.DataFrame({"a": [*range(4_999), np.nan], "b": [np.nan] * 5_000, "c": [np.inf] * 5_000})
    profile = profile_of(X)
    assert profile.rows == 1_000
    assert set(profile.codes["b"]) == set(profile.codes["c"]) == {"-"}
    assert profile.codes["a"][-1] == "-"
    assert np.bincount(profile.sample("a")).tolist() == pytest.approx([100] * 10 + [1], abs=2)
    assert profile_of(X.iloc[:0]).rows == 0
    for wrong in ({"edges": {"a": (1.0,)}, "codes": {"a": "2"}}, {"edges": {"a": ()}, "codes": {"a": "0" * 1_001}}):
        with pytest.raises(ValueError, match="codes"):
            Profile(**wrong)


def test_bins_of_many_columns_are_those_of_each():
    random = np.random.default_rng(3)
    values = np.round(random.normal(size=(500, 4)), 1)  # many lie on an edge
    values[random.random(values.shape) < 0.1] = np.nan
    values[0], values[1] = np.inf, -np.inf
    edges = [edges_of(values[:, 0]), np.array([0.0]), np.empty(0), np.arange(-4.0, 5.0)]
    known = np.where(np.isfinite(values), values, np.nan)
    expected = np.column_stack([bins_of(column, edge) for column, edge in zip(known.T, edges, strict=True)])
    assert np.array_equal(bins_of_all(values, edges), expected)
    assert np.array_equal(bins_of_all(np.asfortranarray(values), edges), expected)
