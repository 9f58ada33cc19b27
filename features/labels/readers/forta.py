"""Etherscan's malicious addresses as Forta's labelled datasets publish them: the list that an address is on says what it is.

They have no dates; a column `known_from` is used if one was added.
"""

import pandas as pd

from ..table import column_of
from .reader import OpenedFile, Reader, read_table, tags, words_of


def _read(files: list[OpenedFile]) -> pd.DataFrame:
    table = pd.concat([read_table(opened) for opened in files])
    return tags(
        table.assign(
            address=table["banned_address"],
            asset="ethereum",
            name=table["wallet_tag"],
            words=words_of(column_of(table, "data_source")),
        )
    )


READER = Reader(
    "forta",
    "forta",
    "Forta's list of malicious addresses",
    lambda opened: opened.columns >= {"banned_address", "wallet_tag", "data_source"},
    _read,
)
