"""Columns that grow: in memory, or in .npy files that are mapped once they are complete. Knows no transfers."""

import os
from pathlib import Path
from typing import Any

import numpy as np

_ROOM = 1024


class GrowingColumn:
    """A column to which rows are added at the end.

    Args:
        dtype: the type of its numbers.
        path: the file it grows in; None for memory. Numbers are appended to a file that exists.
        room: how many numbers are expected in memory; unused room costs nothing.
    """

    def __init__(self, dtype: Any, path: Path | None = None, room: int = 0) -> None:
        self.dtype, self.path = np.dtype(dtype), path
        self._array, self._file, self._n = np.empty(0 if path else room, dtype), None, 0
        if path is not None:
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._n = self._read_header() if os.fstat(self._file.fileno()).st_size else self._write_header()
            self._file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return self._n

    def add(self, values: np.ndarray) -> None:
        """Append numbers."""
        if self._file is not None:
            np.ascontiguousarray(values, self.dtype).tofile(self._file)
        else:
            self._make_room(self._n + len(values))
            self._array[self._n : self._n + len(values)] = values
        self._n += len(values)

    def take_back(self, n: int) -> np.ndarray:
        """Remove all numbers but the first n, and return them."""
        if self._file is None:
            taken = self._array[n : self._n].copy()
        else:
            self._file.seek((n - self._n) * self.dtype.itemsize, os.SEEK_END)
            taken = np.fromfile(self._file, self.dtype)
            self._file.seek(-len(taken) * self.dtype.itemsize, os.SEEK_END)
            self._file.truncate()
        self._n = n
        return taken

    def count_below(self, value: Any) -> int:
        """How many of the numbers, which ascend, are less than this."""
        if self._file is None:
            return int(np.searchsorted(self._array[: self._n], value))
        self._write_header()
        self._file.flush()
        self._file.seek(0, os.SEEK_END)
        assert self.path is not None
        return int(np.searchsorted(map_column(self.path), value))

    def finish(self) -> np.ndarray:
        """All numbers. Nothing may be added after this."""
        if self._file is None:
            return self._array[: self._n]
        self._write_header()
        self._file.close()
        assert self.path is not None
        return map_column(self.path)

    def close(self) -> None:
        """Close the file, whatever it holds."""
        if self._file is not None:
            self._file.close()

    def _make_room(self, n: int) -> None:
        if n > len(self._array):
            longer = np.empty(max(n, 2 * len(self._array), _ROOM), self.dtype)
            longer[: self._n] = self._array[: self._n]
            self._array = longer

    def _write_header(self) -> int:
        """Write how many numbers there are; numpy leaves room for the count to grow in place."""
        assert self._file is not None
        self._file.seek(0)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": (self._n,)}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._n

    def _read_header(self) -> int:
        assert self._file is not None
        np.lib.format.read_magic(self._file)
        return np.lib.format.read_array_header_1_0(self._file)[0][0]


class GrowingTable:
    """Columns that grow together. An optional column begins with its first value; rows before it get the value for "absent".

    Args:
        dtypes: the type of each column, by name.
        absent: the optional columns, each with the value that means "absent".
        folder: where each column grows in its own file (STEM-NAME.npy); None for memory.
        stem: the beginning of the files' names.
        room: how many rows are expected.
    """

    def __init__(
        self, dtypes: dict[str, Any], absent: dict[str, Any], folder: Path | None = None, stem: str = "", room: int = 0
    ) -> None:
        self._dtypes, self._absent, self._folder, self._stem, self._room = dtypes, absent, folder, stem, room
        self._columns = {name: self._new_column(name) for name in dtypes if self._begins(name)}
        self.rows = max((len(column) for column in self._columns.values()), default=0)

    def add(self, **columns: np.ndarray) -> None:
        """Append rows; an empty column stands for no values."""
        n = max(len(values) for values in columns.values())
        for name, values in columns.items():
            if len(values) < n and name not in self._columns:
                continue
            if name not in self._columns:
                self._columns[name] = self._new_column(name)
                self._columns[name].add(np.full(self.rows, self._absent[name], self._dtypes[name]))
            self._columns[name].add(values if len(values) == n else np.full(n, self._absent[name], self._dtypes[name]))
        self.rows += n

    def take_back(self, n: int) -> dict[str, np.ndarray]:
        """Remove all rows but the first n, and return them."""
        self.rows = n
        return {name: np.empty(0, dtype) for name, dtype in self._dtypes.items()} | {
            name: column.take_back(n) for name, column in self._columns.items()
        }

    def finish(self) -> dict[str, np.ndarray]:
        """All columns, empty where there is no value. Nothing may be added after this."""
        return {name: np.empty(0, dtype) for name, dtype in self._dtypes.items()} | {
            name: column.finish() for name, column in self._columns.items()
        }

    def close(self) -> None:
        """Close the files."""
        for column in self._columns.values():
            column.close()

    def count_below(self, name: str, value: Any) -> int:
        """How many rows have less than this in a column that ascends."""
        return self._columns[name].count_below(value)

    def _new_column(self, name: str) -> GrowingColumn:
        return GrowingColumn(self._dtypes[name], self._path(name), self._room)

    def _path(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._stem}-{name}.npy"

    def _begins(self, name: str) -> bool:
        path = self._path(name)
        return name not in self._absent or (path is not None and path.exists())


def map_column(path: Path) -> np.ndarray:
    """A stored column, read from disk as it is used; changes stay in memory. A plain writable array, as kernels take them."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if not np.prod(shape):
            return np.empty(shape, dtype)
        return np.asarray(np.memmap(file, dtype, "c", file.tell(), shape))


def write_column(array: np.ndarray, path: Path) -> None:
    """Write a column for `map_column`."""
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0))
