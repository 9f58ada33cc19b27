"""A ledger's digest: the same for the same transfers wherever they come from, another for any other transfer, asset or label."""

import pandas as pd
from samples.small_ledger import transfers_from_rows

from walletprint.features.exposure import with_attribution
from walletprint.features.labels import read_labels
from walletprint.features.ledger.digest import ledger_digest
from walletprint.features.ledger.ledger import Ledger


def transfers(**columns) -> pd.DataFrame:
    return transfers_from_rows([("2021-01-01", "a", "b", 1.0), ("2021-01-02", "b", "c", 2.0)]).assign(**columns)


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
