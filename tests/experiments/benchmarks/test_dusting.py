"""The dusting benchmark sends what it says it sends, within its budget, and tells moves of bands and flags apart."""

import numpy as np
import pandas as pd
import pytest

from walletprint.experiments.benchmarks.detection import dusting
from walletprint.experiments.benchmarks.detection.dusting import BUDGET, DAYS, Chain, dust

AS_OF = pd.Timestamp("2021-06-01", tz="UTC")
RECEIVERS = ["0xaa", "0xbb"]


@pytest.fixture(scope="module")
def chain() -> Chain:
    row = {
        "timestamp": AS_OF - pd.Timedelta("20D"),
        "sender": "0xcc",
        "receiver": "0xaa",
        "amount": 50.0,
        "asset": "ETH",
        "tx_id": "t",
        "usd": 1e5,
    }
    columns = dict.fromkeys(("fee", "gas_price", "nonce", "failed", "method"))
    transfers = pd.DataFrame([{**row, **columns, "self_transfer": False}])
    return Chain(transfers, pd.DataFrame(), "0xdd", AS_OF, pd.Series({"0xaa": 50.0}), 2_000.0)


@pytest.mark.parametrize("n", [1, 10])
@pytest.mark.parametrize("strategy", ["ordinary", "tainted", "strangers", "tokens", "poison"])
def test_each_gets_n_transfers_within_the_budget(chain, strategy, n):
    sent = dust(chain, RECEIVERS, strategy, n)
    assert sent.groupby("receiver").size().to_dict() == dict.fromkeys(RECEIVERS, n)
    assert sent["timestamp"].between(AS_OF - pd.Timedelta(days=DAYS), AS_OF, inclusive="neither").all()
    worth = sent.groupby("receiver")["amount"].sum()
    assert worth["0xaa"] == pytest.approx(0 if strategy == "poison" else BUDGET * 50)
    assert worth["0xbb"] == 0  # it had received nothing
    assert set(sent["asset"]) == {"UNASKED" if strategy == "tokens" else "ETH"}
    senders = {"tainted": 1, "ordinary": 1, "tokens": 1, "strangers": 2 * n, "poison": 2 * n}
    assert sent["sender"].nunique() == senders[strategy]
    assert (set(sent["sender"]) == {"0xdd"}) == (strategy == "tainted")


def test_moves_tell_raised_from_cleared():
    before = pd.DataFrame({"score": [0.9, 0.8, 0.1, 0.2], "band": list("hhnn"), "flagged": [True, True, False, False]})
    after = pd.DataFrame({"score": [0.5, 0.8, 0.7, 0.2], "band": list("mhhn"), "flagged": [False, True, True, False]})
    moves = dusting._moves(before, after)
    assert (moves["cleared"], moves["raised"], moves["other_band"]) == (0.5, 0.5, 0.5)
    assert (moves["up"], moves["down"]) == (pytest.approx(0.6), pytest.approx(0.4))


def test_recall_is_at_the_score_that_so_many_honest_wallets_exceed():
    score = np.array([0.9, 0.6, 0.2, *np.linspace(0.0, 0.7, 100)])
    guilty = np.array([True] * 3 + [False] * 100)
    assert dusting._recall(score, guilty, ~guilty) == {
        "recall at 1%": pytest.approx(1 / 3),
        "recall at 5%": pytest.approx(1 / 3),
    }
