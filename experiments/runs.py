"""MLflow runs side by side: what was trained, how well it does, and which model version came of it. Changes nothing."""

from typing import Any

import pandas as pd

from ..features.base.errors import UsageError
from ..training.registry.tracking import AUDIT_TAG, HEAD_TAG, MODEL_TAG, connected

METRICS = ("pr_auc", "roc_auc", "precision_at_1pct", "precision_at_5pct", "precision_at_k100", "brier", "ece")
SLICES = ("test_time", "test_new")
COLUMNS = (
    "run_name", "head", "date", "status", "trained_until", "audit", "model", "version", "alias", "experiment", "run_id"
)  # fmt: skip
_PAGE = 1000


def compare_runs(experiment: str | None = None, tracking_uri: str | None = None) -> pd.DataFrame:
    """The trainings in an MLflow store, the newest first.

    Args:
        experiment: its name; None for all experiments with runs of walletprint.
        tracking_uri: of the store; None for the one MLflow is set to, or else `mlflow.db` in the working directory.

    Returns:
        COLUMNS, where `version` and `alias` are of the registered model (None if it is not), and a column
        `slice/metric` for each test slice and metric, NaN where a run has none.

    Raises:
        UsageError: one line, if the store cannot be used or has no such experiment.
    """
    with connected(tracking_uri) as (mlflow, uri):
        client = mlflow.MlflowClient()
        experiments = {found.experiment_id: found.name for found in client.search_experiments()}
        if experiment is not None:
            experiments = {key: name for key, name in experiments.items() if name == experiment}
            if not experiments:
                raise UsageError(f"experiment: {experiment!r} is not in {uri}; `walletprint runs` without it lists all")
        registered = _registered(client)
        rows = [_row(run, experiments, registered.get(run.info.run_id, {})) for run in _runs(client, list(experiments))]
    metrics = [f"{part}/{name}" for part in SLICES for name in METRICS]
    return pd.DataFrame(rows, columns=[*COLUMNS, *metrics])


def _runs(client: Any, experiments: list[str]) -> list[Any]:
    runs, token = [], None
    while experiments:
        page = client.search_runs(
            experiments, f"tags.`{HEAD_TAG}` != ''", max_results=_PAGE, order_by=["start_time DESC"], page_token=token
        )
        runs += page
        if not (token := page.token):
            break
    return runs


def _registered(client: Any) -> dict[str, dict[str, str]]:
    """Name, version and aliases of the registered model that each run made."""
    found = {}
    for model in client.search_registered_models():
        for version in client.search_model_versions(f"name = '{model.name}'"):
            aliases = sorted(alias for alias, number in model.aliases.items() if str(number) == str(version.version))
            found[version.run_id] = {"version": f"{model.name}/{version.version}", "alias": ", ".join(aliases) or None}
    return found


def _row(run: Any, experiments: dict[str, str], registered: dict[str, str]) -> dict[str, Any]:
    return {
        "run_name": run.info.run_name,
        "head": run.data.tags[HEAD_TAG],
        "date": pd.Timestamp(run.info.start_time, unit="ms", tz="UTC").floor("s"),
        "status": run.info.status,
        "trained_until": run.data.params.get("train_until"),
        "audit": run.data.tags.get(AUDIT_TAG),
        "model": run.data.tags.get(MODEL_TAG),
        "version": registered.get("version"),
        "alias": registered.get("alias"),
        "experiment": experiments[run.info.experiment_id],
        "run_id": run.info.run_id,
        **run.data.metrics,
    }
