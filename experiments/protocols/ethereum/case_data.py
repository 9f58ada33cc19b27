"""Wallets of known thefts, with histories, among ordinary ones: what the protocol `leave-one-case-out` reads. Fits nothing.

Histories come from four public collections that tell different things of a transfer (tokens, fees and failed calls are in
some and not in others), so only what all of them have is kept: time, both ends and a positive amount of ether. Otherwise a
model would learn which collection a wallet comes from.

Of three thefts there are verified flows and no histories: what is listed of a wallet there is what it did with the loot
(`view` flows). Two of them fall after the last history; their times are moved back by whole years of 52 weeks, which leaves
hour and weekday as they were.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ....features import Ledger, catalogue
from ....features.base.errors import DataError

WALLETS, HEISTS, LISTS, FLOWS = (
    "ethereum_wallets",
    "ethereum_heist_wallets",
    "ethereum_theft_txlists",
    "ethereum_theft_flows",
)
ACCOUNTS = "ethereumheist/account_labels.parquet"
CASES = "tags/theft_cases.csv"
CASE_FILES = (f"{WALLETS}/*", f"{HEISTS}/*", f"{LISTS}/*", f"{FLOWS}/*", ACCOUNTS, CASES)
"""All files that `load_cases` reads, for the declaration of a protocol."""
MOVED_WEEKS = {"harmony_horizon_2022": 52, "vault_phishing_54m_2024": 104}
STATE = {"upbit_2019": "Lazarus Group", "kucoin_2020": "Lazarus Group", "harmony_horizon_2022": "Lazarus Group"}
DISPUTED = ("cryptopia_2019",)
SMALL = "small_thefts_2019_21"  # Bitpoint, Lendf.Me, TokenStore, PlusToken: one to three wallets each with a history
_SMALL_EVENTS = ("Bitpoint Hack", "Lendf.Me Hack", "TokenStore Rug Pull", "PlusToken Rug Pull")
_COLUMNS = ["list", "wallet", "timestamp", "sender", "receiver", "amount"]


@dataclass(frozen=True)
class CaseData:
    """Transfers and labels of all collections.

    Attributes:
        ledger: every transfer once.
        labels: [address, category, actor, case, source], as `training.read_labels` gives them.
        native: the transfers of the wallets' lists alone, [timestamp, sender, receiver, amount].
        views: `histories` or `flows` by case: what is known of its wallets.
    """

    ledger: Ledger
    labels: Any
    native: Any
    views: dict[str, str]


def load_cases(data: Path) -> CaseData:
    """Read the collections in the folder `data`.

    Raises:
        DataError: if a file or column is missing.
    """
    lists = wallet_lists(data)
    flows = _flows(data)
    labels = _labels(data, set(lists["wallet"]))
    native = transfers_once(lists)
    both = [native.assign(asset="ETH"), flows[native.columns].assign(asset="USD")]
    transfers = pd.concat(both, ignore_index=True)
    views = {case: "flows" if case in set(flows["case"]) else "histories" for case in labels["case"].dropna().unique()}
    return CaseData(Ledger.from_transfers(transfers.assign(tx_id=None)), labels, native, views)


def comparable_features() -> list[str]:
    """The era-safe features of a wallet's own transfers alone: others depend on whose histories were collected."""
    return [feature.name for feature in catalogue() if feature.era_safe and not feature.needs]


def wallet_lists(data: Path) -> Any:
    """Lists of wallets' transactions: [list, wallet, timestamp, sender, receiver, amount]; a wallet in two has its first."""
    tables = [
        listed(data / WALLETS / "normal_txs.parquet"),
        listed(data / HEISTS / "transactions.parquet"),
        listed(data / LISTS / "txlists.parquet"),
    ]
    table = pd.concat(tables, ignore_index=True)
    first = table.groupby("wallet")["list"].transform("first")
    return table[table["list"] == first].reset_index(drop=True)


def transfers_once(lists: Any) -> Any:
    """Transfers that several lists hold, each once: what agrees in moment, ends and amount counts as often as one list has it."""
    same = ["timestamp", "sender", "receiver", "amount"]
    nth = lists.groupby(["list", "wallet", *same], sort=False).cumcount()
    return lists.assign(nth=nth).drop_duplicates([*same, "nth"])[same].reset_index(drop=True)


def listed(path: Path) -> Any:
    """One file of wallets' lists, [list, wallet, timestamp, sender, receiver, amount]: ether that moved, no failed calls.

    Raises:
        DataError: if the file or a column is missing.
    """
    columns = ["wallet", "timeStamp", "from", "to", "value_eth", "isError"]
    table = read_table(path, columns)
    table = table[(table["isError"].astype("str") != "1") & table["value_eth"].gt(0)].dropna(subset=["from", "to"])
    timestamp = pd.to_datetime(table["timeStamp"].astype("int64"), unit="s", utc=True)
    ends = {name: table[name].str.lower() for name in ("wallet", "from", "to")}
    # Lists of whole ether lost digits beyond the fifteenth in different places.
    return pd.DataFrame({
        "list": path.parent.name, "wallet": ends["wallet"], "timestamp": timestamp,
        "sender": ends["from"], "receiver": ends["to"], "amount": table["value_eth"].round(12),
    })[lambda found: found["amount"] > 0]  # fmt: skip


def _flows(data: Path) -> Any:
    table = read_table(data / FLOWS / "transfers.csv", ["case", "Timestamp", "From", "To", "Value_in_USD"])
    weeks = table["case"].map(MOVED_WEEKS).fillna(0)
    timestamp = pd.to_datetime(table["Timestamp"], utc=True) - pd.to_timedelta(7 * weeks, unit="D")
    found = pd.DataFrame({
        "case": table["case"], "timestamp": timestamp, "sender": table["From"].str.lower(),
        "receiver": table["To"].str.lower(), "amount": table["Value_in_USD"],
    })  # fmt: skip
    return found[found["amount"] > 0]


def _labels(data: Path, listed: set[str]) -> Any:
    parts = [_wallets(data), _heists(data), _roles(data), _small(data, listed), _flow_roles(data)]
    labels: Any = pd.concat(parts, ignore_index=True)
    labels["address"] = labels["address"].str.lower()
    labels["actor"] = labels["case"].map(STATE)
    # A wallet of a theft is of that theft, no matter what else a list of phishers says of it.
    labels = labels.sort_values(["case", "address"], na_position="last", kind="stable").drop_duplicates("address")
    unknown = pd.Series(pd.NaT, index=labels.index, dtype="datetime64[us, UTC]")
    return labels.assign(known_from=unknown).reset_index(drop=True)


def _marked(addresses: Any, category: str, case: str | None, source: str) -> pd.DataFrame:
    frame = pd.DataFrame({"address": list(addresses)})
    return frame.assign(category=category, case=pd.Series(case, index=frame.index, dtype="str"), source=source)


def _wallets(data: Path) -> pd.DataFrame:
    table = read_table(data / WALLETS / "labels.csv", ["address", "label"])
    sides = [(1, "phishing"), (0, "licit")]
    return pd.concat([_marked(table.loc[table["label"] == y, "address"], name, None, WALLETS) for y, name in sides])


def _heists(data: Path) -> pd.DataFrame:
    """The wallets of the Upbit theft and Ponzi contracts; the collection's ordinary wallets are rich ones that amounts alone
    tell apart, and its phishing wallets are in the other collection."""
    table = read_table(data / HEISTS / "labels.csv", ["address", "category", "event", "ethereumheist_case"])
    upbit = table.loc[table["event"] == "Upbit Hack", "address"]
    cryptopia = table.loc[
        (table["category"] == "hack") & (table["ethereumheist_case"] == "CryptopiaHacker") & table["event"].isna(),
        "address",
    ]
    return pd.concat([
        _marked(upbit, "state_linked", "upbit_2019", HEISTS), _marked(cryptopia, "theft", "cryptopia_2019", HEISTS),
        _marked(table.loc[table["category"] == "ponzi", "address"], "ponzi", None, HEISTS),
    ])  # fmt: skip


def _roles(data: Path) -> pd.DataFrame:
    """Wallets near the two thefts with a history. A hop away is no proof: of Cryptopia those that the larger list of accounts
    calls heist; of KuCoin, which that list does not cover, the thief and two hops, without the mixer."""
    table = read_table(
        data / LISTS / "wallet_roles_by_hop.csv", ["case", "address", "has_full_txlist", "etherscan_labels"]
    )
    accounts = read_table(data / ACCOUNTS, ["case", "address", "label"])
    heist = set(
        accounts.loc[(accounts["case"] == "CryptopiaHacker") & (accounts["label"] == "heist"), "address"].str.lower()
    )
    known = table["etherscan_labels"].fillna("").str.contains("tornado|dex")
    usable = table[table["has_full_txlist"].astype("str").str.lower().eq("true") & ~known]
    kucoin = usable.loc[usable["case"] == "kucoin_2020", "address"]
    cryptopia = usable.loc[(usable["case"] == "cryptopia_2019") & usable["address"].str.lower().isin(heist), "address"]
    return pd.concat([
        _marked(kucoin, "state_linked", "kucoin_2020", LISTS), _marked(cryptopia, "theft", "cryptopia_2019", LISTS)
    ])  # fmt: skip


def _small(data: Path, listed: set[str]) -> pd.DataFrame:
    table = read_table(data / CASES, ["case", "address", "net"])
    address = table["address"].str.lower()
    chosen = table["case"].isin(_SMALL_EVENTS) & (table["net"] == "eth") & address.isin(listed)
    return _marked(address[chosen].drop_duplicates(), "theft", SMALL, "theft_cases")


def _flow_roles(data: Path) -> pd.DataFrame:
    table = read_table(data / FLOWS / "addresses.csv", ["case", "address", "role"])
    moved = table[table["role"].isin(["source", "intermediate"])]
    parts = [
        _marked(group["address"], "state_linked" if case in STATE else "laundering", str(case), FLOWS)
        for case, group in moved.groupby("case")
    ]
    return pd.concat(parts)


def read_table(path: Path, columns: Iterable[str]) -> Any:
    """Some columns of a CSV or Parquet file.

    Raises:
        DataError: if the file or a column is missing.
    """
    columns = list(columns)
    if not path.is_file():
        raise DataError(f"{path}: no such file; give the folder that holds it with --data")
    try:
        read: Any = pd.read_parquet if path.suffix == ".parquet" else pd.read_csv
        return read(path, columns=columns) if path.suffix == ".parquet" else read(path, usecols=columns)
    except (ValueError, KeyError, OSError) as error:
        raise DataError(f"{path}: columns {', '.join(columns)} are needed ({' '.join(str(error).split())})") from None
