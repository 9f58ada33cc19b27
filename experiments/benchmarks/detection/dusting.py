"""What a third party can do to the scores of wallets that never asked: small payments within a budget, on a simulated chain.

    python -m walletprint.experiments.benchmarks.detection.dusting

What a launderer does to hide is not here (`simulated_detection.py`); the bound on taint alone is in docs/exposure.md.
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

from ....features import FAMILIES, Ledger, extract, snapshots_of
from ....features.exposure import with_attribution
from ....serving import Scorer
from ....training import read_labels, train
from ....training.config.dust_proof import proof_of
from ...simulation import simulate
from ..harness.options import RESULTS, Results
from ..harness.result_page import publish

HEADS = ("laundering", "state_linked")
BUDGET = 0.01
"""Share of all that a wallet had received which it gets unasked."""
COUNTS = (1, 10, 100)
WATCHED = 150
CHAINS = (7, 9, 10)
"""Their seeds. Chain 8 has too few wallets of states for three slices."""
DAYS = 7
PUBLIC = ("theft", "mixer", "exchange", "exchange_deposit", "phishing", "scam")
INTRO = f"""\
{len(CHAINS)} chains of scenario `demo` (docs/simulation.md). Both heads are trained by `train` with every family of features,
exposure too. Watched are of each chain up to {WATCHED} wallets that are scored at its end, those that were flagged by the
model as trained first (at most half). Each gets n transfers that it never asked for in the last {DAYS} days, together worth
{BUDGET:.0%} of all it had received in the native coin (`poison`: nothing), from one third party. Most had received less within
the model's window.

- `ordinary`: from a wallet that nobody knows;
- `tainted`: from a wallet labelled as a thief's;
- `strangers`: each from a wallet of its own;
- `tokens`: a token that nobody trades, as many units as the coin;
- `poison`: transfers of nothing, each from a wallet of its own, as those who forge look-alike addresses send.

`other_band` is the share of wallets in another band than before; `raised` the share of those not flagged before that now are,
and `cleared` of those flagged before that no longer are; `median` and `p95` are of the size of a score's move, `up` and `down`
the largest moves.

`hardened` is the same training with `features.dust_proof`. What that costs is told without dust: `pr_auc` on the slices of
the training, and recall at the score that this share of the honest wallets of the chain's end exceed."""
MODELS = {"as trained": False, "hardened": True}
"""Whether the features are only those that are proof against dust."""
ALARMS = (0.01, 0.05)
MOVERS = 12


@dataclass(frozen=True)
class Chain:
    """A simulated chain: its transfers, labels that the public has, and the moment of scoring."""

    transfers: pd.DataFrame
    labels: pd.DataFrame
    thief: str
    as_of: pd.Timestamp
    received: pd.Series
    price: float


@dataclass(frozen=True)
class Trial:
    """A chain with the models trained on it, by head and name, and who is watched for each head, by address."""

    chain: Chain
    ledger: Ledger
    truth: pd.DataFrame
    scorers: dict[tuple[str, str], Scorer]
    watched: dict[str, list[str]]


def main(
    wallets: Annotated[int, typer.Option(help="Of each simulated chain.")] = 1_500,
    days: Annotated[int, typer.Option(help="How long each is.")] = 420,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    trials = [_trial(seed, wallets, days) for seed in CHAINS]
    costs = [cost for seed, trial in zip(CHAINS, trials, strict=True) for cost in _costs(seed, trial)]
    tables = {
        "Scores before and after dust": pd.DataFrame(_rows(trials)),
        "What hardening costs: the same without dust, by chain": pd.DataFrame(costs),
        "What one ordinary transfer moves: contributions to laundering, as trained, mean of those flagged": _movers(
            trials
        ),
    }
    publish(__file__, INTRO, tables, results)


def _trial(seed: int, wallets: int, days: int) -> Trial:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = simulate(folder / "chain", "demo", wallets=wallets, days=days, seed=seed)
        chain = _chain(made)
        ledger = _ledger(chain, chain.transfers)
        scorers = {
            (head, model): _model(ledger, made.labels, head, hardened, folder / f"{head}-{model}")
            for head in HEADS
            for model, hardened in MODELS.items()
        }
        watched = {head: _watched(scorers[head, "as trained"], ledger, chain) for head in HEADS}
        truth = pd.read_csv(made.truth, keep_default_na=False).set_index("address")
    return Trial(chain, ledger, truth, scorers, watched)


def _chain(made: Any) -> Chain:
    transfers = pq.read_table(made.transfers).to_pandas()
    as_of = transfers["timestamp"].max() + pd.Timedelta(seconds=1)
    labels = read_labels(made.labels).good
    labels = labels[labels["category"].isin(PUBLIC)].assign(
        known_from=transfers["timestamp"].min() - pd.Timedelta("1D")
    )
    coins = transfers[transfers["asset"] == "ETH"]
    thieves = labels.loc[labels["category"] == "theft", "address"]
    thief = next(str(address) for address in thieves if str(address).startswith("0x"))
    price = float((coins["usd"] / coins["amount"]).dropna().iloc[-1])
    return Chain(transfers, labels, thief, as_of, coins.groupby("receiver")["amount"].sum(), price)


def _ledger(chain: Chain, transfers: pd.DataFrame) -> Ledger:
    return with_attribution(Ledger.from_transfers(transfers), chain.labels)


def _model(ledger: Ledger, labels: Path, head: str, hardened: bool, folder: Path) -> Scorer:
    seen = {"families": list(FAMILIES), "dust_proof": hardened}
    config = {"head": head, "features": seen, "model": {"baselines": False}, "tracking": {"enabled": False}}
    train(ledger, labels, config, folder)
    return Scorer.load(folder)


def _watched(scorer: Scorer, ledger: Ledger, chain: Chain) -> list[str]:
    """Those that are looked at."""
    scores = _scored(scorer, ledger, chain, _known(chain))
    scores = scores.loc[pd.notna(scores["score"])].sample(frac=1.0, random_state=7)
    first = scores.sort_values("flagged", ascending=False, kind="stable").head(WATCHED // 2)
    rest = scores.drop(index=first.index).head(WATCHED - len(first))
    return pd.concat([first, rest])["address"].tolist()


def _known(chain: Chain) -> list[str]:
    return [str(address) for address in chain.received.index if str(address).startswith("0x")]


def _scored(scorer: Scorer, ledger: Ledger, chain: Chain, addresses: list[str]) -> pd.DataFrame:
    scores: Any = scorer.score(addresses, ledger, as_of=chain.as_of, reasons="none")
    return scores[["address", "score", "band", "flagged"]]


def _rows(trials: list[Trial]) -> Iterator[dict[str, Any]]:
    before = _all_scored(trials, [trial.ledger for trial in trials])
    for strategy in ("ordinary", "tainted", "strangers", "tokens", "poison"):
        for n in COUNTS:
            after = _all_scored(trials, [_dusted(trial, strategy, n) for trial in trials])
            for head, model in before:
                told = {"head": head, "model": model, "strategy": strategy, "n": n}
                yield {**told, **_moves(before[head, model], after[head, model])}


def _dusted(trial: Trial, strategy: str, n: int) -> Ledger:
    """The chain on which all that are watched got dust."""
    everyone = sorted({address for addresses in trial.watched.values() for address in addresses})
    sent = dust(trial.chain, everyone, strategy, n)
    return _ledger(trial.chain, pd.concat([trial.chain.transfers, sent], ignore_index=True))


def _all_scored(trials: list[Trial], ledgers: list[Ledger]) -> dict[tuple[str, str], pd.DataFrame]:
    """By head and model, the scores of those watched on all chains."""
    both = list(zip(trials, ledgers, strict=True))
    return {
        key: pd.concat(
            [_scored(trial.scorers[key], ledger, trial.chain, trial.watched[key[0]]) for trial, ledger in both],
            ignore_index=True,
        )
        for key in trials[0].scorers
    }


def _costs(seed: int, trial: Trial) -> Iterator[dict[str, Any]]:
    """What each model is worth on the chain without dust; who is what is the truth."""
    for (head, model), scorer in trial.scorers.items():
        scores = _scored(scorer, trial.ledger, trial.chain, _known(trial.chain)).dropna(subset=["score"])
        about = trial.truth.reindex(scores["address"])
        guilty = about["category"] == "state_linked" if head == "state_linked" else about["case"] != ""
        found = _recall(scores["score"].to_numpy(), guilty.to_numpy(), (about["case"] == "").to_numpy())
        of_slices: Any = scorer.model.metrics["lightgbm"]
        worth = {f"pr_auc {part}": of_slices[part]["pr_auc"] for part in ("test_time", "test_new")}
        yield {"head": head, "model": model, "chain": seed, "features": len(scorer.model.features), **worth, **found}


def _recall(score: np.ndarray, guilty: np.ndarray, honest: np.ndarray) -> dict[str, float]:
    highest = np.sort(score[honest])[::-1]
    return {f"recall at {share:.0%}": _share(score[guilty] > highest[int(share * len(highest))]) for share in ALARMS}


def _movers(trials: list[Trial]) -> pd.DataFrame:
    """The features whose contributions dust takes most from."""
    moved = pd.concat([_moved(trial) for trial in trials]).mean().sort_values()
    first = moved.iloc[:MOVERS]
    proof = [proof_of(str(name)) is not None for name in first.index]
    table = pd.DataFrame({"feature": first.index, "log_odds": first.to_numpy(), "dust_proof": proof})
    return pd.concat([table, pd.DataFrame([{"feature": "all", "log_odds": float(moved.sum())}])], ignore_index=True)


def _moved(trial: Trial) -> pd.DataFrame:
    """Contributions after an ordinary transfer less those before, one row per watched wallet that was flagged."""
    scorer, chain = trial.scorers["laundering", "as trained"], trial.chain
    scores = _scored(scorer, trial.ledger, chain, trial.watched["laundering"])
    asked = snapshots_of(scores.loc[scores["flagged"].astype(bool), "address"].tolist(), chain.as_of)
    before, after = (
        scorer.contributions(extract(ledger, asked, window=scorer.model.window, features=scorer.model.features))
        for ledger in (trial.ledger, _dusted(trial, "ordinary", 1))
    )
    return after - before


def dust(chain: Chain, receivers: list[str], strategy: str, n: int) -> pd.DataFrame:
    """n transfers to each of the receivers, as the strategy has it, evenly over the last days."""
    total = len(receivers) * n
    number = np.arange(total)
    share = 0.0 if strategy == "poison" else BUDGET / n
    amounts = np.repeat(chain.received.reindex(receivers).fillna(0.0).to_numpy() * share, n)
    own = [f"0xd057{at:036x}" for at in number]
    sender = {"tainted": chain.thief, "strangers": own, "poison": own}.get(strategy, "0xd057" + "f" * 36)
    steps = pd.to_timedelta((number % n + 1) * (DAYS * 86_400 // (n + 1)), unit="s")
    frame = chain.transfers.iloc[np.zeros(total, dtype=np.int64)].reset_index(drop=True)
    return frame.assign(
        timestamp=(chain.as_of - steps).astype(chain.transfers["timestamp"].dtype),
        sender=sender,
        receiver=np.repeat(receivers, n),
        amount=amounts,
        asset="UNASKED" if strategy == "tokens" else "ETH",
        tx_id=[f"dust {at}" for at in number],
        self_transfer=False,
        usd=None if strategy == "tokens" else amounts * chain.price,
        **dict.fromkeys(("fee", "gas_price", "nonce", "failed", "method")),
    )


def _moves(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any]:
    move = after["score"].to_numpy() - before["score"].to_numpy()
    was, now = (frame["flagged"].to_numpy(dtype=bool) for frame in (before, after))
    return {
        "wallets": len(before),
        "flagged_before": int(was.sum()),
        "other_band": _share(before["band"].to_numpy() != after["band"].to_numpy()),
        "raised": _share(now[~was]),
        "cleared": _share(~now[was]),
        "median": float(np.median(np.abs(move))),
        "p95": float(np.quantile(np.abs(move), 0.95)),
        "up": float(move.max()),
        "down": float(-move.min()),
    }


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else float("nan")


if __name__ == "__main__":
    typer.run(main)
