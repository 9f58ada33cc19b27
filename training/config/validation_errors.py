"""Pydantic's validation errors as one-line messages, with the closest known name for a typing mistake. Checks nothing itself."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from .sections import TrainSections


def field_problems(error: ValidationError) -> tuple[list[str], frozenset[str]]:
    """The errors as `key: what is wrong`, and the keys that cannot be used (at most two deep, or three in `model.lightgbm`)."""
    problems, unusable = [], set()
    for entry in error.errors(include_url=False):
        path = ".".join(str(key) for key in entry["loc"] if not isinstance(key, int))
        if not path:
            problems += entry["msg"].removeprefix("Value error, ").split("\n")
            continue
        unusable.add(path)
        problems.append(f"{path}: {_message(entry, path)}")
    return problems, frozenset(unusable)


def suggestion(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """What to append to a message about an unknown name: the closest known name, or else `otherwise` (None: all known names)."""
    known = list(known)
    if close := get_close_matches(name, known, n=1):
        return f" (did you mean {close[0]}?)"
    return f" ({otherwise or 'known: ' + ', '.join(known)})"


def _message(entry: Mapping[str, Any], path: str) -> str:
    if entry["type"] == "extra_forbidden":
        return f"unknown key{suggestion(path.rsplit('.', 1)[-1], _known_keys(path))}"
    message = entry["msg"].removeprefix("Value error, ").replace("Input should", "should")
    value = entry["input"]
    kind = f"{type(value).__name__} " if isinstance(value, dict | list) else ""
    return message if repr(value) in message else f"{message}, not {kind}{value!r:.60}"


def _known_keys(path: str) -> list[str]:
    """The keys of the section that a key stands in; none for an unknown section (a key with a dot in it)."""
    section: Any = TrainSections
    for key in path.split(".")[:-1]:
        field = getattr(section, "model_fields", {}).get(key)
        section = field and field.annotation
    return [field.alias or name for name, field in getattr(section, "model_fields", {}).items()]
