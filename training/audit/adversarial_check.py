"""Adversarial validation: whether features alone tell a test row from a training row."""

import numpy as np

from . import thresholds
from .audit_report import Check
from .audit_table import AuditTable
from .small_models import separation_auc, single_column_auc


def check_adversarial(table: AuditTable) -> Check:
    """How well a model tells test rows from training rows, and by which features.

    Where the split is in time this is drift, not a fault.
    """
    table.need_rows()
    half = thresholds.SMALL_ROWS // 2
    rows = np.sort(np.concatenate([table.sample(table.train, half), table.sample(table.test, half)]))
    is_test = np.isin(rows, table.test).astype(np.float64)
    X = table.X[table.varying].iloc[rows]
    auc, used_features = separation_auc(X, is_test, table.fold_groups(rows))
    single_auc = single_column_auc(X[used_features[: thresholds.NAMED]], is_test)
    verdict = _verdict(auc, table.ordered)
    single = ", ".join(f"{name} {value:.3f}" for name, value in single_auc.items())
    found = f"features tell test rows from those trained on with ROC-AUC {auc:.3f} (alone: {single})"
    return Check("adversarial", verdict, found, _remedy(verdict, table.ordered), {"roc_auc": auc, "by": single_auc})


def _verdict(auc: float, ordered: bool) -> str:
    if ordered:
        return "warn" if auc >= thresholds.DRIFT_WARN else "pass"
    return "fail" if auc >= thresholds.DRIFT_RANDOM_FAIL else "warn" if auc >= thresholds.DRIFT_RANDOM_WARN else "pass"


def _remedy(verdict: str, ordered: bool) -> str:
    if verdict == "pass":
        return ""
    if ordered:
        return "these features drift: watch them, offer them as ratios or ranks, and retrain more often"
    return "this split is no split at random: find out what differs between its sides, or state it as a split in time or by group"
