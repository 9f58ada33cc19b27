"""Builds one table of labels from files of any known format: picks the readers, checks addresses, maps words to categories.

What a format looks like is in its reader; what a label is, in `table.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from ..base.atomic_write import write_parquet
from ..base.errors import DataError
from ..transfers.addresses import normalise_addresses
from ..transfers.input_files import CSV, PARQUET, files_within
from .checksums import CASE_LOST, check_address
from .known_actors import first_actor
from .readers import etherscan, forta, graphsense, ofac_plain, ofac_xml, plain
from .readers.reader import OpenedFile, Reader, open_label_file
from .table import (
    COLUMNS,
    address_problems_of,
    as_arrow,
    column_of,
    confidences,
    first_reason,
    read_dates,
    sorted_labels,
    text,
)
from .vocabularies import ACTOR, vocabulary

READERS: tuple[Reader, ...] = (
    ofac_xml.READER,
    *ofac_plain.READERS,
    *graphsense.READERS,
    etherscan.READER,
    forta.READER,
    plain.READER,  # last, because other formats have its columns too
)
NO_WORD = "(none)"
"""The unmatched word of tags that do not say what an address is."""

_SUFFIXES = (*PARQUET, *CSV, ".xml", ".xml.gz", ".xml.bz2", ".yaml", ".yml", ".txt")
_REJECTED = ("file", "row", "reason", "record")
_UNMATCHED = ("source", "what", "word", "count")


@dataclass(frozen=True)
class BuiltLabels:
    """What was built.

    Attributes:
        labels: one row per label, in COLUMNS, by address, category, source and name.
        rejected: rows without a label: file, row (from 1), reason, record (JSON).
        unmatched: what no vocabulary knows: source, what ("word", or "address" if its case was lost), word, number of rows.
        conflicts: addresses with several categories or actors: address, categories, actors, sources (each joined by |).
        skipped: files of folders and patterns that are in no known format.
    """

    labels: pd.DataFrame
    rejected: pd.DataFrame
    unmatched: pd.DataFrame
    conflicts: pd.DataFrame
    skipped: tuple[str, ...]


def build_labels(paths: str | Path | Sequence[str | Path], out: Path | None = None) -> BuiltLabels:
    """Read label files of any known format into one table. Conflicting labels are all kept; equal ones count once.

    Args:
        paths: files, folders (searched to any depth) or glob patterns. A file's content shows its format. Several editions of
            OFAC's advanced XML are read together: what a later one lacks was withdrawn by its date.
        out: where to write the labels (.parquet), if anywhere.

    Raises:
        DataError: there are no files, a file that was named is in no known format or cannot be read, or no row is good.
    """
    by_reader, skipped = _by_reader(_find([paths] if isinstance(paths, str | Path) else list(paths)))
    parts = [_read(reader, by_reader[index]) for index, reader in enumerate(READERS) if index in by_reader]
    labels = sorted_labels(pd.concat([part.labels for part in parts]))
    rejected = pd.concat([part.rejected for part in parts]).sort_values(
        ["file", "row"], ignore_index=True, kind="stable"
    )
    if not len(labels):
        why = f"; {rejected['file'][0]}, row {rejected['row'][0]}: {rejected['reason'][0]}" if len(rejected) else ""
        raise DataError(f"no good label among {len(rejected):,} rows{why}")
    unmatched = _counted(pd.concat([part.unmatched for part in parts]))
    if out is not None:
        write_parquet(as_arrow(labels), Path(out))
    return BuiltLabels(labels, rejected, unmatched, conflicts(labels), skipped)


def conflicts(labels: pd.DataFrame) -> pd.DataFrame:
    """Find addresses with several categories or actors: address, categories, actors, sources (each sorted and joined by |)."""
    several = [_pairs(labels, name)["address"] for name in ("category", "actor")]
    repeated = pd.concat([pd.Series(addresses[addresses.duplicated()]) for addresses in several])
    rows = pd.DataFrame(labels.loc[labels["address"].isin(repeated)])
    joined = {
        plural: _pairs(rows, name).groupby("address")[name].agg("|".join)
        for name, plural in (("category", "categories"), ("actor", "actors"), ("source", "sources"))
    }
    return pd.DataFrame(joined).fillna("").rename_axis("address").sort_index().reset_index()


def _pairs(labels: pd.DataFrame, name: str) -> pd.DataFrame:
    """Pairs of address and value of a column, each once, sorted, without nulls."""
    pairs = pd.DataFrame(labels.loc[:, ["address", name]]).dropna().drop_duplicates()
    return pairs.sort_values(by=["address", name])


def _find(paths: list[str | Path]) -> list[tuple[Path, bool]]:
    """The files, each once, and whether it was named directly."""
    if not paths:
        raise DataError("no input: give files of labels, a folder or a glob pattern")
    files: dict[Path, tuple[Path, bool]] = {}
    for path in (Path(given).expanduser() for given in paths):
        for file, named in _expand(path):
            key = file.resolve()
            files[key] = (file, named or files.get(key, (file, False))[1])
    return list(files.values())


def _expand(path: Path) -> list[tuple[Path, bool]]:
    files = files_within(path, _SUFFIXES)
    if files is None:
        return [(path, True)]
    if not files:
        raise DataError(f"{path}: holds no file of labels (names end in {', '.join(_SUFFIXES)})")
    return [(file, False) for file in files]


def _by_reader(files: list[tuple[Path, bool]]) -> tuple[dict[int, list[OpenedFile]], tuple[str, ...]]:
    """The files of each reader, by its position in READERS; and the files that no reader reads."""
    by_reader: dict[int, list[OpenedFile]] = {}
    skipped = []
    for path, named in files:
        opened = open_label_file(path)
        index = next((index for index, reader in enumerate(READERS) if reader.fits(opened)), None)
        if index is not None:
            by_reader.setdefault(index, []).append(opened)
        elif named:
            raise DataError(_unknown_format(opened))
        else:
            skipped.append(str(path))
    if not by_reader:
        raise DataError(f"none of {len(files)} files is in a known format of labels; {_formats()}")
    return by_reader, tuple(skipped)


def _unknown_format(opened: OpenedFile) -> str:
    content = f"its columns are {', '.join(sorted(opened.columns))}" if opened.columns else f"it is {opened.kind}"
    return f"{opened.path}: in no known format of labels ({content}); {_formats()}"


def _formats() -> str:
    return f"known are: {'; '.join(reader.description for reader in READERS)}"


def _read(reader: Reader, files: list[OpenedFile]) -> BuiltLabels:
    """The labels of one reader's files; `unmatched` is not counted yet, and `conflicts` is empty."""
    tags = reader.read(files).reset_index(drop=True)
    table, problems = _checked(tags)
    table["source"] = text(tags, "source").fillna(reader.source)
    categories, unmatched = _meanings(column_of(tags, "words"), reader)
    no_category = [None if ids else _no_meaning(words) for ids, words in zip(categories, tags["words"], strict=True)]
    reasons = first_reason(problems, pd.Series(no_category, dtype="object"))
    lost = tags["address"][reasons.eq(CASE_LOST)]
    good = reasons.isna()
    labels = table[good].assign(category=pd.Series(categories, dtype="object")[good]).explode("category")
    labels["category"] = labels["category"].astype("str")
    gaps = [("word", word) for word in unmatched] + [("address", address) for address in lost]
    return BuiltLabels(
        pd.DataFrame(labels.loc[:, list(COLUMNS)]),
        _rejected(tags, reasons),
        pd.DataFrame([(reader.source, *gap) for gap in gaps], columns=list(_UNMATCHED[:3]), dtype="str"),
        pd.DataFrame(),
        (),
    )


def _checked(tags: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """The columns of labels that need no vocabulary, and what is wrong with each row."""
    table = pd.DataFrame({name: text(tags, name) for name in ("case", "name", "programmes", "aliases")})
    given = pa.array(text(tags, "address"), pa.string(), from_pandas=True)
    table["address"] = pd.Series(normalise_addresses(given).to_pylist(), dtype="str")
    table["network"], wrong = _on_networks(text(tags, "address").str.strip(), text(tags, "asset"))
    table["actor"] = _actors(tags)
    table["confidence"], no_share = confidences(tags)
    table["known_from"], not_from = read_dates(tags, "known_from")
    table["known_until"], not_until = read_dates(tags, "known_until")
    reported = column_of(tags, "problem").astype("object")
    problem = pd.Series(reported.where(reported.notna(), None))
    return table, first_reason(problem, address_problems_of(given), wrong, not_from, not_until, no_share)


def _on_networks(addresses: pd.Series, assets: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The network of each address, and why it is wrong there; every spelling is checked once."""
    pairs = list(zip(addresses.tolist(), assets.astype("object").where(assets.notna(), None).tolist(), strict=True))
    checked = {
        (address, asset): check_address(address, asset) for address, asset in set(pairs) if isinstance(address, str)
    }
    results = [checked.get(pair) for pair in pairs]
    networks = pd.Series([result and result.network for result in results], dtype="str")
    return networks, pd.Series([result and result.problem for result in results], dtype="object")


def _actors(tags: pd.DataFrame) -> pd.Series:
    """Ids of known actors, found by the source's actor, name or aliases; else the actor as the source has it."""
    keys = list(zip(*(text(tags, name).fillna("").tolist() for name in ("actor", "name", "aliases")), strict=True))
    known = {key: _actor(*key) for key in set(keys)}
    return pd.Series([known[key] or key[0].strip() or None for key in keys], dtype="str")


def _actor(actor: str, name: str, aliases: str) -> str | None:
    """The first that is known: the actor, the name, the name before a colon (Tornado.Cash: Router), the aliases."""
    return first_actor([actor, name, name.partition(":")[0], *aliases.split("|")])


def _meanings(words: pd.Series, reader: Reader) -> tuple[list[list[str]], list[str]]:
    """The categories of each row's words, sorted; and every word without a category, as often as it occurs."""
    known = vocabulary(reader.vocabulary)
    rows = [tuple(row_words) if isinstance(row_words, list) else () for row_words in words]
    meaning = {row_words: _meaning(row_words, known) for row_words in set(rows)}
    return [meaning[row][0] for row in rows], [word for row in rows for word in meaning[row][1]]


def _meaning(words: tuple[str, ...], known: dict[str, tuple[str, ...]]) -> tuple[list[str], list[str]]:
    actors = [word for word in words if word.startswith(ACTOR) and word.casefold() in known]
    categories = sorted({category for word in actors or words for category in known.get(word.casefold(), ())})
    others = [word for word in words if not word.startswith(ACTOR)]
    unknown = [word for word in others if word.casefold() not in known]
    return categories, unknown if others or categories else [NO_WORD]


def _no_meaning(words: object) -> str:
    others = [word for word in words if not word.startswith(ACTOR)] if isinstance(words, list) else []
    return f"no category is known for {', '.join(others)}" if others else "nothing says what the address is"


def _rejected(tags: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    rows = np.flatnonzero(reasons.notna().to_numpy())
    bad = tags.iloc[rows]
    plain_rows = bad.drop(columns=["file", "row", "problem"]).astype("object")
    records = [
        json.dumps(
            {k: v for k, v in row.items() if isinstance(v, list) or pd.notna(v)}, default=str, ensure_ascii=False
        )
        for row in plain_rows.to_dict("records")
    ]
    columns = (bad["file"].astype("str"), bad["row"].astype("int64"), reasons.iloc[rows].astype("str"), records)
    return pd.DataFrame({name: np.asarray(c) for name, c in zip(_REJECTED, columns, strict=True)}).astype(
        {"file": "str", "row": "int64", "reason": "str", "record": "str"}
    )


def _counted(gaps: pd.DataFrame) -> pd.DataFrame:
    """Gaps and how often each occurs, the most frequent of a source first."""
    counts = gaps.value_counts(sort=False).rename("count").reset_index()
    order = ["source", "what", "count", "word"]
    ordered = counts.sort_values(by=order, ascending=[True, False, False, True], ignore_index=True)
    return pd.DataFrame(ordered.loc[:, list(_UNMATCHED)])
