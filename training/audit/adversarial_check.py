"""Adversarial validation: whether features alone tell a row of the test from one trained on."""

import numpy as np

from . import thresholds
from .audit_report import Check
from .audit_table import AuditTable
from .small_models import separation_auc, single_column_auc


def check_adversarial(table: AuditTable) -> Check:
    """How well a model tells train from test, and by which features. Where the split is in time that is drift, and no fault."""
    table.need_rows()
    half = thresholds.SMALL_ROWS // 2
    rows = np.sort(np.concatenate([table.sample(table.train, half), table.sample(table.test, half)]))
    z = np.isin(rows, table.test).astype(np.float64)
    X = table.X[table.varying].iloc[rows]
    auc, used = separation_auc(X, z, table.fold_groups(rows))
    by = single_column_auc(X[used[: thresholds.NAMED]], z)
    verdict = _verdict(auc, table.ordered)
    told = ", ".join(f"{name} {value:.3f}" for name, value in by.items())
    found = f"features tell test rows from those trained on with ROC-AUC {auc:.3f} (alone: {told})"
    return Check("adversarial", verdict, found, _todo(verdict, table.ordered), {"roc_auc": auc, "by": by})


def _verdict(auc: float, ordered: bool) -> str:
    if ordered:
        return "warn" if auc >= thresholds.DRIFT_WARN else "pass"
    return "fail" if auc >= thresholds.DRIFT_RANDOM_FAIL else "warn" if auc >= thresholds.DRIFT_RANDOM_WARN else "pass"


def _todo(verdict: str, ordered: bool) -> str:
    if verdict == "pass":
        return ""
    if ordered:
        return "these features drift: watch them, offer them as ratios or ranks, and retrain more often"
    return "this split is no split at random: find out what differs between its sides, or state it as a split in time or by group"
