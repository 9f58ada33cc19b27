"""What exposure adds to behaviour on real wallets of the same quarters, with labels as of each snapshot.

And what it would seem to add if nobody looked at the labels' dates. Run with

    python -m walletprint.experiments.benchmarks.detection.exposure_adds --data FOLDER --attribution labels.parquet

Protocols, populations and wallets are those of `experiments/protocols/ethereum/era_matched.py`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from ....features import Ledger, catalogue, extract
from ....features.exposure import with_attribution
from ....features.labels import read_labels
from ....features.ledger.attribution import GROUPS
from ....training.config.train_config import TrainConfig, load_config
from ....training.data.dataset import Dataset, build_dataset
from ....training.metrics.classification_metrics import pr_auc, roc_auc
from ....training.models.estimators import fit_lightgbm, margins
from ...protocols.ethereum.era_matched import LABELS, SNAPSHOTS, load_labels, load_wallets, protocols, with_native
from ...protocols.report import RESULTS, write_report

NAMES = [declared.name for declared in catalogue("exposure")]
ALWAYS = pd.Timestamp("1970-01-01", tz="UTC")
INTRO = """\
`behaviour` are the era-safe features of `era-matched`, `exposure` those of family exposure; PR-AUC / ROC-AUC of the same model
on the same rows, population `native`, head `laundering` (phishing and scams against licit wallets). `as of each snapshot` uses
the labels that were known by then; those without a date are not used. `dates ignored` uses all labels at all times: what it adds
is what nobody could have known, and much of it is that a wallet's neighbours were listed together with it. `reached` is the
share of snapshots of which any share of what came in or went out is illicit."""


def main(
    data: Annotated[Path, typer.Option(help="The folder of `walletprint benchmark era-matched`.")],
    attribution: Annotated[Path, typer.Option(help="A table of `walletprint labels build`.")],
    results: Annotated[Path, typer.Option(help="Where the tables go.")] = RESULTS,
    seed: Annotated[int, typer.Option(help="Of the models.")] = 7,
) -> None:
    """Run the benchmark and write its tables."""
    config = load_config({"labels": LABELS, "snapshots": SNAPSHOTS, "seed": seed}, head="laundering")
    everything, native = load_wallets(data)
    dataset = with_native(build_dataset(everything, read_labels(load_labels(data)).good, config), native)
    labels = read_labels(attribution).good
    variants = {
        "as of each snapshot": labels,
        "dates ignored": labels.assign(
            known_from=ALWAYS, known_until=labels["known_until"].mask(labels["known_until"].notna())
        ),
    }
    rows, about = [judged("behaviour", dataset, list(dataset.X.columns), config)], []
    for name, table in variants.items():
        both, seen = with_exposure(dataset, everything, table)
        rows += [
            judged(f"behaviour and exposure, {name}", both, list(both.X.columns), config),
            judged(f"exposure alone, {name}", both, NAMES, config),
        ]
        about.append({"labels": name, **seen})
    command = "python -m walletprint.experiments.benchmarks.detection.exposure_adds --data FOLDER --attribution labels.parquet"
    tables = {"What the model reaches": pd.DataFrame(rows), "What labels reach": pd.DataFrame(about)}
    typer.echo(write_report("exposure-adds", command, INTRO, tables, results).read_text())


def with_exposure(dataset: Dataset, ledger: Ledger, labels: pd.DataFrame) -> tuple[Dataset, dict[str, Any]]:
    """The dataset with exposure beside behaviour, and how many labels and snapshots that is about."""
    known = with_attribution(ledger, labels)
    values = extract(known, dataset.snapshots, features=NAMES).loc[:, NAMES]
    assert known.attribution is not None
    counts = {
        f"wallets: {name}": len(np.unique(known.attribution.wallet[known.attribution.group == k]))
        for k, name in enumerate(GROUPS)
    }
    illicit = [name for name in NAMES if name.endswith("__share") and "held" not in name]
    reached = float((values.loc[:, illicit].to_numpy() > 0).any(axis=1).mean())
    X = pd.concat([dataset.X.reset_index(drop=True), values.reset_index(drop=True)], axis=1)
    return replace(dataset, X=X.set_axis(dataset.X.index)), {**counts, "reached": reached}


def judged(what: str, dataset: Dataset, columns: list[str], config: TrainConfig) -> dict[str, Any]:
    """The model with some of the columns, a cell a protocol."""
    row: dict[str, Any] = {"features": what, "columns": len(columns)}
    for name, slices in protocols(dataset).items():
        X, train, test = dataset.X[columns], slices.train, slices.test_time
        settings = config.model.lightgbm.model_dump()
        booster = fit_lightgbm(X.iloc[train.rows], train.y, settings, config.seed, config.model.rounds)
        ranking = margins(booster, X.iloc[test.rows])
        row[name] = f"{pr_auc(test.y, ranking):.3f} / {roc_auc(test.y, ranking):.3f}"
    return row


if __name__ == "__main__":
    typer.run(main)
