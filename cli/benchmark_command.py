"""`walletprint benchmark`: runs a protocol of the field on a folder of its data, prints its tables and keeps them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..features.base.errors import UsageError
from .console import Quiet, Screen

if TYPE_CHECKING:
    import pandas as pd


def benchmark(
    name: Annotated[str | None, typer.Argument(help="The protocol; without it, all are listed.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", "-d", help="The folder with its files, or with folders of them.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder for NAME.md and NAME.json.")] = Path("benchmark-results"),
    seed: Annotated[int, typer.Option(help="Of models, folds and intervals.")] = 7,
    tracking_uri: Annotated[
        str | None, typer.Option(help="Record the run in this MLflow store; not recorded by default.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure by a protocol of the field: elliptic, amlworld, kaggle-ethereum and others."""
    from ..experiments.protocols import run_protocol
    from ..experiments.protocols.record import open_benchmark, record, write_findings
    from ..experiments.protocols.registry import protocol_named

    screen = Screen(quiet)
    if name is None:
        screen.table(_listed(), title="walletprint benchmark NAME --data DIR")
        return
    protocol = protocol_named(name)
    if data is None:
        raise UsageError(f"--data: {name} needs a folder with {protocol.needs} ({protocol.source})")
    _require_folder(out)
    store = open_benchmark(name, tracking_uri) if tracking_uri else None
    with screen.steps(name) as on_progress:
        tables = run_protocol(name, data, seed, on_progress)
    report = write_findings(tables, out)
    screen.show(report.read_text(encoding="utf-8").rstrip("\n"))
    screen.say(f"{report}, {report.with_suffix('.json').name}")
    if store:
        screen.say(f"MLflow run {record(store, tables, data, seed, report)} of {store.experiment}")


def _listed() -> "pd.DataFrame":
    import pandas as pd

    from ..experiments.protocols import all_protocols

    rows = [(each.name, each.measures, each.needs, each.source) for each in all_protocols().values()]
    return pd.DataFrame(rows, columns=["name", "measures", "needs", "source"])


def _require_folder(out: Path) -> None:
    """Reject a file as `--out` before the work starts."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out: {out} is a file; give a folder")
