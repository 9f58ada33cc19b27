"""The options that the benchmarks share. Measures nothing."""

from pathlib import Path
from typing import Annotated

import typer

RESULTS = Path("experiments/benchmarks/results")

Rows = Annotated[
    list[int] | None, typer.Option(help="Number of transfers; may be given again. Default: as in the last result.")
]
Runs = Annotated[int, typer.Option(min=1, help="Counted runs of each measurement.")]
Folder = Annotated[Path | None, typer.Option(help="Keep generated files here, and use those already here.")]
Results = Annotated[Path, typer.Option(help="Folder for the result pages.")]
