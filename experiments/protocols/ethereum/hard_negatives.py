"""The protocol `hard-negatives`: proceeds of a whole theft left out, told from those who look most like launderers and are not.

Services, their deposit addresses, bots, and those who paid a phisher are found in the transfers themselves, with public labels in
hindsight: they are what a model is judged on, never a feature.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....features import Ledger
from ....features.labels import build_labels
from ....training.config.train_config import load_config
from ....training.data.dataset import Dataset, build_dataset
from ....training.data.snapshots import unit_hash
from ....training.metrics.classification_metrics import roc_auc
from ....training.models.estimators import margins
from ....training.models.learner import learn
from ....training.splits.sibling_wallets import siblings_by_case
from ....training.splits.time_split import Slice
from ..protocol import Progress, Protocol, Tables
from . import leave_one_case_out as protocol
from .case_data import CASE_FILES, comparable_features, load_cases

RATE, K, WALLETS = 100, 100, 10
KIND = "kind: "  # before the kind, as the source of a hard negative's label
INTRO = f"""\
Each theft of {WALLETS} wallets or more left out whole, with its siblings, and put among hard negatives, none of which trained:
exchanges, routers and other services of public labels, deposit addresses (they take from several and send nine tenths or more on
to one exchange), bots, and victims (they paid a phisher and no phisher paid them). Snapshots are weighed as if {K} of the theft
stood among {K} × {RATE} hard ones: `precision_at_k100` is that of the first {K} then, and `pr_auc` at that base rate. There are
about a thousand hard snapshots in each test, so that each counts for some ten.

`without` learnt from the wallets of `leave-one-case-out` alone, whose negatives are ordinary wallets; `with` also from the other
half of the hard negatives. Hard negatives are seen as far as the
lists of labelled wallets show them, so that a busy service shows a small part of what it does, and thefts of the view `flows` are
seen by their flows alone."""

KINDS = {
    "exchange": ("exchange", "otc", "payment"),
    "router": ("dex", "bridge", "defi", "lending"),
    "bot": ("bot", "miner"),
    "other service": (
        "gambling",
        "service",
        "wallet_service",
        "token",
        "token_sale",
        "nft",
        "mixer",
        "merchant",
        "game",
    ),
}
CRIMINAL = (
    "sanctioned", "theft", "laundering", "state_linked", "phishing", "scam", "ponzi", "ransomware", "extortion", "darknet",
    "terrorism", "extremism", "abuse",
)  # fmt: skip
MOSTLY = 0.9  # of what leaves a deposit address goes to one exchange
MIN_TRANSFERS = 3  # transfers that a wallet needs to be more than a passer-by
VICTIMS = 10_000


def hard_negatives(ledger: Ledger, labels: Any, known: Any) -> Any:
    """Services, deposit addresses and victims among the wallets of a ledger: [address, kind], each address once.

    Args:
        ledger: the transfers.
        labels: public labels of services (`labels build`), dates ignored.
        known: labels of the wallets that are learnt from [address, category]; none of them is returned.
    """
    transfers = transfers_of(ledger)
    # Accused by any source, no matter what else it is called.
    accused = set(labels.loc[labels["category"].isin(CRIMINAL), "address"])
    free = labels[~labels["address"].isin(accused)]
    services = free.drop_duplicates("address").set_index("address")["category"]
    kind_of = {category: kind for kind, categories in KINDS.items() for category in categories}
    named = services.map(kind_of).dropna()
    exchanges = set(services.index[services == "exchange"])
    found = [
        pd.DataFrame({"address": named.index, "kind": named.to_numpy()}),
        pd.DataFrame({"address": deposits(transfers, exchanges), "kind": "deposit"}),
        pd.DataFrame({"address": victims(transfers, known), "kind": "victim"}),
    ]
    table: Any = pd.concat(found, ignore_index=True).drop_duplicates("address")
    seen = transfers_each(transfers)
    busy = table["address"].map(seen).fillna(0) >= MIN_TRANSFERS
    return table[busy & ~table["address"].isin(set(known["address"]))].reset_index(drop=True)


def transfers_of(ledger: Ledger) -> Any:
    """Every transfer between two wallets: [sender, receiver, amount], addresses as text."""
    rows = ledger.rows
    names = ledger.addresses.to_pandas()
    frame = pd.DataFrame({"sender": rows.sender, "receiver": rows.receiver, "amount": rows.amount})
    frame = frame[frame["sender"] != frame["receiver"]]
    return frame.assign(
        sender=names.take(frame["sender"]).to_numpy(), receiver=names.take(frame["receiver"]).to_numpy()
    )


def transfers_each(transfers: Any) -> Any:
    """How many transfers each address has, in and out."""
    return pd.concat([transfers["sender"], transfers["receiver"]]).value_counts()


def deposits(transfers: Any, exchanges: set[str]) -> list[str]:
    """Addresses that take from several and send nearly all on to one exchange, and are none themselves."""
    out: Any = transfers.groupby(["sender", "receiver"])["amount"].sum().reset_index()
    share = out["amount"] / out.groupby("sender")["amount"].transform("sum")
    forwards = out[(share >= MOSTLY) & out["receiver"].isin(exchanges) & ~out["sender"].isin(exchanges)]
    payers = transfers[transfers["receiver"].isin(forwards["sender"])].groupby("receiver")["sender"].nunique()
    return sorted(payers.index[payers >= 2])


def victims(transfers: Any, known: Any) -> list[str]:
    """Those who paid a phisher and were never paid by one: at most VICTIMS, by hash of the address."""
    phishers = set(known.loc[known["category"] == "phishing", "address"])
    paid = set(transfers.loc[transfers["receiver"].isin(phishers), "sender"])
    partners = set(transfers.loc[transfers["sender"].isin(phishers), "receiver"])
    candidates = sorted(paid - partners - set(known["address"]))
    hash_fraction = unit_hash(candidates, "victims")
    return [address for _, address in sorted(zip(hash_fraction.tolist(), candidates, strict=True))[:VICTIMS]]


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The tables of the protocol. Raises DataError if a file is missing."""
    cases = load_cases(data)
    hard = hard_negatives(cases.ledger, build_labels(data / "tags").labels, cases.labels)
    marked = pd.DataFrame({"address": hard["address"], "category": "service", "source": KIND + hard["kind"]})
    both = pd.concat([cases.labels, marked], ignore_index=True)
    labels = {**protocol.LABELS, "negative": [*protocol.LABELS["negative"], "service"]}
    settings = {"labels": labels, "snapshots": protocol.SNAPSHOTS, "model": protocol.MODEL_SETTINGS, "seed": seed}
    settings["features"] = {"names": comparable_features()}
    config = load_config(settings, head="laundering")
    dataset = build_dataset(cases.ledger, both, config, on_progress)
    named = cases.labels[cases.labels["case"].notna()]
    near = siblings_by_case(cases.ledger, named["address"], named["case"])
    sizes = named.groupby("case").size()
    found = [_case(dataset, config, str(case), near[str(case)], cases.views) for case in sizes.index[sizes >= WALLETS]]
    kinds: Any = dataset.label_details["source"].str.removeprefix(KIND)[_hard(dataset)].value_counts()
    return {
        "Precision at 100, one to a hundred": pd.concat([table for table, _ in found], ignore_index=True),
        "Who stands among the first 100 (model `with`)": pd.concat([who for _, who in found], axis=1).fillna(0.0)
        .rename_axis("kind").reset_index(),
        "Hard negatives": kinds.rename("snapshots").rename_axis("kind").reset_index(),
    }  # fmt: skip


PROTOCOL = Protocol(
    "hard-negatives",
    "proceeds of a theft left out, among a hundred times as many services, deposit addresses, bots and victims",
    (*CASE_FILES, "tags/*"),
    "several, see docs/protocols.md",
    INTRO,
    run,
)


def _hard(dataset: Dataset) -> np.ndarray:
    return dataset.label_details["source"].str.startswith(KIND).to_numpy()


def _case(dataset: Dataset, config: Any, case: str, near: set[str], views: dict[str, str]) -> tuple[pd.DataFrame, Any]:
    """One theft left out: one row per model, and the kinds among the first of the second."""
    address, hard = dataset.snapshots["address"], _hard(dataset)
    y = (dataset.label_details["category"].isin(protocol.LABELS["positive"])).to_numpy(dtype=np.int8)
    own = (dataset.label_details["case"] == case).to_numpy()
    tested = hard & (unit_hash(address, "hard_negatives") < 0.5)
    free = ~own & ~address.isin(list(near)).to_numpy() & ~tested
    rows = np.concatenate([np.flatnonzero(tested), np.flatnonzero(own)])
    found = []
    ranking = np.empty(0)
    for name, train in (("without", free & ~hard), ("with", free)):
        part = Slice(np.flatnonzero(train), y[train])
        ranking = margins(learn(dataset, part, config).booster, dataset.X.iloc[rows])
        found.append(
            {"theft": case, "view": views[case], "hard negatives in training": name, **_figures(y[rows], ranking)}
        )
    kinds = (
        dataset.label_details["source"].iloc[rows].str.removeprefix(KIND).where(~own[rows], "of the theft").to_numpy()
    )
    first: Any = pd.Series(_first(y[rows], ranking)).groupby(kinds).sum()
    return pd.DataFrame(found), first.round(1).rename(case)


def _first(y: np.ndarray, ranking: np.ndarray) -> np.ndarray:
    """How much of each row is among the first K, where all positives weigh K and all negatives K · RATE; ties at their worst."""
    weight = np.where(y == 1, K / y.sum(), K * RATE / (y == 0).sum())
    order = np.lexsort((y, -ranking))
    before = np.cumsum(weight[order]) - weight[order]
    taken = np.empty(len(y))
    taken[order] = np.clip(K - before, 0, weight[order])
    return taken


def _figures(y: np.ndarray, ranking: np.ndarray) -> dict[str, float]:
    found = _first(y, ranking)[y == 1].sum() / K
    return {
        "snapshots": int(y.sum()), "others": int((y == 0).sum()), "precision_at_k100": found,
        "pr_auc": protocol.pr_auc_at(y, ranking, 1 / (1 + RATE)), "roc_auc": roc_auc(y, ranking),
    }  # fmt: skip
