"""One row of a list of addresses, what is set aside of a list, and how a list's columns are told. Reads no file."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ...features.base.errors import DataError
from ..scoring.address_lists import COLUMNS
from .passthrough_columns import MOST, cut

ASIDE = pa.schema(
    [("file", pa.string()), ("row", pa.int64()), ("rows", pa.int64()), ("reason", pa.string()), ("record", pa.string())]
)
"""What was set aside: the file, where in it (1-based line or row; null: all of it), how many rows (null: unknown), why, text."""

SHOWN = 200
"""Characters of a bad line that are kept."""

UNREADABLE = (pa.ArrowException, OSError, EOFError, ValueError, MemoryError)
"""What reading a damaged file may raise."""

_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an index without a name


class Asked(NamedTuple):
    """One row of a list: an address and its date, each as it came, None where there is none; and the caller's own columns.

    Attributes:
        names: of these columns, one object for all rows of a file.
        values: theirs, as texts.
    """

    address: str | None
    as_of: Any
    names: tuple[str, ...] = ()
    values: tuple[str | None, ...] = ()

    def size(self) -> int:
        """Its characters."""
        own = len(self.address or "")
        return own + sum(map(len, (*self.names, *filter(None, self.values)))) if self.names else own


class Aside(NamedTuple):
    """What could not be read, as ASIDE."""

    file: str
    row: int | None
    rows: int | None
    reason: str
    record: str | None


class UnfitError(Exception):
    """A file that is no list of addresses."""


class Head(NamedTuple):
    """Where in a row its address, its date and the caller's own columns are, and what those are called."""

    address: int
    as_of: int | None
    others: tuple[int, ...]
    names: tuple[str, ...]
    width: int

    @property
    def wanted(self) -> list[int]:
        """The columns that a score hangs on."""
        return [self.address] if self.as_of is None else [self.address, self.as_of]

    @classmethod
    def of(cls, names: Sequence[str]) -> "Head":
        """Read the names of the columns. Raises UnfitError if they are none of a list."""
        came = ", ".join(names[:MOST])[:SHOWN] if names else "none: the file is empty"
        if "address" not in names:
            raise UnfitError(f"a column `address` is needed; the columns that came: {came}")
        if twice := [name for name in COLUMNS if list(names).count(name) > 1]:
            raise UnfitError(f"the column {twice[0]} came twice; the columns that came: {came}")
        refuse_many(len(names))
        others = tuple(k for k, name in enumerate(names) if name not in COLUMNS and not _INDEX.fullmatch(name))
        date = names.index("as_of") if "as_of" in names else None
        return cls(names.index("address"), date, others, tuple(cut(names[k]) for k in others), len(names))


def refuse_many(columns: int) -> None:
    """Raise UnfitError if a list has more columns than anybody asks about."""
    if columns > MOST:
        raise UnfitError(f"{columns:,} columns came, at most {MOST} are allowed; leave out those that nobody needs")


def said(place: Path, error: BaseException) -> str:
    """Why a file cannot be read. What the system refuses is no matter of the file's contents, and ends the run."""
    if isinstance(error, OSError) and error.errno is not None:
        raise DataError(
            f"{place}: cannot be read ({error.strerror or error}); mend that, and go on with --resume"
        ) from None
    return f"cannot be read (damaged or cut off?): {line_of(error)}"


def line_of(error: BaseException) -> str:
    """An error's message in one line."""
    return " ".join(str(error).split())[:SHOWN] or type(error).__name__
