"""Texts of strangers made harmless where people read them: formulas in tables, markup in pages, whole addresses in messages."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
"""What a spreadsheet takes for a formula's beginning."""

_MARKUP = str.maketrans({letter: f"\\{letter}" for letter in "\\`[]|"} | {"<": "&lt;"})

_ADDRESS = re.compile(
    r"\b(0x[0-9a-fA-F]{4})[0-9a-fA-F]{32,}([0-9a-fA-F]{4})\b"
    r"|\b((?:bc1|tb1|ltc1)[a-z0-9]{3})[a-z0-9]{20,}([a-z0-9]{4})\b"
    r"|\b(?=\w*[A-Z])([13T][1-9A-HJ-NP-Za-km-z]{5})[1-9A-HJ-NP-Za-km-z]{15,24}([1-9A-HJ-NP-Za-km-z]{4})\b"
)


def safe_cell(value: Any) -> Any:
    """A cell of a CSV file; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    return "'" + value if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value


def csv_text(table: "pd.DataFrame") -> str:
    """A table as CSV without its index, of which a spreadsheet runs no cell and no column's name."""
    from pandas.api.types import is_any_real_numeric_dtype

    safe = table.copy(deep=False)
    for place, kind in enumerate(table.dtypes):
        if not is_any_real_numeric_dtype(kind):
            safe.isetitem(place, table.iloc[:, place].map(safe_cell))
    safe.columns = [safe_cell(name) for name in table.columns]
    return safe.to_csv(index=False, lineterminator="\n")


def markdown_text(value: Any) -> str:
    """A value in a line or a cell of Markdown: no link, picture, HTML or further cell comes of it.

    >>> print(markdown_text("[x](http://y) <b>|"))
    \\[x\\](http://y) &lt;b>\\|
    """
    return " ".join(str(value).translate(_MARKUP).split())


def shortened(text: str) -> str:
    """A message in which no address stands whole.

    >>> shortened("no label of 0x00000000219ab540356cbb839cbe05303d7705fa in labels.csv")
    'no label of 0x0000…05fa in labels.csv'
    """
    return _ADDRESS.sub(lambda found: "…".join(part for part in found.groups() if part), text)
