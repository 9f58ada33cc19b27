"""The drift of batches: of features too where the model has a profile, each wallet and date once, and the same on resume."""

import json
from pathlib import Path

import pandas as pd
import pytest

from walletprint.cli.score_command import _drift
from walletprint.features.base import atomic_write
from walletprint.features.base.errors import DataError
from walletprint.features.extraction.extractor import extract
from walletprint.serving import Scorer
from walletprint.serving.batch import score_batch
from walletprint.serving.drift.monitor import batch_drift
from walletprint.serving.model.profile import profile_of
from walletprint.serving.scoring.row_columns import TEST_ADDRESSES

NAMES = [f"0x{n:040x}" for n in range(60)]
DATES = ("2021-03-10", "2021-04-01")


@pytest.fixture(scope="module")
def asked() -> pd.DataFrame:
    return pd.DataFrame([(name, date) for date in DATES for name in NAMES], columns=["address", "as_of"])


@pytest.fixture(scope="module")
def profiled(model, X) -> Scorer:
    """A model whose reference population forwarded less."""
    columns = X[list(model.features)]
    first = columns.columns[0]
    return Scorer.from_model(
        model.model_copy(update={"profile": profile_of(columns.assign(**{first: columns[first] - 1}))})
    )


@pytest.fixture
def batch(profiled, ledger, asked, tmp_path):
    asked.to_csv(tmp_path / "a.csv", index=False)

    def call(out: str = "scores", scorer: Scorer = profiled, **given):
        given = {"rows_per_part": 1_000, "scored_at": pd.Timestamp("2026-01-02", tz="UTC")} | given
        return score_batch(scorer, ledger, tmp_path / "a.csv", tmp_path / out, **given)

    return call


def test_features_are_compared_as_on_vectors_at_hand(batch, profiled, ledger, asked):
    drift = batch()["drift"]
    dates = pd.to_datetime(asked["as_of"], utc=True).astype("datetime64[us, UTC]")
    vectors = extract(ledger, asked.assign(as_of=dates), window="90d", features=profiled.model.features)
    scored = vectors.loc[vectors["activity__transfers__total"] >= profiled.model.min_transfers]
    assert drift == batch_drift(profiled.model, scored, profiled.score_features(scored)["percentile"])
    assert drift["features"][profiled.model.features[0]]["verdict"] == "drifted"
    assert drift["moved"][0] == profiled.model.features[0]


def test_a_model_without_a_profile_says_that_only_scores_are_compared(batch, scorer, profiled):
    one, two = batch("one", scorer)["drift"], batch("two")["drift"]
    assert (one["features"], one["rows"], one["score"]) == (None, two["rows"], two["score"])
    assert "no profile" in one["note"]
    assert two["note"] is None


def test_a_wallet_asked_twice_counts_once_and_a_test_address_not_at_all(batch, asked, tmp_path):
    before = batch()["drift"]
    more = pd.concat([asked, asked.iloc[:30], pd.DataFrame({"address": [*TEST_ADDRESSES], "as_of": DATES[0]})])
    more.to_csv(tmp_path / "a.csv", index=False)
    assert batch("more")["drift"] == before


def test_a_resumed_batch_reports_the_same(batch, tmp_path, monkeypatch):
    whole = batch("whole", rows_per_part=25)

    def full(fresh: Path, place: Path) -> None:
        if place.name == "part-000002.parquet":
            raise OSError(28, "No space left on device")
        fresh.rename(place)

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write, "move", full)
        with pytest.raises(DataError, match="No space left"):
            batch("again", rows_per_part=25)
    again = batch("again", rows_per_part=25, resume=True)
    assert again["rows_kept"] == 50
    assert again["drift"] == whole["drift"] == batch()["drift"]
    manifest = json.loads((tmp_path / "again" / "manifest.json").read_text())
    assert manifest["drift"] == whole["drift"]


def test_the_line_names_what_moved_most(batch, profiled, scorer):
    names = profiled.model.features
    drift = batch()["drift"] | {"verdict": "watch", "moved": [*names[:2]]}
    psi = [drift["features"][name]["psi"] for name in names]
    said = f"moved: {names[0]} ({psi[0]:.2f}), {names[1]} ({psi[1]:.2f})"
    assert _drift(drift) == f"drift of scores and features against the model's reference population: watch; {said}"
    assert _drift(drift | {"moved": [*names[:5]]}).endswith(f"{names[2]} ({psi[2]:.2f}) and 2 more")
    assert _drift(batch("two", scorer)["drift"]).startswith("drift of the scores against")
