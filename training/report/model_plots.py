"""Pictures of what a model depends on: importance, contributions (SHAP), drift. Judges nothing."""

import lightgbm as lgb
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ...serving.model.population_stability import DRIFTED, WATCH
from ..assessment.feature_drift import MEAN, SCORE
from ..data.dataset import Dataset
from ..data.large_matrix import subtable
from ..data.snapshots import unit_hash
from ..splits.time_split import Slices
from .plot_style import CALM, INK, MODEL_COLOUR, RISK, dress

TOP_FEATURES = 20
SHAP_ROWS = 500
"""How many snapshots' contributions are drawn. They are chosen by a hash of address and date."""
SHAP_FEATURES = 15
_BINS, _HALF_HEIGHT = 120, 0.42  # of a swarm: bins along the axis, and how far it may spread


def importance_figure(booster: lgb.Booster) -> Figure:
    """The features that gained most, as shares of all gain."""
    gain = pd.Series(booster.feature_importance("gain"), index=booster.feature_name())
    top = pd.Series(gain / max(gain.sum(), 1e-12)).sort_values(ascending=False).head(TOP_FEATURES).iloc[::-1]
    figure = Figure(figsize=(8.4, 0.9 + 0.27 * len(top)), layout="constrained")
    axes = figure.subplots()
    axes.barh(top.index.tolist(), 100 * top.to_numpy(), color=MODEL_COLOUR, height=0.7)
    dress(axes, f"The {len(top)} features that gained most", "share of the trees' gain, %", "")
    axes.tick_params(axis="y", labelsize=8)
    axes.margins(y=0.01)
    return figure


def shap_figure(booster: lgb.Booster, dataset: Dataset, slices: Slices) -> Figure:
    """What the features with the largest contributions add to the log-odds of later snapshots.

    One dot per snapshot, coloured by the feature's value. Contributions are LightGBM's own exact tree SHAP values (Lundberg et
    al. 2020), the same that `shap.TreeExplainer` returns. shap itself is not used: importing it takes 3.6 s.
    """
    X, shap_values = contributions(booster, dataset, slices)
    top = shap_values.abs().mean().nlargest(SHAP_FEATURES).index.tolist()[::-1]
    figure = Figure(figsize=(9, 1.2 + 0.38 * len(top)), layout="constrained")
    axes = figure.subplots()
    span = float(np.ptp(shap_values[top].to_numpy())) or 1.0
    dots = None
    for line, name in enumerate(top):
        x, colour = shap_values[name].to_numpy(), X[name].rank(pct=True).to_numpy()
        y, missing = line + swarm(x, span), np.isnan(colour)
        axes.scatter(x[missing], y[missing], s=5, color="#c9c9c9", linewidths=0)
        dots = axes.scatter(
            x[~missing], y[~missing], s=5, c=colour[~missing], cmap="coolwarm", vmin=0, vmax=1, linewidths=0
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(top)), [str(name) for name in top], fontsize=8)
    dress(
        axes, f"What features add to the score of {len(X):,} later snapshots", "contribution to the log-odds (SHAP)", ""
    )
    if dots is not None:
        bar = figure.colorbar(dots, ax=axes, ticks=[0, 1], aspect=40, pad=0.01)
        bar.ax.set_yticklabels(["low", "high"], fontsize=8)
        bar.set_label("rank of the value (grey: missing)", fontsize=8)
    return figure


def contributions(booster: lgb.Booster, dataset: Dataset, slices: Slices) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and contributions of at most 500 test snapshots; both frames have the same columns and rows."""
    rows = slices.test_time.rows
    shots = dataset.snapshots.iloc[rows]
    hash_fraction = unit_hash(shots["address"] + "|" + shots["as_of"].astype("int64").astype("str"), "contributions")
    X = subtable(dataset.X, np.sort(rows[np.argsort(hash_fraction, kind="stable")[:SHAP_ROWS]]), booster.feature_name())
    values = np.asarray(booster.predict(X.to_numpy(), pred_contrib=True))
    return X, pd.DataFrame(values[:, :-1], columns=X.columns)


def swarm(x: np.ndarray, span: float) -> np.ndarray:
    """How far each dot moves off its line, so that dots in one bin of the axis lie side by side; shape (n,), at most 0.42."""
    bins = pd.Series(np.floor(x / span * _BINS))
    position = bins.groupby(bins).cumcount().to_numpy()
    offset = np.where(position % 2 == 0, 1, -1) * ((position + 1) // 2)
    return offset * min(0.05, _HALF_HEIGHT / max(1, np.abs(offset).max(initial=0)))


def drift_figure(drift: pd.DataFrame) -> Figure:
    """The stability index of the score, of the features' mean and of the feature that moved most, quarter by quarter."""
    figure = Figure(figsize=(8.4, 4), layout="constrained")
    axes = figure.subplots()
    table = drift.pivot(index="period", columns="what", values="psi")
    most_drifted = table.drop(columns=[SCORE, MEAN]).max().nlargest(1).index
    lines = {SCORE: (MODEL_COLOUR, 2.2), MEAN: (RISK, 2.0), **dict.fromkeys(most_drifted, (CALM, 1.3))}
    for name, (colour, width) in lines.items():
        axes.plot(table.index, table[name], marker="o", markersize=3.5, color=colour, linewidth=width, label=name)
    for level in (WATCH, DRIFTED):
        axes.axhline(level, color=INK, linewidth=0.8, linestyle=":")
    dress(axes, "Drift: features against training, score against calibration", "", "population stability index")
    axes.set_ylim(bottom=0)
    axes.tick_params(axis="x", rotation=45 if len(table) > 8 else 0, labelsize=8)
    axes.legend(frameon=False, fontsize=8.5)
    return figure
