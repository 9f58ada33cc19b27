"""Checks LightGBM's text format before LightGBM reads it: LightGBM ends the whole process at malformed trees.

It checks the structure of the format (version 4, one binary objective, numerical splits), and applies no tree.
"""

import math
import re
from collections.abc import Callable, Sequence

MAX_LEAVES = 1024
"""Leaves that a tree may have: contributions need memory in the square of its depth."""

MAX_TREES = 10_000
MAX_VALUE = 1e6
"""Log-odds that a leaf may add: far beyond any probability, and no sum of them overflows."""

_END = "end of trees\n"
_NUMBERS = re.compile(r"[0-9eE.+\- ]*")
_INNER = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_INNER_STATISTICS = ("internal_value", "internal_weight", "internal_count")
_LEAF = ("leaf_value", "leaf_weight", "leaf_count")
_HEADER = {
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "feature_names",
    "monotone_constraints", "feature_infos", "tree_sizes",
}  # fmt: skip
_SINGLE = {"num_leaves", "num_cat", "is_linear", "shrinkage"}
_WHOLE = {"split_feature", "decision_type", "left_child", "right_child", "leaf_count", "internal_count"}


def checked_trees(text: str, features: Sequence[str]) -> str:
    """The lines of a LightGBM model text that prediction needs, with every number checked.

    Raises ValueError unless the trees are well-formed and their columns are `features`.
    """
    if not text.isascii():
        raise ValueError("not a LightGBM model: it has characters that are not ASCII")
    head, _, body = text.partition("\n\n")
    sizes = _header(head, features)
    end = 0
    for number, size in enumerate(sizes):
        _check_tree(body[end : end + size], number, len(features))
        end += size
    if not body.startswith(_END, end):
        raise ValueError("the trees do not end where the header says")
    return f"{head}\n\n{body[:end]}{_END}"


def _header(head: str, features: Sequence[str]) -> list[int]:
    """The sizes of the trees, in characters."""
    first, *lines = head.split("\n")
    if first != "tree":
        raise ValueError("not a LightGBM model")
    values = _pairs(lines)
    if unknown := sorted(set(values) - _HEADER):
        raise ValueError(f"its header has {unknown[0][:50]!r}, which LightGBM does not write")
    expected = {
        "version": "v4",
        "num_class": "1",
        "num_tree_per_iteration": "1",
        "label_index": "0",
        "objective": "binary sigmoid:1",
        "max_feature_idx": str(len(features) - 1),
    }
    for key, value in expected.items():
        if values.get(key) != value:
            raise ValueError(f"{key} must be {value}, not {str(values.get(key))[:50]}")
    if values.get("feature_names", "").split(" ") != list(features):
        raise ValueError("its columns are not the model's features in their order")
    if len(values.get("feature_infos", "").split(" ")) != len(features):
        raise ValueError("feature_infos must have an entry for each feature")
    if "monotone_constraints" in values:
        constraints = _numbers("monotone_constraints", values["monotone_constraints"], int, length=len(features))
        _check_range("monotone_constraints", constraints, -1, 1)
    sizes = _numbers("tree_sizes", values.get("tree_sizes", ""), int)
    if not sizes or min(sizes) <= 0:
        raise ValueError("there are no trees")
    if len(sizes) > MAX_TREES:
        raise ValueError(f"{len(sizes):,} trees, and at most {MAX_TREES:,} are allowed")
    return sizes


def _check_tree(block: str, number: int, features: int) -> None:
    try:
        title, *lines = block.rstrip("\n").split("\n")
        if title != f"Tree={number}" or not block.endswith("\n"):
            raise ValueError("does not begin or end where the header says")
        _check_values(_pairs(lines), features)
    except ValueError as error:
        raise ValueError(f"tree {number}: {error}") from None


def _check_values(values: dict[str, str], features: int) -> None:
    if set(values) != {*_SINGLE, *_INNER, *_INNER_STATISTICS, *_LEAF}:
        raise ValueError("does not have the lines of a tree")
    if values["num_cat"] != "0" or values["is_linear"] != "0":
        raise ValueError("has categorical or linear parts, which walletprint does not use")
    (leaves,) = _numbers("num_leaves", values["num_leaves"], int, length=1)
    if not 1 <= leaves <= MAX_LEAVES:
        raise ValueError(f"num_leaves: 1 to {MAX_LEAVES} are allowed, not {str(leaves)[:20]}")
    _numbers("shrinkage", values["shrinkage"], float, length=1)
    lists = {name: _list(name, values[name], leaves - 1) for name in (*_INNER, *_INNER_STATISTICS)}
    ends = _LEAF if leaves > 1 else ("leaf_value",)  # LightGBM leaves the other lines of a single leaf empty
    lists |= {name: _list(name, values[name], leaves) for name in ends}
    _check_structure(lists, leaves, features)


def _check_structure(lists: dict[str, list[float]], leaves: int, features: int) -> None:
    """Every node except the root is the child of exactly one earlier node, so that every walk ends at a leaf."""
    _check_range("split_feature", lists["split_feature"], 0, features - 1)
    # Even, as no split is by category. The bits say where missing values go, and whether these are none, 0 or NaN.
    if not set(lists["decision_type"]) <= {*range(0, 12, 2)}:
        raise ValueError("decision_type is not that of a numerical split")
    for name in ("leaf_count", "internal_count"):
        _check_range(name, lists.get(name, []), 1, 2**31 - 1)
    _check_range("leaf_value", lists["leaf_value"], -MAX_VALUE, MAX_VALUE)
    children = [*lists["left_child"], *lists["right_child"]]
    if leaves > 1 and sorted(children) != [*range(-leaves, 0), *range(1, leaves - 1)]:
        raise ValueError("left_child and right_child do not make a tree")
    if any(0 <= child <= node for node, child in zip([*range(leaves - 1)] * 2, children, strict=True)):
        raise ValueError("left_child and right_child make a circle")


def _check_range(name: str, values: list[float], low: float, high: float) -> None:
    if values and not low <= min(values) <= max(values) <= high:
        raise ValueError(f"{name}: {low:.10g} to {high:.10g} are allowed")


def _list(name: str, text: str, length: int) -> list[float]:
    if name == "threshold":  # LightGBM writes `inf` if a split only separates missing values from all others
        text = " ".join("0" if number == "inf" else number for number in text.split(" "))
    return _numbers(name, text, int if name in _WHOLE else float, length)


def _numbers(name: str, text: str, kind: Callable[[str], float], length: int | None = None) -> list:
    """Numbers as LightGBM itself would read them: no underscores, no NaN, no infinity."""
    if not _NUMBERS.fullmatch(text):
        raise ValueError(f"{name} has other than numbers")
    try:
        values = list(map(kind, text.split(" "))) if text else []
    except ValueError:
        raise ValueError(f"{name} has other than numbers") from None
    if kind is float and not all(map(math.isfinite, values)):
        raise ValueError(f"{name} has a number that is not finite")
    if length is not None and len(values) != length:
        raise ValueError(f"{name} must have {length} numbers, not {len(values)}")
    return values


def _pairs(lines: list[str]) -> dict[str, str]:
    """Lines of `key=value`, each key once."""
    pairs = dict(line.split("=", 1) for line in lines if "=" in line)
    if len(pairs) != len(lines):
        raise ValueError("has a line twice, or one that is not key=value")
    return pairs
