"""The commands and their options, and what becomes of errors: exit code 1 for bad data, 2 for bad usage, one line each.

Heavy modules are imported inside the commands, so that scoring never loads training code.
"""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ..features.base.errors import UsageError, WalletprintError
from ..features.ingestion.sources import SOURCES
from .audit_command import audit
from .benchmark_command import benchmark
from .case_commands import app as cases_app
from .compare_commands import diff, drift
from .console import Quiet, Screen, complain
from .label_commands import app as labels_app
from .options import AsOf, Attribution, LedgerFolder, Memory, TrackingUri, TransfersPath
from .score_command import score
from .training_commands import config_app, promote, rollback, train

_OPENMP = "; LightGBM needs the OpenMP runtime: install libgomp1 (Debian) or libomp (macOS), or use the Makefile"
_EXPERIMENTS = "pip install walletprint-experiments (from a checkout: pip install ./experiments)"

app = typer.Typer(
    name="walletprint",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(labels_app, name="labels")
app.add_typer(cases_app, name="case")
app.add_typer(config_app, name="config")


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(version("walletprint"))
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Behavioural fingerprints of cryptocurrency wallets: features, models and explained scores."""


def main() -> None:
    """Run the command line; the entry point `walletprint`."""
    try:
        app()
    except WalletprintError as error:
        complain(f"error: {error}")
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("walletprint.experiments."):
            raise
        complain(f"error: {error.name} is not installed; {_EXPERIMENTS}")
        sys.exit(2)
    except OSError as error:  # a full disk, a folder that may not be written
        complain(f"error: {error}{_OPENMP if 'libgomp' in str(error) else ''}")
        sys.exit(1)


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or globs of transaction histories.")],
    out: Annotated[Path, typer.Option(help="Where the transfers go (.parquet).")],
    source: Annotated[
        str | None, typer.Option(help=f"Take all files for tables of this source: {', '.join(SOURCES)}.")
    ] = None,
    quarantine: Annotated[Path | None, typer.Option(help="Where bad rows go; <out>.bad.parquet by default.")] = None,
    quiet: Quiet = False,
) -> None:
    """Read transaction histories of any known format into one checked transfers table."""
    from ..features.ingestion.ingestion import ingest as read_all
    from .shared_steps import report_ingest

    screen = Screen(quiet)
    with screen.progress("reading") as on_progress:
        report = read_all(paths, out, source=source, quarantine=quarantine, on_progress=on_progress)
    report_ingest(report, screen)


@app.command()
def extract(
    transfers: TransfersPath,
    out: Annotated[Path, typer.Option(help="Where the features go (.parquet).")],
    wallets: Annotated[
        Path | None, typer.Option(help="CSV, Parquet or text file of addresses; all wallets by default.")
    ] = None,
    as_of: AsOf = None,
    window: Annotated[str | None, typer.Option(help="How far back to look: 90d, 12h, 4w or all.")] = None,
    memory: Memory = None,
    ledger_folder: LedgerFolder = None,
    attribution: Attribution = None,
    quiet: Quiet = False,
) -> None:
    """Turn the histories of wallets into behavioural vectors. An interrupted run goes on where it was."""
    from .shared_steps import load_ledger, requested_snapshots, write_features

    screen = Screen(quiet)
    ledger = load_ledger(transfers, out, screen, None, memory, ledger_folder, attribution)
    write_features(ledger, requested_snapshots(ledger, wallets, as_of, screen), window, out, screen)


app.command()(train)
app.command()(promote)
app.command()(rollback)
app.command()(audit)
app.command()(benchmark)
app.command()(score)
app.command()(diff)
app.command()(drift)


@app.command()
def features(
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    show: Annotated[
        str | None, typer.Option(metavar="NAME", help="One feature in full, with a worked example.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with formulas.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As the page that `make docs` writes.")] = False,
) -> None:
    """List the catalogue of features, or show one of them."""
    from ..features.reference.page import reference
    from .feature_commands import show_json, show_list, show_one

    if sum([family is not None or as_json, show is not None, as_markdown]) > 1:
        raise UsageError("features: --show and --markdown each go alone")
    if show is not None:
        show_one(show, Screen())
    elif as_markdown:
        Screen().show(reference().rstrip("\n"))
    elif as_json:
        show_json(family, Screen())
    else:
        show_list(family, Screen())


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="The folder for the chain: transfers, labels, new wallets, and the truth.")],
    scenario: Annotated[
        str, typer.Argument(help="demo, decade, hard, evasion, scale, or a YAML file (docs/simulation.md).")
    ] = "demo",
    wallets: Annotated[int | None, typer.Option(help="How many wallets, instead of the scenario's.")] = None,
    days: Annotated[int | None, typer.Option(help="How many days.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same chain, byte for byte.")] = None,
    quiet: Quiet = False,
) -> None:
    """Make a simulated chain, with launderers and state actors whose truth is known."""
    from ..experiments.simulation import simulate as make

    screen = Screen(quiet)
    with screen.progress("simulating") as on_progress:
        chain = make(out, scenario, wallets=wallets, days=days, seed=seed, on_progress=on_progress)
    screen.say(
        f"{chain.rows:,} transfers of {chain.wallets:,} wallets in {out}; docs/simulation.md describes its files"
    )


@app.command()
def runs(
    experiment: Annotated[str | None, typer.Option(help="Only this experiment.")] = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Show MLflow runs side by side."""
    from ..experiments.runs import compare_runs

    frame = compare_runs(experiment, tracking_uri=tracking_uri)
    side_by_side = frame.set_index("run_id").T.rename_axis("run").reset_index()
    Screen().table(side_by_side, title=f"{len(frame)} runs")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The demo's folder.")] = Path("demo"),
    quiet: Quiet = False,
) -> None:
    """Run the main job end to end on a simulated chain and show what comes out."""
    from .demo_command import run_demo

    run_demo(out, Screen(quiet))
