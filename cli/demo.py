"""`walletprint demo`: the main job end to end on a simulated chain, told step by step."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from ..experiments.simulation import SimulatedChain, simulate
from ..features import Ledger
from ..serving import Scorer, read_addresses, write_scores
from ..training import train
from .console import Screen
from .tables import METRICS

_CRIMES = {"laundering": ["laundering", "state_linked"], "state_linked": ["state_linked"]}
_SHOWN = 3


def run_demo(folder: Path, screen: Screen) -> None:
    """Simulate a chain, train and register both heads, score new wallets and show the riskiest with their reasons."""
    began = time.perf_counter()
    with screen.progress("simulating a chain") as on_progress:
        chain = simulate(folder / "chain", on_progress=on_progress)
    screen.say(f"{chain.rows:,} transfers of {chain.wallets:,} wallets in {folder / 'chain'}")
    ledger = Ledger.from_transfers(chain.transfers)
    uri = f"sqlite:///{(folder / 'mlflow.db').resolve()}"
    for head in _CRIMES:
        model = _train(head, ledger, chain, folder, uri, screen)
        _score(head, model, ledger, chain, folder, uri, screen)
    screen.say(
        f"\nDone in {time.perf_counter() - began:.0f} s. Models, scores and MLflow's store are in {folder}. To compare the runs:"
    )
    bin_folder = Path(os.path.relpath(sys.executable)).parent
    screen.show(f"  {bin_folder / 'walletprint'} runs --tracking-uri {uri}")
    screen.show(f"  {bin_folder / 'mlflow'} ui --backend-store-uri {uri}    # then open http://127.0.0.1:5000")


def _train(head: str, ledger: Ledger, chain: SimulatedChain, folder: Path, uri: str, screen: Screen) -> str:
    """Train a head, show it beside its baselines and shortcuts, and return where the model is registered."""
    with screen.steps(f"training {head}") as on_progress:
        result = train(
            ledger, chain.labels, out=folder / f"model-{head}", tracking_uri=uri, on_progress=on_progress, head=head
        )
    shown = result.metrics.query("slice == 'test_time'")
    title = f"Head {head}: wallets at later dates (test), trained up to {result.model.trained_until}"
    screen.table(shown.filter(items=METRICS), title=title)
    return result.model_uri


def _score(
    head: str,
    model: str,
    ledger: Ledger,
    chain: SimulatedChain,
    folder: Path,
    uri: str,
    screen: Screen,
) -> None:
    """Score wallets that no label names, show the riskiest, and say what they truly are: on a simulated chain that is known."""
    asked = read_addresses(chain.addresses)
    with screen.progress(f"scoring {len(asked):,} new wallets") as on_progress:
        scores = Scorer.load(model, tracking_uri=uri).score(asked, ledger, as_of=ledger.end, on_progress=on_progress)
    write_scores(scores, folder / f"scores-{head}.parquet")
    table = pd.read_csv(chain.truth)
    truth = dict(zip(table["address"], table["category"], strict=True))
    riskiest = scores.nlargest(_SHOWN, "score")
    screen.show(f"\nRiskiest of {len(asked):,} new wallets, by {model}:")
    for row in riskiest.to_dict("records"):
        screen.show(f"  {row['address']}  {row['score']:.3f}  {row['band']}  (in truth: {truth[row['address']]})")
        for reason in row["reasons"][:_SHOWN]:
            screen.show(f"      {reason['sentence']}")
    guilty = np.array([truth[address] in _CRIMES[head] for address in asked["address"]])
    flagged, threshold = scores["flagged"], scores["threshold"].iloc[0]
    screen.show(
        f"  {flagged.sum()} of {len(scores)} are flagged (score ≥ {threshold:.3f}), {(flagged & guilty).sum()} of them rightly;"
        f" {guilty.sum()} should be.\n"
    )
