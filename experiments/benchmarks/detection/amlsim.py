"""Accounts of IBM's AMLSim told apart as in the protocol `amlsim`, beside IBM's Graph Feature Preprocessor. Run with

    python -m walletprint.experiments.benchmarks.detection.amlsim --data FOLDER --guest-python PATH

The protocol alone is `walletprint benchmark amlsim`.
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ...protocols.published.amlsim import INTRO, compared, load_runs, sides
from ...protocols.report import RESULTS, write_report
from . import gfp_accounts

GUEST = """
`GFP`: IBM's Graph Feature Preprocessor on the stream of transactions in batches of 128; its columns and the amount, averaged
and maximised over what an account sent and what it received, with the number of both."""


def main(
    data: Annotated[Path, typer.Option(help="The folder with the runs' nodes and transactions.")],
    guest_python: Annotated[
        Path | None, typer.Option(help="An interpreter with snapml; this one if not given.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Where the tables go.")] = RESULTS,
    trials: Annotated[int, typer.Option(help="Configurations tried for each side.")] = 10,
    seed: Annotated[int, typer.Option(help="Of configurations, folds and models.")] = 7,
) -> None:
    """Run the benchmark and write its table."""
    if not gfp_accounts.available(guest_python):
        typer.echo("skipped: snapml is not installed (give its interpreter with --guest-python)")
        return

    def with_guest(transfers: pd.DataFrame) -> dict[str, pd.DataFrame]:
        return {**sides(transfers), "GFP": gfp_accounts.vectors(transfers, guest_python)}

    table = compared(load_runs(data), with_guest, trials, seed)
    command = "python -m walletprint.experiments.benchmarks.detection.amlsim --data FOLDER --guest-python PATH"
    typer.echo(write_report("amlsim-gfp", command, INTRO + GUEST, {"Accounts": table}, results).read_text())


if __name__ == "__main__":
    typer.run(main)
