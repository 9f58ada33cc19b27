"""Pictures of a training, as PNG files: curves, budgets, calibration, scores, periods. Computes no metric of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from ...serving.model.model_folder import ModelFolder
from ..assessment.fitted_models import FittedModels
from ..assessment.model_assessment import ModelAssessment
from ..metrics.classification_metrics import calibration_table, pr_auc, roc_auc
from ..models.contenders import TESTS, Contender
from ..splits.time_split import Slices
from .model_plots import drift_figure, importance_figure, shap_figure
from .plot_style import CALM, INK, MODEL_COLOUR, RISK, TITLES, dress, row_of, save

STYLES = {
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
OTHERS = ("#9c9c9c", "#b9a07a", "#7fa58a", "#a687a8")


def draw_all(folder: Path, fitted: FittedModels, assessment: ModelAssessment, model: ModelFolder) -> None:
    """Write all pictures of a training into `folder`."""
    contending, slices = fitted.contending, fitted.slices
    figures = {
        "pr_curve": pr_figure(contending, slices),
        "roc_curve": roc_figure(contending, slices),
        "budget": budget_figure(assessment.budget, slices),
        "calibration": calibration_figure(contending[0], slices),
        "scores": score_figure(contending[0], slices, model),
        "periods": periods_figure(assessment.periods),
        "drift": drift_figure(assessment.drift),
        "importance": importance_figure(fitted.booster),
        "shap": shap_figure(fitted.booster, fitted.dataset, slices),
    }
    for name, figure in figures.items():
        save(figure, folder / f"{name}.png")


def pr_figure(contending: list[Contender], slices: Slices) -> Figure:
    """Precision over recall of every contender, a panel a test slice."""

    def draw(axes: Axes, one: Contender, y: np.ndarray, margin: np.ndarray) -> None:
        precision, recall, _ = precision_recall_curve(y, margin)
        axes.step(recall, precision, where="post", label=f"{_words(one.name)}  {pr_auc(y, margin):.3f}", **_style(one))

    figure = _per_slice(contending, slices, draw, "PR-AUC", "recall", "precision")
    for axes, name in zip(figure.axes, _shown(slices), strict=True):
        rate = float(np.mean(getattr(slices, name).y))
        axes.axhline(rate, color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(
            f"base rate {rate:.3f}", (0.01, rate), xytext=(0, 3), textcoords="offset points", fontsize=8, color=INK
        )
    figure.suptitle("Precision and recall", x=0.01, ha="left", fontweight="bold")
    return figure


def roc_figure(contending: list[Contender], slices: Slices) -> Figure:
    """True over false positive rate of every contender, a panel a test slice."""

    def draw(axes: Axes, one: Contender, y: np.ndarray, margin: np.ndarray) -> None:
        false, true, _ = roc_curve(y, margin)
        axes.plot(false, true, label=f"{_words(one.name)}  {roc_auc(y, margin):.3f}", **_style(one))

    figure = _per_slice(contending, slices, draw, "ROC-AUC", "false positive rate", "true positive rate")
    for axes in figure.axes:
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    figure.suptitle("Receiver operating characteristic", x=0.01, ha="left", fontweight="bold")
    return figure


def budget_figure(budget: pd.DataFrame, slices: Slices) -> Figure:
    """Precision and recall of the model over the share of snapshots that is reviewed, a panel a test slice."""
    names = _shown(slices)
    figure = Figure(figsize=(5.2 * len(names), 4.4), layout="constrained")
    for axes, name in zip(row_of(figure, len(names)), names, strict=True):
        table = budget[budget["slice"] == name]
        axes.plot(table["share"], table["precision"], color=MODEL_COLOUR, linewidth=2, label="precision")
        axes.plot(table["share"], table["recall"], color=RISK, linewidth=2, label="recall")
        rate = float(np.mean(getattr(slices, name).y))
        axes.axhline(rate, color=INK, linewidth=0.8, linestyle=":", label=f"base rate {rate:.3f}")
        dress(axes, _title(name, slices), "share of the snapshots reviewed (log)", "")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.02)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        axes.legend(frameon=False, fontsize=8.5)
    figure.suptitle("What a review budget finds (ties at their worst)", x=0.01, ha="left", fontweight="bold")
    return figure


def calibration_figure(one: Contender, slices: Slices) -> Figure:
    """Share of positives over mean score in ten bins, a panel a test slice, with the number of snapshots in each bin."""
    names = _shown(slices)
    figure = Figure(figsize=(5.2 * len(names), 4.8), layout="constrained")
    for axes, name in zip(row_of(figure, len(names)), names, strict=True):
        part = getattr(slices, name)
        table = calibration_table(part.y, one.score[part.rows])
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        axes.plot(table["mean_score"], table["positive_share"], color=MODEL_COLOUR, linewidth=0.9, alpha=0.5)
        sizes = 12 + 130 * np.sqrt(table["rows"] / table["rows"].max())
        axes.scatter(table["mean_score"], table["positive_share"], s=sizes, color=MODEL_COLOUR, zorder=3)
        for x, y, rows in table[["mean_score", "positive_share", "rows"]].itertuples(index=False):
            axes.annotate(f"{rows:,.0f}", (x, y), xytext=(8, -10), textcoords="offset points", fontsize=7.5, color=INK)
        dress(axes, _title(name, slices), "mean score of the bin", "share of positives in it")
    figure.suptitle("Calibration (numbers: snapshots in the bin)", x=0.01, ha="left", fontweight="bold")
    return figure


def score_figure(one: Contender, slices: Slices, model: ModelFolder) -> Figure:
    """How the scores of positives and negatives lie, on a logarithmic count, with the bands and the threshold of a flag."""
    part = slices.test_time
    score, bins = one.score[part.rows], np.linspace(0, 1, 41).tolist()
    figure = Figure(figsize=(8.4, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.hist(score[part.y == 0], bins, color=CALM, label=f"negative ({(part.y == 0).sum():,})", alpha=0.85)
    axes.hist(
        score[part.y == 1], bins, color=RISK, label=f"positive ({(part.y == 1).sum():,})", histtype="step", linewidth=2
    )
    axes.set_yscale("log")
    for name, start in model.bands.model_dump().items():
        axes.axvline(start, color=INK, linewidth=0.7, linestyle=":")
        axes.annotate(
            name,
            (start, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -11),
            textcoords="offset points",
            fontsize=8,
        )
    axes.axvline(
        model.threshold, color=RISK, linewidth=1.2, linestyle="--", label=f"flagged from {model.threshold:.2f}"
    )
    dress(axes, "Scores of " + TITLES["test_time"], "calibrated score", "snapshots (log)")
    axes.set_xlim(0, 1)
    axes.set_ylim(0.8, axes.get_ylim()[1] * 2)
    axes.legend(frameon=False, fontsize=9, loc="upper center")
    return figure


def periods_figure(periods: pd.DataFrame) -> Figure:
    """PR-AUC of each quarter of the test beside its base rate."""
    figure = Figure(figsize=(8.4, 4), layout="constrained")
    axes = figure.subplots()
    names = sorted(periods["period"].unique())
    for name, marker in (("test_time", "o"), ("test_new", "s")):
        rows = periods[periods["slice"] == name].set_index("period").reindex(names)
        colour = MODEL_COLOUR if name == "test_time" else RISK
        axes.plot(names, rows["pr_auc"], marker=marker, color=colour, label=f"PR-AUC, {TITLES[name]}")
        axes.plot(
            names, rows["base_rate"], marker=marker, color=colour, linestyle=":", alpha=0.6, label="  its base rate"
        )
    dress(axes, "The test, quarter by quarter", "", "")
    axes.set_ylim(0, 1.02)
    axes.margins(x=0.1)
    axes.tick_params(axis="x", rotation=45 if len(names) > 8 else 0)
    axes.legend(
        frameon=False,
        fontsize=8.5,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.12 if len(names) <= 8 else -0.25),
        ncols=2,
    )
    return figure


def _per_slice(
    contending: list[Contender],
    slices: Slices,
    draw: Callable[[Axes, Contender, np.ndarray, np.ndarray], None],
    *texts: str,
) -> Figure:
    names = _shown(slices)
    figure = Figure(figsize=(5.6 * len(names), 5.6), layout="constrained")
    for axes, name in zip(row_of(figure, len(names)), names, strict=True):
        part = getattr(slices, name)
        for one in contending:
            draw(axes, one, part.y, one.margin[part.rows])
        dress(axes, _title(name, slices), *texts[1:])
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.01)
        axes.legend(
            title=texts[0],
            frameon=False,
            fontsize=8,
            title_fontsize=8,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.13),
            ncols=2,
        )
    return figure


def _title(name: str, slices: Slices) -> str:
    """A slice in words, with its positives: few of them make any curve."""
    negatives, positives = getattr(slices, name).counts
    return f"{TITLES[name]}: {positives:,} positive of {positives + negatives:,}"


def _shown(slices: Slices) -> list[str]:
    """The test slices that hold both classes."""
    return [name for name in TESTS if min(getattr(slices, name).counts) > 0]


def _style(one: Contender) -> dict:
    other = OTHERS[sum(one.name.encode()) % len(OTHERS)]
    return {"color": COLOURS.get(one.name, other), **STYLES[one.kind]}


def _words(name: str) -> str:
    return "LightGBM" if name == "lightgbm" else name.replace("_", " ")
