"""Reads untrusted YAML: no deeper and no larger than a person writes.

PyYAML's C loader ends the process at deep nesting, and a few lines of aliases can stand for gigabytes.
"""

import re
from typing import Any

import yaml

DEEPEST = 100
LARGEST = 1_000_000
"""The most values that a text with aliases may stand for."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # C where PyYAML was built with it: ten times as fast
_OPENS = re.compile(rb"[\[{]")
_LEADING = re.compile(rb"(?m)^[ \t\-?:]+")


def read_yaml(text: str | bytes) -> Any:
    """The values of a YAML text.

    Raises:
        ValueError: in one line. It is not YAML, is nested deeper than 100 levels, or stands for more than a million values.
    """
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        if _may_be_deep(data):
            _check_depth(data)
        values = yaml.load(data, Loader=_LOADER)
    # ValueError: a date that does not exist
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:200] or type(error).__name__) from None
    if b"&" in data and _size(values, {}) > LARGEST:
        raise ValueError(f"its aliases stand for more than {LARGEST:,} values")
    return values


def _may_be_deep(data: bytes) -> bool:
    """Whether it can be too deep: each level needs a bracket, or one more column before a line's first word."""
    longest = max((len(match[0]) for match in _LEADING.finditer(data)), default=0)
    return longest + sum(1 for _ in _OPENS.finditer(data)) >= DEEPEST


def _check_depth(data: bytes) -> None:
    depth = 0
    for event in yaml.parse(data, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST} levels")


def _size(value: Any, known: dict[int, int]) -> int:
    """The number of values it stands for, each alias counted each time; one that contains itself counts as too many."""
    if not isinstance(value, dict | list | set | tuple):
        return 1
    if id(value) not in known:
        known[id(value)] = LARGEST + 1  # until it is counted
        inner = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(item, known) for item in inner)
    return known[id(value)]
