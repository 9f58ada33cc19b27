"""What a protocol is: what it measures, the files it reads, where they come from, and the function that runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .input_files import every

Tables = dict[str, pd.DataFrame]
"""Tables by title, the main one first."""
Progress = Callable[[str, int, int], None]
"""Called with the name of a step, how much of it is done, and how much it is in all."""


@dataclass(frozen=True)
class Protocol:
    """A protocol. A module of a folder below that has one as `PROTOCOL` is found by `registry`.

    Attributes:
        name: the NAME of the command `walletprint benchmark NAME`.
        measures: one line on what it measures.
        files: names or patterns of the files it needs, in the data folder or right below it.
        source: the upstream of the files.
        intro: a paragraph on what is measured and how.
        run: the function from data folder, seed and progress to its tables.
        optional: files that it can use beyond `files`.
    """

    name: str
    measures: str
    files: tuple[str, ...]
    source: str
    intro: str
    run: Callable[[Path, int, Progress], Tables]
    optional: tuple[str, ...] = ()

    @property
    def needs(self) -> str:
        """Its files in words."""
        return ", ".join(self.files) + (f"; more with {', '.join(self.optional)}" if self.optional else "")

    def present_files(self, data: Path) -> list[Path]:
        """Those of its files that are in a folder or right below it."""
        return [path for name in (*self.files, *self.optional) for path in every(data, name)]


@dataclass(frozen=True)
class Findings:
    """The tables that a protocol returned."""

    protocol: Protocol
    tables: Tables
