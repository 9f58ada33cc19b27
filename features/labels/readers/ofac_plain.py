"""OFAC's plain lists: the SDN table (sdn.csv, addresses in its remarks), lists with one address per line, and tables of both.

The first two have no dates of listing; the advanced XML (`ofac_xml.py`) and tables with dates have.
"""

import csv
import io
import re
from typing import BinaryIO

import pandas as pd

from ...transfers.input_files import readable
from ..checksums import CASE_LOST
from ..table import column_of
from .ofac_xml import ENTITY
from .reader import OpenedFile, Reader, read_table, stream, tags

_ADDRESS = re.compile(r"Digital Currency Address - (\w+)\s+([^\s;,]+)")
_ALIASES = re.compile(r"(?:a\.k\.a\.|f\.k\.a\.) '([^']+)'")
_LISTED = re.compile(r"^sanctioned_addresses_(\w+?)\.txt$")
_NULL = "-0-"
_DELISTED = "(delisted or replaced"


def _sdn(files: list[OpenedFile]) -> pd.DataFrame:
    return tags(tag for opened in files for tag in _sdn_rows(opened))


def _sdn_rows(opened: OpenedFile):
    with readable(opened.path), stream(opened.path) as raw, _text(raw) as text:
        for row, fields in enumerate(csv.reader(text), 1):
            if len(fields) < 4 or not (addresses := _ADDRESS.findall(fields[-1])):
                continue
            programmes = [part.strip(" []") for part in fields[3].split("] [") if part.strip() != _NULL]
            aliases = _ALIASES.findall(fields[-1])
            for asset, address in addresses:
                yield {
                    "file": str(opened.path),
                    "row": row,
                    "address": address.rstrip("."),
                    "asset": asset,
                    "words": [ENTITY, *programmes],
                    "actor": fields[1],
                    "name": fields[1],
                    "programmes": "|".join(sorted(programmes)) or None,
                    "aliases": "|".join(aliases) or None,
                }


def _text(raw: BinaryIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")


def _lines(files: list[OpenedFile]) -> pd.DataFrame:
    return tags(tag for opened in files for tag in _line_rows(opened))


def _line_rows(opened: OpenedFile):
    named = _LISTED.match(opened.path.name)
    with readable(opened.path), stream(opened.path) as raw, _text(raw) as text:
        lines = text.read().splitlines()
    for row, line in enumerate(lines, 1):
        if line.strip():
            asset = named.group(1) if named else None
            yield {"file": str(opened.path), "row": row, "address": line, "asset": asset, "words": [ENTITY]}


def _entities(files: list[OpenedFile]) -> pd.DataFrame:
    """Tables with entity, programs and dates: an address is known from its entity's or its own first day, whichever is later."""
    frames = []
    for opened in files:
        table = read_table(opened)
        entity = column_of(table, "entity").map(_entity, na_action="ignore")
        programmes = [_split(cell) for cell in table["programs"].tolist()]
        first_seen = column_of(table, "first_seen_in_list_repo")
        lost = column_of(table, "case_exact").astype("str").str.lower().eq("false") & ~_one_case(
            column_of(table, "address")
        )
        frames.append(
            table.assign(
                words=[[ENTITY, *words] for words in programmes],
                programmes=["|".join(sorted(words)) or None for words in programmes],
                actor=entity,
                name=entity,
                aliases=column_of(table, "aka"),
                known_from=_later(_first_day(column_of(table, "entity_listing_dates")), first_seen),
                known_until=column_of(table, "removed_seen"),
                problem=column_of(table, "problem").where(~lost, CASE_LOST),
            )
        )
    return tags(pd.concat(frames))


def _history(files: list[OpenedFile]) -> pd.DataFrame:
    frames = [
        table.assign(
            words=[[ENTITY]] * len(table),
            known_from=table["first_seen_commit_date"],
            known_until=table["removed_commit_date"],
        )
        for table in map(read_table, files)
    ]
    return tags(pd.concat(frames))


def _entity(name: str) -> str | None:
    return None if name.startswith(_DELISTED) else name


def _split(cell: object) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()] if isinstance(cell, str) else []


def _first_day(days: pd.Series) -> pd.Series:
    return days.map(lambda cell: min(_split(cell)), na_action="ignore")


def _later(listed: pd.Series, first_seen: pd.Series) -> pd.Series:
    """The later of two ISO days, or the only one."""
    pairs = zip(listed.tolist(), first_seen.tolist(), strict=True)
    later = [max([day for day in pair if isinstance(day, str)], default=None) for pair in pairs]
    return pd.Series(later, index=listed.index, dtype="str")


def _one_case(addresses: pd.Series) -> pd.Series:
    """Whether the case of an address means nothing: EVM, bech32, CashAddr."""
    return pd.Series(addresses.astype("str")).str.match(r"(?i)0x|bc1|ltc1|bnb1|(bitcoincash:)?[qp][0-9a-z]{41}$")


def _is_sdn(opened: OpenedFile) -> bool:
    try:
        first = next(csv.reader(io.StringIO(opened.head, newline="")), [])
    except csv.Error:
        return False
    return opened.kind == "text" and len(first) == 12 and first[0].strip().isdigit()


READERS = (
    Reader("ofac_sdn", "ofac", "OFAC's SDN list, sdn.csv", _is_sdn, _sdn),
    Reader(
        "ofac_list",
        "ofac",
        "OFAC's addresses, one per line (sanctioned_addresses_XBT.txt)",
        lambda opened: opened.kind == "text" and _LISTED.match(opened.path.name) is not None,
        _lines,
    ),
    Reader(
        "ofac_list",
        "ofac",
        "OFAC's addresses with entity and programmes",
        lambda opened: opened.columns >= {"address", "asset", "entity", "programs", "entity_listing_dates"},
        _entities,
    ),
    Reader(
        "ofac_list",
        "ofac",
        "the history of lists of OFAC's addresses",
        lambda opened: opened.columns >= {"address", "asset", "first_seen_commit_date", "removed_commit_date"},
        _history,
    ),
)
