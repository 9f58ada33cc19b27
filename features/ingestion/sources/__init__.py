"""The formats that can be read: which one a file has is told by its columns."""

from collections.abc import Sequence

from ...base.errors import DataError, UsageError
from . import amlsim, bitcoin_etl, ethereum_etl, etherscan, walletprint
from .base import PROBLEM, SKIP, Context, Layout, Lookup, lookup_of

__all__ = ["LAYOUTS", "PROBLEM", "SKIP", "SOURCES", "Context", "Layout", "Lookup", "find_layout", "lookup_of"]

LAYOUTS: tuple[Layout, ...] = (
    *walletprint.LAYOUTS,
    *etherscan.LAYOUTS,
    *ethereum_etl.LAYOUTS,
    *bitcoin_etl.LAYOUTS,
    *amlsim.LAYOUTS,
)
SOURCES: tuple[str, ...] = tuple(dict.fromkeys(layout.source for layout in LAYOUTS))
"""Names that `--source` takes."""


def find_layout(names: Sequence[str], where: str, source: str | None = None) -> Layout:
    """The layout of a table with these columns; of several that fit, the one that asks for most.

    Args:
        names: the columns that came.
        where: what to call the table in an error.
        source: one of `SOURCES`, to look among its layouts only.

    Raises:
        DataError: no layout fits.
        UsageError: the source is not known.
    """
    if source is not None and source not in SOURCES:
        raise UsageError(f"source: {source!r} is not known; use one of {', '.join(SOURCES)}")
    fitting = [layout for layout in LAYOUTS if source in (None, layout.source) and layout.fits(names)]
    if not fitting:
        raise DataError(_no_layout(names, where, source))
    return max(fitting, key=lambda layout: len(layout.needs))


def _no_layout(names: Sequence[str], where: str, source: str | None) -> str:
    came = f"{where}: columns fit {'no known format' if source is None else f'no table of {source}'}; came: {', '.join(names)}"
    if source is None:
        tables = {name: [layout.name for layout in LAYOUTS if layout.source == name] for name in SOURCES}
        known = ", ".join(f"{name} ({', '.join(layouts)})" for name, layouts in tables.items())
        return f"{came}; known: {known}; their columns are listed in docs/formats.md"
    needed = "; ".join(f"{layout.name}: {', '.join(layout.needs)}" for layout in LAYOUTS if layout.source == source)
    return f"{came}; needed, `|` standing for or: {needed}"
