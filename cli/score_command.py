"""`walletprint score`: a list of addresses to a folder or a file, or one address for a person. Computes nothing.

Exit codes: 0 done, 1 bad data or a full disk, 2 bad usage, 3 finished, but some input rows were
quarantined.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..features.base.errors import UsageError
from .console import Quiet, Screen, complain
from .options import AsOf, Attribution, LedgerFolder, Memory, TrackingUri, TransfersPath

QUARANTINED = 3
"""The exit code of a batch that is finished, but some rows of its list could not be read."""

_NAMED = 3
_BANDS = ("severe", "high", "medium", "low", "none")


def score(
    model: Annotated[str, typer.Option("--model", "-m", help="A model folder, models:/NAME@ALIAS, or reference.")],
    transfers: TransfersPath,
    addresses: Annotated[
        str | None,
        typer.Option("--addresses", "-a", help="CSV, Parquet or text file of addresses; a folder or glob of these."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the scores go: a folder, or a file (.parquet, .csv or .jsonl).")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="One address, shown with all details; nothing is written.")
    ] = None,
    as_of: AsOf = None,
    reasons: Annotated[str, typer.Option(help="Which rows get reasons: flagged, all or none.")] = "flagged",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run was, to the same bytes.")
    ] = False,
    summary: Annotated[Path | None, typer.Option(help="Write a summary of the run there, as JSON.")] = None,
    tracking_uri: TrackingUri = None,
    memory: Memory = None,
    ledger_folder: LedgerFolder = None,
    attribution: Attribution = None,
    quiet: Quiet = False,
) -> None:
    """Score addresses as of a date: one explained row each. Exits 3 if finished but some input rows were quarantined."""
    from ..serving import Scorer
    from .shared_steps import load_ledger

    _check(addresses, out, address, as_of, reasons)
    screen = Screen(quiet)
    scorer = Scorer.load(model, tracking_uri=tracking_uri)
    beside = out if out is not None else Path("scores")
    ledger = load_ledger(transfers, beside, screen, scorer.model.features, memory, ledger_folder, attribution)
    if address is not None:
        _show(scorer, ledger, address, as_of, screen)
    else:
        _batch(scorer, ledger, addresses, out, as_of, reasons, resume, summary, screen)


def _check(addresses: str | None, out: Path | None, address: str | None, as_of: str | None, reasons: str) -> None:
    if (addresses is None) == (address is None):
        raise UsageError("score: either --addresses (a list) or --address (one) is needed")
    if addresses is not None and out is None:
        raise UsageError("--out: where the scores of a list go is needed: a folder, or a .parquet, .csv or .jsonl file")
    if address is not None and as_of is None:
        raise UsageError("--as-of: a date is needed (2021-04-01)")
    if reasons not in ("flagged", "all", "none"):
        raise UsageError(f"--reasons: flagged, all or none, not {reasons!r}")


def _batch(
    scorer: Any, ledger: Any, addresses: Any, out: Any, as_of: str | None, reasons: str, resume: bool,
    summary_path: Path | None, screen: Screen,
) -> None:  # fmt: skip
    from ..serving.batch import score_batch, write_summary

    with screen.progress("scoring") as on_progress:
        summary = score_batch(
            scorer, ledger, addresses, out, as_of=as_of, reasons=reasons, resume=resume, on_progress=on_progress
        )
    _report(summary, screen)
    if summary_path is not None:
        write_summary(summary | {"transfers_refused": len(ledger.rejected)}, summary_path)
    if summary["quarantined"]["rejects"]:
        raise typer.Exit(QUARANTINED)


def _report(summary: dict[str, Any], screen: Screen) -> None:
    """Report the result of the batch; rejects are reported even with --quiet."""
    if summary["already_done"]:
        screen.say(f"{summary['out']} is complete: these scores were made before, nothing was done")
    elif summary["rows_kept"]:
        screen.say(f"{summary['rows_kept']:,} addresses were done before")
    screen.say(
        f"{summary['rows']:,} addresses in {summary['out']}: {_listed(summary['bands']) or 'none scored'}{_unscored(summary)}"
    )
    if summary["flagged"]:
        screen.say(f"flagged: {_listed(summary['flagged'])}")
    screen.say(f"{_drift(summary['drift'])}{_rate(summary)}")
    if summary["quarantined"]["rejects"]:
        reasons = summary["quarantined"]["reasons"]
        most = max(reasons, key=lambda reason: reasons[reason])
        complain(
            f"warning: {summary['quarantined']['rejects']:,} places of the list could not be read, quarantined in "
            f"{summary['quarantine']}; most of them ({reasons[most]:,}): {most}"
        )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[band]:,} {band}" for band in _BANDS if band in counts)


def _unscored(summary: dict[str, Any]) -> str:
    if not summary["unscored"]:
        return ""
    why = "; ".join(f"{n:,} {reason}" for reason, n in summary["unscored"].items())
    return f"; {sum(summary['unscored'].values()):,} unscored ({why})"


def _drift(drift: dict[str, Any]) -> str:
    """The verdict in one line, and the features that moved most."""
    features, names = drift["features"], drift["moved"]
    what = "the scores" if features is None else "scores and features"
    named = ", ".join(f"{name} ({features[name]['psi']:.2f})" for name in names[:_NAMED]) if features else ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    moved = f"; moved: {named}{more}" if named else ""
    return f"drift of {what} against the model's reference population: {drift['verdict']}{moved}"


def _rate(summary: dict[str, Any]) -> str:
    return f"; {summary['rows_per_second']:,.0f} addresses a second" if summary["rows_per_second"] else ""


def _show(scorer: Any, ledger: Any, address: str, as_of: str | None, screen: Screen) -> None:
    """One wallet with all details, as JSON that a person can read."""
    import json

    row = scorer.score_one(address, ledger, as_of)
    screen.show(json.dumps(row, indent=2, ensure_ascii=False, default=lambda moment: moment.isoformat()))
