"""OFAC's list of specially designated nationals (advanced XML): each digital currency address with its owner and date of listing.

Streamed, so that memory does not grow with the file. Several editions together show what was removed from the list, and when.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from ...base.errors import DataError
from ...transfers.input_files import readable
from .reader import Reader, stream, tags

FEATURE = "Digital Currency Address - "
ENTITY = "SDN"
"""The word of every address on the list; the sanctions programmes are words too."""

_WHOLE = {"DistinctParty", "SanctionsEntry", "IDRegDocument", "Location", "ProfileRelationship"}
_MET = {"FeatureType", "DateOfIssue", *_WHOLE}
_PARTIES = 25
"""Number of parties whose listing dates date a feature (see `_added`); about two weeks of the list."""
_CLOSE = timedelta(days=45)
"""A feature added within this time of its party's listing counts as listed with it."""


@dataclass(frozen=True, slots=True)
class SdnAddress:
    """One digital currency address of the list.

    Attributes:
        profile: OFAC's number of the party it belongs to.
        entity: the party's primary name.
        aliases: its other names, in the list's order.
        programmes: the sanctions programmes, in the list's order.
        asset: symbol that OFAC gives (XBT, ETH, USDT …).
        address: as printed.
        listed: the day the party was first put on the list.
        added: the day the address was added, estimated from its number; within `listed` and the edition's date.
    """

    profile: str
    entity: str
    aliases: tuple[str, ...]
    programmes: tuple[str, ...]
    asset: str
    address: str
    listed: date
    added: date


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of the list: the day of its issue, and its addresses in order of their feature numbers."""

    issued: date
    addresses: tuple[SdnAddress, ...]


@dataclass(slots=True)
class _Contents:
    """What streaming collects; names, first features, dates and programmes are by profile."""

    issued: date | None = None
    kinds: dict[str, str] = field(default_factory=dict)  # feature type → asset
    names: dict[str, list[str]] = field(default_factory=dict)
    first_feature: dict[str, int] = field(default_factory=dict)
    addresses: list[tuple[int, str, str, str]] = field(default_factory=list)  # feature, profile, asset, address
    listed: dict[str, date] = field(default_factory=dict)
    programmes: dict[str, list[str]] = field(default_factory=dict)


def read_sdn(path: Path) -> Edition:
    """Read one edition (.xml, or packed by bzip2 or gzip).

    Raises:
        DataError: the file cannot be read, is not such a list, or has no date of issue.
    """
    contents = _Contents()
    with readable(path), stream(path) as opened:
        try:
            _stream(opened, contents)
        except ET.ParseError as error:
            raise DataError(f"{path}: the XML is damaged or cut off ({error}); fetch the file again") from None
    if contents.issued is None:
        raise DataError(f"{path}: no DateOfIssue; OFAC's advanced XML of the SDN list is needed")
    return Edition(contents.issued, tuple(_put_together(contents, contents.issued)))


def _stream(opened: BinaryIO, contents: _Contents) -> None:
    for _, element in ET.iterparse(opened):
        name = _plain(element.tag)
        if name not in _MET:
            continue
        if name == "FeatureType" and (element.text or "").startswith(FEATURE):
            contents.kinds[element.get("ID", "")] = (element.text or "").removeprefix(FEATURE).strip()
        elif name == "DateOfIssue":
            contents.issued = _date(element)
        elif name == "DistinctParty":
            for profile in _all(element, "Profile"):
                _party(profile, contents)
        elif name == "SanctionsEntry":
            _entry(element, contents)
        if name in _WHOLE:
            element.clear()  # keeps the tree small


def _party(profile: ET.Element, contents: _Contents) -> None:
    number = profile.get("ID", "")
    for feature in _all(profile, "Feature"):
        feature_number = int(feature.get("ID", "0"))
        contents.first_feature[number] = min(feature_number, contents.first_feature.get(number, feature_number))
        asset = contents.kinds.get(feature.get("FeatureTypeID", ""))
        if asset is None:
            continue
        if number not in contents.names:
            contents.names[number] = list(_names(profile))
        printed = {(detail.text or "").strip() for detail in _all(feature, "VersionDetail")} - {""}
        contents.addresses += [(feature_number, number, asset, address) for address in sorted(printed)]


def _names(profile: ET.Element) -> Iterator[str]:
    """The names of a party, its primary one first. A name in several scripts counts as several names."""
    aliases = sorted(_all(profile, "Alias"), key=lambda alias: alias.get("Primary") != "true")
    for alias in aliases:
        for documented in _all(alias, "DocumentedName"):
            parts = [(part.text or "").strip() for part in _all(documented, "NamePartValue")]
            if name := " ".join(filter(None, parts)):
                yield name


def _entry(entry: ET.Element, contents: _Contents) -> None:
    profile = entry.get("ProfileID", "")
    days = [day for event in _all(entry, "EntryEvent") for at in _all(event, "Date") if (day := _date(at))]
    if days:
        contents.listed[profile] = min([*days, *filter(None, [contents.listed.get(profile)])])
    comments = [(comment.text or "").strip() for m in _all(entry, "SanctionsMeasure") for comment in _all(m, "Comment")]
    contents.programmes.setdefault(profile, []).extend(filter(None, comments))


def _put_together(contents: _Contents, issued: date) -> Iterator[SdnAddress]:
    added = _added(contents)
    for feature, profile, asset, address in sorted(contents.addresses):
        name, *aliases = contents.names[profile] or [""]
        listed = contents.listed.get(profile, issued)
        near = min(added(feature), issued)
        yield SdnAddress(
            profile,
            name,
            tuple(dict.fromkeys(aliases)),
            tuple(dict.fromkeys(contents.programmes.get(profile, []))),
            asset,
            address,
            listed,
            near if near - listed > _CLOSE else listed,
        )


def _added(contents: _Contents) -> Callable[[int], date]:
    """Returns a function that estimates from a feature's number the day it was added.

    The list gives no date for a feature, and addresses are added to parties that were listed years before. But features are
    numbered in order of addition. Parties whose first features have numbers near this one were mostly listed near the same
    day. The estimate is the median of their listing dates, which parties that were listed again under another date hardly
    move. With too few parties the estimate is the earliest date there is.
    """
    firsts = sorted(
        (number, contents.listed[p]) for p, number in contents.first_feature.items() if p in contents.listed
    )
    if len(firsts) < _PARTIES:
        return lambda feature: date.min
    numbers = np.array([number for number, _ in firsts])
    days = np.array([day.toordinal() for _, day in firsts])
    medians = np.median(np.lib.stride_tricks.sliding_window_view(days, _PARTIES), axis=1)

    def added(feature: int) -> date:
        at = int(np.searchsorted(numbers, feature, side="right")) - 1
        middle = np.clip(at - _PARTIES // 2, 0, len(medians) - 1)
        return date.fromordinal(int(medians[middle]))

    return added


def merge(editions: list[tuple[str, Edition]]) -> pd.DataFrame:
    """Tags of several editions (file, edition): each address of a party once, as in the last edition that has it.

    An address that a later edition lacks was removed by the date of that edition (`known_until`). An address in an earlier
    edition was known by its date. One that the earlier edition lacks was not known before the next edition's date, unless its
    number gives a later day.
    """
    ordered = sorted(editions, key=lambda pair: (pair[1].issued, pair[0]))
    held = [
        {(entry.profile, entry.asset, entry.address): entry for entry in edition.addresses} for _, edition in ordered
    ]
    rows = {}
    for key in dict.fromkeys(key for entries in held for key in entries):
        present = [i for i, entries in enumerate(held) if key in entries]
        first, last = present[0], present[-1]
        entry = held[last][key]
        known = min(entry.added, ordered[first][1].issued)
        if first > 0 and known <= ordered[first - 1][1].issued:
            known = ordered[first][1].issued
        rows[key] = _tag(entry, ordered[last][0]) | {
            "row": list(held[last]).index(key) + 1 if len(held) > 1 else len(rows) + 1,
            "known_from": known.isoformat(),
            "known_until": ordered[last + 1][1].issued.isoformat() if last + 1 < len(ordered) else None,
        }
    return tags(rows.values())


def _tag(entry: SdnAddress, file: str) -> dict:
    return {
        "file": file,
        "address": entry.address,
        "asset": entry.asset,
        "words": [ENTITY, *entry.programmes],
        "actor": entry.entity,
        "name": entry.entity,
        "programmes": "|".join(sorted(entry.programmes)) or None,
        "aliases": "|".join(entry.aliases) or None,
    }


def _date(element: ET.Element) -> date | None:
    parts = {_plain(part.tag): part.text or "" for part in element}
    try:
        return date(int(parts["Year"]), int(parts["Month"]), int(parts["Day"]))
    except (KeyError, ValueError):
        return None


def _all(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """All elements with a name below this one, in any version of the namespace."""
    return element.iter(f"{element.tag.rpartition('}')[0]}}}{name}" if "}" in element.tag else name)


@cache
def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


READER = Reader(
    source="ofac_sdn_advanced",
    vocabulary="ofac",
    description="OFAC's SDN list, advanced XML",
    fits=lambda opened: opened.kind == "xml" and "<Sanctions" in opened.head and "DateOfIssue" in opened.head,
    read=lambda files: merge([(str(opened.path), read_sdn(opened.path)) for opened in files]),
)
