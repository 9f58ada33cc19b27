"""Writes the result of a benchmark as a page of `results/`, and prints it."""

from pathlib import Path
from typing import Any

import pandas as pd
import typer

from ...protocols.report import write_report


def publish(
    script: str,
    intro: str,
    tables: dict[str, pd.DataFrame],
    results: Path,
    environment: dict[str, Any] | None = None,
    arguments: str = "",
) -> None:
    """Write the page and its JSON, named after the script, and print the page.

    Args:
        script: `__file__` of the benchmark.
        intro: a paragraph on what is measured.
        tables: by title.
        results: folder of the page.
        environment: as `protocols.report.environment` returns it; asked now if not given.
        arguments: what the command needs behind the module's name.
    """
    path = Path(script)
    command = f"python -m walletprint.experiments.benchmarks.{path.parent.name}.{path.stem} {arguments}".rstrip()
    page = write_report(path.stem.replace("_", "-"), command, intro, tables, results, environment)
    typer.echo(page.read_text(encoding="utf-8"))
