"""Merges LightGBM models into one: all their trees, each leaf divided by the number of models. Fits nothing.

It works on LightGBM's text format (version 4), where the margin is the sum of the leaves.
"""

import re
from collections.abc import Sequence

import lightgbm as lgb

from .estimators import END, trees_text

_DIVIDED = ("leaf_value", "internal_value")  # the second is what explanations of a margin start from
_RANGE = re.compile(r"\[(.+):(.+)\]")


def merge_boosters(boosters: Sequence[lgb.Booster]) -> lgb.Booster:
    """Merge models into one whose margin is the mean of their margins, and whose contributions are the means of theirs.

    Args:
        boosters: at least one; all with the same features in the same order and the binary objective.

    Raises:
        ValueError: if there is no model, or their features differ.
    """
    if not boosters:
        raise ValueError("no model to merge")
    if len({tuple(booster.feature_name()) for booster in boosters}) > 1:
        raise ValueError("only models of the same features in the same order can be merged")
    if len(boosters) == 1:
        return boosters[0]
    models = [_header_and_trees(trees_text(booster)) for booster in boosters]
    trees = [_divided(tree, len(boosters)) for _, trees in models for tree in trees]
    blocks = [re.sub(r"\ATree=\d+", f"Tree={number}", tree) for number, tree in enumerate(trees)]
    head = re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={' '.join(str(len(block)) for block in blocks)}", models[0][0])
    head = re.sub(r"(?m)^feature_infos=.*$", f"feature_infos={_infos([header for header, _ in models])}", head)
    return lgb.Booster(model_str=f"{head}\n\n{''.join(blocks)}{END}")


def _header_and_trees(text: str) -> tuple[str, list[str]]:
    """The header, and each tree with the empty lines after it."""
    head, _, body = text.partition("\n\n")
    trees, start = [], 0
    for size in map(int, _line(head, "tree_sizes").split(" ")):
        trees.append(body[start : start + size])
        start += size
    return head, trees


def _divided(tree: str, models: int) -> str:
    """A tree with the values of its nodes divided, printed so that the same doubles are read back."""

    def divide(line: re.Match[str]) -> str:
        return f"{line[1]}={' '.join(repr(float(value) / models) for value in line[2].split(' ') if value)}"

    return re.sub(rf"(?m)^({'|'.join(_DIVIDED)})=(.*)$", divide, tree)


def _infos(heads: Sequence[str]) -> str:
    """The ranges of the features over all models: each model saw only the ranges of its own rows."""
    columns = zip(*(_line(head, "feature_infos").split(" ") for head in heads), strict=True)
    return " ".join(_span(column) for column in columns)


def _span(infos: Sequence[str]) -> str:
    ends = [match.groups() for info in infos if (match := _RANGE.fullmatch(info))]
    if not ends:
        return infos[0]
    return f"[{min((low for low, _ in ends), key=float)}:{max((high for _, high in ends), key=float)}]"


def _line(head: str, key: str) -> str:
    match = re.search(rf"(?m)^{key}=(.*)$", head)
    assert match, key
    return match[1]
