"""The commands around a training: train, promote, rollback, config show. Thin: each calls one public function."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..features.base.errors import UsageError
from .console import Quiet, Screen, complain
from .options import Attribution, LedgerFolder, Memory, TrackingUri, TransfersPath

if TYPE_CHECKING:
    from ..training import TrainResult

LabelsPath = Annotated[Path, typer.Option("--labels", "-l", help="CSV or Parquet with address, category and more.")]
ConfigPath = Annotated[Path | None, typer.Option("--config", "-c", help="A YAML config; the head's own by default.")]
ModelName = Annotated[
    str, typer.Argument(metavar="NAME", help="Of the registered model, such as walletprint-laundering.")
]

config_app = typer.Typer(help="Configs of trainings.", no_args_is_help=True)


def train(
    transfers: TransfersPath,
    labels: LabelsPath,
    out: Annotated[Path, typer.Option(help="The model's folder; a search for parameters is kept beside it.")],
    head: Annotated[
        str | None, typer.Option(help="What to learn: laundering or state_linked, or a head of your config.")
    ] = None,
    config: ConfigPath = None,
    from_run: Annotated[
        str | None, typer.Option(metavar="RUN_ID", help="Repeat a training that MLflow recorded, by its own config.")
    ] = None,
    tracking_uri: TrackingUri = None,
    memory: Memory = None,
    ledger_folder: LedgerFolder = None,
    attribution: Attribution = None,
    quiet: Quiet = False,
) -> None:
    """Tune, train, calibrate, audit, measure, track and register a model. A search that was interrupted goes on."""
    from .shared_steps import load_ledger, write_rejected_labels

    screen = Screen(quiet)
    if from_run is not None:
        if head is not None or config is not None:
            raise UsageError("--from-run: the run brings its own head and config; leave --head and --config out")
        ledger = load_ledger(transfers, out, screen, None, memory, ledger_folder, attribution)
        result = _repeat(from_run, ledger, labels, out, tracking_uri, screen)
    else:
        from ..training import load_config
        from ..training import train as fit

        if head is None and config is None:
            raise UsageError(
                "--head: laundering, state_linked or a head of your config is needed; or --config or --from-run"
            )
        checked = load_config(config, head=head)
        ledger = load_ledger(transfers, out, screen, None, memory, ledger_folder, attribution)
        with screen.steps("training") as on_progress:
            result = fit(ledger, labels, checked, out, tracking_uri=tracking_uri, on_progress=on_progress)
    write_rejected_labels(result.bad_labels, labels, out)
    _tell(result, screen)


def promote(
    name: ModelName,
    transfers: TransfersPath,
    labels: LabelsPath,
    tolerance: Annotated[
        float, typer.Option(help="How far below zero the interval of the difference in PR-AUC may reach.")
    ] = 0.02,
    tracking_uri: TrackingUri = None,
    memory: Memory = None,
    ledger_folder: LedgerFolder = None,
    attribution: Attribution = None,
    quiet: Quiet = False,
) -> None:
    """Make the challenger of a registered model its champion, if it is not worse on later wallets. Exit code 1 if it is."""
    from ..training.registry.promotion import promote as decide
    from .shared_steps import load_ledger

    screen = Screen(quiet)
    ledger = load_ledger(transfers, Path(name), screen, None, memory, ledger_folder, attribution)
    with screen.steps("promotion") as on_progress:
        decision = decide(name, ledger, labels, tracking_uri, tolerance, on_progress)
    figures = decision.figures.query("metric not in ('rows', 'positives')")
    title = f"{name}: {len(decision.held_out.y):,} snapshots from {decision.held_out.since:%Y-%m-%d} on"
    screen.table(figures, title=title)
    if len(decision.cases):
        screen.table(decision.cases, title="PR-AUC by case")
    for note in decision.notes:
        screen.say(f"note: {note}")
    word = "promoted to champion" if decision.promoted else "not promoted"
    screen.show(f"version {decision.challenger} {word}: {decision.reason}")
    screen.say(f"MLflow run {decision.run_id}")
    if not decision.promoted:
        raise typer.Exit(1)


def rollback(name: ModelName, tracking_uri: TrackingUri = None, quiet: Quiet = False) -> None:
    """Give the alias champion back to the version that had it before."""
    from ..training.registry.promotion import rollback as undo

    done = undo(name, tracking_uri)
    Screen(quiet).show(
        f"{name}: champion is version {done.now} again, no longer {done.before} (MLflow run {done.run_id})"
    )


@config_app.command("show")
def show_config(
    head: Annotated[str | None, typer.Option(help="laundering or state_linked, or a head of your config.")] = None,
    config: ConfigPath = None,
) -> None:
    """The whole config of a training as YAML, with every default and what each key does; a start for your own."""
    from ..training.config.commented_yaml import as_commented_yaml
    from ..training.config.train_config import heads, load_config

    if head is None and config is None:
        raise UsageError(f"--head: one of {', '.join(heads())} is needed, or --config")
    Screen().show(as_commented_yaml(load_config(config, head=head)).rstrip("\n"))


def _repeat(run_id: str, ledger, labels: Path, out: Path, tracking_uri: str | None, screen: Screen) -> "TrainResult":
    from ..training.reproduction import repeat

    with screen.steps("training") as on_progress:
        done = repeat(run_id, ledger, labels, out, tracking_uri, on_progress, complain_of)
    same = f"the same model as of run {run_id}" if done.same_model else f"not the model of run {run_id}"
    screen.show(
        f"{same}: version {done.result.model.version}" + ("" if done.same_model else f", then {done.recorded.model}")
    )
    return done.result


def complain_of(note: str) -> None:
    """A warning: one line on stderr."""
    complain(f"warning: {note}")


def _tell(result: "TrainResult", screen: Screen) -> None:
    """The table of metrics, the model's interval, what the audit found, and where all of it is."""
    from .shared_steps import METRICS

    head = result.config.head
    screen.table(result.metrics.filter(items=["slice", *METRICS]), title=f"{head}: {result.model_dir}")
    _tell_intervals(result, screen)
    _tell_audit(result, screen)
    screen.say(f"MLflow run {result.run_id}, registered as {result.model_uri}" if result.run_id else "not tracked")


def _tell_intervals(result: "TrainResult", screen: Screen) -> None:
    for row in result.assessment.intervals.query("metric == 'pr_auc' and against == ''").to_dict("records"):
        if row["low"] == row["low"]:  # not NaN
            span = f"{row['low']:.3f} to {row['high']:.3f} by {row['by']}"
            screen.say(f"{row['slice']}: PR-AUC {row['value']:.3f}, 95 % interval {span}")


def _tell_audit(result: "TrainResult", screen: Screen) -> None:
    """Only what does not pass: verdict, check, what was found, what to do."""
    for row in result.audit.checks.query("verdict in ('warn', 'fail')").to_dict("records"):
        screen.say(f"audit {row['verdict']}: {row['check']}: {row['found']}; {row['what_to_do']}")
    screen.say(f"leakage audit: {result.audit.headline} (audit.md in MLflow, and the model card)")
