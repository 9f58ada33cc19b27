"""`walletprint diff` and `walletprint drift`: a scored file held against an older one, and against the model's reference."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import Quiet, Screen
from .options import TrackingUri

if TYPE_CHECKING:
    from ..serving.drift.score_diff import ScoreDiff

_ROWS = 20
Scores = Annotated[Path, typer.Argument(help="Scored wallets (.parquet, .csv, .jsonl, or a folder of parts).")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def diff(
    old: Annotated[
        Path, typer.Argument(help="The earlier scored wallets (.parquet, .csv, .jsonl, or a folder of parts).")
    ],
    new: Scores,
    out: Annotated[Path | None, typer.Option(help="Where all wallets that moved go (.csv or .parquet).")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show who moved bands between two scored files, and which behaviour moved them."""
    from ..serving.drift.score_diff import diff_scores, write_moved

    screen = Screen(quiet)
    found = diff_scores(old, new)
    if out is not None:
        write_moved(found, out)
    if as_json:
        screen.show(json.dumps(_as_json(found), indent=1, allow_nan=False))
        return
    _report_diff(found, screen)
    if out is not None:
        screen.say(f"{len(found.moved):,} wallets that moved in {out}")


def drift(
    model: Annotated[str, typer.Option("--model", "-m", help="A model folder, models:/NAME@ALIAS, or reference.")],
    scores: Scores,
    vectors: Annotated[
        Path | None,
        typer.Option("--vectors", help="The vectors that were scored, as `walletprint extract` wrote them."),
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw the indices too (.png or .svg).")] = None,
    as_json: AsJson = False,
    tracking_uri: TrackingUri = None,
    quiet: Quiet = False,
) -> None:
    """Show how far scored wallets have moved from the population that the model was calibrated on."""
    from ..serving import Scorer
    from ..serving.drift.monitor import drift_of_files

    screen = Screen(quiet)
    draw = _drawer(picture) if picture is not None else None
    report = drift_of_files(Scorer.load(model, tracking_uri=tracking_uri), scores, vectors)
    if draw is not None:
        draw(report, picture)
    if as_json:
        screen.show(json.dumps(report, indent=1, allow_nan=False))
        return
    _report_drift(report, screen)


def _report_diff(found: "ScoreDiff", screen: Screen) -> None:
    import pandas as pd

    lines = [(name.replace("_", " "), str(value)) for name, value in found.summary.items()]
    screen.table(pd.DataFrame(lines, columns=["what", "value"]), title="old against new")
    screen.table(found.bands.loc[found.bands["old"] != found.bands["new"], :], title="moves between bands")
    if len(found.moved):
        screen.table(
            found.moved.head(_ROWS), title=f"{min(_ROWS, len(found.moved)):,} of {len(found.moved):,} that moved"
        )
        screen.table(
            found.behaviours.head(_ROWS), title="what moved them (log-odds, mean of those with reasons in both)"
        )


def _as_json(found: "ScoreDiff") -> dict[str, Any]:
    tables = {name: getattr(found, name) for name in ("bands", "moved", "behaviours")}
    return {
        "summary": found.summary,
        **{name: json.loads(table.to_json(orient="records")) for name, table in tables.items()},
    }


def _report_drift(report: dict[str, Any], screen: Screen) -> None:
    import pandas as pd

    rows = [("score", report["score"])]
    features = report["features"] or {}
    rows += sorted(features.items(), key=lambda item: (-(item[1]["psi"] or 0.0), item[0]))[:_ROWS]
    table = pd.DataFrame([(name, row["psi"], row["verdict"]) for name, row in rows], columns=["what", "psi", "verdict"])
    screen.table(table, title=f"{report['rows']:,} scored wallets against the reference: {report['verdict']}")
    if report["adversarial"]:
        apart = report["adversarial"]
        by = f", by {', '.join(apart['by'])}" if apart["by"] else ""
        screen.say(f"features tell them apart with ROC-AUC {apart['roc_auc']:.3f} ({apart['verdict']}){by}")
    if report["note"]:
        screen.say(f"note: {report['note']}")


def _drawer(picture: Path) -> Any:
    from ..features.base.errors import UsageError

    if picture.suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"--picture: a name that ends in .png or .svg is needed, got {picture}")
    try:
        from ..training.report.drift_plot import draw_batch_drift
    except ModuleNotFoundError as error:
        raise UsageError(f"--picture: {error.name} is not installed; pip install 'walletprint[training]'") from None
    return draw_batch_drift
