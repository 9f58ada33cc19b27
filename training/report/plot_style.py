"""The look of all pictures: colours, axes, files. Draws no picture itself."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MODEL_COLOUR, RISK, CALM = "#333333", "#1b4f8a", "#c8442d", "#7d9bb5"
TITLES = {"test_time": "later snapshots, all wallets", "test_new": "later snapshots, wallets never seen"}
DOTS = 130


def dress(axes: Axes, title: str, x: str, y: str) -> None:
    """Give axes a title, names, a light grid and no box."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def row_of(figure: Figure, n: int) -> list[Axes]:
    """`n` panels side by side."""
    return list(figure.subplots(1, n, squeeze=False)[0])


def save(figure: Figure, path: Path) -> None:
    """Write a picture; the suffix sets the format."""
    figure.savefig(path, dpi=DOTS)
