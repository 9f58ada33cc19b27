"""What a source is made of: layouts, each known by its columns and converted by one function.

The registry that chooses among them is in `__init__.py`, the reading of files in `ingest.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from ...base.arrow import pc
from ...transfers import columns as col

SKIP = "skip"
"""Column of a converted table: true where the row carries no transfer and is no mistake."""
PROBLEM = "problem"
"""Column of a converted table: why the row is bad, where only the conversion can tell."""


@dataclass(slots=True)
class Context:
    """What a conversion may need beside the rows: the file they stand in, and look-up tables given among the paths.

    Attributes:
        file: name of the file, to tell lists of one file from those of another.
        blocks: block number → unix seconds; empty if none was given.
        tokens: token address → decimals; empty if none was given.
    """

    file: str = ""
    blocks: "Lookup" = field(default_factory=lambda: Lookup(pa.array([], pa.int64()), pa.array([], pa.int64())))
    tokens: "Lookup" = field(default_factory=lambda: Lookup(pa.array([], pa.string()), pa.array([], pa.int64())))


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of two columns, key and value; keys occur once."""

    keys: pa.Array
    values: pa.Array

    def __len__(self) -> int:
        return len(self.keys)

    def of(self, keys: pa.Array) -> pa.Array:
        """The value of each key; null where it is not known."""
        return self.values.take(pc.index_in(keys, self.keys))


@dataclass(frozen=True, slots=True)
class Layout:
    """One table layout of a source.

    Attributes:
        source: name of the source, as `--source` takes it.
        name: what the table holds.
        needs: columns it is known by; `a|b` stands for either.
        convert: a batch of rows → the columns of a transfer, row by row, loosely typed (`checks.py`), perhaps with
            `origin` (`duplicates.py`), `skip` and `problem`; for kind "coins" see `coins.py`; for look-ups key and value.
        lacks: columns it never has.
        kind: "transfers", "coins" (inputs and outputs yet to be joined), "blocks" or "tokens" (look-ups).
        time: the column with the time, if it may be missing where a look-up of blocks is given.
    """

    source: str
    name: str
    needs: tuple[str, ...]
    convert: Callable[[pa.Table, Context], pa.Table]
    lacks: tuple[str, ...] = ()
    kind: Literal["transfers", "coins", "blocks", "tokens"] = "transfers"
    time: str | None = None

    def fits(self, names: Iterable[str]) -> bool:
        """Whether a table with these columns has this layout."""
        came = set(names)
        return all(came & set(need.split("|")) for need in self.needs) and not came & set(self.lacks)


def pick(table: pa.Table, names: str) -> pa.Array:
    """The first of the columns `a|b|c` that the table has; nulls if it has none."""
    for name in names.split("|"):
        if name in table.column_names:
            return col.plain(table[name])
    return pa.nulls(len(table), pa.string())


def constant(table: pa.Table, value: str) -> pa.Array:
    """The same string for every row."""
    return pa.repeat(value, len(table))


def tagged(prefix: str | pa.Array, *parts: pa.Array) -> pa.Array:
    """`prefix` and the parts, joined by colons; null where a part is."""
    return pc.binary_join_element_wise(prefix, *parts, ":")


def scaled(values: pa.Array, decimals: int | pa.Array) -> pa.Array:
    """Base units as whole units (float64); null where either is no number."""
    divisor = 10.0**decimals if isinstance(decimals, int) else pc.power(10.0, decimals.cast(pa.float64()))
    return pc.divide(col.numbers(values), divisor)


def lenient_numbers(column: pa.Array) -> pa.Array:
    """Numbers as people write them, with a currency sign and commas between the thousands (float64)."""
    array = col.plain(column)
    return col.numbers(pc.replace_substring_regex(array, r"[$,\s]", "") if col.is_text(array) else array)


def lookup_of(pairs: Iterable[pa.Table]) -> Lookup:
    """A look-up made of batches of key and value; the first value of a key counts, rows without a value do not."""
    table = pa.concat_tables(pairs)
    keys, values = col.plain(table["key"]), col.plain(table["value"])
    known = pc.and_(pc.is_valid(keys), pc.is_valid(values))
    keys, values = keys.filter(known), values.filter(known)
    first = np.sort(np.unique(pc.index_in(keys, pc.unique(keys)).to_numpy(), return_index=True)[1])
    return Lookup(keys.take(pa.array(first)), values.take(pa.array(first)))
