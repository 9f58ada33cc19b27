"""A ledger's digest: the same for the same transfers wherever they come from, another for any other transfer, asset or label."""

import pandas as pd

from walletprint.features.exposure import with_attribution
from walletprint.features.labels import read_labels
from walletprint.features.ledger.digest import ledger_digest
from walletprint.features.ledger.ledger import Ledger


def transfers(**columns) -> pd.DataFrame:
    times = pd.to_datetime(["2021-01-01", "2021-01-02"], utc=True)
    frame = pd.DataFrame({"timestamp": times, "sender": ["a", "b"], "receiver": ["b", "c"], "amount": [1.0, 2.0]})
    return frame.assign(**{"asset": "ETH", "tx_id": ["t1", "t2"]} | columns)


def test_the_same_transfers_have_the_same_digest_and_others_another(tmp_path):
    transfers().to_csv(tmp_path / "t.csv", index=False)
    ledger = Ledger.from_transfers(transfers())
    assert ledger_digest(Ledger.from_transfers(str(tmp_path / "t.csv"))) == ledger_digest(ledger)
    others = [{"amount": [1.0, 3.0]}, {"asset": "DAI"}, {"receiver": ["b", "d"]}]
    (tmp_path / "l.csv").write_text("address,category,known_from\nb,mixer,2020-01-01\n")
    labels = read_labels(tmp_path / "l.csv").good
    digests = [ledger_digest(Ledger.from_transfers(transfers(**other))) for other in others]
    digests += [ledger_digest(ledger), ledger_digest(with_attribution(ledger, labels))]
    assert len(set(digests)) == 5
