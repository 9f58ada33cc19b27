"""A training's config as plain data: one typed model per section. Checks each key alone; knows no other file of training.

What several keys together can get wrong is in `cross_checks.py`; files are read in `train_config.py`; `docs/training.md` explains
every key.
"""

import datetime as dt
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ...features.base.errors import WalletprintError
from ...features.base.periods import parse_as_of, parse_window
from ...serving.model.trees import MAX_LEAVES

ACTOR = "actor:"
"""What an entry of `labels` that names an actor begins with."""


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
    calibration_until: Moment = None
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
    cross_case_features_only: bool = False
    """Leave out what tells one theft apart and no other; the features dropped are named in the card."""
    dust_proof: bool = False
    """Keep only what strangers' payments to a wallet can't move far (training/config/dust_proof.py lists it)."""


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


class PuLearningConfig(_Section):
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
    """Keep the directions that theory dictates (training/models/monotone_constraints.py lists them)."""
    weights: WeightsConfig = WeightsConfig()
    """What a training row weighs."""
    pu_learning: PuLearningConfig = PuLearningConfig()
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
    top_k: Counts = (100, 500)
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


class TrainSections(_Section):
    """Everything that decides how a model is trained, except the data; checked key by key only."""

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

    @property
    def model_name(self) -> str:
        """The name under which models of this head are registered."""
        return self.tracking.name or f"walletprint-{self.head}"
