"""One typed config of a training, from a YAML file, a dict or Python. Reads and checks it; does none of its work.

All mistakes are reported together, in one UsageError, before anything is computed: unknown keys and wrong types by
pydantic, what only several keys together can get wrong by `checks.py`. `docs/training.md` explains every key.
"""

import datetime as dt
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from ..features.errors import UsageError, WalletprintError
from ..features.periods import parse_as_of, parse_window
from ..serving.trees import MAX_LEAVES
from .checks import cross_problems, field_problems

Source = str | os.PathLike[str] | Mapping[str, Any] | BaseModel | None


def _date(value: object) -> pd.Timestamp | None:
    if value is None:
        return None
    if not isinstance(value, str | dt.date):
        raise ValueError("a date such as 2020-12-31 is needed")
    try:
        return parse_as_of(value)
    except WalletprintError as error:
        raise ValueError(str(error).removeprefix("as_of: ")) from None


def _window(value: object) -> str | None:
    if value is None:
        return None
    try:
        parse_window(value if isinstance(value, str) else repr(value))
    except WalletprintError as error:
        raise ValueError(str(error).removeprefix("window: ")) from None
    return str(value)


def _every(value: object) -> str:
    if value in ("month", "quarter"):
        return str(value)
    if value is None or value == "all":
        raise ValueError("month, quarter or a period such as 30d is needed")
    return str(_window(value))


Moment = Annotated[Any, BeforeValidator(_date)]  # a UTC Timestamp, or None
Window = Annotated[str, BeforeValidator(_window)]
Number = Annotated[float, Field(strict=False)]  # YAML reads 1e-3 as text
Share = Annotated[Number, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Names = Annotated[tuple[str, ...], Field(strict=False)]
Shares = Annotated[tuple[Share, ...], Field(strict=False)]
Counts = Annotated[tuple[Count, ...], Field(strict=False)]
HeadName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


class LabelsConfig(_Section):
    """What is a positive and what a negative: category ids, or `actor:NAME`, which goes before the category."""

    positive: Names = ()
    negative: Names = ()
    ignored: Names = ()


class SnapshotsConfig(_Section):
    """When wallets are looked at, and how far back."""

    every: Annotated[str, BeforeValidator(_every)] = "month"
    window: Window = "90d"
    min_transfers: Count = 3
    first: Moment = None
    last: Moment = None
    max_per_wallet: Count | None = None


class SplitConfig(_Section):
    """Where the slices end. Dates left out are derived from the snapshots, 60/20/20 in time."""

    train_until: Moment = None
    calibrate_until: Moment = None
    embargo: Annotated[str | None, BeforeValidator(_window)] = None
    held_out_addresses: Annotated[Number, Field(ge=0, lt=1)] = 0.25


class FeaturesConfig(_Section):
    """What the model may see: whole families, or features by name; empty is all of the catalogue."""

    families: Names = ()
    names: Names = ()
    era_safe_only: bool = True


class LightGBMConfig(_Section):
    """LightGBM's parameters, under LightGBM's names."""

    learning_rate: Annotated[Number, Field(gt=0, le=1)] = 0.05
    num_leaves: Annotated[int, Field(ge=2, le=MAX_LEAVES)] = 31
    min_data_in_leaf: Count = 20
    feature_fraction: Annotated[Number, Field(gt=0, le=1)] = 0.3
    bagging_fraction: Annotated[Number, Field(gt=0, le=1)] = 0.8
    bagging_freq: Annotated[int, Field(ge=0)] = 1
    lambda_l2: Annotated[Number, Field(ge=0)] = 1.0
    max_bin: Annotated[int, Field(ge=2)] = 255
    num_threads: Annotated[int, Field(ge=0)] = 0


class ModelConfig(_Section):
    """The model and the baselines fitted beside it."""

    rounds: Count = 300
    lightgbm: LightGBMConfig = LightGBMConfig()
    baselines: bool = True


class BandsConfig(_Section):
    """The score at which each band begins."""

    low: Share = 0.1
    medium: Share = 0.3
    high: Share = 0.6
    severe: Share = 0.85


class ReviewConfig(_Section):
    """How many wallets can be reviewed: as shares and as numbers; `flag_budget` sets the threshold of a flag."""

    budgets: Shares = (0.01, 0.05)
    k: Counts = (100, 500)
    flag_budget: Share = 0.05


class TrackingConfig(_Section):
    """What MLflow is told. `experiment` and `name` default to `walletprint-<head>`."""

    enabled: bool = True
    experiment: str | None = None
    register_model: bool = Field(default=True, alias="register")
    name: HeadName | None = None
    run_name: str | None = None


class TrainConfig(_Section):
    """Everything that decides how a model is trained, but the data."""

    head: HeadName = ""
    labels: LabelsConfig = LabelsConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    split: SplitConfig = SplitConfig()
    features: FeaturesConfig = FeaturesConfig()
    model: ModelConfig = ModelConfig()
    bands: BandsConfig = BandsConfig()
    review: ReviewConfig = ReviewConfig()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    tracking: TrackingConfig = TrackingConfig()

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "TrainConfig":
        problems = cross_problems(self, unusable=(info.context or {}).get("unusable", frozenset()))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def model_name(self) -> str:
        """The name under which models of this head are registered."""
        return self.tracking.name or f"walletprint-{self.head}"


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
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not YAML ({' '.join(str(error).split())})") from None
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
