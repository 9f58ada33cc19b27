"""The picture of a batch's drift: the score, and the features that moved most. Judges nothing."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ...serving.drift.monitor import CALM as CALM_VERDICT
from ...serving.drift.monitor import MOVED, WATCHED
from ...serving.model.population_stability import DRIFTED, WATCH
from .plot_style import CALM, INK, MODEL_COLOUR, RISK, dress, save

SHOWN = 20
_COLOURS = {CALM_VERDICT: CALM, WATCHED: MODEL_COLOUR, MOVED: RISK}


def draw_batch_drift(report: dict[str, Any], path: Path) -> None:
    """Draw a report of `serving.drift.monitor.BatchDrift`, as a PNG or SVG by the suffix of `path`."""
    save(batch_drift_figure(report), path)


def batch_drift_figure(report: dict[str, Any]) -> Figure:
    """One bar per stability index: the score first, then the features that moved most. Lines mark where the verdicts begin."""
    features = sorted((report["features"] or {}).items(), key=lambda item: (-(item[1]["psi"] or 0.0), item[0]))[:SHOWN]
    rows = [("score", report["score"]), *features]
    figure = Figure(figsize=(8.4, 1.4 + 0.26 * len(rows)), layout="constrained")
    axes = figure.subplots()
    names = [name for name, _ in rows]
    axes.barh(
        names, [row["psi"] or 0.0 for _, row in rows], color=[_COLOURS.get(row["verdict"], CALM) for _, row in rows]
    )
    for level in (WATCH, DRIFTED):
        axes.axvline(level, color=INK, linewidth=0.8, linestyle=":")
    axes.invert_yaxis()
    dress(
        axes,
        f"{report['rows']:,} wallets against the model's reference: {report['verdict']}",
        "population stability index",
        "",
    )
    axes.tick_params(axis="y", labelsize=8)
    return figure
