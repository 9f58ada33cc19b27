"""Writes what a protocol found to files, and into MLflow as a run of the experiment `walletprint-benchmark-<name>`."""

import hashlib
import re
from pathlib import Path

import pandas as pd

from ...features.base.untrusted_text import csv_text
from ...training.registry.tracking import TrackingStore, connected, open_experiment
from .protocol import Findings, Protocol
from .report import environment, write_report

EXPERIMENT = "walletprint-benchmark-"
PROTOCOL_TAG = "walletprint.benchmark"
GUESTS = ("xgboost", "xgboost-cpu")
_NO_KEY = re.compile(r"[^A-Za-z0-9_\-. /]+")  # what MLflow takes in no name
_LONGEST = 250
_CHUNK = 1 << 20


def open_benchmark(name: str, uri: str | None) -> TrackingStore:
    """The experiment of a protocol; reached before the work, so that a wrong URI shows at once.

    Raises:
        UsageError: one line, if the store cannot be used.
    """
    return open_experiment(uri, EXPERIMENT + name)


def write_findings(found: Findings, out: Path) -> Path:
    """Write `<name>.md` and `<name>.json` into a folder; returns the Markdown file."""
    command = f"walletprint benchmark {found.protocol.name} --data DIR"
    where = environment(*GUESTS)
    return write_report(found.protocol.name, command, found.protocol.intro, found.tables, out, where)


def record(store: TrackingStore, found: Findings, data: Path, seed: int, report: Path) -> str:
    """Record a run: the figures of the main table as metrics, every table and the report as artifacts, the files' digest.

    Returns:
        The run's id.
    """
    main = next(iter(found.tables.values()))
    with connected(store.uri) as (mlflow, _):
        tags = {PROTOCOL_TAG: found.protocol.name, "mlflow.note.content": found.protocol.intro}
        with mlflow.start_run(experiment_id=store.experiment_id, run_name=found.protocol.name, tags=tags) as run:
            mlflow.log_params({"seed": seed, "data": str(data)[:500]})
            mlflow.log_metrics(flat(main))
            mlflow.log_artifact(str(report))
            for title, table in found.tables.items():
                mlflow.log_text(csv_text(table), f"tables/{_name(title)}.csv")
            description = {"published": found.protocol.source, "folder": str(data)}
            source = mlflow.data.code_dataset_source.CodeDatasetSource(description)
            seen = {"name": found.protocol.name, "digest": digest(data, found.protocol)[:16]}
            mlflow.log_input(mlflow.data.meta_dataset.MetaDataset(source, **seen), context="benchmark")
        return run.info.run_id


def flat(table: pd.DataFrame) -> dict[str, float]:
    """The numbers of a table as `row/column`; a row is named by its first texts, as many as tell all rows apart."""
    numbers = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name].dtype)]
    texts = [name for name in table.columns if name not in numbers]
    used = next((k for k in range(1, len(texts) + 1) if not table[texts[:k]].duplicated().any()), len(texts))
    found = {}
    for position, row in enumerate(table.to_dict("records")):
        of_row = "/".join(str(row[name]) for name in texts[:used] if not pd.isna(row[name])) or f"row {position + 1}"
        found |= {_name(f"{of_row}/{name}"): float(row[name]) for name in numbers if not pd.isna(row[name])}
    return found


def digest(data: Path, protocol: Protocol) -> str:
    """sha256 (hex) of names and contents of the protocol's files that are there."""
    whole = hashlib.sha256()
    for path in protocol.present_files(data):
        whole.update(path.name.encode())
        with path.open("rb") as content:
            while chunk := content.read(_CHUNK):
                whole.update(chunk)
    return whole.hexdigest()


def _name(text: str) -> str:
    return _NO_KEY.sub("-", text)[:_LONGEST]
