"""GraphSense TagPacks: packs in YAML, whose tags inherit what the head says, and tables of tags.

Its levels of confidence are GraphSense's own, as shares of 100.
"""

import ast
from typing import Any

import pandas as pd

from ...base.errors import DataError
from ...transfers.input_files import readable
from ..table import column_of
from .reader import OpenedFile, Reader, read_table, stream, tags, words_of

CONFIDENCE = {
    "override": 1.0,
    "ownership": 1.0,
    "ledger_immanent": 1.0,  # the ledger itself says so, as a token's list of frozen addresses
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
    """A tag with what it inherits; what it says itself goes first, an empty field too."""
    if not isinstance(entry, dict):
        return {"problem": f"a tag must be fields and values, not {_kind(entry)}"}
    tag = head | {name: entry[name] for name in _FIELDS if name in entry}
    for name, value in tag.items():
        parts = value if name == "concepts" and isinstance(value, list) else [value]
        if nested := [part for part in parts if isinstance(part, list | dict | set)]:
            return {"problem": f"{name} must be text, not {_kind(nested[0])}"}
    return {name: value if name == "concepts" or value is None else str(value) for name, value in tag.items()}


def _kind(value: object) -> str:
    """What came, without a look inside: a few lines of YAML can stand for gigabytes."""
    return "a list" if isinstance(value, list) else "fields and values" if isinstance(value, dict) else f"{value!r:.50}"


def _tables(files: list[OpenedFile]) -> pd.DataFrame:
    return _tags(pd.concat([read_table(opened) for opened in files]))


def _tags(frame: pd.DataFrame) -> pd.DataFrame:
    levels = column_of(frame, "confidence")
    unknown = levels.notna() & ~levels.isin(list(CONFIDENCE))
    problem = column_of(frame, "problem").astype("object")
    problem = problem.where(~unknown | problem.notna(), [_no_level(came) for came in levels])
    known = column_of(frame, "actor")
    words = words_of(
        column_of(frame, "category"), column_of(frame, "abuse"), "actor:" + known.astype("str").where(known.notna())
    )
    concepts = [_concepts(came) for came in column_of(frame, "concepts").tolist()]
    return tags(
        frame.assign(
            asset=column_of(frame, "currency").fillna(column_of(frame, "network")),
            words=[list(dict.fromkeys([*said, *more])) for said, more in zip(words, concepts, strict=True)],
            name=frame["label"],
            confidence=levels.map(CONFIDENCE),
            known_from=column_of(frame, "lastmod"),
            source=None,
            problem=problem,
        )
    )


def _no_level(came: object) -> str:
    return f"confidence {came!r} is unknown; allowed are {', '.join(CONFIDENCE)}"


def _concepts(came: object) -> list[str]:
    """A list, or the text of one (['exchange']), or a single word."""
    if isinstance(came, str) and came.strip():
        try:
            came = ast.literal_eval(came) if came.strip().startswith("[") else [came]
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # the latter two of thousands of brackets
            came = [came]
    return [str(word).strip() for word in came] if isinstance(came, list) else []


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
