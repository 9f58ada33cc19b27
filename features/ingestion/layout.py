"""What a source declares: the layouts of its tables, each recognised by its columns and converted by one function.

Beside it, what those functions share. Chooses no layout (`source_registry.py`) and reads no file (`ingestion.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from ..transfers import columns as col

SKIP = "skip"
"""Column of a converted table: true where the row carries no transfer and is no mistake."""
PROBLEM = "problem"
"""Column of a converted table: why the row is bad, where only the conversion can know."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of keys, each of them once, and their values."""

    keys: pa.Array
    values: pa.Array

    @classmethod
    def empty(cls, key_type: pa.DataType) -> "Lookup":
        """A look-up without keys, whose values are integers."""
        return cls(pa.array([], key_type), pa.array([], pa.int64()))

    @classmethod
    def from_batches(cls, batches: Iterable[pa.Table]) -> "Lookup":
        """A look-up from the columns `key` and `value`. The first value of a key counts; rows without a value do not."""
        table = pa.concat_tables(batches)
        keys, values = col.as_array(table["key"]), col.as_array(table["value"])
        known = pc.and_(pc.is_valid(keys), pc.is_valid(values))
        keys, values = keys.filter(known), values.filter(known)
        first = np.sort(np.unique(pc.index_in(keys, pc.unique(keys)).to_numpy(), return_index=True)[1])
        return cls(keys.take(pa.array(first)), values.take(pa.array(first)))

    def __len__(self) -> int:
        return len(self.keys)

    def values_for(self, keys: pa.Array) -> pa.Array:
        """The value of each key; null where there is none."""
        return self.values.take(pc.index_in(keys, self.keys))


@dataclass(slots=True)
class ConversionContext:
    """What a conversion may need besides the rows.

    Attributes:
        file: name of the file that the rows are in, which distinguishes its lists from those of other files.
        blocks: block number → unix seconds, from a table among the input files; empty if there was none.
        tokens: token address → decimals, from such a table.
    """

    file: str = ""
    blocks: Lookup = field(default_factory=lambda: Lookup.empty(pa.int64()))
    tokens: Lookup = field(default_factory=lambda: Lookup.empty(pa.string()))


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one table of a source.

    Attributes:
        source: name of the source, as `--source` takes it: the name of its file, with dashes.
        name: what the table holds.
        needs: columns it is recognised by; `a|b` stands for either.
        convert: makes from a batch of rows the columns of a transfer, row by row, of any type that can be converted
            (`transfers/row_checks.py`). It may add `origin` (`transfers/duplicates.py`), `skip` and `problem`. For the kind
            "coins" see `utxo.py`; look-ups give `key` and `value`.
        lacks: columns it never has.
        kind: "transfers", "coins" (inputs and outputs that are joined later), "blocks" or "tokens" (look-ups).
        time: the column with the time, if it may be missing where a table of blocks is given.
    """

    source: str
    name: str
    needs: tuple[str, ...]
    convert: Callable[[pa.Table, ConversionContext], pa.Table]
    lacks: tuple[str, ...] = ()
    kind: Literal["transfers", "coins", "blocks", "tokens"] = "transfers"
    time: str | None = None

    def fits(self, columns: Iterable[str]) -> bool:
        """Whether a table with these columns has this layout."""
        present = set(columns)
        return all(present & set(need.split("|")) for need in self.needs) and not present & set(self.lacks)


def pick(table: pa.Table, names: str) -> pa.Array:
    """The first of the columns `a|b|c` that the table has; nulls if it has none."""
    for name in names.split("|"):
        if name in table.column_names:
            return col.as_array(table[name])
    return pa.nulls(len(table), pa.string())


def constant(table: pa.Table, value: str) -> pa.Array:
    """The same string for every row."""
    return pa.repeat(value, len(table))


def tagged(prefix: str | pa.Array, *parts: pa.Array) -> pa.Array:
    """`prefix` and the parts, joined by colons; null where a part is null."""
    return pc.binary_join_element_wise(prefix, *parts, ":")


def scaled(values: pa.Array, decimals: int | pa.Array) -> pa.Array:
    """Base units as whole units (float64); null where either is no number."""
    divisor = 10.0**decimals if isinstance(decimals, int) else pc.power(10.0, decimals.cast(pa.float64()))
    return pc.divide(col.numbers(values), divisor)


def lenient_numbers(column: pa.Array) -> pa.Array:
    """Numbers as people write them, with a currency sign and commas between the thousands (float64)."""
    array = col.as_array(column)
    return col.numbers(pc.replace_substring_regex(array, r"[$,\s]", "") if col.is_text(array) else array)
