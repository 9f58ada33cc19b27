"""Loads a training's config from a YAML file, a dict or Python, and checks it. Trains nothing.

One UsageError reports all mistakes together, before anything is computed. Pydantic finds unknown keys and wrong types
(`sections.py`); `cross_checks.py` finds keys that do not fit together.
"""

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import BaseModel, ValidationError, ValidationInfo, model_validator

from ...features.base.errors import UsageError
from ...features.base.untrusted_yaml import read_yaml
from .cross_checks import cross_problems
from .sections import TrainSections
from .validation_errors import field_problems

Source = str | os.PathLike[str] | Mapping[str, Any] | BaseModel | None


class TrainConfig(TrainSections):
    """Everything except the data that decides how a model is trained. Checked as a whole."""

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "TrainConfig":
        problems = cross_problems(self, unusable=(info.context or {}).get("unusable", frozenset()))
        if problems:
            raise ValueError("\n".join(problems))
        return self


def heads() -> tuple[str, ...]:
    """The heads that come with the package."""
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in _heads().iterdir() if entry.name.endswith(".yaml"))
    )


def load_config(source: Source = None, head: str | None = None) -> TrainConfig:
    """Load and check a config.

    Args:
        source: a YAML file, a dict, a TrainConfig, or None. Missing keys take the head's default.
        head: `laundering`, `state_linked`, or one that `source` defines.

    Raises:
        UsageError: one line with every mistake.
    """
    if isinstance(source, BaseModel):
        source = source.model_dump(by_alias=True)
    given = dict(source) if isinstance(source, Mapping) else _read_yaml(source) if source is not None else {}
    name = "config" if source is None or isinstance(source, Mapping) else str(source)
    if head is not None and given.get("head", head) != head:
        raise UsageError(f"{name}: head is {given['head']!r}, but {head!r} was requested; change one of them")
    head = given.get("head", head)
    if head in heads():
        given = _merge(yaml.safe_load((_heads() / f"{head}.yaml").read_text(encoding="utf-8")), given)
    elif not given:
        raise UsageError(
            f"head: {', '.join(heads())} come with walletprint, {head!r} does not; give a config that defines it"
        )
    return _checked({**given, "head": head} if head is not None else given, name)


def as_yaml(config: TrainConfig) -> str:
    """The whole config with every default, as YAML that `load_config` reads back to an equal one."""
    return yaml.safe_dump(_plain(config.model_dump(by_alias=True)), sort_keys=False, allow_unicode=True)


def _checked(values: dict[str, Any], name: str) -> TrainConfig:
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        problems, unusable = field_problems(error)
    if unusable:  # the other keys are checked too, so that one run shows all mistakes
        try:
            TrainConfig.model_validate(_without(values, unusable), context={"unusable": unusable})
        except ValidationError as error:
            problems += field_problems(error)[0]
    count = f"{len(problems)} mistakes: " if len(problems) > 1 else ""
    raise UsageError(f"{name}: {count}{'; '.join(problems)}")


def _heads():
    return resources.files(__name__.rpartition(".")[0]) / "heads"


def _read_yaml(path: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        values = read_yaml(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from None
    except ValueError as error:  # not UTF-8, too
        raise UsageError(f"{path}: not YAML ({error})") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path}: keys and values are needed (head: …), not {type(values).__name__}")
    return values


def _merge(base: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`base`, overridden by `given`: sections key by key, lists as a whole."""
    merged = {
        key: _merge(base[key], value) if isinstance(value, Mapping) and isinstance(base.get(key), dict) else value
        for key, value in given.items()
    }
    return {**base, **merged}


def _without(values: Mapping[str, Any], paths: frozenset[str], prefix: str = "") -> dict[str, Any]:
    return {
        key: _without(value, paths, f"{prefix}{key}.") if isinstance(value, Mapping) else value
        for key, value in values.items()
        if f"{prefix}{key}" not in paths
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, pd.Timestamp) else value
