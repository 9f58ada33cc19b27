"""What the words of each source mean: reads the data file `vocabularies.toml`, which maps words to categories.

The words of a plain table of labels are the ids of `categories.py`.
"""

import tomllib
from functools import cache
from importlib.resources import files

from .categories import IDS

ACTOR = "actor:"
"""How words begin that name an actor. Where the vocabulary knows one, it overrides the other words of its row; where not, it
is not reported as unknown."""


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
def actor_words(source: str) -> frozenset[str]:
    """The words (in lower case) of a source that also name an actor."""
    table = _file()[source].get("names", {})
    return frozenset(word.casefold() for words in table.values() for word in words)


def _tables(source: str) -> list[dict[str, list[str]]]:
    table = _file()[source]
    return [table["kinds"], table["names"]] if "kinds" in table else [table]


@cache
def _file() -> dict:
    return tomllib.loads(files("walletprint.features.labels").joinpath("vocabularies.toml").read_text(encoding="utf-8"))
