"""What scoring a million wallets costs: the features alone, with LightGBM's own prediction, and as scored, explained rows.

Run with `python -m walletprint.experiments.benchmarks.scoring`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ...features import Ledger, extract, parse_as_of, snapshots_of
from ...serving import Scorer
from .engines.columns import AS_OF
from .processes import measured, transfers_of, use_few_cores
from .report import RESULTS, write_report

TRANSFERS, WALLETS = 10_000_000, 1_000_000
AT_ONCE = 100_000
MEMORY = 2_000_000_000
EXPLAINED = 20_000  # wallets of the run that explains every row
STEPS = {
    "features": "the model's features of each wallet",
    "features and prediction": "and LightGBM's own prediction",
    "scored": "rows as `Scorer.score` gives them, with reasons for the flagged",
    "scored, no reasons": "the same without any reasons",
    "scored, all explained": f"reasons for every row, {EXPLAINED:,} wallets",
}
INTRO = f"""\
{WALLETS:,} wallets over {TRANSFERS:,} generated transfers (`generate.py`), scored by the reference model of laundering as of
one date, within a memory budget of {MEMORY / 1e9:.0f} GB for the transfers, {AT_ONCE:,} wallets after others. Each run is a
process of its own, kept to two cores, after a small file that is not counted. `over_prediction` is the time against features and
prediction."""


def features(path: Path) -> int:
    """The model's features of every wallet asked."""
    return sum(map(len, _vectors(*_ready(path))))


def predicted(path: Path) -> int:
    """Features and LightGBM's prediction, nothing else."""
    scorer, ledger = _ready(path)
    return sum(len(scorer.score_features(piece)) for piece in _vectors(scorer, ledger))


def _vectors(scorer: Scorer, ledger: Ledger) -> Iterator[pd.DataFrame]:
    names = scorer.model.features
    for piece in _asked(ledger):
        yield extract(ledger, piece, window=scorer.model.window, features=names).loc[:, list(names)]


def scored(path: Path) -> int:
    """Scored rows, with reasons for the flagged."""
    return _scored(path, "flagged", WALLETS)


def scored_bare(path: Path) -> int:
    """Scored rows without reasons."""
    return _scored(path, "none", WALLETS)


def scored_explained(path: Path) -> int:
    """Scored rows, each with reasons."""
    return _scored(path, "all", EXPLAINED)


def _scored(path: Path, reasons: str, wallets: int) -> int:
    scorer, ledger = _ready(path)
    return sum(len(scorer.score(piece, ledger, reasons=reasons)) for piece in _asked(ledger, wallets))


def _ready(path: Path) -> tuple[Scorer, Ledger]:
    scorer = Scorer.load("reference")
    return scorer, Ledger.from_transfers(path, scorer.model.features, memory=MEMORY)


def _asked(ledger: Ledger, wallets: int = WALLETS) -> Iterator[pd.DataFrame]:
    every = snapshots_of(ledger.addresses[:wallets], parse_as_of(AS_OF))
    for start in range(0, len(every), AT_ONCE):
        yield every.iloc[start : start + AT_ONCE]


FUNCTIONS = dict(zip(STEPS, ("features", "predicted", "scored", "scored_bare", "scored_explained"), strict=True))


def main(
    runs: Annotated[int, typer.Option(min=1, help="Counted runs of each.")] = 3,
    folder: Annotated[Path | None, typer.Option(help="Keeps generated files; those already there are used.")] = None,
    results: Annotated[Path, typer.Option(help="Where the tables go.")] = RESULTS,
) -> None:
    """Time the steps of scoring and write their tables."""
    use_few_cores()
    with tempfile.TemporaryDirectory() as temporary:
        path = transfers_of(TRANSFERS, folder or Path(temporary))
        every = pd.DataFrame([
            {"step": step, **measured("scoring", function, path)} for _ in range(runs) for step, function in FUNCTIONS.items()
        ])  # fmt: skip
    tables = {f"Medians of {runs} runs": summary(every), "Every run": every.drop(columns="features")}
    command = "python -m walletprint.experiments.benchmarks.scoring"
    typer.echo(write_report("scoring", command, INTRO, tables, results).read_text(encoding="utf-8"))


def summary(every: pd.DataFrame) -> pd.DataFrame:
    """A row a step: medians, what it is, wallets a second, and the time against features and prediction."""
    found = every.groupby("step", sort=False)[["wallets", "seconds", "cpu_seconds", "peak_mb", "held_mb"]].median()
    base = found.loc["features and prediction", "seconds"]
    return found.assign(
        wallets_a_second=found["wallets"] / found["seconds"],
        over_prediction=found["seconds"] / base,
        what=pd.Series(STEPS),
    ).reset_index()


if __name__ == "__main__":
    typer.run(main)
