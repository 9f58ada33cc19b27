"""Which protocols there are, what each needs, and how one is run by its name. Measures nothing itself.

A protocol is a module of a folder below, named as the protocol with `_` for `-`. It has `INTRO` (a paragraph on what is measured)
and `run(data, seed, on_progress)`, which returns its tables by title, the main one first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import pandas as pd

from ...features.base.errors import UsageError
from .input_files import every

Tables = dict[str, pd.DataFrame]
Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much it is in all."""


@dataclass(frozen=True)
class Protocol:
    """A protocol: what it measures, the files it needs and can use, where they come from, and its folder below this one."""

    name: str
    measures: str
    files: tuple[str, ...]
    source: str
    optional: tuple[str, ...] = ()
    folder: str = "ethereum"

    @property
    def needs(self) -> str:
        """Its files in words."""
        return ", ".join(self.files) + (f"; more with {', '.join(self.optional)}" if self.optional else "")

    def found(self, data: Path) -> list[Path]:
        """Its files in a folder or right below it, as far as they are there."""
        return [path for name in (*self.files, *self.optional) for path in every(data, name)]


@dataclass(frozen=True)
class Findings:
    """What a protocol found: its introduction, and its tables by title, the main one first."""

    protocol: Protocol
    intro: str
    tables: Tables


_THEFTS = (
    "ethereum_wallets/*",
    "ethereum_heist_wallets/*",
    "ethereum_theft_txlists/*",
    "ethereum_theft_flows/*",
    "ethereumheist/account_labels.parquet",
    "tags/theft_cases.csv",
)
_ALL = (
    Protocol(
        "era-matched",
        "licit and phishing wallets of Ethereum told apart in the same quarters",
        ("normal_txs.parquet", "erc20_transfers.parquet", "labels.csv"),
        "eltontay/Ethereum-Fraud-Detection, as Etherscan's lists",
    ),
    Protocol(
        "leave-one-case-out",
        "the wallets of a whole theft found by a model that learnt from other thefts",
        _THEFTS,
        "several, see docs/protocols.md",
    ),
    Protocol(
        "hard-negatives",
        "proceeds of a theft left out, among a hundred times as many services, deposit addresses, bots and victims",
        (*_THEFTS, "tags/*"),
        "several, see docs/protocols.md",
    ),
    Protocol(
        "kaggle-ethereum",
        "the published figures of the Kaggle table, beside the audit that explains them",
        ("transaction_dataset.*",),
        "Kaggle: vagifa/ethereum-frauddetection-dataset",
        ("normal_txs.parquet",),
        folder="published",
    ),
    Protocol(
        "amlsim",
        "laundering accounts of one simulator run found by a model of another",
        ("*_nodes.csv", "*_transactions.csv"),
        "IBM/AMLSim",
        folder="published",
    ),
    Protocol(
        "elliptic",
        "illicit Bitcoin transactions of steps 35-49, learnt on steps 1-34",
        ("elliptic_txs_features.csv", "elliptic_txs_classes.csv", "elliptic_txs_edgelist.csv"),
        "Kaggle: ellipticco/elliptic-data-set",
        folder="published",
    ),
    Protocol(
        "elliptic-plus-plus",
        "illicit Bitcoin wallets: as published, as of five steps on, and at a review budget of 1 %",
        ("wallets_features.csv", "wallets_classes.csv"),
        "git-disl/EllipticPlusPlus",
        ("AddrTx_edgelist.csv", "TxAddr_edgelist.csv", "txs_features.csv", "txs_classes.csv"),
        folder="published",
    ),
    Protocol(
        "simulated-vs-real",
        "how far simulated wallets can be told from real ones, feature by feature and by a classifier",
        ("ethereum_wallets/*", "ethereum_heist_wallets/*"),
        "several, see docs/simulated-and-real.md",
        folder="simulated",
    ),
    Protocol(
        "simulated-to-real",
        "what a model that learnt from simulated wallets finds among real ones",
        _THEFTS,
        "several, see docs/simulated-and-real.md",
        folder="simulated",
    ),
    Protocol(
        "amlworld",
        "laundering transactions of IBM's synthetic banks, 60/20/20 in time",
        ("*_Trans.csv",),
        "Kaggle: ealtman2019/ibm-transactions-for-anti-money-laundering-aml",
        folder="published",
    ),
)
PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def run_protocol(name: str, data: Path, seed: int = 7, on_progress: Progress | None = None) -> Findings:
    """Run a protocol.

    Args:
        name: one of PROTOCOLS.
        data: the folder with its files; they may also lie in folders right below.
        seed: of models, folds and intervals.
        on_progress: called as the work goes on.

    Raises:
        UsageError: if there is no such protocol or folder.
        DataError: if a file is missing or not as published.
    """
    protocol = named(name)
    if not data.is_dir():
        raise UsageError(f"--data: {data} is no folder; {name} needs one with {protocol.needs}")
    module = import_module(f".{protocol.folder}.{name.replace('-', '_')}", __package__)
    return Findings(protocol, module.INTRO, module.run(data, seed, on_progress or (lambda step, done, total: None)))


def named(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: if there is none.
    """
    if name not in PROTOCOLS:
        close = get_close_matches(name, PROTOCOLS, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise UsageError(f"benchmark: there is no {name!r}{hint}; there are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
