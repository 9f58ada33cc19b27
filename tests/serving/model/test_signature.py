"""Signed model folders: what is not the signature of this manifest, by this key, is refused in one line."""

import pytest
from Crypto.PublicKey import ECC

from walletprint.features.base.errors import DataError, UsageError
from walletprint.serving import ModelFolder


@pytest.fixture
def signed(model, tmp_path, monkeypatch):
    """A folder that is signed, and an environment that asks for that."""
    key = ECC.generate(curve="ed25519")
    (tmp_path / "private.pem").write_text(key.export_key(format="PEM"))
    (tmp_path / "public.pem").write_text(key.public_key().export_key(format="PEM"))
    monkeypatch.setenv("WALLETPRINT_SIGNING_KEY", str(tmp_path / "private.pem"))
    monkeypatch.setenv("WALLETPRINT_MODEL_KEY", str(tmp_path / "public.pem"))
    return model.save(tmp_path / "model")


def refused(folder, words: str) -> None:
    with pytest.raises(DataError, match=words) as refusal:
        ModelFolder.load(folder)
    assert "\n" not in str(refusal.value)


def test_every_cut_of_a_signature_is_refused(signed, model):
    place = signed / "manifest.sig"
    whole = place.read_text()
    for length in (0, 1, 64, 127):
        place.write_text(whole[:length])
        refused(signed, r"manifest\.sig: not made by the owner of .*public\.pem")
    place.write_text(whole)
    assert ModelFolder.load(signed) == model


def test_the_key_of_another_is_refused(signed, tmp_path):
    other = ECC.generate(curve="ed25519").public_key()
    (tmp_path / "public.pem").write_text(other.export_key(format="PEM"))
    refused(signed, r"manifest\.sig: not made by the owner of .*public\.pem; take a fresh copy")


def test_a_signed_folder_holds_nothing_else(signed):
    (signed / "run.py").write_text("print('run')")
    refused(signed, r"run\.py: does not belong to a model folder")


@pytest.mark.parametrize("kind", ["folder", "link", "long"])
def test_what_is_no_file_of_that_size_is_no_signature(signed, tmp_path, kind):
    place = signed / "manifest.sig"
    text = place.read_text()
    place.unlink()
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        (tmp_path / "elsewhere").write_text(text)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.write_text(text + " " * 200)
    refused(signed, r"manifest\.sig: missing or not a signature")


@pytest.mark.parametrize("curve", ["ed448", "p256"])
def test_a_key_of_another_kind_is_a_mistake_of_the_call(signed, tmp_path, curve):
    other = ECC.generate(curve=curve).public_key()
    (tmp_path / "public.pem").write_text(other.export_key(format="PEM"))
    with pytest.raises(UsageError, match=r"WALLETPRINT_MODEL_KEY: .* another kind .*; Ed25519 is needed"):
        ModelFolder.load(signed)


def test_a_public_key_signs_nothing(signed, model, tmp_path, monkeypatch):
    monkeypatch.setenv("WALLETPRINT_SIGNING_KEY", str(tmp_path / "public.pem"))
    with pytest.raises(UsageError, match="holds a public key, which cannot sign; give the private one"):
        model.save(tmp_path / "other")
