"""One training from transfers and labels to a model folder and an MLflow run. Each step is a function of its own.

dataset → split → fit, with baselines and shortcuts → calibrate → evaluate → model folder → track
"""

import os
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm as lgb
import pandas as pd

from ..features.catalogue import features_hash
from ..features.errors import UsageError
from ..features.ledger import Ledger
from ..serving.calibration import reference_quantiles, usual_values
from ..serving.model_folder import FILES, MANIFEST, Bands, ModelFolder
from .calibration import flag_threshold
from .card import model_card
from .config import Source, TrainConfig, load_config
from .contenders import Contender, contenders, metrics_table, periods_table
from .dataset import Dataset, Progress, build_dataset, split
from .labels import read_labels
from .plots import draw_all
from .splits import Slices
from .tracking import Record, Store, Tracked, open_store, record_training

DIGITS = 6  # of metrics in the model folder: more would hang on the machine's linear algebra


@dataclass(frozen=True)
class TrainResult:
    """What a training made.

    Attributes:
        model_dir: the model folder; model: what is in it.
        metrics: a row a contender and test slice; the model's own come first.
        periods: the model's metrics by quarter.
        config: as used, with every default; slices: the split with its dates; counts: labelled wallets by side.
        tracked: where it is in MLflow, None if tracking is off.
        bad_labels: the rows of the labels that were left out, as `Labels.bad` holds them.
    """

    model_dir: Path
    model: ModelFolder
    metrics: pd.DataFrame
    periods: pd.DataFrame
    config: TrainConfig
    slices: Slices
    counts: dict[str, int]
    tracked: Tracked | None
    bad_labels: pd.DataFrame

    @property
    def run_id(self) -> str | None:
        """Of the MLflow run."""
        return self.tracked.run_id if self.tracked else None

    @property
    def model_uri(self) -> str:
        """What `Scorer.load` takes: the registered model if there is one, else the folder."""
        return self.tracked.model_uri if self.tracked else str(self.model_dir)


@dataclass(frozen=True)
class _Fitted:
    """A dataset with its split, and all that was fitted on it."""

    config: TrainConfig
    dataset: Dataset
    slices: Slices
    booster: lgb.Booster
    contending: list[Contender]
    metrics: pd.DataFrame
    periods: pd.DataFrame


def train(
    transfers: Any,
    labels: str | os.PathLike[str] | pd.DataFrame,
    config: Source = None,
    out: str | os.PathLike[str] = "model",
    tracking_uri: str | None = None,
    on_progress: Progress | None = None,
    *,
    head: str | None = None,
) -> TrainResult:
    """Train, evaluate and track one model.

    Args:
        transfers: a Ledger, or anything `Ledger.from_transfers` takes.
        labels: anything `read_labels` takes.
        config: anything `load_config` takes; what it leaves out comes from the head's default.
        out: the model folder to write; an older model folder there is replaced.
        tracking_uri: of the MLflow store; None for the one MLflow is set to, or else `mlflow.db` in the working directory.
        on_progress: called with a step's name ("read", "extract", "fit", "record"), how much of it is done, and how much
            it is in all.
        head: `laundering` or `state_linked`, if `config` does not say.

    Raises:
        UsageError: if the config, `out` or the tracking store cannot be used; nothing was computed then.
        DataError: if the data cannot be read, or do not suffice for a slice.
    """
    checked = load_config(config, head)
    folder = _free(Path(out))
    store = open_store(tracking_uri, checked) if checked.tracking.enabled else None
    report = on_progress or (lambda step, done, total: None)
    report("read", 0, 1)
    known = read_labels(labels)
    ledger = transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers)
    report("read", 1, 1)
    fitted = _fit(ledger, known.good, checked, report)
    model = _model_of(fitted)
    model.save(folder)
    report("record", 0, 1)
    tracked = _track(store, fitted, model, folder) if store else None
    report("record", 1, 1)
    return TrainResult(
        folder, model, fitted.metrics, fitted.periods, checked, fitted.slices, fitted.dataset.counts, tracked, known.bad
    )


def _free(folder: Path) -> Path:
    """The folder, if a model may be written there: known before the work, not after it."""
    if folder.is_dir() and not {entry.name for entry in folder.iterdir()} <= {MANIFEST, *FILES}:
        raise UsageError(f"out: {folder} holds other files than a model; give a new folder, or one with an older model")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"out: {folder} is a file; give a folder")
    return folder


def _fit(ledger: Ledger, labels: pd.DataFrame, config: TrainConfig, report: Progress) -> _Fitted:
    dataset = build_dataset(ledger, labels, config, report)
    slices = split(dataset, config)
    booster, contending = contenders(dataset, slices, config, report)
    metrics = metrics_table(contending, slices, config)
    return _Fitted(config, dataset, slices, booster, contending, metrics, periods_table(contending[0], dataset, slices))


def _model_of(fitted: _Fitted) -> ModelFolder:
    """Everything a model folder holds. Its reference population is the negative snapshots of the calibration slice: later than
    the training, and nearer to the wallets one meets than a mixture with as many bad ones as somebody labelled."""
    config, dataset, later = fitted.config, fitted.dataset, fitted.slices.calibrate
    best = fitted.contending[0]
    ordinary = later.rows[later.y == 0]
    until = dataset.snapshots["as_of"].iloc[fitted.slices.train.rows].max()
    model = ModelFolder(
        name=config.model_name,
        head=config.head,
        features=tuple(dataset.X.columns),
        features_hash=features_hash(dataset.X.columns),
        window=config.snapshots.window,
        min_transfers=config.snapshots.min_transfers,
        calibration=best.calibration,
        bands=Bands(**config.bands.model_dump()),
        threshold=flag_threshold(best.score[later.rows], config.review.flag_budget),
        threshold_policy=_policy(config),
        reference=reference_quantiles(best.margin[ordinary]),
        usual=usual_values(dataset.X.iloc[ordinary]),
        trained_until=until.date().isoformat(),
        labels={
            **{side: list(names) for side, names in config.labels.model_dump().items()},
            "wallets": dict(dataset.counts),
        },
        metrics=_nested(fitted.metrics),
        data_digest=dataset.digest,
        seed=config.seed,
        versions={name: version(name) for name in ("walletprint", "lightgbm", "numpy")},
        trees=fitted.booster.model_to_string(),
        card="-",
    )
    card = model_card(model, config, dataset, fitted.slices, fitted.metrics, fitted.periods)
    return model.model_copy(update={"card": card})  # the version is of all but the card, which names it


def _policy(config: TrainConfig) -> str:
    share = f"{100 * config.review.flag_budget:.4g} %"
    return f"the score that at most {share} of the labelled snapshots of the calibration slice reach"


def _nested(metrics: pd.DataFrame) -> dict[str, Any]:
    """{contender: {slice: {metric: value}}}."""
    nested: dict[str, Any] = {}
    for row in metrics.drop(columns="kind").to_dict("records"):
        name, part, note = row.pop("model"), row.pop("slice"), row.pop("note")
        values = {key: round(value, DIGITS) for key, value in row.items()}
        nested.setdefault(name, {"note": note} if note else {})[part] = values
    return nested


def _track(store: Store, fitted: _Fitted, model: ModelFolder, folder: Path) -> Tracked:
    rows = fitted.slices.train
    with tempfile.TemporaryDirectory(prefix="walletprint-") as pictures:
        draw_all(Path(pictures), fitted.contending, fitted.slices, fitted.periods, fitted.booster, model)
        record = Record(
            config=fitted.config,
            params=_params(fitted, model),
            metrics=_flat(fitted.metrics),
            tables={"metrics": fitted.metrics, "periods": fitted.periods},
            pictures=Path(pictures),
            rows=fitted.dataset.X.iloc[rows.rows].assign(y=rows.y.astype(float)),
        )
        return record_training(store, record, model, folder)


def _params(fitted: _Fitted, model: ModelFolder) -> dict[str, Any]:
    """The config and what was derived from the data, flat."""
    config = pd.json_normalize(fitted.config.model_dump(by_alias=True)).iloc[0].to_dict()
    slices = fitted.slices
    derived = {
        "train_until": slices.train_until.date(),
        "calibrate_until": slices.calibrate_until.date(),
        "embargo_days": slices.embargo.days,
        "n_features": len(model.features),
        "calibration": model.calibration.method,
        "threshold": model.threshold,
        "data_digest": model.data_digest,
        "features_hash": model.features_hash,
    }
    sizes = {
        f"rows.{name}.{side}": n
        for name, part in slices.named().items()
        for side, n in zip(("negative", "positive"), part.counts, strict=True)
    }
    wallets = {f"wallets.{name}": n for name, n in fitted.dataset.counts.items()}
    return {**config, **derived, **sizes, **wallets}


def _flat(metrics: pd.DataFrame) -> dict[str, float]:
    """`test_time/pr_auc` for the model, `date_only/test_time/pr_auc` for what stands beside it."""
    flat: dict[str, float] = {}
    for row in metrics.drop(columns="note").to_dict("records"):
        name, kind, part = row.pop("model"), row.pop("kind"), row.pop("slice")
        prefix = part if kind == "model" else f"{name}/{part}"
        flat |= {f"{prefix}/{key}": value for key, value in row.items()}
    return flat
