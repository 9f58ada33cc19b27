"""Dust can't taint: what a tainted stranger sends a wallet unasked moves its score by no more than the stated bound."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features import FAMILIES, Ledger
from walletprint.features.exposure import with_attribution
from walletprint.features.labels import read_labels
from walletprint.serving import Scorer
from walletprint.training import train

AS_OF = pd.Timestamp("2021-12-15", tz="UTC")
CLEAN, TAINTED = "0x" + "ab" * 20, "0x" + "cd" * 20  # strangers both, of whom one is known for a thief
BOUND = 0.15
"""What the taint of dust of a hundredth of all that was received may add to or take from a probability (docs/exposure.md)."""


@pytest.fixture(scope="module")
def known(trained) -> pd.DataFrame:
    """Who is a thief or a service, as public lists would have it."""
    labels = read_labels(trained.chain.labels).good
    public = labels[labels["category"].isin(["theft", "mixer", "exchange", "exchange_deposit", "phishing", "scam"])]
    return public.assign(known_from=pd.Timestamp("2021-01-05", tz="UTC"))


@pytest.fixture(scope="module")
def scorer(trained, known, tmp_path_factory) -> Scorer:
    """A model that sees exposure beside behaviour."""
    ledger = with_attribution(Ledger.from_transfers(trained.chain.transfers), known)
    config = {**trained.config, "features": {"families": list(FAMILIES)}, "tracking": {"enabled": False}}
    config["model"] = {**trained.config["model"], "baselines": False}
    model = train(ledger, trained.chain.labels, config, tmp_path_factory.mktemp("dust") / "model").model_dir
    assert "exposure__theft_in__share" in Scorer.load(model).model.features
    return Scorer.load(model)


@pytest.fixture(scope="module")
def innocent(trained) -> list[str]:
    labels = read_labels(trained.chain.labels).good
    return labels.loc[labels["category"].isin(["user", "trader", "merchant", "miner"]), "address"].unique().tolist()


def scored(trained, scorer, known, innocent, sender: str, share: float, asset: str = "ETH") -> np.ndarray:
    """Scores after `sender` sent each of them `share` of all it had received, three hours before; NaN where unscored."""
    chain = pq.read_table(trained.chain.transfers).to_pandas()
    came = chain[(chain["asset"] == "ETH") & (chain["timestamp"] < AS_OF)].groupby("receiver")["amount"].sum()
    dust = chain.iloc[: len(innocent)].assign(
        timestamp=AS_OF - pd.Timedelta("3h"),
        sender=sender,
        receiver=innocent,
        amount=came.reindex(innocent).fillna(0).to_numpy() * share,
        asset=asset,
        tx_id=[f"dust {i}" for i in range(len(innocent))],
        self_transfer=False,
        **dict.fromkeys(("usd", "fee", "gas_price", "nonce", "failed", "method")),
    )
    ledger = with_attribution(Ledger.from_transfers(pd.concat([chain, dust], ignore_index=True)), known)
    return scorer.score(innocent, ledger, as_of=AS_OF)["score"].to_numpy()


@pytest.mark.parametrize(("share", "asset", "bound"), [(0.01, "ETH", BOUND), (1.0, "UNASKED", 0.0), (0.0, "ETH", 0.0)])
def test_the_taint_of_dust_moves_a_score_by_no_more_than_the_bound(
    trained, scorer, known, innocent, share, asset, bound
):
    thief = known[known["category"] == "theft"].head(1).assign(address=TAINTED)
    public = pd.concat([known, thief], ignore_index=True)
    tainted, clean = (scored(trained, scorer, public, innocent, sender, share, asset) for sender in (TAINTED, CLEAN))
    moved = np.abs(tainted - clean)
    assert np.isfinite(moved).sum() > 50
    assert np.nanmax(moved) <= bound
