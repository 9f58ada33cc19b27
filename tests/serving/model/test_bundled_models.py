"""The models that come with the package: they load, belong to this catalogue, score at once, and say what they are."""

import pandas as pd
import pytest

from walletprint.features import catalogue, features_hash
from walletprint.features.base.errors import UsageError
from walletprint.serving import Scorer
from walletprint.serving.model.bundled_models import FOLDER, HEADS, bundled_folder


@pytest.fixture(scope="module", params=HEADS)
def scorer(request):
    return Scorer.load(f"reference:{request.param}")


def test_a_reference_belongs_to_this_catalogue(scorer):
    """If this fails, a formula changed: make the models anew (`experiments/reference_models/__main__.py`)."""
    names = {feature.name for feature in catalogue()}
    assert set(scorer.model.features) <= names
    assert scorer.model.features_hash == features_hash(scorer.model.features)


def test_a_reference_scores_wallets_it_never_met(scorer):
    passed_on = [
        ("2023-05-01", "a", "w", 50.0),
        ("2023-05-01 01:00", "w", "x", 25.0),
        ("2023-05-01 01:10", "w", "y", 24.9),
    ]
    rows = pd.DataFrame(passed_on, columns=["timestamp", "sender", "receiver", "amount"])
    transfers = rows.assign(timestamp=pd.to_datetime(rows["timestamp"], format="mixed", utc=True), asset="ETH")
    scores = scorer.score(["w", "unknown"], transfers, as_of="2023-06-01", reasons="all")
    assert 0 < scores["score"].iloc[0] < 1
    assert scores["reasons"].iloc[0]
    assert scores["band"].iloc[1] == "unscored"


def test_a_reference_is_small_and_tells_what_it_is(scorer):
    folder = FOLDER / scorer.model.head
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2_000_000
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(part in card for part in ("## Sources", "licence", "cannot do", "leave-one-case-out"))


def test_reference_alone_is_the_first_head_and_a_folder_of_that_name_goes_before(tmp_path, monkeypatch):
    assert bundled_folder("reference") == FOLDER / "laundering"
    assert bundled_folder("models:/x@champion") is None
    assert bundled_folder("reference.old") is None
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reference").mkdir()
    assert bundled_folder("reference") is None


def test_an_unknown_reference_is_one_line_that_names_those_there_are():
    with pytest.raises(UsageError, match=r"no reference:theft; reference:laundering, reference:state_linked come with"):
        bundled_folder("reference:theft")
