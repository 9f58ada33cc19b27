"""walletprint in the comparison: the 36 features, the whole catalogue, and the 36 from a file that was never ingested."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from ....features import Ledger, coverage, extract, snapshots_of
from ....features.transfers.schema import REQUIRED
from .columns import ALL_HISTORY, AS_OF, COLUMNS, LAST_MONTH, SUFFIX

AT_ONCE = 200_000


def chosen(path: Path) -> pd.DataFrame:
    """The 36 features of every wallet with a transfer before the date."""
    return _chosen(path)


def chosen_unchecked(path: Path) -> pd.DataFrame:
    """The same from a table that does not say it is checked: every row is validated and looked up among the others first."""
    return _chosen(pq.read_table(path, columns=[*REQUIRED, "tx_id"]).replace_schema_metadata(None))


def whole(path: Path) -> Iterator[pd.DataFrame]:
    """Every feature of the catalogue, some wallets after others, as a batch job takes and writes them."""
    yield from in_pieces(Ledger.from_transfers(path))


def in_pieces(ledger: Ledger) -> Iterator[pd.DataFrame]:
    """Every feature of `AT_ONCE` wallets after others."""
    wallets = _wallets(ledger)
    for start in range(0, len(wallets), AT_ONCE):
        yield extract(ledger, wallets.iloc[start : start + AT_ONCE])


def _chosen(transfers: Any) -> pd.DataFrame:
    ledger = Ledger.from_transfers(transfers)
    wallets = _wallets(ledger)
    vectors = extract(ledger, wallets, features=ALL_HISTORY)
    month = extract(ledger, wallets, window="30d", features=LAST_MONTH)
    for name in LAST_MONTH:
        vectors[name + SUFFIX] = month[name]
    return vectors.loc[:, list(COLUMNS)]


def _wallets(ledger: Ledger) -> pd.DataFrame:
    """The snapshots of all wallets that had a transfer before the date."""
    every = snapshots_of(ledger.addresses, AS_OF)
    seen = coverage(ledger, every)["transfers"].to_numpy() > 0
    return pd.DataFrame(every.loc[seen])
