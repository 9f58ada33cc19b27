"""The gate between challenger and champion: both score the same held-out snapshots, and a paired interval decides.

The rule. Against a champion, the challenger is promoted if its PR-AUC is not lower, and the interval of the difference does not
reach below −tolerance. The first model of a name is promoted if its PR-AUC is above the base rate with its whole interval, and
above every shortcut in its own training record. Every decision is recorded as a run and as tags of the version.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...features.base.errors import UsageError
from ...features.labels.table import read_labels
from ...features.ledger.ledger import Ledger
from ...serving.scoring.scorer import Scorer
from ..config.train_config import TrainConfig
from ..data.dataset import Progress
from ..metrics.bootstrap import Paired, paired_bootstrap
from ..metrics.classification_metrics import evaluate, per_case
from .decision import Decision
from .decision_report import decision_text
from .held_out_wallets import HeldOutRows, held_out_rows, margins_of
from .model_versions import (
    DECISION_RUN_TAG,
    DECISION_TAG,
    ModelVersion,
    challenger_and_champion,
    move_champion,
    rollback_target,
    store_of,
    tag_version,
)
from .tracking import record_run

METRIC = "pr_auc"
TOLERANCE = 0.02
REPEATS = 2000
SHORTCUTS = ("date_only", "size_only", "missingness_only", "best_single_feature")
KIND_TAG, ROLLED_BACK_TAG = "walletprint.kind", "walletprint.rolled_back"


@dataclass(frozen=True)
class Rollback:
    """A rollback: the alias of `name` went from version `before` to version `now`; `run_id` is its record in MLflow."""

    name: str
    before: str
    now: str
    run_id: str


def promote(
    name: str,
    transfers: Any,
    labels: Any,
    tracking_uri: str | None = None,
    tolerance: float = TOLERANCE,
    on_progress: Progress | None = None,
) -> Decision:
    """Compare the challenger of a registered model with its champion, move the alias `champion` or not, and record it.

    The snapshots are later than both trainings by the longer embargo. Their wallets trained neither model: they are held out by
    hash under both configs, or were labelled only after both trainings ended.

    Args:
        name: of the registered model, such as `walletprint-laundering`.
        transfers: a Ledger, or anything that `Ledger.from_transfers` takes; later than the trainings.
        labels: anything that `read_labels` takes.
        tracking_uri: of the MLflow store; None for the one MLflow is set to, or else `mlflow.db` in the working directory.
        tolerance: how far below zero the interval of the difference in PR-AUC may reach, 0–1.
        on_progress: called with ("read" or "compare", done, total).

    Raises:
        UsageError: if the store, the model or its challenger cannot be used, or the challenger is the champion already.
        DataError: if the data cannot be read, or hold no later rows of both classes.
    """
    if not 0 <= tolerance < 1:
        raise UsageError(f"tolerance: a number from 0 to below 1 is needed, not {tolerance!r}")
    report = on_progress or (lambda step, done, total: None)
    challenger, champion = challenger_and_champion(name, tracking_uri)
    if champion is not None and champion.number == challenger.number:
        raise UsageError(
            f"promote: version {challenger.number} of {name} is its champion already; train a challenger first"
        )
    versions = [version for version in (challenger, champion) if version is not None]
    scorers = [Scorer.load(version.uri, tracking_uri) for version in versions]
    _check_heads(name, scorers)
    report("read", 0, 1)
    known = read_labels(labels).good
    ledger = transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers)
    report("read", 1, 1)
    held_out = held_out_rows(ledger, known, versions, scorers)
    margins = [margins_of(scorer, ledger, held_out.snapshots, report) for scorer in scorers]
    decision = _decide(challenger, champion, scorers, held_out, margins, tolerance)
    return _record_and_move(decision, challenger, champion, tracking_uri)


def rollback(name: str, tracking_uri: str | None = None) -> Rollback:
    """Give the alias `champion` back to the version that had it before, and record it.

    Raises:
        UsageError: if the store cannot be used, or there is no champion, or none before it.
    """
    champion, before = rollback_target(name, tracking_uri)
    store = store_of(champion, tracking_uri)
    tags = {KIND_TAG: "rollback", DECISION_TAG: "rolled back"}
    params = {"name": name, "from": champion.number, "to": before.number}
    run_id = record_run(store, f"rollback-{champion.number}-to-{before.number}", tags, params, {}, {})
    tag_version(store, champion, {ROLLED_BACK_TAG: "true", DECISION_TAG: "rolled back", DECISION_RUN_TAG: run_id})
    move_champion(store, before, None, {DECISION_TAG: "champion again", DECISION_RUN_TAG: run_id})
    return Rollback(name, champion.number, before.number, run_id)


def _check_heads(name: str, scorers: list[Scorer]) -> None:
    heads = {scorer.model.head for scorer in scorers}
    if len(heads) > 1:
        raise UsageError(
            f"promote: the versions of {name} score different things ({', '.join(sorted(heads))}); give each a name"
        )


def _decide(
    challenger: ModelVersion,
    champion: ModelVersion | None,
    scorers: list[Scorer],
    held_out: HeldOutRows,
    margins: list[np.ndarray],
    tolerance: float,
) -> Decision:
    same_rank = np.zeros(len(held_out.y))  # its PR-AUC is the base rate
    other = margins[1] if champion else same_rank
    compared = paired_bootstrap(held_out.y, margins[0], other, held_out.groups, METRIC, REPEATS)
    promoted, reason = (
        against_champion(compared, tolerance) if champion else _against_chance(compared, scorers[0].model.metrics)
    )
    columns = {"challenger": margins[0], "champion": margins[1] if champion else None}
    return Decision(
        name=challenger.name,
        challenger=challenger.number,
        champion=champion.number if champion else None,
        promoted=promoted,
        reason=reason,
        tolerance=tolerance,
        compared=compared,
        figures=_figures(held_out, columns, challenger.config),
        cases=_cases(held_out, columns),
        held_out=held_out,
        notes=_notes(challenger, champion, compared),
    )


def against_champion(compared: Paired, tolerance: float) -> tuple[bool, str]:
    """Whether a challenger (a) replaces a champion (b), and why or why not."""
    figures = f"PR-AUC {compared.a:.3f} against {compared.b:.3f}, difference {compared.difference:+.3f}"
    if np.isnan(compared.low):
        return False, f"{figures}; no interval: {compared.note}"
    span = f"interval {compared.low:+.3f} to {compared.high:+.3f}"
    if compared.difference < 0:
        return False, f"the challenger is worse: {figures} ({span})"
    if compared.low < -tolerance:
        return False, f"not sure enough: {figures}, but its {span} reaches below −{tolerance:g}"
    return True, f"not worse, and surely not by more than {tolerance:g}: {figures} ({span})"


def _against_chance(compared: Paired, metrics: Any) -> tuple[bool, str]:
    """Whether a model becomes the first champion."""
    figures = f"PR-AUC {compared.a:.3f} at a base rate of {compared.b:.3f}"
    if np.isnan(compared.low):
        return False, f"{figures}; no interval: {compared.note}"
    if compared.low <= 0:
        return (
            False,
            f"not surely better than chance: {figures}, interval of the lead {compared.low:+.3f} to {compared.high:+.3f}",
        )
    ahead = shortcuts_ahead(metrics)
    if ahead:
        return False, f"a shortcut does as well in its own training record: {', '.join(ahead)}; see its leakage audit"
    return (
        True,
        f"the first champion: {figures} (interval of the lead {compared.low:+.3f} to {compared.high:+.3f}), above all shortcuts",
    )


def shortcuts_ahead(metrics: Any) -> list[str]:
    """The shortcuts whose PR-AUC in a model folder's metrics is not below the model's.

    Compared on wallets that are new to the model (`test_new`) if it has figures for them, else on `test_time`.
    """
    model = metrics["lightgbm"]
    part = "test_new" if (model.get("test_new") or {}).get("pr_auc") is not None else "test_time"
    model_pr_auc = model[part]["pr_auc"]
    return [
        f"{name} {value:.3f} against {model_pr_auc:.3f} in {part}"
        for name in SHORTCUTS
        if (value := (metrics.get(name, {}).get(part) or {}).get("pr_auc")) is not None and value >= model_pr_auc
    ]


def _figures(held_out: HeldOutRows, margins: dict[str, np.ndarray | None], config: TrainConfig) -> pd.DataFrame:
    columns = {
        role: evaluate(held_out.y, margin, None, config.review.budgets, config.review.top_k)
        for role, margin in margins.items()
        if margin is not None
    }
    return pd.DataFrame(columns).rename_axis("metric").reset_index()


def _cases(held_out: HeldOutRows, margins: dict[str, np.ndarray | None]) -> pd.DataFrame:
    """The PR-AUC of each case's positives among all negatives, for both models."""
    tables = {
        role: per_case(held_out.case, held_out.y, margin, (), ()).set_index("case")
        for role, margin in margins.items()
        if margin is not None and held_out.by == "case"
    }
    if not tables:
        return pd.DataFrame()
    columns = {role: table["pr_auc"] for role, table in tables.items()}
    return pd.DataFrame({"positives": tables["challenger"]["positives"], **columns}).reset_index()


def _notes(challenger: ModelVersion, champion: ModelVersion | None, compared: Paired) -> tuple[str, ...]:
    notes = [compared.note] if compared.note and not np.isnan(compared.low) else []
    if champion and champion.config.labels != challenger.config.labels:
        notes.append(
            "the two were trained on different lists of categories; what is positive here is what the challenger learnt"
        )
    if challenger.tags.get(ROLLED_BACK_TAG) == "true":
        notes.append(f"version {challenger.number} was champion before, and was rolled back")
    return tuple(notes)


def _record_and_move(
    decision: Decision, challenger: ModelVersion, champion: ModelVersion | None, uri: str | None
) -> Decision:
    """Record the decision. Then move the alias, if the challenger is promoted."""
    store = store_of(challenger, uri)
    outcome = "promoted" if decision.promoted else "not promoted"
    compared, held_out = decision.compared, decision.held_out
    params = {
        "name": decision.name,
        "challenger": decision.challenger,
        "champion": decision.champion,
        "tolerance": decision.tolerance,
        "since": held_out.since.date(),
        "rows": len(held_out.y),
        "positives": int(held_out.y.sum()),
        "by": held_out.by,
        "reason": decision.reason,
    }
    metrics = {
        "challenger/pr_auc": compared.a,
        "champion/pr_auc" if champion else "base_rate": compared.b,
        "difference": compared.difference,
        "difference_low": compared.low,
        "difference_high": compared.high,
    }
    run_id = record_run(
        store,
        f"promotion-of-{decision.challenger}",
        {KIND_TAG: "promotion", DECISION_TAG: outcome},
        params,
        metrics,
        {"decision.md": decision_text(decision)},
    )
    tags = {DECISION_TAG: outcome, DECISION_RUN_TAG: run_id}
    if decision.promoted:
        move_champion(store, challenger, champion, tags)
    else:
        tag_version(store, challenger, tags)
    return replace(decision, run_id=run_id)
