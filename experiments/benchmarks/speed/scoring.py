"""What scoring a million wallets costs: the features alone, with LightGBM's own prediction, and as scored, explained rows.

Run with `python -m walletprint.experiments.benchmarks.speed.scoring`.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from ....features import Ledger, coverage, extract, parse_as_of, snapshots_of
from ....serving import Scorer
from ....serving.batch import score_batch
from ..engines.columns import AS_OF
from ..harness.options import RESULTS, Folder, Results, Runs
from ..harness.processes import measured, transfers_of, use_few_cores
from ..harness.result_page import publish

TRANSFERS, WALLETS = 10_000_000, 1_000_000
AT_ONCE = 100_000
MEMORY = 2_000_000_000
EXPLAINED = 20_000  # wallets of the run that explains every row
STEPS = {
    "ready": "transfers read and made a ledger, the model loaded",
    "features": "and the model's features of each wallet with enough history",
    "predicted": "and LightGBM's own prediction of them, nothing else",
    "scored": "rows as `Scorer.score_table` gives them, without reasons",
    "explained": "the same with reasons for the flagged",
    "batch": "`score_batch`: addresses from a file, rows with reasons for the flagged in checksummed parts",
    "all_explained": f"reasons for every row, of {EXPLAINED:,} wallets",
}
INTRO = f"""\
{WALLETS:,} wallets over {TRANSFERS:,} generated transfers (`generate.py`), scored with the trees of the reference model of
laundering, its window set to all of the history (so that every wallet with three transfers is scored), as of one date, within
a memory budget of {MEMORY / 1e9:.0f} GB for the transfers, {AT_ONCE:,} wallets after others. Each run is a process of its own,
kept to two cores, after a small file that is not counted. `over_predicted` is the time against features and prediction, both
without the time to make ready, which is the same in all."""


def ready(path: Path) -> int:
    """What every step begins with."""
    return len(_ready(path)[1].addresses)


def features(path: Path) -> int:
    """The model's features of every wallet asked that has enough history."""
    return sum(map(len, _vectors(*_ready(path))))


def predicted(path: Path) -> int:
    """Features and LightGBM's prediction, nothing else."""
    scorer, ledger = _ready(path)
    return sum(len(scorer.predictor.margins(piece.to_numpy())) for piece in _vectors(scorer, ledger))


def _vectors(scorer: Scorer, ledger: Ledger) -> Iterator[pd.DataFrame]:
    names, window = list(scorer.model.features), scorer.model.window
    for piece in _asked(ledger):
        enough = coverage(ledger, piece, window=window)["transfers"].to_numpy() >= scorer.model.min_transfers
        yield extract(ledger, piece.loc[enough], window=window, features=names).loc[:, names]


def scored(path: Path) -> int:
    """Scored rows without reasons."""
    return _scored(path, "none", WALLETS)


def explained(path: Path) -> int:
    """Scored rows, with reasons for the flagged."""
    return _scored(path, "flagged", WALLETS)


def all_explained(path: Path) -> int:
    """Scored rows, each with reasons."""
    return _scored(path, "all", EXPLAINED)


def batch(path: Path) -> int:
    """A batch job, from a file of addresses to files of rows."""
    scorer, ledger = _ready(path)
    with tempfile.TemporaryDirectory() as temporary:
        requested = Path(temporary) / "addresses.parquet"
        pq.write_table(pa.table({"address": ledger.addresses[:WALLETS]}), requested)
        return score_batch(scorer, ledger, requested, Path(temporary) / "scores", as_of=AS_OF)["rows"]


def _scored(path: Path, reasons: str, wallets: int) -> int:
    scorer, ledger = _ready(path)
    return sum(len(scorer.score_table(piece, ledger, reasons=reasons)) for piece in _asked(ledger, wallets))


def _ready(path: Path) -> tuple[Scorer, Ledger]:
    model = Scorer.load("reference").model.model_copy(update={"window": "all"})
    return Scorer.from_model(model), Ledger.from_transfers(path, model.features, memory=MEMORY)


def _asked(ledger: Ledger, wallets: int = WALLETS) -> Iterator[pd.DataFrame]:
    every = snapshots_of(ledger.addresses[:wallets], parse_as_of(AS_OF))
    for start in range(0, len(every), AT_ONCE):
        yield every.iloc[start : start + AT_ONCE]


def main(
    runs: Runs = 3,
    folder: Folder = None,
    results: Results = RESULTS,
) -> None:
    """Time the steps of scoring and write their tables."""
    use_few_cores()
    with tempfile.TemporaryDirectory() as temporary:
        path = transfers_of(TRANSFERS, folder or Path(temporary))
        every = pd.DataFrame([
            {"step": step, **measured("speed.scoring", step, path)} for _ in range(runs) for step in STEPS
        ])  # fmt: skip
    tables = {f"Medians of {runs} runs": summary(every), "Every run": every.drop(columns="features")}
    publish(__file__, INTRO, tables, results)


def summary(every: pd.DataFrame) -> pd.DataFrame:
    """One row per step: medians, what it is, wallets per second after making ready, and time against features and prediction."""
    found = every.groupby("step", sort=False)[["wallets", "seconds", "cpu_seconds", "peak_mb", "held_mb"]].median()
    beyond = found["seconds"] - found.loc["ready", "seconds"]
    return found.assign(
        wallets_a_second=(found["wallets"] / beyond).where(beyond > 0),
        over_predicted=beyond / beyond["predicted"],
        what=pd.Series(STEPS),
    ).reset_index()


if __name__ == "__main__":
    typer.run(main)
