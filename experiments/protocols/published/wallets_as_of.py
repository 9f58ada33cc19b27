"""What is known of Elliptic++'s wallets as of a step: put together from the transactions they were in up to it. Fits nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ....features.base.errors import DataError
from .. import input_files as files

SOURCE = "git-disl/EllipticPlusPlus"
SENT, RECEIVED, TRANSACTIONS, TX_CLASSES = (
    "AddrTx_edgelist.csv",
    "TxAddr_edgelist.csv",
    "txs_features.csv",
    "txs_classes.csv",
)
FILES = (SENT, RECEIVED, TRANSACTIONS, TX_CLASSES)
CODES = {"1": 1, "2": 0, "3": -1}
STEP = "Time step"
ANONYMOUS = ("Local_feature_", "Aggregate_feature_")
ROLES = ("sender", "receiver")
HOW = ("mean", "max")


@dataclass(frozen=True)
class History:
    """Transactions, and who was in them.

    Attributes:
        transactions: features by txId, their steps, and 1 illicit, 0 licit, −1 unknown.
        members: [address, txId, role, step], one row per wallet's part in a transaction.
        labels: 1, 0 or −1 by address.
    """

    transactions: tuple[files.Frame, np.ndarray, np.ndarray]
    members: files.Frame
    labels: files.Frame

    def as_of(self, wait: int) -> tuple[files.Frame, np.ndarray, np.ndarray]:
        """Wallets as of `wait` steps after their first one, that step included.

        Returns:
            Features by address (sorted), the first step of each, and its label: 1, 0 or −1.
        """
        seen, first = self._seen(wait)
        amounts = self.transactions[0]
        named = [name for name in amounts.columns if not name.startswith(ANONYMOUS)]
        parts: list[files.Frame] = [seen.groupby("address")["step"].nunique().rename("steps")]
        for role in ROLES:
            own = seen[seen["role"] == role]
            grouped = own.groupby("address")
            parts.append(grouped["txId"].nunique().reindex(first.index, fill_value=0).rename(f"transactions_as_{role}"))
            values = amounts.loc[own["txId"].to_numpy(), named].set_axis(own["address"].to_numpy()).groupby(level=0)
            parts += [values.agg(how).add_prefix(f"{how}_as_{role}_") for how in HOW]
        X = pd.concat(parts, axis=1).reindex(first.index).astype(float)
        return X, first.to_numpy(), self.labels.reindex(first.index).fillna(-1).to_numpy(np.int64)

    def projected(self, score: pd.Series, wait: int) -> pd.DataFrame:
        """The highest and the mean score of the transactions that a wallet was in by then, by address (sorted)."""
        seen, first = self._seen(wait)
        once = seen.drop_duplicates(["address", "txId"])
        scores = score.loc[once["txId"].to_numpy()].set_axis(once["address"].to_numpy()).groupby(level=0)
        return pd.DataFrame({"worst": scores.max(), "mean": scores.mean()}).reindex(first.index)

    def _seen(self, wait: int) -> tuple[files.Frame, files.Frame]:
        first: files.Frame = self.members.groupby("address", sort=True)["step"].min()
        return self.members[self.members["step"] <= self.members["address"].map(first) + wait], first


def read_history(data: Path, labels: files.Frame) -> History:
    """Read the transactions and who was in them.

    Args:
        data: the folder.
        labels: 1, 0 or −1 by address.

    Raises:
        DataError: if a file is missing or not as published.
    """
    path = files.find(data, TRANSACTIONS, SOURCE)
    X = files.read_csv(path, {"txId": files.WHOLE, STEP: files.WHOLE}, SOURCE, rest=files.NUMBER).set_index("txId")
    if X.index.has_duplicates:
        twice = X.index[X.index.duplicated()][0]
        raise DataError(f"{path}: column 'txId': {twice} comes twice; give the file as published ({SOURCE})")
    step = X.pop(STEP)
    members = pd.concat([_members(data, name, role) for name, role in ((SENT, "sender"), (RECEIVED, "receiver"))])
    members["step"] = members["txId"].map(step)
    _check_known(data, members)
    members["step"] = members["step"].astype("int64")
    classes = files.find(data, TX_CLASSES, SOURCE)
    known = files.read_csv(classes, {"txId": files.WHOLE, "class": files.TEXT}, SOURCE).drop_duplicates("txId")
    y = pd.Series(files.outcomes(classes, known["class"], CODES), index=known["txId"]).reindex(X.index).fillna(-1)
    return History((X, step.to_numpy(), y.to_numpy(np.int64)), members.reset_index(drop=True), labels)


def _members(data: Path, name: str, role: str) -> pd.DataFrame:
    address = {"sender": "input_address", "receiver": "output_address"}[role]
    types = {address: files.TEXT, "txId": files.WHOLE}
    table = files.read_csv(files.find(data, name, SOURCE), types, SOURCE)
    return table.rename(columns={address: "address"}).assign(role=role)


def _check_known(data: Path, members: files.Frame) -> None:
    unknown: Sequence[int] = members["txId"][members["step"].isna()].tolist()
    if unknown:
        raise DataError(
            f"{data}: {SENT} and {RECEIVED} name {len(unknown)} transactions that {TRANSACTIONS} has not, "
            f"the first {unknown[0]}; give all files of one release"
        )
