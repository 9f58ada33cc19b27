"""The model folder: the same bytes for the same model, and one clear line for every folder that is not as saved."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from walletprint.features.base import atomic_write
from walletprint.features.base.errors import DataError, UsageError
from walletprint.serving import ModelFolder, Scorer


def reseal(folder: Path, name: str, data: bytes) -> None:
    """Change a file as an insider would: with its checksum."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def change(folder: Path, **values) -> None:
    """Change values of model.json, with its checksum and without its version, so that only the value is wrong."""
    document = json.loads((folder / "model.json").read_text()) | {"version": ""} | values
    reseal(folder, "model.json", json.dumps(document).encode())


def change_manifest(folder: Path, **values) -> None:
    manifest = json.loads((folder / "manifest.json").read_text()) | values
    (folder / "manifest.json").write_text(json.dumps(manifest))


def refusal(folder: Path) -> str:
    """The one line with which a folder is refused."""
    with pytest.raises(DataError) as caught:
        ModelFolder.load(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert str(folder) in text
    return text


def test_a_saved_model_loads_as_it_was(model, model_dir):
    assert ModelFolder.load(model_dir) == model
    assert sorted(path.name for path in model_dir.iterdir()) == [
        "README.md",
        "manifest.json",
        "model.json",
        "model.txt",
    ]


def test_saving_twice_gives_the_same_bytes(model, tmp_path):
    one, two = model.save(tmp_path / "one"), ModelFolder.load(model.save(tmp_path / "two")).save(tmp_path / "three")
    for name in ("README.md", "manifest.json", "model.json", "model.txt"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_the_version_tells_contents_apart_and_nothing_else(model, model_values):
    assert ModelFolder(**model_values).version == model.version == json.loads(model._json())["version"]
    assert ModelFolder(**model_values | {"card": "# Another card\n"}).version == model.version
    assert ModelFolder(**model_values | {"threshold": 0.61}).version != model.version
    assert ModelFolder(**model_values | {"trees": model.trees + " "}).version != model.version


def test_nan_metrics_are_kept_as_null(model_values):
    model = ModelFolder(**model_values | {"metrics": {"roc_auc": float("nan"), "per_period": [{"ap": float("nan")}]}})
    assert model.metrics == {"roc_auc": None, "per_period": [{"ap": None}]}


def test_saving_replaces_an_older_model(model, model_values, model_dir):
    newer = ModelFolder(**model_values | {"threshold": 0.7})
    newer.save(model_dir)
    assert ModelFolder.load(model_dir) == newer != model
    assert [path.name for path in model_dir.parent.iterdir()] == ["model"]


def test_saving_never_replaces_what_is_no_model(model, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.md").write_text("long work")
    with pytest.raises(UsageError, match="not a model folder"):
        model.save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter1.md").read_text() == "long work"
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="not a model folder"):
        model.save(tmp_path / "file")


@pytest.mark.parametrize(("owner", "failing"), [(Path, "write_bytes"), (atomic_write, "move")])
def test_a_failed_save_leaves_the_older_model(model, model_values, model_dir, monkeypatch, owner, failing):
    real = getattr(owner, failing)

    def fail(self, *rest):
        if self.name.endswith(".new") or self.parent.name.endswith(".new"):
            raise OSError("disk full")
        return real(self, *rest)

    monkeypatch.setattr(owner, failing, fail)
    with pytest.raises(DataError, match=r"model: cannot be written \(disk full\)"):
        ModelFolder(**model_values | {"threshold": 0.7}).save(model_dir)
    monkeypatch.undo()
    assert ModelFolder.load(model_dir) == model
    assert [path.name for path in model_dir.parent.iterdir()] == ["model"]


def test_what_cannot_be_read_or_written_is_one_clear_line(model, model_dir, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"file/model: cannot be written \(File exists\)"):
        model.save(tmp_path / "file" / "model")

    def denied(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert "manifest.json: cannot be read (Permission denied)" in refusal(model_dir)


def test_a_missing_folder_is_refused(tmp_path):
    assert "no such model folder" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["manifest.json", "model.json", "model.txt", "README.md"])
def test_a_missing_file_is_refused(model_dir, name):
    (model_dir / name).unlink()
    assert f"{name}: missing" in refusal(model_dir)


@pytest.mark.parametrize("name", ["model.json", "model.txt", "README.md"])
def test_an_edited_file_is_refused(model_dir, name):
    data = (model_dir / name).read_bytes()
    (model_dir / name).write_bytes(data.replace(b"e", b"E", 1))
    assert f"{name}: was changed after it was saved" in refusal(model_dir)


def test_an_extra_file_is_refused(model_dir):
    (model_dir / "model.pkl").write_bytes(pickle.dumps("x"))
    assert "model.pkl: does not belong to a model folder" in refusal(model_dir)


def test_another_format_is_refused_as_another_version(model_dir):
    change_manifest(model_dir, format="walletprint-model/9")
    text = refusal(model_dir)
    assert "made by another version of walletprint" in text
    assert "'walletprint-model/9', this one reads walletprint-model/2; retrain" in text


def test_a_manifest_cannot_name_other_files(model_dir):
    (model_dir.parent / "secret").write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    for name in ("../secret", str(model_dir.parent / "secret"), "..\\secret"):
        manifest = json.loads((model_dir / "manifest.json").read_text())
        change_manifest(model_dir, files=manifest["files"] | {name: digest})
        assert "must list exactly" in refusal(model_dir)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"format": "walletprint-model/2"}', "[" * 100_000, "\xff"]
)
def test_a_malformed_manifest_is_refused(model_dir, text):
    (model_dir / "manifest.json").write_text(text, encoding="latin-1")
    assert "manifest.json" in refusal(model_dir)


def test_a_model_file_that_is_a_folder_is_refused(model_dir):
    (model_dir / "model.json").unlink()
    (model_dir / "model.json").mkdir()
    assert "model.json: missing" in refusal(model_dir)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", "[" * 100_000, "\xff", '{"name": NaN}', '{"name": "\\ud800"}']
)
def test_a_malformed_model_json_is_refused(model_dir, text):
    reseal(model_dir, "model.json", text.encode("latin-1"))
    assert "model.json: " in refusal(model_dir)


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"calibration": {"method": "isotonic", "x": [0.0, NAN], "y": [0.1, 0.2]}}, "calibration.x.1"),
        ({"calibration": {"method": "isotonic", "x": [0.0, 1.0], "y": [0.1, NAN]}}, "calibration.y.1"),
        ({"calibration": {"method": "isotonic", "x": [1.0, 0.0], "y": [0.1, 0.2]}}, "x must rise"),
        ({"calibration": {"method": "isotonic", "x": [0.0, 0.0], "y": [0.1, 0.2]}}, "x must rise"),
        ({"calibration": {"method": "isotonic", "x": [0.0, 1.0], "y": [0.2, 0.1]}}, "y must never fall"),
        ({"calibration": {"method": "isotonic", "x": [0.0, 1.0], "y": [0.2, 1.1]}}, "between 0 and 1"),
        ({"calibration": {"method": "isotonic", "x": [0.0], "y": []}}, "isotonic needs 1"),
        ({"calibration": {"method": "isotonic", "x": [], "y": []}}, "isotonic needs 1"),
        ({"calibration": {"method": "sigmoid", "x": [1.0, 2.0], "y": [0.0, 0.0]}}, "sigmoid needs 1"),
        (
            {"calibration": {"method": "venn_abers", "x": [0.0], "y": [0.1]}},
            "venn_abers needs 1 x and 2 y, not 1 and 1",
        ),
        ({"calibration": {"method": "venn_abers", "x": [], "y": [0.1]}}, "venn_abers needs 1"),
        ({"calibration": {"method": "venn_abers", "x": [1.0, 0.0], "y": [0.1, 0.2, 0.3]}}, "x must rise"),
        ({"calibration": {"method": "venn_abers", "x": [0.0], "y": [0.2, 0.1]}}, "y must never fall"),
        ({"calibration": {"method": "venn_abers", "x": [0.0], "y": [0.2, NAN]}}, "calibration.y.1"),
        ({"calibration": {"method": "magic", "x": [], "y": []}}, "calibration.method"),
        ({"bands": {"low": 0.5, "medium": 0.4, "high": 0.6, "severe": 0.8}}, "must rise"),
        ({"bands": {"low": 0.5, "medium": 0.6, "high": 0.7}}, "bands.severe"),
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": "0.5"}, "threshold"),
        ({"threshold": NAN}, "threshold"),
        ({"min_transfers": 0}, "min_transfers"),
        ({"min_transfers": True}, "min_transfers"),
        ({"window": "ninety days"}, "window"),
        ({"trained_until": "soon"}, "trained_until"),
        ({"features": []}, "features"),
        ({"reference_margins": {"quantiles": [0.0] * 1000}}, "reference_margins.quantiles"),
        ({"reference_margins": {"quantiles": [1.0] + [0.0] * 1000}}, "reference_margins.quantiles"),
        ({"reference_quartiles": {}}, "must name the same features"),
        ({"name": "../../etc"}, "name"),
        ({"surprise": 1}, "surprise"),
        ({"trees": "x"}, "not the object"),
        ({"version": "0123456789abcdef"}, "does not belong to this content"),
    ],
)
def test_wrong_values_are_refused(model_dir, values, words):
    change(model_dir, **values)
    assert words in refusal(model_dir)


def test_a_feature_listed_twice_is_refused(model, model_dir):
    change(model_dir, features=[*model.features, model.features[0]])
    assert "listed twice" in refusal(model_dir)


def test_features_of_another_version_are_refused(model_dir):
    change(model_dir, features_hash="0123456789abcdef", versions={"walletprint": "0.0.9"})
    text = refusal(model_dir)
    assert "made by another version of walletprint (0.0.9): its features are defined differently" in text


def test_an_unknown_feature_is_refused(model, model_dir):
    name = "flow__teleport__1h"
    quartiles = json.loads((model_dir / "model.json").read_text())["reference_quartiles"]
    change(model_dir, features=[*model.features, name], reference_quartiles=quartiles | {name: None})
    assert f"feature {name} is not known here" in refusal(model_dir)


def test_trees_that_are_none_are_refused_by_the_scorer(model_dir):
    class Boom:
        def __reduce__(self):
            return exec, ("raise SystemExit('code ran')",)

    for hostile in (pickle.dumps(Boom(), protocol=0), b"tree\nversion=v4\n", b"\xff\xfe"):
        change(model_dir)
        reseal(model_dir, "model.txt", hostile)
        with pytest.raises(DataError, match="model"):
            Scorer.load(model_dir)


def test_trees_with_other_columns_are_refused_by_the_scorer(model, model_dir):
    change(model_dir)
    renamed = model.trees.replace("flow__pass_through__1h", "flow__pass_through__1d")
    reseal(model_dir, "model.txt", renamed.encode())
    with pytest.raises(DataError, match=r"model\.txt: its columns are not the model's features"):
        Scorer.load(model_dir)


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(["model.json", "manifest.json"]), data=st.data())
def test_random_damage_never_ends_in_another_error(model, tmp_path_factory, name, data):
    folder = model.save(tmp_path_factory.mktemp("fuzz") / "model")
    document = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(document) - 1))
        document[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))
    if name == "model.json":
        reseal(folder, name, bytes(document))
    else:
        (folder / name).write_bytes(document)
    try:
        ModelFolder.load(folder)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_wrong_value_is_refused_when_a_model_is_made(model_values):
    with pytest.raises(ValidationError):
        ModelFolder(**model_values | {"threshold": 2})
