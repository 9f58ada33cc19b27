"""Every figure about a fitted model: metrics with intervals, cases, quarters, budgets, drift, audit. Draws nothing."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..audit import AuditReport, audit_training
from ..data.dataset import Dataset
from ..metrics.bootstrap import interval, paired_bootstrap, resampling_groups
from ..metrics.classification_metrics import per_case
from ..models.contenders import TESTS, Contender, metrics_table, periods_table, seeds_table
from ..splits.time_split import Slice, Slices
from .feature_drift import drift_table
from .fitted_models import FittedModels

MEASURED = ("pr_auc", "roc_auc")
"""The metrics that get an interval."""
REPEATS = 500
STEPS = 60
"""Points of a budget curve."""


@dataclass(frozen=True)
class ModelAssessment:
    """The tables about a fitted model. They hold the model's own figures, unless stated otherwise.

    Attributes:
        metrics: one row per contender and test slice, the model first (`metrics_table`).
        intervals: [slice, metric, against, value, low, high, by, groups, note]: of the model's metrics where `against` is empty,
            else of their difference from the best baseline and the best shortcut.
        cases: one row per test slice and case (`per_case`); periods: one row per test slice and quarter.
        seeds: how far the models of single seeds differ; empty if there is only one.
        budget: [slice, share, rows, precision, recall] of reviewing this many of the highest scores.
        drift: [period, what, psi, rows] (`drift_table`).
        audit: the leakage audit.
    """

    metrics: pd.DataFrame
    intervals: pd.DataFrame
    cases: pd.DataFrame
    periods: pd.DataFrame
    seeds: pd.DataFrame
    budget: pd.DataFrame
    drift: pd.DataFrame
    audit: AuditReport

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that are not empty, by name."""
        names = ("metrics", "intervals", "cases", "periods", "seeds", "budget", "drift")
        return {name: getattr(self, name) for name in names if len(getattr(self, name))}


def assess(fitted: FittedModels) -> ModelAssessment:
    """Compute every figure about a fitted model."""
    dataset, slices, contenders, config = fitted.dataset, fitted.slices, fitted.contenders, fitted.used
    metrics = metrics_table(contenders, slices, config, dataset)
    return ModelAssessment(
        metrics=metrics,
        intervals=intervals_table(metrics, contenders, dataset, slices, config.seed),
        cases=cases_table(contenders[0], dataset, slices, config.review.budgets, config.review.top_k),
        periods=periods_table(contenders[0], dataset, slices),
        seeds=seeds_table(contenders[0], slices, config),
        budget=budget_table(contenders[0], slices),
        drift=drift_table(dataset, slices, contenders[0].margin, fitted.booster),
        audit=audit_training(dataset, slices, contenders, config),
    )


def intervals_table(
    metrics: pd.DataFrame, contenders: list[Contender], dataset: Dataset, slices: Slices, seed: int
) -> pd.DataFrame:
    """Bootstrap intervals (95 %) of the model's metrics, and of its lead over the best baseline and the best shortcut in PR-AUC.

    Whole cases are resampled if the positives of a slice have cases, else whole wallets.

    Returns:
        [slice, metric, against, value, low, high, by, groups, note]; `groups` is how many groups hold positives.
    """
    rows = []
    for name, part in _judged(slices):
        by, groups = _groups(dataset, part)
        model = contenders[0].margin[part.rows]
        about = {"slice": name, "by": by}
        for metric in MEASURED:
            found = interval(part.y, model, groups, metric, REPEATS, seed=seed)
            rows.append({**about, "metric": metric, "against": "", "value": found.value, **_ends(found)})
        for other in _best_others(metrics, contenders, name):
            pair = paired_bootstrap(part.y, model, other.margin[part.rows], groups, "pr_auc", REPEATS, seed=seed)
            rows.append({**about, "metric": "pr_auc", "against": other.name, "value": pair.difference, **_ends(pair)})
    columns = ["slice", "metric", "against", "value", "low", "high", "by", "groups", "note"]
    return pd.DataFrame(rows, columns=columns)


def cases_table(
    model: Contender, dataset: Dataset, slices: Slices, budgets: tuple[float, ...], ks: tuple[int, ...]
) -> pd.DataFrame:
    """`per_case` of the model in each test slice: [slice, case, …]; empty if no positive has a case."""
    tables = []
    for name, part in _judged(slices):
        case = dataset.label_details["case"].iloc[part.rows]
        tables.append(per_case(case, part.y, model.margin[part.rows], budgets, ks).assign(slice=name))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"slice": []})
    return table.loc[:, ["slice", *table.columns.drop("slice")]] if len(table) else pd.DataFrame()


def budget_table(model: Contender, slices: Slices) -> pd.DataFrame:
    """Precision and recall of reviewing the first 0.1 % to 100 % of each test slice, ties at their worst.

    Returns:
        [slice, share, rows, precision, recall], one row per number of rows.
    """
    tables = []
    for name, part in _judged(slices):
        n = len(part.rows)
        hits = np.cumsum(part.y[np.lexsort((part.y, -model.margin[part.rows]))])
        k = np.unique(np.clip(np.geomspace(1e-3, 1, STEPS) * n, 1, n).astype(np.int64))
        columns = {"share": k / n, "rows": k, "precision": hits[k - 1] / k, "recall": hits[k - 1] / hits[-1]}
        tables.append(pd.DataFrame({"slice": name, **columns}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _judged(slices: Slices) -> list[tuple[str, Slice]]:
    """The test slices that hold both classes."""
    parts = [(name, getattr(slices, name)) for name in TESTS]
    return [(name, part) for name, part in parts if min(part.counts) > 0]


def _groups(dataset: Dataset, part: Slice) -> tuple[str, np.ndarray]:
    case = dataset.label_details["case"].iloc[part.rows]
    return resampling_groups(part.y, case, dataset.snapshots["address"].iloc[part.rows])


def _best_others(metrics: pd.DataFrame, contenders: list[Contender], part: str) -> list[Contender]:
    """The baseline and the shortcut with the highest PR-AUC in a slice."""
    best = []
    for kind in ("baseline", "shortcut"):
        rows = metrics.loc[(metrics["slice"] == part) & (metrics["kind"] == kind)].to_dict("records")
        best += [max(rows, key=lambda row: row["pr_auc"])["model"]] if rows else []
    return [contender for contender in contenders if contender.name in best]


def _ends(found) -> dict[str, object]:
    return {"low": found.low, "high": found.high, "groups": found.groups[0], "note": found.note}
