"""Etherscan's malicious addresses as Forta's labelled datasets publish them: the list an address stands on says what it is.

They carry no date; a column `known_from`, where one was added, is used.
"""

import pandas as pd

from .base import Opened, Reader, column_of, read_table, tags, words_of


def _read(files: list[Opened]) -> pd.DataFrame:
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
