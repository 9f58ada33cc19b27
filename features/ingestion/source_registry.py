"""Finds the layout of a table by its columns, among those of all files in `sources/`."""

from collections.abc import Sequence
from importlib import import_module

from ..base.errors import DataError, UsageError
from . import sources
from .layout import Layout
from .sources import SOURCES


def _layouts_of(source: str) -> tuple[Layout, ...]:
    return import_module(f"{sources.__name__}.{source.replace('-', '_')}").LAYOUTS


LAYOUTS: tuple[Layout, ...] = tuple(layout for source in SOURCES for layout in _layouts_of(source))


def find_layout(columns: Sequence[str], where: str, source: str | None = None) -> Layout:
    """Find the layout of a table; of several that fit, the one that needs most columns.

    Args:
        columns: names of the table's columns.
        where: what to call the table in an error.
        source: one of `SOURCES`, to consider only its layouts.

    Raises:
        DataError: no layout fits.
        UsageError: the source is unknown.
    """
    if source is not None and source not in SOURCES:
        raise UsageError(f"source: {source!r} is not known; use one of {', '.join(SOURCES)}")
    fitting = [layout for layout in LAYOUTS if source in (None, layout.source) and layout.fits(columns)]
    if not fitting:
        raise DataError(_no_layout(columns, where, source))
    return max(fitting, key=lambda layout: len(layout.needs))


def _no_layout(columns: Sequence[str], where: str, source: str | None) -> str:
    fits = "no known format" if source is None else f"no table of {source}"
    problem = f"{where}: columns fit {fits}; got: {', '.join(columns)}"
    if source is None:
        tables = {name: [layout.name for layout in LAYOUTS if layout.source == name] for name in SOURCES}
        known = ", ".join(f"{name} ({', '.join(layouts)})" for name, layouts in tables.items())
        return f"{problem}; known: {known}; their columns are listed in docs/formats.md"
    needed = "; ".join(f"{layout.name}: {', '.join(layout.needs)}" for layout in LAYOUTS if layout.source == source)
    return f"{problem}; needed, `|` standing for or: {needed}"
