"""Several LightGBM models as one: their trees one after the other, each leaf divided by the number of models.

Works on LightGBM's text format (version 4), whose margin is the sum of the leaves. Fits nothing.
"""

import re
from collections.abc import Sequence

import lightgbm as lgb

from .estimators import END, trees_text

_DIVIDED = ("leaf_value", "internal_value")  # the second is what explanations of a margin start from
_RANGE = re.compile(r"\[(.+):(.+)\]")


def merge_boosters(boosters: Sequence[lgb.Booster]) -> lgb.Booster:
    """One model whose margin is the mean of the margins of `boosters`, and whose contributions are the means of theirs.

    Args:
        boosters: at least one, of the same features in the same order and of the binary objective.

    Raises:
        ValueError: if there is none, or their features differ.
    """
    if not boosters:
        raise ValueError("no model to merge")
    if len({tuple(booster.feature_name()) for booster in boosters}) > 1:
        raise ValueError("only models of the same features in the same order can be merged")
    if len(boosters) == 1:
        return boosters[0]
    parts = [_taken_apart(trees_text(booster)) for booster in boosters]
    trees = [_divided(tree, len(boosters)) for _, found in parts for tree in found]
    blocks = [re.sub(r"\ATree=\d+", f"Tree={number}", tree) for number, tree in enumerate(trees)]
    head = re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={' '.join(str(len(block)) for block in blocks)}", parts[0][0])
    head = re.sub(r"(?m)^feature_infos=.*$", f"feature_infos={_infos([part[0] for part in parts])}", head)
    return lgb.Booster(model_str=f"{head}\n\n{''.join(blocks)}{END}")


def _taken_apart(text: str) -> tuple[str, list[str]]:
    """The header, and each tree with the empty lines that end it."""
    head, _, body = text.partition("\n\n")
    trees, at = [], 0
    for size in map(int, _line(head, "tree_sizes").split(" ")):
        trees.append(body[at : at + size])
        at += size
    return head, trees


def _divided(tree: str, models: int) -> str:
    """A tree with the values of its nodes divided; written so that the same doubles are read back."""

    def shares(found: re.Match[str]) -> str:
        return f"{found[1]}={' '.join(repr(float(value) / models) for value in found[2].split(' ') if value)}"

    return re.sub(rf"(?m)^({'|'.join(_DIVIDED)})=(.*)$", shares, tree)


def _infos(heads: Sequence[str]) -> str:
    """The ranges of the features over all models: models of different rows met different ones."""
    columns = zip(*(_line(head, "feature_infos").split(" ") for head in heads), strict=True)
    return " ".join(_span(column) for column in columns)


def _span(infos: Sequence[str]) -> str:
    ends = [found.groups() for info in infos if (found := _RANGE.fullmatch(info))]
    if not ends:
        return infos[0]
    return f"[{min((low for low, _ in ends), key=float)}:{max((high for _, high in ends), key=float)}]"


def _line(head: str, key: str) -> str:
    found = re.search(rf"(?m)^{key}=(.*)$", head)
    assert found, key
    return found[1]
