"""Reads a training's config from a YAML file, a dict or Python, and checks it; does none of its work.

All mistakes are reported together, in one UsageError, before anything is computed: unknown keys and wrong types by
pydantic (`sections.py`), what only several keys together can get wrong by `cross_checks.py`.
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
from .cross_checks import cross_problems, field_problems
from .sections import TrainSections

Source = str | os.PathLike[str] | Mapping[str, Any] | BaseModel | None


class TrainConfig(TrainSections):
    """Everything that decides how a model is trained, except the data; checked as a whole."""

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
    """A checked config.

    Args:
        source: a YAML file, a dict, a TrainConfig, or None. What it leaves out comes from the head's own default.
        head: `laundering`, `state_linked`, or one that `source` defines.

    Raises:
        UsageError: one line with every mistake.
    """
    if isinstance(source, BaseModel):
        source = source.model_dump(by_alias=True)
    given = dict(source) if isinstance(source, Mapping) else _read_yaml(source) if source is not None else {}
    place = "config" if source is None or isinstance(source, Mapping) else str(source)
    if head is not None and given.get("head", head) != head:
        raise UsageError(f"{place}: head is {given['head']!r}, but {head!r} was asked for; change one of them")
    wanted = given.get("head", head)
    if wanted in heads():
        given = _over(yaml.safe_load((_heads() / f"{wanted}.yaml").read_text(encoding="utf-8")), given)
    elif not given:
        raise UsageError(
            f"head: {', '.join(heads())} come with walletprint, {wanted!r} does not; give a config that defines it"
        )
    return _checked({**given, "head": wanted} if wanted is not None else given, place)


def as_yaml(config: TrainConfig) -> str:
    """The whole config with every default, as YAML that `load_config` reads back to an equal one."""
    return yaml.safe_dump(_plain(config.model_dump(by_alias=True)), sort_keys=False, allow_unicode=True)


def _checked(values: dict[str, Any], place: str) -> TrainConfig:
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        problems, unusable = field_problems(error)
    if unusable:  # what is left is checked too, so that one run shows all mistakes
        try:
            TrainConfig.model_validate(_without(values, unusable), context={"unusable": unusable})
        except ValidationError as error:
            problems += field_problems(error)[0]
    count = f"{len(problems)} mistakes: " if len(problems) > 1 else ""
    raise UsageError(f"{place}: {count}{'; '.join(problems)}")


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


def _over(base: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` laid over `base`; sections key by key, lists as a whole."""
    both = {
        key: _over(base[key], value) if isinstance(value, Mapping) and isinstance(base.get(key), dict) else value
        for key, value in given.items()
    }
    return {**base, **both}


def _without(values: Mapping[str, Any], paths: frozenset[str], prefix: str = "") -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if f"{prefix}{key}" not in paths}
    return {
        key: _without(value, paths, f"{prefix}{key}.") if isinstance(value, Mapping) else value
        for key, value in kept.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, pd.Timestamp) else value
