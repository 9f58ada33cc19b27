"""What MLflow gets of a training, as plain values: parameters, metrics, tables, texts, datasets. Touches no store."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..serving.model.model_folder import ModelFolder
from .assessment.fitted_models import FittedModels
from .assessment.model_assessment import ModelAssessment
from .config.commented_yaml import as_commented_yaml
from .config.train_config import as_yaml
from .data.dataset import Dataset
from .data.large_matrix import subtable
from .registry.tracking import AUDIT_TAG, TrackedRows, TrainingRecord
from .splits.time_split import Slice

CONTEXTS = {"train": "training", "calibrate": "calibration", "test_time": "test", "test_new": "test of new wallets"}
DIGEST = 16  # characters; MLflow takes at most 36


def build_training_record(
    fitted: FittedModels, assessment: ModelAssessment, model: ModelFolder, pictures: Path, tags: Mapping[str, str]
) -> TrainingRecord:
    """Collect everything that is written about a training."""
    return TrainingRecord(
        config=fitted.config,
        params=_params(fitted, model),
        metrics=_flat(assessment) | _tuning_metrics(fitted),
        tables=_tables(fitted, assessment),
        texts=_texts(fitted, assessment, model),
        pictures=pictures,
        data=_data(fitted),
        trials=fitted.tuned.trials if fitted.tuned else None,
        tags={AUDIT_TAG: assessment.audit.verdict, **tags},
    )


def slice_digest(dataset: Dataset, part: Slice) -> str:
    """A digest of the data with the addresses, dates and outcomes of a slice, hex."""
    shots = dataset.snapshots.iloc[part.rows]
    columns = (shots["address"], shots["as_of"].astype("int64"), part.y)
    rows = ["|".join(map(str, row)) for row in zip(*columns, strict=True)]
    return hashlib.sha256("\n".join([dataset.digest, *rows]).encode()).hexdigest()[:DIGEST]


def _params(fitted: FittedModels, model: ModelFolder) -> dict[str, Any]:
    """The config as used and what was derived from the data, flat."""
    config = pd.json_normalize(fitted.used.model_dump(by_alias=True)).iloc[0].to_dict()
    slices = fitted.slices
    derived = {
        "train_until": slices.train_until.date(),
        "calibration_until": slices.calibration_until.date(),
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
    tuned = {"tuning.done": len(fitted.tuned.trials), "tuning.best": fitted.tuned.best} if fitted.tuned else {}
    return {**config, **derived, **sizes, **wallets, **tuned}


def _flat(assessment: ModelAssessment) -> dict[str, float]:
    """Metrics: `test_time/pr_auc` of the model, `date_only/test_time/pr_auc` of a shortcut, `…/pr_auc_low`: an interval."""
    flat: dict[str, float] = {}
    for row in assessment.metrics.drop(columns="note").to_dict("records"):
        name, kind, part = row.pop("model"), row.pop("kind"), row.pop("slice")
        prefix = part if kind == "model" else f"{name}/{part}"
        flat |= {f"{prefix}/{key}": value for key, value in row.items()}
    for row in assessment.intervals.to_dict("records"):
        lead = f"_lead_over_{row['against']}" if row["against"] else ""
        name = f"{row['slice']}/{row['metric']}{lead}"
        flat |= {name: row["value"], f"{name}_low": row["low"], f"{name}_high": row["high"]}
    return flat


def _tuning_metrics(fitted: FittedModels) -> dict[str, float]:
    tuned = fitted.tuned
    return {"tuning/pr_auc": tuned.trials["pr_auc"].iloc[tuned.best], "tuning/gain": tuned.gain} if tuned else {}


def _tables(fitted: FittedModels, assessment: ModelAssessment) -> dict[str, pd.DataFrame]:
    tables = assessment.tables()
    if fitted.tuned is not None:
        tables["trials"] = fitted.tuned.trials
    if fitted.stability is not None and len(fitted.stability.table):
        tables["stability"] = fitted.stability.table
    return {**tables, "audit": assessment.audit.checks}


def _texts(fitted: FittedModels, assessment: ModelAssessment, model: ModelFolder) -> dict[str, str]:
    used = yaml.safe_dump(fitted.used.model.lightgbm.model_dump(), sort_keys=False)
    return {
        "config.yaml": as_yaml(fitted.config),
        "config_commented.yaml": as_commented_yaml(fitted.config),
        "lightgbm.yaml": used,
        "model_card.md": model.card,
        "audit.md": assessment.audit.as_markdown(),
        "audit.json": assessment.audit.as_json(),
    }


def _data(fitted: FittedModels) -> Iterator[TrackedRows]:
    """The rows of each slice, one slice in memory at a time."""
    for name, part in fitted.slices.named().items():
        if len(part.rows):
            rows = subtable(fitted.dataset.X, part.rows).assign(y=part.y.astype(float))
            yield TrackedRows(f"{fitted.config.head}-{name}", CONTEXTS[name], rows, slice_digest(fitted.dataset, part))
