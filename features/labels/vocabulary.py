"""What the words of each source mean: reads the data file `vocabularies.toml`, and maps words to categories.

A plain table of labels has the ids of `features/labels/categories.py` as its words.
"""

import tomllib
from functools import cache
from importlib.resources import files

from .categories import IDS

SILENT = "actor:"
"""Words that begin so go before all others of their row where the vocabulary knows them, and are no gap where it does not."""


@cache
def vocabulary(source: str) -> dict[str, tuple[str, ...]]:
    """The categories of each word (in lower case) of a source: ofac, graphsense, etherscan, forta or plain."""
    if source == "plain":
        return {category: (category,) for category in IDS}
    meanings: dict[str, tuple[str, ...]] = {}
    for table in _tables(source):
        for category, words in table.items():
            for word in map(str.casefold, words):
                meanings[word] = (*meanings.get(word, ()), category)
    return meanings


@cache
def names(source: str) -> frozenset[str]:
    """The words (in lower case) of a source that name an actor as well."""
    table = _file()[source].get("names", {})
    return frozenset(word.casefold() for words in table.values() for word in words)


def _tables(source: str) -> list[dict[str, list[str]]]:
    table = _file()[source]
    return [table["kinds"], table["names"]] if "kinds" in table else [table]


@cache
def _file() -> dict:
    return tomllib.loads(files("walletprint.features.labels").joinpath("vocabularies.toml").read_text(encoding="utf-8"))
