"""The collections that the protocols on whole thefts read, made up small, in the layouts as published.

Ordinary wallets receive and spend now and then; a theft's wallets receive once and pass all on within the hour.
"""

from pathlib import Path

import numpy as np
import pandas as pd

LIST = ["wallet", "hash", "timeStamp", "from", "to", "value_eth", "isError"]
EXCHANGE = "0x" + "e" * 40
VICTIMS, ORDINARY, PHISHERS, THEFT = 40, 60, 20, 15
_KUCOIN_MIXER = "0x" + "c" * 40


def address(kind: str, number: int) -> str:
    """A made-up address, another for each kind and number."""
    return f"0x{kind.encode().hex()}{number:x}".ljust(42, "0")


def write_collections(folder: Path, seed: int = 1) -> Path:
    """Write all files that `case_data.load_cases` and the protocol `hard-negatives` read."""
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2020-01-05", tz="UTC")
    ordinary = [address("licit", i) for i in range(ORDINARY)]
    phishers = [address("phish", i) for i in range(PHISHERS)]
    rows = [row for wallet in ordinary for row in _ordinary(wallet, rng)]
    rows += [row for i, wallet in enumerate(phishers) for row in _phisher(wallet, i, rng)]
    _save(folder / "ethereum_wallets/normal_txs.parquet", pd.DataFrame(rows, columns=LIST))
    labels = {"address": [*ordinary, *phishers], "label": [0] * len(ordinary) + [1] * len(phishers)}
    _save(folder / "ethereum_wallets/labels.csv", pd.DataFrame(labels))
    _heists(folder, day, rng)
    _lists(folder, day, rng)
    _flows(folder, rng)
    _tags(folder)
    return folder


def _at(moment: pd.Timestamp, hours: float) -> int:
    return int((moment + pd.Timedelta(hours=hours)).timestamp())


def _row(wallet: str, when: int, sender: str, receiver: str, amount: float, error: str = "0") -> list:
    return [wallet, None, when, sender, receiver, amount, error]


def _ordinary(wallet: str, rng: np.random.Generator) -> list:
    start = pd.Timestamp("2019-10-03", tz="UTC")
    rows = []
    for hour in np.sort(rng.uniform(0, 24 * 900, 40)):
        other, amount = address("shop", int(rng.integers(30))), float(rng.uniform(0.1, 2))
        ends = (wallet, other) if rng.random() < 0.5 else (EXCHANGE, wallet)
        rows.append(_row(wallet, _at(start, hour), *ends, amount))
    return rows


def _phisher(wallet: str, number: int, rng: np.random.Generator) -> list:
    start = pd.Timestamp("2020-01-02", tz="UTC") + pd.Timedelta(days=40 * number)
    paid = [
        _row(wallet, _at(start, h), address("victim", (3 * number + h) % VICTIMS), wallet, float(rng.uniform(0.5, 3)))
        for h in range(6)
    ]
    return [*paid, _row(wallet, _at(start, 9), wallet, address("cash", number), 4.0)]


def _passed_on(wallet: str, source: str, when: pd.Timestamp, number: int, rng: np.random.Generator) -> list:
    amount = float(rng.uniform(40, 60))
    rows = [_row(wallet, _at(when, number), source, wallet, amount)]
    return rows + [
        _row(wallet, _at(when, number + 0.2 * k), wallet, address("next", 3 * number + k), amount / 3)
        for k in (1, 2, 3)
    ]


def _heists(folder: Path, day: pd.Timestamp, rng: np.random.Generator) -> None:
    upbit = [address("upbit", i) for i in range(THEFT)]
    rows = [row for i, wallet in enumerate(upbit) for row in _passed_on(wallet, address("thief", 0), day, i, rng)]
    rows.append(_row(upbit[0], _at(day, 50), upbit[0], "0xfailed", 1.0, error="1"))
    _save(folder / "ethereum_heist_wallets/transactions.parquet", pd.DataFrame(rows, columns=LIST))
    labels = pd.DataFrame(
        {"address": upbit, "category": "hack", "event": "Upbit Hack", "ethereumheist_case": "UpbitHack"}
    )
    more = {"address": [address("ponzi", 0)], "category": ["ponzi"], "event": [None], "ethereumheist_case": [None]}
    _save(folder / "ethereum_heist_wallets/labels.csv", pd.concat([labels, pd.DataFrame(more)]))


def _lists(folder: Path, day: pd.Timestamp, rng: np.random.Generator) -> None:
    """Cryptopia: five wallets that the larger list calls heist, one that it does not; KuCoin: three and the mixer."""
    later = day + pd.Timedelta(days=200)
    wallets = {
        "cryptopia_2019": [address("crypt", i) for i in range(6)],
        "kucoin_2020": [address("kuco", i) for i in range(3)],
    }
    rows = [
        row
        for case, names in wallets.items()
        for i, wallet in enumerate(names)
        for row in _passed_on(wallet, address(case[:4], 9), later, i, rng)
    ]
    _save(folder / "ethereum_theft_txlists/txlists.parquet", pd.DataFrame(rows, columns=LIST))
    roles = [(case, wallet, 1, True, None) for case, names in wallets.items() for wallet in names]
    roles.append(("kucoin_2020", _KUCOIN_MIXER, 2, True, "tornado-cash"))
    columns = ["case", "address", "hops_from_exploiter", "has_full_txlist", "etherscan_labels"]
    _save(folder / "ethereum_theft_txlists/wallet_roles_by_hop.csv", pd.DataFrame(roles, columns=columns))
    heist = pd.DataFrame({"case": "CryptopiaHacker", "address": wallets["cryptopia_2019"][:5], "label": "heist"})
    _save(folder / "ethereumheist/account_labels.parquet", heist)


def _flows(folder: Path, rng: np.random.Generator) -> None:
    """Harmony, three years after: twelve wallets that pass on, and a terminal."""
    start = pd.Timestamp("2022-12-01")
    rows, roles = [], [("harmony_horizon_2022", address("term", 0), "terminal")]
    for i in range(12):
        wallet, amount = address("harm", i), float(rng.uniform(1e4, 1e5))
        roles.append(("harmony_horizon_2022", wallet, "intermediate"))
        ends = [
            (address("src", 0), wallet, amount, 0.0),
            (wallet, address("term", 0), amount / 2, 0.3),
            (wallet, address("term", 1), amount / 2, 0.5),
        ]
        rows += [("harmony_horizon_2022", start + pd.Timedelta(hours=i + h), a, b, usd) for a, b, usd, h in ends]
    table = pd.DataFrame(rows, columns=["case", "Timestamp", "From", "To", "Value_in_USD"])
    _save(folder / "ethereum_theft_flows/transfers.csv", table)
    _save(folder / "ethereum_theft_flows/addresses.csv", pd.DataFrame(roles, columns=["case", "address", "role"]))


def _tags(folder: Path) -> None:
    cases = pd.DataFrame(
        {"case": ["Bitpoint Hack", "Poly"], "address": [address("crypt", 5), address("poly", 0)], "net": ["eth", "bsc"]}
    )
    _save(folder / "tags/theft_cases.csv", cases)
    tags = pd.DataFrame({
        "address": [EXCHANGE, *(address("shop", i) for i in range(30))], "category": ["exchange"] + ["dex"] * 30,
    })  # fmt: skip
    _save(folder / "tags/services.csv", tags)


def _save(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
