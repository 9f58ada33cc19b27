"""Options that several commands share. Reads nothing."""

from pathlib import Path
from typing import Annotated

import typer

TransfersPath = Annotated[
    str, typer.Option("--transfers", "-t", help="A Parquet or CSV file, a folder or a glob of transfers.")
]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Only transfers before this date count (2021-04-01; UTC).")]
Memory = Annotated[
    str | None, typer.Option(help="How much memory to take at most (2GB, 1500MB); what does not fit is kept on disk.")
]
LedgerFolder = Annotated[
    Path | None,
    typer.Option("--ledger", help="Keep the encoded transfers in this folder, and reuse them; new files are appended."),
]
Attribution = Annotated[
    Path | None,
    typer.Option(
        help="Labels of wallets (of `labels build`, or CSV): adds the features of family exposure, as of each date."
    ),
]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow's tracking URI; sqlite:///mlflow.db in this folder by default.")
]
