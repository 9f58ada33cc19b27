"""One typed config of a training, from a YAML file, a dict or Python. Reads and checks it; does none of its work.

All mistakes are reported together, in one UsageError, before anything is computed: unknown keys and wrong types by
pydantic, what only several keys together can get wrong by `checks.py`. `docs/training.md` explains every key.
"""

import datetime as dt
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from ..features.errors import UsageError, WalletprintError
from ..features.periods import parse_as_of, parse_window
from ..features.safe_yaml import read_yaml
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
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, use_attribute_docstrings=True
    )


class LabelsConfig(_Section):
    """What is a positive and what a negative: category ids, or `actor:NAME`, which goes before the category."""

    positive: Names = ()
    """What the head looks for; at least one."""
    negative: Names = ()
    """What it is told from: known services and ordinary wallets; at least one."""
    ignored: Names = ()
    """What is neither, and trains nothing."""


class SnapshotsConfig(_Section):
    """When wallets are looked at, and how far back."""

    every: Annotated[str, BeforeValidator(_every)] = "month"
    """Rhythm of the as-of dates: month or quarter (their first days, UTC), or a length such as 30d, counted from 1970-01-01."""
    window: Window = "90d"
    """What the features see before each date: a length, or all."""
    min_transfers: Count = 3
    """A snapshot needs so many transfers in its window; the scorer keeps to it too."""
    first: Moment = None
    """The first as-of date; null: the first whose whole window lies in the data."""
    last: Moment = None
    """The last as-of date; null: the last in the data."""
    max_per_wallet: Count | None = None
    """At most so many snapshots a wallet, chosen by hash of address and date; null: all."""


class SplitConfig(_Section):
    """Where the slices end. Dates left out are derived from the snapshots, 60/20/20 in time."""

    train_until: Moment = None
    """The last as-of date (included) of the training slice; null: derived, as is the next."""
    calibrate_until: Moment = None
    """The last as-of date (included) of the calibration slice; give both or neither."""
    embargo: Annotated[str | None, BeforeValidator(_window)] = None
    """Least distance in time between slices; null: the window."""
    label_delay: Annotated[str | None, BeforeValidator(_window)] = None
    """How long after its known_from a label reaches the trainer; null: at once."""
    held_out_addresses: Annotated[Number, Field(ge=0, lt=1)] = 0.25
    """Share of the wallets, by hash of the address, that train and calibrate nothing: they are test_new."""


class FeaturesConfig(_Section):
    """What the model may see: whole families, or features by name; empty is all of the catalogue."""

    families: Names = ()
    """Whole families of the catalogue (`walletprint features`); empty: all but exposure."""
    names: Names = ()
    """Single features, instead of families."""
    era_safe_only: bool = True
    """Leave out what moves with the calendar."""
    stable_only: bool = False
    """Leave out what tells one theft apart and no other; the features dropped are named in the card."""
    dust_proof: bool = False
    """Keep only what strangers' payments to a wallet can't move far (training/dust_proof.py lists it)."""


class LightGBMConfig(_Section):
    """LightGBM's parameters, under LightGBM's names."""

    learning_rate: Annotated[Number, Field(gt=0, le=1)] = 0.05
    """What share of each tree is added."""
    num_leaves: Annotated[int, Field(ge=2, le=MAX_LEAVES)] = 31
    """Leaves of a tree, at most."""
    min_data_in_leaf: Count = 20
    """Training rows in a leaf, at least."""
    feature_fraction: Annotated[Number, Field(gt=0, le=1)] = 0.3
    """Share of the features that a tree may see."""
    bagging_fraction: Annotated[Number, Field(gt=0, le=1)] = 0.8
    """Share of the rows that a tree is grown on."""
    bagging_freq: Annotated[int, Field(ge=0)] = 1
    """After how many trees these rows are drawn anew; 0: all rows, always."""
    lambda_l2: Annotated[Number, Field(ge=0)] = 1.0
    """Penalty on the leaves' squares."""
    max_bin: Annotated[int, Field(ge=2)] = 255
    """Into how many bins a feature is cut, at most."""
    num_threads: Annotated[int, Field(ge=0)] = 0
    """0: one thread for tables below 5 million numbers, all cores beyond; the trees are the same for any."""


class WeightsConfig(_Section):
    """What a training row weighs: `balanced` classes weigh the same in all; so do all cases among the positives."""

    classes: Literal["none", "balanced"] = "none"
    """none, or balanced: positives and negatives weigh the same in all."""
    cases: bool = True
    """Every theft among the positives weighs the same, however many wallets it has."""


class UnlabelledConfig(_Section):
    """Wallets of which nothing is known: how many are looked at (by hash of the address), and what is learnt from them."""

    wallets: Annotated[int, Field(ge=0)] = 0
    """How many unlabelled wallets are looked at, chosen by hash of the address; 0: none."""
    method: Literal["none", "bagging", "elkan_noto"] = "none"
    """What is learnt from them: none, bagging or elkan_noto."""
    bags: Count = 10
    """Of bagging: how many times they are drawn."""


class ModelConfig(_Section):
    """The model and the baselines fitted beside it."""

    rounds: Count = 300
    """Number of trees; nothing stops early."""
    lightgbm: LightGBMConfig = LightGBMConfig()
    """LightGBM's parameters; a search (`tuning`) begins with them."""
    monotone: bool = True
    """Keep the directions that theory dictates (training/monotone.py lists them)."""
    weights: WeightsConfig = WeightsConfig()
    """What a training row weighs."""
    unlabelled: UnlabelledConfig = UnlabelledConfig()
    """What is learnt from wallets without a label."""
    seeds: Count = 1
    """Models of so many seeds, whose mean is the model; the spread between them is reported."""
    calibration: Literal["auto", "isotonic", "sigmoid", "venn_abers"] = "auto"
    """How margins become probabilities: auto (by the size of the slice), isotonic, sigmoid or venn_abers."""
    baselines: bool = True
    """Fit the baselines beside the model."""


class TuningConfig(_Section):
    """How long to search for LightGBM's parameters: 0 trials for not at all."""

    trials: Annotated[int, Field(ge=0)] = 0
    """How many choices of parameters are tried; 0: no search."""
    minutes: Annotated[Number | None, Field(gt=0)] = None
    """A limit to the time of the trials; null: none. With it, the outcome hangs on the speed of the machine."""
    splitter: Literal["time", "address", "case"] = "time"
    """How the training slice is cut into folds: time (forward chaining), address (wallets apart) or case (a theft a fold)."""
    folds: Annotated[int, Field(ge=2)] = 3
    """How many folds; of case, the thefts with the most wallets."""


class BandsConfig(_Section):
    """The score at which each band begins."""

    low: Share = 0.1
    medium: Share = 0.3
    high: Share = 0.6
    severe: Share = 0.85


class ReviewConfig(_Section):
    """How many wallets can be reviewed: as shares and as numbers; `flag_budget` sets the threshold of a flag."""

    budgets: Shares = (0.01, 0.05)
    """Shares of the snapshots at which precision and recall are measured."""
    k: Counts = (100, 500)
    """Numbers of snapshots at which precision and recall are measured."""
    flag_budget: Share = 0.05
    """Share of the calibration slice that the threshold of a flag lets through."""


class TrackingConfig(_Section):
    """What MLflow is told. `experiment` and `name` default to `walletprint-<head>`."""

    enabled: bool = True
    """Write the training to MLflow."""
    experiment: str | None = None
    """MLflow's experiment; null: walletprint-<head>."""
    register_model: bool = Field(default=True, alias="register")
    """Register the model, and point the alias challenger at it."""
    name: HeadName | None = None
    """Name of the registered model; null: walletprint-<head>."""
    run_name: str | None = None
    """Name of the run; null: <head>-<version of the model>."""


class TrainConfig(_Section):
    """Everything that decides how a model is trained, but the data."""

    version: Literal[1] = 1
    """Of this format of configs."""
    head: HeadName = ""
    """What is learnt: the model is registered as walletprint-<head>."""
    labels: LabelsConfig = LabelsConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    split: SplitConfig = SplitConfig()
    features: FeaturesConfig = FeaturesConfig()
    model: ModelConfig = ModelConfig()
    tuning: TuningConfig = TuningConfig()
    bands: BandsConfig = BandsConfig()
    review: ReviewConfig = ReviewConfig()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    """Of the models and of the search; the split does not hang on it."""
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
