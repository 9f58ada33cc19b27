"""What a third party can do to the scores of wallets that never asked: small payments within a budget, on a simulated chain.

    python -m walletprint.experiments.benchmarks.dusting

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

from ...features import FAMILIES, Ledger
from ...features.exposure import labelled
from ...serving import Scorer
from ...training import read_labels, train
from ..simulation import simulate
from .report import RESULTS, write_report

HEADS = ("laundering", "state_linked")
BUDGET = 0.01
"""Share of all that a wallet had received which it gets unasked."""
COUNTS = (1, 10, 100)
WATCHED = 300
DAYS = 7
PUBLIC = ("theft", "mixer", "exchange", "exchange_deposit", "phishing", "scam")
INTRO = f"""\
Scenario `demo` (docs/simulation.md). Both heads are trained by `train` with every family of features, exposure too. Watched are
up to {WATCHED} wallets that are scored at the end of the chain, those that were flagged first (at most half). Each gets n
transfers that it never asked for in the last {DAYS} days, together worth {BUDGET:.0%} of all it had received in the native
coin (`poison`: nothing), from one third party:

- `ordinary`: from a wallet that nobody knows;
- `tainted`: from a wallet labelled as a thief's;
- `strangers`: each from a wallet of its own;
- `tokens`: a token that nobody trades, as many units as the coin;
- `poison`: transfers of nothing, each from a wallet of its own, as those who forge look-alike addresses send.

`other_band` is the share of wallets in another band than before; `raised` the share of those not flagged before that now are,
and `cleared` of those flagged before that no longer are; `median` and `p95` are of the size of a score's move, `up` and `down`
the largest moves."""


@dataclass(frozen=True)
class Chain:
    """A simulated chain: its transfers, labels that the public has, and the moment of scoring."""

    transfers: pd.DataFrame
    labels: pd.DataFrame
    thief: str
    as_of: pd.Timestamp
    received: pd.Series
    price: float


def main(
    wallets: Annotated[int, typer.Option(help="Of the simulated chain.")] = 1_500,
    days: Annotated[int, typer.Option(help="How long it is.")] = 420,
    results: Annotated[Path, typer.Option(help="Where the table goes.")] = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = simulate(folder / "chain", "demo", wallets=wallets, days=days)
        chain = _chain(made)
        ledger = _ledger(chain, chain.transfers)
        scorers = {head: _model(ledger, made.labels, head, folder / head) for head in HEADS}
        watched = {head: _watched(scorer, ledger, chain) for head, scorer in scorers.items()}
        rows = list(_rows(chain, scorers, watched))
    command = "python -m walletprint.experiments.benchmarks.dusting"
    tables = {"Scores before and after dust": pd.DataFrame(rows)}
    typer.echo(write_report("dusting", command, INTRO, tables, results).read_text())


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
    return labelled(Ledger.from_transfers(transfers), chain.labels)


def _model(ledger: Ledger, labels: Path, head: str, folder: Path) -> Scorer:
    config = {"head": head, "features": {"families": list(FAMILIES)}, "tracking": {"enabled": False}}
    train(ledger, labels, config, folder)
    return Scorer.load(folder)


def _watched(scorer: Scorer, ledger: Ledger, chain: Chain) -> pd.DataFrame:
    """Address, score, band and flagged of those that are looked at, before anything is sent."""
    known = [str(address) for address in chain.received.index if str(address).startswith("0x")]
    scores: Any = scorer.score(known, ledger, as_of=chain.as_of)[["address", "score", "band", "flagged"]]
    scores = scores.loc[pd.notna(scores["score"])].sample(frac=1.0, random_state=7)
    first = scores.sort_values("flagged", ascending=False, kind="stable").head(WATCHED // 2)
    rest = scores.drop(index=first.index).head(WATCHED - len(first))
    return pd.concat([first, rest]).reset_index(drop=True)


def _rows(chain: Chain, scorers: dict[str, Scorer], watched: dict[str, pd.DataFrame]) -> Iterator[dict[str, Any]]:
    everyone = sorted({address for frame in watched.values() for address in frame["address"]})
    for strategy in ("ordinary", "tainted", "strangers", "tokens", "poison"):
        for n in COUNTS:
            dusted = pd.concat([chain.transfers, dust(chain, everyone, strategy, n)], ignore_index=True)
            ledger = _ledger(chain, dusted)
            for head, scorer in scorers.items():
                before = watched[head]
                after = scorer.score(before["address"].tolist(), ledger, as_of=chain.as_of)
                yield {"head": head, "strategy": strategy, "n": n, **_moves(before, after)}


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
