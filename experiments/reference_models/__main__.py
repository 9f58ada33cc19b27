"""Makes the reference models that come with the package, from public histories that are not part of it. Run with

    python -m walletprint.experiments.reference_models --data FOLDER

The same data give the same model folders, byte for byte.
"""

from importlib import resources
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
import yaml

from ...features import Ledger
from ...serving import ModelFolder
from ...serving.model.bundled_models import FOLDER, HEADS
from ...training import load_config, train
from ..protocols.ethereum.case_data import DISPUTED, FLOWS, comparable_features, load_cases

_CONFIGS = resources.files("walletprint.experiments.reference_models")


def main(
    data: Annotated[Path, typer.Option(help="The folder of the collections (docs/protocols.md).")],
    out: Annotated[Path, typer.Option(help="Where the model folders go.")] = FOLDER,
) -> None:
    """Train and write both reference models."""
    found = load_cases(data)
    # Flows without histories show wallets in another way than a user's data would.
    whole = found.labels[found.labels["source"] != FLOWS]
    for head in HEADS:
        chosen = whole if head == "laundering" else whole[~whole["case"].isin(DISPUTED)]
        typer.echo(f"{make(head, found.ledger, chosen, out / head)}")


def make(head: str, ledger: Ledger, labels: pd.DataFrame, out: Path) -> Path:
    """Train one head, add to its card what it is and is not, and write it."""
    given = yaml.safe_load((_CONFIGS / f"reference-{head}.yaml").read_text(encoding="utf-8"))
    config = load_config({**given, "features": {"names": comparable_features()}})
    result = train(ledger, labels, config, out)
    more = [(_CONFIGS / f"reference-{name}.md").read_text(encoding="utf-8") for name in ("sources", head)]
    card = "\n\n".join(part.rstrip() for part in (result.model.card, *more)) + "\n"
    return ModelFolder.model_validate({**result.model.model_dump(), "card": card}).save(out)


if __name__ == "__main__":
    typer.run(main)
