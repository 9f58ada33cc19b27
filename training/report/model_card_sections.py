"""The parts of the model card on learning, intervals, cases and the leakage audit, in Markdown. Computes no figure."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ...features.base.markdown import number, table, words
from ..assessment.fitted_models import FittedModels
from ..assessment.model_assessment import ModelAssessment
from ..audit import AuditReport
from ..models.tuning import Tuned

SHOWN_FEATURES = 12
DIGITS = 4  # of tuned parameters


def learning_part(fitted: FittedModels, assessment: ModelAssessment) -> str:
    """How the model was learnt: parameters, weights, directions, unlabelled wallets, seeds, selection."""
    lines = [
        _parameters(fitted),
        _weights(fitted),
        _directions(fitted),
        _unlabelled(fitted),
        _seeds(fitted, assessment),
    ]
    if fitted.stability is not None:
        lines.append(_selection(fitted))
    return "## How it learnt\n\n" + "\n".join(f"- {line}" for line in lines if line)


def intervals_part(assessment: ModelAssessment) -> str:
    """Each figure with its interval, and the model's lead over the best baseline and shortcut."""
    if not len(assessment.intervals):
        return ""
    rows = [
        [
            row["slice"],
            _figure(row["metric"], row["against"]),
            number(row["value"], signed=bool(row["against"])),
            f"{number(row['low'])} to {number(row['high'])}" if pd.notna(row["low"]) else "–",
            f"{row['groups']} by {row['by']}",
        ]
        for row in assessment.intervals.to_dict("records")
    ]
    noted = assessment.intervals.query("note != ''").to_dict("records")
    notes = dict.fromkeys(f"- {row['slice']}: {row['note']}" for row in noted)
    told = (
        "### How sure these figures are\n\n"
        "95 % intervals; drawn anew are whole groups (cases where there are any, else wallets), not snapshots. A lead whose "
        "interval holds 0 is none.\n\n"
    )
    return (
        told + table(["slice", "figure", "value", "interval", "groups of positives"], rows) + "\n\n" + "\n".join(notes)
    ).rstrip()


def bounds_part(assessment: ModelAssessment) -> str:
    """Between what precision and recall lie where unlabelled wallets are reviewed too; empty if there were none."""
    depths = [
        name.removeprefix("precision_low_at_") for name in assessment.metrics if name.startswith("precision_low_at_")
    ]
    own = assessment.metrics.query("kind == 'model'")
    rows = [
        [
            row["slice"],
            depth.removeprefix("k").replace("pct", " %"),
            *(_span(row, what, depth) for what in ("precision", "recall")),
        ]
        for row in own.to_dict("records")
        for depth in depths
    ]
    told = (
        "### Among wallets without a label\n\nUnlabelled wallets of the same dates are reviewed too. From: all of them are "
        "innocent; to: all that are reviewed are not.\n\n"
    )
    return told + table(["slice", "first", "precision", "recall"], rows) if rows else ""


def cases_part(assessment: ModelAssessment) -> str:
    """How well the positives of each case were found."""
    if not len(assessment.cases):
        return ""
    recalls = [name for name in assessment.cases.columns if name.startswith("recall_at_")]
    heads = {name: f"R@{name.removeprefix('recall_at_').removeprefix('k').replace('pct', '%')}" for name in recalls}
    columns = {"pr_auc": "PR-AUC", "roc_auc": "ROC-AUC", **heads, "rank_q50": "median rank"}
    rows = [
        [row["slice"], row["case"], f"{row['positives']:,}", *(number(row[name]) for name in columns)]
        for row in assessment.cases.to_dict("records")
    ]
    told = (
        "### By case\n\nThe positives of one case among all negatives. Wallets of a case may stand in the training too, at "
        "earlier dates; `walletprint benchmark leave-one-case-out` leaves whole cases out.\n\n"
    )
    return told + table(["slice", "case", "positive snapshots", *columns.values()], rows)


def audit_part(audit: AuditReport) -> str:
    """The verdicts of the leakage audit."""
    rows = [
        [str(row["check"]), str(row["verdict"]), str(row["found"]), str(row["what_to_do"])]
        for row in audit.checks.to_dict("records")
    ]
    return f"## Leakage audit: {audit.headline}\n\n" + table(["check", "verdict", "found", "what to do"], rows)


def _parameters(fitted: FittedModels) -> str:
    tuned = fitted.tuned
    if tuned is None:
        return f"{fitted.config.model.rounds} trees; LightGBM's parameters as configured, not tuned"
    config = fitted.config.tuning
    pruned = tuned.trials["state"].tolist().count("pruned")
    before, after = tuned.trials["pr_auc"].iloc[0], tuned.trials["pr_auc"].iloc[tuned.best]
    chosen = ", ".join(f"{name} {_short(value)}" for name, value in _changed(tuned, fitted).items())
    return (
        f"{fitted.config.model.rounds} trees; LightGBM's parameters chosen by {len(tuned.trials)} trials ({pruned} given up "
        f"early) in {tuned.folds} folds by {config.splitter} inside the training slice: mean PR-AUC {before:.3f} as configured, "
        f"{after:.3f} chosen ({chosen or 'the configured ones were the best'})"
    )


def _changed(tuned: Tuned, fitted: FittedModels) -> dict[str, float]:
    given = fitted.config.model.lightgbm.model_dump()
    return {name: value for name, value in tuned.params.items() if value != given[name]}


def _short(value: float) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)


def _weights(fitted: FittedModels) -> str:
    weights, part = fitted.config.model.weights, fitted.slices.train
    cases = fitted.dataset.about["case"].iloc[part.rows][part.y == 1].nunique()
    told = [f"each of {cases} cases among the positives weighs the same"] if weights.cases and cases else []
    told += ["both classes weigh the same"] if weights.classes == "balanced" else []
    return f"weights: {'; '.join(told) or 'every row weighs the same'}"


def _directions(fitted: FittedModels) -> str:
    from ..models.monotone_constraints import directions

    if not fitted.config.model.monotone:
        return "no direction is imposed on any feature"
    bound = directions(map(str, fitted.dataset.X.columns), fitted.config.head)
    return f"directions imposed on {len(bound)} features{f': {_named(list(bound))}' if bound else ''}"


def _unlabelled(fitted: FittedModels) -> str:
    config = fitted.config.model.pu_learning
    if not config.wallets or config.method == "none":
        return ""
    return f"wallets without a label: {config.wallets:,} looked at, learnt from by {config.method.replace('_', '–')}"


def _seeds(fitted: FittedModels, assessment: ModelAssessment) -> str:
    if not len(assessment.seeds):
        return ""
    spread = assessment.seeds.query("metric == 'pr_auc'").to_dict("records")
    told = ", ".join(f"{row['slice']} {row['lowest']:.3f} to {row['highest']:.3f}" for row in spread)
    return f"the mean of {fitted.config.model.seeds} seeds, whose PR-AUC alone is: {told}"


def _selection(fitted: FittedModels) -> str:
    assert fitted.stability is not None
    found = fitted.stability
    dropped = found.table.loc[~found.table["kept"].astype(bool), "feature"].tolist() if len(found.table) else []
    return f"selection by stability over cases: {found.said}{f'; left out: {_named(dropped)}' if dropped else ''}"


def _named(names: list[str]) -> str:
    more = len(names) - SHOWN_FEATURES
    return ", ".join(names[:SHOWN_FEATURES]) + (f" and {more} more" if more > 0 else "")


def _figure(metric: str, against: str) -> str:
    name = {"pr_auc": "PR-AUC", "roc_auc": "ROC-AUC"}.get(metric, metric)
    return f"{name}, lead over {words(against)}" if against else name


def _span(row: Mapping[Any, Any], what: str, depth: str) -> str:
    return " to ".join(number(row[f"{what}_{end}_at_{depth}"]) for end in ("low", "high"))


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(texts)
