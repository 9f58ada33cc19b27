"""Columns that grow: in memory, or in files of the format .npy that are mapped once they are whole. Knows no transfers."""

import os
from pathlib import Path
from typing import Any

import numpy as np

_ROOM = 1024


class Growing:
    """A column to which rows are added at the end.

    Args:
        kind: the type of its numbers.
        place: the file it grows in; None for memory. A file that is there is gone on with.
        room: how many numbers are expected in memory; what is not used costs nothing.
    """

    def __init__(self, kind: Any, place: Path | None = None, room: int = 0) -> None:
        self.kind, self.place = np.dtype(kind), place
        self._array, self._file, self._n = np.empty(0 if place else room, kind), None, 0
        if place is not None:
            self._file = place.open("r+b" if place.exists() else "w+b")
            self._n = self._read_header() if os.fstat(self._file.fileno()).st_size else self._write_header()
            self._file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return self._n

    def add(self, values: np.ndarray) -> None:
        """Append numbers."""
        if self._file is not None:
            np.ascontiguousarray(values, self.kind).tofile(self._file)
        else:
            self._make_room(self._n + len(values))
            self._array[self._n : self._n + len(values)] = values
        self._n += len(values)

    def cut(self, n: int) -> np.ndarray:
        """Take back all numbers but the first n."""
        if self._file is None:
            tail = self._array[n : self._n].copy()
        else:
            self._file.seek((n - self._n) * self.kind.itemsize, os.SEEK_END)
            tail = np.fromfile(self._file, self.kind)
            self._file.seek(-len(tail) * self.kind.itemsize, os.SEEK_END)
            self._file.truncate()
        self._n = n
        return tail

    def below(self, value: Any) -> int:
        """How many of the numbers, which ascend, are less than this."""
        if self._file is None:
            return int(np.searchsorted(self._array[: self._n], value))
        self._write_header()
        self._file.flush()
        self._file.seek(0, os.SEEK_END)
        assert self.place is not None
        return int(np.searchsorted(mapped(self.place), value))

    def whole(self) -> np.ndarray:
        """All numbers; nothing is added after that."""
        if self._file is None:
            return self._array[: self._n]
        self._write_header()
        self._file.close()
        assert self.place is not None
        return mapped(self.place)

    def close(self) -> None:
        """Let go of the file, whatever it holds."""
        if self._file is not None:
            self._file.close()

    def _make_room(self, n: int) -> None:
        if n > len(self._array):
            longer = np.empty(max(n, 2 * len(self._array), _ROOM), self.kind)
            longer[: self._n] = self._array[: self._n]
            self._array = longer

    def _write_header(self) -> int:
        """Write how many numbers there are; numpy leaves room for the count to grow in place."""
        assert self._file is not None
        self._file.seek(0)
        header = {"descr": self.kind.str, "fortran_order": False, "shape": (self._n,)}
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._n

    def _read_header(self) -> int:
        assert self._file is not None
        np.lib.format.read_magic(self._file)
        return np.lib.format.read_array_header_1_0(self._file)[0][0]


class Table:
    """Columns that grow together. Optional ones come into being with their first value; rows before it get what stands for none.

    Args:
        kinds: the type of each column, by name.
        absent: of optional columns, what stands for no value.
        folder: where each column grows in a file of its own (STEM-NAME.npy); None for memory.
        stem: what the names of the files begin with.
        room: how many rows are expected.
    """

    def __init__(
        self, kinds: dict[str, Any], absent: dict[str, Any], folder: Path | None = None, stem: str = "", room: int = 0
    ) -> None:
        self._kinds, self._absent, self._folder, self._stem, self._room = kinds, absent, folder, stem, room
        self._columns = {name: self._grown(name) for name in kinds if self._begins(name)}
        self.rows = max((len(column) for column in self._columns.values()), default=0)

    def add(self, **columns: np.ndarray) -> None:
        """Append rows; an empty column stands for no values."""
        n = max(len(values) for values in columns.values())
        for name, values in columns.items():
            if len(values) < n and name not in self._columns:
                continue
            if name not in self._columns:
                self._columns[name] = self._grown(name)
                self._columns[name].add(np.full(self.rows, self._absent[name], self._kinds[name]))
            self._columns[name].add(values if len(values) == n else np.full(n, self._absent[name], self._kinds[name]))
        self.rows += n

    def cut(self, n: int) -> dict[str, np.ndarray]:
        """Take back all rows but the first n."""
        self.rows = n
        return {name: np.empty(0, kind) for name, kind in self._kinds.items()} | {
            name: column.cut(n) for name, column in self._columns.items()
        }

    def whole(self) -> dict[str, np.ndarray]:
        """All columns, empty where there is no value; nothing is added after that."""
        return {name: np.empty(0, kind) for name, kind in self._kinds.items()} | {
            name: column.whole() for name, column in self._columns.items()
        }

    def close(self) -> None:
        """Let go of the files."""
        for column in self._columns.values():
            column.close()

    def below(self, name: str, value: Any) -> int:
        """How many rows have less than this in a column that ascends."""
        return self._columns[name].below(value)

    def _grown(self, name: str) -> Growing:
        return Growing(self._kinds[name], self._place(name), self._room)

    def _place(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._stem}-{name}.npy"

    def _begins(self, name: str) -> bool:
        place = self._place(name)
        return name not in self._absent or (place is not None and place.exists())


def mapped(place: Path) -> np.ndarray:
    """A stored column, read as it is looked at; changes stay in memory. A plain writable array, as kernels take them."""
    with place.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        if not np.prod(shape):
            return np.empty(shape, kind)
        return np.asarray(np.memmap(file, kind, "c", file.tell(), shape))


def store(array: np.ndarray, place: Path) -> None:
    """Store a column for `mapped`."""
    with place.open("wb") as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), version=(1, 0))
