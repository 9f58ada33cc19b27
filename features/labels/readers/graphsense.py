"""GraphSense TagPacks: packs in YAML, whose tags inherit the fields of the head, and tables of tags.

The levels of confidence are GraphSense's, divided by 100.
"""

import ast
from typing import Any

import pandas as pd

from ...base.errors import DataError
from ...transfers.input_files import readable
from ..table import column_of
from ..vocabularies import ACTOR
from .reader import OpenedFile, Reader, read_table, stream, tags, words_of

CONFIDENCE = {
    "override": 1.0,
    "ownership": 1.0,
    "ledger_immanent": 1.0,  # the ledger itself shows it, such as a token's list of frozen addresses
    "manual_transaction": 0.9,
    "service_api": 0.7,
    "authority_data": 0.6,
    "trusted_provider": 0.5,
    "service_data": 0.5,
    "forensic": 0.5,
    "untrusted_transaction": 0.4,
    "web_crawl": 0.2,
    "heuristic": 0.1,
    "unknown": 0.05,
}
"""GraphSense's confidence levels, from 0 to 1."""

_FIELDS = ("address", "currency", "network", "label", "category", "abuse", "concepts", "actor", "confidence", "lastmod")


def _packs(files: list[OpenedFile]) -> pd.DataFrame:
    rows = [row for opened in files for row in _pack(opened)]
    return _tags(pd.DataFrame(rows, columns=["file", "row", "problem", *_FIELDS], dtype="object"))


def _pack(opened: OpenedFile) -> list[dict[str, Any]]:
    from ...base.untrusted_yaml import read_yaml  # only packs need it

    with readable(opened.path), stream(opened.path) as raw:
        try:
            pack = read_yaml(raw.read())
        except ValueError as error:
            raise DataError(f"{opened.path}: cannot be read as a TagPack ({error}); valid YAML is needed") from None
    entries = pack.get("tags") if isinstance(pack, dict) else None
    if not isinstance(entries, list):
        raise DataError(f"{opened.path}: no TagPack: it has no list `tags`; a head and a list of tags are needed")
    head = {name: pack[name] for name in _FIELDS if name in pack}
    return [{"file": str(opened.path), "row": row} | _tag(head, entry) for row, entry in enumerate(entries, 1)]


def _tag(head: dict[str, Any], entry: object) -> dict[str, Any]:
    """A tag with the fields it inherits. Its own fields override them, even empty ones."""
    if not isinstance(entry, dict):
        return {"problem": f"a tag must be fields and values, not {_kind(entry)}"}
    tag = head | {name: entry[name] for name in _FIELDS if name in entry}
    for name, value in tag.items():
        parts = value if name == "concepts" and isinstance(value, list) else [value]
        if nested := [part for part in parts if isinstance(part, list | dict | set)]:
            return {"problem": f"{name} must be text, not {_kind(nested[0])}"}
    return {name: value if name == "concepts" or value is None else str(value) for name, value in tag.items()}


def _kind(value: object) -> str:
    """Names a value without looking inside: a few lines of YAML can stand for gigabytes."""
    return "a list" if isinstance(value, list) else "fields and values" if isinstance(value, dict) else f"{value!r:.50}"


def _tables(files: list[OpenedFile]) -> pd.DataFrame:
    return _tags(pd.concat([read_table(opened) for opened in files]))


def _tags(frame: pd.DataFrame) -> pd.DataFrame:
    levels = column_of(frame, "confidence")
    unknown = levels.notna() & ~levels.isin(list(CONFIDENCE))
    problem = column_of(frame, "problem").astype("object")
    problem = problem.where(~unknown | problem.notna(), [_unknown_level(level) for level in levels])
    actors = column_of(frame, "actor")
    words = words_of(
        column_of(frame, "category"), column_of(frame, "abuse"), ACTOR + actors.astype("str").where(actors.notna())
    )
    concepts = [_concepts(cell) for cell in column_of(frame, "concepts").tolist()]
    return tags(
        frame.assign(
            asset=column_of(frame, "currency").fillna(column_of(frame, "network")),
            words=[list(dict.fromkeys([*first, *more])) for first, more in zip(words, concepts, strict=True)],
            name=frame["label"],
            confidence=levels.map(CONFIDENCE),
            known_from=column_of(frame, "lastmod"),
            source=None,
            problem=problem,
        )
    )


def _unknown_level(level: object) -> str:
    return f"confidence {level!r} is unknown; allowed are {', '.join(CONFIDENCE)}"


def _concepts(cell: object) -> list[str]:
    """The words of a list, of the text of one (['exchange']), or of a single word."""
    if isinstance(cell, str) and cell.strip():
        try:
            cell = ast.literal_eval(cell) if cell.strip().startswith("[") else [cell]
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # the last two from thousands of brackets
            cell = [cell]
    return [str(word).strip() for word in cell] if isinstance(cell, list) else []


READERS = (
    Reader(
        "graphsense",
        "graphsense",
        "GraphSense TagPack (YAML)",
        lambda opened: opened.kind == "yaml",
        _packs,
    ),
    Reader(
        "graphsense",
        "graphsense",
        "table of GraphSense tags",
        lambda opened: opened.columns >= {"address", "label", "category", "abuse", "confidence", "lastmod"},
        _tables,
    ),
)
