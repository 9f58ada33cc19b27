"""What a person sees: progress bars and messages on stderr, tables on stdout. Nothing here computes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..features.base.untrusted_text import shortened

if TYPE_CHECKING:
    import pandas as pd

_errors = Console(stderr=True, highlight=False, soft_wrap=True)
_WIDE = 160  # where there is no terminal to ask
_output = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no remarks; only results and errors.")]
"""The option of every command that speaks through a `Screen`."""


class Screen:
    """Where a command speaks; `quiet` leaves only results and errors."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def say(self, message: str) -> None:
        """One line about what was done, on stderr."""
        if not self.quiet:
            _errors.print(shortened(message), markup=False)

    def show(self, text: str) -> None:
        """A result, on stdout, as it is."""
        sys.stdout.write(text + "\n")

    def table(self, frame: "pd.DataFrame", title: str | None = None) -> None:
        """A frame as a table on stdout; names in it are no markup."""
        from pandas.api.types import is_numeric_dtype

        drawn = Table(title=escape(title) if title else None, title_justify="left", header_style="bold")
        for position, name in enumerate(frame.columns):
            drawn.add_column(
                escape(str(name)),
                justify="right" if is_numeric_dtype(frame[name].dtype) else "left",
                overflow="fold",
                no_wrap=position == 0,
            )
        for row in frame.itertuples(index=False):
            drawn.add_row(*(escape(_cell(value)) for value in row))
        _output.print(drawn)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[..., None]]:
        """A bar on stderr while the block runs; the block calls what it is given with (done, total)."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=_errors, disable=self.quiet or not _errors.is_terminal) as bar:
            task = bar.add_task(what, total=None)

            def advance(done: int, total: int, described: str = what) -> None:
                bar.update(task, completed=done, total=total or None, description=described)

            yield advance

    @contextmanager
    def steps(self, what: str) -> Iterator[Callable[[str, int, int], None]]:
        """A bar for work of several named steps; the block calls what it is given with (step, done, total)."""
        with self.progress(what) as advance:
            yield lambda step, done, total: advance(done, total, f"{what}: {step}")


def complain(message: str) -> None:
    """An error or a warning: one line on stderr, quiet or not."""
    _errors.print(shortened(message), markup=False)


def _cell(value: object) -> str:
    if value is None or value != value:  # None, NaN, NaT
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
