"""A row of a list of addresses, a place that cannot be read, and the header of a list. Reads no file."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ...features.base.errors import DataError
from .caller_columns import MOST, shortened

COLUMNS = ("address", "as_of")

REJECTS_SCHEMA = pa.schema(
    [("file", pa.string()), ("row", pa.int64()), ("rows", pa.int64()), ("reason", pa.string()), ("record", pa.string())]
)
"""The fields of `Reject`."""

SHOWN = 200
"""Characters of a bad line that are kept."""

READ_ERRORS = (pa.ArrowException, OSError, EOFError, ValueError, MemoryError)
"""What reading a damaged file may raise."""

_INDEX = re.compile(r"__index_level_\d+__")  # pandas' name for an index without a name


class ListRow(NamedTuple):
    """One row of a list.

    Attributes:
        address, as_of: as the list has them; None where there is none.
        names: of the caller's own columns, one object for all rows of a file.
        values: of these columns, as texts.
    """

    address: str | None
    as_of: Any
    names: tuple[str, ...] = ()
    values: tuple[str | None, ...] = ()

    def characters(self) -> int:
        """How many characters it holds."""
        return len(self.address or "") + sum(map(len, (*self.names, *filter(None, self.values))))


class Reject(NamedTuple):
    """A place of a list that cannot be read.

    Attributes:
        file: its name.
        row: line or row in it, from 1; None: the whole file.
        rows: how many rows are lost; None: unknown.
        reason: what is wrong.
        record: the beginning of its text, if it has one.
    """

    file: str
    row: int | None
    rows: int | None
    reason: str
    record: str | None


class NotAListError(Exception):
    """A file that is not a list of addresses."""


class ListHeader(NamedTuple):
    """The columns of a list: positions of the address, of the date and of the caller's own columns, and names of these."""

    address: int
    as_of: int | None
    others: tuple[int, ...]
    names: tuple[str, ...]
    width: int

    @property
    def scored(self) -> list[int]:
        """The columns that a score depends on."""
        return [self.address] if self.as_of is None else [self.address, self.as_of]

    @classmethod
    def from_names(cls, names: Sequence[str], caller_columns: bool) -> "ListHeader":
        """Read the names of the columns. Raises NotAListError if a list cannot have these."""
        shown = ", ".join(names[:MOST])[:SHOWN] if names else "none (the file is empty)"
        if "address" not in names:
            raise NotAListError(f"a column `address` is needed, got: {shown}")
        if twice := [name for name in COLUMNS if list(names).count(name) > 1]:
            raise NotAListError(f"the column {twice[0]} occurs twice, got: {shown}")
        if caller_columns:
            refuse_too_many(len(names))
        others = [k for k, name in enumerate(names) if name not in COLUMNS and not _INDEX.fullmatch(name)]
        others = tuple(others if caller_columns else ())
        date = names.index("as_of") if "as_of" in names else None
        return cls(names.index("address"), date, others, tuple(shortened(names[k]) for k in others), len(names))


def refuse_too_many(columns: int) -> None:
    """Raise NotAListError if a list has more columns than are echoed."""
    if columns > MOST:
        raise NotAListError(f"got {columns:,} columns, at most {MOST} are allowed; leave out those that nobody needs")


def unreadable(path: Path, error: BaseException) -> str:
    """Why a file cannot be read. What the system refuses does not depend on the file's content: it raises DataError."""
    if isinstance(error, OSError) and error.errno is not None:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); correct that, and go on with --resume"
        ) from None
    return f"cannot be read (damaged or cut off?): {one_line(error)}"


def one_line(error: BaseException) -> str:
    """An error's message in one line."""
    return " ".join(str(error).split())[:SHOWN] or type(error).__name__
