"""Pictures of a training, as PNG files: curves, budgets, calibration, scores, periods. Computes no metric of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from ...features.base.markdown import words
from ...serving.model.model_folder import ModelFolder
from ..assessment.fitted_models import FittedModels
from ..assessment.model_assessment import ModelAssessment
from ..metrics.classification_metrics import calibration_table, pr_auc, roc_auc
from ..models.contenders import TESTS, Contender
from ..splits.time_split import Slice, Slices
from .model_plots import drift_figure, importance_figure, shap_figure
from .plot_style import CALM, INK, MODEL_COLOUR, RISK, TITLES, dress, row_of, save

STYLES: dict[str, dict[str, Any]] = {
    "model": {"linewidth": 2.4, "zorder": 3},
    "baseline": {"linewidth": 1.4, "zorder": 2},
    "shortcut": {"linewidth": 1.1, "linestyle": (0, (4, 2)), "zorder": 1},
}
COLOURS = {
    "lightgbm": MODEL_COLOUR,
    "logistic_regression": "#3f9a8f",
    "random_forest": "#d08a1d",
    "date_only": "#8d6bb0",
    "size_only": "#b55f86",
    "missingness_only": "#7a7a7a",
    "best_single_feature": "#a8923a",
    "isolation_forest": "#4c6f9b",
}
GUIDE: dict[str, Any] = {"color": INK, "linewidth": 0.8, "linestyle": ":"}
OTHERS = ("#9c9c9c", "#b9a07a", "#7fa58a", "#a687a8")


def draw_all(folder: Path, fitted: FittedModels, assessment: ModelAssessment, model: ModelFolder) -> None:
    """Write all pictures of a training into `folder`."""
    contenders, slices = fitted.contenders, fitted.slices
    figures = {
        "pr_curve": pr_figure(contenders, slices),
        "roc_curve": roc_figure(contenders, slices),
        "budget": budget_figure(assessment.budget, slices),
        "calibration": calibration_figure(contenders[0], slices),
        "scores": score_figure(contenders[0], slices, model),
        "periods": periods_figure(assessment.periods),
        "drift": drift_figure(assessment.drift),
        "importance": importance_figure(fitted.booster),
        "shap": shap_figure(fitted.booster, fitted.dataset, slices),
    }
    for name, figure in figures.items():
        save(figure, folder / f"{name}.png")


def pr_figure(contenders: list[Contender], slices: Slices) -> Figure:
    """Precision over recall of every contender, one panel per test slice."""
    figure, panels = _panels(slices, "Precision and recall", height=5.6)
    for axes, name, rows in panels:
        for contender in contenders:
            margin = contender.margin[rows.rows]
            precision, recall, _ = precision_recall_curve(rows.y, margin)
            axes.step(recall, precision, where="post", **_style(contender, pr_auc(rows.y, margin)))
        rate = float(np.mean(rows.y))
        axes.axhline(rate, **GUIDE)
        _annotate(axes, f"base rate {rate:.3f}", (0.01, rate), (0, 3), fontsize=8)
        _dress_curves(axes, _title(name, rows), "PR-AUC", "recall", "precision")
    return figure


def roc_figure(contenders: list[Contender], slices: Slices) -> Figure:
    """True over false positive rate of every contender, one panel per test slice."""
    figure, panels = _panels(slices, "Receiver operating characteristic", height=5.6)
    for axes, name, rows in panels:
        for contender in contenders:
            margin = contender.margin[rows.rows]
            false_rate, true_rate, _ = roc_curve(rows.y, margin)
            axes.plot(false_rate, true_rate, **_style(contender, roc_auc(rows.y, margin)))
        axes.plot([0, 1], [0, 1], **GUIDE)
        _dress_curves(axes, _title(name, rows), "ROC-AUC", "false positive rate", "true positive rate")
    return figure


def budget_figure(budget: pd.DataFrame, slices: Slices) -> Figure:
    """Precision and recall of the model over the share of snapshots that is reviewed, one panel per test slice."""
    figure, panels = _panels(slices, "What a review budget finds (ties at their worst)", height=4.4, width=5.2)
    for axes, name, rows in panels:
        table = budget[budget["slice"] == name]
        for measure, colour in (("precision", MODEL_COLOUR), ("recall", RISK)):
            axes.plot(table["share"], table[measure], color=colour, linewidth=2, label=measure)
        rate = float(np.mean(rows.y))
        axes.axhline(rate, label=f"base rate {rate:.3f}", **GUIDE)
        dress(axes, _title(name, rows), "share of the snapshots reviewed (log)", "")
        axes.set(xscale="log", ylim=(0, 1.02))
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.legend(frameon=False, fontsize=8.5)
    return figure


def calibration_figure(model: Contender, slices: Slices) -> Figure:
    """Share of positives over mean score in ten bins, one panel per test slice, with the number of snapshots in each bin."""
    figure, panels = _panels(slices, "Calibration (numbers: snapshots in the bin)", height=4.8, width=5.2)
    for axes, name, rows in panels:
        bins = calibration_table(rows.y, model.score[rows.rows])
        axes.plot([0, 1], [0, 1], **GUIDE)
        axes.plot(bins["mean_score"], bins["positive_share"], color=MODEL_COLOUR, linewidth=0.9, alpha=0.5)
        sizes = 12 + 130 * np.sqrt(bins["rows"] / bins["rows"].max())
        axes.scatter(bins["mean_score"], bins["positive_share"], s=sizes, color=MODEL_COLOUR, zorder=3)
        for x, y, count in bins[["mean_score", "positive_share", "rows"]].itertuples(index=False):
            _annotate(axes, f"{count:,.0f}", (x, y), (8, -10), fontsize=7.5)
        dress(axes, _title(name, rows), "mean score of the bin", "share of positives in it")
    return figure


def score_figure(contender: Contender, slices: Slices, model: ModelFolder) -> Figure:
    """How the scores of positives and negatives lie, on a logarithmic count, with the bands and the threshold of a flag."""
    rows = slices.test_time
    score, bins = contender.score[rows.rows], np.linspace(0, 1, 41).tolist()
    negatives, positives = rows.counts
    figure = Figure(figsize=(8.4, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.hist(score[rows.y == 0], bins, color=CALM, label=f"negative ({negatives:,})", alpha=0.85)
    axes.hist(score[rows.y == 1], bins, color=RISK, label=f"positive ({positives:,})", histtype="step", linewidth=2)
    for name, start in model.bands.model_dump().items():
        axes.axvline(start, **GUIDE)
        _annotate(axes, name, (start, 1), (3, -11), xycoords=("data", "axes fraction"), fontsize=8)
    threshold = f"flagged from {model.threshold:.2f}"
    axes.axvline(model.threshold, color=RISK, linewidth=1.2, linestyle="--", label=threshold)
    dress(axes, "Scores of " + TITLES["test_time"], "calibrated score", "snapshots (log)")
    axes.set_yscale("log")
    axes.set(xlim=(0, 1), ylim=(0.8, axes.get_ylim()[1] * 2))
    axes.legend(frameon=False, fontsize=9, loc="upper center")
    return figure


def periods_figure(periods: pd.DataFrame) -> Figure:
    """PR-AUC of each quarter of the test beside its base rate."""
    figure = Figure(figsize=(8.4, 4), layout="constrained")
    axes = figure.subplots()
    names = sorted(periods["period"].unique())
    for name, marker, colour in (("test_time", "o", MODEL_COLOUR), ("test_new", "s", RISK)):
        rows = periods[periods["slice"] == name].set_index("period").reindex(names)
        style: dict[str, Any] = {"marker": marker, "color": colour}
        axes.plot(names, rows["pr_auc"], label=f"PR-AUC, {TITLES[name]}", **style)
        axes.plot(names, rows["base_rate"], label="  its base rate", linestyle=":", alpha=0.6, **style)
    dress(axes, "The test, quarter by quarter", "", "")
    axes.set_ylim(0, 1.02)
    axes.margins(x=0.1)
    crowded = len(names) > 8
    axes.tick_params(axis="x", rotation=45 if crowded else 0)
    _legend_below(axes, -0.25 if crowded else -0.12, fontsize=8.5)
    return figure


def _panels(
    slices: Slices, title: str, height: float, width: float = 5.6
) -> tuple[Figure, list[tuple[Axes, str, Slice]]]:
    """A figure with one panel per test slice that holds both classes: its axes, its name and its rows."""
    shown = [(name, getattr(slices, name)) for name in TESTS if min(getattr(slices, name).counts) > 0]
    figure = Figure(figsize=(width * len(shown), height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    panels = row_of(figure, len(shown))
    return figure, [(axes, name, rows) for axes, (name, rows) in zip(panels, shown, strict=True)]


def _dress_curves(axes: Axes, title: str, metric: str, x: str, y: str) -> None:
    dress(axes, title, x, y)
    axes.set(xlim=(0, 1), ylim=(0, 1.01))
    _legend_below(axes, -0.13, fontsize=8, title=metric, title_fontsize=8)


def _legend_below(axes: Axes, y: float, **options: Any) -> None:
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, y), ncols=2, **options)


def _annotate(axes: Axes, text: str, point: tuple[float, float], offset: tuple[float, float], **options: Any) -> None:
    """Write a text beside a point; `offset` is in points of the page."""
    axes.annotate(text, point, xytext=offset, textcoords="offset points", color=INK, **options)


def _title(name: str, rows: Slice) -> str:
    """A slice in words, with its positives: few of them make any curve."""
    negatives, positives = rows.counts
    return f"{TITLES[name]}: {positives:,} positive of {positives + negatives:,}"


def _style(contender: Contender, figure: float) -> dict[str, Any]:
    """How a contender's curve is drawn, and its entry in the legend."""
    name = "LightGBM" if contender.name == "lightgbm" else words(contender.name)
    other = OTHERS[sum(contender.name.encode()) % len(OTHERS)]
    colour = COLOURS.get(contender.name, other)
    return {"label": f"{name}  {figure:.3f}", "color": colour, **STYLES[contender.kind]}
