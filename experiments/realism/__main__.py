"""`python -m walletprint.experiments.realism fit --data DIR`: fits the habits of ordinary users and of phishers' wallets."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.callback()
def realism() -> None:
    """Habits of simulated wallets, fitted to real ones."""


@app.command()
def fit(
    data: Annotated[Path, typer.Option(help="The folder of the public lists.")],
    out: Annotated[Path | None, typer.Option(help="The YAML file; by default the simulation's own.")] = None,
    seed: Annotated[int, typer.Option(help="Of ties and of the first guess.")] = 7,
) -> None:
    """Measure one half of the public wallets and write the distributions of their habits."""
    from . import fit as fitting

    own = Path(str(resources.files("walletprint.experiments.simulation.people"))) / "habits.yaml"
    fitting.write(fitting.fit(data, seed), out or own)


if __name__ == "__main__":
    app()
