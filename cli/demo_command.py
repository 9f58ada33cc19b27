"""`walletprint demo`: the main job end to end on a simulated chain, told as what happens to the loot of one theft."""

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..experiments.simulation import SimulatedChain, simulate
from ..experiments.simulation.theft_story import KIND_SENTENCES, Story, tell
from ..features import Ledger
from ..features.base.arrow import pc
from ..serving import Scorer, read_addresses, write_scores
from ..training import read_labels, train
from .console import Screen
from .shared_steps import METRICS, counted

_CRIMES = {"laundering": ["laundering", "state_linked"], "state_linked": ["state_linked"]}
_MAX_SHOWN = 3
_MIN_SHARE, _MAX_DAYS = 0.02, 8  # days are shown on which at least this share of the loot moved, at most this many
_UNSEEN = pd.Timedelta(days=120)  # the end of the chain, which no model sees


def run_demo(folder: Path, screen: Screen) -> None:
    """Simulate a chain, train and register both heads on its past, and show what they see of what comes after."""
    began = time.perf_counter()
    with screen.progress("simulating a chain") as on_progress:
        chain = simulate(folder / "chain", on_progress=on_progress)
    screen.say(f"{chain.rows:,} transfers of {chain.wallets:,} wallets in {folder / 'chain'}")
    ledger = Ledger.from_transfers(chain.transfers)
    since: Any = ledger.end.normalize() - _UNSEEN
    past, labels = _past(chain, since)
    uri = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
    models = {head: _train(head, past, labels, folder, uri, screen) for head in _CRIMES}
    scorers = {head: Scorer.load(model, tracking_uri=uri) for head, model in models.items()}
    with screen.progress("watching a theft") as on_progress:
        story = tell(chain, ledger, scorers, since, on_progress=on_progress)
    _show_story(story, since, screen)
    for head, scorer in scorers.items():
        _score(head, scorer, ledger, chain, folder, screen)
    screen.say(
        f"Done in {time.perf_counter() - began:.0f} s. Models, scores and MLflow's store are in {folder}. To compare runs:"
    )
    bin_folder = Path(os.path.relpath(sys.executable)).parent
    screen.show(f"  {bin_folder / 'walletprint'} runs --tracking-uri {uri}")
    screen.show(f"  {bin_folder / 'mlflow'} ui --backend-store-uri {uri}    # then open http://127.0.0.1:5000")


def _past(chain: SimulatedChain, since: Any) -> tuple[Ledger, Any]:
    """What was known at `since`: the transfers before it, and the labels with a date before it."""
    transfers = pq.read_table(chain.transfers, filters=pc.field("timestamp") < pc.scalar(since.to_pydatetime()))
    labels = read_labels(chain.labels).good
    known = pd.to_datetime(labels["known_from"], utc=True)
    return Ledger.from_transfers(transfers), labels[known < since]


def _train(head: str, past: Ledger, labels: Any, folder: Path, uri: str, screen: Screen) -> str:
    """Train a head, show it beside its baselines and shortcuts, and return where the model is registered."""
    with screen.steps(f"training {head}") as on_progress:
        result = train(past, labels, out=folder / f"model-{head}", tracking_uri=uri, on_progress=on_progress, head=head)
    shown = result.metrics.query("slice == 'test_time'")
    title = f"Head {head}: wallets at later dates (test), trained up to {result.model.trained_until}"
    screen.table(shown.filter(items=METRICS), title=title)
    return result.model_uri


def _show_story(story: Story | None, since: Any, screen: Screen) -> None:
    if story is None:
        screen.show(f"\nNo state-linked theft began after {since:%Y-%m-%d} on this chain.")
        return
    screen.show(
        f"\nThe models know the chain up to {since:%Y-%m-%d}. On {story.began:%Y-%m-%d at %H:%M} UTC somebody takes"
    )
    screen.show(f"{story.usd:,.0f} USD. ({story.case}, by {story.actor}: the simulator knows it, the models do not.)\n")
    for day in _days_to_tell(story):
        _show_day(day, story, screen)
    flagged = story.sightings["address"].nunique()
    screen.show(
        f"\nIn {story.followed} days the loot went through {story.wallets} wallets; {story.watched} showed enough to be scored,"
        f" {flagged} were flagged.\nOf what left for exchanges, mixers, bridges or others, {story.before_out:.0%} left a wallet"
        " that was flagged by then."
    )


def _days_to_tell(story: Story) -> list[int]:
    """Days on which much of the loot moved, and the first days on which wallets were flagged."""
    moved = story.days.groupby("day")["usd"].sum()
    large = moved[moved >= _MIN_SHARE * story.usd].index.tolist()
    return sorted({*large[:_MAX_DAYS], *story.sightings["day"].drop_duplicates().tolist()[:_MAX_DAYS]})


def _show_day(day: int, story: Story, screen: Screen) -> None:
    """A line for what happened on a day, and the riskiest of the wallets first flagged at its end, with reasons."""
    moved = story.days[(story.days["day"] == day) & (story.days["usd"] >= _MIN_SHARE / 2 * story.usd)]
    seen = story.sightings[story.sightings["day"] == day]
    what = "; ".join(_movement_sentence(row) for row in moved.to_dict("records"))
    screen.show(f"  day {day:3d}  {what or 'nothing moves'}")
    if seen.empty:
        return
    top = seen.nlargest(1, "score").iloc[0]
    others = f", and {len(seen) - 1} more" if len(seen) > 1 else ""
    which = f"{top['address']} by {top['head']}, score {top['score']:.3f}, {top['band']}"
    screen.show(f"           FLAGGED: {which}{others}, because")
    for reason in top["reasons"][:_MAX_SHOWN]:
        screen.show(f"             {reason['sentence']}")


def _movement_sentence(row: dict[str, Any]) -> str:
    """What happened to a part of the loot. Moves between wallets of the case have no sum, as it would be counted at each hop."""
    what = f"{KIND_SENTENCES[row['kind']]}{' after the mixer' if row['after_mixer'] and row['kind'] != 'withdrawn' else ''}"
    if row["kind"] == "moved":
        return f"{what} in {counted(row['transfers'], 'transfer')}"
    return f"{row['usd']:,.0f} USD {what}"


def _score(head: str, scorer: Scorer, ledger: Ledger, chain: SimulatedChain, folder: Path, screen: Screen) -> None:
    """Score wallets without a label, show the riskiest, and say what they truly are, which a simulated chain knows."""
    addresses = read_addresses(chain.addresses)
    with screen.progress(f"scoring {len(addresses):,} new wallets") as on_progress:
        scores = scorer.score(addresses, ledger, as_of=ledger.end, on_progress=on_progress)
    write_scores(scores, folder / f"scores-{head}.parquet")
    table = pd.read_csv(chain.truth, keep_default_na=False)
    truth = dict(zip(table["address"], table["category"], strict=True))
    screen.show(f"\nRiskiest of {len(addresses):,} new wallets, by head {head}:")
    for row in scores.nlargest(_MAX_SHOWN, "score").to_dict("records"):
        why = row["reasons"][0]["sentence"]
        screen.show(
            f"  {row['address']}  {row['score']:.3f}  {row['band']}  (in truth: {truth[row['address']]})  {why}"
        )
    guilty = np.array([truth[address] in _CRIMES[head] for address in addresses["address"]])
    flagged, threshold = scores["flagged"], scores["threshold"].iloc[0]
    screen.show(
        f"  {flagged.sum()} of {len(scores)} are flagged (score ≥ {threshold:.3f}), {(flagged & guilty).sum()} of them rightly;"
        f" {guilty.sum()} should be."
    )
