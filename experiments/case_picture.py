"""The picture of a followed case: loot flows from left to right, one column per hop, as high as its share of what was stolen.

Small wallets of a column are drawn as one, and so are far columns, which keeps thousands of wallets readable. Loot that went back
or sideways is not drawn, and neither are swaps, as the loot comes out of them again. A note below says how much that is.
matplotlib's own Sankey diagrams chain single arrows and have no layout in columns, so nodes and ribbons are placed here.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path as Curve

from ..features.base.atomic_write import write_atomically
from ..features.base.errors import DataError
from ..features.cases import Trace

INK, FAINT = "#333333", "#8a8a8a"
COLOURS = {
    "seed": "#8c1c13", "wallet": "#8fa3b8", "rests": "#e0b030", "mixer": "#6a3d9a", "bridge": "#1f8a8a", "exchange": "#2f6fb3",
    "otc": "#e07b39", "dex": "#4d9a4d", "other": "#6b6b6b",
}  # fmt: skip
WORDS = {
    "seed": "seed", "wallet": "wallet", "rests": "rests unlaundered", "mixer": "mixer", "bridge": "bridge",
    "exchange": "exchange", "otc": "OTC", "dex": "swapped (followed on)", "other": "other service",
}  # fmt: skip
SERVICES = ("mixer", "bridge", "exchange", "otc", "dex", "other")
COLUMNS = 8
"""Most columns. Wallets that are further away stand in the last but one, and services that they send to in the last."""
WALLETS = 7
"""Most wallets of a column that are drawn alone: the largest, each with at least SMALLEST of the loot."""
SMALLEST = 0.015
_WIDE, _GAP = 0.085, 0.013  # the width of a node, in columns; the gap between nodes
_LEAST_NAMED = 0.022  # the least share of the height with which a node gets its name


@dataclass
class _Node:
    """A box of the picture: a wallet, all small wallets of a column, or all services of one kind in it."""

    column: int
    kind: str
    name: str
    members: int = 1
    rests: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    bottom: float = 0.0
    top_in: float = field(default=0.0, repr=False)
    top_out: float = field(default=0.0, repr=False)

    @property
    def height(self) -> float:
        return max(self.received, self.sent + self.rests)


def draw_case(trace: Trace, path: Path) -> None:
    """Draw the flows of a case.

    Args:
        trace: the followed case.
        path: a file whose name ends in .png or .svg; folders are made.

    Raises:
        DataError: nothing measures the loot: several assets, and no price of what was stolen.
    """
    if not isinstance(trace.summary["measure"].iloc[0], str):
        raise DataError(
            f"case {trace.case.id}: cannot be drawn: the loot is of several assets, and what was stolen has no price (column usd)"
        )
    figure = Figure(figsize=(15, 8.6))
    axes = figure.add_axes((0.015, 0.125, 0.80, 0.745))
    ledge = figure.add_axes((0.885, 0.125, 0.10, 0.745))
    nodes, ribbons, aside = _layout(trace)
    _draw_flows(axes, trace, nodes, ribbons)
    _draw_ends(ledge, trace)
    _write_around(figure, trace, aside, {node.kind for node in nodes.values() if node.height >= 0.0005})
    kind = path.suffix.lower().lstrip(".")
    metadata = {"Date": None} if kind == "svg" else {}
    with rc_context({"svg.hashsalt": "walletprint"}):  # equal flows, equal bytes
        write_atomically(path, lambda file: figure.savefig(file, format=kind, dpi=130, metadata=metadata))


def _layout(trace: Trace) -> tuple[dict[str, _Node], pd.DataFrame, float]:
    """Nodes by key, ribbons (source, target, share), and the share that went sideways or back."""
    wallets = _by_wallet(trace)
    key = _keys(wallets)
    nodes = _nodes(wallets, key)
    moves: Any = trace.flows[trace.flows["kind"].isin(["moved", "absorbed", "returned"])]
    moves = moves.assign(source=moves["sender"].map(key), target=moves["receiver"].map(key))
    into = moves["receiver_service"].notna()
    after = [nodes[source].column + 1 for source in moves["source"]]
    moves.loc[into, "target"] = pd.Series(after, moves.index).astype(str) + ":" + moves["receiver_service"]
    nodes |= _service_nodes(moves[into])
    ribbons: Any = moves.groupby(["source", "target"], as_index=False)["loot_share"].sum()
    ahead = np.array(
        [nodes[a].column < nodes[b].column for a, b in zip(ribbons["source"], ribbons["target"], strict=True)], bool
    )
    aside = float(ribbons.loc[~ahead, "loot_share"].sum())
    ribbons = ribbons[ahead]
    for a, b, share in ribbons.itertuples(index=False):
        nodes[a].sent += share
        nodes[b].received += share
    _stack(nodes, ribbons)
    return nodes, ribbons, aside


def _by_wallet(trace: Trace) -> pd.DataFrame:
    """One row per wallet, over all assets: its column, its kind and what rests there; the largest first."""
    grouped: Any = trace.wallets.groupby("address")
    table: Any = pd.DataFrame({
        "hop": grouped["hop"].min(), "seed": grouped["seed"].any(), "service": grouped["service"].first(),
        "rests": grouped["loot_share"].sum(), "name": grouped["category"].first(),
    })  # fmt: skip
    moves: Any = trace.flows[trace.flows["kind"].isin(["stolen", "moved", "absorbed", "swapped_in"])]
    table["received"] = moves.groupby("receiver")["loot_share"].sum().reindex(table.index).fillna(0.0)
    table["column"] = table["hop"].clip(upper=COLUMNS - 2)
    return table.sort_values(["received", "rests"], ascending=False, kind="stable")


def _keys(wallets: Any) -> pd.Series:
    """The node that each wallet is drawn in. Services have one per column that loot comes from (`_service_nodes`)."""
    wallets = wallets[wallets["service"].isna()]
    rank = wallets.groupby("column").cumcount()
    shown = (rank < WALLETS) & (wallets["received"].ge(SMALLEST) | wallets["rests"].ge(SMALLEST) | wallets["seed"])
    grouped = wallets["column"].astype(str) + ":" + wallets["seed"].map({True: "seeds", False: "others"})
    return grouped.where(~shown, pd.Series(wallets.index, wallets.index))


def _nodes(wallets: Any, key: Any) -> dict[str, _Node]:
    nodes = {}
    for name, rows in wallets.loc[key.index].groupby(key, sort=False):
        first = rows.iloc[0]
        kind = "seed" if first["seed"] else "wallet"
        text = _short(str(name)) if ":" not in str(name) else f"{len(rows):,} {_plural(kind, len(rows))}"
        nodes[str(name)] = _Node(int(first["column"]), kind, text, len(rows), float(rows["rests"].sum()))
    return nodes


def _service_nodes(moves: Any) -> dict[str, _Node]:
    nodes = {}
    for key, receivers in moves.groupby("target")["receiver"]:
        column, _, kind = str(key).partition(":")
        n = receivers.nunique()
        nodes[str(key)] = _Node(int(column), kind, f"{n:,} {_plural(kind, n)}", n)
    return nodes


def _plural(kind: str, n: int) -> str:
    word = {"wallet": "more", "seed": "more seeds", "dex": "DEX", "other": "other service"}.get(kind, WORDS[kind])
    return (
        word if n == 1 or kind in ("wallet", "seed", "dex", "otc") else f"{word}{'es' if word.endswith('x') else 's'}"
    )


def _short(address: str) -> str:
    return address if len(address) <= 14 else f"{address[:6]}…{address[-4:]}"


def _stack(nodes: dict[str, _Node], ribbons: Any) -> None:
    """Stack each column from the top: wallets by where their loot comes from, those grouped, then services."""
    order = {kind: k for k, kind in enumerate(("seed", "wallet", *SERVICES))}
    for column in sorted({node.column for node in nodes.values()}):
        pull = _pull(nodes, ribbons)
        stacked = [(key, node) for key, node in nodes.items() if node.column == column and node.height > 0]
        stacked.sort(
            key=lambda item: (order[item[1].kind], item[1].members > 1, -pull.get(item[0], 0.0), -item[1].height)
        )
        top = 1.0
        for _, node in stacked:
            node.bottom = top - node.height
            node.top_in = node.top_out = top
            top = node.bottom - _GAP


def _pull(nodes: dict[str, _Node], ribbons: Any) -> dict[str, float]:
    """The mean height of the sources of each node's loot."""
    height = np.array([nodes[key].bottom + nodes[key].height / 2 for key in ribbons["source"]])
    moment = (ribbons["loot_share"] * height).groupby(ribbons["target"]).sum()
    return dict(moment / ribbons.groupby("target")["loot_share"].sum())


def _draw_flows(axes: Axes, trace: Trace, nodes: dict[str, _Node], ribbons: Any) -> None:
    drawn = [node for node in nodes.values() if node.height > 0]
    lowest = min([node.bottom for node in drawn], default=0.0)
    last = max([node.column for node in drawn], default=0)
    order = ribbons.assign(
        high=[-nodes[key].bottom for key in ribbons["source"]], low=[-nodes[key].bottom for key in ribbons["target"]]
    ).sort_values(["high", "low"])
    spans = {}
    for a, b, share in order[["source", "target", "loot_share"]].itertuples(index=False):
        spans[a, b] = [nodes[a].top_out, 0.0]
        nodes[a].top_out -= share
    for a, b, share in order.sort_values(["low", "high"])[["source", "target", "loot_share"]].itertuples(index=False):
        spans[a, b][1] = nodes[b].top_in
        nodes[b].top_in -= share
    for a, b, share in order[["source", "target", "loot_share"]].itertuples(index=False):
        y0, y1 = spans[a, b]
        _ribbon(axes, nodes[a].column + _WIDE, nodes[b].column, y0, y1, share, COLOURS[nodes[b].kind])
    for node in drawn:
        _draw_node(axes, node, 1.0 - lowest)
    _headings(axes, trace, last)
    axes.set_xlim(-0.08, last + 0.75)
    axes.set_ylim(min(lowest, 0.0) - 0.01, 1.005)
    axes.set_axis_off()


def _ribbon(axes: Axes, x0: float, x1: float, y0: float, y1: float, high: float, colour: str) -> None:
    middle = (x0 + x1) / 2
    xs = (x0, middle, middle, x1)
    edge = [*zip(xs, (y0, y0, y1, y1), strict=True)]
    points = [*edge, *((x, y - high) for x, y in reversed(edge))]
    codes = [Curve.MOVETO, *[Curve.CURVE4] * 3, Curve.LINETO, *[Curve.CURVE4] * 3]
    axes.add_patch(PathPatch(Curve(points, codes), facecolor=colour, alpha=0.33, linewidth=0, zorder=1))


def _draw_node(axes: Axes, node: _Node, span: float) -> None:
    high = node.height
    corner = (node.column, node.bottom)
    axes.add_patch(Rectangle(corner, _WIDE, high, facecolor=COLOURS[node.kind], linewidth=0, zorder=2))
    if node.rests > 0:
        axes.add_patch(Rectangle(corner, _WIDE, node.rests, facecolor=COLOURS["rests"], linewidth=0, zorder=3))
    if high >= _LEAST_NAMED * span:
        words = f"{node.name}  {_percent(node.height)}"
        axes.text(
            node.column + _WIDE + 0.02, node.bottom + high / 2, words, fontsize=7.6, va="center", color=INK, zorder=4,
            bbox={"facecolor": "white", "alpha": 0.55, "linewidth": 0, "pad": 0.8}, parse_math=False,
        )  # fmt: skip


def _headings(axes: Axes, trace: Trace, last: int) -> None:
    """Write over each column its hops, how many wallets and services were first reached there, and since when."""
    wallets: Any = trace.wallets.drop_duplicates("address")
    column = wallets["hop"].clip(upper=COLUMNS - 2)
    for k in range(last + 1):
        here = wallets[column == k]
        further = bool((here["hop"] > k).any())
        name = "seeds" if k == 0 else f"{k} hop{'s' if k > 1 else ''}{' and more' if further else ''}"
        services = int(here["service"].notna().sum())
        counts = [_count(len(here) - services, "wallet"), _count(services, "service")]
        lines = ", ".join(filter(None, counts))
        if here["first"].notna().any():
            lines += f"\nfrom {here['first'].min():%Y-%m-%d %H:%M}"
        title = name if len(here) or k < COLUMNS - 1 else "further"
        above = {"transform": axes.get_xaxis_transform(), "va": "bottom"}
        axes.text(k, 1.055, title, fontsize=9.5, color=INK, fontweight="bold", **above)
        axes.text(k, 1.008, lines, fontsize=7.4, color=FAINT, linespacing=1.25, **above)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}" if n else ""


def _draw_ends(axes: Axes, trace: Trace) -> None:
    """Draw one bar that shows where all of the loot is now."""
    row: Any = trace.summary.iloc[0]
    back = _swapped(trace)
    ends = {kind: float(row[f"{kind}_share"]) for kind in SERVICES if not (kind == "dex" and back)}
    ends["rests"] = float(row["unlaundered_share"])
    bottom = 1.0
    for kind, share in ends.items():
        if share <= 0:
            continue
        bottom -= share
        axes.add_patch(Rectangle((0, bottom), 0.28, share, facecolor=COLOURS[kind], linewidth=0))
        if share >= 0.01:
            text = f"{WORDS[kind] if kind != 'rests' else 'rests'}\n{_percent(share)}"
            axes.text(0.34, bottom + share / 2, text, fontsize=8.2, va="center", color=INK, linespacing=1.1)
    axes.set_title("where it is now", fontsize=9.5, loc="left", color=INK, fontweight="bold")
    axes.set_xlim(0, 1)
    axes.set_ylim(min(bottom, 0.0), 1.0)
    axes.set_axis_off()


def _write_around(figure: Figure, trace: Trace, aside: float, kinds: Iterable[str]) -> None:
    row: Any = trace.summary.iloc[0]
    amount = f"${row['stolen_usd']:,.0f}" if row["measure"] == "stolen_usd" else _amounts(str(row["stolen_by_asset"]))
    actor = f" · {row['actor']}" if isinstance(row["actor"], str) else ""
    figure.text(
        0.015, 0.965, f"{row['case']}: {amount} stolen{actor}", fontsize=14, fontweight="bold", color=INK, va="center",
        parse_math=False,
    )  # fmt: skip
    begin = row["first_stolen"] if pd.notna(row["first_stolen"]) else row["date"]
    figure.text(
        0.985, 0.965, f"{begin:%Y-%m-%d} to {row['as_of']:%Y-%m-%d} · {row['wallets_reached']:,} wallets reached, "
        f"{row['services_reached']:,} of them services · {row['layering_depth']:.1f} hops deep on average",
        fontsize=9.5, color=FAINT, va="center", ha="right",
    )  # fmt: skip
    used = ["seed", "wallet", "rests", *(kind for kind in SERVICES if kind in set(kinds))]
    patches = [Patch(color=COLOURS[kind], label=WORDS[kind]) for kind in used]
    figure.legend(
        handles=patches, loc="lower left", bbox_to_anchor=(0.01, 0.035), ncols=len(used), frameon=False, fontsize=9
    )
    notes = [
        f"Heights: shares of what was stolen, by {'its worth then' if row['measure'] == 'stolen_usd' else 'amount'}."
    ]
    if aside >= 0.0005:
        notes.append(f"Moved sideways, back or within a group, and not drawn: {_percent(aside)}.")
    if row["dex_share"] > 0 and _swapped(trace):
        notes.append(f"Swapped and followed on: {_percent(row['dex_share'])}.")
    figure.text(0.015, 0.022, " ".join(notes), fontsize=8.2, color=FAINT, va="center")


def _swapped(trace: Trace) -> bool:
    """Whether any loot came back by a swap."""
    return bool(np.any(trace.through["came_back"].to_numpy() > 0))


def _amounts(by_asset: str) -> str:
    return ", ".join(f"{amount:,.6g} {asset}" for asset, amount in json.loads(by_asset).items())


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"
