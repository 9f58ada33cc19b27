"""Label exports of the Etherscan family of explorers: a label a row, or all labels of an address in one, joined by |.

They carry no date; a column `known_from`, where one was added, is used.
"""

import pandas as pd

from ..vocabulary import names
from .base import Opened, Reader, column_of, read_table, tags, words_of

NETWORKS = {
    "etherscan": "ethereum",
    "bscscan": "bsc",
    "polygonscan": "polygon",
    "arbiscan": "arbitrum",
    "avalanche": "avalanche",
    "snowtrace": "avalanche",
    "ftmscan": "fantom",
    "optimism": "optimism",
    "basescan": "base",
    "celo": "celo",
    "gnosis": "gnosis",
}
"""The network of each explorer."""


def _read(files: list[Opened]) -> pd.DataFrame:
    return _tags(pd.concat([read_table(opened) for opened in files]))


def _tags(table: pd.DataFrame) -> pd.DataFrame:
    # one export has the column `labels`, the other `label`; read together, each row has one of them
    labels = column_of(table, "labels").fillna(column_of(table, "label"))
    words = [said[0].split("|") if said else [] for said in words_of(labels)]
    return tags(
        table.assign(
            asset=table["explorer"].str.lower().map(NETWORKS),
            words=words,
            actor=[_actor(said) for said in words],
        )
    )


def _actor(words: list[str]) -> str | None:
    """The project that a row's words name, if it is one alone."""
    named = [word for word in words if word.casefold() in names("etherscan")]
    return named[0] if len(named) == 1 else None


READER = Reader(
    "etherscan",
    "etherscan",
    "label export of Etherscan or its kin",
    lambda opened: opened.columns >= {"explorer", "address", "name"} and bool(opened.columns & {"label", "labels"}),
    _read,
)
