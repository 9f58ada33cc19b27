"""Model folders made to do harm: each is one line of DataError, soon, and nothing of it runs or is read beside it."""

import hashlib
import json
import os
import re
import time
from pathlib import Path

import pytest

from walletprint.features.base.errors import DataError, UsageError
from walletprint.serving import ModelFolder, Scorer
from walletprint.serving.model.model_folder import LARGEST

NAMES = ["manifest.json", "model.json", "model.txt", "README.md"]
SOON = 60.0  # seconds; what is meant are loads that never end


def reseal(folder: Path, name: str, data: bytes) -> None:
    """Change a file as an insider would: with its checksum."""
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def change(folder: Path, **values) -> None:
    document = json.loads((folder / "model.json").read_text()) | {"version": ""} | values
    reseal(folder, "model.json", json.dumps(document).encode())


def refusal(folder: Path) -> str:
    began = time.monotonic()
    with pytest.raises(DataError) as caught:
        Scorer.load(folder)
    assert time.monotonic() - began < SOON
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 1_000
    return text


@pytest.mark.parametrize("name", NAMES)
def test_a_link_is_not_followed(model_dir, name):
    kept = model_dir.parent / name
    (model_dir / name).rename(kept)
    (model_dir / name).symlink_to(kept)
    assert f"{name}: a link to another file" in refusal(model_dir)


@pytest.mark.parametrize("name", NAMES)
def test_an_endless_file_is_not_read(model_dir, name):
    (model_dir / name).unlink()
    (model_dir / name).symlink_to("/dev/zero")
    assert name in refusal(model_dir)


@pytest.mark.parametrize("name", NAMES)
def test_a_pipe_that_nobody_fills_is_not_waited_for(model_dir, name):
    (model_dir / name).unlink()
    os.mkfifo(model_dir / name)
    assert f"{name}: missing" in refusal(model_dir)


@pytest.mark.parametrize("name", NAMES)
def test_an_absurdly_large_file_is_not_read(model_dir, name):
    with (model_dir / name).open("r+b") as file:
        file.truncate(LARGEST[name] + 1)  # sparse: takes no room
    assert "bytes, and at most" in refusal(model_dir)


def test_a_manifest_that_names_itself_or_others_is_refused(model_dir):
    manifest = json.loads((model_dir / "manifest.json").read_text())
    for name in ("manifest.json", "../model.json", "/etc/passwd", "model.json\0", "", "."):
        files = manifest["files"] | {name: "0" * 64}
        (model_dir / "manifest.json").write_text(json.dumps(manifest | {"files": files}))
        assert "must list exactly" in refusal(model_dir)


@pytest.mark.parametrize("checksum", [None, 0, [], {}, True, "", "0" * 64, "é" * 64, "x" * 10_000])
def test_a_checksum_that_is_none_is_refused(model_dir, checksum):
    manifest = json.loads((model_dir / "manifest.json").read_text())
    manifest["files"]["model.txt"] = checksum
    (model_dir / "manifest.json").write_text(json.dumps(manifest))
    assert "model.txt" in refusal(model_dir)


def test_a_key_that_comes_twice_is_refused(model_dir):
    text = (model_dir / "model.json").read_text()
    reseal(model_dir, "model.json", text.replace('"seed": 1', '"seed": 1, "seed": 1').encode())
    assert "occurs twice" in refusal(model_dir)
    manifest = (model_dir / "manifest.json").read_text()
    (model_dir / "manifest.json").write_text(manifest.replace('"format"', '"format": "x", "format"', 1))
    assert "manifest.json" in refusal(model_dir)


def test_deep_and_wide_json_is_refused(model_dir):
    for nested in ("[" * 50_000 + "]" * 50_000, '{"a":' * 50_000 + "1" + "}" * 50_000):
        text = (model_dir / "model.json").read_text()
        reseal(model_dir, "model.json", re.sub(r'"metrics": \{[^}]*\}', f'"metrics": {nested}', text).encode())
        assert "model.json" in refusal(model_dir)
        change_back(model_dir, text)


def change_back(folder: Path, text: str) -> None:
    reseal(folder, "model.json", text.encode())


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "9" * 5_000, "1" + "0" * 400])
def test_numbers_that_are_none_are_refused(model_dir, number):
    text = (model_dir / "model.json").read_text()
    for key in ("threshold", "low", "min_transfers", "seed"):
        damaged, found = re.subn(rf'"{key}": [0-9.]+', f'"{key}": {number}', text)
        assert found
        reseal(model_dir, "model.json", damaged.encode())
        assert "model.json" in refusal(model_dir)


@pytest.mark.parametrize(
    "values",
    [
        {"features": "flow__pass_through__1h"},
        {"features": [["flow__pass_through__1h"]]},
        {"features": ["flow__pass_through__1h"]},
        {"features_hash": 7},
        {"calibration": []},
        {"calibration": {"method": "isotonic", "x": {}, "y": "0"}},
        {"bands": {"low": 0.9, "medium": 0.1, "high": 0.2, "severe": 0.3}},
        {"threshold": [0.5]},
        {"reference_margins": {"quantiles": [0.0] * 100_000}},
        {"reference_quartiles": {"flow__pass_through__1h": [1, 2]}},
        {"window": "9" * 5_000 + "d"},
        {"window": "all; DROP TABLE transfers"},
        {"min_transfers": 1e300},
        {"head": "../../laundering"},
        {"head": "<script>"},
        {"trained_until": "0000-00-00"},
        {"profile": {"edges": {}, "codes": {}}},
        {"profile": {"edges": {"flow__pass_through__1h": [2, 1]}, "codes": {"flow__pass_through__1h": "0"}}},
        {"profile": 3},
        {"versions": {"walletprint": ["x"]}},
        {"labels": None},
        {"__class__": "os.system"},
    ],
)
def test_wrong_types_and_orders_are_refused(model_dir, values):
    change(model_dir, **values)
    assert "model.json" in refusal(model_dir)


def with_sizes(text: str) -> str:
    """The text with the sizes that its trees have, so that each mistake is met by its own check."""
    head, _, body = text.partition("\n\n")
    trees = re.split(r"(?=^Tree=)", body[: body.index("end of trees")], flags=re.MULTILINE)[1:]
    return re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(str(len(tree)) for tree in trees), head) + "\n\n" + body


@pytest.mark.parametrize(
    ("line", "other"),
    [
        (r"left_child=-?\d+", "left_child=0"),
        (r"left_child=-?\d+", "left_child=1000000"),
        (r"right_child=-?\d+", "right_child=-2147483648"),
        (r"right_child=-?\d+", "right_child=-9"),
        (r"split_feature=\d+", "split_feature=6"),
        (r"split_feature=\d+", "split_feature=-1"),
        (r"split_feature=\d+", "split_feature=" + "9" * 1_000),
        (r"decision_type=\d+", "decision_type=1"),
        (r"decision_type=\d+", "decision_type=14"),
        (r"num_leaves=\d+", "num_leaves=0"),
        (r"num_leaves=\d+", "num_leaves=-5"),
        (r"num_leaves=\d+", "num_leaves=2147483647"),
        (r"num_leaves=\d+", "num_leaves=" + "9" * 1_000),
        (r"leaf_value=\S+", "leaf_value=1e308"),
        (r"leaf_value=\S+", "leaf_value=-inf"),
        (r"threshold=\S+", "threshold=nan"),
        (r"leaf_count=\d+", "leaf_count=" + "9" * 400),
        (r"num_cat=0", "num_cat=1\ncat_boundaries=0 99999999\ncat_threshold=1"),
        (r"is_linear=0", "is_linear=1\nleaf_const=0"),
        (r"max_feature_idx=\d+", "max_feature_idx=2147483647"),
        (r"num_class=1", "num_class=100000000"),
        (r"objective=.*", "objective=binary sigmoid:0"),
        (r"version=v4", "version=v4\nparser_config_str={}"),
        (r"version=v4", "version=v4\ntree_learner=gpu"),
        (r"feature_infos=.*", "feature_infos=none"),
        (r"Tree=1$", "Tree=0"),
    ],
)
def test_trees_that_would_end_or_hold_the_process_never_reach_lightgbm(model, model_dir, line, other):
    damaged, count = re.subn(line, other, model.trees, count=1, flags=re.MULTILINE)
    assert count == 1
    change(model_dir)
    reseal(model_dir, "model.txt", with_sizes(damaged).encode())
    assert "model.txt" in refusal(model_dir)


@pytest.mark.parametrize("sizes", ["", "0", "-1", "9" * 400, "1 " * 200_000 + "1", "99999999999", "1e3", "1.5", "nan"])
def test_sizes_of_trees_that_are_wrong_are_refused(model, model_dir, sizes):
    change(model_dir)
    reseal(model_dir, "model.txt", re.sub(r"tree_sizes=.*", f"tree_sizes={sizes}", model.trees).encode())
    assert "model.txt" in refusal(model_dir)


def test_a_huge_number_of_trees_is_refused_soon(model, model_dir):
    head, _, body = model.trees.partition("\n\n")
    tree = re.search(r"Tree=0\n.*?(?=Tree=1)", body, flags=re.DOTALL)
    assert tree
    trees = [tree[0].replace("Tree=0", f"Tree={number}", 1) for number in range(10_001)]
    change(model_dir)
    text = with_sizes(f"{head}\n\n{''.join(trees)}end of trees\n")
    reseal(model_dir, "model.txt", text.encode())
    assert "10,001 trees, and at most 10,000" in refusal(model_dir)


@pytest.mark.parametrize("data", [b"\xff\xfe\0", b"\xc3\x28", "tree\u202e".encode(), b"\0" * 100])
@pytest.mark.parametrize("name", ["model.json", "model.txt", "README.md"])
def test_other_than_text_is_refused(model_dir, name, data):
    change(model_dir)
    before = (model_dir / name).read_bytes()
    reseal(model_dir, name, before[:40] + data + before[40:])
    if name == "README.md":
        try:
            ModelFolder.load(model_dir)  # a card may say what it likes, in UTF-8
        except DataError:
            return
    else:
        refusal(model_dir)


PRIVATE = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
PUBLIC = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""  # both of RFC 8410, section 10: known to everybody


@pytest.fixture
def keys(tmp_path, monkeypatch):
    for name, text in (("private.pem", PRIVATE), ("public.pem", PUBLIC)):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("WALLETPRINT_SIGNING_KEY", str(tmp_path / "private.pem"))
    monkeypatch.setenv("WALLETPRINT_MODEL_KEY", str(tmp_path / "public.pem"))
    return tmp_path


def test_a_signed_model_loads_and_an_edited_one_does_not(keys, model):
    folder = model.save(keys / "signed")
    assert ModelFolder.load(folder) == model
    change(folder, threshold=0.99)  # with its checksums, as an insider would
    assert "not made by the owner" in refusal(folder)


@pytest.mark.parametrize("text", ["", "00", "zz", "é", "0" * 128, "0" * 10_000])
def test_a_signature_that_is_none_is_refused(keys, model, text):
    folder = model.save(keys / "signed")
    (folder / "manifest.sig").write_text(text)
    assert "manifest.sig" in refusal(folder)


def test_an_unsigned_model_is_refused_where_a_key_is_set(keys, model, monkeypatch):
    monkeypatch.delenv("WALLETPRINT_SIGNING_KEY")
    folder = model.save(keys / "unsigned")
    assert "manifest.sig: missing" in refusal(folder)
    monkeypatch.delenv("WALLETPRINT_MODEL_KEY")
    assert ModelFolder.load(folder) == model


def test_a_key_that_is_none_is_a_mistake_of_the_call(keys, model, monkeypatch):
    folder = model.save(keys / "signed")
    (keys / "public.pem").write_text("key")
    with pytest.raises(UsageError, match=r"WALLETPRINT_MODEL_KEY: .* is not a key"):
        ModelFolder.load(folder)
    monkeypatch.setenv("WALLETPRINT_SIGNING_KEY", str(keys / "nowhere.pem"))
    with pytest.raises(UsageError, match=r"WALLETPRINT_SIGNING_KEY: .* is not a key"):
        model.save(keys / "other")
