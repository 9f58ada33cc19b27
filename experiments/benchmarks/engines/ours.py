"""walletprint in the comparison: the 36 features, the whole catalogue, and the 36 from a file that was never ingested."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from ....features import Ledger, extract, snapshots_of
from ....features.transfers import REQUIRED
from .columns import ALL_HISTORY, AS_OF, COLUMNS, LAST_MONTH, SUFFIX

_SEEN = "activity__age__days"  # of no wallet that has not moved before the date


def chosen(path: Path) -> pd.DataFrame:
    """The 36 features of every wallet with a transfer before the date."""
    return _chosen(path)


def chosen_unchecked(path: Path) -> pd.DataFrame:
    """The same from a table that does not say it is checked: every row is validated and looked up among the others first."""
    return _chosen(pq.read_table(path, columns=[*REQUIRED, "tx_id"]).replace_schema_metadata(None))


def whole(path: Path) -> pd.DataFrame:
    """Every feature of the catalogue."""
    ledger = Ledger.from_transfers(path)
    vectors = extract(ledger, snapshots_of(ledger.addresses, AS_OF))
    return vectors.loc[vectors[_SEEN].notna()]


def _chosen(transfers: Any) -> pd.DataFrame:
    ledger = Ledger.from_transfers(transfers)
    wallets = snapshots_of(ledger.addresses, AS_OF)
    vectors = extract(ledger, wallets, features=ALL_HISTORY)
    month = extract(ledger, wallets, window="30d", features=LAST_MONTH)
    for name in LAST_MONTH:
        vectors[name + SUFFIX] = month[name]
    return vectors.loc[vectors[_SEEN].notna(), list(COLUMNS)]
