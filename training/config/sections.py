"""A training's config as plain data: one typed model per section.

Each key is checked alone. `cross_checks.py` checks keys against each other, `train_config.py` reads files, and `docs/training.md`
explains every key.
"""

import datetime as dt
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ...features.base.errors import WalletprintError
from ...features.base.periods import parse_as_of, parse_window
from ...serving.model.trees import MAX_LEAVES

ACTOR = "actor:"
"""The prefix of an entry of `labels` that names an actor."""


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


AsOf = Annotated[Any, BeforeValidator(_date)]  # a UTC Timestamp, or None
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
    """Which labels are positive and negative: category ids, or `actor:NAME`, which overrides the category."""

    positive: Names = ()
    """What the head looks for; at least one entry."""
    negative: Names = ()
    """What it is compared with: known services and ordinary wallets; at least one entry."""
    ignored: Names = ()
    """Neither positive nor negative: never trained on."""


class SnapshotsConfig(_Section):
    """On which dates wallets are observed, and how far back."""

    every: Annotated[str, BeforeValidator(_every)] = "month"
    """Interval of the as-of dates: month or quarter (their first days, UTC), or a length such as 30d, counted from 1970-01-01."""
    window: Window = "90d"
    """How much history the features see before each date: a length, or all."""
    min_transfers: Count = 3
    """Minimum number of transfers in the window; the scorer applies the same minimum."""
    first: AsOf = None
    """The first as-of date; null: the first date whose whole window lies in the data."""
    last: AsOf = None
    """The last as-of date; null: the last in the data."""
    max_per_wallet: Count | None = None
    """Maximum number of snapshots per wallet, chosen by hash of address and date; null: all."""


class SplitConfig(_Section):
    """Where the slices end. Missing dates are derived from the snapshots, 60/20/20 in time."""

    train_until: AsOf = None
    """The last as-of date (included) of the training slice; null: derived, like the next key."""
    calibration_until: AsOf = None
    """The last as-of date (included) of the calibration slice; give both or neither."""
    embargo: Annotated[str | None, BeforeValidator(_window)] = None
    """Minimum distance in time between slices; null: the window."""
    label_delay: Annotated[str | None, BeforeValidator(_window)] = None
    """How long after its known_from a label reaches the trainer; null: immediately."""
    held_out_addresses: Annotated[Number, Field(ge=0, lt=1)] = 0.25
    """Share of the wallets, by hash of the address, kept out of training and calibration: they are test_new."""


class FeaturesConfig(_Section):
    """Which features the model sees: whole families, or single features; empty means the default families."""

    families: Names = ()
    """Whole families of the catalogue (`walletprint features`); empty: all but exposure."""
    names: Names = ()
    """Single features, instead of families."""
    era_safe_only: bool = True
    """Leave out features that move with the calendar."""
    cross_case_features_only: bool = False
    """Leave out features that separate a single theft only; the model card names them."""
    dust_proof: bool = False
    """Keep only features that strangers' payments can't move far (listed in training/config/dust_proof.py)."""


class LightGBMConfig(_Section):
    """LightGBM's parameters, by LightGBM's names."""

    learning_rate: Annotated[Number, Field(gt=0, le=1)] = 0.05
    """Share of each tree's output that is added."""
    num_leaves: Annotated[int, Field(ge=2, le=MAX_LEAVES)] = 31
    """Maximum number of leaves per tree."""
    min_data_in_leaf: Count = 20
    """Minimum number of training rows per leaf."""
    feature_fraction: Annotated[Number, Field(gt=0, le=1)] = 0.3
    """Share of the features that each tree may use."""
    bagging_fraction: Annotated[Number, Field(gt=0, le=1)] = 0.8
    """Share of the rows that each tree is grown on."""
    bagging_freq: Annotated[int, Field(ge=0)] = 1
    """After how many trees these rows are sampled again; 0: all rows, always."""
    lambda_l2: Annotated[Number, Field(ge=0)] = 1.0
    """L2 penalty on the leaf values."""
    max_bin: Annotated[int, Field(ge=2)] = 255
    """Maximum number of bins per feature."""
    num_threads: Annotated[int, Field(ge=0)] = 0
    """0: one thread for tables below 5 million numbers, all cores above; the trees are the same for any number."""


class WeightsConfig(_Section):
    """The weight of each training row."""

    classes: Literal["none", "balanced"] = "none"
    """none, or balanced: positives and negatives have the same total weight."""
    cases: bool = True
    """Every theft among the positives has the same total weight, however many wallets it has."""


class PuLearningConfig(_Section):
    """Learning from positive and unlabelled wallets (PU learning)."""

    wallets: Annotated[int, Field(ge=0)] = 0
    """How many unlabelled wallets are used, chosen by hash of the address; 0: none."""
    method: Literal["none", "bagging", "elkan_noto"] = "none"
    """How they are used in training: none, bagging or elkan_noto."""
    bags: Count = 10
    """Number of bags, for bagging."""


class ModelConfig(_Section):
    """The model and the baselines that are fitted with it."""

    rounds: Count = 300
    """Number of trees; nothing stops early."""
    lightgbm: LightGBMConfig = LightGBMConfig()
    """LightGBM's parameters; a search (`tuning`) starts from them."""
    monotone: bool = True
    """Apply the monotone constraints listed in training/models/monotone_constraints.py."""
    weights: WeightsConfig = WeightsConfig()
    """The weight of each training row."""
    pu_learning: PuLearningConfig = PuLearningConfig()
    """Learning from wallets without a label."""
    seeds: Count = 1
    """Number of seeds to train and average; the spread between them is reported."""
    calibration: Literal["auto", "isotonic", "sigmoid", "venn_abers"] = "auto"
    """How margins become probabilities: auto (depends on the size of the slice), isotonic, sigmoid or venn_abers."""
    baselines: bool = True
    """Fit the baselines too."""


class TuningConfig(_Section):
    """The search for LightGBM's parameters; off with 0 trials."""

    trials: Annotated[int, Field(ge=0)] = 0
    """How many sets of parameters are tried; 0: no search."""
    minutes: Annotated[Number | None, Field(gt=0)] = None
    """Time limit for the trials; null: none. With a limit the result depends on the speed of the machine."""
    splitter: Literal["time", "address", "case"] = "time"
    """How the training slice is split into folds: time (forward chaining), address (by wallet) or case (one theft per fold)."""
    folds: Annotated[int, Field(ge=2)] = 3
    """Number of folds; for case, the thefts with the most wallets."""


class BandsConfig(_Section):
    """The score at which each band starts."""

    low: Share = 0.1
    medium: Share = 0.3
    high: Share = 0.6
    severe: Share = 0.85


class ReviewConfig(_Section):
    """How many wallets analysts can review."""

    budgets: Shares = (0.01, 0.05)
    """Shares of the snapshots at which precision and recall are measured, as if these were reviewed."""
    top_k: Counts = (100, 500)
    """Numbers of reviewed snapshots at which precision and recall are measured."""
    flag_budget: Share = 0.05
    """Share of the calibration slice that is flagged; it sets the threshold."""


class TrackingConfig(_Section):
    """What is written to MLflow."""

    enabled: bool = True
    """Write the run to MLflow."""
    experiment: str | None = None
    """MLflow's experiment; null: walletprint-<head>."""
    register_model: bool = Field(default=True, alias="register")
    """Register the model and set the alias challenger to it."""
    name: HeadName | None = None
    """Name of the registered model; null: walletprint-<head>."""
    run_name: str | None = None
    """Name of the run; null: <head>-<version of the model>."""


class TrainSections(_Section):
    """Everything except the data that decides how a model is trained. Each key is checked alone."""

    version: Literal[1] = 1
    """Version of the config format."""
    head: HeadName = ""
    """The target: what the model learns to find. The model is registered as walletprint-<head>."""
    labels: LabelsConfig = LabelsConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    split: SplitConfig = SplitConfig()
    features: FeaturesConfig = FeaturesConfig()
    model: ModelConfig = ModelConfig()
    tuning: TuningConfig = TuningConfig()
    bands: BandsConfig = BandsConfig()
    review: ReviewConfig = ReviewConfig()
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    """Random seed for models and tuning; splits do not depend on it."""
    tracking: TrackingConfig = TrackingConfig()

    @property
    def model_name(self) -> str:
        """The name under which models of this head are registered in MLflow."""
        return self.tracking.name or f"walletprint-{self.head}"
