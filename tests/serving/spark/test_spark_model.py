"""How a model travels to Spark's workers: as the bytes of its files, with its signature; without Spark."""

import pytest

from walletprint.features import UsageError
from walletprint.serving import Scorer
from walletprint.serving.spark import _loaded, _with_files

PRIVATE = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
PUBLIC = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""  # both of RFC 8410, section 10: known to everybody


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """What sets the variables as on a machine that signs, or on one that checks."""

    def set_to(name: str, text: str | None) -> None:
        (tmp_path / name).write_text(text or "")
        monkeypatch.setenv(name, str(tmp_path / name)) if text else monkeypatch.delenv(name)

    return set_to


def test_a_scorer_a_folder_and_a_name_arrive_as_they_left(model, model_dir):
    for source in (Scorer.from_model(model), model_dir, str(model_dir)):
        scorer, files = _with_files(source)
        assert _loaded(files).model == scorer.model == model
    assert _loaded(_with_files("reference")[1]).model == Scorer.load("reference").model


def test_a_signed_model_arrives_signed(model, tmp_path, checked):
    checked("WALLETPRINT_SIGNING_KEY", PRIVATE)
    folder = model.save(tmp_path / "model")
    checked("WALLETPRINT_SIGNING_KEY", None)
    checked("WALLETPRINT_MODEL_KEY", PUBLIC)
    assert _loaded(_with_files(folder)[1]).model == model


def test_a_scorer_in_memory_has_no_signature_to_bring(model, checked):
    checked("WALLETPRINT_MODEL_KEY", PUBLIC)
    with pytest.raises(UsageError, match=r"^model: WALLETPRINT_MODEL_KEY asks for a signature, .* give its folder"):
        _with_files(Scorer.from_model(model))
