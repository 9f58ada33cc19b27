"""Made-up files of every published format of labels, in small: invented parties, keys with right checksums that nobody owns."""

import bz2
import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

from base58_bech32 import base58

KINDS = {"XBT": 344, "ETH": 345, "TRX": 992}
Party = tuple[int, str, Sequence[str], Sequence[str], str, Sequence[tuple[int, str, str]]]
"""Number, name, aliases, programmes, listing day, and addresses as (feature number, asset, address)."""


def key(name: str, version: bytes = b"\x00") -> str:
    """A base58 key of 20 bytes that the name makes."""
    return base58.b58encode_check(version + name.encode().ljust(20, b".")[:20]).decode()


def evm(name: str) -> str:
    """An EVM address in lower case, of the bytes of the name."""
    return "0x" + name.encode().ljust(20, b"\xaa")[:20].hex()


def sdn(issued: str, parties: Iterable[Party], namespace: str = "https://example.org/ADVANCED_XML") -> str:
    """An edition of the list in OFAC's advanced XML."""
    parties = list(parties)
    kinds = "".join(
        f'<FeatureType ID="{i}">Digital Currency Address - {asset}</FeatureType>' for asset, i in KINDS.items()
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<Sanctions xmlns="{namespace}"><DateOfIssue>{_day(issued)}</DateOfIssue>'
        f'<ReferenceValueSets><FeatureTypeValues><FeatureType ID="8">Birthdate</FeatureType>{kinds}</FeatureTypeValues>'
        f"</ReferenceValueSets><DistinctParties>{''.join(map(_party, parties))}</DistinctParties>"
        f"<SanctionsEntries>{''.join(map(_entry, parties))}</SanctionsEntries></Sanctions>"
    )


def _day(day: str) -> str:
    year, month, dom = day.split("-")
    return f"<Year>{int(year)}</Year><Month>{int(month)}</Month><Day>{int(dom)}</Day>"


def _party(party: Party) -> str:
    number, name, aliases, _, _, addresses = party
    others = "".join(_alias(alias, "false") for alias in aliases)
    birthday = "<FeatureVersion><VersionDetail>1 May</VersionDetail></FeatureVersion>"
    plain = f'<Feature ID="{number}" FeatureTypeID="8">{birthday}</Feature>'
    features = "".join(
        f'<Feature ID="{feature}" FeatureTypeID="{KINDS[asset]}"><FeatureVersion>'
        f'<VersionDetail DetailTypeID="1432">{address}</VersionDetail></FeatureVersion></Feature>'
        for feature, asset, address in addresses
    )
    return (
        f'<DistinctParty FixedRef="{number}"><Profile ID="{number}"><Identity>{others}{_alias(name, "true")}</Identity>'
        f"{plain}{features}</Profile></DistinctParty>"
    )


def _alias(name: str, primary: str) -> str:
    parts = "".join(
        f"<DocumentedNamePart><NamePartValue>{part}</NamePartValue></DocumentedNamePart>" for part in name.split()
    )
    return f'<Alias Primary="{primary}"><DocumentedName>{parts}</DocumentedName></Alias>'


def _entry(party: Party) -> str:
    number, _, _, programmes, listed, _ = party
    measures = "".join(f"<SanctionsMeasure><Comment>{word}</Comment></SanctionsMeasure>" for word in programmes)
    event = f"<EntryEvent><Comment /><Date>{_day(listed)}</Date></EntryEvent>"
    return f'<SanctionsEntry ProfileID="{number}">{event}<SanctionsMeasure />{measures}</SanctionsEntry>'


PACKERS = {".xml": lambda data: data, ".bz2": bz2.compress, ".gz": gzip.compress}


def written(place: Path, text: str) -> Path:
    """The text in a file, packed as its name ends."""
    place.write_bytes(PACKERS.get(place.suffix, lambda data: data)(text.encode()))
    return place


PACK = """\
title: Made-up pack
creator: nobody
currency: BTC
label: Corner Exchange
category: exchange
confidence: service_data
lastmod: 2021-02-03
source: https://example.org
tags:
    - address: {first}
    - address: {second}
      label: Corner heist
      category: null
      abuse: service_hack
      confidence: forensic
      lastmod: 2022-05-06
    - address: "{third}"
      currency: ETH
      concepts: [bridge, no_such_word]
      actor: lazarusgroup
"""
