"""Thefts followed on real lists and on a simulated decade: what of the truth a trace finds, and how much else.

Real: Upbit 2019 seeded from the thief alone, against labelled launderers; Harmony 2023 from its sources, against verified flows.
Simulated: the case ledger against what is true (`traced_decade`). Nothing here is chosen to fit.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from ....features import Ledger
from ....features.base.errors import DataError
from ....features.cases import Case, Trace, trace
from ....features.cases.read import read_cases
from ....features.labels import SERVICES, read_labels
from ...protocols.ethereum.case_data import transfers_once
from ...protocols.report import RESULTS, write_report
from .traced_decade import decade

UPBIT_DAY, UPBIT_TAG = "2019-11-27", "Upbit Hacker 1"
HARMONY = "harmony_horizon_2022"
DENSEFLOW = {"trace": "DenseFlow (published)", "precision": 0.699, "recall": 0.014}
MOSTLY = 0.5
DAYS = (1, 2, 3, 7, 14, 30, 60, 90, 180, 365)
INTRO = """\
**Upbit** (342,000 ETH on 2019-11-27; `ethereum_heist_wallets`, lists of 3,853 wallets, 813 of them launderers of this
theft): one seed, the thief, the wallet that Etherscan tags `Upbit Hacker 1`; of the wallets labelled hack it also received
most that day. Haircut over all transfers of the lists to their end, with no services known, and with the services of public
labels known in hindsight (undated labels taken as always known: this measures tracing, and is no feature). Failed transfers
left out; a transfer in two lists counts once. A wallet counts as reached with any taint, and beside it with half of all
that it received tainted or more (mostly loot). `precision of the listed`: of reached wallets that the lists label at all,
how many are launderers of this theft (the others are normal, phishing, Ponzi or of other thefts). `precision at least`: of
all reached that are no known service, with every wallet that nobody labels counted as wrong. Recall is of the 813 labelled.
*EthereumHeist* is the larger list of accounts of the same theft that DenseFlow is measured on (accounts labelled `heist`).
DenseFlow's published figures stand beside; they were measured on a download of the whole neighbourhood, ours on the lists
of 3,853 wallets, so that accounts of that list which no wallet of ours dealt with cannot be reached. That cuts both ways:
the lists are for the most part histories of the launderers themselves, and of strangers they hold few, so that precision is
flattered.

**Harmony** (`ethereum_theft_flows`): the listed sources as seeds, the money in USD as listed, in one ledger with the two
other thefts of the table. The list holds flows that people verified and no bystanders, so only recall means something:
which listed edges and terminals a haircut in order of time comes through. An edge is missed where money leaves a wallet
before, in the list, it came in.

**A simulated decade**: 49 thefts over eleven years on two chains (scenario `decade`), the list of cases with seeds
and the label list as the public would have them; loot is followed to the bridge and not over it, so truth is that of the
first chain. `off` is the difference in points of what was stolen: traced less true. What a mixer hides bounds the truth: it
lies between what is traced and that and all that went into mixers."""


def main(
    data: Annotated[
        Path, typer.Option(help="The folder with ethereum_heist_wallets, ethereum_theft_flows and ethereumheist.")
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Labels (`walletprint labels build`) that say which wallets are services; none if not given."
        ),
    ] = None,
    results: Annotated[Path, typer.Option(help="Where the tables go.")] = RESULTS,
    folder: Annotated[Path, typer.Option(help="Where the simulated decade is made, or lies already.")] = Path("decade"),
) -> None:
    """Run the benchmark and write its tables."""
    tables = upbit(data, labels) | harmony(data) | decade(folder)
    command = (
        "python -m walletprint.experiments.benchmarks.detection.traced_thefts --data FOLDER --labels labels.parquet"
    )
    typer.echo(write_report("traced-thefts", command, INTRO, tables, results).read_text())


def upbit(data: Path, labels: Path | None) -> dict[str, pd.DataFrame]:
    """Tables of the Upbit theft: overall beside DenseFlow, per hop, per day."""
    folder = data / "ethereum_heist_wallets"
    listed = _table(folder / "labels.csv").assign(address=lambda table: table["address"].str.lower())
    accounts = _table(data / "ethereumheist" / "account_labels.parquet")
    heist = set(accounts.loc[(accounts["case"] == "UpbitHack") & (accounts["label"] == "heist"), "address"].str.lower())
    ledger = Ledger.from_transfers(etherscan_list(_table(folder / "transactions.parquet")))
    case = Case("upbit", (thief(listed),), (int(datetime.fromisoformat(UPBIT_DAY).replace(tzinfo=UTC).timestamp()),))
    ways: dict[str, Any] = {"no services known": None}
    if labels is not None:
        ways["services known"] = in_hindsight(read_labels(labels).good)
    overall, hops, days = [], [], []
    for name, known in ways.items():
        found = trace(ledger, case, known)
        reached = reached_wallets(found)
        overall += _overall(name, reached, listed, heist, ledger)
        hops.append(_by_hop(reached, listed, heist).assign(trace=name))
        days.append(_by_day(reached, listed).assign(trace=name))
    overall.append({**DENSEFLOW, "against": "EthereumHeist"})
    return {
        "Upbit: all that is reached": pd.DataFrame(overall),
        "Upbit: per hop (cumulative recall)": _trace_first(pd.concat(hops)),
        "Upbit: per day since the theft (cumulative)": _trace_first(pd.concat(days)),
    }


def _trace_first(table: Any) -> Any:
    return table[["trace", *table.columns.drop("trace")]]


def thief(listed: Any) -> str:
    """The address that the list tags as the thief."""
    found = listed.loc[listed["etherscan_tag"] == UPBIT_TAG, "address"]
    if len(found) != 1:
        raise DataError(f"labels.csv: one wallet tagged {UPBIT_TAG} is needed, {len(found)} came")
    return str(found.iloc[0])


def etherscan_list(table: Any) -> pd.DataFrame:
    """Lists of wallets' transactions as transfers of ETH, each once.

    Some lists have no hash: what agrees in moment, ends and value counts as often as one list has it.
    """
    table = table[(table["isError"].astype("str") != "1") & table["value_eth"].gt(0)].dropna(subset=["from", "to"])
    once = transfers_once(pd.DataFrame({
        "list": "", "wallet": table["wallet"], "timestamp": pd.to_datetime(table["timeStamp"], unit="s", utc=True),
        "sender": table["from"], "receiver": table["to"], "amount": table["value_eth"],
    }))  # fmt: skip
    return once.assign(asset="ETH", tx_id=[f"t{k}" for k in range(len(once))])


def in_hindsight(labels: Any) -> pd.DataFrame:
    """Labels of services, as if they had always been known and never withdrawn."""
    services = labels[labels["category"].isin(SERVICES)]
    return services.assign(known_from=pd.Timestamp("2000-01-01", tz="UTC")).drop(columns="known_until")


def reached_wallets(found: Trace) -> pd.DataFrame:
    """The wallets that loot reached, each once, without the seeds: hop, first day, mostly loot or not, service or not."""
    table: Any = found.wallets[~found.wallets["seed"]].copy()
    table["day"] = (table["first"] - found.summary["first_stolen"].iloc[0]).dt.total_seconds() / 86400
    return table[["address", "hop", "day", "tainted_share", "service"]]


def _overall(name: str, reached: Any, listed: Any, heist: set[str], ledger: Ledger) -> list[dict]:
    true = _launderers(listed)
    reachable = len(heist.intersection(ledger.addresses.to_pylist()))
    rows = []
    for what, part in _kinds(reached):
        labelled = part["address"].isin(set(listed["address"]))
        right = int(part["address"].isin(true).sum())
        rows.append({
            "trace": f"{name}, {what}", "against": "813 labelled launderers", "reached": len(part), "right": right,
            "precision of the listed": right / max(int(labelled.sum()), 1), "precision": right / max(len(part), 1),
            "recall": right / (len(true)),
        })  # fmt: skip
        right = int(part["address"].isin(heist).sum())
        rows.append({
            "trace": f"{name}, {what}", "against": "EthereumHeist", "reached": len(part), "right": right,
            "precision": right / max(len(part), 1), "recall": right / len(heist),
            "recall of those in the lists": right / reachable,
        })  # fmt: skip
    return rows


def _kinds(reached: Any) -> list[tuple[str, Any]]:
    plain = reached[reached["service"].isna()]
    return [("any taint", plain), ("mostly loot", plain[plain["tainted_share"] >= MOSTLY])]


def _launderers(listed: Any) -> set[str]:
    """The labelled wallets of the theft but for the seed."""
    return set(listed.loc[listed["event"] == "Upbit Hack", "address"]) - {thief(listed)}


def _by_hop(reached: Any, listed: Any, heist: set[str]) -> Any:
    true, known = _launderers(listed), set(listed["address"])
    rows, so_far = [], 0
    plain = reached[reached["service"].isna()]
    for hop, part in plain.groupby("hop"):
        right = int(part["address"].isin(true).sum())
        mostly = part[part["tainted_share"] >= MOSTLY]
        so_far += right
        rows.append({
            "hop": hop, "reached": len(part), "launderers": right,
            "listed otherwise": int(part["address"].isin(known - true).sum()),
            "precision of the listed": right / max(int(part["address"].isin(known).sum()), 1),
            "precision at least": right / len(part),
            "mostly loot": len(mostly), "its precision at least": _mean(mostly["address"].isin(true)),
            "in EthereumHeist": _mean(part["address"].isin(heist)), "recall up to here": so_far / len(true),
        })  # fmt: skip
    return _shortened(pd.DataFrame(rows), 20)


def _shortened(hops: Any, most: int) -> Any:
    """The first hops; of those further only each tenth, and the last."""
    at = hops["hop"]
    return hops[(at <= most) | (at % 10 == 0) | (at == at.max())]


def _by_day(reached: Any, listed: Any) -> Any:
    true, known = _launderers(listed), set(listed["address"])
    plain = reached[reached["service"].isna()]
    rows = []
    for day in (*DAYS, np.inf):
        part = plain[plain["day"] < day]
        right = int(part["address"].isin(true).sum())
        rows.append({
            "days": "all" if np.isinf(day) else f"{day}", "reached": len(part), "launderers": right,
            "precision of the listed": right / max(int(part["address"].isin(known).sum()), 1),
            "precision at least": right / max(len(part), 1), "recall": right / len(true),
        })  # fmt: skip
    return pd.DataFrame(rows)


def harmony(data: Path) -> dict[str, pd.DataFrame]:
    """The table of Harmony's verified flows: recall of edges and terminals."""
    folder = data / "ethereum_theft_flows"
    flows, roles = _table(folder / "transfers.csv"), _table(folder / "addresses.csv")
    transfers: Any = pd.DataFrame({
        "timestamp": pd.to_datetime(flows["Timestamp"], utc=True), "sender": flows["From"], "receiver": flows["To"],
        "amount": flows["Value_in_USD"], "asset": "USD", "usd": flows["Value_in_USD"], "tx_id": flows["Tx_hash"],
    })  # fmt: skip
    ledger = Ledger.from_transfers(transfers)
    mine = roles[roles["case"] == HARMONY]
    seeds = mine.loc[mine["role"] == "source", "address"]
    begin = transfers.loc[flows["case"] == HARMONY, "timestamp"].min().strftime("%Y-%m-%d")
    case = read_cases(pd.DataFrame({"case": HARMONY, "address": seeds, "date": begin})).one(None)
    edges = transfers[flows["case"] == HARMONY].drop_duplicates(["sender", "receiver", "amount", "tx_id"])
    ends = set(mine.loc[mine["role"] == "terminal", "address"].str.lower())
    services = in_hindsight(pd.DataFrame({"address": sorted(ends), "category": "exchange", "known_until": None}))
    ways = {"terminals not known": None, "terminals known": services}
    rows = [_harmony_row(name, trace(ledger, case, known), edges, mine, ends) for name, known in ways.items()]
    return {"Harmony: recall of verified flows": pd.DataFrame([*rows, {**_renamed(DENSEFLOW)}])}


def _renamed(published: dict) -> dict:
    return {"trace": "DenseFlow (published, Upbit)", "recall of wallets": published["recall"]}


def _harmony_row(name: str, found: Trace, edges: Any, roles: Any, ends: set[str]) -> dict:
    moved: Any = found.flows[found.flows["kind"].isin(["moved", "absorbed", "returned"])]
    keys = ["timestamp", "sender", "receiver", "amount"]
    lower: Any = edges.assign(sender=edges["sender"].str.lower(), receiver=edges["receiver"].str.lower())
    lower["timestamp"] = lower["timestamp"].astype("datetime64[us, UTC]")
    hit = lower.merge(moved[[*keys, "tainted"]].drop_duplicates(keys), on=keys, how="left")
    reached = set(found.wallets["address"])
    others = set(roles.loc[roles["role"] == "intermediate", "address"].str.lower())
    into = lower["receiver"].isin(ends)
    arrived = moved.loc[moved["receiver"].isin(ends), "tainted"].sum()
    return {
        "trace": name, "listed edges": len(hit), "recall of edges": float(hit["tainted"].notna().mean()),
        "of their USD, edges reached": float(hit.loc[hit["tainted"].notna(), "amount"].sum() / hit["amount"].sum()),
        "of their USD, as loot": float(hit["tainted"].sum() / hit["amount"].sum()),
        "recall of wallets": len(others & reached) / len(others), "terminals": f"{len(ends & reached)} of {len(ends)}",
        "of USD into terminals, as loot": float(arrived / lower.loc[into, "amount"].sum()),
        "reached outside the case": len(reached - others - ends - set(roles["address"].str.lower())),
    }  # fmt: skip


def _mean(column: Any) -> float:
    return float(column.mean()) if len(column) else np.nan


def _table(path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"{path}: no such file; --data is the folder that holds ethereum_heist_wallets and the others")
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


if __name__ == "__main__":
    typer.run(main)
