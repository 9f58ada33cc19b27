"""How early launderers are seen on simulated chains, and how far they can hide: time to detection on the scenario `hard`, and
what each strategy of evasion takes from recall on the scenario `evasion`. Also told: what training on evaders gives back.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import typer

from ....features import Ledger
from ....features.base.arrow import pc
from ....serving import Scorer
from ....training import read_labels, train
from ....training.metrics.classification_metrics import pr_auc
from ....training.metrics.early_detection import early_snapshots, time_to_detection
from ...simulation import Scenario, SimulatedChain, load_scenario, simulate
from ..harness.options import RESULTS, Results
from ..harness.result_page import publish

CUT = 0.65  # of the period: what came before it trains, wallets first seen after it are watched
ALARMS = (0.01, 0.05)  # share of the honest wallets watched that are flagged
STRENGTHS = (1.0,)
STRATEGIES = ("dust", "split", "wait", "pad", "mimic")
TRANSFERS, AGES = (3, 10), ("1d", "7d", "30d", "90d")
HEADS = ("laundering", "state_linked")
INTRO = f"""\
Scenarios `hard` and `evasion` (docs/simulation.md). A model is trained by `train` with its defaults on what was known at
{CUT:.0%} of the period: the transfers before it, and the labels published by then, late, in part and sometimes wrong. Watched are
the wallets first seen after that, each after its 3rd and 10th transfer and a day, a week, 30 and 90 days after its first; who is
what is the truth. A wallet's score is its highest. `recall at 1%` is of the wallets with enough history for a score, at the score
that {ALARMS[0]:.0%} of the honest wallets watched exceed (those without a score do not).

Evasion: the same crimes by the same people on the same chain (one seed), each spending `strength` as docs/simulation.md says.
`as trained` is the model of the chain without evasion, at its own thresholds; `hardened` is the same with `features.dust_proof`.
What is `trained on evaders` learnt from the past of the chain with evasion, and its thresholds are of that chain."""
MODELS = {"as trained": False, "hardened": True}
"""Whether the features are only those that are proof against dust."""


@dataclass(frozen=True)
class Watch:
    """A chain at its cut: who is watched, the truth about them, and the snapshots at which they are looked at."""

    chain: SimulatedChain
    ledger: Ledger
    cut: Any
    truth: Any
    looks: pd.DataFrame


def watch(folder: Path, scenario: Scenario) -> Watch:
    """Simulate a scenario and prepare to watch those who come after the cut."""
    chain = simulate(folder, scenario)
    ledger = Ledger.from_transfers(chain.transfers)
    begin: Any = pd.Timestamp(ledger.first or 0, unit="s", tz="UTC")
    cut: Any = (begin + CUT * (ledger.end - begin)).normalize()
    truth = pd.read_csv(chain.truth, keep_default_na=False).set_index("address")
    ids = ledger.ids(truth.index.to_series())
    first = pd.to_datetime(ledger.rows.time[ledger.entries[ledger.offsets[ids]]], unit="s", utc=True)
    new = truth[np.asarray(first >= cut)]
    return Watch(chain, ledger, cut, new, early_snapshots(ledger, list(new.index), TRANSFERS, AGES))


def model(seen: Watch, head: str, folder: Path, hardened: bool = False) -> Scorer:
    """A model of what was known at the cut."""
    before = pc.field("timestamp") < pc.scalar(seen.cut.to_pydatetime())
    labels: Any = read_labels(seen.chain.labels).good
    labels = labels[pd.to_datetime(labels["known_from"], utc=True) < seen.cut]
    settings: dict[str, Any] = {"head": head, "features": {"dust_proof": hardened}}
    settings |= {"model": {"baselines": False}, "tracking": {"enabled": False}}
    train(pq.read_table(seen.chain.transfers, filters=before), labels, settings, folder)
    return Scorer.load(folder)


def highest(seen: Watch, scorer: Scorer) -> Any:
    """Each watched wallet's highest score, NaN without any."""
    asked = seen.looks[["address", "as_of"]].drop_duplicates(ignore_index=True)
    scores: Any = scorer.score(asked, seen.ledger)
    return scores.groupby("address")["score"].max().reindex(seen.truth.index)


def thresholds(seen: Watch, top: Any) -> dict[float, float]:
    """By share of false alarms, the score that at most this share of the honest wallets exceeds."""
    honest = np.sort(top[~_sought(seen, "laundering")].fillna(0.0).to_numpy())[::-1]
    return {share: float(honest[int(share * len(honest))]) for share in ALARMS}


def recalls(seen: Watch, top: Any, head: str, at: dict[float, float]) -> dict[str, float]:
    """Of the head's wallets with a score the share above each threshold, and the share of honest wallets above it."""
    guilty, honest = _sought(seen, head) & top.notna(), ~_sought(seen, "laundering")
    found: dict[str, float] = {"wallets": int(guilty.sum())}
    for share, threshold in at.items():
        found[f"recall at {share:.0%}"] = float((top[guilty] > threshold).mean())
        found[f"honest flagged at {share:.0%}"] = float((top[honest].fillna(0.0) > threshold).mean())
    return found | {"pr_auc": pr_auc(guilty[top.notna()].to_numpy().astype(np.int8), top.dropna().to_numpy())}


def _sought(seen: Watch, head: str) -> Any:
    """Which of the watched wallets a head is to find: all of criminal cases, or the state's among them."""
    return seen.truth["category"] == "state_linked" if head == "state_linked" else seen.truth["case"] != ""


def hard(folder: Path) -> dict[str, Any]:
    """Time to detection on `hard`: by stage, in days, and by script of the case."""
    seen = watch(folder / "hard", load_scenario("hard"))
    stages, days, scripts, overall = [], [], [], []
    for head in HEADS:
        scorer = model(seen, head, folder / f"hard-{head}")
        top = highest(seen, scorer)
        at = thresholds(seen, top)
        overall.append({"head": head, **recalls(seen, top, head, at)})
        guilty = seen.truth[_sought(seen, head)]

        def score(snapshots: pd.DataFrame, scorer: Scorer = scorer) -> np.ndarray:
            return scorer.score(snapshots, seen.ledger)["score"].to_numpy()

        for share, threshold in at.items():
            found = time_to_detection(seen.ledger, list(guilty.index), score, threshold, TRANSFERS, AGES)
            stages.append(found.stages.assign(head=head, false_alarms=f"{share:.0%}"))
            days.append({"head": head, "false_alarms": f"{share:.0%}", "never": found.never, **_quantiles(found.days)})
        scripts.append(_by_script(seen, guilty, top, at).assign(head=head))
    shown = ["head", "false_alarms", "stage", "wallets", "scored", "flagged", "recall"]
    return {
        "hard: recall over all looks": pd.DataFrame(overall),
        "hard: by stage": pd.concat(stages)[shown],
        "hard: days from a wallet's first transfer to the first look that flags it": pd.DataFrame(days),
        "hard: recall by script of the case": pd.concat(scripts),
    }


def _quantiles(days: pd.DataFrame) -> dict[str, float]:
    return {f"q{100 * row.quantile:.0f}": float(row.days) for row in days.itertuples()}  # type: ignore[arg-type]


def _by_script(seen: Watch, guilty: Any, top: Any, at: dict[float, float]) -> pd.DataFrame:
    known = guilty.assign(top=top.reindex(guilty.index)).dropna(subset=["top"])
    rows = known.groupby("script").agg(cases=("case", "nunique"), wallets=("top", "size"))
    for share, threshold in at.items():
        rows[f"recall at {share:.0%}"] = (known["top"] > threshold).groupby(known["script"]).mean()
    return rows.reset_index()


def evasion(folder: Path, strengths: tuple[float, ...]) -> dict[str, Any]:
    """What each strategy and strength takes from recall, and what hardening and training on evaders give back."""
    base = load_scenario("evasion")
    none = base.evasion.model_copy(update={"strategy": "none"})
    plain = watch(folder / "plain", base.model_copy(update={"evasion": none}))
    models = {
        (head, name): model(plain, head, folder / f"plain-{head}-{name}", hardened)
        for head in HEADS
        for name, hardened in MODELS.items()
    }
    tops = {key: highest(plain, scorer) for key, scorer in models.items()}
    at = {key: thresholds(plain, top) for key, top in tops.items()}
    rows = [_row(plain, key, "none", 0.0, tops[key], at[key]) for key in models]
    for strategy, strength, seen in _evaders(folder, base, strengths):
        for key, scorer in models.items():
            rows.append(_row(seen, key, strategy, strength, highest(seen, scorer), at[key]))
            if strength == max(strengths):
                rows.append(_learnt(seen, key, strategy, strength, folder))
    table = pd.DataFrame(rows)
    return {f"evasion: recall, {head}": table[table["head"] == head].drop(columns="head") for head in HEADS}


def _row(
    seen: Watch, key: tuple[str, str], strategy: str, strength: float, top: Any, at: dict[float, float], also: str = ""
) -> dict[str, Any]:
    head, name = key
    told = {"head": head, "strategy": strategy, "strength": strength, "model": name + also}
    return {**told, **recalls(seen, top, head, at)}


def _learnt(seen: Watch, key: tuple[str, str], strategy: str, strength: float, folder: Path) -> dict[str, Any]:
    """The row of a model that learnt from evaders, at the thresholds of their chain."""
    head, name = key
    top = highest(seen, model(seen, head, folder / f"{strategy}-{head}-{name}", MODELS[name]))
    return _row(seen, key, strategy, strength, top, thresholds(seen, top), ", trained on evaders")


def _evaders(folder: Path, base: Scenario, strengths: tuple[float, ...]) -> Iterator[tuple[str, float, Watch]]:
    for strategy in STRATEGIES:
        for strength in strengths:
            spent = base.evasion.model_copy(update={"strategy": strategy, "strength": strength})
            yield (
                strategy,
                strength,
                watch(folder / f"{strategy}-{strength}", base.model_copy(update={"evasion": spent})),
            )


def main(
    results: Results = RESULTS,
    strength: Annotated[list[float] | None, typer.Option(help="Of evasion, 0 to 1; may be given again.")] = None,
) -> None:
    """Time to detection and evasion on simulated chains."""
    with tempfile.TemporaryDirectory() as folder:
        tables = hard(Path(folder)) | evasion(Path(folder), tuple(strength or STRENGTHS))
    publish(__file__, INTRO, tables, results)


if __name__ == "__main__":
    typer.run(main)
