"""Finds input files and streams their rows: Parquet and CSV (also compressed), batch by batch, with row numbers.

Knows nothing of transfers: what columns mean is in `schema.py` and `ingestion/sources/`.
"""

import csv
import glob
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ..base.arrow import pc
from ..base.errors import DataError
from .row_checks import REJECTED_ROWS, rejected_rows

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".csv.gz", ".csv.zst", ".csv.bz2")
DATA = MappingProxyType({"Parquet": PARQUET, "CSV": CSV})
"""The kinds of files with rows, and the endings of their names."""
BAD_SUFFIX = ".bad.parquet"
"""The ending of quarantine files by default; folders and patterns skip them."""

_ROWS = 1 << 17  # rows of Parquet at a time
_BYTES = 1 << 23  # bytes of CSV at a time
_HEADER = 1 << 20  # bytes in which a CSV header must end


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a file: `table` as read, `rows` their numbers (1-based), `rejected` the lines that are not rows.

    `rejected` has the columns of `REJECTED_ROWS`.
    """

    table: pa.Table
    rows: np.ndarray
    rejected: pa.Table


@dataclass(slots=True)
class DataFile:
    """One input file, of which only the schema has been read.

    Attributes:
        path: where it is.
        schema: its columns; all strings for CSV.
        done: the share that `batches` has read so far, 0 to 1.
    """

    path: Path
    schema: pa.Schema
    done: float = 0.0

    def batches(self) -> Iterator[Batch]:
        """Its rows in order, batch by batch.

        Raises:
            DataError: the file cannot be read to its end.
        """
        with readable(self.path):
            yield from self._parquet() if is_parquet(self.path) else self._csv()
        self.done = 1.0

    def _parquet(self) -> Iterator[Batch]:
        with pq.ParquetFile(self.path) as file:
            seen, total = 0, max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(_ROWS):
                rows = np.arange(seen + 1, seen + 1 + len(batch))
                seen += len(batch)
                self.done = seen / total
                yield Batch(pa.Table.from_batches([batch]), rows, REJECTED_ROWS.empty_table())

    def _csv(self) -> Iterator[Batch]:
        names, invalid = self.schema.names, _InvalidRows()
        with pa.OSFile(str(self.path)) as raw, pa.input_stream(raw, compression=_compression(self.path)) as stream:
            reader = pacsv.open_csv(
                stream,
                pacsv.ReadOptions(use_threads=False, block_size=_BYTES),
                pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=invalid),
                pacsv.ConvertOptions(
                    column_types=dict.fromkeys(_first_line(self.path), pa.string()), strings_can_be_null=False
                ),
            )
            size, seen = max(raw.size(), 1), 0
            for batch in reader:
                table = pa.Table.from_batches([batch]).rename_columns(names)
                rows = invalid.skip(np.arange(seen, seen + len(batch)))
                seen += len(batch)
                self.done = raw.tell() / size
                table, rows, rejected = _without_swallowed_lines(table, rows)
                yield Batch(table, rows, pa.concat_tables([rejected, invalid.take()]))
        if invalid.pending:  # those after the last good row
            yield Batch(self.schema.empty_table(), np.arange(0), invalid.take())


def _without_swallowed_lines(table: pa.Table, rows: np.ndarray) -> tuple[pa.Table, np.ndarray, pa.Table]:
    """Reject rows with a field that holds other rows, which happens where a quotation mark is not closed."""
    whole_line = "(?s)\\n" + "[^,]*," * (table.num_columns - 1)
    swallowed = np.zeros(len(table), bool)
    for column in table.columns:
        if pc.any(pc.match_substring(column, "\n")).as_py():
            swallowed |= pc.match_substring_regex(column, whole_line).to_numpy()
    if not swallowed.any():
        return table, rows, REJECTED_ROWS.empty_table()
    reasons = pc.if_else(pa.array(swallowed), "a field holds whole lines: a quotation mark is not closed", None)
    return table.filter(pa.array(~swallowed)), rows[~swallowed], rejected_rows(reasons, rows, table)


class _InvalidRows:
    """Lines of a CSV file with the wrong number of fields: the reader skips them, and they are kept here."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.pending: list[tuple[int, str, str]] = []

    def __call__(self, row: pacsv.InvalidRow) -> str:
        number = row.number - 1  # the header is line 1
        self.numbers.append(number)
        reason = f"line has {row.actual_columns} fields instead of {row.expected_columns}"
        self.pending.append((number, reason, row.text))
        return "skip"

    def skip(self, positions: np.ndarray) -> np.ndarray:
        """Row numbers (1-based) of the good rows at these positions (0-based, skipped lines not counted)."""
        before = np.array(self.numbers, np.int64) - np.arange(1, len(self.numbers) + 1)
        return positions + 1 + np.searchsorted(before, positions, side="right")

    def take(self) -> pa.Table:
        """The lines skipped since the last call, as `REJECTED_ROWS`."""
        rows, self.pending = self.pending, []
        return pa.Table.from_pylist([dict(zip(REJECTED_ROWS.names, row, strict=True)) for row in rows], REJECTED_ROWS)


def find_files(source: str | Path | Sequence[str | Path], kinds: Mapping[str, tuple[str, ...]] = DATA) -> list[Path]:
    """The files that a path, folder, glob pattern or a list of these names; in order, each once.

    Folders are searched to any depth. A file that is named directly is taken whatever its name.

    Args:
        source: where they are.
        kinds: what is taken from folders and patterns: the name of each kind, and the endings of its files.

    Raises:
        DataError: a path does not exist, or a folder or pattern holds no file of these kinds.
    """
    paths = [source] if isinstance(source, str | Path) else list(source)
    if not paths:
        raise DataError(f"no input: give a file, a folder or a glob pattern of {_either(kinds)} files")
    files = [file for path in paths for file in _expand(Path(path).expanduser(), kinds)]
    return list({file.resolve(): file for file in files}.values())


def _expand(path: Path, kinds: Mapping[str, tuple[str, ...]]) -> list[Path]:
    files = files_within(path, tuple(itertools.chain.from_iterable(kinds.values())))
    if files is None and not path.exists():
        raise DataError(f"{path}: no such file or folder")
    if files == []:
        what = _either(kinds)
        raise DataError(
            f"{path}: the folder holds no {what} file" if path.is_dir() else f"{path}: no {what} file fits this pattern"
        )
    return files or [path]


def files_within(path: Path, endings: tuple[str, ...]) -> list[Path] | None:
    """The files in a folder, at any depth, or of a glob pattern; sorted. None if the path is neither.

    Quarantines and hidden files are skipped. A file is hidden if its name begins with `.` or `_`, or that of a folder below
    `path` that it is in.

    Args:
        path: a folder, a pattern, or anything else.
        endings: endings of the names to take, in lower case.
    """
    if path.is_dir():
        files = [(file, file.relative_to(path)) for file in path.rglob("*")]
    elif not path.exists() and glob.has_magic(str(path)):
        files = [(file, Path(file.name)) for file in map(Path, glob.glob(str(path), recursive=True))]
    else:
        return None
    return sorted(file for file, inside in files if file.is_file() and _is_data(inside, endings))


def _is_data(inside: Path, endings: tuple[str, ...]) -> bool:
    hidden = any(part.startswith((".", "_")) for part in inside.parts)
    name = inside.name.lower()
    return not hidden and name.endswith(endings) and not name.endswith(BAD_SUFFIX)


def _either(kinds: Mapping[str, tuple[str, ...]]) -> str:
    *most, last = kinds
    return f"{', '.join(most)} or {last}"


def is_parquet(path: Path) -> bool:
    """Whether the path has the name of a Parquet file."""
    return path.name.lower().endswith(PARQUET)


def open_file(path: Path) -> DataFile:
    """Open a file and read its schema.

    Raises:
        DataError: its name is not that of a Parquet or CSV file, it is empty, or it cannot be read.
    """
    if not path.name.lower().endswith((*PARQUET, *CSV)):
        raise DataError(f"{path}: neither Parquet nor CSV; names must end in {', '.join((*PARQUET, *CSV))}")
    with readable(path):
        schema = pq.read_schema(path) if is_parquet(path) else _header(path)
    refuse_repeated(schema.names, str(path))
    return DataFile(path, schema)


def refuse_repeated(names: Sequence[str], where: str) -> None:
    """Refuse a table in which two columns have the same name. Raises DataError."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise DataError(f"{where}: the columns {', '.join(twice)} occur twice; each column must occur once")


def _header(path: Path) -> pa.Schema:
    names = [name.strip() for name in _first_line(path)]
    if not any(names):
        raise DataError(f"{path}: the file is empty; the first line must name the columns")
    return pa.schema([(name, pa.string()) for name in names])


def _first_line(path: Path) -> list[str]:
    with pa.input_stream(str(path), compression=_compression(path)) as stream:
        start = stream.read(_HEADER).lstrip(b"\r\n").split(b"\n")[0]
    try:
        text = start.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DataError(f"{path}: not a CSV file in UTF-8")
    return next(csv.reader([text]), [])


def _compression(path: Path) -> str | None:
    return {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}.get(path.suffix.lower())


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn the errors of reading a file in this block into one line. Raises DataError."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        kind = next((f" as {name}" for name, endings in DATA.items() if path.name.lower().endswith(endings)), "")
        detail = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"{path}: cannot be read{kind} (damaged or cut off?): {detail}") from None
