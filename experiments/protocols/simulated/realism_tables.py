"""Wallets' own lists of transfers in one form, whether real or simulated, and the halves they are cut into. Measures nothing.

A table has a row for each transfer of each wallet: [wallet, t, out, other, amount], times in unix seconds, ether alone, no failed
calls and no transfers that a contract sends (lists of transactions do not hold what contracts send).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ....features.base.arrow import pc
from ....training.data.snapshots import unit_hash
from ..ethereum.case_data import HEISTS, WALLETS, listed, read_table
from ..input_files import Frame

FIT, JUDGE = 0, 1
LICIT, PHISHING, UPBIT = "licit", "phishing", "upbit"
CONTRACTS = (
    "dex", "mixer", "casino", "vault", "staking", "nft_market", "bridge", "launch_pool", "nft", "token",
)  # fmt: skip
"""Populations of a simulated chain that send what lists of transactions do not show."""


def half(wallets: pd.Series) -> np.ndarray:
    """FIT or JUDGE for each address, by its hash; (rows,)."""
    return (unit_hash(wallets, "realism") < 0.5).astype(int)


def real_lists(data: Path) -> dict[str, Frame]:
    """Transfers of the public lists' wallets by population: `licit`, `phishing`, and `upbit`, which laundered one theft.

    Raises:
        DataError: if a file or column is missing.
    """
    labels = read_table(data / WALLETS / "labels.csv", ["address", "label"])
    transfers = own_rows(listed(data / WALLETS / "normal_txs.parquet"))
    address = labels["address"].str.lower()
    found = {
        name: transfers[transfers["wallet"].isin(address[labels["label"] == y])]
        for name, y in ((LICIT, 0), (PHISHING, 1))
    }
    heists = read_table(data / HEISTS / "labels.csv", ["address", "event"])
    upbit = heists.loc[heists["event"] == "Upbit Hack", "address"].str.lower()
    others = own_rows(listed(data / HEISTS / "transactions.parquet"))
    return found | {UPBIT: others[others["wallet"].isin(upbit)]}


def own_rows(lists: Frame) -> Frame:
    """A table from lists [wallet, timestamp, sender, receiver, amount]; transfers to oneself are left out."""
    out = lists["sender"] == lists["wallet"]
    other = lists["receiver"].where(out, lists["sender"])
    table = pd.DataFrame({
        "wallet": lists["wallet"], "t": lists["timestamp"].astype("datetime64[s, UTC]").astype("int64"),
        "out": out, "other": other, "amount": lists["amount"],
    })  # fmt: skip
    return table[lists["sender"] != lists["receiver"]].reset_index(drop=True)


def simulated_rows(transfers: Path, truth: Frame) -> Frame:
    """Canonical transfers [timestamp, sender, receiver, amount] of a simulated chain as public lists would show them.

    Args:
        transfers: its file.
        truth: `address` and `population` of its wallets.
    """
    seen = (pc.field("asset") == "ETH") & ~pc.field("failed") & (pc.field("amount") > 0)
    columns = ["timestamp", "sender", "receiver", "amount"]
    rows = pq.read_table(transfers, filters=seen, columns=columns).to_pandas()
    contracts = set(truth.loc[truth["population"].isin(CONTRACTS), "address"])
    return rows[~rows["sender"].isin(contracts)].reset_index(drop=True)


def simulated_lists(rows: Frame, truth: Frame, chosen: pd.Series) -> Frame:
    """A table of the wallets for which `chosen`, a mask by row of `truth`, is true."""
    addresses = truth.loc[chosen, "address"]
    sent, received = (rows[rows[end].isin(addresses)] for end in ("sender", "receiver"))
    both = [sent.assign(wallet=sent["sender"]), received.assign(wallet=received["receiver"])]
    return own_rows(pd.concat(both, ignore_index=True))
