"""LightGBM's reader aborts the process on malformed trees; nothing malformed may reach it."""

import random
import re

import lightgbm
import numpy as np
import pytest

from walletprint.serving.model.trees import checked_trees

NAMES = ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def vectors():
    values = np.random.default_rng(0).normal(size=(300, 4))
    values[::7, 1] = np.nan
    return values


@pytest.fixture(scope="module", params=["trees", "lone leaves"])
def trained(request, vectors):
    labels = (vectors[:, 0] > 0.0) if request.param == "trees" else np.ones(len(vectors))
    params = {"objective": "binary", "num_leaves": 6, "min_data_in_leaf": 5, "monotone_constraints": [1, 0, 0, 0]}
    data = lightgbm.Dataset(vectors, labels.astype(float), feature_name=NAMES)
    return lightgbm.train(params | {"verbosity": -1, "num_threads": 1}, data, num_boost_round=5)


def test_checked_trees_predict_the_same(trained, vectors):
    read = lightgbm.Booster(model_str=checked_trees(trained.model_to_string(), NAMES))
    for kind in ({"raw_score": True}, {"pred_contrib": True}):
        assert np.array_equal(read.predict(vectors, **kind), trained.predict(vectors, **kind))


def test_random_damage_is_refused_or_harmless(trained, vectors):
    """A crash of LightGBM would end the test run itself."""
    text, source = trained.model_to_string(), random.Random(3)
    end = text.index("end of trees")
    refused = 0
    for _ in range(200):
        at = source.randrange(end)
        damaged = (
            text[:at]
            + source.choice(["", "-", "9", "0", " ", "\n", "e", "x"])
            + text[at + source.choice([0, 1, 1, 30]) :]
        )
        try:
            read = lightgbm.Booster(model_str=checked_trees(damaged, NAMES))
        except (ValueError, lightgbm.basic.LightGBMError):
            refused += 1
        else:
            read.predict(vectors[:20], pred_contrib=True)
    assert refused > 50


@pytest.mark.parametrize(
    ("line", "other", "words"),
    [
        (r"^tree$", "forest", "not a LightGBM model"),
        (r"version=v4", "version=v9", "version must be v4"),
        (r"objective=.*", "objective=regression", "objective must be binary"),
        (r"feature_names=.*", "feature_names=b a c d", "columns are not the model's features"),
        (r"feature_infos=.*", "feature_infos=none", "feature_infos"),
        (r"tree_sizes=.*", "tree_sizes=", "no trees"),
        (r"tree_sizes=\d+", "tree_sizes=5", "tree 0"),
        (r"num_leaves=\d+", "num_leaves=100000", "num_leaves: 1 to 1024"),
        (r"num_cat=0", "num_cat=1", "categorical"),
        (r"split_feature=\d", "split_feature=6", "split_feature: 0 to 5"),
        (r"left_child=-?\d+", "left_child=0", "do not make a tree"),
        (r"leaf_value=\S+", "leaf_value=nan", "other than numbers"),
        (r"leaf_value=\S+", "leaf_value=1e999", "not finite"),
        (r"leaf_value=\S+ ", "leaf_value=", "must have"),
        (r"threshold=\S+", "threshold=1_0", "other than numbers"),
        (r"leaf_count=\d+", "leaf_count=0", "leaf_count"),
        (r"is_linear=0", "is_linear=0\nis_linear=0", "twice"),
    ],
)
def test_what_is_wrong_is_said(booster, model, line, other, words):
    """Sizes are kept right, so that each mistake is met by its own check."""
    text = booster.model_to_string().replace(" ".join(model.features), "a b c d e f")
    damaged, count = re.subn(line, other, text, count=1, flags=re.MULTILINE)
    assert count == 1
    if not line.startswith("tree_sizes"):
        damaged = with_sizes(damaged)
    with pytest.raises(ValueError, match=words):
        checked_trees(damaged, list("abcdef"))


def test_a_circle_is_refused():
    text = (
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=0\n"
        "objective=binary sigmoid:1\nfeature_names=a\nfeature_infos=[0:1]\ntree_sizes=0\n\n"
        "Tree=0\nnum_leaves=4\nnum_cat=0\nsplit_feature=0 0 0\nsplit_gain=1 1 1\nthreshold=1 2 3\ndecision_type=2 2 2\n"
        "left_child=-1 2 1\nright_child=-2 -3 -4\nleaf_value=1 2 3 4\nleaf_weight=1 1 1 1\nleaf_count=1 1 1 1\n"
        "internal_value=0 0 0\ninternal_weight=4 3 2\ninternal_count=4 3 2\nis_linear=0\nshrinkage=1\n\n\nend of trees\n"
    )
    with pytest.raises(ValueError, match="circle"):
        checked_trees(with_sizes(text), ["a"])


def with_sizes(text: str) -> str:
    """The text with the sizes that its trees have."""
    head, _, body = text.partition("\n\n")
    trees = re.split(r"(?=^Tree=)", body[: body.index("end of trees")], flags=re.MULTILINE)[1:]
    return re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(str(len(tree)) for tree in trees), head) + "\n\n" + body


def test_a_split_that_only_parts_missing_values_is_allowed():
    values = np.where(np.arange(200) % 3 == 0, np.nan, np.arange(200) % 2.0).reshape(-1, 1)
    data = lightgbm.Dataset(values, np.isnan(values[:, 0]).astype(float), feature_name=["a"])
    trained = lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, num_boost_round=2)
    text = trained.model_to_string()
    assert "threshold=inf" in text
    read = lightgbm.Booster(model_str=checked_trees(text, ["a"]))
    assert np.array_equal(read.predict(values), trained.predict(values))
