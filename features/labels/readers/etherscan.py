"""Label exports of the Etherscan family of explorers: one label per row, or one row per address with its labels joined by |.

They have no dates; a column `known_from` is used if one was added.
"""

import pandas as pd

from ..table import column_of
from ..vocabularies import actor_words
from .reader import OpenedFile, Reader, read_table, tags, words_of

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


def _read(files: list[OpenedFile]) -> pd.DataFrame:
    return _tags(pd.concat([read_table(opened) for opened in files]))


def _tags(table: pd.DataFrame) -> pd.DataFrame:
    # one export has the column `labels`, the other `label`; each row has one of them
    labels = column_of(table, "labels").fillna(column_of(table, "label"))
    words = [cell[0].split("|") if cell else [] for cell in words_of(labels)]
    return tags(
        table.assign(
            asset=table["explorer"].str.lower().map(NETWORKS),
            words=words,
            actor=[_actor(row_words) for row_words in words],
        )
    )


def _actor(words: list[str]) -> str | None:
    """The project that a row's words name, if they name just one."""
    named = [word for word in words if word.casefold() in actor_words("etherscan")]
    return named[0] if len(named) == 1 else None


READER = Reader(
    "etherscan",
    "etherscan",
    "label export of Etherscan or its kin",
    lambda opened: opened.columns >= {"explorer", "address", "name"} and bool(opened.columns & {"label", "labels"}),
    _read,
)
