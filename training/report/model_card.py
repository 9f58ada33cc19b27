"""The model card: what the model is, what it learnt from, how well it does and what it cannot do. Computes no figure.

Its words are in `model_card.md.j2`. The card depends on the training alone, not on when or where it was written.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from ...features.base.markdown import number, render, table, words
from ...serving.model.model_folder import ModelFolder
from ..assessment.fitted_models import FittedModels
from ..assessment.model_assessment import ModelAssessment
from ..audit.audit_report import named
from ..data.dataset import Dataset
from ..models.monotone_constraints import monotone_directions
from ..splits.time_split import Slices

TEMPLATE = Path(__file__).with_name("model_card.md.j2")
FIGURES = {"pr_auc": "PR-AUC", "roc_auc": "ROC-AUC", "brier": "Brier", "ece": "ECE"}
SHOWN_FEATURES = 12


def model_card(model: ModelFolder, fitted: FittedModels, assessment: ModelAssessment) -> str:
    """The text of a model folder's README.md."""
    rates = assessment.metrics.groupby("slice", sort=False)["base_rate"].first()
    return render(
        TEMPLATE,
        model=model,
        bands=[f"{name} from {start:g}" for name, start in model.bands.model_dump().items()],
        counts=fitted.dataset.counts,
        every=fitted.config.snapshots.every,
        held_out_share=fitted.config.split.held_out_addresses,
        slices=fitted.slices,
        slice_table=_slices(fitted.dataset, fitted.slices),
        base_rates=[f"{rate:.3f} in {name}" for name, rate in rates.items()],
        performance=_performance(assessment.metrics),
        contender_notes=_contender_notes(assessment.metrics),
        intervals=_intervals(assessment.intervals),
        interval_notes=_interval_notes(assessment.intervals),
        precision_bounds=_precision_bounds(assessment.metrics),
        cases=_cases(assessment.cases),
        periods=_periods(assessment.periods),
        audit=assessment.audit,
        audit_table=table(assessment.audit.checks.rename(columns=words)),
        **_learning(fitted, assessment),
    )


def _learning(fitted: FittedModels, assessment: ModelAssessment) -> dict[str, Any]:
    """How the model was learnt: parameters, weights, directions, unlabelled wallets, seeds, selection."""
    config, stability = fitted.config.model, fitted.stability
    without_label = config.pu_learning.wallets and config.pu_learning.method != "none"
    return {
        "rounds": config.rounds,
        "search": _search(fitted),
        "weights": _weights(fitted),
        "directions": list(monotone_directions(map(str, fitted.dataset.X.columns), fitted.config.head))
        if config.monotone
        else None,
        "unlabelled": config.pu_learning if without_label else None,
        "seeds": config.seeds,
        "seed_ranges": _seed_ranges(assessment.seeds),
        "selection": stability.note if stability else "",
        "dropped": stability.table.query("not kept")["feature"].tolist() if stability and len(stability.table) else [],
        "named": lambda names: named(names, SHOWN_FEATURES),
    }


def _search(fitted: FittedModels) -> dict[str, Any] | None:
    """The search for LightGBM's parameters, None if there was none."""
    tuned = fitted.tuned
    if tuned is None:
        return None
    configured = fitted.config.model.lightgbm.model_dump()
    return {
        "trials": len(tuned.trials),
        "pruned": tuned.trials["state"].tolist().count("pruned"),
        "folds": tuned.folds,
        "splitter": fitted.config.tuning.splitter,
        "before": tuned.trials["pr_auc"].iloc[0],
        "after": tuned.trials["pr_auc"].iloc[tuned.best],
        "changed": [
            f"{name} {f'{value:.4g}' if isinstance(value, float) else value}"
            for name, value in tuned.params.items()
            if value != configured[name]
        ],
    }


def _weights(fitted: FittedModels) -> list[str]:
    weights, rows = fitted.config.model.weights, fitted.slices.train
    cases = fitted.dataset.label_details["case"].iloc[rows.rows][rows.y == 1].nunique()
    by_case = [f"each of {cases} cases among the positives weighs the same"] if weights.cases and cases else []
    return by_case + (["both classes weigh the same"] if weights.classes == "balanced" else [])


def _seed_ranges(seeds: pd.DataFrame) -> list[str]:
    """The PR-AUC of the worst and the best seed, per slice; empty if there is one seed."""
    rows = seeds.query("metric == 'pr_auc'").to_dict("records") if len(seeds) else []
    return [f"{row['slice']} {row['lowest']:.3f} to {row['highest']:.3f}" for row in rows]


def _slices(dataset: Dataset, slices: Slices) -> str:
    records = []
    for name, rows in slices.named().items():
        snapshots = dataset.snapshots.iloc[rows.rows]
        negatives, positives = rows.counts
        first, last = snapshots["as_of"].min(), snapshots["as_of"].max()
        dates = f"{first:%Y-%m-%d} – {last:%Y-%m-%d}" if len(snapshots) else "–"
        records.append((name, dates, positives, negatives, snapshots["address"].nunique()))
    return table(pd.DataFrame(records, columns=["slice", "as of", "positive", "negative", "wallets"]))


def _performance(metrics: pd.DataFrame) -> str:
    """The figures of every contender, one test slice after the other."""
    depths = {name: _short(name) for name in metrics if name.startswith(("precision_at", "recall_at"))}
    ranked = metrics.assign(model=metrics["model"].map(words)).sort_values("slice", ascending=False, kind="stable")
    return _columns(ranked, {"slice": "slice", "model": "model", **FIGURES, **depths})


def _contender_notes(metrics: pd.DataFrame) -> list[str]:
    noted = metrics.loc[metrics["note"] != ""].drop_duplicates("model")
    return [f"{words(model)}: {note}" for model, note in zip(noted["model"], noted["note"], strict=True)]


def _intervals(intervals: pd.DataFrame) -> str:
    """Each figure with its interval, and the model's lead over the best baseline and the best shortcut."""
    records = [
        {
            "slice": row["slice"],
            "figure": FIGURES[row["metric"]] + (f", lead over {words(row['against'])}" if row["against"] else ""),
            "value": number(row["value"], "+.3f" if row["against"] else ".3f"),
            "interval": f"{number(row['low'])} to {number(row['high'])}" if pd.notna(row["low"]) else "–",
            "groups of positives": f"{row['groups']} by {row['by']}",
        }
        for row in intervals.to_dict("records")
    ]
    return table(pd.DataFrame(records)) if records else ""


def _interval_notes(intervals: pd.DataFrame) -> list[str]:
    noted = intervals.query("note != ''").to_dict("records") if len(intervals) else []
    return list(dict.fromkeys(f"{row['slice']}: {row['note']}" for row in noted))


def _precision_bounds(metrics: pd.DataFrame) -> str:
    """Between which bounds precision and recall lie if unlabelled wallets are reviewed too; empty if there were none."""
    start = "precision_low_at_"
    depths = [name.removeprefix(start) for name in metrics if name.startswith(start)]
    records = [
        {
            "slice": row["slice"],
            "first": depth.removeprefix("k").replace("pct", " %"),
            **{
                figure: f"{number(row[f'{figure}_low_at_{depth}'])} to {number(row[f'{figure}_high_at_{depth}'])}"
                for figure in ("precision", "recall")
            },
        }
        for row in metrics.query("kind == 'model'").to_dict("records")
        for depth in depths
    ]
    return table(pd.DataFrame(records)) if records else ""


def _cases(cases: pd.DataFrame) -> str:
    """How well the positives of each case were found; empty if there are no cases."""
    if not len(cases):
        return ""
    first = {
        "slice": "slice",
        "case": "case",
        "positives": "positive snapshots",
        "pr_auc": "PR-AUC",
        "roc_auc": "ROC-AUC",
    }
    depths = {name: _short(name) for name in cases if name.startswith("recall_at_")}
    return _columns(cases, {**first, **depths, "rank_q50": "median rank"})


def _periods(periods: pd.DataFrame) -> str:
    first = {"slice": "slice", "period": "quarter", "rows": "snapshots", "base_rate": "base rate"}
    return _columns(periods.astype({"rows": int}), {**first, **FIGURES})


def _columns(frame: pd.DataFrame, titles: dict[str, str]) -> str:
    """A table of some columns of a frame, under these titles."""
    return table(frame.loc[:, list(titles)].set_axis(list(titles.values()), axis=1))


def _short(name: str) -> str:
    """`precision_at_1pct` → `P@1%`, `recall_at_k100` → `R@100`."""
    figure, depth = name.split("_at_")
    return f"{figure[0].upper()}@{depth.removeprefix('k').replace('pct', '%')}"
